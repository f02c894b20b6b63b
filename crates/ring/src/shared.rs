//! A lane in memory that others can write as they like: a JavaScript `SharedArrayBuffer`.
//!
//! The producer has no native code: it writes a slot's words and publishes them with
//! `Atomics.compareExchange` on the head word. This side touches the memory through atomics only,
//! trusts no index in it and keeps its own `tail`: whatever is written there, a drain hands out at
//! most one ring-full of reports, which may be nonsense but are plain numbers.
//!
//! Layout in 32-bit words; 64-bit fields are two words, low first:
//!
//! | word | written by | meaning |
//! |---|---|---|
//! | 0 | consumer | [`MAGIC`] |
//! | 1 | consumer | [`VERSION`] |
//! | 2 | consumer | slots |
//! | 16 | producer | head: 31 bits, free-running; the top bit, set by the consumer, closes the lane |
//! | 17 | producer | reports dropped because the lane was full, free-running |
//! | 18 | producer | reports dropped because the lane was closed, free-running |
//! | 19 | producer | 1 when it will push no more |
//! | 20 | producer | 1 once a producer has attached |
//! | 32 | consumer | tail: 31 bits, free-running |
//! | 64 + 8 n | producer | slot n: address, time, size, tid, tgid, flags |
//!
//! Flags: bits 0 to 15 the CPU, bit 16 virtual address, bit 17 store.

use std::ptr::NonNull;

use thiserror::Error;

use crate::access_report::{AccessReport, AddressKind, Details, Reports, Sighting};
use crate::lanes::LaneCounters;

// Not the seam's atomics: this memory is not the model checker's to see.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

/// First word of a shared lane: "DAMO".
pub const MAGIC: u32 = 0x4f4d_4144;
/// Of the layout.
pub const VERSION: u32 = 1;

const HEAD: usize = 16;
const DROPPED_FULL: usize = 17;
const DROPPED_CLOSED: usize = 18;
const GONE: usize = 19;
const TAIL: usize = 32;
const SLOTS: usize = 64;
const SLOT_WORDS: usize = 8;

const CLOSED: u32 = 1 << 31;
const INDEX: u32 = CLOSED - 1;

const VIRTUAL: u32 = 1 << 16;
const WRITE: u32 = 1 << 17;

/// Why memory cannot be a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SharedLaneError {
    /// The length fits no power of two of slots.
    #[error(
        "expected 64 + 8 * slots words with slots a power of two from 1 to 65536, got {0} words"
    )]
    Words(usize),
    /// Atomic access needs aligned words.
    #[error("expected memory aligned to 4 bytes")]
    Alignment,
}

/// The reading end of a shared lane. To be given to [`crate::LaneDoor::add_shared`].
pub struct SharedLane {
    words: NonNull<AtomicU32>,
    slots: u32,
    /// The only `tail` that counts; word 32 is for the producer's information.
    tail: u32,
    drained: u64,
    occupancy_max: u32,
    dropped_full: Wide,
    dropped_closed: Wide,
    /// Drains that found an impossible head.
    corrupt: u64,
    sightings: Vec<Sighting>,
    details: Vec<Details>,
    /// Lives as long as the lane.
    life: Arc<()>,
}

// SAFETY: the memory is reached through atomics only, from whichever thread.
unsafe impl Send for SharedLane {}

impl SharedLane {
    /// Words that a lane of so many slots takes.
    pub fn words(slots: u32) -> usize {
        SLOTS + SLOT_WORDS * slots as usize
    }

    /// Makes a lane of zeroed memory.
    ///
    /// # Errors
    ///
    /// [`SharedLaneError`]; the memory is untouched then.
    ///
    /// # Safety
    ///
    /// `len` words from `words` on stay valid until the lane is dropped, and whoever else reaches
    /// them does so through atomics or is JavaScript.
    pub unsafe fn new(words: NonNull<u32>, len: usize) -> Result<Self, SharedLaneError> {
        if !words.is_aligned() {
            return Err(SharedLaneError::Alignment);
        }
        let slots = len.saturating_sub(SLOTS) / SLOT_WORDS;
        let fits = slots.is_power_of_two() && slots <= 65_536;
        if !fits || len != Self::words(slots as u32) {
            return Err(SharedLaneError::Words(len));
        }
        let lane = Self {
            words: words.cast(),
            slots: slots as u32,
            tail: 0,
            drained: 0,
            occupancy_max: 0,
            dropped_full: Wide::default(),
            dropped_closed: Wide::default(),
            corrupt: 0,
            sightings: Vec::with_capacity(slots),
            details: Vec::with_capacity(slots),
            life: Arc::default(),
        };
        lane.word(1).store(VERSION, Ordering::Relaxed);
        lane.word(2).store(slots as u32, Ordering::Relaxed);
        // Release: whoever finds the magic finds the rest.
        lane.word(0).store(MAGIC, Ordering::Release);
        Ok(lane)
    }

    /// Can be upgraded until the lane is dropped, and with it the last use of the memory.
    pub fn life(&self) -> Weak<()> {
        Arc::downgrade(&self.life)
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        debug_assert!(index < Self::words(self.slots));
        // SAFETY: within the memory, which is valid while `self` is; `index` comes from the layout
        // and from masked slot numbers, never from the memory itself.
        unsafe { self.words.add(index).as_ref() }
    }

    /// Hands out what was published since the last time; returns how many reports.
    pub(crate) fn drain(&mut self, each: impl FnMut(&Reports<'_>)) -> u64 {
        // Acquire: the slots below were written before.
        let head = self.word(HEAD).load(Ordering::Acquire);
        self.drain_to(head, each)
    }

    fn drain_to(&mut self, head: u32, mut each: impl FnMut(&Reports<'_>)) -> u64 {
        let head = head & INDEX;
        let waiting = head.wrapping_sub(self.tail) & INDEX;
        if waiting == 0 {
            return 0;
        }
        let valid = waiting <= self.slots;
        if valid {
            self.copy(waiting);
            let Self { sightings, details, .. } = &*self;
            each(&Reports { sightings, details });
            self.drained += u64::from(waiting);
            self.occupancy_max = self.occupancy_max.max(waiting);
        } else {
            // No producer of ours does this. What the lane held is unknowable: begin anew at the
            // head it claims.
            self.corrupt += 1;
        }
        self.tail = head;
        // Release: the slots have been read before the producer may write them again.
        self.word(TAIL).store(head, Ordering::Release);
        if valid { u64::from(waiting) } else { 0 }
    }

    fn copy(&mut self, waiting: u32) {
        self.sightings.clear();
        self.details.clear();
        for offset in 0..waiting {
            let report = self.report(self.tail.wrapping_add(offset) & (self.slots - 1));
            self.sightings.push(Sighting::of(&report));
            self.details.push(Details::of(&report));
        }
    }

    fn report(&self, slot: u32) -> AccessReport {
        let first = SLOTS + SLOT_WORDS * slot as usize;
        let word = |offset| self.word(first + offset).load(Ordering::Relaxed);
        let wide = |offset| u64::from(word(offset)) | u64::from(word(offset + 1)) << 32;
        let flags = word(7);
        AccessReport {
            address: wide(0),
            time_ns: wide(2),
            size: word(4),
            tid: word(5),
            tgid: word(6),
            cpu: flags as u16,
            kind: if flags & VIRTUAL == 0 { AddressKind::Physical } else { AddressKind::Virtual },
            write: flags & WRITE != 0,
        }
    }

    /// Closes the lane: a push that has not published its head by now will fail to.
    pub(crate) fn close(&self) {
        self.word(HEAD).fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Whether the producer said that it will push no more, and everything was drained.
    pub(crate) fn is_finished(&self) -> bool {
        self.word(GONE).load(Ordering::Acquire) != 0 && self.pending() == 0
    }

    /// Reports published and not drained; of a corrupt head, none.
    fn pending(&self) -> u64 {
        let head = self.word(HEAD).load(Ordering::Acquire) & INDEX;
        let waiting = head.wrapping_sub(self.tail) & INDEX;
        if waiting <= self.slots { u64::from(waiting) } else { 0 }
    }

    /// Takes over the producer's own counters before 32 bits can run full twice.
    pub(crate) fn refresh_counters(&mut self) {
        let full = self.word(DROPPED_FULL).load(Ordering::Relaxed);
        let closed = self.word(DROPPED_CLOSED).load(Ordering::Relaxed);
        self.dropped_full.advance(full);
        self.dropped_closed.advance(closed);
    }

    pub(crate) fn counters(&self) -> LaneCounters {
        let full = self.word(DROPPED_FULL).load(Ordering::Relaxed);
        let closed = self.word(DROPPED_CLOSED).load(Ordering::Relaxed);
        LaneCounters {
            queued: self.drained + self.pending(),
            dropped_full: self.dropped_full.at(full),
            dropped_nested: 0,
            dropped_closed: self.dropped_closed.at(closed),
            corrupt: self.corrupt,
            drained: self.drained,
            occupancy_max: self.occupancy_max,
        }
    }
}

/// 64 bits of a free-running 32-bit counter.
#[derive(Clone, Copy, Default)]
struct Wide {
    total: u64,
    seen: u32,
}

impl Wide {
    fn at(self, counter: u32) -> u64 {
        self.total + u64::from(counter.wrapping_sub(self.seen))
    }

    fn advance(&mut self, counter: u32) {
        *self = Self { total: self.at(counter), seen: counter };
    }
}
