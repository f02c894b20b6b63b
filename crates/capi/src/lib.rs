//! Reports from native code in the same process, without Node in the way.
//!
//! C functions that the addon exports: `damon-napi` links this crate, so the monitors found here
//! are the addon's own. `include/node_damon.h` is made of this crate's public items, comments
//! included: they speak to whoever writes C.
//!
//! - [`abi`]: the numbers and structs that cross.
//! - [`lane`]: what a lane's pointer points to, and who may use it.
//! - This file: the functions. They check what can be checked, and translate.
//!
//! The path of a report ([`node_damon_report`], [`node_damon_report_batch`]) runs in signal
//! handlers. It calls `pthread_self` and [`damon_ring::Producer`]'s pushes, which are fit for that;
//! the rest of it is comparisons, loads and moves. It cannot panic: there is no index, no
//! arithmetic that is checked, no allocation and no `unwrap` on it. Attaching and detaching lock
//! and allocate; a panic there is caught and becomes [`Status::Internal`].

// What Rust calls safety, the header calls duties.
#![allow(clippy::missing_safety_doc, reason = "these comments are the header's")]

pub mod abi;
pub mod lane;

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use damon_monitor::doors::{AttachError, attach};
use damon_ring::LaneError;

use crate::abi::{Counts, NODE_DAMON_ABI_VERSION, Outcome, Report, Status, is_usable};
use crate::lane::Lane;

/// The version of this interface in the addon. Compare it with NODE_DAMON_ABI_VERSION before the
/// first other call: they differ when something here has changed that a compiled sampler relies on.
#[unsafe(no_mangle)]
pub extern "C" fn node_damon_abi_version() -> u32 {
    NODE_DAMON_ABI_VERSION
}

/// Takes a lane of the monitor that the token names, for the calling thread alone: all other calls
/// with this lane must come from it. The lane is stored in *lane, NULL on failure.
///
/// The token is the zero-terminated text that JavaScript has from the monitor.
///
/// Give the lane back with node_damon_detach before the thread ends. A lane that is not given back
/// counts against the monitor's number of lanes until the monitor closes.
///
/// Not async-signal-safe: locks and allocates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_attach(token: *const c_char, lane: *mut *mut Lane) -> Status {
    if !is_usable(lane) {
        return Status::Pointer;
    }
    // SAFETY: not null, aligned, and writable by the caller's duty.
    unsafe { lane.write(std::ptr::null_mut()) };
    if token.is_null() {
        return Status::Pointer;
    }
    // SAFETY: zero-terminated by the caller's duty; should it not be, little is read of it.
    let Some(token) = (unsafe { text(token) }) else { return Status::Token };
    match catch_unwind(|| attach(token).map(Lane::lend)) {
        Ok(Ok(lent)) => {
            // SAFETY: as above.
            unsafe { lane.write(std::ptr::from_ref(lent).cast_mut()) };
            Status::Ok
        }
        Ok(Err(AttachError::Token)) => Status::Token,
        Ok(Err(AttachError::Unknown)) => Status::Unknown,
        Ok(Err(AttachError::Lane(LaneError::Closed))) => Status::Closed,
        Ok(Err(AttachError::Lane(LaneError::Lanes(_)))) => Status::Lanes,
        // The monitor's own shape was checked when it was made.
        Ok(Err(AttachError::Lane(LaneError::Slots(_)))) | Err(_) => Status::Internal,
    }
}

/// # Safety
///
/// Not null, and readable up to the first zero or for 64 bytes.
unsafe fn text<'a>(token: *const c_char) -> Option<&'a str> {
    /// More than a token has: what is longer is none.
    const TOKEN_MAX: usize = 64;
    // SAFETY: as the caller promises; reads no byte behind the first zero.
    let len = unsafe { libc::strnlen(token, TOKEN_MAX) };
    if len == TOKEN_MAX {
        return None;
    }
    // SAFETY: byte `len` is the first zero.
    let bytes = unsafe { std::slice::from_raw_parts(token.cast::<u8>(), len + 1) };
    CStr::from_bytes_with_nul(bytes).ok()?.to_str().ok()
}

/// Reports one access. The report is copied; it may lie on the stack.
///
/// Async-signal-safe and wait-free. A report from a signal handler that interrupts another report
/// of the same lane is dropped and counted: NODE_DAMON_OUTCOME_NESTED. Leaves errno alone.
///
/// QUEUED, FULL, NESTED and CLOSED are counted by the lane and add up to what its books call
/// offered. All other outcomes are refusals: nothing is stored, and nobody counts them but you.
///
/// To notice another thread costs one pthread_self per call: a load from the thread's own block,
/// less than a nanosecond.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_report(lane: *const Lane, report: *const Report) -> Outcome {
    if !is_usable(lane) || !is_usable(report) {
        return Outcome::Pointer;
    }
    // SAFETY: not null and aligned. A lane's memory is never freed, and the report is readable for
    // the time of this call, by the caller's duty.
    let (lane, report) = unsafe { (&*lane, &*report) };
    let producer = match lane.producer() {
        Ok(producer) => producer,
        Err(refused) => return refused.into(),
    };
    if !report.is_valid() {
        return Outcome::Invalid;
    }
    producer.push(report.translate()).into()
}

/// Reports n accesses at once, in order: as many as find room are queued, and the rest is dropped
/// and counted. *batch says how many of each. The reports are copied, and must not change during
/// the call.
///
/// On any status but NODE_DAMON_STATUS_OK no report is queued or counted, and *batch is all zeros.
/// One invalid report refuses all. reports may be NULL if n is 0.
///
/// Async-signal-safe and wait-free, as node_damon_report; takes time in proportion to n, and a
/// handler's reports meanwhile are dropped as nested ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_report_batch(
    lane: *const Lane,
    reports: *const Report,
    n: usize,
    batch: *mut Counts,
) -> Status {
    if !is_usable(batch) {
        return Status::Pointer;
    }
    // SAFETY: not null, aligned, and writable by the caller's duty.
    unsafe { batch.write(Counts::default()) };
    if !is_usable(lane) || (n > 0 && !is_usable(reports)) {
        return Status::Pointer;
    }
    if n > isize::MAX as usize / size_of::<Report>() {
        return Status::Invalid;
    }
    // SAFETY: not null and aligned; a lane's memory is never freed.
    let lane = unsafe { &*lane };
    let producer = match lane.producer() {
        Ok(producer) => producer,
        Err(refused) => return refused.into(),
    };
    let reports = if n == 0 {
        &[]
    } else {
        // SAFETY: not null, aligned, no larger than an object can be; n of them are readable and
        // at rest for the time of this call, by the caller's duty.
        unsafe { std::slice::from_raw_parts(reports, n) }
    };
    if !reports.iter().all(Report::is_valid) {
        return Status::Invalid;
    }
    let counts = producer.push_batch(reports.iter().map(Report::translate)).into();
    // SAFETY: as above.
    unsafe { batch.write(counts) };
    Status::Ok
}

/// Stores in *slots how many reports would find room now. A drain of the monitor can only make it
/// more.
///
/// Not to be called from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_free_slots(lane: *const Lane, slots: *mut u64) -> Status {
    // SAFETY: the caller's duties are the same.
    unsafe { ask(lane, slots, damon_ring::Producer::free_slots) }
}

/// Stores in *id the lane's number, by which the monitor's books name it.
///
/// Not to be called from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_lane_id(lane: *const Lane, id: *mut u32) -> Status {
    // SAFETY: the caller's duties are the same.
    unsafe { ask(lane, id, damon_ring::Producer::lane) }
}

/// # Safety
///
/// `answer` is null or writable, `lane` null or a lane.
unsafe fn ask<T>(
    lane: *const Lane,
    answer: *mut T,
    question: impl FnOnce(&damon_ring::Producer) -> T,
) -> Status {
    if !is_usable(lane) || !is_usable(answer) {
        return Status::Pointer;
    }
    // SAFETY: not null and aligned; a lane's memory is never freed.
    let lane = unsafe { &*lane };
    let producer = match lane.producer() {
        Ok(producer) => producer,
        Err(refused) => return refused.into(),
    };
    match catch_unwind(AssertUnwindSafe(|| question(producer))) {
        // SAFETY: not null, aligned, and writable by the caller's duty.
        Ok(value) => unsafe { answer.write(value) },
        Err(_) => return Status::Internal,
    }
    Status::Ok
}

/// Gives the lane back; what it holds is still drained, and after that the monitor has room for
/// another. To be called by the thread that attached it, and never from a signal handler.
///
/// A handler that interrupts this call, or that comes later, may still report to the lane: it is
/// refused with NODE_DAMON_OUTCOME_DETACHED. That holds until this thread attaches again, which may
/// return the same pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn node_damon_detach(lane: *mut Lane) -> Status {
    if !is_usable(lane) {
        return Status::Pointer;
    }
    // SAFETY: not null and aligned; a lane's memory is never freed.
    let lane = unsafe { &*lane };
    // SAFETY: no call with this lane is in progress on this thread, by the caller's duty.
    let give_back = AssertUnwindSafe(|| unsafe { lane.give_back() });
    match catch_unwind(give_back) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(refused)) => refused.into(),
        Err(_) => Status::Internal,
    }
}

/// A status as one sentence, in English, without a full stop. Static memory; never NULL, whatever
/// the number.
#[unsafe(no_mangle)]
pub extern "C" fn node_damon_status_text(status: u32) -> *const c_char {
    abi::status_text(status).as_ptr()
}

/// Where the shared object that holds these functions lies: what a sampler gives to `dlopen`.
pub fn library_path() -> Option<String> {
    let ours = node_damon_abi_version as extern "C" fn() -> u32;
    // SAFETY: all zeros are a value of a struct of pointers.
    let mut found: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: looks the address up, whatever it is, and writes to a live struct.
    if unsafe { libc::dladdr(ours as *const libc::c_void, &raw mut found) } == 0 {
        return None;
    }
    if found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a string of the dynamic linker's, which lives as long as this object is loaded.
    let path = unsafe { CStr::from_ptr(found.dli_fname) };
    path.to_str().ok().map(str::to_owned)
}
