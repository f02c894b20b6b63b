//! Schemes against `damon-core.md` 5 and 6: which regions, how much, in which order, and the books.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use common::{Bench, COLD, HOT, PAGE, attrs, range, scheme};
use damon_core::kdamond::MetricValue;
use damon_core::ops::Applied;
use damon_core::region::{Range, Weights};
use damon_core::scheme::{
    Bounds, CoreFilter, Goal, Metric, Pattern, QuotaConfig, SchemeConfig, SchemeStats,
};
use damon_core::{Action, TuneRequest, Verdict};

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
fn a_quota_is_charged_by_what_was_tried_and_the_last_region_is_cut_to_fit() {
    // Ten pages:  A [0 4)  B [10 14)  C [20 22|24)   then nothing
    let mut bench = Bench::new(attrs(4), &ABCD, vec![with_quota(HOT, 10, ONCE)]);
    // Half of it takes effect, which is not what is charged.
    bench.memory.effect = |bytes| Applied { bytes: bytes / 2, passed: 3, ..Applied::default() };
    bench.window(&[]);
    assert_eq!(bench.applied(), [(0, 4), (10, 14), (20, 22)]);
    assert_eq!(bench.bounds(), [(0, 4), (10, 14), (20, 22), (22, 24), (30, 34)]);
    assert_eq!(bench.ages(), [0, 0, 0, 1, 1], "tried means a new life; the rest keeps its own");
    let quota = &bench.scheme(0).quota;
    assert_eq!((quota.effective_sz_bytes, quota.charged_sz_bytes), (10 * PAGE, 10 * PAGE));
    let tried = SchemeStats {
        nr_tried: 3,
        sz_tried: 10 * PAGE,
        nr_applied: 3,
        sz_applied: 5 * PAGE,
        sz_ops_filter_passed: 9,
        qt_exceeds: 0,
        // The last region was not reached with quota to spare.
        nr_snapshots: 0,
    };
    assert_eq!(bench.scheme(0).stats, tried);
    for _ in 0..3 {
        bench.window(&[]);
        assert_eq!((bench.applied(), bench.scheme(0).stats), (vec![], tried));
    }
}

#[test]
fn less_than_a_smallest_region_left_is_full() {
    for (sz_bytes, pages) in [
        (PAGE, 1),
        (2 * PAGE - 1, 1),
        (2 * PAGE, 2),
        // Two pages and a bit: the cut is rounded down, the bit is too little for another.
        (2 * PAGE + 1808, 2),
        // Below one page nothing fits at all.
        (PAGE - 1, 0),
    ] {
        let mut config = with_quota(HOT, 0, ONCE);
        config.quota.sz_bytes = sz_bytes;
        let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
        bench.window(&[]);
        let expected = if pages == 0 { vec![] } else { vec![(0, pages)] };
        assert_eq!(bench.applied(), expected, "{sz_bytes}");
        assert_eq!(bench.scheme(0).quota.charged_sz_bytes, pages * PAGE);
        bench.window(&[]);
        assert_eq!(bench.applied(), []);
    }
}

#[test]
fn a_window_rolls_when_its_time_is_over_and_tells_whether_it_was_full() {
    // Windows of 25 ms, looked at every 10 ms: opened at 10, 40, 70.
    let mut bench = Bench::new(attrs(4), &ABCD, vec![with_quota(HOT, 16, 25)]);
    for (applied, charged, total, exceeded) in [
        (16, 16, 0, 0),
        (0, 16, 0, 0),
        (0, 16, 0, 0),
        // The quota had filled exactly at the end of the last region: the next round only finds
        // its place again, and has quota left when its window ends.
        (0, 0, 16, 1),
        (16, 16, 16, 1),
        (0, 16, 16, 1),
        (0, 0, 32, 2),
    ] {
        bench.window(&[]);
        let pages: u64 = bench.applied().iter().map(|(start, end)| end - start).sum();
        let quota = &bench.scheme(0).quota;
        let books = (quota.charged_sz_bytes / PAGE, quota.total_charged_sz_bytes / PAGE);
        assert_eq!((pages, books), (applied, (charged, total)));
        assert_eq!(bench.scheme(0).stats.qt_exceeds, exceeded);
    }
}

#[test]
fn every_window_goes_on_where_the_last_full_one_ended() {
    // Six pages a window. `#` is served, `.` is skipped:
    //        A [0 4)    B [10 12|14)   C [20 24)   D [30 34)
    //   1    ####       ##
    //   2    ....       .. ##          ####
    //   3    ....       .. ..          ....        ####         last region: the place is forgotten
    //   4    ####       ##
    let mut bench = Bench::new(attrs(4), &ABCD, vec![with_quota(HOT, 6, EACH)]);
    let served: [(&[Pages], u64, u64); 6] = [
        (&[(0, 4), (10, 12)], 6, 0),
        (&[(12, 14), (20, 24)], 6, 0),
        // Reached the last region with quota to spare: a snapshot.
        (&[(30, 34)], 4, 1),
        (&[(0, 4), (10, 12)], 6, 1),
        (&[(12, 14), (20, 24)], 6, 1),
        (&[(30, 34)], 4, 2),
    ];
    for (round, (expected, charged, snapshots)) in served.into_iter().enumerate() {
        bench.window(&[]);
        assert_eq!(bench.applied(), expected, "{round}");
        let charged_pages = bench.scheme(0).quota.charged_sz_bytes / PAGE;
        assert_eq!((charged_pages, bench.scheme(0).stats.nr_snapshots), (charged, snapshots));
    }
    assert_eq!(bench.scheme(0).stats.qt_exceeds, 4);
}

#[test]
fn a_quota_that_fills_at_the_end_of_the_last_region_costs_the_next_round() {
    // A [0 4)  B [10 14)  C [20 24), six pages a window: full at 12, at 24, which only the third
    // round, going past C, forgets.
    let mut bench = Bench::new(attrs(3), &ABCD[..3], vec![with_quota(HOT, 6, EACH)]);
    let served: [(&[Pages], u64); 5] = [
        (&[(0, 4), (10, 12)], 0),
        // C was offered and is the last: a snapshot, although the quota is full now.
        (&[(12, 14), (20, 24)], 1),
        (&[], 1),
        (&[(0, 4), (10, 12)], 1),
        (&[(12, 14), (20, 24)], 2),
    ];
    for (round, (expected, snapshots)) in served.into_iter().enumerate() {
        bench.window(&[]);
        assert_eq!(bench.applied(), expected, "{round}");
        assert_eq!(bench.scheme(0).stats.nr_snapshots, snapshots, "{round}");
    }
}

#[test]
fn a_window_with_quota_left_starts_the_next_round_at_the_first_region_again() {
    // Rounds every 5 ticks, one window for all: A, B, C, D, then A and half of B.
    let config = SchemeConfig { apply_interval_us: 5_000, ..with_quota(HOT, 22, ONCE) };
    let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
    bench.window(&[]);
    assert_eq!(bench.applied(), [&ABCD[..], &[(0, 4), (10, 12)]].concat());
}

/// `MigrateHot` or `MigrateCold` by frequency alone: hits of 10 score 99, 5 score 49, 2 score 19.
fn by_frequency(action: Action, pages: u64) -> SchemeConfig {
    let mut config = with_quota(action, pages, EACH);
    config.quota.weights = Weights { nr_accesses: 1, age: 0 };
    config
}

#[test]
fn the_best_scores_that_fill_the_quota_are_served_in_address_order() {
    // hits    A 2   B 10   C 5   D 10
    for (action, pages, expected) in [
        // Scores 19, 99, 49, 99.
        (HOT, 3, vec![(10, 13)]),
        (HOT, 8, vec![(10, 14), (30, 34)]),
        // One more page is wanted: all of the next score may have it, and C comes before D.
        (HOT, 9, vec![(10, 14), (20, 24), (30, 31)]),
        (HOT, 13, vec![(0, 4), (10, 14), (20, 24), (30, 31)]),
        // Scores 80, 0, 50, 0.
        (COLD, 4, vec![(0, 4)]),
        (COLD, 5, vec![(0, 4), (20, 21)]),
        // Whoever does nothing has no favourites.
        (Action::Stat, 5, vec![(0, 4), (10, 11)]),
    ] {
        let mut bench = Bench::new(attrs(4), &ABCD, vec![by_frequency(action, pages)]);
        bench.window(&[(0, 2), (10, 10), (20, 5), (30, 10)]);
        assert_eq!(bench.applied(), expected, "{action:?} {pages}");
    }
}

#[test]
fn regions_that_cannot_be_served_do_not_count_for_the_cut_off() {
    // hits    A 2   B 10   C 5   D 10;  quota four pages: B alone would fill it
    let hits = [(0, 2), (10, 10), (20, 5), (30, 10)];
    let reject = |start, end| CoreFilter::address(range(start, end), true, false);
    // B and D behind a filter: C is the best there is.
    let mut filtered = by_frequency(HOT, 4);
    filtered.core_filters = vec![reject(10, 14), reject(30, 34)];
    // B and D beside the pattern.
    let mut unlike = by_frequency(HOT, 4);
    unlike.pattern.nr_accesses.max = 9;
    for config in [filtered, unlike] {
        let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
        bench.window(&hits);
        assert_eq!(bench.applied(), [(20, 24)]);
    }
    // Half of B: the histogram counts the half that passes, so C must help.
    let mut half = by_frequency(HOT, 4);
    half.core_filters = vec![reject(10, 12), reject(30, 34)];
    let mut bench = Bench::new(attrs(4), &ABCD, vec![half]);
    bench.window(&hits);
    assert_eq!(bench.applied(), [(12, 14), (20, 22)]);
}

#[test]
fn a_score_weighs_age_by_its_order_of_magnitude() {
    // One round after 120 windows of 10 ms, more than a second. Of 0..=99, 49 being newborn:
    //   A unused 47    B used 50    C used for a moment 49    D unused 47
    for (action, pages, expected) in [
        (HOT, 4, vec![(10, 14)]),
        (HOT, 5, vec![(10, 14), (20, 21)]),
        (HOT, 9, vec![(0, 4), (10, 14), (20, 21)]),
        (COLD, 4, vec![(0, 4)]),
        (COLD, 8, vec![(0, 4), (30, 34)]),
        (COLD, 9, vec![(0, 4), (20, 24), (30, 31)]),
    ] {
        let mut config = with_quota(action, pages, EACH);
        config.quota.weights = Weights { nr_accesses: 0, age: 1 };
        config.apply_interval_us = 1_200_000;
        let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
        for _ in 1..120 {
            bench.window(&[(10, 5)]);
        }
        bench.window(&[(10, 5), (20, 5)]);
        assert_eq!(bench.applied(), expected, "{action:?} {pages}");
    }
}

/// What a scheme with these filters is let near of  [0 12)  [20 32)  [40 52).
fn let_through(filters: &[CoreFilter], action: Action) -> (Vec<(u64, u64)>, Bench) {
    let config = SchemeConfig { core_filters: filters.to_vec(), ..scheme(action) };
    let mut bench = Bench::new(attrs(3), &[(0, 12), (20, 32), (40, 52)], vec![config]);
    bench.window(&[]);
    (bench.applied(), bench)
}

/// From within page 4 to the last byte of page 8: [4 8), both ends rounded down.
const MIDDLE: Range = Range { start: 4 * PAGE + 100, end: 8 * PAGE + 4095 };

#[test]
fn an_address_filter_cuts_at_both_edges_and_the_default_is_the_opposite_of_the_last() {
    let filter = |range, matching, allow| CoreFilter::address(range, matching, allow);
    let rest = [(20, 32), (40, 52)];
    let around = [&[(0, 4), (8, 12)][..], &rest].concat();
    for (filters, expected) in [
        (vec![], [&[(0, 12)][..], &rest].concat()),
        // Only inside; not inside.
        (vec![filter(MIDDLE, true, true)], vec![(4, 8)]),
        (vec![filter(MIDDLE, true, false)], around.clone()),
        // Only outside; not outside.
        (vec![filter(MIDDLE, false, true)], around.clone()),
        (vec![filter(MIDDLE, false, false)], vec![(4, 8)]),
        // The first that hits decides.
        (vec![filter(range(4, 6), true, false), filter(MIDDLE, true, true)], vec![(6, 8)]),
        (
            vec![filter(range(5, 6), true, true), filter(MIDDLE, true, false)],
            [&[(0, 4), (5, 6), (8, 12)][..], &rest].concat(),
        ),
        // At a region's own bounds nothing is cut, and beside it nothing hits.
        (vec![filter(range(20, 32), true, true)], vec![(20, 32)]),
        (vec![filter(range(12, 20), true, true)], vec![]),
        (vec![filter(range(12, 20), true, false)], [&[(0, 12)][..], &rest].concat()),
        // Over the end of one and the beginning of the next.
        (vec![filter(range(10, 22), true, true)], vec![(10, 12), (20, 22)]),
        // Less than a page, rounded down to nothing.
        (vec![filter(Range { start: 4 * PAGE + 1, end: 5 * PAGE - 1 }, true, true)], vec![]),
    ] {
        assert_eq!(let_through(&filters, HOT).0, expected, "{filters:?}");
    }
}

#[test]
fn a_filtered_region_is_not_tried_and_keeps_its_age() {
    let filters = [CoreFilter::address(MIDDLE, true, true)];
    let (applied, bench) = let_through(&filters, HOT);
    assert_eq!(applied, [(4, 8)]);
    let SchemeStats { nr_tried, sz_tried, nr_snapshots, .. } = bench.scheme(0).stats;
    // The round is a snapshot all the same.
    assert_eq!((nr_tried, sz_tried, nr_snapshots), (1, 4 * PAGE, 1));
    assert_eq!(bench.bounds(), [(0, 4), (4, 8), (8, 12), (20, 32), (40, 52)]);
    assert_eq!(bench.ages(), [1, 0, 1, 1, 1]);
}

#[test]
fn a_filter_takes_its_part_after_the_quota_has_cut() {
    // Quota ten pages: [0 12) is cut at 10, of which [4 8) passes; then [20 26) of [20 32).
    let mut config = with_quota(HOT, 10, ONCE);
    let allow = |range| CoreFilter::address(range, true, true);
    config.core_filters = vec![allow(MIDDLE), allow(range(20, 52))];
    let mut bench = Bench::new(attrs(3), &[(0, 12), (20, 32), (40, 52)], vec![config]);
    bench.window(&[]);
    assert_eq!(bench.applied(), [(4, 8), (20, 26)]);
    assert_eq!(bench.scheme(0).quota.charged_sz_bytes, 10 * PAGE);
    assert_eq!(bench.scheme(0).stats.sz_tried, 10 * PAGE);
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

fn goal(nid: u32) -> Goal {
    Goal { metric: Metric::NodeEligibleMemBp { nid } }
}

fn with_goals(goals: Vec<Goal>, pages: u64, reset_interval_ms: u64) -> SchemeConfig {
    let mut config = with_quota(HOT, pages, reset_interval_ms);
    config.quota.goals = goals;
    config
}

#[test]
fn a_window_that_opens_asks_for_a_verdict_and_goes_by_the_smaller_limit() {
    // Windows of 20 ms, rounds every 10: opened in rounds 1, 3, 5, ...; size limit 6 pages.
    let goals = vec![Goal { metric: Metric::UserInput }];
    let mut bench = Bench::new(attrs(4), &ABCD, vec![with_goals(goals, 6, 20)]);
    let request =
        || vec![TuneRequest { scheme: 0, openings: 1, metrics: vec![MetricValue::UserInput] }];
    let mut round = |verdict: Option<u64>| {
        bench.verdicts = verdict.map(|pages| (0, pages * PAGE)).into_iter().collect();
        bench.requests.clear();
        bench.window(&[]);
        let effective = bench.scheme(0).quota.effective_sz_bytes / PAGE;
        (bench.requests.clone(), effective, bench.applied(), bench.scheme(0).stats.qt_exceeds)
    };
    assert_eq!(round(Some(2)), (request(), 2, vec![(0, 2)], 0), "the goals allow less");
    assert_eq!(round(Some(9)), (vec![], 2, vec![], 0), "nobody asked");
    assert_eq!(round(Some(9)), (request(), 6, vec![(2, 4), (10, 14)], 1), "the size limit is less");
    assert_eq!(round(None), (vec![], 6, vec![], 1));
    assert_eq!(
        round(Some(0)),
        (request(), 0, vec![], 2),
        "a goal that is reached stops the scheme"
    );
    assert_eq!(round(None), (vec![], 0, vec![], 2));
    // A window that allows nothing is full. No verdict: as it was.
    assert_eq!(round(None), (request(), 0, vec![], 3));
    assert_eq!(round(None), (vec![], 0, vec![], 3));
    assert_eq!(round(Some(3)), (request(), 3, vec![(20, 23)], 4), "and the place was kept");
}

#[test]
fn goals_alone_are_a_limit_and_a_verdict_may_be_anything() {
    for (bytes, pages) in [(0, 0), (PAGE - 1, 0), (PAGE, 1), (5 * PAGE, 5), (u64::MAX, 16)] {
        let goals = vec![Goal { metric: Metric::UserInput }];
        let mut bench = Bench::new(attrs(4), &ABCD, vec![with_goals(goals, 0, ONCE)]);
        bench.verdicts.insert(0, bytes);
        bench.window(&[]);
        let applied: u64 = bench.applied().iter().map(|(start, end)| end - start).sum();
        assert_eq!(applied, pages, "{bytes}");
    }
}

#[test]
fn an_interval_of_zero_opens_a_window_in_every_round_and_two_in_the_first() {
    let goals = vec![Goal { metric: Metric::UserInput }];
    let mut never = with_goals(goals.clone(), 4, 0);
    never.apply_interval_us = 1_000_000;
    let schemes = vec![never, with_quota(HOT, 4, 0), with_goals(goals, 4, 0)];
    let mut bench = Bench::new(attrs(4), &ABCD, schemes);
    for _ in 0..3 {
        bench.window(&[]);
    }
    // The first is not due, the second has no goals.
    let asked: Vec<_> = bench.requests.iter().map(|one| (one.scheme, one.openings)).collect();
    assert_eq!(asked, [(2, 2), (2, 1), (2, 1)]);
    // A window each round: the second served A, B and C.
    assert_eq!(bench.scheme(1).stats.sz_tried, 12 * PAGE);
    assert_eq!(bench.scheme(1).stats.qt_exceeds, 2);
}

#[test]
fn the_metric_is_the_nodes_share_of_memory_in_regions_that_match_whatever_filters_say() {
    //            A [0 4)   B [10 14)   C [20 24)   D [30 34)
    //   hits     3         5           0           1
    //   memory   [0 3) 0   [10 14) 1   [20 24) 0   none
    let mut config = with_goals(vec![goal(0), goal(1), goal(7)], 0, EACH);
    config.pattern.nr_accesses.min = 1;
    // The filter would leave nothing of what is on node 0.
    config.core_filters = vec![CoreFilter::address(range(0, 4), true, false)];
    let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
    bench.memory.nodes = vec![(range(0, 3), 0), (range(10, 14), 1), (range(20, 24), 0)];
    bench.window(&[(0, 3), (10, 5), (30, 1)]);
    let value = |value_bp, on_node, total| MetricValue::Share {
        value_bp,
        part: on_node * PAGE,
        total: total * PAGE,
    };
    // Three pages of seven, rounded down: 4285.7; four of seven: 5714.3.
    let first = vec![value(4285, 3, 7), value(5714, 4, 7), value(0, 0, 7)];
    assert_eq!(bench.requests[0].metrics, first);
    let asked: Vec<_> = bench
        .memory
        .asked
        .take()
        .iter()
        .map(|(r, nid)| (r.start / PAGE, r.end / PAGE, *nid))
        .collect();
    let per_goal = |nid| [(0, 4, nid), (10, 14, nid), (30, 34, nid)];
    assert_eq!(asked, [per_goal(0), per_goal(1), per_goal(7)].concat());
    // Only D matches, and has no memory; then nothing matches at all.
    bench.window(&[(30, 1)]);
    assert_eq!(bench.requests[1].metrics, vec![value(0, 0, 0); 3]);
    bench.window(&[]);
    assert_eq!(bench.requests[2].metrics, vec![value(0, 0, 0); 3]);
    assert_eq!(bench.requests.len(), 3);
}

#[test]
fn what_a_filter_cuts_off_is_neither_tried_nor_charged() {
    // Without a limit, so that no look at priorities has cut the region before.
    let filter = CoreFilter::address(range(0, 3), true, true);
    let config = SchemeConfig { core_filters: vec![filter], ..scheme(Action::Stat) };
    let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
    bench.window(&[]);
    assert_eq!(bench.applied(), [(0, 3)]);
    assert_eq!(bench.scheme(0).stats.sz_tried, 3 * PAGE);
    assert_eq!(bench.scheme(0).quota.charged_sz_bytes, 3 * PAGE);
}

#[test]
fn of_two_windows_at_once_the_first_tells_whether_it_was_full() {
    // No interval: the first round opens a window and ends it. damon-core.md 5.4.
    for (quota, bytes_before, exceeded) in [
        // Less than a smallest region is full from the start.
        (QuotaConfig { sz_bytes: PAGE - 1, ..Default::default() }, None, 1),
        (QuotaConfig { sz_bytes: PAGE, ..Default::default() }, None, 0),
        (QuotaConfig { goals: vec![goal(0)], ..Default::default() }, Some(PAGE - 1), 1),
        (QuotaConfig { goals: vec![goal(0)], ..Default::default() }, Some(PAGE), 0),
    ] {
        let config = SchemeConfig { quota, apply_interval_us: 1_000, ..scheme(Action::Stat) };
        let mut bench = Bench::new(attrs(4), &ABCD, vec![config]);
        bench.tick(&[]);
        if let Some(bytes) = bytes_before {
            let verdict = Verdict { scheme: 0, bytes: 9 * PAGE, bytes_before: Some(bytes) };
            bench.kdamond.decide(&verdict);
        }
        assert_eq!(bench.scheme(0).stats.qt_exceeds, exceeded, "{bytes_before:?}");
    }
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
