use std::collections::HashMap;

use damon_machine::workload::{Line, PageSize, Pattern};
use damon_sampler::{HintFaultsConfig, SamplerConfig};

use crate::{MIB, MS, area, even, hot_set, machine, on_cxl, refused, run};

fn config() -> HintFaultsConfig {
    HintFaultsConfig {
        scan_bytes: 16 * MIB,
        scan_period_ns: 100 * MS,
        start_delay_ns: 0,
        nodes: vec![],
        hot_threshold_ns: 1_000 * MS,
        rate_limit_bytes_hz: 1 << 36,
        physical: true,
        fault_ns: 1_500,
        scan_entry_ns: 7,
        seed: 1,
    }
}

fn faults(config: HintFaultsConfig) -> SamplerConfig {
    SamplerConfig::HintFaults(config)
}

#[test]
fn a_page_faults_once_per_scan_however_often_it_is_touched() {
    // 128 MiB in scans of 16 MiB, ten a second: a pass takes 0.8 s.
    let found = run(even(), &faults(config()), 1_600);
    let mut times = HashMap::new();
    for report in &found.reports {
        *times.entry(report.address).or_insert(0) += 1;
    }
    assert_eq!(times.len(), 32_768, "every page");
    assert!(times.values().all(|faults| *faults <= 2), "in two passes");
    assert!(found.reports.len() > 60_000);
    // The scanner's entries and the faults are paid for.
    let entries = 16 * 4_096;
    assert_eq!(found.counters.overhead_ns, entries * 7 + found.counters.selected * 1_500);
}

#[test]
fn what_is_touched_seldom_faults_late_and_is_not_reported() {
    // One page in eight gets all but a trifle.
    let lines = vec![Line::new(0, hot_set(32 * MIB, 0.999_999_9))];
    let machine = machine(vec![area(256 * MIB, 0)], lines);
    let config = HintFaultsConfig {
        scan_bytes: 256 * MIB,
        scan_period_ns: 2_000 * MS,
        hot_threshold_ns: 50 * MS,
        ..config()
    };
    let found = run(machine, &faults(config), 2_000);
    let hot = found.reports.iter().filter(|report| report.address < 32 * MIB).count();
    assert!(hot > 8_000, "{hot} of 8,192");
    assert!(found.reports.len() - hot < 800, "{} cold ones", found.reports.len() - hot);
    assert!(found.counters.samples_filtered > 0);
}

#[test]
fn only_the_nodes_that_are_scanned_fault_and_a_huge_page_faults_whole() {
    let slow = run(even(), &faults(HintFaultsConfig { nodes: vec![1], ..config() }), 1_000);
    assert!(!slow.reports.is_empty() && slow.reports.iter().all(on_cxl));
    let huge = damon_machine::workload::Area { page_size: PageSize::Huge, ..area(64 * MIB, 0) };
    let machine = machine(vec![huge], vec![Line::new(0, Pattern::Uniform)]);
    let found = run(machine, &faults(config()), 400);
    assert_eq!(found.reports.len(), 32, "of 2 MiB each");
}

#[test]
fn no_more_is_reported_than_the_rate_limit() {
    let limited = HintFaultsConfig { rate_limit_bytes_hz: 4 * MIB, ..config() };
    let counters = run(even(), &faults(limited), 2_000).counters;
    assert_eq!(counters.reported, 2 * 1_024);
    assert!(counters.samples_filtered > 30_000);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |config| refused(&faults(config)).0;
    for scan_bytes in [0, 5_000] {
        assert_eq!(refused(HintFaultsConfig { scan_bytes, ..config() }), "scanBytes");
    }
    assert_eq!(refused(HintFaultsConfig { scan_period_ns: 0, ..config() }), "scanPeriodNs");
    assert_eq!(refused(HintFaultsConfig { nodes: vec![9], ..config() }), "nodes");
    assert_eq!(refused(HintFaultsConfig { hot_threshold_ns: 0, ..config() }), "hotThresholdNs");
    let limit = HintFaultsConfig { rate_limit_bytes_hz: 0, ..config() };
    assert_eq!(refused(limit), "rateLimitBytesPerS");
}
