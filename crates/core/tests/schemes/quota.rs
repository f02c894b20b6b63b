//! How much of what matches is tried, and which of it first.

use damon_core::ops::Applied;
use damon_core::region::Weights;
use damon_core::scheme::{CoreFilter, QuotaConfig, SchemeConfig, SchemeStats};
use damon_core::{Action, Verdict};

use crate::common::{Bench, COLD, HOT, PAGE, attrs, range, scheme};
use crate::{ABCD, EACH, ONCE, Pages, goals::goal, with_quota};

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
fn a_page_that_a_filter_cuts_off_while_regions_are_ranked_is_not_split() {
    // Large regions, of which one page is not to be tried: the others begin a new life, so that it
    // stays apart, and is there when the aggregation ends.
    let mut config = with_quota(HOT, 1_000, ONCE);
    config.core_filters = vec![CoreFilter::address(range(30, 31), true, false)];
    let mut bench = Bench::new(attrs(100), &[(0, 60), (100, 160), (200, 260)], vec![config]);
    bench.window(&[]);
    assert_eq!(bench.bounds(), [(0, 30), (30, 31), (31, 60), (100, 160), (200, 260)]);
    bench.close();
    assert!(bench.bounds().contains(&(30, 31)));
    assert!(bench.bounds().len() > 5, "the others are");
    assert!(bench.regions().iter().all(|region| region.start < region.end));
}

#[test]
fn a_page_that_a_quota_cuts_off_is_not_split() {
    // A window of 61 pages takes the first region and a page of the second, which begins a new life
    // and so stays apart.
    let config = with_quota(HOT, 61, ONCE);
    let mut bench = Bench::new(attrs(100), &[(0, 60), (100, 160), (200, 260)], vec![config]);
    bench.window(&[]);
    assert_eq!(bench.bounds(), [(0, 60), (100, 101), (101, 160), (200, 260)]);
    bench.close();
    assert!(bench.bounds().contains(&(100, 101)));
    assert!(bench.bounds().len() > 4, "the others are");
    assert!(bench.regions().iter().all(|region| region.start < region.end));
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
