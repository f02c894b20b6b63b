//! All lanes of one monitor: the reading end.

use thiserror::Error;

use crate::AccessReport;
use crate::pending::{LaneId, Pending};
use crate::primitive::{Arc, Ordering};
use crate::producer::Producer;
use crate::ring::Ring;

/// The shape of a set of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanesOptions {
    /// Largest number of lanes; their pending bits are allocated at once, their rings when added.
    pub lanes_max: u32,
    /// Slots per lane, a power of two. The RFC's ring has 256 of which it uses 255; ours uses all.
    pub slots: u32,
}

impl Default for LanesOptions {
    fn default() -> Self {
        // 8192: the largest NR_CPUS of an x86-64 kernel.
        Self { lanes_max: 8192, slots: 256 }
    }
}

/// Why a set of lanes, or one more lane, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LaneError {
    /// `slots` is not a power of two within 1..=65536.
    #[error("slots per lane must be a power of two from 1 to 65536, got {0}")]
    Slots(u32),
    /// All `lanes_max` lanes are in use.
    #[error("all {0} lanes are in use")]
    Lanes(u32),
}

/// One lane's counters. `offered = queued + dropped_full + dropped_nested` and
/// `queued = drained + pending`, exact whenever producer and consumer are at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounters {
    /// Reports stored in the ring.
    pub queued: u64,
    /// Reports lost because the ring was full.
    pub dropped_full: u64,
    /// Reports lost because their push interrupted another.
    pub dropped_nested: u64,
    /// Reports handed to the drain.
    pub drained: u64,
    /// Most reports a drain has found waiting.
    pub occupancy_max: u32,
}

impl LaneCounters {
    /// Reports given to `push`, whatever became of them.
    pub fn offered(&self) -> u64 {
        self.queued + self.dropped_full + self.dropped_nested
    }

    /// Reports stored and not yet drained.
    pub fn pending(&self) -> u64 {
        self.queued - self.drained
    }

    fn add(&mut self, other: &Self) {
        self.queued += other.queued;
        self.dropped_full += other.dropped_full;
        self.dropped_nested += other.dropped_nested;
        self.drained += other.drained;
        self.occupancy_max = self.occupancy_max.max(other.occupancy_max);
    }
}

/// The lanes of one monitor and their only consumer. Two monitors have two `Lanes` and never see
/// each other's reports (hazard H3).
///
/// ```compile_fail
/// fn second_consumer(lanes: &damon_ring::Lanes) -> damon_ring::Lanes { lanes.clone() }
/// ```
pub struct Lanes {
    rings: Vec<Arc<Ring>>,
    pending: Arc<Pending>,
    options: LanesOptions,
}

impl Lanes {
    /// No lanes yet, room for `options.lanes_max`.
    ///
    /// # Errors
    ///
    /// [`LaneError::Slots`].
    pub fn new(options: LanesOptions) -> Result<Self, LaneError> {
        if !options.slots.is_power_of_two() || options.slots > 65_536 {
            return Err(LaneError::Slots(options.slots));
        }
        let pending = Arc::new(Pending::new(options.lanes_max as usize));
        Ok(Self { rings: Vec::new(), pending, options })
    }

    /// One more lane; the returned producer is its only writer.
    ///
    /// # Errors
    ///
    /// [`LaneError::Lanes`] when `lanes_max` are in use.
    pub fn add(&mut self) -> Result<Producer, LaneError> {
        self.add_ring(Ring::new(self.options.slots))
    }

    /// As [`add`](Self::add) with indices that begin at `index`: for tests of the wrap.
    #[doc(hidden)]
    pub fn add_starting_at(&mut self, index: u32) -> Result<Producer, LaneError> {
        self.add_ring(Ring::starting_at(self.options.slots, index))
    }

    fn add_ring(&mut self, ring: Ring) -> Result<Producer, LaneError> {
        if self.rings.len() >= self.options.lanes_max as usize {
            return Err(LaneError::Lanes(self.options.lanes_max));
        }
        let lane = self.rings.len() as LaneId;
        let ring = Arc::new(ring);
        self.rings.push(Arc::clone(&ring));
        Ok(Producer::new(ring, Arc::clone(&self.pending), lane))
    }

    /// Empties every lane that has something, lanes ascending, each oldest first. Returns the
    /// number of reports handed out: at most one ring-full per lane.
    ///
    /// Cost: one shared read per 64 lanes, then per report one copy of 32 bytes.
    pub fn drain(&mut self, mut each: impl FnMut(LaneId, &AccessReport)) -> u64 {
        let mut drained = 0;
        let rings = &self.rings;
        self.pending.take(|lane| {
            // SAFETY: `&mut self` makes this the only consumer of these lanes.
            drained +=
                u64::from(unsafe { rings[lane as usize].drain(|report| each(lane, report)) });
        });
        drained
    }

    /// Counters summed over all lanes; `occupancy_max` is the largest of any lane.
    pub fn counters(&self) -> LaneCounters {
        let mut total = LaneCounters::default();
        for ring in &self.rings {
            total.add(&counters(ring));
        }
        total
    }
}

fn counters(ring: &Ring) -> LaneCounters {
    // `drained` first: it never runs ahead of the `queued` read after it.
    let drained = ring.consumer.drained.load(Ordering::Relaxed);
    LaneCounters {
        queued: ring.producer.queued.load(Ordering::Relaxed),
        dropped_full: ring.producer.dropped_full.load(Ordering::Relaxed),
        dropped_nested: ring.producer.dropped_nested.load(Ordering::Relaxed),
        drained,
        occupancy_max: ring.consumer.occupancy_max.load(Ordering::Relaxed),
    }
}
