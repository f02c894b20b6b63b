//! The only place that names the atomics, so that the same lanes run under loom.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::fence,
    sync::{Arc, Mutex},
    thread::yield_now,
};
#[cfg(loom)]
pub(crate) use modelled::{AtomicBool, AtomicU32, AtomicU64, held};
#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence},
    sync::{Arc, Mutex},
    thread::yield_now,
};

/// Keeps the compiler, not the CPU, from moving memory accesses across: all that program order
/// on one thread needs against a signal handler on the same thread.
pub(crate) fn same_thread_fence() {
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// What a word holds that no other thread writes.
#[cfg(not(loom))]
#[inline]
pub(crate) fn held(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

/// Loom's atomics, each access made a place where loom tries the other threads.
///
/// Loom 0.7 looks for another order only at the *last* access to an atomic. Whoever loads an atomic
/// just before storing it, as a push does with `head`, hides the other side's access from it, and
/// most interleavings are not tried. A condition variable nobody waits for is such a place and
/// nothing else: any two uses of it conflict, and it orders no memory.
#[cfg(loom)]
mod modelled {
    use std::ops::Deref;

    use loom::sync::{Condvar, atomic};

    pub(crate) type AtomicBool = Modelled<atomic::AtomicBool>;
    pub(crate) type AtomicU32 = Modelled<atomic::AtomicU32>;
    pub(crate) type AtomicU64 = Modelled<atomic::AtomicU64>;

    pub(crate) struct Modelled<A> {
        atomic: A,
        access: Condvar,
    }

    impl<A> Modelled<A> {
        pub(crate) fn new<T>(value: T) -> Self
        where
            A: From<T>,
        {
            Self { atomic: value.into(), access: Condvar::new() }
        }
    }

    /// What a word holds that no other thread writes: whatever they do meanwhile, it is the same, so
    /// loom need not try them here.
    pub(crate) fn held(word: &AtomicU64) -> u64 {
        word.atomic.load(super::Ordering::Relaxed)
    }

    impl<A> Deref for Modelled<A> {
        type Target = A;

        fn deref(&self) -> &A {
            self.access.notify_one();
            &self.atomic
        }
    }
}
