//! Every interleaving that loom can make of producers, a consumer, the door and a close, on the
//! real lanes. Run: `RUSTFLAGS="--cfg loom" cargo test -p damon-ring --test loom --release`.
//!
//! "Invariant n" is the number in `hardware-sampling.md` 2.7. Invariants 8 and 15 are about one
//! thread that is interrupted or pauses, which loom makes at each access to an atomic; a signal in
//! the middle of anything is `tests/signals.rs`.
//!
//! Exhaustive unless a model says `bounded`: that many preemptions, in every position. What loom
//! cannot see is in `PROOF.md`.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_ring::{AccessReport, Batch, Dropped, LaneError, LaneId, Lanes, LanesOptions, Producer};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

fn lanes_of(slots: u32, lanes_max: u32) -> Lanes {
    Lanes::new(LanesOptions { lanes_max, slots }).unwrap()
}

/// Fields that follow from one number.
fn report(number: u64) -> AccessReport {
    let low = number as u32;
    AccessReport {
        tid: !low,
        cpu: low as u16,
        ..AccessReport::physical(number, low + 8, number + 1_000)
    }
}

/// What drains have handed out so far.
#[derive(Default)]
struct Seen(Vec<(LaneId, u64)>);

impl Seen {
    /// One drain, with what holds for each.
    fn take(&mut self, lanes: &mut Lanes, slots: u32) -> u64 {
        let mut of_lane: Vec<(LaneId, u64)> = Vec::new();
        let drained = lanes.drain(|lane, reports| {
            for found in reports.iter() {
                // Invariant 2: no torn report.
                assert_eq!(found, report(found.address), "torn");
                // Invariants 1 and 3: in order, none twice.
                let last = self.0.iter().rfind(|(other, _)| *other == lane);
                assert!(last.is_none_or(|(_, last)| *last < found.address), "order or twice");
                self.0.push((lane, found.address));
            }
            of_lane.push((lane, reports.len() as u64));
        });
        // Invariants 5 and 14: at most a ring-full per lane.
        for &(lane, _) in &of_lane {
            let of_this = of_lane.iter().filter(|(other, _)| *other == lane).map(|(_, len)| len);
            assert!(of_this.sum::<u64>() <= u64::from(slots), "more than one ring-full");
        }
        drained
    }

    fn of(&self, lane: LaneId) -> Vec<u64> {
        self.0.iter().filter(|(other, _)| *other == lane).map(|(_, number)| *number).collect()
    }
}

/// Explores with at most so many preemptions, or all of them.
fn explore(bounded: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(bounded);
    // Not loom's: this counts across its runs.
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&runs);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let runs = runs.load(Ordering::Relaxed);
    println!("{runs} interleavings");
    // Loom finds conflicts where the seam lets it (see `primitive.rs`); were that lost, most models
    // would be run once, and pass.
    assert!(runs >= 100, "only {runs} interleavings: this proves nothing");
}

/// One producer and one consumer.
fn one_lane(slots: u32, start: u64, pushes: u64, drains: usize, bounded: Option<usize>) {
    let parks = false;
    one_lane_that(Shape { slots, start, pushes, drains, parks }, bounded);
}

#[derive(Clone, Copy)]
struct Shape {
    slots: u32,
    start: u64,
    pushes: u64,
    drains: usize,
    /// The lane is parked whenever a drain finds it empty.
    parks: bool,
}

fn one_lane_that(Shape { slots, start, pushes, drains, parks }: Shape, bounded: Option<usize>) {
    explore(bounded, move || {
        let mut lanes = lanes_of(slots, 1);
        if parks {
            lanes.park_eagerly();
        }
        let lane = lanes.door().add_starting_at(start).unwrap();
        let producer = thread::spawn(move || {
            let queued: Vec<u64> =
                (0..pushes).filter(|&number| lane.push(report(number)).is_ok()).collect();
            (lane, queued)
        });
        let mut seen = Seen::default();
        for _ in 0..drains {
            seen.take(&mut lanes, slots);
        }
        let (lane, queued) = producer.join().unwrap();
        seen.take(&mut lanes, slots);
        // Invariants 6 and 9: the producer is quiet, so nothing is stranded; nothing accepted was
        // overwritten.
        assert_eq!(seen.of(0), queued, "stranded, lost or overwritten");
        // Invariant 4.
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.drained), (queued.len() as u64, counters.queued));
        assert_eq!((counters.offered(), counters.dropped_nested), (pushes, 0));
        assert!(counters.occupancy_max <= slots);
        // Invariant 10: the drain gave all slots back.
        assert_eq!(lane.free_slots(), u64::from(slots));
        lane.push(report(pushes)).unwrap();
    });
}

// Invariant 11: what begins at `u64::MAX` is all of `one_lane` across the wrap.

#[test]
fn one_slot() {
    one_lane(1, 0, 3, 2, None);
}

#[test]
fn one_slot_across_the_wrap() {
    one_lane(1, u64::MAX, 3, 2, None);
}

#[test]
fn two_slots() {
    one_lane(2, 0, 3, 2, None);
}

#[test]
fn two_slots_across_the_wrap() {
    one_lane(2, u64::MAX - 1, 4, 2, None);
}

/// Capacity 4, more pushes than slots. Bounded: without, it takes hours.
#[test]
fn four_slots_across_the_wrap() {
    one_lane(4, u64::MAX - 1, 5, 2, Some(3));
}

/// Invariant 6 where it is at stake: the one drain after the join must find what is left, though it
/// looks at no lane that is parked and unmarked. Models of parking are bounded: it adds a fence and
/// two words to each side, and millions of interleavings.
#[test]
fn a_parked_lane_strands_nothing() {
    one_lane_that(Shape { slots: 2, start: u64::MAX, pushes: 2, drains: 2, parks: true }, Some(3));
}

/// The same with three drains, so that the lane is parked, woken and parked again.
#[test]
fn a_lane_parked_twice_strands_nothing() {
    one_lane_that(Shape { slots: 1, start: 0, pushes: 2, drains: 3, parks: true }, Some(3));
}

#[test]
fn a_batch_to_a_parked_lane_and_a_producer_that_leaves_it_are_noticed() {
    explore(Some(3), || {
        let mut lanes = lanes_of(1, 1);
        lanes.park_eagerly();
        let lane = lanes.add().unwrap();
        let producer = thread::spawn(move || {
            assert_eq!(lane.push_batch([report(0)].into_iter()).queued, 1);
            drop(lane);
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 1);
        seen.take(&mut lanes, 1);
        producer.join().unwrap();
        seen.take(&mut lanes, 1);
        assert_eq!(seen.of(0), [0]);
        // One more finds it empty and gone.
        seen.take(&mut lanes, 1);
        assert_eq!((lanes.retired().drained, lanes.by_lane().count()), (1, 0));
    });
}

#[test]
fn a_parked_lane_that_is_closed_is_drained_a_last_time() {
    explore(Some(3), || {
        let mut lanes = lanes_of(1, 1);
        lanes.park_eagerly();
        let lane = lanes.add().unwrap();
        let mut seen = Seen::default();
        seen.take(&mut lanes, 1);
        let producer = thread::spawn(move || lane.push(report(0)).is_ok());
        lanes.close();
        seen.take(&mut lanes, 1);
        let queued = producer.join().unwrap();
        assert_eq!(seen.take(&mut lanes, 1), 0, "stored after the close");
        assert_eq!(seen.0.len(), usize::from(queued));
    });
}

#[test]
fn batches_are_published_at_once_and_cut_at_the_last_free_slot() {
    explore(None, || {
        let mut lanes = lanes_of(2, 1);
        let lane = lanes.door().add_starting_at(u64::MAX).unwrap();
        let producer = thread::spawn(move || {
            let mut queued = Vec::new();
            let mut number = 0;
            for len in [1usize, 2] {
                let Batch { queued: taken, dropped_full, .. } =
                    lane.push_batch((0..len).map(|offset| report(number + offset as u64)));
                assert_eq!(taken + dropped_full, len);
                queued.extend(number..number + taken as u64);
                number += len as u64;
            }
            queued
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 2);
        // The second batch is there whole or not at all; it is cut only when it comes to a slot
        // that is taken.
        let first = seen.0.len();
        seen.take(&mut lanes, 2);
        assert!(first != 2 || seen.0.len() <= 3);
        let queued = producer.join().unwrap();
        seen.take(&mut lanes, 2);
        assert_eq!(seen.of(0), queued);
        assert_eq!(lanes.counters().offered(), 3);
    });
}

#[test]
fn a_nested_push_touches_neither_slot_nor_head_and_busy_is_put_back() {
    explore(None, || {
        let mut lanes = lanes_of(2, 1);
        let lane = lanes.add().unwrap();
        let producer = thread::spawn(move || {
            let outer = lane.push_batch([0, 1].into_iter().map(|number| {
                // The interrupt: on the same thread, in the middle of a push. Were it let in, its
                // report would come out of a drain.
                let before = lane.queued();
                assert_eq!(lane.push(report(90)), Err(Dropped::Nested));
                let inner = lane.push_batch([report(91)].into_iter());
                assert_eq!(inner, Batch { dropped_nested: 1, ..Batch::default() });
                // Invariant 7.
                assert_eq!(lane.queued(), before);
                report(number)
            }));
            assert_eq!(outer, Batch { queued: 2, ..Batch::default() });
            // Invariant 8: after a push that was cut into, one that is full, and one that is not,
            // the next is not taken for nested.
            let third = lane.push(report(2));
            assert_ne!(third, Err(Dropped::Nested));
            2 + u64::from(third.is_ok())
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 2);
        seen.take(&mut lanes, 2);
        let queued = producer.join().unwrap();
        seen.take(&mut lanes, 2);
        assert_eq!(seen.of(0), (0..queued).collect::<Vec<_>>());
        let counters = lanes.counters();
        assert_eq!((counters.offered(), counters.dropped_nested), (7, 4));
    });
}

/// Invariant 15: the consumer stops between its look at `head` and its store of `tail`, for as long
/// as the producer takes for everything it has.
#[test]
fn a_consumer_that_pauses_in_the_middle_of_a_drain_loses_nothing() {
    explore(None, || {
        let mut lanes = lanes_of(2, 1);
        let lane = lanes.door().add_starting_at(u64::MAX).unwrap();
        let mut producer = Some(thread::spawn(move || {
            (0..4).filter(|&number| lane.push(report(number)).is_ok()).collect::<Vec<u64>>()
        }));
        let mut queued = None;
        let mut seen = Vec::new();
        for _ in 0..2 {
            lanes.drain(|_, reports| {
                if let Some(producer) = producer.take() {
                    queued = Some(producer.join().unwrap());
                }
                seen.extend(reports.iter().map(|found| found.address));
            });
        }
        let queued = queued.unwrap_or_else(|| producer.take().unwrap().join().unwrap());
        lanes.drain(|_, reports| seen.extend(reports.iter().map(|found| found.address)));
        assert_eq!(seen, queued);
        assert_eq!((lanes.counters().offered(), lanes.counters().pending()), (4, 0));
    });
}

/// Invariant 13, by `push` or by `push_batch`.
fn close_while(
    pushes: u64,
    bounded: Option<usize>,
    push: fn(&Producer, u64) -> Result<(), Dropped>,
) {
    explore(bounded, move || {
        let mut lanes = lanes_of(4, 1);
        let lane = lanes.add().unwrap();
        let producer = thread::spawn(move || {
            let mut queued = Vec::new();
            for number in 0..pushes {
                match push(&lane, number) {
                    Ok(()) => {
                        let closed_before = number - queued.len() as u64;
                        assert_eq!(closed_before, 0, "queued after one that was closed");
                        queued.push(number);
                    }
                    Err(dropped) => assert_eq!(dropped, Dropped::Closed),
                }
            }
            (lane, queued)
        });
        let mut seen = Seen::default();
        lanes.close();
        seen.take(&mut lanes, 4);
        let last = seen.0.len();
        let (lane, queued) = producer.join().unwrap();
        // Nothing is left after the drain that followed the close: late pushes were dropped.
        assert_eq!(seen.take(&mut lanes, 4), 0, "stored after the close");
        assert_eq!(seen.of(0), queued);
        assert_eq!(push(&lane, pushes), Err(Dropped::Closed));
        // Invariant 4: the late ones are counted.
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.offered()), (last as u64, pushes + 1));
        assert_eq!(counters.dropped_closed, pushes + 1 - last as u64);
    });
}

#[test]
fn a_close_among_pushes_leaves_nothing_behind() {
    close_while(1, None, |lane, number| lane.push(report(number)));
    // Bounded.
    close_while(2, Some(3), |lane, number| lane.push(report(number)));
}

#[test]
fn a_close_among_batches_leaves_nothing_behind() {
    close_while(1, None, |lane, number| match lane.push_batch([report(number)].into_iter()) {
        Batch { queued: 1, dropped_full: 0, dropped_nested: 0, dropped_closed: 0 } => Ok(()),
        Batch { queued: 0, dropped_full: 0, dropped_nested: 0, dropped_closed: 1 } => {
            Err(Dropped::Closed)
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn dropping_the_lanes_closes_them_under_their_producers() {
    explore(None, || {
        let lanes = lanes_of(2, 1);
        let lane = lanes.add().unwrap();
        let producer = thread::spawn(move || {
            let first = lane.push(report(0));
            assert!(first.is_ok() || first == Err(Dropped::Closed));
            lane
        });
        drop(lanes);
        let lane = producer.join().unwrap();
        assert_eq!(lane.push(report(1)), Err(Dropped::Closed));
        assert!(lane.queued() <= 1);
    });
}

/// Bounded: three threads.
#[test]
fn two_producers_on_two_lanes_do_not_meet() {
    explore(Some(3), || {
        let mut lanes = lanes_of(1, 2);
        let producers = [0u64, 100].map(|first| {
            let lane = lanes.add().unwrap();
            thread::spawn(move || {
                let push = |number: &u64| lane.push(report(*number)).is_ok();
                (first..first + 2).filter(push).collect::<Vec<u64>>()
            })
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 1);
        let queued = producers.map(|producer| producer.join().unwrap());
        seen.take(&mut lanes, 1);
        assert_eq!([seen.of(0), seen.of(1)], queued);
        assert_eq!((lanes.counters().offered(), lanes.counters().pending()), (4, 0));
    });
}

/// Invariant 12. Bounded: three threads.
#[test]
fn two_monitors_that_drain_at_once_see_their_own_reports_only() {
    explore(Some(3), || {
        let (mut ours, mut theirs) = (lanes_of(2, 1), lanes_of(2, 1));
        let (a, b) = (ours.add().unwrap(), theirs.add().unwrap());
        let producer = thread::spawn(move || {
            a.push(report(1)).unwrap();
            b.push(report(2)).unwrap();
        });
        let other = thread::spawn(move || {
            let mut seen = Seen::default();
            seen.take(&mut theirs, 2);
            (theirs, seen)
        });
        let mut seen = Seen::default();
        seen.take(&mut ours, 2);
        producer.join().unwrap();
        let (mut theirs, mut seen_there) = other.join().unwrap();
        seen.take(&mut ours, 2);
        seen_there.take(&mut theirs, 2);
        assert_eq!((seen.of(0), seen_there.of(0)), (vec![1], vec![2]));
    });
}

#[test]
fn a_lane_added_during_drains_is_found_by_the_next() {
    explore(None, || {
        let mut lanes = lanes_of(2, 2);
        let first = lanes.add().unwrap();
        let door = lanes.door();
        let producer = thread::spawn(move || {
            first.push(report(0)).unwrap();
            let lane = door.add().unwrap();
            assert_eq!(lane.lane(), 1);
            lane.push(report(1)).unwrap();
            (first, lane)
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 2);
        seen.take(&mut lanes, 2);
        let _producers = producer.join().unwrap();
        seen.take(&mut lanes, 2);
        assert_eq!((seen.of(0), seen.of(1)), (vec![0], vec![1]));
        assert!(lanes.by_lane().map(|(lane, _)| lane).eq([0, 1]));
    });
}

/// Bounded: three threads and a lock.
#[test]
fn two_threads_at_the_door_get_lanes_of_their_own() {
    explore(Some(2), || {
        let mut lanes = lanes_of(1, 2);
        let came = [(), ()].map(|()| {
            let door = lanes.door();
            thread::spawn(move || {
                let lane = door.add().unwrap();
                lane.push(report(u64::from(lane.lane()))).unwrap();
                lane
            })
        });
        let mut seen = Seen::default();
        seen.take(&mut lanes, 1);
        let came = came.map(|producer| producer.join().unwrap());
        seen.take(&mut lanes, 1);
        assert_ne!(came[0].lane(), came[1].lane());
        assert_eq!((seen.of(0), seen.of(1)), (vec![0], vec![1]));
        assert_eq!(lanes.add().err(), Some(LaneError::Lanes(2)));
    });
}

/// A lane is either refused, or closed with the others: none slips through.
#[test]
fn a_lane_added_during_a_close_is_closed_or_refused() {
    explore(None, || {
        let mut lanes = lanes_of(2, 2);
        let door = lanes.door();
        let producer = thread::spawn(move || match door.add() {
            Ok(lane) => {
                let pushed = lane.push(report(0));
                Some((lane, pushed))
            }
            Err(error) => {
                assert_eq!(error, LaneError::Closed);
                None
            }
        });
        let mut seen = Seen::default();
        lanes.close();
        seen.take(&mut lanes, 2);
        let came = producer.join().unwrap();
        assert_eq!(seen.take(&mut lanes, 2), 0, "stored after the close");
        let offered = u64::from(came.is_some());
        if let Some((lane, pushed)) = came {
            assert_eq!(seen.0.len(), usize::from(pushed.is_ok()));
            assert_eq!(lane.push(report(1)), Err(Dropped::Closed));
            assert_eq!(lanes.counters().dropped_closed, 1 + u64::from(pushed.is_err()));
        }
        assert_eq!(lanes.counters().queued + lanes.counters().dropped_closed, offered * 2);
        assert_eq!(lanes.add().err(), Some(LaneError::Closed));
    });
}

/// Reports, and counts, of a producer that leaves while a drain looks.
#[test]
fn a_producer_that_leaves_takes_nothing_along() {
    explore(None, || {
        let mut lanes = lanes_of(1, 1);
        let lane = lanes.add().unwrap();
        let mut seen = Seen::default();
        // Lets the lane in, so that its counters are at stake in the race.
        seen.take(&mut lanes, 1);
        let producer = thread::spawn(move || {
            let queued: Vec<u64> =
                (0..2).filter(|&number| lane.push(report(number)).is_ok()).collect();
            drop(lane);
            queued
        });
        seen.take(&mut lanes, 1);
        seen.take(&mut lanes, 1);
        let queued = producer.join().unwrap();
        seen.take(&mut lanes, 1);
        seen.take(&mut lanes, 1);
        assert_eq!(seen.of(0), queued);
        let retired = lanes.retired();
        assert_eq!((retired.queued, retired.drained), (queued.len() as u64, queued.len() as u64));
        assert_eq!((retired.offered(), lanes.by_lane().count()), (2, 0));
        // The room is back.
        assert_eq!(lanes.add().unwrap().lane(), 1);
    });
}

/// The tester, tested: the shape of hazard H1, each side "my store, then my load", without the
/// fences. Loom must find the run in which neither sees the other.
#[test]
#[should_panic(expected = "neither saw the other")]
fn without_fences_a_push_and_a_close_can_miss_each_other() {
    litmus(|| ());
}

#[test]
fn with_fences_a_push_or_a_close_sees_the_other() {
    litmus(|| fence(Ordering::SeqCst));
}

fn litmus(between: fn()) {
    loom::model(move || {
        let flags = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let push = {
            let flags = Arc::clone(&flags);
            thread::spawn(move || {
                flags[0].store(1, Ordering::Relaxed);
                between();
                flags[1].load(Ordering::Relaxed)
            })
        };
        flags[1].store(1, Ordering::Relaxed);
        between();
        let busy = flags[0].load(Ordering::Relaxed);
        let closed = push.join().unwrap();
        assert!(busy == 1 || closed == 1, "neither saw the other");
    });
}

/// The tester, tested: a slot published without Release is a race that loom must report.
#[test]
#[should_panic]
fn a_slot_published_without_release_is_found() {
    loom::model(|| {
        let lane = Arc::new((loom::cell::UnsafeCell::new(0), AtomicU32::new(0)));
        let written = Arc::clone(&lane);
        let producer = thread::spawn(move || {
            // SAFETY: none; this is the race that must be found.
            written.0.with_mut(|slot| unsafe { *slot = 1 });
            written.1.store(1, Ordering::Relaxed);
        });
        if lane.1.load(Ordering::Acquire) == 1 {
            // SAFETY: none; as above.
            lane.0.with(|slot| unsafe { assert_eq!(*slot, 1) });
        }
        producer.join().unwrap();
    });
}
