//! Every interleaving loom can make of one producer and one consumer, at sizes 1 and 2 and across
//! the index wrap. Run: `RUSTFLAGS="--cfg loom" cargo test -p damon-ring --test loom --release`.
//!
//! What loom cannot see: load buffering (so a relaxed `tail` shows as a data race on the slot, not
//! as a torn value), and the nested push, which is one thread's program order and is tested with
//! a real nesting in the crate's unit tests.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_ring::{AccessReport, Lanes, LanesOptions};
use loom::thread;

fn model(slots: u32, start: u32, pushes: u64, drains: usize) {
    loom::model(move || {
        let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots }).unwrap();
        let lane = lanes.add_starting_at(start).unwrap();
        let producer = thread::spawn(move || {
            (0..pushes).filter(|&n| lane.push(AccessReport::physical(n, 8, !n)).is_ok()).count()
        });
        let mut seen: Vec<u64> = Vec::new();
        let take = |lanes: &mut Lanes, seen: &mut Vec<u64>| {
            let drained = lanes.drain(|_, report| {
                assert_eq!(report.time_ns, !report.address, "torn");
                seen.push(report.address);
            });
            assert!(drained <= u64::from(slots), "more than one ring-full");
        };
        for _ in 0..drains {
            take(&mut lanes, &mut seen);
        }
        let queued = producer.join().unwrap();
        // The producer is quiet: what is left must be marked pending, or it is stranded.
        take(&mut lanes, &mut seen);
        assert_eq!(seen.len(), queued, "stranded or duplicated");
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "order");
        let counters = lanes.counters();
        assert_eq!((counters.offered(), counters.pending()), (pushes, 0));
    });
}

#[test]
fn one_slot() {
    model(1, 0, 3, 2);
}

#[test]
fn two_slots() {
    model(2, 0, 3, 2);
}

#[test]
fn two_slots_across_the_wrap() {
    model(2, u32::MAX, 3, 1);
}
