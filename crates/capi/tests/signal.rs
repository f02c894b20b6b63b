//! Reports from a signal handler that interrupts reports of the same thread.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::ffi::{CString, c_int};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use damon_capi::abi::{Counts, NODE_DAMON_UNDATED, Outcome, Report, Status};
use damon_capi::lane::Lane;
use damon_capi::{
    node_damon_attach, node_damon_detach, node_damon_report, node_damon_report_batch,
};
use damon_monitor::doors::publish;
use damon_ring::{Lanes, LanesOptions};

const THREAD: u64 = 1 << 30;
const HANDLER: u64 = 1 << 31;

/// As the handler finds it; kept after the lane was given back, as a careless sampler would.
static LANE: AtomicPtr<Lane> = AtomicPtr::new(null_mut());
/// By outcome.
static HANDLED: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

fn report(address: u64) -> Report {
    Report { address, time_ns: NODE_DAMON_UNDATED, size: 1, tid: 0, tgid: 0, cpu: 0, flags: 0 }
}

extern "C" fn on_signal(_signal: c_int) {
    let lane = LANE.load(Relaxed);
    let sum: u64 = HANDLED.iter().map(|count| count.load(Relaxed)).sum();
    // SAFETY: null, or a lane.
    let outcome = unsafe { node_damon_report(lane, &report(HANDLER + sum)) };
    HANDLED[outcome as usize].fetch_add(1, Relaxed);
}

fn handle(signal: c_int) {
    // SAFETY: all zeros are an empty mask, no flags and the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_signal as extern "C" fn(c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does only what one may.
    assert_eq!(unsafe { libc::sigaction(signal, &raw const action, null_mut()) }, 0);
}

/// Signals the thread that made it, until it is dropped there.
struct Hammer(Option<JoinHandle<()>>);

static DONE: AtomicBool = AtomicBool::new(false);

impl Hammer {
    fn swing() -> Self {
        // SAFETY: no duties.
        let target = unsafe { libc::pthread_self() };
        Self(Some(std::thread::spawn(move || {
            while !DONE.load(Relaxed) {
                // SAFETY: the target waits for this thread before it ends.
                assert_eq!(unsafe { libc::pthread_kill(target, libc::SIGUSR2) }, 0);
                std::thread::sleep(Duration::from_micros(10));
            }
        })))
    }
}

impl Drop for Hammer {
    fn drop(&mut self) {
        DONE.store(true, Relaxed);
        let _ = self.0.take().map(JoinHandle::join);
    }
}

#[test]
fn a_handler_may_report_at_any_moment() {
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 1024 }).unwrap();
    let published = publish(lanes.door());
    let token = CString::new(published.token().to_string()).unwrap();
    handle(libc::SIGUSR2);

    let sampler = std::thread::spawn(move || {
        let hammer = Hammer::swing();
        let mut lane = null_mut();
        // SAFETY: a C string and a place for a pointer.
        let status = unsafe { node_damon_attach(token.as_ptr(), &raw mut lane) };
        assert_eq!(status, Status::Ok);
        LANE.store(lane, Relaxed);

        let mut counts = Counts::default();
        let until = Instant::now() + Duration::from_secs(20);
        let handled = |outcome: Outcome| HANDLED[outcome as usize].load(Relaxed);
        while handled(Outcome::Nested) < 20 && Instant::now() < until {
            for _ in 0..2_000 {
                // SAFETY: a lane of this thread's.
                match unsafe { node_damon_report(lane, &report(THREAD + counts.queued)) } {
                    Outcome::Queued => counts.queued += 1,
                    Outcome::Full => counts.full += 1,
                    outcome => panic!("{outcome:?}"),
                }
            }
            let reports: Vec<Report> =
                (0..500).map(|i| report(THREAD + counts.queued + i)).collect();
            let mut batch = Counts::default();
            // SAFETY: a lane of this thread's, so many reports, and a place for the counts.
            let status = unsafe {
                node_damon_report_batch(lane, reports.as_ptr(), reports.len(), &raw mut batch)
            };
            assert_eq!((status, batch.nested), (Status::Ok, 0));
            assert_eq!(batch.queued + batch.full, 500);
            counts.queued += batch.queued;
            counts.full += batch.full;
        }
        // Under fire, and fired on afterwards.
        // SAFETY: a lane of this thread's, and no call with it in progress outside of handlers.
        assert_eq!(unsafe { node_damon_detach(lane) }, Status::Ok);
        let until = Instant::now() + Duration::from_secs(20);
        while handled(Outcome::Detached) == 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        drop(hammer);
        counts
    });

    // Of each context, in order: no report was torn, lost or stored twice.
    let (mut thread, mut handler) = (0, 0);
    let mut drain = || {
        lanes.drain(|_, reports| {
            for report in reports.iter() {
                assert_eq!(report.size, 1);
                if report.address < HANDLER {
                    assert_eq!(report.address, THREAD + thread);
                    thread += 1;
                } else {
                    handler += 1;
                }
            }
        })
    };
    while !sampler.is_finished() {
        drain();
        std::thread::sleep(Duration::from_micros(200));
    }
    let counts = sampler.join().unwrap();
    while drain() > 0 {}

    let handled = |outcome: Outcome| HANDLED[outcome as usize].load(Relaxed);
    assert!(handled(Outcome::Nested) > 0, "no signal came during a report");
    assert!(handled(Outcome::Detached) > 0, "no signal came after the lane was given back");
    assert_eq!(handled(Outcome::WrongThread) + handled(Outcome::Invalid), 0);
    assert_eq!((thread, handler), (counts.queued, handled(Outcome::Queued)));
    let books = lanes.counters();
    assert_eq!(books.queued, counts.queued + handled(Outcome::Queued));
    assert_eq!(books.dropped_full, counts.full + handled(Outcome::Full));
    assert_eq!(books.dropped_nested, handled(Outcome::Nested));
    assert_eq!(books.offered(), books.queued + books.dropped_full + books.dropped_nested);
    assert_eq!((books.dropped_closed, books.pending()), (0, 0));
}
