//! When a tuner is asked, about what, and what becomes of its verdict.

use damon_core::TuneRequest;
use damon_core::kdamond::MetricValue;
use damon_core::scheme::{CoreFilter, Goal, Metric, SchemeConfig};

use crate::common::{Bench, HOT, PAGE, attrs, range};
use crate::{ABCD, EACH, ONCE, with_quota};

pub(crate) fn goal(nid: u32) -> Goal {
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
    let request = |pages: u64| {
        let metrics = vec![MetricValue::UserInput];
        vec![TuneRequest { scheme: 0, openings: 1, effective_sz_bytes: pages * PAGE, metrics }]
    };
    let mut round = |verdict: Option<u64>| {
        bench.verdicts = verdict.map(|pages| (0, pages * PAGE)).into_iter().collect();
        bench.requests.clear();
        bench.window(&[]);
        let effective = bench.scheme(0).quota.effective_sz_bytes / PAGE;
        (bench.requests.clone(), effective, bench.applied(), bench.scheme(0).stats.qt_exceeds)
    };
    assert_eq!(round(Some(2)), (request(0), 2, vec![(0, 2)], 0), "the goals allow less");
    assert_eq!(round(Some(9)), (vec![], 2, vec![], 0), "nobody asked");
    assert_eq!(
        round(Some(9)),
        (request(2), 6, vec![(2, 4), (10, 14)], 1),
        "the size limit is less"
    );
    assert_eq!(round(None), (vec![], 6, vec![], 1));
    assert_eq!(
        round(Some(0)),
        (request(6), 0, vec![], 2),
        "a goal that is reached stops the scheme"
    );
    assert_eq!(round(None), (vec![], 0, vec![], 2));
    // A window that allows nothing is full. No verdict: as it was.
    assert_eq!(round(None), (request(0), 0, vec![], 3));
    assert_eq!(round(None), (vec![], 0, vec![], 3));
    assert_eq!(round(Some(3)), (request(0), 3, vec![(20, 23)], 4), "and the place was kept");
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
