//! Neither a push nor a steady drain calls the allocator, be it to take or to give back.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/allocations.rs"]
mod allocations;
mod common;
#[path = "common/javascript.rs"]
mod javascript;

use allocations::allocator_calls;
use common::{report, reports_from};
use damon_ring::{Dropped, Lanes, LanesOptions};
use javascript::{JavaScript, lane_of, zeroed};

/// How often the allocator was called meanwhile.
fn calls(act: impl FnOnce()) -> u64 {
    let before = allocator_calls();
    act();
    allocator_calls() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(calls(|| drop(std::hint::black_box(Box::new(1)))), 2, "taken and given back");
    assert_eq!(calls(|| ()), 0);
}

#[test]
fn a_push_allocates_nothing_whatever_becomes_of_it() {
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 2, slots: 64 }).unwrap();
    let lane = lanes.add().unwrap();
    // From the very first, which finds every page and cache cold.
    let queued = calls(|| (0..64).for_each(|number| lane.push(report(number)).unwrap()));
    let full = calls(|| assert_eq!(lane.push(report(64)), Err(Dropped::Full)));
    let cut = calls(|| assert_eq!(lane.push_batch(reports_from(0, 9)).dropped_full, 9));
    lanes.drain(|_, _| ());
    let nested = calls(|| {
        let outer = reports_from(0, 3).inspect(|_| assert!(lane.push(report(1)).is_err()));
        assert_eq!(lane.push_batch(outer).queued, 3);
    });
    lanes.close();
    let closed = calls(|| assert_eq!(lane.push(report(65)), Err(Dropped::Closed)));
    assert_eq!([queued, full, cut, nested, closed], [0; 5]);
    assert_eq!(calls(|| drop(lane)), 0, "the lane is the reader's to give back");
}

#[test]
fn a_steady_drain_allocates_nothing_also_of_a_shared_lane() {
    let words = zeroed(64);
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 3, slots: 64 }).unwrap();
    let (a, b) = (lanes.add().unwrap(), lanes.add().unwrap());
    lanes.door().add_shared(lane_of(&words).unwrap()).unwrap();
    let javascript = JavaScript::attach(&words);
    assert!(calls(|| assert_eq!(lanes.drain(|_, _| ()), 0)) > 0, "lanes are let in");
    let mut drained = 0;
    let steady = calls(|| {
        for round in 0..200 {
            for number in 0..round % 65 {
                a.push(report(number)).unwrap();
                javascript.push(&report(number)).unwrap();
            }
            b.push_batch(reports_from(round, round % 9));
            let from_callback = lanes.drain(|_, reports| drained += reports.len() as u64);
            assert_eq!(from_callback, 2 * (round % 65) + round % 9);
            assert_eq!(lanes.counters().drained, drained);
        }
    });
    assert_eq!(steady, 0);
    let closing = calls(|| lanes.close());
    assert_eq!(closing, 0);
}
