//! The contract of the lanes, on one thread and on many.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../common/mod.rs"]
mod common;
mod model;
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{drain, numbers, report, reports_from, whole};
use damon_ring::{AccessReport, Batch, Dropped, LaneError, Lanes, LanesOptions, Producer};

fn lanes(slots: u32) -> Lanes {
    Lanes::new(LanesOptions { lanes_max: 130, slots }).unwrap()
}

fn push_all(lane: &Producer, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        lane.push(report(number)).unwrap();
    }
}

/// Says a length, then yields as it likes.
struct Liar<I> {
    says: usize,
    yields: I,
}

impl<I: Iterator> Iterator for Liar<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.yields.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.says, Some(self.says))
    }
}

impl<I: Iterator> ExactSizeIterator for Liar<I> {}

#[test]
fn of_257_reports_256_are_queued_and_one_is_full() {
    // The RFC's ring leaves one slot empty and takes 255 of them; ours uses all 256.
    let mut lanes = Lanes::new(LanesOptions::default()).unwrap();
    let lane = lanes.add().unwrap();
    push_all(&lane, 0..256);
    assert_eq!(lane.free_slots(), 0);
    assert_eq!(lane.push(report(256)), Err(Dropped::Full));
    assert_eq!(lane.queued(), 256);
    let expected: Vec<_> = (0..256).map(|number| (0, number)).collect();
    assert_eq!(numbers(&mut lanes), expected);
    let counters = lanes.counters();
    assert_eq!(counters.dropped_nested + counters.dropped_closed + counters.corrupt, 0);
    assert_eq!((counters.offered(), counters.dropped_full), (257, 1));
    assert_eq!(lane.free_slots(), 256, "a drain restores capacity");
    push_all(&lane, 300..556);
    assert_eq!(lane.push(report(0)), Err(Dropped::Full));
    assert_eq!(lanes.counters().pending(), 256);
    let expected: Vec<_> = (300..556).map(|number| (0, number)).collect();
    assert_eq!(numbers(&mut lanes), expected);
    let counters = lanes.counters();
    assert_eq!((counters.pending(), counters.drained, counters.occupancy_max), (0, 512, 256));
}

#[test]
fn a_batch_that_does_not_fit_is_cut_and_its_rest_is_not_made() {
    let mut lanes = lanes(4);
    let lane = lanes.add().unwrap();
    let mut made = 0;
    let batch = lane.push_batch(reports_from(0, 7).inspect(|_| made += 1));
    assert_eq!(batch, Batch { queued: 4, dropped_full: 3, ..Batch::default() });
    assert_eq!(made, 4);
    assert_eq!(lane.push_batch(reports_from(7, 2)).dropped_full, 2);
    assert_eq!(numbers(&mut lanes), [(0, 0), (0, 1), (0, 2), (0, 3)]);
    assert_eq!(lane.push_batch([].into_iter()), Batch::default());
    assert_eq!(lanes.counters().dropped_full, 5);
}

#[test]
fn a_batch_of_pages_is_one_of_the_whole_reports_wherever_it_wraps_and_is_cut() {
    for slots in [1, 4, 16] {
        let mut lanes = lanes(slots);
        let pair = [(); 2].map(|()| lanes.add().unwrap());
        let (tid, tgid, cpu) = (7, 8, 9);
        let alike = AccessReport { tid, tgid, cpu, ..AccessReport::physical(0, 4096, 0) };
        let mut number = 0;
        for len in (0..40).map(|round| round * 7 % 19) {
            let pages: Vec<_> = (number..number + len)
                .map(|number| [number * 4096 + number % 3 % 2, u64::MAX / 2 - 20 + number])
                .collect();
            let whole = pages.iter().map(|&[access, time_ns]| {
                let (address, write) = (access / 4096 * 4096, access % 2 == 1);
                AccessReport { address, time_ns, write, ..alike }
            });
            assert_eq!(pair[0].push_pages(&alike, &pages), pair[1].push_batch(whole));
            let mut drained = [vec![], vec![]];
            lanes.drain(|lane, reports| drained[lane as usize].extend(reports.iter()));
            assert_eq!(drained[0], drained[1], "{slots} slots, {len} pages");
            number += len;
        }
        lanes.close();
        let batch = pair[0].push_pages(&alike, &[[0, 0]; 3]);
        assert_eq!(batch, Batch { dropped_closed: 3, ..Batch::default() });
    }
}

#[test]
fn an_iterator_that_lies_about_its_length_is_believed_no_further_than_safe() {
    let mut lanes = lanes(8);
    let lane = lanes.add().unwrap();
    let short = lane.push_batch(Liar { says: 6, yields: (0..2).map(report) });
    assert_eq!(short, Batch { queued: 2, ..Batch::default() });
    let long = lane.push_batch(Liar { says: 1, yields: (2..100).map(report) });
    assert_eq!(long, Batch { queued: 1, ..Batch::default() });
    let huge = usize::MAX - 1;
    let cut = lane.push_batch(Liar { says: huge, yields: (3..100).map(report) });
    assert_eq!(cut, Batch { queued: 5, dropped_full: huge - 5, ..Batch::default() });
    let expected: Vec<_> = (0..8).map(|number| (0, number)).collect();
    assert_eq!(numbers(&mut lanes), expected);
}

#[test]
fn an_iterator_that_panics_publishes_nothing_and_releases_the_lane() {
    let mut lanes = lanes(4);
    let lane = lanes.add().unwrap();
    lane.push(report(1)).unwrap();
    let bad = reports_from(2, 3).inspect(|report| assert!(report.address != 4, "as planned"));
    assert!(catch_unwind(AssertUnwindSafe(|| lane.push_batch(bad))).is_err());
    assert_eq!((lane.queued(), lane.free_slots()), (1, 3), "nothing published");
    if lane.push(report(7)).is_err() {
        // Dropping lanes waits for those that are busy: for ever, if this fails.
        std::mem::forget(lanes);
        panic!("still busy");
    }
    assert_eq!(numbers(&mut lanes), [(0, 1), (0, 7)]);
    lanes.close();
    assert_eq!(lane.push(report(8)), Err(Dropped::Closed));
    assert_eq!(lanes.counters().offered(), 3);
}

#[test]
fn after_each_outcome_of_a_push_the_next_is_not_taken_for_nested() {
    // Dropping lanes waits for those that are busy: for ever, if this fails.
    let mut lanes = std::mem::ManuallyDrop::new(lanes(1));
    let lane = lanes.add().unwrap();
    assert_eq!(lane.push(report(1)), Ok(()));
    assert_eq!(lane.push(report(2)), Err(Dropped::Full));
    assert_eq!(lane.push(report(3)), Err(Dropped::Full));
    assert_eq!(lane.push_batch(reports_from(4, 2)).dropped_full, 2);
    assert_eq!(numbers(&mut lanes), [(0, 1)]);
    assert_eq!(lane.push(report(6)), Ok(()));
    std::mem::ManuallyDrop::into_inner(lanes).close();
    assert_eq!(lane.push(report(7)), Err(Dropped::Closed));
    assert_eq!(lane.push(report(8)), Err(Dropped::Closed));
}

#[test]
fn a_push_inside_a_push_is_dropped_counted_and_leaves_no_trace() {
    let mut lanes = lanes(8);
    let (lane, other) = (lanes.add().unwrap(), lanes.add().unwrap());
    let outer = reports_from(0, 3).inspect(|outer| {
        assert_eq!(lane.push(report(90)), Err(Dropped::Nested));
        let inner = lane.push_batch(reports_from(91, 2));
        assert_eq!(inner, Batch { dropped_nested: 2, ..Batch::default() });
        assert_eq!(lane.queued(), 0, "a nested push moves no head");
        other.push(report(100 + outer.address)).unwrap();
    });
    let batch = lane.push_batch(outer);
    assert_eq!(batch, Batch { queued: 3, ..Batch::default() });
    lane.push(report(3)).unwrap();
    let expected = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 100), (1, 101), (1, 102)];
    assert_eq!(numbers(&mut lanes), expected);
    let counters = lanes.by_lane().next().unwrap().1;
    assert_eq!((counters.queued, counters.dropped_nested, counters.offered()), (4, 9, 13));
}

#[test]
fn a_drain_hands_out_one_or_two_parts_in_order_also_across_the_wrap() {
    for slots in [1u64, 2, 4, 8] {
        for before in 0..2 * slots {
            for waiting in 1..=slots {
                let mut lanes = lanes(slots as u32);
                let start = u64::MAX - before;
                let lane = lanes.door().add_starting_at(start).unwrap();
                push_all(&lane, 0..waiting);
                let mut parts = Vec::new();
                let mut order = Vec::new();
                lanes.drain(|_, reports| {
                    assert!(!reports.is_empty());
                    let lengths = (reports.sightings.len(), reports.details.len());
                    assert_eq!(lengths, (reports.len(), reports.len()));
                    parts.push(reports.len() as u64);
                    order.extend(reports.iter().map(|report| whole(&report)));
                });
                let until_end = slots - start % slots;
                let expected = if waiting > until_end {
                    vec![until_end, waiting - until_end]
                } else {
                    vec![waiting]
                };
                assert_eq!(parts, expected, "{slots} slots, {waiting} waiting from {start}");
                assert_eq!(order, (0..waiting).collect::<Vec<_>>());
                assert_eq!(lane.free_slots(), slots);
                let counters = lanes.counters();
                assert_eq!((counters.queued, counters.drained), (waiting, waiting));
            }
        }
    }
}

#[test]
fn indices_go_on_past_the_wrap_for_several_rings_full() {
    for before in [0, 1, 2, 3, 4, 9] {
        let mut lanes = lanes(4);
        let lane = lanes.door().add_starting_at(u64::MAX - before).unwrap();
        let mut expected = 0;
        for number in 0..40 {
            let pushed = lane.push(report(number));
            assert_eq!(pushed.is_err(), number % 5 == 4);
            if pushed.is_err() {
                let queued: Vec<_> = (expected..expected + 4).map(|n| (0, n)).collect();
                assert_eq!(numbers(&mut lanes), queued);
                expected += 5;
            }
        }
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.dropped_full, counters.drained), (32, 8, 32));
        assert_eq!(lane.queued(), 32);
    }
}

#[test]
fn lanes_drain_in_ascending_order_and_empty_ones_are_not_mentioned() {
    let mut lanes = lanes(4);
    let producers: Vec<_> = (0..130).map(|_| lanes.add().unwrap()).collect();
    for index in [129u32, 0, 64, 63] {
        assert_eq!(producers[index as usize].lane(), index);
        push_all(&producers[index as usize], [u64::from(index)]);
    }
    assert_eq!(numbers(&mut lanes), [(0, 0), (63, 63), (64, 64), (129, 129)]);
    assert!(drain(&mut lanes).is_empty());
    assert!(lanes.by_lane().map(|(lane, _)| lane).eq(0..130));
}

#[test]
fn lanes_that_no_drain_has_seen_are_counted() {
    let mut lanes = lanes(2);
    let lane = lanes.add().unwrap();
    lane.push_batch(reports_from(0, 3));
    let counters = lanes.counters();
    assert_eq!((counters.queued, counters.dropped_full, counters.pending()), (2, 1, 2));
    lanes.close();
    assert_eq!(lanes.counters(), counters);
}

#[test]
fn lanes_parked_for_long_wake_in_order_when_pushed_to_or_left() {
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 200, slots: 4 }).unwrap();
    let mut producers: Vec<_> = (0..200).map(|_| lanes.add().unwrap()).collect();
    // Quiet for longer than any patience with quiet lanes.
    for _ in 0..200 {
        assert!(drain(&mut lanes).is_empty());
    }
    for round in 0..3 {
        for lane in [130usize, 7, 199, 64] {
            producers[lane].push_batch(reports_from(round, 1));
        }
        assert_eq!(numbers(&mut lanes), [7, 64, 130, 199].map(|lane| (lane, round)));
        for _ in 0..100 {
            assert!(drain(&mut lanes).is_empty());
        }
    }
    drop(producers.remove(64));
    drop(producers.remove(7));
    drain(&mut lanes);
    assert_eq!(lanes.by_lane().count(), 198);
    assert_eq!(lanes.retired().queued, 6);
    push_all(&producers[100], [9]);
    assert_eq!(numbers(&mut lanes), [(102, 9)]);
}

#[test]
fn bad_shapes_are_refused() {
    for slots in [0, 3, 255, 131_072] {
        let refused = Lanes::new(LanesOptions { lanes_max: 1, slots }).err();
        assert_eq!(refused, Some(LaneError::Slots(slots)));
    }
    for slots in [1, 65_536] {
        let options = LanesOptions { lanes_max: 1, slots };
        let lanes = Lanes::new(options).unwrap();
        assert_eq!(lanes.door().options(), options);
        let lane = lanes.add().unwrap();
        assert_eq!(lane.free_slots(), u64::from(slots));
        assert_eq!(lanes.add().err(), Some(LaneError::Lanes(1)));
    }
}

#[test]
fn a_lane_whose_producer_is_gone_is_drained_then_retired_and_its_room_given_back() {
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 2, slots: 2 }).unwrap();
    let (a, b) = (lanes.add().unwrap(), lanes.add().unwrap());
    push_all(&a, [1, 2]);
    assert_eq!(a.push(report(3)), Err(Dropped::Full));
    drop(a);
    assert_eq!(lanes.add().err(), Some(LaneError::Lanes(2)), "room comes back by a drain");
    assert_eq!(numbers(&mut lanes), [(0, 1), (0, 2)]);
    assert!(numbers(&mut lanes).is_empty());
    let retired = lanes.retired();
    assert_eq!((retired.queued, retired.drained, retired.dropped_full), (2, 2, 1));
    assert_eq!(retired.occupancy_max, 2);
    assert!(lanes.by_lane().map(|(lane, _)| lane).eq([1]));

    let c = lanes.add().unwrap();
    assert_eq!(c.lane(), 2, "numbers are not used twice");
    assert_eq!(lanes.add().err(), Some(LaneError::Lanes(2)));
    push_all(&c, [4]);
    push_all(&b, [5]);
    assert_eq!(numbers(&mut lanes), [(1, 5), (2, 4)]);
    let counters = lanes.counters();
    assert_eq!((counters.queued, counters.drained, counters.offered()), (4, 4, 5));
    assert_eq!(lanes.retired(), retired, "nobody else has gone");
}

#[test]
fn a_producer_that_came_and_went_between_two_drains_is_drained_and_retired() {
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 4 }).unwrap();
    let number = |round: u32| u64::from(round);
    for round in 0..5 {
        let lane = lanes.add().unwrap();
        push_all(&lane, [number(round)]);
        drop(lane);
        assert_eq!(numbers(&mut lanes), [(round, number(round))]);
        assert!(numbers(&mut lanes).is_empty());
    }
    assert_eq!(lanes.retired(), lanes.counters());
    assert_eq!((lanes.retired().drained, lanes.by_lane().count()), (5, 0));
}

#[test]
fn close_drops_and_counts_what_comes_later_and_the_last_drain_takes_the_rest() {
    let mut lanes = lanes(4);
    let (seen, unseen) = (lanes.add().unwrap(), lanes.add().unwrap());
    push_all(&seen, [1, 2]);
    numbers(&mut lanes);
    push_all(&seen, [3]);
    let never_drained = lanes.add().unwrap();
    push_all(&unseen, [4]);
    push_all(&never_drained, [5]);
    assert!(!seen.is_closed() && !lanes.door().is_closed());

    lanes.close();
    lanes.close();
    for lane in [&seen, &unseen, &never_drained] {
        assert!(lane.is_closed());
        assert_eq!(lane.push(report(9)), Err(Dropped::Closed));
        let batch = lane.push_batch(reports_from(0, 3));
        assert_eq!(batch, Batch { dropped_closed: 3, ..Batch::default() });
    }
    assert!(lanes.door().is_closed());
    assert_eq!(lanes.add().err(), Some(LaneError::Closed));
    assert_eq!(lanes.door().add().err(), Some(LaneError::Closed));

    assert_eq!(numbers(&mut lanes), [(0, 3), (1, 4), (2, 5)]);
    assert!(numbers(&mut lanes).is_empty(), "nothing is left");
    let counters = lanes.counters();
    assert_eq!((counters.queued, counters.drained, counters.dropped_closed), (5, 5, 12));
    assert_eq!((counters.offered(), counters.pending()), (17, 0));
    drop((seen, unseen, never_drained));
    drain(&mut lanes);
    assert_eq!(lanes.retired(), counters);
}

#[test]
fn a_full_lane_that_is_closed_counts_what_comes_as_closed() {
    let mut lanes = lanes(1);
    let lane = lanes.add().unwrap();
    push_all(&lane, [1]);
    lanes.close();
    assert_eq!(lane.push(report(2)), Err(Dropped::Closed));
    assert_eq!(lanes.counters().dropped_full, 0);
}

#[test]
fn producers_outlive_their_lanes_and_the_door_stays_shut() {
    let lanes = lanes(4);
    let (lane, door) = (lanes.add().unwrap(), lanes.door());
    let unseen = door.add().unwrap();
    push_all(&lane, [1]);
    drop(lanes);
    assert_eq!(lane.push(report(2)), Err(Dropped::Closed));
    assert_eq!(unseen.push(report(2)), Err(Dropped::Closed));
    assert!(door.is_closed());
    assert_eq!(door.add().err(), Some(LaneError::Closed));
}

#[test]
fn two_sets_of_lanes_never_see_each_others_reports() {
    let (mut ours, mut theirs) = (lanes(4), lanes(4));
    let (a, b) = (ours.add().unwrap(), theirs.add().unwrap());
    push_all(&a, [1]);
    assert!(numbers(&mut theirs).is_empty());
    push_all(&b, [2]);
    assert_eq!(numbers(&mut ours), [(0, 1)]);
    ours.close();
    push_all(&b, [3]);
    assert_eq!(numbers(&mut theirs), [(0, 2), (0, 3)]);
    assert_eq!((ours.counters().queued, theirs.counters().queued), (1, 2));
}

#[test]
fn a_drain_handles_one_ring_full_per_lane_whatever_comes_meanwhile() {
    let mut lanes = lanes(4);
    let lane = lanes.add().unwrap();
    push_all(&lane, 0..4);
    let mut next = 4;
    let drained = lanes.drain(|_, reports| {
        // The slots being read stay taken until the drain has moved on.
        assert_eq!(lane.push(report(99)), Err(Dropped::Full));
        assert_eq!(reports.len(), 4);
        next += 1;
    });
    assert_eq!((drained, next), (4, 5));
    push_all(&lane, 4..6);
    let drained = lanes.drain(|_, _| lane.push(report(6)).unwrap_or(()));
    assert_eq!(drained, 2, "what comes during a drain is the next one's");
    assert_eq!(numbers(&mut lanes), [(0, 6)]);
}
