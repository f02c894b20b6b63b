//! The tick, phase by phase, as `damon-core.md` 2 to 4 has it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::collections::BTreeSet;

use common::{
    Bench, Memory, PAGE, START_NS, attrs, config, kdamond, range, ranges, scheme, select,
};
use damon_core::drain::{DrainCounters, LaneLosses, SampleFilter, SampleFilterKind};
use damon_core::kdamond::{Config, ConfigError, Kdamond, TargetConfig};
use damon_core::ops::Primitive;
use damon_core::region::Range;
use damon_core::scheme::{CoreFilter, Goal, Metric, QuotaConfig, SchemeConfig};
use damon_core::snapshot::SnapshotTarget;
use damon_core::{Action, Attrs, AttrsError, OpsId, Snapshot};
use damon_ring::{AccessReport, AddressKind};

#[test]
fn a_region_counts_one_hit_per_tick_however_many_reports_and_weighs_all_of_them() {
    //  [0 4)  gap  [10 14)  gap  [20 24)
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    bench.tick(&[0, 0, 1, 3, 12]);
    assert_eq!((bench.counts(), bench.hits()), (vec![1, 1, 0], vec![4, 1, 0]));
    bench.tick(&[2]);
    assert_eq!((bench.counts(), bench.hits()), (vec![2, 1, 0], vec![5, 1, 0]));
    for _ in 2..9 {
        bench.tick(&[0]);
    }
    assert!(!bench.kdamond.at_aggregation());
    bench.tick(&[0, 0]);
    assert!(bench.kdamond.at_aggregation());
    // Ten ticks, ten hits, and not one more.
    assert_eq!((bench.counts(), bench.hits()), (vec![10, 1, 0], vec![14, 1, 0]));
    bench.close();
    assert_eq!((bench.counts(), bench.hits()), (vec![0, 0, 0], vec![14, 1, 0]));
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [10, 1, 0]);
    // The first tick of the next window counts again, in the region credited last as in any other.
    bench.tick(&[0, 12]);
    assert_eq!(bench.counts(), [1, 1, 0]);
}

#[test]
fn reports_absorbed_within_a_tick_count_as_that_ticks() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    bench.report(0);
    bench.kdamond.absorb(&mut bench.lanes);
    bench.report(1);
    bench.kdamond.absorb(&mut bench.lanes);
    bench.tick(&[2, 10]);
    assert_eq!((bench.counts(), bench.hits()), (vec![1, 1, 0], vec![3, 1, 0]));
}

#[test]
fn age_grows_while_the_count_stays_within_a_tenth_of_the_largest_and_restarts_otherwise() {
    // The last region is hit in every tick: largest count 10, threshold 1.
    let mut bench = Bench::new(attrs(4), &[(0, 4), (10, 14), (20, 24), (30, 34)], vec![]);
    for (counts, ages) in [
        // From nothing to something is news, from nothing to nothing is not.
        ([5, 0, 1], [0, 1, 0]),
        ([6, 0, 1], [1, 2, 1]),
        // Two more than before, or two less, is above the threshold; one is not.
        ([8, 0, 2], [0, 3, 2]),
        ([6, 0, 1], [0, 4, 3]),
        // Within the threshold, but to and from zero.
        ([6, 1, 0], [1, 0, 0]),
        ([6, 1, 0], [2, 1, 1]),
    ] {
        let [a, b, c] = counts;
        bench.window(&[(0, a), (10, b), (20, c), (30, 10)]);
        assert_eq!(bench.ages()[..3], ages, "{counts:?}");
    }
}

#[test]
fn schemes_see_full_windows_merged_and_neither_reset_nor_split() {
    //  before  [0 10)[10 20)    [100 130)  [200 230)  [300 330)
    //  merged  [0 ...... 20)    [100 130)  [200 230)  [300 330)      110 pages / 3: limit 37
    let list = [(0, 10), (10, 20), (100, 130), (200, 230), (300, 330)];
    let mut bench = Bench::new(attrs(1000), &list, vec![scheme(Action::Stat)]);
    bench.window(&[(0, 4), (10, 4), (200, 7)]);
    let merged = [(0, 20), (100, 130), (200, 230), (300, 330)];
    assert_eq!(bench.applied(), merged);
    assert_eq!((bench.bounds(), bench.counts()), (merged.to_vec(), vec![4, 0, 7, 0]));
    bench.close();
    assert_eq!(bench.counts(), vec![0; 8], "reset, and every region split in two");
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [4, 4, 0, 0, 7, 7, 0, 0]);
    assert_eq!(bench.ages(), [0, 0, 1, 1, 0, 0, 1, 1]);
    assert!(bench.bounds().iter().zip(bench.bounds().iter().skip(1)).step_by(2).all(
        // Halves of one region, at 10 to 90 percent of it.
        |(left, right)| left.1 == right.0
    ));
}

#[test]
fn the_size_limit_of_a_merge_is_the_one_of_an_aggregation_earlier() {
    //  [0 10)[10 20)  [100 110)              30 pages / 3: limit 10, so nothing merges
    let mut bench = Bench::new(attrs(3), &[(0, 10), (10, 20), (100, 110)], vec![]);
    let list = [(0, 10), (10, 20), (100, 110), (1000, 1300)];
    bench.tick(&[]);
    bench.close();
    bench.kdamond.set_ranges(&ranges(&list)).unwrap();
    for _ in 1..10 {
        bench.tick(&[]);
    }
    // 330 pages / 3: limit 110. The merge still went by 10; the cut afterwards goes by 110.
    let pieces = [(1000, 1110), (1110, 1220), (1220, 1300)];
    let expected: Vec<_> = [(0, 10), (10, 20), (100, 110)].into_iter().chain(pieces).collect();
    assert_eq!(bench.bounds(), expected);
    bench.window(&[]);
    assert_eq!(bench.bounds()[..2], [(0, 20), (100, 110)]);
    assert_eq!(bench.bounds().len(), 5);
}

#[test]
fn the_threshold_doubles_until_there_are_as_few_regions_as_allowed_and_no_further() {
    //  hits  [0 4) 3 [4 8) 5    [20 24) 0 [24 28) 9    [40 48) 0      threshold 0, then 1, 2, 4, ...
    let list = [(0, 4), (4, 8), (20, 24), (24, 28), (40, 48)];
    for (max, expected) in [
        (5, list.to_vec()),
        (4, vec![(0, 8), (20, 24), (24, 28), (40, 48)]),
        (3, vec![(0, 8), (20, 28), (40, 48)]),
    ] {
        let mut bench = Bench::new(attrs(max), &list, vec![]);
        bench.window(&[(0, 3), (4, 5), (24, 9)]);
        assert_eq!(bench.bounds(), expected, "at most {max}");
        assert_eq!(bench.counts().iter().sum::<u32>(), [17, 13, 8][5 - max as usize]);
    }
}

#[test]
fn regions_above_the_limit_are_cut_before_the_first_tick() {
    //  [0 100)  ->  [0 34)[34 68)[68 100)
    let bench = Bench::new(attrs(1000), &[(0, 100)], vec![]);
    assert_eq!(bench.bounds(), [(0, 34), (34, 68), (68, 100)]);
}

#[test]
fn windows_do_not_slip_and_ticks_are_due_at_multiples_of_the_sampling_interval() {
    // 3 ms into 10 ms go three times.
    let attrs = Attrs { sample_us: 3_000, ..attrs(3) };
    let mut bench = Bench::new(attrs, &[(0, 4), (10, 14), (20, 24)], vec![]);
    for tick in 1..=30u64 {
        assert_eq!(bench.kdamond.next_tick_ns(), START_NS + tick * 3_000_000);
        // Late by more and more, which changes nothing.
        let now_ns = bench.kdamond.next_tick_ns() + tick * 1_000_000_000;
        bench.kdamond.observe(now_ns, &mut bench.lanes, &mut bench.memory);
        assert_eq!(bench.kdamond.at_aggregation(), tick % 3 == 0, "{tick}");
        bench.kdamond.close(&bench.memory);
    }
}

/// One report of each time; what was stale among them.
fn stale_of(bench: &mut Bench, now_ns: u64, times_ns: &[u64]) -> u64 {
    let before = bench.kdamond.drain_counters();
    for time_ns in times_ns {
        bench.lane.push(AccessReport::physical(0, 64, *time_ns)).unwrap();
    }
    bench.kdamond.observe(now_ns, &mut bench.lanes, &mut bench.memory);
    bench.kdamond.close(&bench.memory);
    let after = bench.kdamond.drain_counters();
    assert_eq!(after.drained - before.drained, times_ns.len() as u64);
    assert_eq!(
        after.drained - before.drained,
        after.credited + after.stale - before.credited - before.stale
    );
    after.stale - before.stale
}

#[test]
fn a_report_is_stale_when_it_is_older_than_the_drain_before_the_last() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    let at = |tick: u64| START_NS + tick * 1_000_000;
    // The drain before the first is the start.
    assert_eq!(stale_of(&mut bench, at(1), &[at(0) - 1, at(0), at(1) - 1]), 1);
    assert_eq!(stale_of(&mut bench, at(2), &[at(0) - 1, at(0), at(1) - 1, at(1), at(2) - 1]), 1);
    assert_eq!(stale_of(&mut bench, at(3), &[at(0), at(1) - 1, at(1), at(2), at(3) - 1]), 2);
    // A tick without a report is a drain, too.
    assert_eq!(stale_of(&mut bench, at(4), &[]), 0);
    assert_eq!(stale_of(&mut bench, at(5), &[at(3) - 1, at(3), at(5) - 1]), 1);
}

#[test]
fn a_late_drain_condemns_nothing_that_waited_for_it() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    let at = |tick: u64| START_NS + tick * 1_000_000;
    stale_of(&mut bench, at(1), &[]);
    stale_of(&mut bench, at(2), &[]);
    // Fifty intervals late: everything since the drain at 1 is good.
    assert_eq!(stale_of(&mut bench, at(52), &[at(1), at(2), at(3), at(30), at(52) - 1]), 0);
    // What was stamped during the wait and pushed after it is good, too; once.
    assert_eq!(stale_of(&mut bench, at(53), &[at(2), at(40), at(53) - 1]), 0);
    assert_eq!(stale_of(&mut bench, at(54), &[at(40), at(52), at(53)]), 1);
}

#[test]
fn an_absorb_does_not_move_the_border_of_staleness() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    let at = |tick: u64| START_NS + tick * 1_000_000;
    stale_of(&mut bench, at(1), &[]);
    for _ in 0..3 {
        bench.lane.push(AccessReport::physical(0, 64, at(0))).unwrap();
        bench.kdamond.absorb(&mut bench.lanes);
    }
    assert_eq!(stale_of(&mut bench, at(2), &[at(0)]), 0);
    assert_eq!(bench.kdamond.drain_counters().credited, 4);
}

fn sum_by_cause(counters: &DrainCounters) -> u64 {
    let DrainCounters {
        drained: _,
        credited,
        stale,
        filtered,
        wrong_kind,
        no_target,
        no_region,
        straddling,
    } = *counters;
    credited + stale + filtered + wrong_kind + no_target + no_region + straddling
}

fn monitor(ops: OpsId, targets: Vec<TargetConfig>, sample_filters: Vec<SampleFilter>) -> Bench {
    let config = Config { targets, sample_filters, ..config(attrs(3), vec![], vec![], ops, 1) };
    let selected = select(ops, Primitive::Reports);
    Bench::with(Kdamond::new(config, selected, &Memory::default(), START_NS).unwrap())
}

#[test]
fn a_virtual_address_is_credited_to_its_own_process() {
    let target = |tgid, list: &[(u64, u64)]| TargetConfig::process(tgid, ranges(list));
    // The same addresses in two processes, and one that only process 3 has; given unsorted.
    let targets = vec![target(9, &[(0, 3)]), target(3, &[(0, 3), (10, 13)])];
    let mut bench = monitor(OpsId::Vaddr, targets, vec![]);
    let report = |tgid, address, size| AccessReport {
        kind: AddressKind::Virtual,
        tgid,
        ..AccessReport::physical(address, size, START_NS)
    };
    for (report, times) in [
        (report(9, 0, 8), 1),
        (report(3, 0, 8), 2),
        (report(3, 10 * PAGE, 8), 4),
        // Not an address of process 9; not a process; not virtual; across an end; too old.
        (report(9, 10 * PAGE, 8), 1),
        (report(4, 0, 8), 2),
        (AccessReport { kind: AddressKind::Physical, ..report(3, 0, 8) }, 3),
        (report(3, 3 * PAGE - 4, 8), 4),
        (AccessReport { time_ns: START_NS - 1, ..report(3, 0, 8) }, 5),
    ] {
        (0..times).for_each(|_| bench.lane.push(report).unwrap());
    }
    bench.kdamond.absorb(&mut bench.lanes);
    let hits: Vec<u64> = bench
        .kdamond
        .targets()
        .iter()
        .map(|target| target.regions().iter().map(|region| region.hits).sum())
        .collect();
    assert_eq!(hits, [1, 6]);
    let expected = DrainCounters {
        drained: 22,
        credited: 7,
        no_region: 1,
        no_target: 2,
        wrong_kind: 3,
        straddling: 4,
        stale: 5,
        filtered: 0,
    };
    assert_eq!(bench.kdamond.drain_counters(), expected);
    let mut snapshot = Snapshot::default();
    bench.kdamond.capture(1, &mut snapshot);
    let parts: Vec<_> = snapshot.targets.iter().map(|part| part.tgid).collect();
    assert_eq!(parts, [Some(9), Some(3)]);
    let regions: usize = snapshot.targets.iter().map(|part| part.regions).sum();
    assert_eq!(regions, snapshot.len());
}

#[test]
fn a_process_that_is_several_targets_is_credited_in_each_and_counted_once() {
    let target = |tgid, list: &[(u64, u64)]| TargetConfig::process(tgid, ranges(list));
    // All of process 3; a part of it, cut elsewhere; another process in between.
    let targets = vec![target(3, &[(0, 12)]), target(9, &[(0, 3)]), target(3, &[(0, 3), (6, 9)])];
    let mut bench = monitor(OpsId::Fvaddr, targets, vec![]);
    let report = |tgid, address, size| AccessReport {
        kind: AddressKind::Virtual,
        tgid,
        ..AccessReport::physical(address, size, START_NS)
    };
    for (report, times) in [
        // In both of its targets.
        (report(3, 0, 8), 1),
        // In the first alone: beyond, and across the end of, the other's regions.
        (report(3, 10 * PAGE, 8), 2),
        (report(3, 9 * PAGE - 4, 8), 4),
        // In neither: across the end of the one, and of both.
        (report(3, 12 * PAGE - 4, 8), 8),
        (report(3, 20 * PAGE, 8), 16),
        (report(9, 0, 8), 32),
    ] {
        (0..times).for_each(|_| bench.lane.push(report).unwrap());
    }
    bench.kdamond.absorb(&mut bench.lanes);
    let hits: Vec<u64> = bench
        .kdamond
        .targets()
        .iter()
        .map(|target| target.regions().iter().map(|region| region.hits).sum())
        .collect();
    // The first is cut into regions of its own, one of whose ends may be where a report lies across.
    assert_eq!(hits[1..], [32, 1]);
    let counters = bench.kdamond.drain_counters();
    assert_eq!(sum_by_cause(&counters), counters.drained);
    assert_eq!((counters.drained, counters.no_region, counters.no_target), (63, 16, 0));
    assert_eq!(counters.credited, hits[0] + 32, "what the second has, the first has too");
    assert_eq!(counters.straddling, 8 + 7 - hits[0]);
}

#[test]
fn a_sample_filter_is_asked_once_about_each_report_in_time() {
    let cpus = SampleFilterKind::Cpumask([1, 2].into_iter().collect());
    let filters = vec![
        SampleFilter { kind: cpus, matching: true, allow: true },
        SampleFilter { kind: SampleFilterKind::Write, matching: true, allow: false },
    ];
    let physical = vec![TargetConfig::physical(ranges(&[(0, 4)]))];
    let process = vec![TargetConfig::process(0, ranges(&[(0, 4)]))];
    for (ops, targets, kind) in [
        (OpsId::PaddrIbs, physical, AddressKind::Physical),
        (OpsId::Fvaddr, process, AddressKind::Virtual),
    ] {
        let mut bench = monitor(ops, targets, filters.clone());
        let report = |cpu, write, address, time_ns| AccessReport {
            cpu,
            write,
            kind,
            ..AccessReport::physical(address, 8, time_ns)
        };
        for cpu in 0..4 {
            for write in [false, true] {
                for (address, time_ns) in
                    [(0, START_NS), (4 * PAGE - 4, START_NS), (9 * PAGE, START_NS), (0, 0)]
                {
                    bench.lane.push(report(cpu, write, address, time_ns)).unwrap();
                }
            }
        }
        bench.kdamond.absorb(&mut bench.lanes);
        let expected = DrainCounters {
            drained: 32,
            // Loads of CPUs 1 and 2: one of each kind of address.
            credited: 2,
            straddling: 2,
            no_region: 2,
            // All that is too old, whatever a filter would say.
            stale: 8,
            filtered: 18,
            ..DrainCounters::default()
        };
        assert_eq!(bench.kdamond.drain_counters(), expected, "{ops:?}");
    }
}

#[test]
fn what_the_drain_loses_is_known_by_lane_and_stays_known_when_the_lane_is_gone() {
    let write = SampleFilter { kind: SampleFilterKind::Write, matching: true, allow: false };
    let targets = vec![TargetConfig::physical(ranges(&[(0, 4)]))];
    let mut bench = monitor(OpsId::PaddrIbs, targets, vec![write]);
    let report = |address, time_ns| AccessReport::physical(address, 8, time_ns);
    let store = AccessReport { write: true, ..report(0, START_NS) };
    let other = bench.lanes.add().unwrap();
    bench.lane.push(report(0, START_NS - 1)).unwrap();
    bench.lane.push(report(0, START_NS)).unwrap();
    for lost in [store, store, report(4 * PAGE - 4, START_NS), report(9 * PAGE, START_NS)] {
        other.push(lost).unwrap();
    }
    bench.kdamond.absorb(&mut bench.lanes);
    let drain = bench.kdamond.drain();
    let of_lane = LaneLosses { stale: 1, ..LaneLosses::default() };
    let of_other = LaneLosses { filtered: 2, straddling: 1, no_region: 1, ..LaneLosses::default() };
    assert_eq!((drain.losses(bench.lane.lane()), drain.losses(other.lane())), (of_lane, of_other));
    assert_eq!(drain.losses_but(&BTreeSet::from([0, 1])), LaneLosses::default());
    // One after the other comes, loses something and goes.
    drop(other);
    bench.kdamond.absorb(&mut bench.lanes);
    for _ in 0..5 {
        let passing = bench.lanes.add().unwrap();
        passing.push(store).unwrap();
        bench.kdamond.absorb(&mut bench.lanes);
        drop(passing);
        bench.kdamond.absorb(&mut bench.lanes);
    }
    let drain = bench.kdamond.drain();
    let gone = LaneLosses { filtered: 7, straddling: 1, no_region: 1, ..LaneLosses::default() };
    assert_eq!(drain.losses_but(&BTreeSet::from([0])), gone);
    assert_eq!(drain.losses(0), of_lane);
    assert_eq!(drain.counters().filtered, 7);
}

#[test]
fn targets_must_go_with_the_operations_set() {
    let physical = || TargetConfig::physical(ranges(&[(0, 4)]));
    let process = |tgid| TargetConfig { tgid: Some(tgid), ..physical() };
    for (ops, targets, good) in [
        (OpsId::PaddrIbs, vec![physical()], true),
        (OpsId::PaddrIbs, vec![physical(), physical()], false),
        (OpsId::PaddrIbs, vec![process(1)], false),
        (OpsId::PaddrIbs, vec![], false),
        (OpsId::Vaddr, vec![process(1), process(2)], true),
        (OpsId::Vaddr, vec![process(1), process(1)], true),
        (OpsId::Vaddr, vec![process(1), physical()], false),
        (OpsId::Vaddr, vec![], true),
    ] {
        let config = Config { targets, ..config(attrs(3), vec![], vec![], ops, 1) };
        let selected = select(ops, Primitive::Reports);
        let made = Kdamond::new(config.clone(), selected, &Memory::default(), START_NS);
        match made {
            Ok(_) => assert!(good, "{config:?}"),
            Err(error) => {
                assert!(!good && matches!(error, ConfigError::Targets { .. }), "{config:?}");
            }
        }
    }
}

#[test]
fn intervals_that_nobody_observed_are_left_out_and_counted() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    bench.tick(&[0]);
    bench.close();
    let due_ns = bench.kdamond.next_tick_ns();
    // After one tick, the second is due two intervals after the start.
    let sample_ns = (due_ns - START_NS) / 2;
    bench.kdamond.skip(3);
    assert_eq!(bench.kdamond.next_tick_ns(), due_ns + 3 * sample_ns);
    assert_eq!(bench.kdamond.unobserved(), 3);
    // The window still has its number of observed ticks.
    for _ in 1..common::WINDOW {
        assert!(!bench.kdamond.at_aggregation());
        bench.tick(&[0]);
        if !bench.kdamond.at_aggregation() {
            bench.close();
        }
    }
    assert!(bench.kdamond.at_aggregation());
    assert_eq!(u64::from(bench.regions()[0].nr_accesses), common::WINDOW);
}

#[test]
fn every_report_ends_in_exactly_one_counter() {
    //  [0 4)[4 8)  gap  [20 24)  gap  [top - 4, top): 4095 short of the end of the address space
    let top = !(PAGE - 1);
    let list =
        vec![range(0, 4), range(4, 8), range(20, 24), Range { start: top - 4 * PAGE, end: top }];
    let mut bench = Bench::with(kdamond(attrs(4), list, vec![], OpsId::Paddr, 1).unwrap());
    let now_ns = START_NS + 1;
    let physical = |address, size| AccessReport::physical(address, size, now_ns);
    let virtual_page_0 = AccessReport { kind: AddressKind::Virtual, ..physical(0, 8) };
    type Pick = fn(&mut DrainCounters) -> &mut u64;
    let credited: Pick = |counters| &mut counters.credited;
    let straddling: Pick = |counters| &mut counters.straddling;
    let no_region: Pick = |counters| &mut counters.no_region;
    let stale: Pick = |counters| &mut counters.stale;
    let wrong_kind: Pick = |counters| &mut counters.wrong_kind;
    let mut expected = DrainCounters::default();
    let table = [
        // Page 0 is a page like any other.
        (physical(0, 8), credited),
        // To the last byte of the region, and one beyond it: into the neighbour, into nothing.
        (physical(4 * PAGE - 8, 8), credited),
        (physical(4 * PAGE - 8, 9), straddling),
        (physical(8 * PAGE - 1, 2), straddling),
        (physical(4 * PAGE, 8), credited),
        (physical(3 * PAGE + 1, 4096), straddling),
        // Between, below and above the regions.
        (physical(8 * PAGE, 8), no_region),
        (physical(20 * PAGE - 1, 1), no_region),
        (physical(24 * PAGE, 1), no_region),
        (physical(top, 1), no_region),
        (physical(u64::MAX, 1), no_region),
        // The end of this one wraps around to 4095, which lies before the end of the region.
        (physical(top - 1, 8192), straddling),
        (physical(top - 1, 1), credited),
        (physical(top - PAGE, 4096), credited),
        (virtual_page_0, wrong_kind),
        // Staleness is looked at first.
        (AccessReport { time_ns: START_NS - 1, ..virtual_page_0 }, stale),
        (AccessReport { time_ns: START_NS - 1, ..physical(0, 8) }, stale),
    ];
    for (report, counter) in table {
        bench.lane.push(report).unwrap();
        bench.kdamond.absorb(&mut bench.lanes);
        expected.drained += 1;
        *counter(&mut expected) += 1;
        assert_eq!(bench.kdamond.drain_counters(), expected, "{report:?}");
    }
    assert_eq!(sum_by_cause(&expected), expected.drained);
    assert_eq!(bench.hits(), [2, 1, 0, 2]);
    assert_eq!(bench.lanes.counters().drained, expected.drained);
    // Together in one drain they fare as they did alone.
    for (report, counter) in [table; 3].concat() {
        bench.lane.push(report).unwrap();
        expected.drained += 1;
        *counter(&mut expected) += 1;
    }
    bench.kdamond.absorb(&mut bench.lanes);
    assert_eq!(bench.kdamond.drain_counters(), expected);
    assert_eq!((bench.hits(), bench.counts()), (vec![8, 4, 0, 8], vec![1, 1, 0, 1]));
}

#[test]
fn other_ranges_in_the_middle_of_a_window_keep_counts_age_and_weight() {
    //  before  [0 4)   [10 14)   [20 24)
    //  after   [0 4)   [10 ..... 18)        [30 34)
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    bench.window(&[(0, 3), (10, 5)]);
    bench.window(&[(0, 3), (10, 5)]);
    bench.tick(&[0, 10, 11]);
    bench.close();
    bench.kdamond.set_ranges(&ranges(&[(0, 4), (10, 18), (30, 34)])).unwrap();
    bench.tick(&[10, 17, 20, 33]);
    assert_eq!(bench.bounds(), [(0, 4), (10, 18), (30, 34)]);
    assert_eq!((bench.counts(), bench.ages()), (vec![1, 2, 1], vec![1, 1, 0]));
    assert_eq!(bench.hits(), [7, 14, 1]);
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [3, 5, 0]);
    assert_eq!(bench.kdamond.drain_counters().no_region, 1);
    // A refusal changes nothing, and is no reason to lose the way.
    assert!(bench.kdamond.set_ranges(&ranges(&[(5, 5)])).is_err());
    bench.tick(&[33]);
    assert_eq!((bench.bounds().len(), bench.counts()), (3, vec![1, 2, 2]));
}

#[test]
fn reports_find_regions_that_have_just_been_cut_or_moved() {
    // In the middle of the second window a filter cuts [0 12) at 4 and 8.
    let mut cutting = SchemeConfig { apply_interval_us: 15_000, ..scheme(common::HOT) };
    cutting.core_filters = vec![CoreFilter::address(range(4, 8), true, true)];
    let mut bench = Bench::new(attrs(3), &[(0, 12), (20, 32), (40, 52)], vec![cutting]);
    bench.window(&[]);
    for _ in 10..14 {
        bench.tick(&[]);
    }
    assert_eq!(bench.bounds(), [(0, 12), (20, 32), (40, 52)]);
    bench.tick(&[1]);
    assert_eq!(bench.bounds(), [(0, 4), (4, 8), (8, 12), (20, 32), (40, 52)]);
    bench.tick(&[0, 4, 8, 20, 51]);
    assert_eq!(bench.counts(), [2, 2, 2, 1, 1]);
    bench.close();
    // A region more before all others, in the middle of a window.
    let list = [(0, 12), (14, 16), (20, 32), (40, 52)];
    bench.kdamond.set_ranges(&ranges(&list)).unwrap();
    bench.tick(&[11, 14, 20, 40]);
    assert_eq!(bench.kdamond.drain_counters().credited, 10);
}

#[test]
fn a_snapshot_takes_the_weight_and_tells_which_time_it_covers() {
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    let mut snapshot = Snapshot { time_ns: 5, ..Snapshot::default() };
    assert!(snapshot.is_empty());
    bench.window(&[(0, 2), (10, 1)]);
    bench.window(&[(0, 3)]);
    bench.kdamond.capture(100, &mut snapshot);
    let expected = Snapshot {
        time_ns: 100,
        since_ns: 5,
        targets: vec![SnapshotTarget { tgid: None, regions: 3 }],
        starts: vec![0, 10 * PAGE, 20 * PAGE],
        ends: vec![4 * PAGE, 14 * PAGE, 24 * PAGE],
        // Of the window; the weight is that of both.
        nr_accesses: vec![3, 0, 0],
        ages: vec![0, 0, 2],
        hits: vec![5, 1, 0],
    };
    assert_eq!(snapshot, expected);
    assert_eq!(snapshot.len(), 3);
    bench.window(&[(10, 4)]);
    bench.kdamond.capture(200, &mut snapshot);
    assert_eq!((snapshot.since_ns, snapshot.time_ns), (100, 200));
    assert_eq!(snapshot.hits, [0, 4, 0], "columns begin anew");
}

#[test]
fn a_goal_that_counts_nodes_is_refused_where_there_are_none() {
    let quota = |metric| QuotaConfig {
        goals: vec![Goal { metric: Metric::UserInput }, Goal { metric }],
        ..QuotaConfig::default()
    };
    for ops in OpsId::ALL {
        let mut schemes = vec![scheme(Action::Stat); 2];
        schemes[1].quota = quota(Metric::NodeEligibleMemBp { nid: 0 });
        let made = kdamond(attrs(3), ranges(&[(0, 4)]), schemes, ops, 1);
        match ops {
            ops if ops.is_physical() => assert_eq!(made.unwrap().ops(), ops),
            _ => {
                let refused = made.unwrap_err();
                let metric = "node_eligible_mem_bp";
                assert_eq!(refused, ConfigError::Metric { scheme: 1, goal: 1, metric, ops });
                let text = format!(
                    "schemes[1].quota.goals[1]: {} cannot measure {metric} here",
                    ops.name()
                );
                assert_eq!(refused.to_string(), text);
            }
        }
        let mut schemes = vec![scheme(Action::Stat)];
        schemes[0].quota = quota(Metric::UserInput);
        assert!(kdamond(attrs(3), ranges(&[(0, 4)]), schemes, ops, 1).is_ok(), "{ops:?}");
    }
}

#[test]
fn attributes_beyond_their_limits_are_refused_by_name() {
    let good = Attrs {
        sample_us: 5,
        aggregation_us: 5,
        min_nr_regions: 3,
        max_nr_regions: 3,
        ..Attrs::default()
    };
    assert_eq!(good.validate(), Ok(()));
    assert_eq!(Attrs::default().validate(), Ok(()));
    for (bad, field, received, text) in [
        (Attrs { sample_us: 0, ..good }, "sampleUs", 0, "sampleUs: expected at least 1, got 0"),
        (
            Attrs { min_nr_regions: 2, ..good },
            "minNrRegions",
            2,
            "minNrRegions: expected at least 3, got 2",
        ),
        (
            Attrs { min_nr_regions: 4, ..good },
            "minNrRegions",
            4,
            "minNrRegions: expected at most maxNrRegions (3), got 4",
        ),
        (
            Attrs { sample_us: 6, ..good },
            "sampleUs",
            6,
            "sampleUs: expected at most aggregationUs (5), got 6",
        ),
    ] {
        let refused = bad.validate().unwrap_err();
        assert_eq!((refused.field, refused.received), (field, received));
        assert_eq!(refused.to_string(), text);
        let made = kdamond(bad, ranges(&[(0, 4)]), vec![], OpsId::PaddrIbs, 1);
        assert!(
            matches!(made, Err(ConfigError::Attrs(AttrsError { field: named, .. })) if named == field)
        );
    }
    let made = kdamond(good, ranges(&[(4, 4)]), vec![], OpsId::PaddrIbs, 1);
    assert!(matches!(made, Err(ConfigError::Ranges { target: 0, .. })));
}

#[test]
fn the_whole_address_space_can_be_watched() {
    // A third of all addresses times nine tenths does not fit 64 bits.
    let all = Range { start: 0, end: !(PAGE - 1) };
    let mut bench = Bench::with(kdamond(attrs(40), vec![all], vec![], OpsId::Paddr, 1).unwrap());
    for _ in 0..20 {
        bench.window(&[(0, 3), (1 << 51, 10)]);
        bench.close();
        let (first, last) = (bench.regions()[0], *bench.regions().last().unwrap());
        assert_eq!((first.start, last.end), (all.start, all.end));
        assert!(bench.regions().windows(2).all(|pair| pair[0].end == pair[1].start));
    }
    assert_eq!(bench.kdamond.drain_counters().credited, 20 * 13);
}
