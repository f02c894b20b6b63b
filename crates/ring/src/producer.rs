//! The writing end of a lane.

use std::cell::Cell;

use thiserror::Error;

use crate::AccessReport;
use crate::pending::{LaneId, Pending};
use crate::primitive::{Arc, Ordering, same_thread_fence};
use crate::ring::Ring;

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
    pub fn push(&self, report: AccessReport) -> Result<(), Dropped> {
        let batch = self.push_batch(std::slice::from_ref(&report));
        match batch {
            Batch { queued: 1, .. } => Ok(()),
            Batch { dropped_full: 1, .. } => Err(Dropped::Full),
            _ => Err(Dropped::Nested),
        }
    }

    /// Queues as many reports as there are free slots, in order, publishing them at once; drops
    /// and counts the rest. One publication and one pending mark however long the batch is.
    pub fn push_batch(&self, reports: &[AccessReport]) -> Batch {
        let own = &*self.ring.producer;
        let depth = own.busy.load(Ordering::Relaxed);
        // A plain increment will do: whoever interrupts this thread puts `busy` back before it
        // returns (nesting is last in, first out), and no other thread writes it.
        own.busy.store(depth + 1, Ordering::Relaxed);
        same_thread_fence();
        let batch = if depth == 0 {
            self.push_outermost(reports)
        } else {
            // An atomic add, since a third push may interrupt this one between load and store.
            own.dropped_nested.fetch_add(reports.len() as u64, Ordering::Relaxed);
            Batch { dropped_nested: reports.len(), ..Batch::default() }
        };
        same_thread_fence();
        own.busy.store(depth, Ordering::Relaxed);
        batch
    }

    fn push_outermost(&self, reports: &[AccessReport]) -> Batch {
        let own = &*self.ring.producer;
        let slots = self.ring.slots();
        let head = own.head.load(Ordering::Relaxed);
        let wanted = reports.len();
        let mut free = slots - head.wrapping_sub(self.tail_seen.get());
        if (free as usize) < wanted {
            // Possibly full: look again. Acquire: the consumer has finished with the slots below.
            self.tail_seen.set(self.ring.consumer.tail.load(Ordering::Acquire));
            free = slots - head.wrapping_sub(self.tail_seen.get());
        }
        let queued = wanted.min(free as usize);
        for (offset, report) in reports[..queued].iter().enumerate() {
            // SAFETY: this is the outermost push, and offset < free slots.
            unsafe { self.ring.write(head.wrapping_add(offset as u32), *report) };
        }
        if queued > 0 {
            let next = head.wrapping_add(queued as u32);
            // Before `head`: whoever counts this report as drained finds it counted as queued.
            let total = own.queued.load(Ordering::Relaxed);
            own.queued.store(total + queued as u64, Ordering::Relaxed);
            // Release: makes the slots above visible to the consumer's Acquire load.
            own.head.store(next, Ordering::Release);
            self.pending.mark(self.lane);
        }
        let dropped_full = wanted - queued;
        if dropped_full > 0 {
            let total = own.dropped_full.load(Ordering::Relaxed);
            own.dropped_full.store(total + dropped_full as u64, Ordering::Relaxed);
        }
        Batch { queued, dropped_full, dropped_nested: 0 }
    }

    /// Slots free at this moment; a concurrent drain can only make it more.
    pub fn free_slots(&self) -> u32 {
        let tail = self.ring.consumer.tail.load(Ordering::Acquire);
        self.tail_seen.set(tail);
        self.ring.slots() - self.ring.producer.head.load(Ordering::Relaxed).wrapping_sub(tail)
    }
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
