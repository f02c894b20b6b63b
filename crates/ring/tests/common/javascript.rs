//! The producer of a shared lane as JavaScript writes it: words, then a compare-exchange.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use damon_ring::{AccessReport, AddressKind, Dropped, SharedLane, SharedLaneError};

pub(crate) const HEAD: usize = 16;
pub(crate) const DROPPED_FULL: usize = 17;
pub(crate) const DROPPED_CLOSED: usize = 18;
pub(crate) const GONE: usize = 19;
pub(crate) const TAIL: usize = 32;
pub(crate) const SLOTS: usize = 64;
pub(crate) const INDEX: u32 = 0x7fff_ffff;
pub(crate) const CLOSED: u32 = 0x8000_0000;

/// Memory of which one handle per side exists, as of a `SharedArrayBuffer`.
pub(crate) type Words = Arc<[AtomicU32]>;

pub(crate) fn zeroed(slots: u32) -> Words {
    (0..SharedLane::words(slots)).map(|_| AtomicU32::new(0)).collect()
}

/// The reading end; `words` must outlive it.
pub(crate) fn lane_of(words: &Words) -> Result<SharedLane, SharedLaneError> {
    let first = NonNull::new(words.as_ptr().cast::<u32>().cast_mut()).unwrap();
    // SAFETY: the callers keep `words` until the lane is gone, and reach them through atomics.
    unsafe { SharedLane::new(first, words.len()) }
}

pub(crate) struct JavaScript {
    pub(crate) words: Words,
    pub(crate) slots: u32,
}

impl JavaScript {
    pub(crate) fn attach(words: &Words) -> Self {
        assert_eq!(words[0].load(Ordering::Acquire), damon_ring::MAGIC);
        assert_eq!(words[1].load(Ordering::Relaxed), damon_ring::VERSION);
        Self { words: Arc::clone(words), slots: words[2].load(Ordering::Relaxed) }
    }

    /// The whole protocol. `meanwhile` runs between writing the slot and publishing it.
    pub(crate) fn push_while(
        &self,
        report: &AccessReport,
        meanwhile: impl FnOnce(),
    ) -> Result<(), Dropped> {
        let words = &self.words;
        let head = words[HEAD].load(Ordering::SeqCst);
        if head & CLOSED != 0 {
            words[DROPPED_CLOSED].fetch_add(1, Ordering::SeqCst);
            return Err(Dropped::Closed);
        }
        let tail = words[TAIL].load(Ordering::SeqCst);
        if head.wrapping_sub(tail) & INDEX >= self.slots {
            words[DROPPED_FULL].fetch_add(1, Ordering::SeqCst);
            return Err(Dropped::Full);
        }
        let first = SLOTS + 8 * (head & (self.slots - 1)) as usize;
        let is_virtual = u32::from(report.kind == AddressKind::Virtual);
        let slot = [
            report.address as u32,
            (report.address >> 32) as u32,
            report.time_ns as u32,
            (report.time_ns >> 32) as u32,
            report.size,
            report.tid,
            report.tgid,
            u32::from(report.cpu) | is_virtual << 16 | u32::from(report.write) << 17,
        ];
        for (offset, word) in slot.into_iter().enumerate() {
            words[first + offset].store(word, Ordering::Relaxed);
        }
        meanwhile();
        let next = head.wrapping_add(1) & INDEX;
        match words[HEAD].compare_exchange(head, next, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(()),
            Err(_) => {
                words[DROPPED_CLOSED].fetch_add(1, Ordering::SeqCst);
                Err(Dropped::Closed)
            }
        }
    }

    pub(crate) fn push(&self, report: &AccessReport) -> Result<(), Dropped> {
        self.push_while(report, || ())
    }

    pub(crate) fn go(self) {
        self.words[GONE].store(1, Ordering::SeqCst);
    }
}
