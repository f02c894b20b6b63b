//! Producers on threads of their own: what races, and what must hold all the same.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use damon_ring::{Batch, Dropped, LaneDoor, LaneError, Lanes, LanesOptions, Producer};

use crate::common::{drain, numbers, report, reports_from, whole};
use crate::{lanes, push_all};

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
