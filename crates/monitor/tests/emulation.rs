//! The simulated machine under a monitor: the closed loop, the books, determinism.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use common::{BLOCK, MIB, MS, in_context, machine, sampler, towards};
use damon_core::kdamond::{MetricValue, TuneRequest, Verdict};
use damon_core::ops::{Primitive, RegistryError};
use damon_core::{Attrs, OpsId};
use damon_monitor::{
    ContextConfig, Emulation, EmulationError, Event, LatenessConfig, LatenessCounters, Monitor,
    MonitorConfig, MonitorError, SourceCounters,
};
use damon_ring::LanesOptions;
use damon_sampler::pebs::{Event as PebsEvent, Pace};
use damon_sampler::{
    HintFaultsConfig, IbsOpConfig, InterruptConfig, PageFaultsConfig, PebsConfig, SamplerConfig,
};

const QUOTA: u64 = 4 * MIB;

fn config() -> MonitorConfig {
    MonitorConfig {
        snapshot_every_ns: 1_000 * MS,
        lanes: LanesOptions::default(),
        ..in_context(common::config(vec![towards(0, QUOTA), towards(1, QUOTA)]), |context| {
            context.attrs = Attrs { max_nr_regions: 100, ..Attrs::default() };
        })
    }
}

fn monitor(sampler: SamplerConfig, config: MonitorConfig) -> Monitor {
    let emulation = Emulation::new(machine(0), &sampler, 1).unwrap();
    Monitor::new(Box::new(emulation), config).unwrap()
}

/// The simplest tuner: everything below the target, nothing at it.
fn bang_bang(requests: &[TuneRequest], targets_bp: [u64; 2]) -> Vec<Verdict> {
    let verdict = |request: &TuneRequest| {
        let MetricValue::Share { value_bp, .. } = request.metrics[0] else { panic!("{request:?}") };
        let reached = value_bp >= targets_bp[request.scheme];
        Verdict::new(request.scheme, if reached { 0 } else { u64::MAX })
    };
    requests.iter().map(verdict).collect()
}

/// Runs so many seconds; after each, the share of the hot set on node 0 in basis points, and
/// everything said on the way.
fn run(monitor: &mut Monitor, seconds: u64, targets_bp: [u64; 2]) -> (Vec<u64>, String) {
    let (mut verdicts, mut shares, mut said) = (vec![], vec![], String::new());
    loop {
        match monitor.run(seconds * 1_000 * MS, &verdicts).unwrap() {
            Event::Tune => {
                said += &format!("{:?}", monitor.requests());
                verdicts = bang_bang(monitor.requests(), targets_bp);
            }
            Event::Snapshot => {
                said += &format!("{:?}", monitor.snapshot());
                let hot = monitor.hot_bytes_by_node().unwrap();
                shares.push(hot[0] * 10_000 / (hot[0] + hot[1]));
            }
            Event::Reached => return (shares, said),
            event => panic!("{event:?}"),
        }
    }
}

fn check_books(monitor: &Monitor) {
    let SourceCounters::Emulation { sampler, migrations, out_pages, .. } =
        monitor.source_counters()
    else {
        panic!("an emulation")
    };
    let (lanes, drain) = (monitor.lane_counters(), monitor.kdamond().drain_counters());
    assert_eq!(sampler.samples_total, sampler.samples_filtered + sampler.reported);
    assert_eq!(sampler.reported, lanes.offered());
    assert_eq!((lanes.queued, lanes.pending()), (lanes.drained, 0));
    assert_eq!(lanes.drained, drain.drained);
    let lost = drain.stale + drain.wrong_kind + drain.no_region + drain.straddling;
    assert_eq!(drain.drained, drain.credited + lost);
    // A machine reports whole pages that exist, in time.
    assert_eq!(lost, 0);
    let applied: u64 =
        monitor.kdamond().schemes().iter().map(|scheme| scheme.stats.sz_applied).sum();
    assert_eq!(applied, migrations.migrated_pages * 4096);
    assert_eq!((migrations.failed_pages(), migrations.there_pages, out_pages), (0, 0, 0));
    assert_eq!(migrations.asked_pages, migrations.migrated_pages);
    let hot = monitor.hot_bytes_by_node().unwrap();
    assert_eq!(hot.iter().sum::<u64>(), BLOCK, "no page is lost or doubled");
}

#[test]
fn pull_and_push_move_the_hot_set_to_its_target_and_keep_it_there() {
    // 4 MiB of 128 a second are 3.125 points; from 50 to 70 % takes at least seven windows.
    let mut monitor = monitor(sampler(3), config());
    let (shares, _) = run(&mut monitor, 40, [7_000, 3_000]);
    assert_eq!(shares.len(), 40);
    assert!((5_000..=5_313).contains(&shares[0]), "{shares:?}");
    assert!(
        shares[..6].is_sorted() && shares[..6].iter().all(|share| *share < 7_000),
        "{shares:?}"
    );
    // Afterwards within two steps of it.
    assert!(shares[15..].iter().all(|share| share.abs_diff(7_000) <= 625), "{shares:?}");
    check_books(&monitor);
    // And away again, with the targets turned round.
    let (shares, _) = run(&mut monitor, 80, [3_000, 7_000]);
    assert!(shares.last().unwrap().abs_diff(3_000) <= 625, "{shares:?}");
    check_books(&monitor);
}

#[test]
fn reports_lost_in_full_lanes_are_counted_and_no_others() {
    // A lane of four slots for some thirteen reports a tick.
    let lanes = LanesOptions { lanes_max: 4, slots: 4 };
    let mut monitor = monitor(sampler(3), MonitorConfig { lanes, ..config() });
    run(&mut monitor, 2, [0, 0]);
    let counters = monitor.lane_counters();
    assert!(counters.dropped_full > counters.queued && counters.queued > 4_000, "{counters:?}");
    assert_eq!((counters.dropped_nested, counters.occupancy_max), (0, 4));
    check_books(&monitor);
}

#[test]
fn equal_seeds_make_equal_runs_and_each_seed_matters() {
    let said = |sampler_seed, seed| {
        let mut monitor = monitor(sampler(sampler_seed), MonitorConfig { seed, ..config() });
        let (_, said) = run(&mut monitor, 6, [7_000, 3_000]);
        said + &format!("{:?} {:?}", monitor.kdamond(), monitor.source_counters())
    };
    let once = said(3, 1);
    assert!(once == said(3, 1), "not the same twice");
    assert!(once != said(4, 1), "the sampler's seed does not matter");
    assert!(once != said(3, 2), "the monitor's seed does not matter");
}

#[test]
fn how_a_run_is_cut_into_calls_does_not_show() {
    let state = |monitor: &Monitor| format!("{:?} {:?}", monitor.kdamond(), monitor.snapshot());
    let mut whole = monitor(sampler(3), config());
    run(&mut whole, 3, [7_000, 3_000]);
    let mut pieces = monitor(sampler(3), config());
    let (mut until_ns, mut verdicts) = (0, vec![]);
    while until_ns <= 3_000 * MS {
        match pieces.run(until_ns, &verdicts).unwrap() {
            Event::Tune => verdicts = bang_bang(pieces.requests(), [7_000, 3_000]),
            Event::Snapshot => {}
            Event::Reached => until_ns += 7 * MS + MS / 2,
            event => panic!("{event:?}"),
        }
    }
    while pieces.run(3_000 * MS, &verdicts).unwrap() != Event::Reached {}
    assert_eq!(state(&whole), state(&pieces));
}

#[test]
fn every_operations_set_sees_the_hot_half_of_memory() {
    for ops in OpsId::ALL {
        // Half of 128 MiB is hot: far more than 4,096 translations reach.
        let emulation = Emulation::new(machine((64 * MIB / 4096) as u32), &sampler(3), 1).unwrap();
        let config = in_context(common::config(vec![]), |context| context.ops = ops);
        let mut monitor = Monitor::new(Box::new(emulation), config).unwrap();
        let mut seen = 0u64;
        loop {
            match monitor.run(1_000 * MS, &[]).unwrap() {
                Event::Snapshot => {
                    seen +=
                        monitor.snapshot().nr_accesses.iter().map(|&n| u64::from(n)).sum::<u64>();
                }
                Event::Reached => break,
                event => panic!("{event:?}"),
            }
        }
        assert!(seen > 100, "{}: {seen}", ops.name());
        let lanes = monitor.lane_counters();
        assert_eq!(lanes.offered() > 0, ops == OpsId::PaddrIbs, "{}", ops.name());
    }
}

#[test]
fn what_does_not_fit_the_machine_is_refused_by_name() {
    let refused = |schemes| {
        let emulation = Emulation::new(machine(0), &sampler(3), 1).unwrap();
        let config = in_context(config(), |context| context.schemes = schemes);
        Monitor::new(Box::new(emulation), config).err().unwrap().to_string()
    };
    let mut away = towards(1, QUOTA);
    away.action = damon_core::Action::MigrateCold;
    away.target_nid = Some(2);
    assert_eq!(
        refused(vec![towards(0, QUOTA), away]),
        "schemes[1].targetNid: memory cannot be moved to node 2"
    );
    let mut about = towards(1, QUOTA);
    about.quota.goals.push(towards(2, QUOTA).quota.goals[0].clone());
    assert_eq!(refused(vec![about]), "schemes[0].quota.goals[1].nid: node 2 does not exist");

    let lanes = LanesOptions { lanes_max: 4, slots: 3 };
    let emulation = Emulation::new(machine(0), &sampler(3), 1).unwrap();
    let made = Monitor::new(Box::new(emulation), MonitorConfig { lanes, ..config() });
    assert!(matches!(made.err(), Some(MonitorError::Lanes(_))));

    let none = SamplerConfig::IbsOp(IbsOpConfig { period: 0, ..IbsOpConfig::default() });
    assert!(matches!(Emulation::new(machine(0), &none, 1), Err(EmulationError::Sampler(_))));
    let mut nowhere = machine(0);
    nowhere.nodes.clear();
    assert!(matches!(Emulation::new(nowhere, &sampler(3), 1), Err(EmulationError::Machine(_))));
}

#[test]
fn a_walk_that_is_asked_for_during_a_pause_is_cancelled() {
    let mut monitor = monitor(sampler(2), in_context(config(), |context| context.paused = true));
    assert_eq!(monitor.run(20 * MS, &[]).unwrap(), Event::Reached);
    monitor.walk().unwrap();
    assert!(monitor.kdamond().is_walking());
    assert_eq!(monitor.run(40 * MS, &[]).unwrap(), Event::Reached);
    assert!(!monitor.kdamond().is_walking());
}

fn pebs() -> SamplerConfig {
    SamplerConfig::Pebs(PebsConfig {
        event: PebsEvent::Loads,
        pace: Pace::Frequency(1_000),
        physical: false,
        buffer_records: 1,
        shadow_events: 0,
        switch_ns: 4 * MS,
        record_ns: 250,
        interrupts: InterruptConfig::default(),
        seed: 1,
    })
}

/// One lane, for the one process.
fn hint_faults() -> SamplerConfig {
    SamplerConfig::HintFaults(HintFaultsConfig {
        scan_bytes: BLOCK,
        scan_period_ns: 100 * MS,
        start_delay_ns: 0,
        nodes: vec![],
        hot_threshold_ns: 1_000 * MS,
        rate_limit_bytes_hz: 1 << 40,
        physical: true,
        fault_ns: 1_000,
        scan_entry_ns: 10,
        seed: 1,
    })
}

/// A commit of another sampler, and of the set that its reports are for.
fn resampled(sampler: Option<SamplerConfig>, ops: OpsId) -> ContextConfig {
    ContextConfig { sampler, ops, schemes: vec![], ..config().context }
}

#[test]
fn any_sampler_takes_the_place_of_another_whatever_addresses_it_tells_in_how_many_lanes() {
    let mut monitor = monitor(sampler(3), in_context(config(), |context| context.schemes.clear()));
    let mut until_ns = 0;
    let mut counted = |monitor: &mut Monitor| {
        let before = monitor.kdamond().drain_counters().credited;
        until_ns += 500 * MS;
        while monitor.run(until_ns, &[]).unwrap() != Event::Reached {}
        check_books(monitor);
        let (in_use, _) = monitor.by_lane();
        (monitor.kdamond().drain_counters().credited - before, in_use.len())
    };
    let (reports, lanes) = counted(&mut monitor);
    assert_eq!((reports > 1_000, lanes), (true, 4));

    monitor.commit(resampled(Some(pebs()), OpsId::Fvaddr)).unwrap();
    let (reports, lanes) = counted(&mut monitor);
    assert!((1_000..2_100).contains(&reports), "{reports}");
    assert_eq!(lanes, 4, "those there were");

    monitor.commit(resampled(Some(hint_faults()), OpsId::PaddrIbs)).unwrap();
    let (reports, lanes) = counted(&mut monitor);
    assert!(reports > 1_000, "{reports}");
    assert_eq!(lanes, 1, "one of its own");

    // Virtual sets look for themselves meanwhile.
    monitor.commit(resampled(None, OpsId::Fvaddr)).unwrap();
    assert_eq!(counted(&mut monitor), (0, 1));
    assert_eq!(monitor.kdamond().primitive(), Primitive::AccessChecks);

    monitor.commit(resampled(Some(sampler(3)), OpsId::PaddrIbs)).unwrap();
    let (reports, lanes) = counted(&mut monitor);
    assert_eq!((reports > 1_000, lanes), (true, 4));
}

#[test]
fn a_sampler_that_does_not_fit_is_refused_and_the_one_there_is_goes_on() {
    let lanes = LanesOptions { lanes_max: 1, slots: 4_096 };
    let schemeless = in_context(config(), |context| context.schemes.clear());
    let mut monitor = monitor(hint_faults(), MonitorConfig { lanes, ..schemeless });
    // Its addresses are virtual, those of the set are not.
    let faults = PageFaultsConfig { period: 1, physical: false, sample_ns: 0, seed: 1 };
    let faults = Some(SamplerConfig::PageFaults(faults));
    let refused = monitor.commit(resampled(faults.clone(), OpsId::PaddrIbs)).unwrap_err();
    let unregistered = RegistryError::Unregistered(OpsId::PaddrIbs);
    assert!(matches!(refused, MonitorError::Ops(error) if error == unregistered), "{refused}");
    let refused = monitor.commit(resampled(Some(sampler(3)), OpsId::PaddrIbs)).unwrap_err();
    let expected = "sampler.type: expected a sampler of at most 1 lanes, got one of 4";
    assert_eq!(refused.to_string(), expected);
    assert!(!monitor.is_committing());
    assert!(monitor.available_operations().any(|ops| ops == OpsId::PaddrIbs));
    while monitor.run(500 * MS, &[]).unwrap() != Event::Reached {}
    assert!(monitor.kdamond().drain_counters().credited > 1_000);
    // As many lanes fit.
    monitor.commit(resampled(faults, OpsId::Fvaddr)).unwrap();
    while monitor.run(1_000 * MS, &[]).unwrap() != Event::Reached {}
    assert_eq!(monitor.kdamond().primitive(), Primitive::Reports);
}

/// Runs three seconds; the monitor, when its quota windows opened in milliseconds, and all it said.
fn run_late(lateness: LatenessConfig, seed: u64) -> (Monitor, Vec<u64>, String) {
    let emulation = Emulation::new(machine(0), &sampler(3), 1).unwrap();
    let emulation = emulation.with_lateness(lateness, seed);
    let mut monitor = Monitor::new(Box::new(emulation), config()).unwrap();
    let (mut verdicts, mut opened, mut said) = (vec![], vec![], String::new());
    loop {
        match monitor.run(3_000 * MS, &verdicts).unwrap() {
            Event::Tune => {
                opened.push(monitor.now_ns() / MS);
                verdicts = bang_bang(monitor.requests(), [10_000, 10_000]);
            }
            Event::Snapshot => said += &format!("{:?}", monitor.snapshot()),
            Event::Reached => break,
            event => panic!("{event:?}"),
        }
    }
    check_books(&monitor);
    opened.dedup();
    (monitor, opened, said)
}

fn lateness_of(monitor: &Monitor) -> LatenessCounters {
    let SourceCounters::Emulation { lateness, .. } = monitor.source_counters() else { panic!() };
    lateness.unwrap()
}

#[test]
fn a_thread_that_is_never_late_changes_nothing() {
    let (punctual, opened, said) = run_late(LatenessConfig::default(), 1);
    assert_eq!(lateness_of(&punctual), LatenessCounters { intervals: 601, ..Default::default() });
    assert_eq!(&opened[..2], [100, 1_100]);
    let mut plain = monitor(sampler(3), config());
    let mut plain_said = String::new();
    let mut verdicts = vec![];
    loop {
        match plain.run(3_000 * MS, &verdicts).unwrap() {
            Event::Tune => verdicts = bang_bang(plain.requests(), [10_000, 10_000]),
            Event::Snapshot => plain_said += &format!("{:?}", plain.snapshot()),
            Event::Reached => break,
            event => panic!("{event:?}"),
        }
    }
    assert!(said == plain_said);
}

#[test]
fn late_wake_ups_make_windows_slip_by_their_sum() {
    let mean = MS / 2;
    let late = LatenessConfig { wake_up_ns: mean, works: false };
    let (monitor, opened, said) = run_late(late, 1);
    let counters = lateness_of(&monitor);
    // Intervals of 5 ms last 5.5 on average.
    assert!(counters.intervals.abs_diff(546) <= 10, "{counters:?}");
    let per_interval = counters.wake_up_ns / counters.intervals;
    assert!(per_interval.abs_diff(mean) < mean / 10, "{counters:?}");
    assert!(mean * 3 / 2 < counters.most_ns && counters.most_ns <= 2 * mean, "{counters:?}");
    assert_eq!(counters.work_ns, 0);
    // Twenty intervals to the first window.
    assert!((105..=115).contains(&opened[0]), "{opened:?}");
    assert!(said == run_late(late, 1).2, "not the same twice");
    assert!(said != run_late(late, 2).2, "the seed does not matter");
}

#[test]
fn a_thread_that_migrates_does_not_drain_meanwhile() {
    let late = LatenessConfig { wake_up_ns: 0, works: true };
    let (busy, ..) = run_late(late, 1);
    let counters = lateness_of(&busy);
    let SourceCounters::Emulation { migrations, .. } = busy.source_counters() else { panic!() };
    // 1.1 us to move a page, and 40 ns to look at it.
    assert!(migrations.migrated_pages > 2 * QUOTA / 4096, "{migrations:?}");
    assert_eq!(counters.work_ns, migrations.migrated_pages * 1_140);
    assert_eq!((counters.wake_up_ns, counters.late > 0), (0, true));
    // Three seconds less that are whole intervals, and one has begun.
    assert_eq!(counters.intervals, (3_000 * MS - counters.work_ns) / (5 * MS) + 1);
    assert!(counters.most_ns > MS, "a whole quota in one interval: {counters:?}");
}

#[test]
fn without_targets_all_memory_is_monitored_whatever_the_unit_and_a_commit_keeps_it() {
    let of_unit = |addr_unit| {
        in_context(config(), |context| {
            context.ops = OpsId::Paddr;
            context.schemes = vec![];
            context.addr_unit = addr_unit;
        })
    };
    let covered = |monitor: &Monitor| {
        let regions = monitor.kdamond().targets()[0].regions();
        (regions[0].start, regions[regions.len() - 1].end)
    };
    // 5000 bytes: 53687 whole units and a rest.
    for (unit, end) in [(1, 2 * BLOCK), (16, BLOCK / 8), (4096, 65_536), (5_000, 53_687)] {
        assert_eq!(covered(&monitor(sampler(3), of_unit(unit))), (0, end), "{unit}");
    }
    let mut monitor = monitor(sampler(3), of_unit(1));
    let mut until_ns = 0;
    for (unit, end) in [(4096, 65_536), (16, BLOCK / 8), (16, BLOCK / 8), (1, 2 * BLOCK)] {
        monitor.commit(of_unit(unit).context).unwrap();
        until_ns += 1_000 * MS;
        while monitor.run(until_ns, &[]).unwrap() != Event::Reached {}
        assert_eq!(covered(&monitor), (0, end), "{unit}");
    }
}
