use damon_sampler::pebs::{Event, Pace};
use damon_sampler::{Counting, IbsOpConfig, InterruptConfig, PebsConfig, SamplerConfig};

use crate::{MS, even, run_on};

#[test]
fn how_many_threads_sample_does_not_show() {
    // Some thousand reports a tick: worth a thread.
    let ibs = IbsOpConfig {
        period: 16_384,
        counting: Counting::Ops,
        rate_hz: Some(4_000_000_000),
        interrupts: InterruptConfig { max_rate_hz: 1_000_000, ..InterruptConfig::default() },
        ..IbsOpConfig::default()
    };
    let pebs = PebsConfig {
        event: Event::Loads,
        pace: Pace::Frequency(90_000),
        physical: false,
        buffer_records: 1,
        shadow_events: 3,
        switch_ns: 4 * MS,
        record_ns: 250,
        interrupts: InterruptConfig::default(),
        seed: 1,
    };
    for config in [SamplerConfig::IbsOp(ibs), SamplerConfig::Pebs(pebs)] {
        let alone = run_on(1, even(), &config, 300);
        assert!(alone.reports.len() > 60 * 500);
        for threads in [2, 3] {
            assert!(
                run_on(threads, even(), &config, 300) == alone,
                "{threads} threads, {config:?}"
            );
        }
    }
}
