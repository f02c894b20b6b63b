//! What a lane's pointer points to.
//!
//! The memory of a lane is never freed, only lent again: whatever a late signal handler or another
//! thread does with a pointer it once had, it finds a lane there, and in it who may use it. There
//! are as many as were ever attached at the same time, and what a vacant one costs is its size.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use damon_ring::Producer;

/// The writing end of one lane of a monitor. Belongs to the thread that attached it.
pub struct Lane {
    /// [`this_thread`] of whoever attached it, or [`NOBODY`].
    owner: AtomicUsize,
    /// Reached by the owner alone.
    producer: UnsafeCell<Option<Producer>>,
}

// SAFETY: every thread may read `owner`. `producer` is reached only by the thread that finds itself
// there, and a thread finds itself there only if it, or a thread that has ended, put it there:
// nobody stores another one's number, and the only other value, `NOBODY`, is stored by the owner.
// From one owner to the next the lane passes through the lock of `SPARE`. A thread that has ended
// does nothing more, and the thread that later has its number was created after that.
unsafe impl Sync for Lane {}

/// Why a lane was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    WrongThread,
    Detached,
}

/// No thread has this number: it is the address of a thread's own block.
const NOBODY: usize = 0;

#[inline]
fn this_thread() -> usize {
    // SAFETY: has no duties. POSIX leaves it out of the functions that a signal handler may call,
    // but it reads a register or a word of the thread's own block in every libc there is.
    (unsafe { libc::pthread_self() }) as usize
}

/// Lanes that nobody has.
fn spare() -> MutexGuard<'static, Vec<&'static Lane>> {
    static SPARE: Mutex<Vec<&'static Lane>> = Mutex::new(Vec::new());
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    /// A lane of this thread's.
    pub(crate) fn lend(producer: Producer) -> &'static Self {
        let vacant = || Self { owner: AtomicUsize::new(NOBODY), producer: UnsafeCell::new(None) };
        let spare = spare().pop();
        let lane: &'static Self = spare.unwrap_or_else(|| Box::leak(Box::new(vacant())));
        // SAFETY: a lane that is spare or new has no owner, and only this thread has taken it.
        unsafe { *lane.producer.get() = Some(producer) };
        // Against a handler on this thread that still has the pointer from an earlier time.
        compiler_fence(Ordering::SeqCst);
        lane.owner.store(this_thread(), Ordering::Relaxed);
        lane
    }

    /// For the owner.
    #[inline]
    pub(crate) fn producer(&self) -> Result<&Producer, Refused> {
        self.check()?;
        // SAFETY: this thread is the owner, and it does not give back during another call.
        unsafe { &*self.producer.get() }.as_ref().ok_or(Refused::Detached)
    }

    #[inline]
    fn check(&self) -> Result<(), Refused> {
        match self.owner.load(Ordering::Relaxed) {
            owner if owner == this_thread() => Ok(()),
            NOBODY => Err(Refused::Detached),
            _ => Err(Refused::WrongThread),
        }
    }

    /// Ends the owner's use.
    ///
    /// # Safety
    ///
    /// What [`producer`](Self::producer) returned to this thread is used no more.
    pub(crate) unsafe fn give_back(&'static self) -> Result<(), Refused> {
        self.check()?;
        self.owner.store(NOBODY, Ordering::Relaxed);
        // A handler that comes from here on is refused; one that came before has ended.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: this thread was the owner, there is none now, and the lane is not spare yet.
        let producer = unsafe { (*self.producer.get()).take() };
        drop(producer);
        spare().push(self);
        Ok(())
    }
}
