//! The clock of a live monitor.

/// Nanoseconds that only go forward.
pub trait Clock: Send + Sync {
    /// Now.
    fn now_ns(&self) -> u64;
}

/// The machine's monotonic clock: `CLOCK_MONOTONIC` where there is one, which is what
/// `process.hrtime` reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct MonotonicClock;

#[cfg(unix)]
impl Clock for MonotonicClock {
    fn now_ns(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes to a live timespec. The clock exists on every Unix, so it cannot fail.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}

#[cfg(not(unix))]
impl Clock for MonotonicClock {
    fn now_ns(&self) -> u64 {
        use std::sync::OnceLock;
        use std::time::Instant;
        static STARTED: OnceLock<Instant> = OnceLock::new();
        STARTED.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }
}
