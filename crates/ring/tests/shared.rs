//! The shared lane against its JavaScript producer, and against whatever else writes to its memory.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;
#[path = "common/javascript.rs"]
mod javascript;

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{drain, numbers, report, whole};
use damon_ring::{
    AddressKind, Dropped, LaneCounters, LaneError, LaneId, Lanes, LanesOptions, SharedLane,
    SharedLaneError,
};
use javascript::{
    CLOSED, DROPPED_CLOSED, DROPPED_FULL, GONE, HEAD, INDEX, JavaScript, TAIL, Words, lane_of,
    zeroed,
};
use proptest::prelude::*;

/// One shared lane. The words come first: they must outlive the lanes.
fn shared(slots: u32) -> (Words, Lanes, JavaScript) {
    let words = zeroed(slots);
    let lanes = Lanes::new(LanesOptions { lanes_max: 3, slots: 4 }).unwrap();
    assert_eq!(lanes.door().add_shared(lane_of(&words).unwrap()), Ok(0));
    let javascript = JavaScript::attach(&words);
    assert_eq!(javascript.slots, slots);
    (words, lanes, javascript)
}

fn of(lanes: &Lanes, lane: LaneId) -> LaneCounters {
    lanes.by_lane().find(|(id, _)| *id == lane).unwrap().1
}

#[test]
fn reports_arrive_in_order_whole_and_once_and_a_drain_restores_capacity() {
    let (words, mut lanes, javascript) = shared(4);
    for round in 0..5 {
        for number in 0..4 {
            javascript.push(&report(10 * round + number)).unwrap();
        }
        assert_eq!(javascript.push(&report(99)), Err(Dropped::Full));
        let expected: Vec<_> = (0..4).map(|number| (0, 10 * round + number)).collect();
        assert_eq!(numbers(&mut lanes), expected);
        assert_eq!(words[TAIL].load(Ordering::Relaxed), 4 * (round as u32 + 1));
        assert!(numbers(&mut lanes).is_empty());
    }
    let counters = of(&lanes, 0);
    assert_eq!((counters.queued, counters.drained, counters.dropped_full), (20, 20, 5));
    assert_eq!((counters.corrupt, counters.occupancy_max, counters.offered()), (0, 4, 25));
}

#[test]
fn every_field_survives_and_the_stamp_says_what_is_special() {
    let (_words, mut lanes, javascript) = shared(2);
    let plain = damon_ring::AccessReport::physical(u64::MAX - 8, 8, 0x1234_5678_9abc_def0);
    javascript.push(&plain).unwrap();
    let kind = AddressKind::Virtual;
    let other = damon_ring::AccessReport { kind, cpu: u16::MAX, write: true, ..plain };
    javascript.push(&other).unwrap();
    lanes.drain(|_, reports| {
        assert!(reports.iter().eq([plain, other]));
        assert!(!reports.sightings[0].is_special() && reports.sightings[1].is_special());
    });
    assert_eq!(of(&lanes, 0).drained, 2);
}

/// A head beyond reach is how to get there: the reader begins anew at it.
fn jump(words: &Words, lanes: &mut Lanes, head: u32) {
    words[HEAD].store(head, Ordering::SeqCst);
    assert!(drain(lanes).is_empty());
    assert_eq!(words[TAIL].load(Ordering::Relaxed), head);
}

#[test]
fn indices_of_31_bits_wrap() {
    for before in 0..6 {
        let (words, mut lanes, javascript) = shared(4);
        jump(&words, &mut lanes, INDEX - before);
        let mut number = 0;
        for round in 0..6u64 {
            let len = 1 + round % 4;
            for offset in 0..len {
                javascript.push(&report(number + offset)).unwrap();
            }
            assert_eq!(of(&lanes, 0).pending(), len);
            let expected: Vec<_> = (number..number + len).map(|n| (0, n)).collect();
            assert_eq!(numbers(&mut lanes), expected);
            number += len;
        }
        let head = words[HEAD].load(Ordering::Relaxed);
        assert_eq!(head, (INDEX - before).wrapping_add(number as u32) & INDEX);
        assert_eq!((of(&lanes, 0).drained, of(&lanes, 0).corrupt), (number, 1));
    }
}

#[test]
fn dropped_counters_of_32_bits_are_carried_on() {
    let (words, mut lanes, _javascript) = shared(2);
    drain(&mut lanes);
    let mut expected = 0u64;
    for step in [u32::MAX - 3, 2, 7, u32::MAX, 1, 0] {
        words[DROPPED_FULL].fetch_add(step, Ordering::SeqCst);
        words[DROPPED_CLOSED].fetch_add(step / 2, Ordering::SeqCst);
        expected += u64::from(step);
        assert_eq!(of(&lanes, 0).dropped_full, expected, "also before the next drain");
        drain(&mut lanes);
        assert_eq!(of(&lanes, 0).dropped_full, expected);
    }
    let halves: u64 =
        [u32::MAX - 3, 2, 7, u32::MAX, 1, 0].map(|step| u64::from(step / 2)).iter().sum();
    assert_eq!(of(&lanes, 0).dropped_closed, halves);
}

#[test]
fn a_lane_whose_producer_is_gone_is_drained_then_retired() {
    let (_words, mut lanes, javascript) = shared(2);
    let native = lanes.add().unwrap();
    javascript.push(&report(1)).unwrap();
    javascript.push(&report(2)).unwrap();
    javascript.push(&report(3)).unwrap_err();
    javascript.go();
    native.push(report(4)).unwrap();
    assert_eq!(numbers(&mut lanes), [(0, 1), (0, 2), (1, 4)]);
    drain(&mut lanes);
    let retired = lanes.retired();
    assert_eq!((retired.queued, retired.drained, retired.dropped_full), (2, 2, 1));
    assert!(lanes.by_lane().map(|(lane, _)| lane).eq([1]));
}

#[test]
fn a_producer_that_pushes_and_goes_during_a_drain_is_drained_by_the_next() {
    let (words, mut lanes, javascript) = shared(4);
    javascript.push(&report(1)).unwrap();
    lanes.drain(|_, _| {
        javascript.push(&report(2)).unwrap();
        words[GONE].store(1, Ordering::SeqCst);
    });
    assert_eq!(numbers(&mut lanes), [(0, 2)]);
    assert_eq!((lanes.retired().drained, lanes.by_lane().count()), (2, 0));
}

#[test]
fn a_push_that_a_close_overtakes_fails_and_what_was_published_is_drained() {
    let (words, mut lanes, javascript) = shared(4);
    javascript.push(&report(1)).unwrap();
    assert_eq!(numbers(&mut lanes), [(0, 1)]);
    javascript.push(&report(2)).unwrap();
    // Between writing the slot and publishing it.
    let overtaken = javascript.push_while(&report(3), || lanes.close());
    assert_eq!(overtaken, Err(Dropped::Closed));
    assert_eq!(javascript.push(&report(4)), Err(Dropped::Closed));
    assert_eq!(words[HEAD].load(Ordering::Relaxed), CLOSED | 2);
    assert_eq!(numbers(&mut lanes), [(0, 2)]);
    assert!(numbers(&mut lanes).is_empty());
    let counters = of(&lanes, 0);
    assert_eq!((counters.queued, counters.drained, counters.dropped_closed), (2, 2, 2));
    assert_eq!((counters.corrupt, words[TAIL].load(Ordering::Relaxed)), (0, 2));
    let refused = lanes.door().add_shared(lane_of(&zeroed(2)).unwrap());
    assert_eq!(refused, Err(LaneError::Closed));
}

#[test]
fn a_lane_closed_before_any_drain_is_closed_too() {
    let (_words, mut lanes, javascript) = shared(4);
    javascript.push(&report(1)).unwrap();
    lanes.close();
    assert_eq!(javascript.push(&report(2)), Err(Dropped::Closed));
    assert_eq!(numbers(&mut lanes), [(0, 1)]);
}

#[test]
fn memory_that_fits_no_lane_is_refused_and_untouched() {
    for slots in [1, 2, 4, 65_536] {
        let words = zeroed(slots);
        assert!(lane_of(&words).is_ok());
        assert_eq!(words[2].load(Ordering::Relaxed), slots);
    }
    let three = SharedLane::words(3);
    let too_many = SharedLane::words(131_072);
    for len in [0, 1, 63, 64, 65, 71, 73, 79, 81, three, SharedLane::words(4) + 8, too_many] {
        let words: Words = (0..len).map(|_| AtomicU32::new(7)).collect();
        assert_eq!(lane_of(&words).err(), Some(SharedLaneError::Words(len)));
        assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == 7));
    }
    let words = zeroed(2);
    let odd = words.as_ptr().cast::<u8>().cast_mut().wrapping_add(2).cast();
    // SAFETY: refused before it is looked at.
    let refused = unsafe { SharedLane::new(NonNull::new(odd).unwrap(), SharedLane::words(1)) };
    assert_eq!(refused.err(), Some(SharedLaneError::Alignment));
}

#[test]
fn a_head_beyond_reach_is_counted_and_the_lane_goes_on_from_there() {
    let (words, mut lanes, javascript) = shared(4);
    javascript.push(&report(1)).unwrap();
    jump(&words, &mut lanes, 5);
    assert_eq!((of(&lanes, 0).corrupt, of(&lanes, 0).drained), (1, 0));
    // One step back is as far as any lie reaches.
    jump(&words, &mut lanes, 4);
    assert_eq!(of(&lanes, 0).corrupt, 2);
    javascript.push(&report(6)).unwrap();
    assert_eq!(numbers(&mut lanes), [(0, 6)]);
    // Exactly a ring-full can be true.
    words[HEAD].store(9, Ordering::SeqCst);
    assert_eq!(drain(&mut lanes).len(), 4);
    assert_eq!((of(&lanes, 0).corrupt, of(&lanes, 0).drained), (2, 5));
}

#[test]
fn a_producer_on_another_thread_loses_nothing_uncounted_and_tears_nothing() {
    const OFFERED: u64 = if cfg!(miri) { 100 } else { 200_000 };
    for slots in [1, 2, 64] {
        let (words, mut lanes, javascript) = shared(slots);
        jump(&words, &mut lanes, INDEX - 50);
        let producer = thread::spawn(move || {
            (0..OFFERED).filter(|&number| javascript.push(&report(number)).is_ok()).count() as u64
        });
        let mut last = None;
        let mut seen = 0;
        loop {
            let finished = producer.is_finished();
            let drained = lanes.drain(|_, reports| {
                for found in reports.iter() {
                    let number = whole(&found);
                    assert!(last.is_none_or(|last| last < number), "out of order or twice");
                    last = Some(number);
                }
            });
            seen += drained;
            if finished && drained == 0 {
                break;
            }
        }
        let queued = producer.join().unwrap();
        let counters = of(&lanes, 0);
        assert_eq!((seen, counters.drained, counters.queued), (queued, queued, queued));
        assert_eq!((counters.offered(), counters.corrupt), (OFFERED, 1));
    }
}

/// A close in the middle of hurried pushes, over and over.
#[test]
fn a_close_strands_nothing() {
    for _ in 0..if cfg!(miri) { 5 } else { 300 } {
        let (_words, mut lanes, javascript) = shared(64);
        let producer = thread::spawn(move || {
            let mut queued = 0u64;
            loop {
                match javascript.push(&report(queued)) {
                    Ok(()) => queued += 1,
                    Err(Dropped::Closed) => return queued,
                    Err(_) => {}
                }
            }
        });
        while lanes.drain(|_, _| ()) == 0 {}
        lanes.close();
        drain(&mut lanes);
        let queued = producer.join().unwrap();
        assert!(drain(&mut lanes).is_empty());
        let counters = of(&lanes, 0);
        assert_eq!((counters.drained, counters.dropped_closed), (queued, 1));
    }
}

/// Header words that a lane reads, and some that it does not.
const TARGETS: [usize; 9] = [0, 1, 2, HEAD, DROPPED_FULL, DROPPED_CLOSED, GONE, 20, TAIL];

fn any_word() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        0u32..12,
        (0u32..12).prop_map(|less| INDEX - less),
        (0u32..12).prop_map(|more| CLOSED + more),
        (0u32..12).prop_map(|less| u32::MAX - less),
    ]
}

#[derive(Clone, Debug)]
enum Act {
    Write(usize, u32),
    /// What an honest producer would do with such words.
    Push,
    Native,
    Drain,
    Close,
}

fn any_act() -> impl Strategy<Value = Act> {
    let header = prop::sample::select(&TARGETS[..]);
    prop_oneof![
        4 => (header, any_word()).prop_map(|(word, value)| Act::Write(word, value)),
        // Without `gone` the lane lives long enough to be lied to.
        6 => (Just(HEAD), any_word()).prop_map(|(word, value)| Act::Write(word, value)),
        4 => (64usize..96, any_word()).prop_map(|(word, value)| Act::Write(word, value)),
        2 => Just(Act::Push),
        2 => Just(Act::Native),
        6 => Just(Act::Drain),
        1 => Just(Act::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn garbage_yields_at_most_a_ring_full_and_leaves_other_lanes_alone(
        acts in prop::collection::vec(any_act(), 0..120),
    ) {
        const SLOTS: u32 = 4;
        let (words, mut lanes, javascript) = shared(SLOTS);
        let native = lanes.add().unwrap();
        drain(&mut lanes);
        // What the reader keeps for itself, whatever the memory says.
        let (mut tail, mut corrupt, mut drained, mut retired) = (0u32, 0u64, 0u64, false);
        let (mut waiting, mut number, mut closed) = (Vec::new(), 0, false);
        for act in acts {
            match act {
                Act::Write(word, value) => words[word].store(value, Ordering::SeqCst),
                Act::Push => drop(javascript.push(&report(7))),
                Act::Native => {
                    let pushed = native.push(report(number));
                    let expected = if closed {
                        Err(Dropped::Closed)
                    } else if waiting.len() == 4 {
                        Err(Dropped::Full)
                    } else {
                        waiting.push((1, number));
                        Ok(())
                    };
                    prop_assert_eq!(pushed, expected);
                    number += 1;
                }
                Act::Drain => {
                    let head = words[HEAD].load(Ordering::SeqCst) & INDEX;
                    let claimed = head.wrapping_sub(tail) & INDEX;
                    let honest = if retired || claimed > SLOTS { 0 } else { claimed };
                    corrupt += u64::from(!retired && claimed > SLOTS);
                    drained += u64::from(honest);
                    if !retired {
                        tail = head;
                    }
                    let out = drain(&mut lanes);
                    let (theirs, ours): (Vec<_>, Vec<_>) =
                        out.into_iter().partition(|(lane, _)| *lane == 0);
                    prop_assert_eq!(theirs.len(), honest as usize);
                    let ours: Vec<_> = ours.iter().map(|(lane, r)| (*lane, whole(r))).collect();
                    prop_assert_eq!(ours, std::mem::take(&mut waiting));
                    retired |= words[GONE].load(Ordering::SeqCst) != 0;
                    prop_assert_eq!(lanes.by_lane().any(|(lane, _)| lane == 0), !retired);
                }
                Act::Close => {
                    lanes.close();
                    closed = true;
                }
            }
            let counters = lanes.counters();
            prop_assert_eq!(counters.corrupt, corrupt);
            prop_assert!(counters.pending() <= 4 + u64::from(SLOTS));
            prop_assert!(counters.drained >= drained);
        }
        prop_assert_eq!(of_native(&lanes).drained + waiting.len() as u64, of_native(&lanes).queued);
    }
}

fn of_native(lanes: &Lanes) -> LaneCounters {
    lanes.by_lane().find(|(lane, _)| *lane == 1).map_or_else(Default::default, |(_, found)| found)
}

#[test]
fn a_thread_that_scribbles_on_all_words_harms_nobody_else() {
    const SLOTS: u32 = 16;
    let (words, mut lanes, _) = shared(SLOTS);
    let native = lanes.add().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let scribbler = {
        let (words, stop) = (Arc::clone(&words), Arc::clone(&stop));
        thread::spawn(move || {
            let started = Instant::now();
            let mut random = 0x9e37_79b9_7f4a_7c15u64;
            while !stop.load(Ordering::Relaxed) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // Every other write is a head within reach, or nothing would ever be handed out.
                if random & 1 == 0 {
                    let tail = words[TAIL].load(Ordering::Relaxed);
                    words[HEAD].store(tail.wrapping_add(random as u32 >> 27), Ordering::Relaxed);
                } else {
                    let word = (random >> 33) as usize % words.len();
                    // Not `gone`: the lane is to stay. The copy of the tail at first only: without
                    // it, no head above is within reach.
                    let spares_tail = started.elapsed() > Duration::from_millis(100);
                    if word != GONE && !(spares_tail && word == TAIL) {
                        words[word].store(random as u32, Ordering::Relaxed);
                    }
                }
            }
        })
    };
    let end = Instant::now() + Duration::from_millis(500);
    let mut number = 0;
    let mut handed_out = 0;
    while Instant::now() < end {
        native.push(report(number)).unwrap();
        let mut ours = Vec::new();
        let mut theirs = 0;
        lanes.drain(|lane, reports| match lane {
            0 => theirs += reports.len(),
            _ => ours.extend(reports.iter().map(|found| whole(&found))),
        });
        assert!(theirs <= SLOTS as usize);
        assert_eq!(ours, [number]);
        handed_out += theirs as u64;
        number += 1;
    }
    lanes.close();
    stop.store(true, Ordering::Relaxed);
    scribbler.join().unwrap();
    let counters = of(&lanes, 0);
    assert!(counters.corrupt > 0 && handed_out > 0, "the scribbler was heard: {counters:?}");
    assert_eq!(counters.drained, handed_out);
    assert!(counters.pending() <= u64::from(SLOTS));
    assert_eq!((of(&lanes, 1).drained, of(&lanes, 1).corrupt), (number, 0));
}
