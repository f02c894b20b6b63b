//! The only place that names the atomics, so that the same ring runs under loom.

#[cfg(loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64},
    },
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64},
};

pub(crate) use std::sync::atomic::Ordering;

/// Keeps the compiler, not the CPU, from moving memory accesses across: all that program order
/// on one thread needs against a signal handler on the same thread.
pub(crate) fn same_thread_fence() {
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// std's cell behind loom's closure-taking interface.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
