//! Which reports count, for whom, and which are lost to what. `damon-core.md` 2.

use std::collections::BTreeSet;

use damon_core::drain::{DrainCounters, LaneLosses, SampleFilter, SampleFilterKind};
use damon_core::kdamond::{Config, Kdamond, TargetConfig};
use damon_core::ops::Primitive;
use damon_core::region::Range;
use damon_core::{OpsId, Snapshot};
use damon_ring::{AccessReport, AddressKind};

use crate::common::{Bench, Memory, PAGE, START_NS, attrs, config, kdamond, range, ranges, select};
use crate::three;

#[test]
fn reports_absorbed_within_a_tick_count_as_that_ticks() {
    let mut bench = three();
    bench.report(0);
    bench.kdamond.absorb(&mut bench.lanes);
    bench.report(1);
    bench.kdamond.absorb(&mut bench.lanes);
    bench.tick(&[2, 10]);
    assert_eq!((bench.counts(), bench.hits()), (vec![1, 1, 0], vec![3, 1, 0]));
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
    let mut bench = three();
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
    let mut bench = three();
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
    let mut bench = three();
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

/// An access of a process.
fn seen_in(tgid: u32, address: u64, size: u32) -> AccessReport {
    let kind = AddressKind::Virtual;
    AccessReport { kind, tgid, ..AccessReport::physical(address, size, START_NS) }
}

fn hits_by_target(bench: &Bench) -> Vec<u64> {
    let targets = bench.kdamond.targets().iter();
    targets.map(|target| target.regions().iter().map(|region| region.hits).sum()).collect()
}

#[test]
fn a_virtual_address_is_credited_to_its_own_process() {
    let target = |tgid, list: &[(u64, u64)]| TargetConfig::process(tgid, ranges(list));
    // The same addresses in two processes, and one that only process 3 has; given unsorted.
    let targets = vec![target(9, &[(0, 3)]), target(3, &[(0, 3), (10, 13)])];
    let mut bench = monitor(OpsId::Vaddr, targets, vec![]);
    for (report, times) in [
        (seen_in(9, 0, 8), 1),
        (seen_in(3, 0, 8), 2),
        (seen_in(3, 10 * PAGE, 8), 4),
        // Not an address of process 9; not a process; not virtual; across an end; too old.
        (seen_in(9, 10 * PAGE, 8), 1),
        (seen_in(4, 0, 8), 2),
        (AccessReport { kind: AddressKind::Physical, ..seen_in(3, 0, 8) }, 3),
        (seen_in(3, 3 * PAGE - 4, 8), 4),
        (AccessReport { time_ns: START_NS - 1, ..seen_in(3, 0, 8) }, 5),
    ] {
        (0..times).for_each(|_| bench.lane.push(report).unwrap());
    }
    bench.kdamond.absorb(&mut bench.lanes);
    let hits = hits_by_target(&bench);
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
    for (report, times) in [
        // In both of its targets.
        (seen_in(3, 0, 8), 1),
        // In the first alone: beyond, and across the end of, the other's regions.
        (seen_in(3, 10 * PAGE, 8), 2),
        (seen_in(3, 9 * PAGE - 4, 8), 4),
        // In neither: across the end of the one, and of both.
        (seen_in(3, 12 * PAGE - 4, 8), 8),
        (seen_in(3, 20 * PAGE, 8), 16),
        (seen_in(9, 0, 8), 32),
    ] {
        (0..times).for_each(|_| bench.lane.push(report).unwrap());
    }
    bench.kdamond.absorb(&mut bench.lanes);
    let hits = hits_by_target(&bench);
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
