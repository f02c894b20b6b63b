//! The contract of the lanes, on one and on two threads.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_ring::{AccessReport, Batch, Dropped, LaneError, Lanes, LanesOptions, Producer};
use proptest::prelude::*;

fn report(number: u64) -> AccessReport {
    // Every field is derived from the number, so a torn report shows.
    AccessReport {
        time_ns: !number,
        tid: number as u32,
        tgid: (number as u32).wrapping_mul(3),
        cpu: number as u16,
        write: number & 1 == 1,
        ..AccessReport::physical(number, (number as u32) ^ 0x5555_5555, 0)
    }
}

fn lanes(slots: u32) -> Lanes {
    Lanes::new(LanesOptions { lanes_max: 130, slots }).unwrap()
}

fn drain(lanes: &mut Lanes) -> Vec<(u32, AccessReport)> {
    let mut out = Vec::new();
    lanes.drain(|lane, report| out.push((lane, *report)));
    out
}

#[test]
fn a_lane_holds_as_many_reports_as_slots_then_counts_the_rest_as_full() {
    let mut lanes = lanes(256);
    let lane = lanes.add().unwrap();
    for number in 0..256 {
        lane.push(report(number)).unwrap();
    }
    assert_eq!(lane.push(report(256)), Err(Dropped::Full));
    let counters = lanes.counters();
    assert_eq!((counters.queued, counters.dropped_full, counters.dropped_nested), (256, 1, 0));
    assert_eq!((counters.pending(), counters.offered()), (256, 257));
    let drained = drain(&mut lanes);
    assert_eq!(drained.len(), 256);
    assert!(drained.iter().enumerate().all(|(i, (_, r))| *r == report(i as u64)));
    assert_eq!(lane.free_slots(), 256, "a drain restores capacity");
    let counters = lanes.counters();
    assert_eq!((counters.pending(), counters.occupancy_max), (0, 256));
}

#[test]
fn a_batch_that_does_not_fit_is_cut_and_the_cut_is_counted() {
    let mut lanes = lanes(4);
    let lane = lanes.add().unwrap();
    let reports: Vec<_> = (0..7).map(report).collect();
    let batch = lane.push_batch(&reports);
    assert_eq!(batch, Batch { queued: 4, dropped_full: 3, dropped_nested: 0 });
    assert_eq!(drain(&mut lanes).len(), 4);
    assert_eq!(lane.push_batch(&[]), Batch::default());
}

#[test]
fn lanes_drain_in_ascending_order_across_pending_words() {
    let mut lanes = lanes(4);
    let producers: Vec<_> = (0..130).map(|_| lanes.add().unwrap()).collect();
    for index in [129, 0, 64, 63] {
        producers[index].push(report(index as u64)).unwrap();
    }
    let order: Vec<_> = drain(&mut lanes).into_iter().map(|(lane, _)| lane).collect();
    assert_eq!(order, [0, 63, 64, 129]);
    assert!(drain(&mut lanes).is_empty());
}

#[test]
fn bad_shapes_are_refused() {
    for slots in [0, 3, 255, 131_072] {
        let refused = Lanes::new(LanesOptions { lanes_max: 1, slots }).err();
        assert_eq!(refused, Some(LaneError::Slots(slots)));
    }
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 1 }).unwrap();
    let _lane = lanes.add().unwrap();
    assert_eq!(lanes.add().err(), Some(LaneError::Lanes(1)));
}

#[test]
fn two_sets_of_lanes_never_see_each_others_reports() {
    let (mut ours, mut theirs) = (lanes(4), lanes(4));
    let (a, _b) = (ours.add().unwrap(), theirs.add().unwrap());
    a.push(report(1)).unwrap();
    assert!(drain(&mut theirs).is_empty());
    assert_eq!(drain(&mut ours), [(0, report(1))]);
}

#[test]
fn a_producer_on_another_thread_loses_nothing_uncounted_and_tears_nothing() {
    const OFFERED: u64 = if cfg!(miri) { 200 } else { 400_000 };
    for slots in [1, 2, 256] {
        let mut lanes = lanes(slots);
        let lane: Producer = lanes.add_starting_at(u32::MAX - 100).unwrap();
        let producer = std::thread::spawn(move || {
            let mut queued = 0;
            for number in 0..OFFERED {
                queued += u64::from(lane.push(report(number)).is_ok());
            }
            queued
        });
        let mut seen = 0;
        let mut last = None;
        loop {
            let finished = producer.is_finished();
            let drained = lanes.drain(|_, r| {
                assert_eq!(*r, report(r.address), "torn");
                assert!(last.is_none_or(|last| last < r.address), "out of order or twice");
                last = Some(r.address);
            });
            seen += drained;
            if finished && drained == 0 {
                break;
            }
        }
        let queued = producer.join().unwrap();
        let counters = lanes.counters();
        assert_eq!((seen, counters.drained, counters.queued), (queued, queued, queued));
        assert_eq!(counters.offered(), OFFERED);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Push(u8),
    Batch(u8, u8),
    Drain,
}

proptest! {
    /// Against the obvious model: a bounded queue per lane.
    #[test]
    fn any_sequence_of_pushes_and_drains_equals_a_bounded_queue(
        slots in (0u32..4).prop_map(|power| 1 << power),
        start in prop_oneof![Just(0u32), Just(u32::MAX - 5)],
        acts in prop::collection::vec(prop_oneof![
            (0u8..3).prop_map(Act::Push),
            (0u8..3, 0u8..12).prop_map(|(lane, len)| Act::Batch(lane, len)),
            Just(Act::Drain),
        ], 0..60),
    ) {
        let mut lanes = lanes(slots);
        let producers: Vec<_> = (0..3).map(|_| lanes.add_starting_at(start).unwrap()).collect();
        let mut model: Vec<Vec<AccessReport>> = vec![Vec::new(); 3];
        let mut number = 0;
        for act in acts {
            match act {
                Act::Push(lane) => {
                    let lane = lane as usize;
                    let pushed = producers[lane].push(report(number));
                    prop_assert_eq!(pushed.is_ok(), model[lane].len() < slots as usize);
                    if pushed.is_ok() {
                        model[lane].push(report(number));
                    }
                    number += 1;
                }
                Act::Batch(lane, len) => {
                    let lane = lane as usize;
                    let reports: Vec<_> = (number..number + u64::from(len)).map(report).collect();
                    number += u64::from(len);
                    let room = slots as usize - model[lane].len();
                    let batch = producers[lane].push_batch(&reports);
                    prop_assert_eq!(batch.queued, reports.len().min(room));
                    prop_assert_eq!(batch.queued + batch.dropped_full, reports.len());
                    model[lane].extend(&reports[..batch.queued]);
                }
                Act::Drain => {
                    let expected: Vec<_> = model.iter_mut().enumerate()
                        .flat_map(|(lane, q)| q.drain(..).map(move |r| (lane as u32, r)))
                        .collect();
                    prop_assert_eq!(drain(&mut lanes), expected);
                }
            }
            let counters = lanes.counters();
            prop_assert_eq!(counters.offered(), number);
            let waiting: usize = model.iter().map(Vec::len).sum();
            prop_assert_eq!(counters.pending(), waiting as u64);
        }
    }
}
