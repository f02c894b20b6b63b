//! Schemes against `damon-core.md` 5 and 6: which regions, how much, in which order, and the books.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../common/mod.rs"]
mod common;
mod filters;
mod goals;
mod quota;

use common::{Bench, COLD, HOT, Memory, PAGE, START_NS, attrs, config, range, scheme, select};
use damon_core::kdamond::Config;
use damon_core::ops::{Applied, Primitive};
use damon_core::region::Range;
use damon_core::scheme::{
    Bounds, CoreFilter, FailCharge, Pattern, QuotaConfig, SchemeConfig, SchemeStats,
};
use damon_core::{Action, Kdamond, OpsId};

/// A window for every aggregation: 10 ms, as the bench's aggregations.
const EACH: u64 = 10;
/// One window for the whole test.
const ONCE: u64 = 1_000_000;

fn with_pattern(pattern: Pattern) -> SchemeConfig {
    SchemeConfig { pattern, ..scheme(Action::Stat) }
}

fn with_quota(action: Action, pages: u64, reset_interval_ms: u64) -> SchemeConfig {
    let quota = QuotaConfig { sz_bytes: pages * PAGE, reset_interval_ms, ..Default::default() };
    SchemeConfig { quota, ..scheme(action) }
}

/// A region's bounds.
type Pages = (u64, u64);

/// Four regions of four pages that touch nowhere:  A [0 4)  B [10 14)  C [20 24)  D [30 34)
const ABCD: [Pages; 4] = [(0, 4), (10, 14), (20, 24), (30, 34)];

#[test]
fn a_pattern_is_closed_on_both_sides_in_each_dimension() {
    // Sizes 4, 5, 6 and 7 pages; their sums tell which were tried.
    let list = [(0, 4), (10, 15), (20, 26), (30, 37)];
    let size =
        |min, max| Pattern { size: Bounds { min: min * PAGE, max: max * PAGE }, ..Pattern::ANY };
    let count = |min, max| Pattern { nr_accesses: Bounds { min, max }, ..Pattern::ANY };
    let age = |min, max| Pattern { age: Bounds { min, max }, ..Pattern::ANY };
    let inner = Pattern { size: Bounds { min: 4 * PAGE + 1, max: 7 * PAGE - 1 }, ..Pattern::ANY };
    let cases = [
        (size(5, 6), 11),
        (size(5, 5), 5),
        (inner, 11),
        (size(8, 9), 0),
        // Counts in the last window: 2, 1, 5, 0.
        (count(1, 2), 9),
        (count(2, 4), 4),
        (count(3, 5), 6),
        (count(0, 0), 7),
        // Ages there: 2, 1, 0, 4.
        (age(1, 2), 9),
        (age(2, 3), 4),
        (age(3, 4), 7),
        (age(0, 0), 6),
        // All must match.
        (Pattern { age: Bounds { min: 0, max: 1 }, ..count(1, 2) }, 5),
        (Pattern { size: Bounds { min: 0, max: 4 * PAGE }, ..count(5, 5) }, 0),
    ];
    let schemes = cases.iter().map(|(pattern, _)| with_pattern(*pattern)).collect();
    let mut bench = Bench::new(attrs(4), &list, schemes);
    bench.window(&[]);
    bench.window(&[(0, 2)]);
    bench.window(&[(0, 2), (10, 1)]);
    let before: Vec<_> = bench.kdamond.schemes().iter().map(|one| one.stats.sz_tried).collect();
    bench.window(&[(0, 2), (10, 1), (20, 5)]);
    assert_eq!((bench.counts(), bench.ages()), (vec![2, 1, 5, 0], vec![2, 1, 0, 4]));
    for (index, ((pattern, pages), before)) in cases.iter().zip(before).enumerate() {
        let tried = bench.scheme(index).stats.sz_tried - before;
        assert_eq!(tried, pages * PAGE, "{pattern:?}");
    }
}

#[test]
fn a_scheme_is_due_one_apply_interval_after_its_last_round() {
    // Ticks of 1 ms; below one tick it is every tick, 0 is once per aggregation.
    for (interval_us, due) in [(0, 10), (999, 1), (1_000, 1), (2_999, 2), (7_000, 7), (15_000, 15)]
    {
        let config = SchemeConfig { apply_interval_us: interval_us, ..scheme(Action::Stat) };
        let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
        for tick in 1..=40 {
            bench.tick(&[]);
            let SchemeStats { nr_tried, nr_snapshots, .. } = bench.scheme(0).stats;
            assert_eq!(
                (nr_tried, nr_snapshots),
                (tick / due * 4, tick / due),
                "{interval_us} {tick}"
            );
        }
    }
}

#[test]
fn in_the_middle_of_a_window_the_pattern_sees_the_moving_count() {
    // Due at ticks 5, 10 and 15. In the first window ten hits, in the second three:
    //   5: 5 + 0 * 5/10    10: 10    15: 3 + 10 * 5/10 = 8
    let rounds = [5, 10, 8].map(|count| SchemeConfig {
        pattern: Pattern { nr_accesses: Bounds { min: count, max: count }, ..Pattern::ANY },
        apply_interval_us: 5_000,
        ..scheme(Action::Stat)
    });
    let mut bench = Bench::new(attrs(4), &ABCD, rounds.to_vec());
    let tried = |bench: &Bench| [0, 1, 2].map(|index| bench.scheme(index).stats.nr_tried);
    bench.window(&[(0, 10)]);
    assert_eq!(tried(&bench), [1, 1, 0]);
    for tick in 0..5 {
        bench.tick(if tick < 3 { &[0] } else { &[] });
    }
    assert_eq!(tried(&bench), [1, 1, 1]);
}

#[test]
fn every_action_but_stat_starts_a_new_life_whatever_it_achieved() {
    for (action, age) in [(Action::Stat, 1), (HOT, 0), (COLD, 0)] {
        let mut bench = Bench::new(attrs(4), &ABCD, vec![scheme(action)]);
        bench.memory.effect = |_| Applied::default();
        bench.window(&[]);
        assert_eq!(bench.ages(), [age; 4], "{action:?}");
        let expected = SchemeStats {
            nr_tried: 4,
            sz_tried: 16 * PAGE,
            nr_snapshots: 1,
            ..SchemeStats::default()
        };
        assert_eq!(bench.scheme(0).stats, expected, "nothing applied, all tried");
        let actions: Vec<_> = bench.memory.applied.iter().map(|(action, _)| *action).collect();
        assert_eq!(actions, [action; 4]);
    }
}

#[test]
fn applied_bytes_are_as_reported_even_if_more_than_tried() {
    let mut bench = Bench::new(attrs(4), &ABCD, vec![scheme(COLD)]);
    // Whole huge pages, but none for the region at 0.
    bench.memory.effect =
        |bytes| Applied { bytes: bytes * 512, passed: bytes, ..Applied::default() };
    bench.window(&[]);
    bench.memory.effect = |_| Applied { bytes: 0, passed: 1, ..Applied::default() };
    bench.window(&[]);
    let expected = SchemeStats {
        nr_tried: 8,
        sz_tried: 32 * PAGE,
        nr_applied: 4,
        sz_applied: 16 * 512 * PAGE,
        sz_ops_filter_passed: 16 * PAGE + 4,
        qt_exceeds: 0,
        nr_snapshots: 2,
    };
    assert_eq!(bench.scheme(0).stats, expected);
}

#[test]
fn schemes_take_their_turn_region_by_region_and_the_later_sees_what_the_earlier_did() {
    // The first makes every region's age 0, so the second, which wants an age of 1, has none.
    let mut second = scheme(COLD);
    second.pattern.age = Bounds { min: 1, max: 1 };
    let mut bench = Bench::new(attrs(4), &ABCD, vec![scheme(HOT), second.clone()]);
    bench.window(&[]);
    assert_eq!((bench.scheme(0).stats.nr_tried, bench.scheme(1).stats.nr_tried), (4, 0));
    let mut bench = Bench::new(attrs(4), &ABCD[..3], vec![second, scheme(HOT)]);
    bench.window(&[]);
    let order: Vec<_> = bench.memory.applied.iter().map(|(a, r)| (*a, r.start / PAGE)).collect();
    assert_eq!(order, [(COLD, 0), (HOT, 0), (COLD, 10), (HOT, 10), (COLD, 20), (HOT, 20)]);
}

#[test]
fn equal_neighbours_are_joined_after_a_round_up_to_the_unaligned_limit() {
    // A filter for the memory outside nothing passes all and cuts the last region at its place.
    //   [0 5)[5 11)   [20 30)   [40 50|51)      32 pages / 3 = 10.67, rounded up to 11
    // [0 5) and [5 11) merge: the merge goes by 11. [40 50)[50 51) stay: the join goes by 10.67.
    let cut = CoreFilter::address(range(50, 50), false, true);
    let config = SchemeConfig { core_filters: vec![cut], ..scheme(Action::Stat) };
    let list = [(0, 5), (5, 11), (20, 30), (40, 51)];
    let mut bench = Bench::new(attrs(5), &list, vec![config]);
    bench.window(&[]);
    assert_eq!(bench.bounds(), [(0, 11), (20, 30), (40, 50), (50, 51)]);
    assert_eq!(bench.applied(), [(0, 11), (20, 30), (40, 50), (50, 51)]);
}

#[test]
fn neighbours_that_differ_in_count_or_age_are_not_joined_and_the_weight_goes_along() {
    //   [0 4)[4 8)[8 12)[12 16)   [20 36)   [40 56)      48 pages / 3 = 16
    let list = [(0, 4), (4, 8), (8, 12), (12, 16), (20, 36), (40, 56)];
    let every_tick = SchemeConfig { apply_interval_us: 1_000, ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(6), &list, vec![every_tick]);
    bench.tick(&[4, 5, 12]);
    // The first round sees four neighbours of which none is like the next.
    assert_eq!(bench.bounds().len(), 6);
    bench.tick(&[0, 0, 0, 8]);
    // All have been seen once now, and are one.
    assert_eq!(bench.bounds(), [(0, 16), (20, 36), (40, 56)]);
    assert_eq!((bench.counts(), bench.hits()), (vec![1, 0, 0], vec![7, 0, 0]));
    // No scheme due, no joining.
    let mut bench = Bench::new(attrs(6), &list, vec![scheme(Action::Stat)]);
    bench.tick(&[]);
    assert_eq!(bench.bounds().len(), 6);
    // In tick 12 counts and ages are alike, but the last window saw 3 here and 5 there.
    let early = SchemeConfig { apply_interval_us: 12_000, ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(5), &list, vec![early]);
    bench.window(&[(0, 3), (4, 5)]);
    bench.tick(&[]);
    bench.tick(&[]);
    assert_eq!(bench.ages()[..2], [0, 0]);
    assert_eq!(bench.applied(), [(0, 4), (4, 8), (8, 16), (20, 36), (40, 56)]);
    assert_eq!(bench.bounds().len(), 5);
    // Age 0 beside age 1, counts alike.
    let mut part = scheme(HOT);
    part.core_filters = vec![CoreFilter::address(range(0, 8), true, true)];
    let mut bench = Bench::new(attrs(6), &list, vec![part]);
    bench.window(&[]);
    assert_eq!(bench.bounds(), [(0, 8), (8, 16), (20, 36), (40, 56)]);
    assert_eq!(bench.ages(), [0, 1, 1, 1]);
}

#[test]
fn after_so_many_snapshots_a_scheme_does_nothing_more() {
    let config = SchemeConfig { max_nr_snapshots: 2, ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
    for tried in [4, 8, 8, 8] {
        bench.close();
        bench.window(&[]);
        let stats = bench.scheme(0).stats;
        assert_eq!((stats.nr_tried, stats.nr_snapshots), (tried, tried / 4));
    }
    let rounds = bench.kdamond.take_rounds();
    assert_eq!(rounds.last().unwrap().snapshots_done.regions, 4);
}

#[test]
fn a_folio_over_two_regions_is_remembered_within_a_round_and_no_longer() {
    let mut bench = Bench::new(attrs(4), &ABCD, vec![scheme(Action::Stat)]);
    bench.window(&[]);
    assert_eq!(bench.memory.last_applied, [None, Some(0), Some(10), Some(20)]);
    bench.memory.last_applied.clear();
    bench.close();
    bench.window(&[]);
    assert_eq!(bench.memory.last_applied, [None, Some(0), Some(10), Some(20)]);
}

#[test]
fn bytes_of_an_effect_are_rounded_down_to_units_region_by_region() {
    let units = |(start, end)| Range { start: start * PAGE / 2, end: end * PAGE / 2 };
    let ranges = ABCD.map(units).to_vec();
    let schemes = vec![scheme(Action::Stat)];
    let config = Config { addr_unit: 2, ..config(attrs(4), ranges, schemes, OpsId::Paddr, 1) };
    let ops = select(OpsId::Paddr, Primitive::Reports);
    let mut bench = Bench::with(Kdamond::new(config, ops, &Memory::default(), START_NS).unwrap());
    bench.memory.effect = |_| Applied { bytes: 3, passed: 5, elapsed_ns: 0 };
    bench.window(&[]);
    assert_eq!(bench.applied(), ABCD);
    let stats = bench.scheme(0).stats;
    assert_eq!((stats.nr_tried, stats.sz_tried), (4, 16 * PAGE / 2));
    assert_eq!((stats.nr_applied, stats.sz_applied, stats.sz_ops_filter_passed), (4, 4, 8));
}

#[test]
fn what_failure_costs_is_rounded_down_region_by_region() {
    let fail_charge = FailCharge { numerator: 1, denominator: 3 };
    let quota = QuotaConfig { fail_charge, ..Default::default() };
    let schemes = vec![SchemeConfig { quota, ..scheme(Action::Stat) }];
    let mut bench = Bench::new(attrs(4), &ABCD, schemes);
    bench.memory.effect = |bytes| Applied { bytes: bytes - 2, ..Applied::default() };
    bench.window(&[]);
    assert_eq!(bench.scheme(0).quota.charged_sz_bytes, 16 * PAGE - 4 * 2);
}

#[test]
fn a_walk_lists_regions_that_are_only_counted() {
    let mut bench = Bench::new(attrs(4), &ABCD, vec![scheme(Action::Stat)]);
    bench.kdamond.walk();
    bench.window(&[]);
    let tried = &bench.kdamond.take_tried().unwrap().by_scheme[0];
    let bounds: Vec<_> = tried.iter().map(|r| (r.start / PAGE, r.end / PAGE)).collect();
    assert_eq!(bounds, ABCD);
}
