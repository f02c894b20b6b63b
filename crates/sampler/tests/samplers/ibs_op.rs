use std::collections::HashSet;

use damon_machine::workload::{Line, Pattern};
use damon_machine::{Direction, Reach};
use damon_sampler::{Counting, Generation, IbsOpConfig, InterruptConfig, SamplerConfig};

use crate::{MIB, area, even, hot_set, machine, nodes, on_cxl, refused, run, share};

/// 2.557e9 / 262144 = 9754 tags a second, of which 41 % access data.
const RATED: IbsOpConfig = IbsOpConfig {
    generation: Generation::Zen5,
    period: 262_144,
    counting: Counting::Cycles,
    l3_miss_only: false,
    latency_min: None,
    rate_hz: Some(2_557_000_000),
    data_share: Some(0.41),
    stall_share: 0.0,
    data_source: false,
    interrupts: InterruptConfig { handler_ns: 1_270, max_rate_hz: 100_000, cpu_percent_max: 25 },
    seed: 1,
};

fn ibs(config: IbsOpConfig) -> SamplerConfig {
    SamplerConfig::IbsOp(config)
}

#[test]
fn the_rate_is_the_periods_and_three_samples_in_five_carry_no_address() {
    let run = run(even(), &ibs(IbsOpConfig { counting: Counting::Ops, ..RATED }), 10_000);
    let per_cpu_second = run.reports.len() as f64 / 40.0;
    // 2.557e9 / (262144 - 64) = 9757 tags.
    assert!((3_950.0..4_050.0).contains(&per_cpu_second), "{per_cpu_second}");
    let filtered = run.counters.samples_filtered as f64 / run.counters.samples_total as f64;
    assert!((0.585..0.595).contains(&filtered), "{filtered}");
    let stores = share(|report| report.write, &run.reports);
    assert!((0.29..0.31).contains(&stores), "{stores}");
    assert_eq!(run.late, 0);
    let threads: HashSet<_> = run.reports.iter().map(|report| (report.tgid, report.tid)).collect();
    assert_eq!(threads, [(7, 7), (7, 8), (7, 9), (7, 10)].into());
    // 1.27 us for each of 9757 samples a second is 1.24 %.
    let overhead = run.counters.overhead_ns as f64 / 40e9;
    assert!((0.0123..0.0125).contains(&overhead), "{overhead}");
}

#[test]
fn op_counting_varies_the_gap_by_1_to_127_and_cycle_counting_does_not() {
    let gaps = |counting| {
        // One count is one nanosecond, and every op counts.
        let config =
            IbsOpConfig { counting, rate_hz: Some(1_000_000_000), data_share: Some(1.0), ..RATED };
        let reports = run(even(), &ibs(config), 10_000).reports;
        let times: Vec<_> =
            reports.iter().filter(|report| report.cpu == 0).map(|report| report.time_ns).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
    };
    let ops = gaps(Counting::Ops);
    assert!(ops.iter().all(|gap| (262_144 - 128..=262_144).contains(gap)));
    let mean = ops.iter().sum::<u64>() as f64 / ops.len() as f64;
    assert!((mean - (262_144.0 - 64.0)).abs() < 1.0, "{mean}");
    // Uniform: each quarter of the range as often as another.
    for quarter in 0..4 {
        let within = |gap: &&u64| ((262_144 - **gap) / 32).min(3) == quarter;
        let share = ops.iter().filter(within).count() as f64 / ops.len() as f64;
        assert!((0.23..0.27).contains(&share), "{quarter}: {share}");
    }
    assert!(gaps(Counting::Cycles).iter().all(|gap| gap.abs_diff(262_144) <= 1));
}

#[test]
fn without_a_rate_of_its_own_it_follows_the_workload() {
    let config = IbsOpConfig { rate_hz: None, data_share: None, ..RATED };
    let cycles = run(even(), &ibs(config), 2_000).counters;
    // 3.7 GHz / 262144 on four CPUs, less what the handler takes.
    let full = 3.7e9 / 262_144.0 * 8.0;
    let rate = cycles.samples_total as f64 / full;
    assert!((0.975..0.99).contains(&rate), "{rate}");
    let ops = run(even(), &ibs(IbsOpConfig { counting: Counting::Ops, ..config }), 2_000).counters;
    // Memory-bound: far fewer ops than cycles.
    assert!(ops.samples_total * 2 < cycles.samples_total, "{ops:?}");
    assert!((0.38..0.44).contains(&(ops.reported as f64 / ops.samples_total as f64)));
}

#[test]
fn a_kernel_build_shows_mostly_no_data_and_first_level_hits() {
    // samplers.md 11 (a): 55 to 63 % of samples without data, of the others 92 to 97 % L1.
    let line = |hot_bytes, weight| Line { weight, ..Line::new(0, hot_set(hot_bytes, 0.98)) };
    let lines = vec![line(32 << 10, 60.0), line(512 << 10, 30.0), line(16 * MIB, 10.0)];
    let machine = machine(vec![area(256 * MIB, 0)], lines);
    let config = IbsOpConfig { data_source: true, period: 100_000, data_share: None, ..RATED };
    let run = run(machine, &ibs(config), 1_000);
    let sources = run.sources.unwrap();
    let total = run.counters.samples_total;
    let memory: u64 = sources.memory.iter().sum();
    let all = sources.none + sources.l1 + sources.l2 + sources.l3 + sources.store + memory;
    assert_eq!(all, total);
    let none = sources.none as f64 / total as f64;
    assert!((0.55..0.63).contains(&none), "{none}");
    let first = sources.l1 as f64 / (total - sources.none) as f64;
    assert!((0.92..0.97).contains(&first), "{first}");
}

#[test]
fn misses_only_is_the_rate_of_tags_times_the_share_of_misses() {
    // samplers.md 11 (c): the period is one between tags.
    let config = IbsOpConfig { l3_miss_only: true, data_share: Some(1.0), ..RATED };
    let machine = even();
    let served = machine.population(Some(0), &Reach::Nodes(vec![0, 1]), Direction::Both);
    let misses = served.hz() / machine.pace(0).memory_ops_hz;
    let run = run(machine, &ibs(config), 4_000);
    let counters = run.counters;
    assert_eq!(counters.samples_filtered, 0);
    let expected = counters.selected as f64 * misses;
    let deviation = (expected * (1.0 - misses)).sqrt();
    assert!(
        (counters.reported as f64 - expected).abs() < 4.0 * deviation,
        "{counters:?}, {expected}"
    );
    assert!(counters.discarded > 0);
}

#[test]
fn a_latency_threshold_lets_cxl_pass_and_dram_not_and_counts_no_stores() {
    // 130 ns of DRAM are 481 cycles of 3.7 GHz, 270 ns of CXL a thousand, and 50 for the third level.
    let config =
        IbsOpConfig { l3_miss_only: true, latency_min: Some(900), data_share: Some(1.0), ..RATED };
    let found = run(even(), &ibs(config), 500);
    assert!(found.reports.len() > 1_000);
    assert!(found.reports.iter().all(|report| on_cxl(report) && !report.write));
    // The hardware's threshold is 896 cycles; the driver drops what lies between.
    assert!(found.counters.discarded > found.counters.reported);
}

#[test]
fn an_event_that_comes_too_often_is_throttled() {
    // 1e9 / 4096 is 244 K a second, of 100 K allowed.
    let often = IbsOpConfig { period: 4_096, rate_hz: Some(1_000_000_000), ..RATED };
    let run_of = |config| run(even(), &ibs(config), 1_000).counters;
    let counters = run_of(often);
    assert!(counters.throttles >= 4 * 249, "each of 250 ticks: {counters:?}");
    let rate = counters.samples_total as f64 / 4.0;
    assert!((95_000.0..101_000.0).contains(&rate), "{rate}");
    assert_eq!(run_of(RATED).throttles, 0);
    // samplers.md 11 (e): a handler above 2.5 us lowers the largest rate.
    let rated = |handler_ns| {
        let interrupts = InterruptConfig { handler_ns, ..InterruptConfig::default() };
        run_of(IbsOpConfig { period: 16_384, rate_hz: Some(1_600_000_000), interrupts, ..RATED })
    };
    assert_eq!(rated(2_500).throttles, 0, "97,656 a second are allowed");
    assert!(rated(3_000).throttles > 0, "no longer");
}

#[test]
fn idle_cpus_are_not_sampled() {
    let mut machine = even();
    machine.advance(1);
    let lines = vec![Line::new(0, Pattern::Uniform)];
    let phases = vec![damon_machine::workload::Phase { duration_ns: u64::MAX, lines }];
    let process = damon_machine::workload::Process {
        cpus: Some(1..3),
        areas: vec![area(64 * MIB, 0)],
        phases,
        ..damon_machine::workload::Process::new(9)
    };
    let workload = damon_machine::Workload { processes: vec![process] };
    let config =
        damon_machine::MachineConfig::new(nodes(), damon_machine::Processor::zen5(4), workload);
    let machine = damon_machine::Machine::new(config).unwrap();
    let reports = run(machine, &ibs(RATED), 200).reports;
    let cpus: HashSet<_> = reports.iter().map(|report| (report.cpu, report.tid)).collect();
    assert_eq!(cpus, [(1, 9), (2, 10)].into());
}

#[test]
fn cycle_counting_weighs_pages_by_the_wait_for_them_and_op_counting_does_not() {
    // samplers.md 1.7, 2: 270 ns of CXL against 130 ns of DRAM, each touched as often.
    let chase = || {
        let line = |area| Line {
            reuse: Some(1.0),
            parallelism: Some(1.0),
            ..Line::new(area, Pattern::Uniform)
        };
        machine(vec![area(64 * MIB, 0), area(64 * MIB, 1)], vec![line(0), line(1)])
    };
    let on_cxl_of = |stall_share, counting| {
        let period = if counting == Counting::Ops { 1_024 } else { 65_536 };
        let (rate_hz, data_share) = (None, None);
        let config = IbsOpConfig { stall_share, counting, period, rate_hz, data_share, ..RATED };
        let found = run(chase(), &ibs(config), 2_000);
        (share(on_cxl, &found.reports), found.counters)
    };
    let (alike, plain) = on_cxl_of(0.0, Counting::Cycles);
    assert!((0.48..0.52).contains(&alike), "{alike}");
    let (half, _) = on_cxl_of(0.5, Counting::Cycles);
    let (all, near) = on_cxl_of(1.0, Counting::Cycles);
    // 270 / (130 + 270) is 0.675, as far as the cycles are waits.
    assert!(alike + 0.03 < half && half + 0.02 < all && all < 0.675, "{half} {all}");
    // And more samples carry an address: waits are for data.
    assert!(near.reported * 2 > plain.reported * 3, "{near:?}, {plain:?}");
    let (ops, _) = on_cxl_of(0.0, Counting::Ops);
    assert!((0.48..0.52).contains(&ops), "{ops}");
}

#[test]
fn the_same_seed_gives_the_same_reports_and_another_seed_others() {
    let reports = |seed| run(even(), &ibs(IbsOpConfig { seed, ..RATED }), 200).reports;
    assert_eq!(reports(5), reports(5));
    assert_ne!(reports(5), reports(6));
}

#[test]
fn what_the_hardware_cannot_do_is_refused() {
    for period in [0, 128, 262_145, 134_217_728] {
        let config = ibs(IbsOpConfig { period, ..RATED });
        assert_eq!(refused(&config), ("period", period.to_string()));
    }
    assert_eq!(refused(&ibs(IbsOpConfig { rate_hz: Some(0), ..RATED })).0, "rateHz");
    for share in [0.0, 1.5, f64::NAN] {
        let config = ibs(IbsOpConfig { data_share: Some(share), ..RATED });
        assert_eq!(refused(&config).0, "dataShare");
    }
    for stall_share in [-0.1, 1.1, f64::NAN] {
        assert_eq!(refused(&ibs(IbsOpConfig { stall_share, ..RATED })).0, "stallShare");
    }
    let ops = IbsOpConfig { stall_share: 0.5, counting: Counting::Ops, ..RATED };
    assert_eq!(refused(&ibs(ops)).0, "stallShare");
    let filtered = |generation, l3_miss_only, latency_min| {
        ibs(IbsOpConfig { generation, l3_miss_only, latency_min, ..RATED })
    };
    assert_eq!(refused(&filtered(Generation::Zen3, true, None)).0, "l3MissOnly");
    assert_eq!(refused(&filtered(Generation::Zen4, true, Some(256))).0, "latencyMin");
    assert_eq!(refused(&filtered(Generation::Zen5, false, Some(256))).0, "latencyMin");
    for latency_min in [127, 2_049] {
        let config = filtered(Generation::Zen6, false, Some(latency_min));
        assert_eq!(refused(&config), ("latencyMin", latency_min.to_string()));
    }
    let interrupts = InterruptConfig { max_rate_hz: 249, ..InterruptConfig::default() };
    assert_eq!(refused(&ibs(IbsOpConfig { interrupts, ..RATED })).0, "interrupts.maxRateHz");
}
