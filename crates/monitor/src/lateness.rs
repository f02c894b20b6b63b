//! How late the thread of an emulated monitor is: as Linux' is, whose windows slip by it.

use damon_core::random::Random;

/// What makes the thread late. By default nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessConfig {
    /// Mean of how much later than asked for it wakes up after a sampling interval, in nanoseconds:
    /// evenly from 0 to twice that. Its timers' and the scheduler's share.
    pub wake_up_ns: u64,
    /// What the schemes do is done by this thread: while memory is on its way, nobody drains.
    pub works: bool,
}

/// Ticks, and by how much they came late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessCounters {
    /// Sampling intervals begun.
    pub intervals: u64,
    /// Those that lasted longer than asked for.
    pub late: u64,
    /// Nanoseconds, of all of them, on account of the wake-up.
    pub wake_up_ns: u64,
    /// Nanoseconds, of all of them, on account of the schemes' work.
    pub work_ns: u64,
    /// Nanoseconds of the latest.
    pub most_ns: u64,
}

/// Draws how late each tick is.
#[derive(Debug)]
pub(crate) struct Lateness {
    config: LatenessConfig,
    random: Random,
    /// Work done since the tick before.
    work_ns: u64,
    pub(crate) counters: LatenessCounters,
}

impl Lateness {
    pub(crate) fn new(config: LatenessConfig, seed: u64) -> Self {
        let random = Random::new(seed ^ 0x6c61_7465_6e65_7373);
        Self { config, random, work_ns: 0, counters: LatenessCounters::default() }
    }

    /// A scheme's action took so long.
    pub(crate) fn worked(&mut self, elapsed_ns: u64) {
        if self.config.works {
            self.work_ns = self.work_ns.saturating_add(elapsed_ns);
        }
    }

    /// Nanoseconds by which the sampling interval that begins lasts longer than asked for.
    pub(crate) fn next_ns(&mut self) -> u64 {
        let wake_up_ns = match self.config.wake_up_ns {
            0 => 0,
            mean_ns => self.random.range(0, mean_ns.saturating_mul(2).saturating_add(1)),
        };
        let work_ns = std::mem::take(&mut self.work_ns);
        let late_ns = wake_up_ns.saturating_add(work_ns);
        let counters = &mut self.counters;
        counters.intervals += 1;
        counters.late += u64::from(late_ns > 0);
        counters.wake_up_ns = counters.wake_up_ns.saturating_add(wake_up_ns);
        counters.work_ns = counters.work_ns.saturating_add(work_ns);
        counters.most_ns = counters.most_ns.max(late_ns);
        late_ns
    }
}
