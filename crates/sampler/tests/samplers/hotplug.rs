use damon_machine::Machine;
use damon_machine::workload::{Line, Pattern, Phase, Process};
use damon_machine::{CpuChange, MachineConfig, Processor, Workload};
use damon_sampler::pebs::{Event, Pace};
use damon_sampler::{HintFaultsConfig, IbsOpConfig, InterruptConfig, PebsConfig, SamplerConfig};

use crate::{MIB, MS, area, nodes, run};

/// Four CPUs, of which two are away from 100 to 300 ms.
fn machine() -> Machine {
    let lines = vec![Line::new(0, Pattern::Uniform)];
    let phases = vec![Phase { duration_ns: u64::MAX, lines }];
    let process = Process { areas: vec![area(64 * MIB, 0)], phases, ..Process::new(7) };
    let workload = Workload { processes: vec![process] };
    let change = |at_ms, online| CpuChange { at_ns: at_ms * MS, cpus: 2..4, online };
    let hotplug = vec![change(100, false), change(300, true)];
    let config = MachineConfig::new(nodes(), Processor::zen5(4), workload);
    Machine::new(MachineConfig { hotplug, ..config }).unwrap()
}

fn samplers() -> [SamplerConfig; 2] {
    let pebs = PebsConfig {
        event: Event::Loads,
        pace: Pace::Period(30_011),
        physical: true,
        buffer_records: 16,
        shadow_events: 0,
        switch_ns: 7 * MS,
        record_ns: 250,
        interrupts: InterruptConfig::default(),
        seed: 1,
    };
    [SamplerConfig::IbsOp(IbsOpConfig::default()), SamplerConfig::Pebs(pebs)]
}

#[test]
fn a_cpu_that_is_away_is_not_sampled_and_one_that_is_back_is_again() {
    for config in samplers() {
        let reports = run(machine(), &config, 500).reports;
        let in_span = |cpu, from_ms, to_ms| {
            let within = |time_ns: u64| (from_ms * MS..to_ms * MS).contains(&time_ns);
            reports.iter().filter(|report| report.cpu == cpu && within(report.time_ns)).count()
        };
        for cpu in 2..4 {
            let (before, away, after) =
                (in_span(cpu, 0, 100), in_span(cpu, 100, 300), in_span(cpu, 300, 500));
            assert!(before > 100 && away == 0, "{before} {away} {config:?}");
            let rate = after as f64 / before as f64;
            assert!((1.8..2.2).contains(&rate), "{rate} {config:?}");
        }
        assert!(in_span(0, 100, 300) > 200, "the others go on");
    }
}

#[test]
fn what_a_cpu_did_is_told_of_its_process_though_it_has_gone_since() {
    let faults = HintFaultsConfig {
        scan_bytes: MIB / 4,
        scan_period_ns: MS,
        start_delay_ns: 0,
        nodes: vec![],
        hot_threshold_ns: 1_000 * MS,
        rate_limit_bytes_hz: 1 << 40,
        physical: false,
        fault_ns: 1_000,
        scan_entry_ns: 0,
        seed: 1,
    };
    // The CPUs go at the end of a tick: what is in a buffer then is reported when they are away.
    for config in samplers().into_iter().chain([SamplerConfig::HintFaults(faults)]) {
        let reports = run(machine(), &config, 200).reports;
        let last =
            reports.iter().filter(|report| report.cpu >= 2).map(|report| report.time_ns).max();
        assert!((95 * MS..100 * MS).contains(&last.unwrap()), "{last:?} {config:?}");
        for report in &reports {
            assert_eq!((report.tgid, report.tid), (7, 7 + u32::from(report.cpu)), "{config:?}");
        }
    }
}

#[test]
fn the_event_of_a_cpu_that_comes_back_is_a_new_one() {
    // Cycle counting without a random start: samples a period apart, from a phase of the CPU's own.
    let rated = IbsOpConfig {
        rate_hz: Some(1_000_000_000),
        data_share: Some(1.0),
        ..IbsOpConfig::default()
    };
    let reports = run(machine(), &SamplerConfig::IbsOp(rated), 500).reports;
    let phase = |from_ms, to_ms| {
        let within = |time_ns: u64| (from_ms * MS..to_ms * MS).contains(&time_ns);
        let first = reports.iter().find(|report| report.cpu == 2 && within(report.time_ns));
        first.map(|report| (report.time_ns - from_ms * MS) % rated.period).unwrap()
    };
    let (before, after) = (phase(0, 100), phase(300, 500));
    // Had the count gone on, or stood still, the second would follow from the first.
    let on = (before + rated.period - 300 * MS % rated.period) % rated.period;
    let still = (before + rated.period - 100 * MS % rated.period) % rated.period;
    assert!(after.abs_diff(on) > 100 && after.abs_diff(still) > 100, "{before} {after}");
}
