//! "My store, then my load", between many hurried threads and one that can wait.
//!
//! Each side stores a word and then reads the other's: a producer says *busy* and looks whether its
//! lane was closed or parked, whoever closes or parks says so and looks who is busy. At least one
//! must see the other, for which both need a full fence between store and load. A push happens
//! millions of times a second, a close once and a parking rarely, so that side pays for both:
//! `membarrier` (Linux 4.14) makes every running thread of the process pass a full fence, and a
//! push needs only the compiler's.
//!
//! Without `membarrier` the lane's gate makes each push take a real fence before it looks whether
//! the lane is closed, and no lane is parked. Under loom both sides take one: to the model, an
//! asymmetric pair is a pair of fences.

use crate::primitive::{Ordering, fence, same_thread_fence};
use crate::ring::FENCED;

/// Which fences this process uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fences {
    process_wide: bool,
}

impl Fences {
    /// Registers with the kernel on the first call.
    pub(crate) fn detect() -> Self {
        Self { process_wide: membarrier::register() }
    }

    /// Whether lanes are parked: only where a push can look for it at no cost.
    pub(crate) fn can_park(self) -> bool {
        self.process_wide || cfg!(loom)
    }

    /// What makes a push take a full fence where this side cannot take it for both.
    pub(crate) fn gate(self) -> u32 {
        if self.can_park() { 0 } else { FENCED }
    }

    /// A close or parking, between its stores and its loads.
    pub(crate) fn heavy(self) {
        fence(Ordering::SeqCst);
        if self.process_wide {
            membarrier::all_threads();
        }
    }
}

/// The hurried side, between its store and its load.
#[inline]
pub(crate) fn light() {
    same_thread_fence();
    if cfg!(loom) {
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(target_os = "linux", not(loom), not(miri)))]
mod membarrier {
    use std::sync::OnceLock;

    pub(super) fn register() -> bool {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        *REGISTERED.get_or_init(|| call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
    }

    pub(super) fn all_threads() {
        // Only want of memory makes a registered call fail, and only for a moment. Should it last,
        // a push that overlaps the close may stay in its lane, counted as pending.
        for _ in 0..1_000 {
            if call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
                return;
            }
            std::thread::yield_now();
        }
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: takes numbers only and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(not(all(target_os = "linux", not(loom), not(miri))))]
mod membarrier {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn all_threads() {}
}
