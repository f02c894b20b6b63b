//! Every answer that the functions have, asked as C would ask.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use damon_capi::abi::{
    Counts, NODE_DAMON_ABI_VERSION, NODE_DAMON_UNDATED, NODE_DAMON_VIRTUAL, NODE_DAMON_WRITE,
    Outcome, Report, Status,
};
use damon_capi::lane::Lane;
use damon_capi::{
    node_damon_abi_version, node_damon_attach, node_damon_detach, node_damon_free_slots,
    node_damon_lane_id, node_damon_report, node_damon_report_batch, node_damon_status_text,
};
use damon_monitor::doors::{Published, publish};
use damon_ring::{AccessReport, AddressKind, Lanes, LanesOptions};

static REPORT: Report = Report {
    address: 0x4000,
    time_ns: NODE_DAMON_UNDATED,
    size: 64,
    tid: 2,
    tgid: 1,
    cpu: 3,
    flags: 0,
};

fn monitor(lanes_max: u32, slots: u32) -> (Lanes, Published, CString) {
    let lanes = Lanes::new(LanesOptions { lanes_max, slots }).unwrap();
    let published = publish(lanes.door());
    let token = CString::new(published.token().to_string()).unwrap();
    (lanes, published, token)
}

fn attach(token: &CStr) -> Result<*mut Lane, Status> {
    let mut lane = std::ptr::dangling_mut();
    // SAFETY: a C string and a place for a pointer.
    match unsafe { node_damon_attach(token.as_ptr(), &raw mut lane) } {
        Status::Ok => Ok(lane),
        status => {
            assert!(lane.is_null(), "nothing is left in it");
            Err(status)
        }
    }
}

fn report(lane: *const Lane, report: &Report) -> Outcome {
    // SAFETY: a lane, or null.
    unsafe { node_damon_report(lane, report) }
}

fn batch(lane: *const Lane, reports: &[Report]) -> (Status, Counts) {
    let mut counts = Counts { queued: 99, ..Counts::default() };
    // SAFETY: a lane, so many reports, and a place for the counts.
    let status =
        unsafe { node_damon_report_batch(lane, reports.as_ptr(), reports.len(), &raw mut counts) };
    (status, counts)
}

fn free_slots(lane: *const Lane) -> (Status, u64) {
    let mut slots = 99;
    // SAFETY: a lane, or null, and a place for the number.
    (unsafe { node_damon_free_slots(lane, &raw mut slots) }, slots)
}

fn lane_id(lane: *const Lane) -> (Status, u32) {
    let mut id = 99;
    // SAFETY: a lane, or null, and a place for the number.
    (unsafe { node_damon_lane_id(lane, &raw mut id) }, id)
}

fn detach(lane: *mut Lane) -> Status {
    // SAFETY: a lane, or null; no other call is in progress.
    unsafe { node_damon_detach(lane) }
}

fn drained(lanes: &mut Lanes) -> Vec<AccessReport> {
    let mut reports = vec![];
    lanes.drain(|_, part| reports.extend(part.iter()));
    reports
}

#[test]
fn a_report_arrives_as_it_was_made() {
    let (mut lanes, _published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    assert_eq!(lane_id(lane), (Status::Ok, 0));
    let flags = NODE_DAMON_VIRTUAL | NODE_DAMON_WRITE;
    assert_eq!(report(lane, &REPORT), Outcome::Queued);
    assert_eq!(report(lane, &Report { flags, address: 0, time_ns: 7, ..REPORT }), Outcome::Queued);
    assert_eq!(free_slots(lane), (Status::Ok, 2));
    let first = AccessReport {
        address: 0x4000,
        time_ns: AccessReport::UNDATED,
        size: 64,
        tid: 2,
        tgid: 1,
        cpu: 3,
        kind: AddressKind::Physical,
        write: false,
    };
    let kind = AddressKind::Virtual;
    let second = AccessReport { address: 0, time_ns: 7, kind, write: true, ..first };
    assert_eq!(drained(&mut lanes), [first, second]);
    assert_eq!(detach(lane), Status::Ok);
    assert_eq!(node_damon_abi_version(), NODE_DAMON_ABI_VERSION);
}

#[test]
fn a_full_lane_drops_and_counts() {
    let (mut lanes, _published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    let (status, counts) = batch(lane, &[REPORT; 6]);
    assert_eq!(status, Status::Ok);
    assert_eq!(counts, Counts { queued: 4, full: 2, ..Counts::default() });
    assert_eq!(report(lane, &REPORT), Outcome::Full);
    assert_eq!(drained(&mut lanes).len(), 4);
    assert_eq!(lanes.counters().dropped_full, 3);
    assert_eq!(batch(lane, &[]), (Status::Ok, Counts::default()));
    assert_eq!(free_slots(lane), (Status::Ok, 4));
}

#[test]
fn after_the_monitor_has_stopped_reports_are_dropped_and_counted() {
    let (mut lanes, published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    assert_eq!(report(lane, &REPORT), Outcome::Queued);
    lanes.close();
    assert_eq!(report(lane, &REPORT), Outcome::Closed);
    let closed = Counts { closed: 3, ..Counts::default() };
    assert_eq!(batch(lane, &[REPORT; 3]), (Status::Ok, closed));
    assert_eq!(drained(&mut lanes).len(), 1);
    let counters = lanes.counters();
    assert_eq!((counters.offered(), counters.queued, counters.dropped_closed), (5, 1, 4));
    assert_eq!(attach(&token).err(), Some(Status::Closed));
    drop(published);
    assert_eq!(attach(&token).err(), Some(Status::Unknown));
    drop(lanes);
    assert_eq!(report(lane, &REPORT), Outcome::Closed, "the lane outlives its monitor");
    assert_eq!(detach(lane), Status::Ok);
}

#[test]
fn what_is_no_token_is_refused() {
    let long = "damon-0123456789abcdef".repeat(9);
    for bytes in [&b""[..], b"damon-", b"damon-\xff\xfe3456789abcdef", long.as_bytes()] {
        assert_eq!(attach(&CString::new(bytes).unwrap()).err(), Some(Status::Token), "{bytes:?}");
    }
    assert_eq!(attach(c"damon-0123456789abcdef").err(), Some(Status::Unknown));
}

#[test]
fn null_and_misaligned_pointers_are_refused() {
    let (mut lanes, _published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    let askew = std::ptr::from_ref(&REPORT).wrapping_byte_add(1);
    let mut counts = Counts::default();
    let mut place = null_mut();
    let mut id = 0;
    // SAFETY: (all of these) a bad pointer is found before it is followed; the rest is sound.
    unsafe {
        assert_eq!(node_damon_attach(null(), &raw mut place), Status::Pointer);
        assert_eq!(node_damon_attach(token.as_ptr(), null_mut()), Status::Pointer);
        assert_eq!(node_damon_report(lane, null()), Outcome::Pointer);
        assert_eq!(node_damon_report(lane, askew), Outcome::Pointer);
        assert_eq!(node_damon_report(null(), &raw const REPORT), Outcome::Pointer);
        for (lane, reports) in [(null(), &raw const REPORT), (lane.cast_const(), null())] {
            let status = node_damon_report_batch(lane, reports, 1, &raw mut counts);
            assert_eq!(status, Status::Pointer);
        }
        let status = node_damon_report_batch(lane, askew, 1, &raw mut counts);
        assert_eq!(status, Status::Pointer);
        let status = node_damon_report_batch(lane, &raw const REPORT, 1, null_mut());
        assert_eq!(status, Status::Pointer);
        let status = node_damon_report_batch(lane, null(), 0, &raw mut counts);
        assert_eq!(status, Status::Ok, "no reports need no memory");
        assert_eq!(node_damon_free_slots(lane, null_mut()), Status::Pointer);
        assert_eq!(node_damon_lane_id(null(), &raw mut id), Status::Pointer);
        assert_eq!(node_damon_detach(null_mut()), Status::Pointer);
    }
    lanes.drain(|_, _| ());
    assert_eq!(lanes.counters().offered(), 0);
}

#[test]
fn a_report_without_a_meaning_is_refused_and_takes_its_batch_along() {
    let (mut lanes, _published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    for bad in [
        Report { flags: 4, ..REPORT },
        Report { flags: !0, ..REPORT },
        Report { size: 0, ..REPORT },
    ] {
        assert_eq!(report(lane, &bad), Outcome::Invalid);
        assert_eq!(batch(lane, &[REPORT, bad]), (Status::Invalid, Counts::default()));
    }
    let mut counts = Counts::default();
    // SAFETY: refused by the number alone.
    let status = unsafe {
        node_damon_report_batch(lane, &raw const REPORT, usize::MAX / 8, &raw mut counts)
    };
    assert_eq!(status, Status::Invalid);
    lanes.drain(|_, _| ());
    assert_eq!(lanes.counters().offered(), 0, "refusals are not the lane's to count");
}

#[test]
fn a_lane_serves_the_thread_that_attached_it() {
    struct Carried(*mut Lane);
    // SAFETY: that a lane may be carried to another thread is what is tested.
    unsafe impl Send for Carried {}

    let (mut lanes, _published, token) = monitor(4, 4);
    let lane = attach(&token).unwrap();
    let carried = Carried(lane);
    std::thread::spawn(move || {
        let lane = { carried }.0;
        assert_eq!(report(lane, &REPORT), Outcome::WrongThread);
        assert_eq!(batch(lane, &[REPORT]), (Status::WrongThread, Counts::default()));
        assert_eq!(free_slots(lane), (Status::WrongThread, 99));
        assert_eq!(lane_id(lane), (Status::WrongThread, 99));
        assert_eq!(detach(lane), Status::WrongThread);
    })
    .join()
    .unwrap();
    lanes.drain(|_, _| ());
    assert_eq!(lanes.counters().offered(), 0);
    assert_eq!(report(lane, &REPORT), Outcome::Queued);
    assert_eq!(drained(&mut lanes).len(), 1);
}

#[test]
fn a_lane_that_was_given_back_is_free_for_another_and_refused_here() {
    let (mut lanes, _published, token) = monitor(1, 4);
    let lane = attach(&token).unwrap();
    assert_eq!(attach(&token).err(), Some(Status::Lanes));
    assert_eq!(report(lane, &REPORT), Outcome::Queued);
    assert_eq!(detach(lane), Status::Ok);
    // Nobody lends it meanwhile: tests on other threads may, but then it is theirs, not ours.
    let refused = [Outcome::Detached, Outcome::WrongThread];
    assert!(refused.contains(&report(lane, &REPORT)));
    assert_ne!(detach(lane), Status::Ok);
    assert_eq!(drained(&mut lanes).len(), 1, "what it held is still drained");
    assert_eq!(drained(&mut lanes).len(), 0, "and then there is room");
    let again = attach(&token).unwrap();
    assert_eq!(lane_id(again), (Status::Ok, 1), "another lane, even if the pointer is the same");
    assert_eq!(detach(again), Status::Ok);
}

#[test]
fn every_status_has_a_text_of_its_own() {
    let text = |status| {
        // SAFETY: never null, and static.
        unsafe { CStr::from_ptr(node_damon_status_text(status)) }.to_str().unwrap()
    };
    let known: HashSet<&str> = (0..=Status::Internal as u32).map(text).collect();
    assert_eq!(known.len(), 10);
    assert!(!known.contains(text(10)));
    assert_eq!(text(10), text(u32::MAX));
}

#[test]
fn the_library_knows_where_it_lies() {
    // A test's functions lie in the test's own program.
    let program = std::fs::canonicalize(std::env::current_exe().unwrap()).unwrap();
    let path = damon_capi::library_path().unwrap();
    assert_eq!(std::fs::canonicalize(path).unwrap(), program);
}
