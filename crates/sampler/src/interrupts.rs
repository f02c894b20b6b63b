//! What the kernel lets a sampler's interrupts cost. `samplers.md` 1.8.
//!
//! Two rules. The average time of a handler, over some 128 samples, times the largest rate that is
//! allowed must stay below a share of the CPU's time, or the largest rate is lowered, for good. And an
//! event that interrupts more often within one kernel tick than that rate allows is stopped until
//! the next tick.
//!
//! Simplified: every interrupt takes the same time, and the largest rate is each CPU's own; the
//! kernel has one for all.

use crate::error::{SamplerError, within};

/// Kernel ticks per second.
const HZ: u64 = 250;
/// Nanoseconds of one.
const TICK_NS: u64 = 1_000_000_000 / HZ;
/// Samples that the average is taken over.
const WINDOW: u64 = 128;

/// The interrupts of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterruptConfig {
    /// Nanoseconds of one, the handler's included.
    pub handler_ns: u32,
    /// Most samples per second and CPU, from 250. `kernel.perf_event_max_sample_rate`.
    pub max_rate_hz: u32,
    /// Share of a CPU's time that handlers may take, in percent; 0 or 100 for no such rule.
    /// `kernel.perf_cpu_time_max_percent`.
    pub cpu_percent_max: u8,
}

impl Default for InterruptConfig {
    /// A Genoa's handler, a kernel's limits.
    fn default() -> Self {
        Self { handler_ns: 1_270, max_rate_hz: 100_000, cpu_percent_max: 25 }
    }
}

impl InterruptConfig {
    pub(crate) fn check(&self) -> Result<(), SamplerError> {
        within("interrupts.handlerNs", u64::from(self.handler_ns), 0..=1_000_000)?;
        within("interrupts.maxRateHz", u64::from(self.max_rate_hz), HZ..=1_000_000_000)?;
        within("interrupts.cpuPercentMax", u64::from(self.cpu_percent_max), 0..=100)
    }
}

/// The interrupts of an event on one CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupts {
    config: InterruptConfig,
    /// In one tick.
    limit: u64,
    /// Nanoseconds that a handler may take on average; none if there is no such rule.
    budget_ns: Option<u64>,
    /// 128 times the average time of a handler.
    sum_ns: u64,
    tick: u64,
    /// In that tick.
    taken: u64,
}

impl Interrupts {
    pub(crate) fn new(config: InterruptConfig) -> Self {
        let max_rate = u64::from(config.max_rate_hz);
        let percent = u64::from(config.cpu_percent_max);
        let limited = (1..100).contains(&percent);
        Self {
            config,
            limit: max_rate.div_ceil(HZ),
            budget_ns: limited.then_some(1_000_000_000 / 100 * percent / max_rate),
            sum_ns: 0,
            tick: 0,
            taken: 0,
        }
    }

    pub(crate) fn handler_ns(&self) -> u64 {
        u64::from(self.config.handler_ns)
    }

    /// Whether neither rule can ever apply to interrupts that are so far apart.
    pub(crate) fn never_bind(&self, gap_ns: u64) -> bool {
        let affordable = self.budget_ns.is_none_or(|budget_ns| self.handler_ns() <= budget_ns);
        // That is `TICK_NS / gap_ns + 2 <= limit`, the most in a tick, without the division.
        affordable && TICK_NS < self.limit.saturating_sub(1).saturating_mul(gap_ns.max(1))
    }

    /// One interrupt. When the event goes on, if it is stopped.
    pub(crate) fn take(&mut self, now_ns: u64) -> Option<u64> {
        self.average();
        let tick = now_ns / TICK_NS;
        if tick != self.tick {
            (self.tick, self.taken) = (tick, 0);
        }
        self.taken += 1;
        (self.taken > self.limit).then(|| (tick + 1) * TICK_NS)
    }

    fn average(&mut self) {
        self.sum_ns = self.sum_ns - self.sum_ns / WINDOW + self.handler_ns();
        let average_ns = self.sum_ns / WINDOW;
        if self.budget_ns.is_some_and(|budget_ns| average_ns > budget_ns) {
            // A quarter more than it takes, so that this does not happen again at once.
            let allowed_ns = average_ns + average_ns / 4;
            let percent = u64::from(self.config.cpu_percent_max);
            self.limit = (TICK_NS / 100 * percent / allowed_ns).max(1);
            self.budget_ns = Some(1_000_000_000 / 100 * percent / (self.limit * HZ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interrupts up to the first stop, and when the event goes on.
    fn until_stopped(config: InterruptConfig, gap_ns: u64, most: u64) -> Option<(u64, u64)> {
        let mut interrupts = Interrupts::new(config);
        (1..=most).find_map(|n| interrupts.take(n * gap_ns).map(|resumes| (n, resumes)))
    }

    #[test]
    fn an_event_is_stopped_until_the_next_tick_when_it_comes_too_often() {
        // 400 in a tick of 4 ms.
        let config = InterruptConfig::default();
        assert_eq!(until_stopped(config, 10_001, 1_000_000), None);
        assert_eq!(until_stopped(config, 1_000, 1_000_000), Some((401, 4_000_000)));
    }

    #[test]
    fn a_handler_that_takes_more_than_2500_ns_lowers_the_rate_and_one_that_does_not_does_not() {
        let limit = |handler_ns| {
            let mut interrupts =
                Interrupts::new(InterruptConfig { handler_ns, ..InterruptConfig::default() });
            let before = interrupts.limit;
            (0..10_000).for_each(|n| {
                interrupts.take(n * 20_000);
            });
            (before, interrupts.limit)
        };
        assert_eq!(limit(2_500), (400, 400));
        // Lowered when the average passes 2.5 us: 25 % of a tick for 1.25 times that.
        assert_eq!(limit(3_000), (400, 319));
        assert!(limit(20_000).1 < 50);
        let free = InterruptConfig {
            handler_ns: 90_000,
            cpu_percent_max: 100,
            ..InterruptConfig::default()
        };
        assert!(Interrupts::new(free).never_bind(100_000));
    }
}
