//! The numbers and structs that cross between C and Rust.

use std::ffi::CStr;

use damon_ring::{AccessReport, AddressKind, Batch, Dropped};

use crate::lane::Refused;

/// The version of this interface that this header describes.
pub const NODE_DAMON_ABI_VERSION: u32 = 1;

/// The time of a report whose sampler has no clock: 2^63 - 1, "just now". It waits in the lane for
/// at most one sampling interval and is never stale.
pub const NODE_DAMON_UNDATED: u64 = 0x7fff_ffff_ffff_ffff;

/// In flags: the address is one of process tgid. Without it the address is physical.
pub const NODE_DAMON_VIRTUAL: u16 = 1;

/// In flags: the access was a store. Without it, a load.
pub const NODE_DAMON_WRITE: u16 = 2;

const _: () = assert!(NODE_DAMON_UNDATED == AccessReport::UNDATED);

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// A pointer is NULL, or not aligned to what it points to.
    Pointer = 1,
    /// Not a token.
    Token = 2,
    /// No monitor of this token is open in this process.
    Unknown = 3,
    /// The monitor has stopped.
    Closed = 4,
    /// The monitor has no lane left.
    Lanes = 5,
    /// The lane belongs to another thread.
    WrongThread = 6,
    /// The lane was given back.
    Detached = 7,
    /// A report has unknown flags or size 0, or n is larger than memory.
    Invalid = 8,
    /// A bug in node-damon.
    Internal = 9,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// It is in the lane.
    Queued = 0,
    /// Dropped and counted: the lane was full.
    Full = 1,
    /// Dropped and counted: it interrupted another report of the same lane.
    Nested = 2,
    /// Dropped and counted: the monitor has stopped.
    Closed = 3,
    /// Refused, not counted: a pointer is NULL or not aligned.
    Pointer = 4,
    /// Refused, not counted: unknown flags, or size 0.
    Invalid = 5,
    /// Refused, not counted: the lane belongs to another thread.
    WrongThread = 6,
    /// Refused, not counted: the lane was given back.
    Detached = 7,
}

/// One observed access. Set all fields: those that are not known have a value for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Report {
    /// First byte accessed. 0 is an address like any other.
    pub address: u64,
    /// When the access was seen, in nanoseconds of CLOCK_MONOTONIC. From before the monitor's drain
    /// before the last began, one to two sampling intervals ago, is stale. NODE_DAMON_UNDATED, and
    /// anything above, for "just now".
    pub time_ns: u64,
    /// Bytes covered from address on, at least 1. A sampler that knows only the page says 4096.
    pub size: u32,
    /// Thread that made the access, 0 if unknown.
    pub tid: u32,
    /// Process that made the access, 0 if unknown.
    pub tgid: u32,
    /// CPU that made the access, 0 if unknown.
    pub cpu: u16,
    /// NODE_DAMON_VIRTUAL and NODE_DAMON_WRITE; all other bits are 0.
    pub flags: u16,
}

impl Report {
    /// Whether the numbers mean something.
    #[inline]
    pub(crate) fn is_valid(&self) -> bool {
        self.flags & !(NODE_DAMON_VIRTUAL | NODE_DAMON_WRITE) == 0 && self.size != 0
    }

    #[inline]
    pub(crate) fn translate(&self) -> AccessReport {
        let Self { address, time_ns, size, tid, tgid, cpu, flags } = *self;
        let is_virtual = flags & NODE_DAMON_VIRTUAL != 0;
        let kind = if is_virtual { AddressKind::Virtual } else { AddressKind::Physical };
        let write = flags & NODE_DAMON_WRITE != 0;
        AccessReport { address, time_ns, size, tid, tgid, cpu, kind, write }
    }
}

/// What became of a batch; the fields add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// In the lane: the first so many.
    pub queued: u64,
    /// Dropped: the lane was full.
    pub full: u64,
    /// Dropped: the batch interrupted another report of the same lane.
    pub nested: u64,
    /// Dropped: the monitor has stopped.
    pub closed: u64,
}

impl From<Batch> for Counts {
    fn from(batch: Batch) -> Self {
        let Batch { queued, dropped_full, dropped_nested, dropped_closed } = batch;
        Self {
            queued: queued as u64,
            full: dropped_full as u64,
            nested: dropped_nested as u64,
            closed: dropped_closed as u64,
        }
    }
}

impl From<Result<(), Dropped>> for Outcome {
    #[inline]
    fn from(pushed: Result<(), Dropped>) -> Self {
        match pushed {
            Ok(()) => Self::Queued,
            Err(Dropped::Full) => Self::Full,
            Err(Dropped::Nested) => Self::Nested,
            Err(Dropped::Closed) => Self::Closed,
        }
    }
}

impl From<Refused> for Outcome {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::WrongThread => Self::WrongThread,
            Refused::Detached => Self::Detached,
        }
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::WrongThread => Self::WrongThread,
            Refused::Detached => Self::Detached,
        }
    }
}

/// Takes the number, not the enum: C may pass any.
pub(crate) fn status_text(status: u32) -> &'static CStr {
    const TEXTS: [&CStr; 10] = [
        c"Done",
        c"A pointer is NULL or not aligned",
        c"Expected a token such as damon-0123456789abcdef",
        c"No monitor of this token is open in this process",
        c"The monitor has stopped",
        c"All lanes of the monitor are in use",
        c"The lane belongs to another thread",
        c"The lane was given back",
        c"A report has unknown flags or size 0, or there are too many",
        c"This is a bug in node-damon",
    ];
    TEXTS.get(status as usize).copied().unwrap_or(c"Not a status of node-damon")
}

/// What can be told of a pointer by looking at it.
#[inline]
pub(crate) fn is_usable<T>(pointer: *const T) -> bool {
    !pointer.is_null() && pointer.is_aligned()
}
