//! Changes while monitoring goes on: `damon-core.md` 3.3, 8.1, and the intervals that tune
//! themselves, 7.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use common::{Bench, Memory, PAGE, WINDOW, attrs, config, range, ranges, scheme, select};
use damon_core::kdamond::{Config, ConfigError, TargetConfig};
use damon_core::ops::{Applied, Primitive};
use damon_core::scheme::{Goal, Metric, QuotaConfig, SchemeConfig, WatermarkMetric, Watermarks};
use damon_core::{Action, Attrs, IntervalsGoal, Kdamond, OpsId};

const ABC: [(u64, u64); 3] = [(0, 4), (10, 14), (20, 24)];

/// The bench's monitor as it is told, to be told otherwise.
fn told(attrs: Attrs, schemes: Vec<SchemeConfig>) -> Config {
    config(attrs, ranges(&ABC), schemes, OpsId::PaddrIbs, 1)
}

/// As told, and nothing of regions.
fn keeping(attrs: Attrs, schemes: Vec<SchemeConfig>) -> Config {
    Config { targets: vec![TargetConfig::physical(vec![])], ..told(attrs, schemes) }
}

fn last(bench: &Bench) -> Vec<u32> {
    bench.regions().iter().map(|region| region.last_nr_accesses).collect()
}

#[test]
fn a_commit_of_the_same_changes_nothing() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
    bench.window(&[(0, 4)]);
    bench.commit = Some(told(attrs(3), vec![scheme(Action::Stat)]));
    bench.tick(&[0]);
    assert_eq!((bench.counts(), last(&bench)), (vec![1, 0, 0], vec![4, 0, 0]));
    for _ in 1..WINDOW {
        assert!(!bench.kdamond.at_aggregation());
        bench.tick(&[]);
    }
    assert!(bench.kdamond.at_aggregation());
    assert_eq!(bench.scheme(0).stats.nr_tried, 6);
}

#[test]
fn other_intervals_in_the_middle_of_a_window_throw_its_samples_away_and_restart_it() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
    for _ in 0..4 {
        bench.window(&[(0, 7), (10, 3)]);
    }
    // Ages 0, 1, 2, 3 after four windows: the count stayed.
    assert_eq!(bench.ages(), [3, 3, 4]);
    for _ in 0..5 {
        bench.tick(&[0, 10, 20]);
    }
    assert_eq!(bench.counts(), [5, 5, 5]);
    // 20 ticks of 1 ms: counts double, ages halve.
    bench.commit =
        Some(told(Attrs { aggregation_us: 20_000, ..attrs(3) }, vec![scheme(Action::Stat)]));
    bench.tick(&[0]);
    assert_eq!((bench.counts(), last(&bench)), (vec![0, 0, 0], vec![14, 6, 0]));
    assert_eq!(bench.ages(), [1, 1, 2]);
    // The window and the scheme's interval begin here.
    let tried = bench.scheme(0).stats.nr_tried;
    for _ in 0..19 {
        bench.tick(&[0]);
        assert!(!bench.kdamond.at_aggregation());
    }
    assert_eq!(bench.scheme(0).stats.nr_tried, tried);
    bench.tick(&[0]);
    assert!(bench.kdamond.at_aggregation());
    assert_eq!((bench.counts(), bench.scheme(0).stats.nr_tried), (vec![20, 0, 0], tried + 3));
}

#[test]
fn at_the_end_of_a_window_its_samples_are_rescaled_and_schemes_see_what_was_before() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
    bench.window(&[(0, 4)]);
    for _ in 1..WINDOW {
        bench.tick(&[0]);
    }
    bench.commit =
        Some(told(Attrs { aggregation_us: 5_000, ..attrs(3) }, vec![scheme(Action::Stat)]));
    bench.kdamond.walk();
    bench.tick(&[0]);
    assert!(bench.kdamond.at_aggregation(), "as it was to be when the tick began");
    assert_eq!((bench.counts(), last(&bench)), (vec![5, 0, 0], vec![2, 0, 0]));
    // The scheme's interval began anew, so nobody was there to see it; the next window is of 5.
    assert!(bench.kdamond.is_walking());
    bench.close();
    assert_eq!(last(&bench), [5, 0, 0]);
    for _ in 1..5 {
        bench.tick(&[]);
        assert!(!bench.kdamond.at_aggregation());
    }
    bench.tick(&[]);
    assert!(bench.kdamond.at_aggregation() && bench.kdamond.take_tried().is_some());
}

#[test]
fn a_window_that_was_to_end_in_the_tick_ends_whatever_watermarks_let_in() {
    // Committed between two ticks, while monitoring rested.
    let mut bench = Bench::new(attrs(3), &ABC, vec![]);
    for _ in 1..WINDOW {
        bench.tick(&[0]);
    }
    bench.close();
    let longer = told(Attrs { aggregation_us: 30_000, ..attrs(3) }, vec![]);
    let ops = select(OpsId::PaddrIbs, Primitive::Reports);
    bench.kdamond.commit(longer, ops, &bench.memory).unwrap();
    bench.tick(&[0]);
    assert!(bench.kdamond.at_aggregation());
    bench.close();
    for _ in 1..30 {
        bench.tick(&[]);
        assert!(!bench.kdamond.at_aggregation());
    }
    bench.tick(&[]);
    assert!(bench.kdamond.at_aggregation());
}

#[test]
fn schemes_are_paired_by_place_and_keep_what_they_did() {
    let quota = QuotaConfig { sz_bytes: 6 * PAGE, reset_interval_ms: 1_000, ..Default::default() };
    let limited = SchemeConfig { quota, ..scheme(Action::PageOut) };
    let mut bench = Bench::new(attrs(3), &ABC, vec![limited.clone(), scheme(Action::Stat)]);
    bench.window(&[]);
    let before = bench.scheme(0).clone();
    assert_eq!(before.quota.charged_sz_bytes, 6 * PAGE);
    // Another action and limit; the second scheme goes.
    let quota = QuotaConfig { sz_bytes: 12 * PAGE, ..limited.quota.clone() };
    let changed = SchemeConfig { action: Action::Cold, quota, ..limited };
    bench.commit = Some(keeping(attrs(3), vec![changed.clone()]));
    bench.tick(&[]);
    assert_eq!(bench.kdamond.schemes().len(), 1);
    let scheme_now = bench.scheme(0);
    assert_eq!((scheme_now.stats, scheme_now.config.action), (before.stats, Action::Cold));
    assert_eq!(scheme_now.quota, before.quota, "the window goes on with what it was given");
    // A scheme more: due an interval from now, with nothing done.
    bench.commit = Some(keeping(attrs(3), vec![changed, scheme(Action::Stat)]));
    bench.tick(&[]);
    for _ in 2..WINDOW {
        bench.tick(&[]);
    }
    assert_eq!(bench.scheme(1).stats.nr_tried, 0);
    bench.tick(&[]);
    assert_eq!(bench.scheme(1).stats.nr_tried, 0, "the other's interval is older");
    bench.tick(&[]);
    bench.tick(&[]);
    assert!(bench.scheme(1).stats.nr_tried > 0);
}

#[test]
fn a_limit_taken_back_stays_in_force_until_the_window_ends() {
    let quota = QuotaConfig { sz_bytes: 4 * PAGE, reset_interval_ms: 15, ..Default::default() };
    let limited = SchemeConfig { quota: quota.clone(), ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(3), &ABC, vec![limited]);
    bench.window(&[]);
    assert_eq!(bench.scheme(0).stats.sz_tried, 4 * PAGE);
    let free = QuotaConfig { sz_bytes: 0, ..quota };
    bench.commit =
        Some(keeping(attrs(3), vec![SchemeConfig { quota: free, ..scheme(Action::Stat) }]));
    bench.window(&[]);
    assert_eq!(bench.scheme(0).stats.sz_tried, 4 * PAGE, "10 ms later");
    // 20 ms later the window rolls; where the last one was full is where this one goes on.
    bench.close();
    bench.window(&[]);
    assert_eq!(bench.scheme(0).stats.sz_tried, 12 * PAGE);
    assert_eq!(bench.scheme(0).stats.qt_exceeds, 1);
}

#[test]
fn what_was_tried_without_a_limit_counts_in_the_first_window() {
    // A, B and C are 12 pages, tried once. Pages, window -> exceeded, tried in all. damon-core.md 5.4.
    for (pages, reset_interval_ms, exceeded, tried) in
        [(12, 0, 1, 24), (13, 0, 0, 24), (14, 0, 0, 24), (12, 1_000, 0, 12), (14, 1_000, 0, 14)]
    {
        let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
        bench.window(&[]);
        let quota = QuotaConfig { sz_bytes: pages * PAGE, reset_interval_ms, ..Default::default() };
        bench.commit =
            Some(keeping(attrs(3), vec![SchemeConfig { quota, ..scheme(Action::Stat) }]));
        bench.window(&[]);
        let stats = bench.scheme(0).stats;
        assert_eq!(stats.qt_exceeds, exceeded, "{pages} {reset_interval_ms}");
        assert_eq!(stats.sz_tried, tried * PAGE, "{pages} {reset_interval_ms}");
    }
}

#[test]
fn a_commit_wakes_a_scheme_that_watermarks_put_to_sleep() {
    let watermarks = Watermarks {
        metric: WatermarkMetric::FreeMemRate,
        interval_us: 0,
        high: 0,
        ..Watermarks::default()
    };
    let asleep = SchemeConfig { watermarks, ..scheme(Action::Stat) };
    let memory = Memory {
        gauges: vec![(
            damon_core::ops::Gauge::Free,
            damon_core::ops::Reading { part: 1, total: 2 },
        )],
        ..Memory::default()
    };
    let kdamond = Kdamond::new(
        told(attrs(3), vec![asleep.clone()]),
        select(OpsId::PaddrIbs, Primitive::Reports),
        &memory,
        common::START_NS,
    );
    let mut bench = Bench::with(kdamond.unwrap());
    bench.memory = memory;
    bench.kdamond.gate(&bench.memory);
    assert!(!bench.scheme(0).is_activated());
    bench.commit = Some(keeping(attrs(3), vec![asleep]));
    bench.tick(&[]);
    assert!(bench.scheme(0).is_activated());
    bench.kdamond.gate(&bench.memory);
    assert!(!bench.scheme(0).is_activated(), "until they are looked at again");
}

#[test]
fn a_walk_goes_on_with_the_schemes_there_are() {
    let slow = SchemeConfig { apply_interval_us: 1_000_000, ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat), slow]);
    bench.kdamond.walk();
    bench.window(&[]);
    assert!(bench.kdamond.is_walking() && bench.kdamond.take_tried().is_none());
    bench.commit = Some(keeping(attrs(3), vec![scheme(Action::Stat)]));
    bench.tick(&[]);
    assert_eq!(bench.kdamond.take_tried().unwrap().by_scheme.len(), 1);
}

#[test]
fn a_pause_cancels_a_walk() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
    bench.kdamond.walk();
    bench.commit = Some(Config { paused: true, ..keeping(attrs(3), vec![scheme(Action::Stat)]) });
    bench.tick(&[]);
    assert!(bench.kdamond.is_paused() && !bench.kdamond.is_walking());
    bench.commit = Some(keeping(attrs(3), vec![scheme(Action::Stat)]));
    bench.tick(&[]);
    assert!(!bench.kdamond.is_paused());
}

#[test]
fn ranges_change_without_ranges_nothing_does_and_touching_ones_are_one() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![]);
    bench.window(&[(0, 4), (10, 4)]);
    bench.commit = Some(keeping(attrs(3), vec![]));
    bench.tick(&[]);
    assert_eq!((bench.bounds(), last(&bench)), (ABC.to_vec(), vec![4, 4, 0]));
    // [0 2) [2 4) touch: one range, so the region over both stays whole. [20 24) goes.
    let targets = vec![TargetConfig::physical(ranges(&[(0, 2), (2, 4), (9, 12), (40, 41)]))];
    bench.commit = Some(Config { targets, ..told(attrs(3), vec![]) });
    bench.tick(&[]);
    assert_eq!(bench.bounds(), [(0, 4), (9, 12), (40, 41)]);
    assert_eq!(last(&bench), [4, 4, 0]);
}

/// Processes 1, 2 and so on, each with one region of 4 pages, and a scheme that may do 6.
fn processes(tgids: &[u32]) -> Config {
    let quota = QuotaConfig { sz_bytes: 6 * PAGE, reset_interval_ms: 5, ..Default::default() };
    let targets = tgids.iter().map(|&tgid| TargetConfig::process(tgid, vec![range(0, 4)]));
    Config {
        targets: targets.collect(),
        ..config(
            attrs(3),
            vec![],
            vec![SchemeConfig { quota, ..scheme(Action::Stat) }],
            OpsId::Fvaddr,
            1,
        )
    }
}

fn watching(tgids: &[u32]) -> Bench {
    let ops = select(OpsId::Fvaddr, Primitive::Reports);
    let kdamond = Kdamond::new(processes(tgids), ops, &Memory::default(), common::START_NS);
    Bench::with(kdamond.unwrap())
}

#[test]
fn a_scheme_goes_on_in_the_target_where_it_stopped_wherever_that_is_now() {
    // obsolete targets by old place -> pages tried in the round after
    for (obsolete, tried) in [
        // Stopped in the middle of the second of three: its rest, and the third.
        (vec![], vec![(2, 4), (0, 4)]),
        // The first is gone, so the place moved; the rest is the same.
        (vec![0], vec![(2, 4), (0, 4)]),
        // It is gone itself: from the first on again.
        (vec![1], vec![(0, 4), (0, 2)]),
    ] {
        let mut bench = watching(&[1, 2, 3]);
        bench.window(&[]);
        assert_eq!(bench.applied(), [(0, 4), (0, 2)]);
        let mut next = processes(&[1, 2, 3]);
        for target in &mut next.targets {
            target.ranges.clear();
        }
        for &place in &obsolete {
            next.targets[place].obsolete = true;
        }
        bench.commit = Some(next);
        bench.window(&[]);
        let mut applied = bench.applied();
        // Two processes make for smaller regions than three.
        applied.dedup_by(|next, one| {
            let touch = one.1 == next.0;
            if touch {
                one.1 = next.1;
            }
            touch
        });
        assert_eq!(applied, tried, "{obsolete:?}");
    }
}

#[test]
fn targets_beyond_the_list_go_and_obsolete_ones_must_be_there() {
    let mut bench = watching(&[1, 2, 3]);
    bench.window(&[]);
    bench.commit = Some(processes(&[7]));
    bench.tick(&[]);
    let tgids: Vec<_> = bench.kdamond.targets().iter().map(|target| target.tgid()).collect();
    assert_eq!(tgids, [Some(7)], "the first, under another name");
    let mut beyond = processes(&[7, 8]);
    beyond.targets[1].obsolete = true;
    let refused = bench.kdamond.check_commit(&beyond, OpsId::Fvaddr, &bench.memory);
    assert_eq!(refused, Err(ConfigError::Obsolete { target: 1 }));
    assert!(!bench.kdamond.is_over(&bench.memory));
    bench.commit = Some(processes(&[]));
    bench.tick(&[]);
    assert!(bench.kdamond.is_over(&bench.memory), "nothing is left");
}

#[test]
fn a_process_that_ended_is_not_served_and_nobody_goes_on_in_it() {
    let mut bench = watching(&[1, 2, 3]);
    bench.window(&[]);
    assert_eq!(bench.applied(), [(0, 4), (0, 2)]);
    bench.memory.gone = vec![2];
    bench.close();
    bench.window(&[]);
    // The round that finds it gone forgets the place; what comes after it is served at once.
    assert_eq!(bench.applied(), [(0, 4)]);
    assert!(!bench.kdamond.is_over(&bench.memory));
    bench.memory.gone = vec![1, 2, 3];
    assert!(bench.kdamond.is_over(&bench.memory));
}

#[test]
fn a_refused_commit_leaves_everything_as_it_was() {
    let mut bench = Bench::new(attrs(3), &ABC, vec![scheme(Action::Stat)]);
    bench.window(&[(0, 4)]);
    let before = format!("{:?}", bench.kdamond);
    let bad_attrs = Attrs { min_nr_regions: 2, ..attrs(3) };
    let no_such = Goal { metric: Metric::HugepageMemBp };
    let quota = QuotaConfig { goals: vec![no_such], ..Default::default() };
    let overlapping = vec![TargetConfig::physical(ranges(&[(0, 4), (3, 5)]))];
    for bad in [
        told(bad_attrs, vec![]),
        told(attrs(3), vec![SchemeConfig { quota, ..scheme(Action::Stat) }]),
        Config { targets: overlapping, ..told(attrs(3), vec![]) },
        Config { targets: vec![], ..told(attrs(3), vec![]) },
    ] {
        let ops = select(OpsId::PaddrIbs, Primitive::Reports);
        assert!(bench.kdamond.commit(bad, ops, &bench.memory).is_err());
        assert_eq!(format!("{:?}", bench.kdamond), before);
    }
}

/// Five regions of a page, as many accesses as told; the sampling interval after one aggregation.
fn tuned(goal: IntervalsGoal, counts: [u64; 5]) -> Bench {
    let attrs = Attrs {
        sample_us: 5_000,
        aggregation_us: 100_000,
        intervals_goal: goal,
        min_nr_regions: 5,
        max_nr_regions: 5,
        ..Attrs::default()
    };
    let mut bench = Bench::new(attrs, &[(0, 5)], vec![]);
    for tick in 0..20 {
        let pages: Vec<_> = (0..5).filter(|page| tick < counts[*page as usize]).collect();
        bench.tick(&pages);
    }
    assert!(bench.kdamond.at_aggregation());
    bench.close();
    bench
}

const GOAL: IntervalsGoal =
    IntervalsGoal { access_bp: 400, aggregations: 1, min_sample_us: 1, max_sample_us: 1_000_000 };

#[test]
fn intervals_grow_with_too_few_accesses_and_shrink_with_too_many() {
    // damon-core.md 7: mean count of five equal regions -> sampling interval
    for (counts, sample_us) in [
        ([0, 0, 0, 0, 0], 10_000),
        ([1, 1, 0, 0, 0], 7_500),
        ([1, 1, 1, 1, 0], 5_000),
        ([2, 1, 1, 1, 1], 3_750),
        ([2, 2, 2, 1, 1], 2_500),
        ([20, 20, 20, 20, 20], 2_500),
    ] {
        let bench = tuned(GOAL, counts);
        let Attrs { sample_us: sample, aggregation_us, .. } = *bench.kdamond.attrs();
        assert_eq!((sample, aggregation_us), (sample_us, 20 * sample_us), "{counts:?}");
    }
}

#[test]
fn tuned_intervals_stay_in_their_bounds() {
    for (min_sample_us, max_sample_us, counts, sample_us) in [
        (4_000, 6_000, [0; 5], 6_000),
        (4_000, 6_000, [20; 5], 4_000),
        (5_000, 5_000, [0; 5], 5_000),
    ] {
        let goal = IntervalsGoal { min_sample_us, max_sample_us, ..GOAL };
        assert_eq!(tuned(goal, counts).kdamond.attrs().sample_us, sample_us);
    }
    // Nothing wanted is 1 byte wanted: any access is far too many.
    let none = IntervalsGoal { access_bp: 0, ..GOAL };
    assert_eq!(tuned(none, [1, 0, 0, 0, 0]).kdamond.attrs().sample_us, 2_500);
}

#[test]
fn tuning_takes_place_every_so_many_aggregations_and_windows_do_not_slip() {
    let goal = IntervalsGoal { aggregations: 3, ..GOAL };
    let mut bench = tuned(goal, [0; 5]);
    let mut seen = vec![bench.kdamond.attrs().sample_us];
    for _ in 0..8 {
        for _ in 0..20 {
            bench.tick(&[]);
        }
        assert!(bench.kdamond.at_aggregation());
        bench.close();
        seen.push(bench.kdamond.attrs().sample_us);
    }
    let (one, two, four) = (5_000, 10_000, 20_000);
    assert_eq!(seen, [one, one, two, two, two, four, four, four, 40_000]);
    // Ages are in aggregations, so they halve as those double: 3 -> 1, 4 -> 2, 5 -> 2.
    assert_eq!(bench.ages(), [2; 5]);
}

#[test]
fn the_same_intervals_again_undo_what_was_tuned() {
    let mut bench = tuned(GOAL, [0; 5]);
    assert_eq!(bench.kdamond.attrs().sample_us, 10_000);
    bench.tick(&[0]);
    let user = Attrs { sample_us: 5_000, aggregation_us: 100_000, ..*bench.kdamond.attrs() };
    bench.commit = Some(keeping(user, vec![]));
    bench.tick(&[0]);
    assert_eq!(*bench.kdamond.attrs(), user);
    assert_eq!(bench.counts(), [0; 5], "and the window begins anew");
}

#[test]
fn a_time_quota_goes_by_what_was_achieved_and_is_measured_at_the_end_of_each_window() {
    let quota = QuotaConfig { time_ms: 1, reset_interval_ms: 10, ..Default::default() };
    let timed = SchemeConfig { quota, ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(3), &ABC, vec![timed]);
    // 4 pages in 2 ms: 8192 bytes per ms.
    bench.memory.effect = |_| Applied { bytes: 0, passed: 0, elapsed_ns: 2_000_000 };
    bench.window(&[]);
    assert_eq!(bench.scheme(0).quota.effective_sz_bytes, 4096 * 1024, "nothing was timed yet");
    assert_eq!(bench.scheme(0).stats.sz_tried, 12 * PAGE);
    bench.close();
    bench.window(&[]);
    assert_eq!(bench.scheme(0).quota.effective_sz_bytes, 2 * PAGE);
    assert_eq!(bench.applied(), [(0, 4), (10, 14), (20, 24), (0, 2)]);
    assert_eq!(bench.scheme(0).quota.total_charged_ns, 8_000_000);
}
