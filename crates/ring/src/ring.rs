//! One lane: a ring of report slots with one producer and one consumer.
//!
//! Indices run freely over `u64` and are masked on access, so full (`head - tail == slots`) and
//! empty (`head == tail`) differ without an empty slot in between, and `head` and `tail` are at the
//! same time the numbers of reports queued and drained.
//!
//! | step | order | seen by |
//! |---|---|---|
//! | producer: slot write, then `head` | Release store | consumer's Acquire load of `head`: the slot is complete |
//! | consumer: slot read, then `tail` | Release store | producer's Acquire load of `tail`: the slot is free |
//! | producer: `claim`, then `gate` | [`light`](crate::asymmetric::light) | `close`: the push is waited for, or sees that it is closed |
//! | the same | light fence | a consumer that parks the lane: it sees the push, or the push sees that it is parked |
//! | producer: last `head`, then `gone` | Release store | consumer's Acquire load of `gone`: nothing follows |
//!
//! The second row is missing in every published version (hazard H2): without it a weakly ordered
//! CPU may let the producer overwrite a slot that is still being read.
//!
//! A drain looks at the `head` of each lane that is not [parked](crate::pending).

use std::sync::atomic::AtomicUsize;

use crossbeam_utils::CachePadded;

use crate::access_report::{AccessReport, Pattern, Reports};
use crate::columns::Columns;
use crate::primitive::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// In a [gate](Ring::gate): the monitor has stopped.
pub(crate) const CLOSED: u32 = 1;
/// In a [gate](Ring::gate): a push has to take a full fence before it looks again.
pub(crate) const FENCED: u32 = 2;
/// In a [gate](Ring::gate): the consumer does not look at `head`, so a push marks its place as pending.
pub(crate) const PARKED: u32 = 4;

/// Slots asked for at once: a lane of the default size. More would push one another out of the
/// first-level cache.
const EXPECTED_MAX: u64 = 256;

/// What only the producer writes. Its own cache lines.
pub(crate) struct ProducerSide {
    /// Next slot to write. Free-running. Written by the outermost push only.
    pub(crate) head: AtomicU64,
    /// `head`, but while a push is in progress: then what `head` will be, or anything else.
    pub(crate) claim: AtomicU64,
    /// The producer was dropped; `head` will not move again.
    pub(crate) gone: AtomicBool,
    /// Reports lost because the ring was full. Never reset.
    pub(crate) dropped_full: AtomicU64,
    /// Reports lost because they interrupted another push on this lane. Never reset.
    pub(crate) dropped_nested: AtomicU64,
    /// Reports lost because the lane was closed. Never reset.
    pub(crate) dropped_closed: AtomicU64,
}

/// What only the consumer writes. Its own cache lines.
pub(crate) struct ConsumerSide {
    /// Next slot to read. Free-running.
    pub(crate) tail: AtomicU64,
    /// Most reports a drain has found waiting: between two drains a lane only fills, so this is
    /// its high-water mark. Never reset.
    pub(crate) occupancy_max: AtomicU32,
    /// The [thread](this_thread) of the last drain that found something. A hint, of which no model
    /// needs to know.
    pub(crate) thread: AtomicUsize,
}

/// Tells the calling thread from others that run, wherever it is called, in a signal handler too; 0
/// where there is no cheap way to.
#[inline]
pub(crate) fn this_thread() -> usize {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
    {
        let pointer;
        // SAFETY: the first word that `fs` points to is that address itself, by the ABI's rules for
        // thread-local storage. Nothing of it changes while the thread runs.
        unsafe {
            std::arch::asm!(
                "mov {}, fs:[0]",
                out(reg) pointer,
                options(nostack, preserves_flags, readonly)
            );
        }
        pointer
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
    0
}

pub(crate) struct Ring {
    pub(crate) producer: CachePadded<ProducerSide>,
    pub(crate) consumer: CachePadded<ConsumerSide>,
    /// What a push has to look out for before it writes: 0 for nothing. Lies with what is hardly
    /// ever written, so that a push finds it in its cache.
    pub(crate) gate: AtomicU32,
    /// Where both indices began.
    pub(crate) began: u64,
    mask: u64,
    columns: Columns,
}

// SAFETY: a slot is reached by the producer only while `tail <= index < tail + slots` is false for
// the consumer, i.e. the two never hold the same slot: `head` and `tail` hand each slot over with
// release/acquire. Reports are plain data without drop glue.
unsafe impl Send for Ring {}
// SAFETY: as above; `Producer` is not `Sync` and `Lanes` drains through `&mut self`, so each side
// has one thread at a time.
unsafe impl Sync for Ring {}

impl Ring {
    /// `slots` is a power of two; [`crate::Lanes`] has checked it. Both indices begin at `index`:
    /// tests begin just before the wrap.
    pub(crate) fn starting_at(slots: u32, index: u64, gate: u32) -> Self {
        debug_assert!(slots.is_power_of_two());
        Self {
            producer: CachePadded::new(ProducerSide {
                head: AtomicU64::new(index),
                claim: AtomicU64::new(index),
                gone: AtomicBool::new(false),
                dropped_full: AtomicU64::new(0),
                dropped_nested: AtomicU64::new(0),
                dropped_closed: AtomicU64::new(0),
            }),
            consumer: CachePadded::new(ConsumerSide {
                tail: AtomicU64::new(index),
                occupancy_max: AtomicU32::new(0),
                thread: AtomicUsize::new(0),
            }),
            gate: AtomicU32::new(gate),
            began: index,
            mask: u64::from(slots) - 1,
            columns: Columns::new(slots as usize),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.gate.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Consumer: what is pushed from now on is dropped, once fences have passed.
    pub(crate) fn close(&self) {
        self.gate.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// Consumer: whether a push is in progress that began before fences passed.
    pub(crate) fn is_busy(&self) -> bool {
        // Acquire: sees what a push counted that was dropped.
        self.producer.claim.load(Ordering::Acquire) != self.producer.head.load(Ordering::Relaxed)
    }

    pub(crate) fn slots(&self) -> u64 {
        self.mask + 1
    }

    /// Producer: the slots from `index` on have become free. The last drain left their cache lines
    /// with the consumer; asked for all at once they come while pushes go on, instead of each push
    /// to a new line waiting for it. On the consumer's own thread they are here.
    pub(crate) fn expect_writes(&self, index: u64, free: u64) {
        let here = this_thread();
        if here != 0 && here == self.consumer.thread.load(Ordering::Relaxed) {
            return;
        }
        for ahead in (0..free.min(EXPECTED_MAX)).step_by(Columns::PER_LINE) {
            self.columns.expect_write((index.wrapping_add(ahead) & self.mask) as usize);
        }
    }

    /// Fills the slot of `index`.
    ///
    /// # Safety
    ///
    /// - The caller is the lane's outermost push.
    /// - `index - tail < slots`, with `tail` loaded with Acquire at or after the last wrap.
    #[inline]
    pub(crate) unsafe fn write(&self, index: u64, report: &AccessReport) {
        let slot = (index & self.mask) as usize;
        // SAFETY: masked, so below the number of slots; the consumer released this slot (caller's
        // duty) and cannot see it again before `head` moves past `index`.
        unsafe { self.columns.write(slot, report) };
    }

    /// Fills the slots of `index` and those after it; returns the index after the last.
    ///
    /// # Safety
    ///
    /// As of [`write`](Self::write), for as many as there are reports.
    #[inline]
    pub(crate) unsafe fn write_all(
        &self,
        index: u64,
        mut reports: impl Iterator<Item = AccessReport>,
    ) -> u64 {
        let slots = self.columns.slots();
        let (mut slot, mut written) = ((index & self.mask) as usize, 0);
        // By stretches without a wrap, so that no report asks for its slot.
        loop {
            let begin = slot;
            for report in reports.by_ref().take(self.slots() as usize - begin) {
                // SAFETY: as in `write`.
                unsafe { slots.write(slot, &report) };
                slot += 1;
            }
            written += (slot - begin) as u64;
            if slot < self.slots() as usize {
                return index.wrapping_add(written);
            }
            slot = 0;
        }
    }

    /// As [`write_all`](Self::write_all), of pages.
    ///
    /// # Safety
    ///
    /// As there.
    #[inline]
    pub(crate) unsafe fn write_pages(
        &self,
        index: u64,
        pattern: Pattern,
        pages: &[[u64; 2]],
    ) -> u64 {
        let slots = self.columns.slots();
        let first = (index & self.mask) as usize;
        let (until_end, rest) = pages.split_at(pages.len().min(self.slots() as usize - first));
        // SAFETY: (both) as in `write`; without a wrap.
        unsafe { slots.write_pages(first, pattern, until_end) };
        if !rest.is_empty() {
            // SAFETY: as above.
            unsafe { slots.write_pages(0, pattern, rest) };
        }
        index.wrapping_add(pages.len() as u64)
    }

    /// Hands out the slots from `tail` to `head`, oldest first, in one or two parts.
    ///
    /// # Safety
    ///
    /// - The caller is the lane's consumer and has not yet published a `tail` beyond `tail`.
    /// - `tail < head <= tail + slots`, with `head` loaded with Acquire.
    pub(crate) unsafe fn read(&self, tail: u64, head: u64, mut each: impl FnMut(&Reports<'_>)) {
        let first = (tail & self.mask) as usize;
        let waiting = (head.wrapping_sub(tail)) as usize;
        let until_end = waiting.min(self.slots() as usize - first);
        for part in [first..first + until_end, 0..waiting - until_end] {
            if part.is_empty() {
                continue;
            }
            // SAFETY: these slots were written before `head` was released past them (caller's
            // duty), and the producer leaves them alone until `tail` moves past them.
            unsafe { self.columns.read(part, &mut each) };
        }
    }
}
