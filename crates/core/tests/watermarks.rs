//! When schemes may act: watermarks, a pause, and walks along with them. `damon-core.md` 2.3, 2.4
//! and 5.10.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use common::{Bench, PAGE, attrs, scheme};
use damon_core::Action;
use damon_core::ops::{Gauge, Reading};
use damon_core::scheme::{SchemeConfig, WatermarkMetric, Watermarks};

/// Active below 500 permil free, at least 100; to become so again, below 400.
const MARKS: Watermarks = Watermarks {
    metric: WatermarkMetric::FreeMemRate,
    interval_us: 7_000,
    high: 500,
    mid: 400,
    low: 100,
};

fn watched(marks: &[Watermarks]) -> Bench {
    let schemes = marks
        .iter()
        .map(|watermarks| SchemeConfig { watermarks: *watermarks, ..scheme(Action::Stat) })
        .collect();
    let memory = common::Memory { gauges: free(0), ..Default::default() };
    let config = common::config(
        attrs(3),
        common::ranges(&[(0, 4), (10, 14), (20, 24)]),
        schemes,
        damon_core::OpsId::PaddrIbs,
        1,
    );
    let ops = common::select(damon_core::OpsId::PaddrIbs, damon_core::ops::Primitive::Reports);
    let kdamond = damon_core::Kdamond::new(config, ops, &memory, common::START_NS).unwrap();
    let mut bench = Bench::with(kdamond);
    bench.memory = memory;
    bench
}

/// So many permil are free, and a little more that does not count.
fn free(permil: u64) -> Vec<(Gauge, Reading)> {
    vec![(Gauge::Free, Reading { part: permil * 7 + 6, total: 7_000 })]
}

#[test]
fn a_scheme_keeps_its_state_between_mid_and_high_and_no_other_mark_has_a_memory() {
    let mut bench = watched(&[MARKS]);
    // permil free -> active
    for (permil, active) in [
        (450, true), // new schemes are active
        (500, true),
        (501, false),
        (500, false),
        (400, false),
        (399, true),
        (400, true),
        (500, true),
        (99, false),
        (100, true),
        (0, false),
        (450, false),
        (1000, false),
        (250, true),
    ] {
        bench.memory.gauges = free(permil);
        let wait_us = bench.kdamond.gate(&bench.memory);
        assert_eq!(wait_us, (!active).then_some(7_000), "{permil}");
        assert_eq!(bench.scheme(0).is_activated(), active, "{permil}");
    }
    bench.memory.gauges = vec![(Gauge::Free, Reading::default())];
    assert_eq!(bench.kdamond.gate(&bench.memory), Some(7_000), "nothing of nothing is nothing");
}

#[test]
fn the_shortest_wait_counts_and_one_active_scheme_keeps_all_going() {
    let slow = Watermarks { interval_us: 9_000, ..MARKS };
    let mut bench = watched(&[slow, MARKS]);
    assert_eq!(bench.kdamond.gate(&bench.memory), Some(7_000));
    // The second takes any amount of free memory.
    let any = Watermarks { high: 1000, mid: 1000, low: 0, ..MARKS };
    let mut bench = watched(&[slow, any]);
    assert_eq!(bench.kdamond.gate(&bench.memory), None);
    bench.window(&[]);
    // What is not active is not served; what is due stays so until it is active again.
    assert_eq!([0, 1].map(|i| bench.scheme(i).stats.nr_tried), [0, 3]);
    bench.memory.gauges = free(300);
    assert_eq!(bench.kdamond.gate(&bench.memory), None);
    bench.close();
    bench.window(&[]);
    assert_eq!([0, 1].map(|i| bench.scheme(i).stats.nr_tried), [3, 6]);
}

#[test]
fn an_inactive_scheme_that_waits_for_nothing_lets_monitoring_go_on() {
    let mut bench = watched(&[Watermarks { interval_us: 0, ..MARKS }]);
    assert_eq!(bench.kdamond.gate(&bench.memory), None);
    assert!(!bench.scheme(0).is_activated());
    bench.window(&[(0, 3)]);
    assert_eq!((bench.counts(), bench.scheme(0).stats.nr_tried), (vec![3, 0, 0], 0));
    // It stays due until it may act, and its interval begins when it did.
    bench.memory.gauges = free(300);
    assert_eq!(bench.kdamond.gate(&bench.memory), None);
    for tick in 11..=21 {
        bench.tick(&[]);
        let tried = if tick < 21 { 3 } else { 6 };
        assert_eq!(bench.scheme(0).stats.nr_tried, tried, "{tick}");
    }
}

#[test]
fn time_at_rest_is_no_tick_and_what_was_reported_in_it_is_stale() {
    let mut bench = watched(&[MARKS]);
    bench.tick(&[]);
    bench.report(0);
    let now_ns = bench.kdamond.next_tick_ns() + 50_000_000;
    bench.kdamond.rest(now_ns, &mut bench.lanes);
    assert_eq!(bench.kdamond.drain_counters().stale, 1);
    assert_eq!(bench.kdamond.next_tick_ns(), now_ns + 1_000_000);
    for _ in 0..8 {
        bench.tick(&[0]);
    }
    assert!(!bench.kdamond.at_aggregation());
    bench.tick(&[0]);
    assert!(bench.kdamond.at_aggregation());
    assert_eq!(bench.counts(), [9, 0, 0]);
}

#[test]
fn a_walk_tells_what_every_scheme_tried_in_one_round_before_ages_begin_anew() {
    let slow = SchemeConfig { apply_interval_us: 20_000, ..scheme(Action::PageOut) };
    let schemes = vec![scheme(Action::Stat), slow];
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], schemes);
    bench.window(&[]);
    bench.close();
    assert!(bench.kdamond.walk() && !bench.kdamond.walk(), "one at a time");
    assert_eq!(bench.kdamond.take_tried(), None);
    bench.window(&[(0, 5)]);
    let tried = bench.kdamond.take_tried().unwrap();
    assert!(!bench.kdamond.is_walking());
    let of = |scheme: usize| -> Vec<_> {
        tried.by_scheme[scheme].iter().map(|r| (r.start / PAGE, r.nr_accesses, r.age)).collect()
    };
    // Idle for two aggregations but for the first region, which came to life in the second.
    assert_eq!(of(0), [(0, 5, 0), (10, 0, 2), (20, 0, 2)]);
    assert_eq!(of(1), of(0));
    assert_eq!(bench.ages(), [0, 0, 0], "paged out");
}

#[test]
fn a_walk_is_cancelled_when_nobody_may_act() {
    let mut bench = watched(&[MARKS]);
    assert!(bench.kdamond.walk());
    assert!(bench.kdamond.gate(&bench.memory).is_some());
    assert!(!bench.kdamond.is_walking(), "by watermarks");
    let mut bench = watched(&[Watermarks { interval_us: 0, ..MARKS }]);
    assert!(bench.kdamond.walk());
    assert_eq!(bench.kdamond.gate(&bench.memory), None);
    bench.tick(&[]);
    assert!(!bench.kdamond.is_walking(), "by watermarks that monitoring does not wait for");
    let mut bench = Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![]);
    assert!(bench.kdamond.walk());
    bench.tick(&[]);
    assert!(!bench.kdamond.is_walking(), "for want of schemes");
    assert!(bench.kdamond.walk());
    bench.kdamond.cancel_walk();
    assert!(!bench.kdamond.is_walking() && bench.kdamond.take_tried().is_none());
}
