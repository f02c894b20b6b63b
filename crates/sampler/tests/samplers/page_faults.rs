use damon_core::ops::{Job, Operations};
use damon_core::region::Range;
use damon_core::scheme::{Action, PageFilters};
use damon_machine::Machine;
use damon_sampler::{PageFaultsConfig, SamplerConfig};

use crate::{MIB, even, refused, run};

const EVERY: PageFaultsConfig =
    PageFaultsConfig { period: 1, physical: true, sample_ns: 500, seed: 1 };

fn faults(config: PageFaultsConfig) -> SamplerConfig {
    SamplerConfig::PageFaults(config)
}

/// A machine whose first 16 MiB have been paged out.
fn paged_out() -> Machine {
    let mut machine = even();
    let job = Job {
        tgid: None,
        range: Range { start: 0, end: 16 * MIB },
        action: Action::PageOut,
        target_nid: None,
        destinations: &[],
        filters: PageFilters::new(&[], false),
    };
    // At first everything looks accessed, and stays.
    machine.apply(&job, &mut None);
    machine.apply(&job, &mut None);
    assert_eq!(machine.out_pages(), 16 * MIB / 4096);
    machine
}

#[test]
fn every_so_many_th_page_that_comes_back_is_sampled_and_nothing_that_stayed() {
    let all = run(paged_out(), &faults(EVERY), 1_000);
    assert_eq!(all.counters.selected, 4_096);
    assert_eq!(all.reports.len(), 4_096);
    assert!(all.reports.iter().all(|report| report.tgid == 7));
    assert_eq!(all.counters.overhead_ns, 4_096 * 500);
    let some = run(paged_out(), &faults(PageFaultsConfig { period: 100, ..EVERY }), 1_000);
    assert_eq!(some.counters.selected, 40);
    assert_eq!(run(even(), &faults(EVERY), 100).counters.selected, 0);
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(refused(&faults(PageFaultsConfig { period: 0, ..EVERY })).0, "period");
    let slow = PageFaultsConfig { sample_ns: 1_000_001, ..EVERY };
    assert_eq!(refused(&faults(slow)).0, "sampleNs");
}
