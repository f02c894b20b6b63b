//! The writing end of a lane.

use std::cell::Cell;

use thiserror::Error;

use crate::access_report::{AccessReport, Pattern};
use crate::asymmetric::light;
use crate::lanes::LaneId;
use crate::pending::Pending;
use crate::primitive::{Arc, AtomicU64, Ordering, fence, held, same_thread_fence};
use crate::ring::{CLOSED, FENCED, PARKED, ProducerSide, Ring};

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

/// Where a handler may interrupt a push that has not said that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruption {
    /// It looks whether it is nested.
    BetweenLooks,
    /// It has seen that it is not.
    BeforeClaim,
}

/// The only writer of one lane. `Send`, so it can be given to the thread that samples; not `Sync`,
/// so two threads cannot push at once. Dropping it gives the lane back once it is drained.
///
/// A push is wait-free, allocates nothing, takes no lock and cannot panic, so it may be called from
/// a signal handler that interrupts a push of the same thread: the inner one is dropped and counted,
/// unless the outer one has not begun to write; then that begins again.
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
    /// Cost: five stores, a dozen loads that hit the first-level cache, and branches that are never
    /// taken; what is rare stands apart, so that it costs no registers here.
    #[inline]
    pub fn push(&self, report: AccessReport) -> Result<(), Dropped> {
        self.push_interrupted(report, |_| ())
    }

    /// As [`push`](Self::push), interrupted before it has said that it is the outermost: for tests,
    /// which cannot make a signal come just there.
    #[inline(always)]
    fn push_interrupted(
        &self,
        report: AccessReport,
        mut handler: impl FnMut(Interruption),
    ) -> Result<(), Dropped> {
        let ring = &*self.ring;
        let own = &*ring.producer;
        let head = held(&own.head);
        handler(Interruption::BetweenLooks);
        if held(&own.claim) != head {
            return self.push_in_doubt(report, head);
        }
        handler(Interruption::BeforeClaim);
        let next = head.wrapping_add(1);
        // Plain stores will do: no other thread writes either word, and whoever interrupts this one
        // leaves both alone or, before the store, moves `head`.
        own.claim.store(next, Ordering::Relaxed);
        light();
        if ring.gate.load(Ordering::Relaxed) != 0 {
            return self.push_warily(report, head);
        }
        if held(&own.head) != head {
            return self.push_overtaken(report, head);
        }
        if head == self.limit.get() {
            return self.push_warily(report, head);
        }
        // SAFETY: this is the outermost push, and a slot is free.
        unsafe { ring.write(head, &report) };
        // Release: makes the slot above visible to the consumer's Acquire load.
        own.head.store(next, Ordering::Release);
        Ok(())
    }

    /// Either within another push, or a handler pushed between two loads.
    #[cold]
    #[inline(never)]
    fn push_in_doubt(&self, report: AccessReport, head: u64) -> Result<(), Dropped> {
        if self.is_still(head) {
            self.count_nested(1);
            return Err(Dropped::Nested);
        }
        self.push_warily(report, head)
    }

    /// A handler pushed just before this push said that it is busy. Apart, or the compiler would make
    /// one branch of two, at a cost to both.
    #[cold]
    #[inline(never)]
    fn push_overtaken(&self, report: AccessReport, head: u64) -> Result<(), Dropped> {
        self.push_warily(report, head)
    }

    /// The outermost push once more from the beginning, where something is rare: the lane is closed,
    /// parked or possibly full, or a handler pushed meanwhile.
    #[cold]
    #[inline(never)]
    fn push_warily(&self, report: AccessReport, head: u64) -> Result<(), Dropped> {
        let own = &*self.ring.producer;
        let busy = Busy::begin(own, head);
        let gate = self.gate();
        let head = busy.head;
        let full = head == self.limit.get() && self.look_up_free(head) == 0;
        if gate & CLOSED == 0 && !full {
            // SAFETY: this is the outermost push, and a slot is free.
            unsafe { self.ring.write(head, &report) };
            busy.publish(head.wrapping_add(1));
            self.wake(gate);
            return Ok(());
        }
        let (counter, why) = if gate & CLOSED != 0 {
            (&own.dropped_closed, Dropped::Closed)
        } else {
            (&own.dropped_full, Dropped::Full)
        };
        count(counter, 1);
        Err(why)
    }

    /// Queues as many reports as there are free slots, in order, publishing them at once; drops
    /// and counts the rest, which are not made.
    ///
    /// The iterator runs inside the push: what it does must itself be fit for the context this is
    /// called from. One that yields fewer than it said queues fewer.
    pub fn push_batch(&self, reports: impl ExactSizeIterator<Item = AccessReport>) -> Batch {
        self.push_many(reports.len(), |head, room| {
            // SAFETY: this is the outermost push, and so many slots are free.
            unsafe { self.ring.write_all(head, reports.take(room)) }
        })
    }

    /// As [`push_batch`](Self::push_batch) of accesses to whole pages, which differ from the one of
    /// `alike` only in what stands here of each: the first byte of its page, plus 1 for a store, and
    /// when it was. For samplers: half of the instructions.
    pub fn push_pages(&self, alike: &AccessReport, pages: &[[u64; 2]]) -> Batch {
        let pattern = Pattern::of(alike);
        self.push_many(pages.len(), |head, room| {
            // SAFETY: as above.
            unsafe { self.ring.write_pages(head, pattern, &pages[..room]) }
        })
    }

    /// What `write` puts into free slots, from an index on and so many at the most; it returns the
    /// index after the last.
    #[inline(always)]
    fn push_many(&self, len: usize, write: impl FnOnce(u64, usize) -> u64) -> Batch {
        let own = &*self.ring.producer;
        let head = held(&own.head);
        if held(&own.claim) != head && self.is_still(head) {
            self.count_nested(len as u64);
            return Batch { dropped_nested: len, ..Batch::default() };
        }
        let busy = Busy::begin(own, head);
        let gate = self.gate();
        if gate & CLOSED != 0 {
            count(&own.dropped_closed, len as u64);
            return Batch { dropped_closed: len, ..Batch::default() };
        }
        let head = busy.head;
        let room = len.min(self.free_at_least(len as u64, head) as usize);
        let index = write(head, room);
        let dropped_full = len - room;
        if dropped_full > 0 {
            count(&own.dropped_full, dropped_full as u64);
        }
        if index != head {
            busy.publish(index);
            self.wake(gate);
        }
        Batch { queued: index.wrapping_sub(head) as usize, dropped_full, ..Batch::default() }
    }

    /// Whether what differed from this `head` is another push, which this one interrupts: a handler
    /// that pushed between the loads of both has moved it.
    #[inline]
    fn is_still(&self, head: u64) -> bool {
        same_thread_fence();
        held(&self.ring.producer.head) == head
    }

    /// What a push has to look out for, once it is busy.
    fn gate(&self) -> u32 {
        let gate = self.ring.gate.load(Ordering::Relaxed);
        if gate & FENCED == 0 {
            return gate;
        }
        fence(Ordering::SeqCst);
        self.ring.gate.load(Ordering::Relaxed)
    }

    /// Tells a consumer that has parked this lane to look at it.
    fn wake(&self, gate: u32) {
        if gate & PARKED != 0 {
            self.pending.mark(self.place);
        }
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
        let head = held(&self.ring.producer.head);
        self.ring.slots().saturating_sub(head.wrapping_sub(tail))
    }

    /// Reports queued so far.
    pub fn queued(&self) -> u64 {
        held(&self.ring.producer.head).wrapping_sub(self.ring.began)
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
        light();
        self.wake(self.ring.gate.load(Ordering::Relaxed));
    }
}

/// An outermost push in progress: what interrupts it is nested. Over when it is published, or
/// dropped, also by a panic of a batch's iterator.
struct Busy<'a> {
    own: &'a ProducerSide,
    head: u64,
}

impl<'a> Busy<'a> {
    /// `head` is what it was a moment ago; handlers may have moved it on.
    fn begin(own: &'a ProducerSide, head: u64) -> Self {
        // Neither of these.
        own.claim.store(head.wrapping_sub(1), Ordering::Relaxed);
        light();
        Self { own, head: held(&own.head) }
    }

    /// Hands the slots before `next` to the consumer; one at least.
    fn publish(self, next: u64) {
        self.own.claim.store(next, Ordering::Relaxed);
        same_thread_fence();
        // Release: makes the slots visible to the consumer's Acquire load; ends the push.
        self.own.head.store(next, Ordering::Release);
        std::mem::forget(self);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        same_thread_fence();
        // Release: whoever waits for this push to end sees what it counted.
        self.own.claim.store(self.head, Ordering::Release);
    }
}

/// Adds to a counter that only this producer writes.
#[inline]
fn count(counter: &AtomicU64, more: u64) {
    // Wrapping, because it must not panic: an iterator may claim any length.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;
    use crate::{Lanes, LanesOptions};

    #[test]
    fn a_push_inside_a_push_is_dropped_counted_and_leaves_no_trace() {
        let mut lanes = Lanes::new(LanesOptions::default()).unwrap();
        let lane = lanes.add().unwrap();
        let report = AccessReport::physical(1, 1, 1);
        // What a handler finds when it interrupts a push.
        lane.ring.producer.claim.store(1, Ordering::Relaxed);
        assert_eq!(lane.push(report), Err(Dropped::Nested));
        let batch = lane.push_batch([report, report].into_iter());
        assert_eq!(batch, Batch { dropped_nested: 2, ..Batch::default() });
        assert_eq!(lane.ring.producer.claim.load(Ordering::Relaxed), 1, "the claim is put back");
        lane.ring.producer.claim.store(0, Ordering::Relaxed);
        assert_eq!(lane.push(report), Ok(()));
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.dropped_nested, counters.offered()), (1, 3, 4));
        assert_eq!(lanes.drain(|_, _| ()), 1);
    }

    #[test]
    fn handlers_that_come_before_a_push_has_begun_lose_and_overwrite_nothing() {
        overtaken(Interruption::BetweenLooks);
        overtaken(Interruption::BeforeClaim);
    }

    fn overtaken(moment: Interruption) {
        let mut lanes = Lanes::new(LanesOptions { slots: 8, ..LanesOptions::default() }).unwrap();
        let lane = lanes.add().unwrap();
        let report = |address| AccessReport::physical(address, 1, 1);
        let interrupted = |address, handler: &mut dyn FnMut()| {
            lane.push_interrupted(report(address), |now| {
                if now == moment {
                    handler();
                }
            })
        };
        let drain = |lanes: &mut Lanes| {
            let mut seen = Vec::new();
            lanes.drain(|_, reports| seen.extend(reports.iter().map(|report| report.address)));
            seen
        };
        let outer = interrupted(3, &mut || {
            lane.push(report(0)).unwrap();
            // Two handlers, the second of which is interrupted, too.
            interrupted(2, &mut || lane.push(report(1)).unwrap()).unwrap();
        });
        assert_eq!((outer, drain(&mut lanes)), (Ok(()), vec![0, 1, 2, 3]), "{moment:?}");
        // One that takes the last slots, by a batch.
        let outer = interrupted(9, &mut || {
            let batch = lane.push_batch((0..9u32).map(|number| report(u64::from(number))));
            assert_eq!((batch.queued, batch.dropped_full), (8, 1));
        });
        assert_eq!((outer, drain(&mut lanes)), (Err(Dropped::Full), (0..8).collect()));
        // One after which the lane is closed.
        let outer = interrupted(9, &mut || {
            lane.push(report(0)).unwrap();
            lanes.close();
        });
        assert_eq!((outer, drain(&mut lanes)), (Err(Dropped::Closed), vec![0]));
        assert_eq!(lane.push(report(0)), Err(Dropped::Closed), "and nothing is nested");
        let counters = lanes.counters();
        assert_eq!((counters.queued, counters.drained, counters.offered()), (13, 13, 17));
        assert_eq!((counters.dropped_full, counters.dropped_closed), (2, 2));
    }
}
