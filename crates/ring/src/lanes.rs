//! All lanes of one monitor: the reading end, and the door through which producers come.

use thiserror::Error;

use crate::access_report::Reports;
use crate::asymmetric::Fences;
use crate::pending::{BitSet, Pending};
use crate::primitive::{Arc, AtomicU32, Mutex, Ordering, yield_now};
use crate::producer::Producer;
use crate::ring::{PARKED, Ring, this_thread};
use crate::shared::SharedLane;

/// A lane's number, from 0 in the order in which lanes were added. Not used twice.
pub type LaneId = u32;

/// The shape of a set of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanesOptions {
    /// Largest number of lanes at a time.
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
    /// The monitor has stopped.
    #[error("the lanes are closed")]
    Closed,
}

/// One lane's counters.
///
/// `offered = queued + dropped_full + dropped_nested + dropped_closed` and
/// `queued = drained + pending`, exact whenever producer and consumer are at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounters {
    /// Reports stored in the ring.
    pub queued: u64,
    /// Reports lost because the ring was full.
    pub dropped_full: u64,
    /// Reports lost because their push interrupted another.
    pub dropped_nested: u64,
    /// Reports lost because the monitor had stopped.
    pub dropped_closed: u64,
    /// Drains of a shared lane that found an impossible head: not reports, but reasons to distrust
    /// its producer. Whatever the lane held then is gone and uncountable.
    pub corrupt: u64,
    /// Reports handed to the drain.
    pub drained: u64,
    /// Most reports a drain has found waiting.
    pub occupancy_max: u32,
}

impl LaneCounters {
    /// Reports given to `push`, whatever became of them.
    pub fn offered(&self) -> u64 {
        self.queued + self.dropped_full + self.dropped_nested + self.dropped_closed
    }

    /// Reports stored and not yet drained.
    pub fn pending(&self) -> u64 {
        self.queued - self.drained
    }

    fn add(&mut self, other: &Self) {
        self.queued += other.queued;
        self.dropped_full += other.dropped_full;
        self.dropped_nested += other.dropped_nested;
        self.dropped_closed += other.dropped_closed;
        self.corrupt += other.corrupt;
        self.drained += other.drained;
        self.occupancy_max = self.occupancy_max.max(other.occupancy_max);
    }
}

enum Feed {
    Ring(Arc<Ring>),
    Shared(Box<SharedLane>),
}

struct Lane {
    id: LaneId,
    /// Its pending bit: free again when the lane is.
    place: u32,
    /// Drains in a row that found nothing.
    idle: u32,
    parked: bool,
    /// Of a ring: what was published as its `tail`.
    tail: u64,
    feed: Feed,
}

/// When lanes are parked: those that were empty so many drains in a row, if there are so many.
#[derive(Clone, Copy)]
struct Parking {
    drains: u32,
    lanes: u32,
}

/// A look at a lane costs a few nanoseconds, parking a few microseconds.
const PARKING: Parking = Parking { drains: 64, lanes: 64 };

/// The lanes of one monitor and their only consumer. Two monitors have two `Lanes` and never see
/// each other's reports (hazard H3).
///
/// ```compile_fail
/// fn second_consumer(lanes: &damon_ring::Lanes) -> damon_ring::Lanes { lanes.clone() }
/// ```
pub struct Lanes {
    /// By ascending id.
    lanes: Vec<Lane>,
    /// Positions in `lanes` of those to look at: all that are not parked.
    active: BitSet,
    parked: usize,
    /// Positions in `lanes` by place.
    positions: Vec<usize>,
    parking: Parking,
    door: LaneDoor,
    arrivals_seen: u32,
    /// Sums of lanes whose producers have gone.
    retired: LaneCounters,
    closed: bool,
}

/// Where producers get their lanes, from any thread, while another drains.
#[derive(Clone)]
pub struct LaneDoor(Arc<Door>);

struct Door {
    options: LanesOptions,
    fences: Fences,
    pending: Arc<Pending>,
    state: Mutex<DoorState>,
    /// Counts lanes added, so that a drain need not lock to see that there are none.
    arrivals: AtomicU32,
}

struct DoorState {
    /// Added, not yet seen by the consumer.
    waiting: Vec<Lane>,
    next: LaneId,
    in_use: u32,
    /// Places below that have become free.
    free_places: Vec<u32>,
    closed: bool,
}

impl Door {
    fn state<T>(&self, act: impl FnOnce(&mut DoorState) -> T) -> T {
        // Nothing in here panics, so a poisoned lock guards a sound state.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut state)
    }
}

impl LaneDoor {
    /// One more lane; the returned producer is its only writer.
    ///
    /// # Errors
    ///
    /// [`LaneError::Lanes`] when `lanes_max` are in use, [`LaneError::Closed`].
    pub fn add(&self) -> Result<Producer, LaneError> {
        self.add_starting_at(0)
    }

    /// As [`add`](Self::add) with indices that begin at `index`: for tests of the wrap.
    #[doc(hidden)]
    pub fn add_starting_at(&self, index: u64) -> Result<Producer, LaneError> {
        let ring = Arc::new(Ring::starting_at(self.0.options.slots, index, self.0.fences.gate()));
        let (lane, place) = self.admit(Feed::Ring(Arc::clone(&ring)), index)?;
        let pending = Arc::clone(&self.0.pending);
        Ok(Producer::new(ring, lane, (pending, place)))
    }

    /// A lane whose producer writes to shared memory.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_shared(&self, lane: SharedLane) -> Result<LaneId, LaneError> {
        self.admit(Feed::Shared(Box::new(lane)), 0).map(|(id, _)| id)
    }

    fn admit(&self, feed: Feed, tail: u64) -> Result<(LaneId, u32), LaneError> {
        let Door { options, arrivals, .. } = &*self.0;
        let admitted = self.0.state(|state| {
            if state.closed {
                if let Feed::Shared(lane) = &feed {
                    // Its producer learns of it from the memory alone.
                    lane.close();
                }
                return Err(LaneError::Closed);
            }
            if state.in_use >= options.lanes_max {
                return Err(LaneError::Lanes(options.lanes_max));
            }
            let id = state.next;
            // Without a free one all places below are taken, by as many lanes.
            let place = state.free_places.pop().unwrap_or(state.in_use);
            state.next += 1;
            state.in_use += 1;
            state.waiting.push(Lane { id, place, idle: 0, parked: false, tail, feed });
            Ok((id, place))
        })?;
        // Release: whoever sees the arrival finds it behind the lock in any case; it must only not
        // be missed for ever, and the next drain looks again.
        arrivals.fetch_add(1, Ordering::Release);
        Ok(admitted)
    }

    /// The shape that lanes have.
    pub fn options(&self) -> LanesOptions {
        self.0.options
    }

    /// Whether the monitor has stopped.
    pub fn is_closed(&self) -> bool {
        self.0.state(|state| state.closed)
    }
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
        let state = DoorState {
            waiting: Vec::new(),
            next: 0,
            in_use: 0,
            free_places: Vec::new(),
            closed: false,
        };
        let door = Door {
            options,
            fences: Fences::detect(),
            pending: Arc::new(Pending::new(options.lanes_max as usize)),
            state: Mutex::new(state),
            arrivals: AtomicU32::new(0),
        };
        Ok(Self {
            lanes: Vec::new(),
            active: BitSet::default(),
            parked: 0,
            positions: Vec::new(),
            parking: PARKING,
            door: LaneDoor(Arc::new(door)),
            arrivals_seen: 0,
            retired: LaneCounters::default(),
            closed: false,
        })
    }

    /// Where producers get their lanes.
    pub fn door(&self) -> LaneDoor {
        self.door.clone()
    }

    /// [`LaneDoor::add`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add(&self) -> Result<Producer, LaneError> {
        self.door.add()
    }

    /// Parks each lane that a drain finds empty: for tests of parking.
    #[doc(hidden)]
    pub fn park_eagerly(&mut self) {
        self.parking = Parking { drains: 1, lanes: 1 };
    }

    /// Empties every lane that has something, lanes ascending, each oldest first, in one or two
    /// parts per lane. Returns the number of reports handed out: at most one ring-full per lane.
    ///
    /// Cost: one look at the `head` of each lane that was not quiet for long; the reports are handed
    /// out where they lie. Allocates only when lanes were added.
    pub fn drain(&mut self, mut each: impl FnMut(LaneId, &Reports<'_>)) -> u64 {
        self.let_in();
        self.wake();
        let Self { lanes, active, parking, .. } = self;
        let thread = this_thread();
        let (mut drained, mut finished, mut quiet) = (0, false, 0);
        active.for_each(|position| {
            let Lane { id, idle, tail, feed, .. } = &mut lanes[position];
            match feed {
                Feed::Ring(ring) => {
                    // Acquire: makes the slots below `head` visible. Read once, so one drain is
                    // bounded by one ring-full even under a producer that never pauses.
                    let head = ring.producer.head.load(Ordering::Acquire);
                    if head == *tail {
                        finished |= ring.producer.gone.load(Ordering::Relaxed);
                        *idle = idle.saturating_add(1);
                        quiet += u32::from(*idle >= parking.drains);
                        return;
                    }
                    *idle = 0;
                    let waiting = head.wrapping_sub(*tail);
                    // SAFETY: `&mut self` makes this the only consumer; tail < head, which was
                    // loaded with Acquire.
                    unsafe { ring.read(*tail, head, |reports| each(*id, reports)) };
                    *tail = head;
                    // Release: the reads above are done before the producer may reuse the slots.
                    ring.consumer.tail.store(head, Ordering::Release);
                    ring.consumer.thread.store(thread, Ordering::Relaxed);
                    let largest = &ring.consumer.occupancy_max;
                    // At most `slots`, a u32.
                    largest.store(
                        largest.load(Ordering::Relaxed).max(waiting as u32),
                        Ordering::Relaxed,
                    );
                    drained += waiting;
                }
                Feed::Shared(lane) => {
                    drained += lane.drain(|reports| each(*id, reports));
                    lane.refresh_counters();
                    finished |= lane.is_finished();
                }
            }
        });
        if finished {
            self.retire();
        } else if quiet >= self.parking.lanes && self.door.0.fences.can_park() {
            self.park();
        }
        drained
    }

    /// Looks again at parked lanes that were marked.
    fn wake(&mut self) {
        if self.parked == 0 {
            return;
        }
        let Self { lanes, active, parked, positions, door, .. } = self;
        door.0.pending.take(|place| {
            // A place that changed hands may still have been marked for the lane before.
            let Some(&position) = positions.get(place as usize) else { return };
            if let Some(lane) = lanes.get_mut(position).filter(|lane| lane.parked) {
                lane.unpark();
                active.insert(position);
                *parked -= 1;
            }
        });
    }

    /// Looks no more at lanes that were quiet for long, until they are marked.
    fn park(&mut self) {
        let Self { lanes, active, parked, parking, door, .. } = self;
        for lane in lanes.iter_mut().filter(|lane| lane.idle >= parking.drains) {
            if let Feed::Ring(ring) = &lane.feed {
                ring.gate.fetch_or(PARKED, Ordering::Relaxed);
                lane.parked = true;
            }
        }
        door.0.fences.heavy();
        *parked = 0;
        for (position, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.parked) {
            // A push that began before the fence is seen here; one that began after it marks. A lane
            // that was parked before is quiet, or marked already.
            if lane.is_quiet() {
                active.remove(position);
                *parked += 1;
            } else {
                lane.unpark();
                active.insert(position);
            }
        }
    }

    /// After lanes have come or gone: looks at all of them.
    fn rearrange(&mut self) {
        self.parked = 0;
        self.active.fill(self.lanes.len());
        let places = self.lanes.iter().map(|lane| lane.place as usize + 1).max().unwrap_or(0);
        self.positions.clear();
        self.positions.resize(places, usize::MAX);
        for (position, lane) in self.lanes.iter_mut().enumerate() {
            self.positions[lane.place as usize] = position;
            lane.unpark();
        }
    }

    /// Takes over lanes added since the last time.
    fn let_in(&mut self) {
        // Acquire: pairs with the door's Release; the lock orders the rest.
        let arrivals = self.door.0.arrivals.load(Ordering::Acquire);
        if arrivals == self.arrivals_seen {
            return;
        }
        self.arrivals_seen = arrivals;
        let Self { lanes, door, .. } = self;
        door.0.state(|state| lanes.append(&mut state.waiting));
        self.rearrange();
    }

    /// Forgets lanes whose producers have gone and which hold nothing; their counts stay.
    fn retire(&mut self) {
        let Self { lanes, retired, door, .. } = self;
        door.0.state(|state| {
            lanes.retain(|lane| {
                let finished = lane.is_finished();
                if finished {
                    retired.add(&lane.counters());
                    state.in_use -= 1;
                    state.free_places.push(lane.place);
                }
                !finished
            });
        });
        self.rearrange();
    }

    /// Stops taking reports: when this returns, every push has either ended or will be dropped and
    /// counted as closed, and no more lanes are added. The next drain is the last that finds
    /// anything.
    ///
    /// Waits for pushes in progress, which are wait-free; so not to be called from within one, such
    /// as the iterator of a batch.
    pub fn close(&mut self) {
        self.door.0.state(|state| state.closed = true);
        // Not only if the count of arrivals says so: a lane may be behind the door already.
        let Self { lanes, door, .. } = self;
        door.0.state(|state| lanes.append(&mut state.waiting));
        for Lane { feed, .. } in &*lanes {
            match feed {
                Feed::Ring(ring) => ring.close(),
                Feed::Shared(lane) => lane.close(),
            }
        }
        door.0.fences.heavy();
        for Lane { feed, .. } in &*lanes {
            if let Feed::Ring(ring) = feed {
                while ring.is_busy() {
                    yield_now();
                }
            }
        }
        self.rearrange();
        self.closed = true;
    }

    /// Lanes in use, those that no drain has seen yet among them.
    pub fn in_use(&self) -> u32 {
        self.door.0.state(|state| state.in_use)
    }

    /// Counters summed over all lanes that there ever were; `occupancy_max` is the largest.
    pub fn counters(&self) -> LaneCounters {
        let mut total = self.retired;
        self.door.0.state(|state| {
            state.waiting.iter().for_each(|lane| total.add(&lane.counters()));
        });
        self.lanes.iter().for_each(|lane| total.add(&lane.counters()));
        total
    }

    /// Each lane in use that a drain has seen, by ascending id, with its counters.
    pub fn by_lane(&self) -> impl Iterator<Item = (LaneId, LaneCounters)> {
        self.lanes.iter().map(|lane| (lane.id, lane.counters()))
    }

    /// Counters summed over lanes that are no longer in use.
    pub fn retired(&self) -> LaneCounters {
        self.retired
    }
}

impl Drop for Lanes {
    /// Producers outlive their monitor: what they push from now on is dropped and counted.
    fn drop(&mut self) {
        if !self.closed {
            self.close();
        }
    }
}

impl Lane {
    /// Of a ring: whether there is nothing to drain, nor about to be, and its producer is still there.
    fn is_quiet(&self) -> bool {
        match &self.feed {
            Feed::Ring(ring) => {
                // Acquire: a `head` that moved leads to its slots.
                !ring.is_busy()
                    && ring.producer.head.load(Ordering::Acquire) == self.tail
                    && !ring.producer.gone.load(Ordering::Relaxed)
            }
            Feed::Shared(_) => false,
        }
    }

    fn unpark(&mut self) {
        self.idle = 0;
        if let Feed::Ring(ring) = &self.feed
            && std::mem::take(&mut self.parked)
        {
            // A push that has not seen this yet marks its place once more: a look for nothing.
            ring.gate.fetch_and(!PARKED, Ordering::Relaxed);
        }
    }

    fn is_finished(&self) -> bool {
        match &self.feed {
            Feed::Ring(ring) => {
                // Acquire, and before `head`: the producer's last `head` is seen with it.
                ring.producer.gone.load(Ordering::Acquire)
                    && ring.producer.head.load(Ordering::Relaxed) == self.tail
            }
            Feed::Shared(lane) => lane.is_finished(),
        }
    }

    fn counters(&self) -> LaneCounters {
        match &self.feed {
            Feed::Ring(ring) => LaneCounters {
                queued: ring.producer.head.load(Ordering::Relaxed).wrapping_sub(ring.began),
                dropped_full: ring.producer.dropped_full.load(Ordering::Relaxed),
                dropped_nested: ring.producer.dropped_nested.load(Ordering::Relaxed),
                dropped_closed: ring.producer.dropped_closed.load(Ordering::Relaxed),
                corrupt: 0,
                drained: self.tail.wrapping_sub(ring.began),
                occupancy_max: ring.consumer.occupancy_max.load(Ordering::Relaxed),
            },
            Feed::Shared(lane) => lane.counters(),
        }
    }
}
