//! One lane: a ring of report slots with one producer and one consumer.
//!
//! Indices run freely over `u32` and are masked on access, so full (`head - tail == slots`) and
//! empty (`head == tail`) differ without an empty slot in between.
//!
//! | step | order | seen by |
//! |---|---|---|
//! | producer: slot write, then `head` | Release store | consumer's Acquire load of `head`: the slot is complete |
//! | consumer: slot read, then `tail` | Release store | producer's Acquire load of `tail`: the slot is free |
//!
//! The second row is missing in every published version (hazard H2): without it a weakly ordered
//! CPU may let the producer overwrite a slot that is still being read.

use std::mem::MaybeUninit;

use crossbeam_utils::CachePadded;

use crate::AccessReport;
use crate::primitive::{AtomicU32, AtomicU64, Ordering, UnsafeCell};

/// What only the producer writes. Its own cache lines.
pub(crate) struct ProducerSide {
    /// Next slot to write. Free-running. Written by the outermost push only.
    pub(crate) head: AtomicU32,
    /// Pushes in progress on this lane, one inside the other: 0 outside any push, 1 inside one,
    /// more while a signal handler's push interrupts another.
    pub(crate) busy: AtomicU32,
    /// Reports stored so far. Never reset.
    pub(crate) queued: AtomicU64,
    /// Reports lost because the ring was full. Never reset.
    pub(crate) dropped_full: AtomicU64,
    /// Reports lost because they interrupted another push on this lane. Never reset.
    pub(crate) dropped_nested: AtomicU64,
}

/// What only the consumer writes. Its own cache lines.
pub(crate) struct ConsumerSide {
    /// Next slot to read. Free-running.
    pub(crate) tail: AtomicU32,
    /// Reports handed out so far. Never reset.
    pub(crate) drained: AtomicU64,
    /// Most reports a drain has found waiting: between two drains a lane only fills, so this is
    /// its high-water mark. Never reset.
    pub(crate) occupancy_max: AtomicU32,
}

pub(crate) struct Ring {
    pub(crate) producer: CachePadded<ProducerSide>,
    pub(crate) consumer: CachePadded<ConsumerSide>,
    slots: Box<[UnsafeCell<MaybeUninit<AccessReport>>]>,
    mask: u32,
}

// SAFETY: a slot is reached by the producer only while `tail <= index < tail + slots` is false for
// the consumer, i.e. the two never hold the same slot: `head` and `tail` hand each slot over with
// release/acquire. Reports are plain data without drop glue.
unsafe impl Send for Ring {}
// SAFETY: as above; `Producer` is not `Sync` and `Lanes` drains through `&mut self`, so each side
// has one thread at a time.
unsafe impl Sync for Ring {}

impl Ring {
    /// `slots` is a power of two; [`crate::Lanes`] has checked it.
    pub(crate) fn new(slots: u32) -> Self {
        debug_assert!(slots.is_power_of_two());
        Self::starting_at(slots, 0)
    }

    /// As `new`, with both indices at `index`: tests begin just before the wrap.
    pub(crate) fn starting_at(slots: u32, index: u32) -> Self {
        Self {
            producer: CachePadded::new(ProducerSide {
                head: AtomicU32::new(index),
                busy: AtomicU32::new(0),
                queued: AtomicU64::new(0),
                dropped_full: AtomicU64::new(0),
                dropped_nested: AtomicU64::new(0),
            }),
            consumer: CachePadded::new(ConsumerSide {
                tail: AtomicU32::new(index),
                drained: AtomicU64::new(0),
                occupancy_max: AtomicU32::new(0),
            }),
            slots: (0..slots).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            mask: slots - 1,
        }
    }

    pub(crate) fn slots(&self) -> u32 {
        self.mask + 1
    }

    /// Fills the slot of `index`.
    ///
    /// # Safety
    ///
    /// - The caller is the lane's outermost push.
    /// - `index - tail < slots`, with `tail` loaded with Acquire at or after the last wrap.
    #[inline]
    pub(crate) unsafe fn write(&self, index: u32, report: AccessReport) {
        self.slots[(index & self.mask) as usize].with_mut(|slot| {
            // SAFETY: the consumer released this slot (caller's duty) and cannot see it again
            // before `head` moves past `index`.
            unsafe { (*slot).write(report) };
        });
    }

    /// Reads the slot of `index`.
    ///
    /// # Safety
    ///
    /// - The caller is the lane's consumer.
    /// - `tail <= index < head`, with `head` loaded with Acquire.
    pub(crate) unsafe fn read(&self, index: u32) -> AccessReport {
        self.slots[(index & self.mask) as usize].with(|slot| {
            // SAFETY: the slot was written before `head` was released past it (caller's duty), and
            // the producer leaves it alone until `tail` moves past it.
            unsafe { (*slot).assume_init() }
        })
    }

    /// Hands out every report published when the call began, oldest first; returns how many.
    ///
    /// # Safety
    ///
    /// The caller is the lane's consumer.
    pub(crate) unsafe fn drain(&self, mut each: impl FnMut(&AccessReport)) -> u32 {
        let tail = self.consumer.tail.load(Ordering::Relaxed);
        // Acquire: makes the slots below `head` visible. Read once, so one drain is bounded by one
        // ring-full even under a producer that never pauses.
        let head = self.producer.head.load(Ordering::Acquire);
        let count = head.wrapping_sub(tail);
        for offset in 0..count {
            // SAFETY: tail <= index < head by the loop bounds.
            each(&unsafe { self.read(tail.wrapping_add(offset)) });
        }
        // Release: the reads above are done before the producer may reuse the slots.
        self.consumer.tail.store(head, Ordering::Release);
        let drained = self.consumer.drained.load(Ordering::Relaxed);
        self.consumer.drained.store(drained + u64::from(count), Ordering::Relaxed);
        if count > self.consumer.occupancy_max.load(Ordering::Relaxed) {
            self.consumer.occupancy_max.store(count, Ordering::Relaxed);
        }
        count
    }
}
