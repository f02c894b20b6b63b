//! The writing end of a lane.

use std::cell::Cell;

use thiserror::Error;

use crate::AccessReport;
use crate::pending::{LaneId, Pending};
use crate::primitive::{Arc, AtomicU64, Ordering, same_thread_fence};
use crate::ring::{ProducerSide, Ring};

/// Why a report was not queued. Each cause has its own counter in [`crate::LaneCounters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Dropped {
    /// The lane holds as many reports as it has slots.
    #[error("ring full")]
    Full,
    /// This push interrupted another push of the same lane.
    #[error("nested push")]
    Nested,
}

/// What became of a batch: `queued + dropped_full + dropped_nested` is its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The first `queued` reports of the batch are in the lane.
    pub queued: usize,
    /// Reports from the end of the batch that found no slot.
    pub dropped_full: usize,
    /// All reports of a batch that interrupted another push.
    pub dropped_nested: usize,
}

/// The only writer of one lane. `Send`, so it can be given to the thread that samples; not `Sync`,
/// so two threads cannot push at once.
///
/// A push is wait-free, allocates nothing, takes no lock and cannot panic, so it may be called from
/// a signal handler that interrupts a push of the same thread: the inner one is dropped and counted.
///
/// ```compile_fail
/// fn shared(producer: &damon_ring::Producer) -> &(dyn Sync + '_) { producer }
/// ```
pub struct Producer {
    ring: Arc<Ring>,
    pending: Arc<Pending>,
    lane: LaneId,
    /// The consumer's `tail` when last looked at; never ahead of it. Stale means *possibly* full.
    tail_seen: Cell<u32>,
}

impl Producer {
    pub(crate) fn new(ring: Arc<Ring>, pending: Arc<Pending>, lane: LaneId) -> Self {
        let tail_seen = Cell::new(ring.consumer.tail.load(Ordering::Relaxed));
        Self { ring, pending, lane, tail_seen }
    }

    /// The lane's number: its bit, its place in the drain order.
    pub fn lane(&self) -> LaneId {
        self.lane
    }

    /// Queues one report, or drops and counts it.
    ///
    /// # Errors
    ///
    /// [`Dropped`] says why; the report is lost and its counter has moved.
    #[inline]
    pub fn push(&self, report: AccessReport) -> Result<(), Dropped> {
        // Not a batch of one: a slice would send the report through memory on its way to the slot.
        self.guarded(
            |lane| lane.push_outermost(report),
            |own| {
                own.dropped_nested.fetch_add(1, Ordering::Relaxed);
                Err(Dropped::Nested)
            },
        )
    }

    /// Queues as many reports as there are free slots, in order, publishing them at once; drops
    /// and counts the rest. One publication and one pending mark however long the batch is.
    pub fn push_batch(&self, reports: &[AccessReport]) -> Batch {
        self.guarded(
            |lane| lane.push_batch_outermost(reports),
            |own| {
                own.dropped_nested.fetch_add(reports.len() as u64, Ordering::Relaxed);
                Batch { dropped_nested: reports.len(), ..Batch::default() }
            },
        )
    }

    /// Runs `push` unless this call interrupts another push of the same lane; then `nested`, whose
    /// counter is added to atomically, since a third push may interrupt it between load and store.
    #[inline]
    fn guarded<T>(
        &self,
        push: impl FnOnce(&Self) -> T,
        nested: impl FnOnce(&ProducerSide) -> T,
    ) -> T {
        let own = &*self.ring.producer;
        let depth = own.busy.load(Ordering::Relaxed);
        // A plain increment will do: whoever interrupts this thread puts `busy` back before it
        // returns (nesting is last in, first out), and no other thread writes it.
        own.busy.store(depth + 1, Ordering::Relaxed);
        same_thread_fence();
        let result = if depth == 0 { push(self) } else { nested(own) };
        same_thread_fence();
        own.busy.store(depth, Ordering::Relaxed);
        result
    }

    #[inline]
    fn push_outermost(&self, report: AccessReport) -> Result<(), Dropped> {
        let own = &*self.ring.producer;
        let head = own.head.load(Ordering::Relaxed);
        if self.free_at_least(1, head) == 0 {
            count(&own.dropped_full, 1);
            return Err(Dropped::Full);
        }
        // SAFETY: this is the outermost push, and a slot is free.
        unsafe { self.ring.write(head, report) };
        self.publish(head, 1);
        Ok(())
    }

    fn push_batch_outermost(&self, reports: &[AccessReport]) -> Batch {
        let own = &*self.ring.producer;
        let head = own.head.load(Ordering::Relaxed);
        let queued = reports.len().min(self.free_at_least(reports.len(), head) as usize);
        for (offset, report) in (0..).zip(&reports[..queued]) {
            // SAFETY: this is the outermost push, and offset < free slots.
            unsafe { self.ring.write(head.wrapping_add(offset), *report) };
        }
        if queued > 0 {
            self.publish(head, queued as u32);
        }
        let dropped_full = reports.len() - queued;
        if dropped_full > 0 {
            count(&own.dropped_full, dropped_full as u64);
        }
        Batch { queued, dropped_full, dropped_nested: 0 }
    }

    /// Free slots as far as known, looked up again if fewer than wanted.
    #[inline]
    fn free_at_least(&self, wanted: usize, head: u32) -> u32 {
        let free = self.ring.slots() - head.wrapping_sub(self.tail_seen.get());
        if free as usize >= wanted {
            return free;
        }
        // Possibly full: look again. Acquire: the consumer has finished with the slots below.
        self.tail_seen.set(self.ring.consumer.tail.load(Ordering::Acquire));
        self.ring.slots() - head.wrapping_sub(self.tail_seen.get())
    }

    /// Hands `queued` slots from `head` on to the consumer.
    #[inline]
    fn publish(&self, head: u32, queued: u32) {
        let own = &*self.ring.producer;
        // Before `head`: whoever counts these reports as drained finds them counted as queued.
        count(&own.queued, u64::from(queued));
        // Release: makes the slots above visible to the consumer's Acquire load.
        own.head.store(head.wrapping_add(queued), Ordering::Release);
        self.pending.mark(self.lane);
    }

    /// Slots free at this moment; a concurrent drain can only make it more.
    pub fn free_slots(&self) -> u32 {
        let tail = self.ring.consumer.tail.load(Ordering::Acquire);
        self.tail_seen.set(tail);
        self.ring.slots() - self.ring.producer.head.load(Ordering::Relaxed).wrapping_sub(tail)
    }
}

/// Adds to a counter that only this producer writes.
#[inline]
fn count(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
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
        let batch = lane.push_batch(&[report, report]);
        assert_eq!(batch, Batch { dropped_nested: 2, ..Batch::default() });
        assert_eq!(lane.ring.producer.busy.load(Ordering::Relaxed), 1, "busy is put back");
        lane.ring.producer.busy.store(0, Ordering::Relaxed);
        assert_eq!(lane.push(report), Ok(()));
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.dropped_nested, counters.offered()), (1, 3, 4));
        assert_eq!(lanes.drain(|_, _| ()), 1);
    }
}
