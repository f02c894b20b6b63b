//! The writing end of a lane.

use std::cell::Cell;

use thiserror::Error;

use crate::AccessReport;
use crate::asymmetric::light;
use crate::lanes::LaneId;
use crate::pending::Pending;
use crate::primitive::{Arc, AtomicU32, AtomicU64, Ordering, fence, same_thread_fence};
use crate::ring::{FENCED, Ring};

/// Why a report was not queued. Each cause has its own counter in [`crate::LaneCounters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Dropped {
    /// The lane holds as many reports as it has slots.
    #[error("ring full")]
    Full,
    /// This push interrupted another push of the same lane.
    #[error("nested push")]
    Nested,
    /// The monitor has stopped.
    #[error("lane closed")]
    Closed,
}

/// What became of a batch: the fields add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The first `queued` reports of the batch are in the lane.
    pub queued: usize,
    /// Reports from the end of the batch that found no slot.
    pub dropped_full: usize,
    /// All reports of a batch that interrupted another push.
    pub dropped_nested: usize,
    /// All reports of a batch for a monitor that has stopped.
    pub dropped_closed: usize,
}

/// The only writer of one lane. `Send`, so it can be given to the thread that samples; not `Sync`,
/// so two threads cannot push at once. Dropping it gives the lane back once it is drained.
///
/// A push is wait-free, allocates nothing, takes no lock and cannot panic, so it may be called from
/// a signal handler that interrupts a push of the same thread: the inner one is dropped and counted.
///
/// ```compile_fail
/// fn shared(producer: &damon_ring::Producer) -> &(dyn Sync + '_) { producer }
/// ```
///
/// ```compile_fail
/// fn second_writer(producer: &damon_ring::Producer) -> damon_ring::Producer { producer.clone() }
/// ```
pub struct Producer {
    ring: Arc<Ring>,
    lane: LaneId,
    pending: Arc<Pending>,
    /// The lane's bit among those.
    place: u32,
    /// Where `head` must not go: the consumer's `tail` when last looked at, and never ahead of it,
    /// plus the slots. Stale means *possibly* full.
    limit: Cell<u64>,
}

impl Producer {
    pub(crate) fn new(
        ring: Arc<Ring>,
        lane: LaneId,
        (pending, place): (Arc<Pending>, u32),
    ) -> Self {
        let limit = Cell::new(ring.began.wrapping_add(ring.slots()));
        Self { ring, lane, pending, place, limit }
    }

    /// The lane's number: its place in the drain order.
    pub fn lane(&self) -> LaneId {
        self.lane
    }

    /// Queues one report, or drops and counts it.
    ///
    /// # Errors
    ///
    /// [`Dropped`] says why; the report is lost and its counter has moved.
    ///
    /// Cost: six stores, a dozen loads that hit the first-level cache, and branches that are never
    /// taken; what is rare stands apart, so that it costs no registers here.
    #[inline]
    pub fn push(&self, report: AccessReport) -> Result<(), Dropped> {
        let ring = &*self.ring;
        let own = &*ring.producer;
        if own.busy.load(Ordering::Relaxed) != 0 {
            return self.drop_nested();
        }
        // A plain store will do: whoever interrupts this thread puts `busy` back before it returns
        // (nesting is last in, first out), and no other thread writes it.
        own.busy.store(1, Ordering::Relaxed);
        light();
        let shut = ring.gate.load(Ordering::Relaxed) != 0 && self.is_shut();
        let head = own.head.load(Ordering::Relaxed);
        let full = head == self.limit.get();
        if shut || (full && self.look_up_free(head) == 0) {
            return self.drop_outermost();
        }
        // SAFETY: this is the outermost push, and a slot is free.
        unsafe { ring.write(head, &report) };
        // Release: makes the slot above visible to the consumer's Acquire load.
        own.head.store(head.wrapping_add(1), Ordering::Release);
        light();
        if ring.parked.load(Ordering::Relaxed) {
            self.mark();
        }
        // Release: whoever waits for this push to end sees the `head` it published.
        own.busy.store(0, Ordering::Release);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn drop_nested(&self) -> Result<(), Dropped> {
        self.count_nested(1);
        Err(Dropped::Nested)
    }

    /// The lane is closed, or else full.
    #[cold]
    #[inline(never)]
    fn drop_outermost(&self) -> Result<(), Dropped> {
        let own = &*self.ring.producer;
        let (counter, why) = if self.is_closed() {
            (&own.dropped_closed, Dropped::Closed)
        } else {
            (&own.dropped_full, Dropped::Full)
        };
        count(counter, 1);
        same_thread_fence();
        own.busy.store(0, Ordering::Release);
        Err(why)
    }

    /// Queues as many reports as there are free slots, in order, publishing them at once; drops
    /// and counts the rest, which are not made.
    ///
    /// The iterator runs inside the push: what it does must itself be fit for the context this is
    /// called from. One that yields fewer than it said queues fewer.
    pub fn push_batch(&self, reports: impl ExactSizeIterator<Item = AccessReport>) -> Batch {
        let len = reports.len();
        let Some(_busy) = self.enter() else {
            self.count_nested(len as u64);
            return Batch { dropped_nested: len, ..Batch::default() };
        };
        let own = &*self.ring.producer;
        if self.ring.gate.load(Ordering::Relaxed) != 0 && self.is_shut() {
            count(&own.dropped_closed, len as u64);
            return Batch { dropped_closed: len, ..Batch::default() };
        }
        let head = own.head.load(Ordering::Relaxed);
        let room = len.min(self.free_at_least(len as u64, head) as usize);
        // SAFETY: this is the outermost push, and so many slots are free.
        let index = unsafe { self.ring.write_all(head, reports.take(room)) };
        if index != head {
            // Release: as in `push`.
            own.head.store(index, Ordering::Release);
            self.wake();
        }
        let dropped_full = len - room;
        if dropped_full > 0 {
            count(&own.dropped_full, dropped_full as u64);
        }
        Batch { queued: index.wrapping_sub(head) as usize, dropped_full, ..Batch::default() }
    }

    /// Tells a consumer that has parked this lane to look at it.
    fn wake(&self) {
        light();
        if self.ring.parked.load(Ordering::Relaxed) {
            self.mark();
        }
    }

    #[cold]
    #[inline(never)]
    fn mark(&self) {
        self.pending.mark(self.place);
    }

    /// Marks a push as in progress, unless this call interrupts one of the same lane.
    #[inline]
    fn enter(&self) -> Option<Busy<'_>> {
        let busy = &self.ring.producer.busy;
        if busy.load(Ordering::Relaxed) != 0 {
            return None;
        }
        busy.store(1, Ordering::Relaxed);
        light();
        Some(Busy(busy))
    }

    /// The gate is not 0: whether the lane is closed, or only wants a full fence of each push.
    #[cold]
    #[inline(never)]
    fn is_shut(&self) -> bool {
        if self.ring.gate.load(Ordering::Relaxed) & FENCED != 0 {
            fence(Ordering::SeqCst);
        }
        self.ring.is_closed()
    }

    /// Atomically: a third push may interrupt this one between load and store.
    #[cold]
    fn count_nested(&self, reports: u64) {
        self.ring.producer.dropped_nested.fetch_add(reports, Ordering::Relaxed);
    }

    /// Free slots as far as known, looked up again if fewer than wanted.
    fn free_at_least(&self, wanted: u64, head: u64) -> u64 {
        let free = self.limit.get().wrapping_sub(head);
        if free >= wanted { free } else { self.look_up_free(head) }
    }

    /// Possibly full: how many slots are free by the consumer's own word.
    #[cold]
    #[inline(never)]
    fn look_up_free(&self, head: u64) -> u64 {
        // Acquire: the consumer has finished with the slots below.
        let tail = self.ring.consumer.tail.load(Ordering::Acquire);
        self.limit.set(tail.wrapping_add(self.ring.slots()));
        let free = self.limit.get().wrapping_sub(head);
        self.ring.expect_writes(head, free);
        free
    }

    /// Slots free at this moment; a concurrent drain can only make it more.
    pub fn free_slots(&self) -> u64 {
        let tail = self.ring.consumer.tail.load(Ordering::Acquire);
        // After `tail`: a handler may push in between, never the other way round.
        let head = self.ring.producer.head.load(Ordering::Relaxed);
        self.ring.slots().saturating_sub(head.wrapping_sub(tail))
    }

    /// Reports queued so far.
    pub fn queued(&self) -> u64 {
        self.ring.producer.head.load(Ordering::Relaxed).wrapping_sub(self.ring.began)
    }

    /// Whether the monitor has stopped: everything pushed from now on is dropped.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // Release: whoever sees this sees the last `head`.
        self.ring.producer.gone.store(true, Ordering::Release);
        self.wake();
    }
}

/// A push in progress; over when dropped, also by a panic of a batch's iterator.
struct Busy<'a>(&'a AtomicU32);

impl Drop for Busy<'_> {
    #[inline]
    fn drop(&mut self) {
        same_thread_fence();
        // Release: whoever waits for this push to end sees the `head` it published.
        self.0.store(0, Ordering::Release);
    }
}

/// Adds to a counter that only this producer writes.
#[inline]
fn count(counter: &AtomicU64, more: u64) {
    // Wrapping, because it must not panic: an iterator may claim any length.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{Lanes, LanesOptions};

    #[test]
    fn a_push_inside_a_push_is_dropped_counted_and_leaves_no_trace() {
        let mut lanes = Lanes::new(LanesOptions::default()).unwrap();
        let lane = lanes.add().unwrap();
        let report = AccessReport::physical(1, 1, 1);
        // What a handler finds when it interrupts a push: `busy` is one.
        lane.ring.producer.busy.store(1, Ordering::Relaxed);
        assert_eq!(lane.push(report), Err(Dropped::Nested));
        let batch = lane.push_batch([report, report].into_iter());
        assert_eq!(batch, Batch { dropped_nested: 2, ..Batch::default() });
        assert_eq!(lane.ring.producer.busy.load(Ordering::Relaxed), 1, "busy is put back");
        lane.ring.producer.busy.store(0, Ordering::Relaxed);
        assert_eq!(lane.push(report), Ok(()));
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.dropped_nested, counters.offered()), (1, 3, 4));
        assert_eq!(lanes.drain(|_, _| ()), 1);
    }
}
