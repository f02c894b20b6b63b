//! What a scheme is let near.

use damon_core::Action;
use damon_core::region::Range;
use damon_core::scheme::{CoreFilter, SchemeConfig, SchemeStats};

use crate::common::{Bench, HOT, PAGE, attrs, range, scheme};
use crate::{ABCD, ONCE, with_quota};

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
