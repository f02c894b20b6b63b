//! What a run of the sampler looks like from outside: rates, gaps, books, determinism.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_machine::{HotSet, Interleave, Machine, MachineConfig, NodeConfig, Processor};
use damon_ring::{AccessReport, Lanes, LanesOptions};
use damon_sampler::{Counting, IbsOp, IbsOpConfig, IbsOpError};

const CONFIG: IbsOpConfig = IbsOpConfig {
    cpus: 4,
    period: 262_144,
    counting: Counting::Ops,
    rate_hz: 2_557_000_000,
    data_share: 0.41,
    seed: 1,
};

fn machine() -> Machine {
    let workload =
        HotSet { pages: 1000, hot_pages: 1000, hot_share: 1.0, store_share: 0.25, tgid: 7 };
    let nodes = vec![NodeConfig::dram(0, 128 << 20)];
    let workload = workload.placed(Interleave::even(1));
    Machine::new(MachineConfig::new(nodes, Processor::zen5(4), workload)).unwrap()
}

fn run(config: IbsOpConfig, seconds: u64) -> (IbsOp, Vec<AccessReport>) {
    let machine = machine();
    let mut sampler = IbsOp::new(config, 0).unwrap();
    let mut lanes = Lanes::new(LanesOptions::default()).unwrap();
    let producers: Vec<_> = (0..config.cpus).map(|_| lanes.add().unwrap()).collect();
    let mut reports = Vec::new();
    for tick in 1..=seconds * 200 {
        sampler.sample(&machine, tick * 5_000_000, &producers);
        lanes.drain(|lane, drained| {
            for report in drained.iter() {
                assert_eq!(lane, u32::from(report.cpu));
                let since_tick = report.time_ns + 2 >= (tick - 1) * 5_000_000;
                assert!(since_tick && report.time_ns < tick * 5_000_000);
                reports.push(report);
            }
        });
    }
    assert_eq!(lanes.counters().dropped_full, 0);
    (sampler, reports)
}

#[test]
fn the_books_balance_and_the_rate_is_the_periods() {
    let (sampler, reports) = run(CONFIG, 10);
    let counters = sampler.counters();
    assert_eq!(counters.samples_total, counters.samples_filtered + counters.reported);
    assert_eq!(counters.reported, reports.len() as u64);
    // 2.557e9 / (262144 - 64) = 9757 tags, of which 41 % = 4000 of use, per CPU and second.
    let per_cpu_second = reports.len() as f64 / 40.0;
    assert!((3_950.0..4_050.0).contains(&per_cpu_second), "{per_cpu_second}");
    let stores = reports.iter().filter(|report| report.write).count() as f64 / reports.len() as f64;
    assert!((0.24..0.26).contains(&stores), "{stores}");
    assert!(reports.iter().all(|report| report.address % 4096 == 0 && report.size == 4096));
}

#[test]
fn op_counting_varies_the_gap_by_1_to_127_and_cycle_counting_does_not() {
    let gaps = |counting| {
        let config = IbsOpConfig {
            cpus: 1,
            counting,
            period: 262_144,
            rate_hz: 1_000_000_000,
            data_share: 1.0,
            seed: 3,
        };
        // One count is one nanosecond.
        let (_, reports) = run(config, 10);
        reports.windows(2).map(|pair| pair[1].time_ns - pair[0].time_ns).collect::<Vec<_>>()
    };
    let ops = gaps(Counting::Ops);
    assert!(ops.iter().all(|gap| (262_144 - 128..=262_144).contains(gap)));
    let mean = ops.iter().sum::<u64>() as f64 / ops.len() as f64;
    assert!((mean - (262_144.0 - 64.0)).abs() < 2.0, "{mean}");
    assert!(gaps(Counting::Cycles).iter().all(|gap| gap.abs_diff(262_144) <= 1));
}

#[test]
fn the_same_seed_gives_the_same_reports_and_another_seed_others() {
    let reports = |seed| run(IbsOpConfig { seed, ..CONFIG }, 1).1;
    assert_eq!(reports(5), reports(5));
    assert_ne!(reports(5), reports(6));
}

#[test]
fn what_the_hardware_cannot_do_is_refused() {
    let refused = |config| IbsOp::new(config, 0).unwrap_err();
    for period in [0, 128, 262_145, 134_217_728] {
        assert_eq!(refused(IbsOpConfig { period, ..CONFIG }), IbsOpError::Period(period));
    }
    assert_eq!(refused(IbsOpConfig { cpus: 0, ..CONFIG }), IbsOpError::Cpus);
    assert_eq!(refused(IbsOpConfig { rate_hz: 0, ..CONFIG }), IbsOpError::Rate(0));
    for share in [0.0, 1.5, f64::NAN] {
        assert!(matches!(
            refused(IbsOpConfig { data_share: share, ..CONFIG }),
            IbsOpError::DataShare(_)
        ));
    }
}
