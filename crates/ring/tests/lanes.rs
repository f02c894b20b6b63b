//! The contract of the lanes, on one thread and on many.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{drain, numbers, report, reports_from, whole};
use damon_ring::{
    AccessReport, AddressKind, Batch, Dropped, GRAIN, LaneCounters, LaneDoor, LaneError, Lanes,
    LanesOptions, Producer, Sighting,
};
use proptest::prelude::*;

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

#[test]
fn a_producer_on_another_thread_loses_nothing_uncounted_and_tears_nothing() {
    const OFFERED: u64 = if cfg!(miri) { 200 } else { 400_000 };
    for slots in [1, 2, 256] {
        let mut lanes = lanes(slots);
        if slots == 2 {
            lanes.park_eagerly();
        }
        let lane = lanes.door().add_starting_at(u64::MAX - 100).unwrap();
        let producer = thread::spawn(move || {
            (0..OFFERED).filter(|&number| lane.push(report(number)).is_ok()).count() as u64
        });
        let mut seen = 0;
        let mut last = None;
        loop {
            let finished = producer.is_finished();
            let drained = lanes.drain(|_, reports| {
                for report in reports.iter() {
                    let number = whole(&report);
                    assert!(last.is_none_or(|last| last < number), "out of order or twice");
                    last = Some(number);
                }
            });
            assert!(drained <= u64::from(slots));
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

#[test]
fn the_door_gives_every_thread_lanes_while_another_drains() {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = if cfg!(miri) { 5 } else { 500 };
    // One more than may be in use at a time, so that the door must also refuse.
    let mut lanes = Lanes::new(LanesOptions { lanes_max: THREADS - 1, slots: 4 }).unwrap();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let door = lanes.door();
            thread::spawn(move || {
                let mut ids = Vec::new();
                while ids.len() < ROUNDS as usize {
                    match door.add() {
                        Ok(lane) => {
                            push_all(&lane, [u64::from(lane.lane())]);
                            ids.push(lane.lane());
                        }
                        Err(LaneError::Lanes(_)) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
                ids
            })
        })
        .collect();
    let mut seen = Vec::new();
    while !threads.iter().all(|thread| thread.is_finished()) {
        seen.extend(numbers(&mut lanes));
        assert!(lanes.by_lane().count() < THREADS as usize);
        assert!(lanes.by_lane().map(|(lane, _)| lane).is_sorted_by(|a, b| a < b));
    }
    let mut ids = Vec::new();
    for thread in threads {
        let of_one = thread.join().unwrap();
        assert!(of_one.is_sorted_by(|a, b| a < b), "ascending as they were added");
        ids.extend(of_one);
    }
    seen.extend(numbers(&mut lanes));
    drain(&mut lanes);
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..THREADS * ROUNDS), "each number once");
    seen.sort_unstable();
    assert!(seen.into_iter().eq((0..THREADS * ROUNDS).map(|lane| (lane, u64::from(lane)))));
    assert_eq!(lanes.retired(), lanes.counters());
    assert_eq!(lanes.retired().drained, u64::from(THREADS * ROUNDS));
}

/// `DAMON_STRESS_SECONDS`, for a run of minutes.
fn stress_time() -> Duration {
    let seconds = std::env::var("DAMON_STRESS_SECONDS").ok().map(|text| text.parse().unwrap());
    Duration::from_secs_f64(seconds.unwrap_or(if cfg!(miri) { 0.1 } else { 2.0 }))
}

/// What one side counts by its own results.
#[derive(Default)]
struct Tally {
    queued: AtomicU64,
    full: AtomicU64,
    closed: AtomicU64,
    lanes: AtomicU64,
}

impl Tally {
    fn batch(&self, batch: Batch) {
        assert_eq!(batch.dropped_nested, 0, "nobody interrupts anybody here");
        self.queued.fetch_add(batch.queued as u64, Ordering::Relaxed);
        self.full.fetch_add(batch.dropped_full as u64, Ordering::Relaxed);
        self.closed.fetch_add(batch.dropped_closed as u64, Ordering::Relaxed);
    }

    fn of(&self) -> [u64; 3] {
        [&self.queued, &self.full, &self.closed].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Takes a lane, fills it in bursts, gives it back, over and over until the door is shut; then
/// pushes a last time.
fn come_and_go(door: &LaneDoor, seed: u64, tally: &Tally) {
    let mut random = seed | 1;
    let mut below = move |limit: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    loop {
        let lane = match door.add_starting_at(u64::MAX - below(100)) {
            Ok(lane) => lane,
            Err(LaneError::Lanes(_)) => {
                thread::yield_now();
                continue;
            }
            Err(LaneError::Closed) => return,
            Err(error) => panic!("{error}"),
        };
        tally.lanes.fetch_add(1, Ordering::Relaxed);
        // Upper half: the lane, so that a report in a wrong lane shows; lower half: its order.
        let mut number = u64::from(lane.lane()) << 32;
        for _ in 0..1 + below(200) {
            if below(2) == 0 {
                let one = match lane.push(report(number)) {
                    Ok(()) => Batch { queued: 1, ..Batch::default() },
                    Err(Dropped::Full) => Batch { dropped_full: 1, ..Batch::default() },
                    Err(Dropped::Closed) => Batch { dropped_closed: 1, ..Batch::default() },
                    Err(Dropped::Nested) => panic!("nested"),
                };
                tally.batch(one);
                number += 1;
            } else {
                let more = below(12);
                tally.batch(lane.push_batch(reports_from(number, more)));
                number += more;
            }
        }
        if lane.is_closed() {
            assert_eq!(lane.push(report(number)), Err(Dropped::Closed));
            tally.closed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn more_producers_than_cores_come_and_go_and_the_books_balance() {
    stress(false);
}

#[test]
fn more_producers_than_cores_come_and_go_among_lanes_that_are_parked() {
    stress(true);
}

fn stress(parks: bool) {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let threads = if cfg!(miri) { 3 } else { 2 * cores + 1 };
    let lanes_max = threads as u32 - 1;
    let tally = Tally::default();
    let mut lanes = Lanes::new(LanesOptions { lanes_max, slots: 8 }).unwrap();
    if parks {
        lanes.park_eagerly();
    }
    let mut last = std::collections::HashMap::new();
    let mut take = |lanes: &mut Lanes| {
        lanes.drain(|lane, reports| {
            for report in reports.iter() {
                let number = whole(&report);
                assert_eq!(number >> 32, u64::from(lane), "another lane's report");
                let before = last.insert(lane, number);
                assert!(before.is_none_or(|before| before < number), "out of order or twice");
            }
        })
    };
    thread::scope(|scope| {
        for seed in 1..=threads as u64 {
            let (door, tally) = (lanes.door(), &tally);
            scope.spawn(move || come_and_go(&door, seed.wrapping_mul(0x9e37_79b9), tally));
        }
        let end = Instant::now() + stress_time();
        while Instant::now() < end {
            take(&mut lanes);
            assert!(lanes.by_lane().count() <= lanes_max as usize);
            let counters = lanes.counters();
            assert!(counters.queued >= counters.drained);
        }
        lanes.close();
        take(&mut lanes);
    });
    assert_eq!(take(&mut lanes), 0, "the drain after the close was the last");
    let counters = lanes.counters();
    assert_eq!([counters.queued, counters.dropped_full, counters.dropped_closed], tally.of());
    assert_eq!((counters.drained, counters.pending()), (counters.queued, 0));
    assert_eq!((counters.dropped_nested, counters.corrupt), (0, 0));
    assert_eq!((lanes.retired(), lanes.by_lane().count()), (counters, 0), "all have gone");
    let added = tally.lanes.load(Ordering::Relaxed);
    assert!(added > u64::from(lanes_max) && last.len() as u64 <= added);
}

/// The store-buffer race that the fences of a close forbid, on the real machine: many closes, each
/// in the middle of hurried pushes.
#[test]
fn a_close_in_the_middle_of_pushes_strands_nothing() {
    let end = Instant::now() + stress_time() / 2;
    let rounds = if cfg!(miri) { 20 } else { usize::MAX };
    let (send, receive) = mpsc::sync_channel::<Producer>(1);
    let started = AtomicUsize::new(0);
    let ended = AtomicUsize::new(0);
    let queued = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for (round, lane) in receive.into_iter().enumerate() {
                started.store(round + 1, Ordering::Release);
                let mut number = 0;
                while lane.push(report(number)) != Err(Dropped::Closed) {
                    number += 1;
                }
                queued.store(lane.queued(), Ordering::Relaxed);
                ended.store(round + 1, Ordering::Release);
            }
        });
        let mut round = 0;
        while Instant::now() < end && round < rounds {
            round += 1;
            let mut lanes = lanes(64);
            send.send(lanes.add().unwrap()).unwrap();
            while started.load(Ordering::Acquire) < round {
                std::hint::spin_loop();
            }
            let mut seen = 0;
            for _ in 0..round % 4 {
                seen += lanes.drain(|_, _| ());
            }
            lanes.close();
            seen += lanes.drain(|_, _| ());
            while ended.load(Ordering::Acquire) < round {
                std::hint::spin_loop();
            }
            if seen != queued.load(Ordering::Relaxed) {
                failed.store(true, Ordering::Relaxed);
                break;
            }
        }
        drop(send);
    });
    assert!(!failed.into_inner(), "a push was stranded by a close");
}

fn any_report() -> impl Strategy<Value = AccessReport> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>());
    (numbers, any::<u16>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |((address, time_ns, size, tid, tgid), cpu, is_virtual, write, small)| AccessReport {
            address,
            time_ns,
            size: if small { size % 8192 } else { size },
            tid,
            tgid,
            cpu,
            kind: if is_virtual { AddressKind::Virtual } else { AddressKind::Physical },
            write,
        },
    )
}

#[derive(Clone, Debug)]
enum Act {
    Add,
    Drop(usize),
    Push(usize),
    Batch(usize, u64),
    Drain,
    Close,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Add),
        1 => (0usize..3).prop_map(Act::Drop),
        6 => (0usize..3).prop_map(Act::Push),
        4 => (0usize..3, 0u64..12).prop_map(|(lane, len)| Act::Batch(lane, len)),
        4 => Just(Act::Drain),
        1 => Just(Act::Close),
    ]
}

/// The obvious model of a lane: a bounded queue.
struct Model {
    id: u32,
    producer: Option<Producer>,
    queue: Vec<u64>,
    counters: LaneCounters,
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_field_survives_the_lane(found in any_report()) {
        let mut lanes = lanes(1);
        let lane = lanes.add().unwrap();
        lane.push(found).unwrap();
        let mut special = None;
        lanes.drain(|_, reports| {
            let sighting = reports.sightings[0];
            special = Some(sighting.is_special());
            let [address, stamp] = Sighting::words(reports.sightings)[0];
            assert_eq!((address, stamp >> 63 == 1), (found.address, sighting.is_special()));
            let time_ns = found.time_ns.min(AccessReport::UNDATED);
            assert_eq!(reports.get(0), AccessReport { time_ns, ..found });
        });
        // Said differently than the ring does: the block of the first and of the last byte.
        let last = u128::from(found.address) + u128::from(found.size).max(1) - 1;
        let crosses = u128::from(found.address) / u128::from(GRAIN) != last / u128::from(GRAIN);
        prop_assert_eq!(special, Some(crosses || found.kind == AddressKind::Virtual));
    }

    #[test]
    fn any_sequence_of_acts_equals_bounded_queues(
        slots in (0u32..4).prop_map(|power| 1 << power),
        parks in any::<bool>(),
        start in prop_oneof![Just(0), (0u64..6).prop_map(|before| u64::MAX - before)],
        acts in prop::collection::vec(any_act(), 0..80),
    ) {
        let mut lanes = Lanes::new(LanesOptions { lanes_max: 3, slots }).unwrap();
        if parks {
            lanes.park_eagerly();
        }
        let mut model: Vec<Model> = Vec::new();
        let mut retired = LaneCounters::default();
        let (mut number, mut next, mut offered, mut closed) = (0, 0, 0, false);
        for act in acts {
            match act {
                Act::Add => {
                    let added = lanes.door().add_starting_at(start);
                    if closed {
                        prop_assert_eq!(added.err(), Some(LaneError::Closed));
                    } else if model.len() == 3 {
                        prop_assert_eq!(added.err(), Some(LaneError::Lanes(3)));
                    } else {
                        let producer = added.unwrap();
                        prop_assert_eq!(producer.lane(), next);
                        let counters = LaneCounters::default();
                        let producer = Some(producer);
                        model.push(Model { id: next, producer, queue: Vec::new(), counters });
                        next += 1;
                    }
                }
                Act::Drop(lane) => {
                    if let Some(lane) = model.get_mut(lane) {
                        lane.producer = None;
                    }
                }
                Act::Push(lane) => {
                    let Some(lane) = model.get_mut(lane) else { continue };
                    let Some(producer) = &lane.producer else { continue };
                    let expected = if closed {
                        lane.counters.dropped_closed += 1;
                        Err(Dropped::Closed)
                    } else if lane.queue.len() == slots as usize {
                        lane.counters.dropped_full += 1;
                        Err(Dropped::Full)
                    } else {
                        lane.counters.queued += 1;
                        lane.queue.push(number);
                        Ok(())
                    };
                    prop_assert_eq!(producer.push(report(number)), expected);
                    number += 1;
                    offered += 1;
                }
                Act::Batch(lane, len) => {
                    let Some(lane) = model.get_mut(lane) else { continue };
                    let Some(producer) = &lane.producer else { continue };
                    let room = (u64::from(slots) - lane.queue.len() as u64).min(len);
                    let expected = if closed {
                        Batch { dropped_closed: len as usize, ..Batch::default() }
                    } else {
                        lane.queue.extend(number..number + room);
                        let dropped_full = (len - room) as usize;
                        Batch { queued: room as usize, dropped_full, ..Batch::default() }
                    };
                    let batch = producer.push_batch(reports_from(number, len));
                    prop_assert_eq!(batch, expected);
                    lane.counters.queued += batch.queued as u64;
                    lane.counters.dropped_full += batch.dropped_full as u64;
                    lane.counters.dropped_closed += batch.dropped_closed as u64;
                    number += len;
                    offered += len;
                }
                Act::Drain => {
                    let mut expected = Vec::new();
                    for lane in &mut model {
                        let waiting = lane.queue.len() as u32;
                        let largest = lane.counters.occupancy_max.max(waiting);
                        lane.counters.occupancy_max = largest;
                        lane.counters.drained += u64::from(waiting);
                        expected.extend(lane.queue.drain(..).map(|number| (lane.id, number)));
                    }
                    prop_assert_eq!(numbers(&mut lanes), expected);
                    // A lane that had something is retired by a later drain; two make it certain.
                    prop_assert_eq!(drain(&mut lanes), []);
                    model.retain(|lane| {
                        if lane.producer.is_none() {
                            retired = sum(&retired, &lane.counters);
                        }
                        lane.producer.is_some()
                    });
                    prop_assert_eq!(lanes.retired(), retired);
                    let by_lane: Vec<_> = model.iter().map(|l| (l.id, l.counters)).collect();
                    prop_assert_eq!(lanes.by_lane().collect::<Vec<_>>(), by_lane);
                    let counters = lanes.counters();
                    prop_assert_eq!((counters.offered(), counters.pending()), (offered, 0));
                }
                Act::Close => {
                    lanes.close();
                    closed = true;
                }
            }
            let mut expected = retired;
            model.iter().for_each(|lane| expected = sum(&expected, &lane.counters));
            prop_assert_eq!(lanes.counters(), expected);
            for lane in &model {
                if let Some(producer) = &lane.producer {
                    let free = u64::from(slots) - lane.queue.len() as u64;
                    prop_assert_eq!(producer.free_slots(), free);
                    prop_assert_eq!(producer.queued(), lane.counters.queued);
                    prop_assert_eq!(producer.is_closed(), closed);
                }
            }
        }
    }
}

fn sum(a: &LaneCounters, b: &LaneCounters) -> LaneCounters {
    LaneCounters {
        queued: a.queued + b.queued,
        dropped_full: a.dropped_full + b.dropped_full,
        dropped_nested: a.dropped_nested + b.dropped_nested,
        dropped_closed: a.dropped_closed + b.dropped_closed,
        corrupt: a.corrupt + b.corrupt,
        drained: a.drained + b.drained,
        occupancy_max: a.occupancy_max.max(b.occupancy_max),
    }
}
