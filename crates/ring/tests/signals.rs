//! The user-space interrupt: a signal handler that pushes on the very lane on which the thread it
//! interrupts pushes.
//!
//! A timer of the kernel's, every 100 µs, aimed at the producing thread (`SIGEV_THREAD_ID`), so that
//! the handler never runs elsewhere: a lane has one thread.
#![cfg(all(target_os = "linux", not(loom), not(miri)))]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/allocations.rs"]
mod allocations;
mod common;

use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use allocations::allocator_calls;
use common::{report, reports_from, whole};
use damon_ring::{Dropped, Lanes, LanesOptions, Producer};

const PERIOD_NS: libc::c_long = 100_000;

/// Set in the number of a report from the handler.
const FROM_HANDLER: u64 = 1 << 40;

/// What the handler works with and what it counts by its own results.
struct Handler {
    lane: AtomicPtr<Producer>,
    number: AtomicU64,
    queued: AtomicU64,
    full: AtomicU64,
    nested: AtomicU64,
    allocated: AtomicU64,
    /// What a drain has to get past before the handler returns; for `free_slots`.
    drains: AtomicU64,
    wait_for_drain: AtomicBool,
}

static HANDLER: Handler = Handler {
    lane: AtomicPtr::new(null_mut()),
    number: AtomicU64::new(0),
    queued: AtomicU64::new(0),
    full: AtomicU64::new(0),
    nested: AtomicU64::new(0),
    allocated: AtomicU64::new(0),
    drains: AtomicU64::new(0),
    wait_for_drain: AtomicBool::new(false),
};

fn bump(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed)
}

extern "C" fn on_signal(_: libc::c_int) {
    let lane = HANDLER.lane.load(Ordering::Relaxed);
    // SAFETY: null or a producer that lives until the timer is gone, and that belongs to the
    // thread this runs on.
    let Some(lane) = (unsafe { lane.as_ref() }) else { return };
    let before = allocator_calls();
    match lane.push(report(FROM_HANDLER + bump(&HANDLER.number))) {
        Ok(()) => bump(&HANDLER.queued),
        Err(Dropped::Full) => bump(&HANDLER.full),
        Err(Dropped::Nested) => bump(&HANDLER.nested),
        // Counted nowhere: the sums would not balance.
        Err(Dropped::Closed) => 0,
    };
    if HANDLER.wait_for_drain.load(Ordering::Relaxed) {
        // Two: the first may have begun before the push. Bounded, for a drainer off its CPU.
        let seen = HANDLER.drains.load(Ordering::Acquire);
        for _ in 0..100_000 {
            if HANDLER.drains.load(Ordering::Acquire) >= seen + 2 {
                break;
            }
            std::hint::spin_loop();
        }
    }
    HANDLER.allocated.fetch_add(allocator_calls() - before, Ordering::Relaxed);
}

/// Fires at the thread that made it until dropped.
struct Timer(libc::timer_t);

impl Timer {
    fn at_this_thread(lane: &Producer) -> Self {
        for counter in [
            &HANDLER.number,
            &HANDLER.queued,
            &HANDLER.full,
            &HANDLER.nested,
            &HANDLER.allocated,
            &HANDLER.drains,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        HANDLER.lane.store(std::ptr::from_ref(lane).cast_mut(), Ordering::Relaxed);
        let every = libc::timespec { tv_sec: 0, tv_nsec: PERIOD_NS };
        let period = libc::itimerspec { it_interval: every, it_value: every };
        // SAFETY: plain C structs, for which zeros are a value, and calls that only read them; the
        // handler is fit for a signal.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGUSR1, &action, null_mut()), 0);
            let mut event: libc::sigevent = zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGUSR1;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = zeroed();
            assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer), 0);
            assert_eq!(libc::timer_settime(timer, 0, &period, null_mut()), 0);
            Self(timer)
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: our own timer, once. A signal on its way is taken before the sleep is over, and
        // finds no lane from then on.
        unsafe { libc::timer_delete(self.0) };
        thread::sleep(Duration::from_millis(2));
        HANDLER.lane.store(null_mut(), Ordering::Relaxed);
    }
}

/// The handler's lane is one at a time.
fn alone<T>(act: impl FnOnce() -> T) -> T {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    act()
}

/// Waits, without pushing, until the handler has been here again.
fn until_handled(counter: &AtomicU64) {
    let before = counter.load(Ordering::Relaxed);
    let end = Instant::now() + Duration::from_secs(10);
    while counter.load(Ordering::Relaxed) == before {
        assert!(Instant::now() < end, "no signal came");
        std::hint::spin_loop();
    }
}

/// Drains until told to stop, and once more. Returns how many came from the thread and from the
/// handler, and the sum of their numbers.
fn drain_until(lanes: &mut Lanes, stop: &AtomicBool) -> ([u64; 2], [u64; 2]) {
    let (mut counts, mut sums, mut last) = ([0; 2], [0; 2], [None; 2]);
    loop {
        let stopping = stop.load(Ordering::Acquire);
        lanes.drain(|_, reports| {
            for found in reports.iter() {
                let number = whole(&found);
                let source = usize::from(number >= FROM_HANDLER);
                assert!(last[source].is_none_or(|last| last < number), "out of order or twice");
                last[source] = Some(number);
                counts[source] += 1;
                sums[source] += number;
            }
        });
        bump(&HANDLER.drains);
        if stopping {
            return (counts, sums);
        }
    }
}

#[test]
fn a_handler_that_interrupts_pushes_tears_and_loses_nothing_uncounted() {
    alone(|| {
        let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 1024 }).unwrap();
        let lane = lanes.add().unwrap();
        let stop = AtomicBool::new(false);
        let (mut queued, mut full, mut sum, mut number) = (0u64, 0u64, 0u64, 0u64);
        let (drained, drained_sums) = thread::scope(|scope| {
            let drainer = scope.spawn(|| drain_until(&mut lanes, &stop));
            let stop_at_end = StopAtEnd(&stop);
            let timer = Timer::at_this_thread(&lane);
            let end = Instant::now() + Duration::from_secs(1);
            let mut round = 0u64;
            while Instant::now() < end {
                round += 1;
                for _ in 0..500 {
                    match lane.push(report(number)) {
                        Ok(()) => (queued, sum) = (queued + 1, sum + number),
                        Err(Dropped::Full) => full += 1,
                        Err(other) => panic!("{other}"),
                    }
                    number += 1;
                }
                // Long enough to be interrupted: its last report waits for the handler.
                let waits = round.is_multiple_of(16);
                let reports = reports_from(number, 64).enumerate().map(|(index, report)| {
                    if waits && index == 0 {
                        until_handled(&HANDLER.nested);
                    }
                    report
                });
                let batch = lane.push_batch(reports);
                assert_eq!((batch.dropped_nested, batch.dropped_closed), (0, 0));
                queued += batch.queued as u64;
                full += batch.dropped_full as u64;
                sum += (number..number + batch.queued as u64).sum::<u64>();
                number += 64;
                if round.is_multiple_of(64) {
                    // Nothing is interrupted here, and the drainer makes room: it is queued.
                    until_handled(&HANDLER.queued);
                }
            }
            drop(timer);
            drop(stop_at_end);
            drainer.join().unwrap()
        });
        let by_handler = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let nested = by_handler(&HANDLER.nested);
        let counters = lanes.counters();
        assert!(nested > 0 && by_handler(&HANDLER.queued) > 0);
        assert_eq!(by_handler(&HANDLER.allocated), 0, "the handler allocates nothing");
        assert_eq!(drained, [queued, by_handler(&HANDLER.queued)]);
        assert_eq!(drained_sums[0], sum, "these and no others");
        assert_eq!(counters.queued, queued + by_handler(&HANDLER.queued));
        assert_eq!((counters.drained, counters.pending()), (counters.queued, 0));
        assert_eq!(counters.dropped_full, full + by_handler(&HANDLER.full));
        assert_eq!(counters.dropped_nested, nested);
        assert_eq!(counters.offered(), number + by_handler(&HANDLER.number));
    });
}

/// Ends the drainer also when the test fails, or the scope would wait for ever.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A look at the free slots is no push: a handler may push in the middle of it, and a drain may
/// take that report before the look goes on.
#[test]
fn free_slots_holds_when_it_is_interrupted_by_a_push_and_a_drain() {
    alone(|| {
        let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 4 }).unwrap();
        let lane = lanes.add().unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    lanes.drain(|_, _| ());
                    bump(&HANDLER.drains);
                }
            });
            HANDLER.wait_for_drain.store(true, Ordering::Relaxed);
            let timer = Timer::at_this_thread(&lane);
            let end = Instant::now() + Duration::from_millis(500);
            let mut largest = 0;
            let stop_at_end = StopAtEnd(&stop);
            while Instant::now() < end {
                for number in 0..1_000 {
                    // Something to look for: with all slots known to be free, none is counted anew.
                    let _ = lane.push(report(number));
                    largest = lane.free_slots().max(largest);
                }
            }
            drop(timer);
            HANDLER.wait_for_drain.store(false, Ordering::Relaxed);
            drop(stop_at_end);
            assert!(largest <= 4, "more free slots than slots");
            assert!(HANDLER.number.load(Ordering::Relaxed) > 0, "no signal came");
        });
    });
}
