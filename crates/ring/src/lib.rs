//! The way an access report travels from whoever saw an access to the monitor.
//!
//! One *lane* per producer: a single-producer single-consumer ring of fixed size. A lossy, bounded
//! contract, as `damon_report_access()` has it: a producer never waits, never allocates and never
//! fails; a report that finds no room is dropped and counted.
//!
//! - [`AccessReport`]: what is reported; [`Reports`]: the same as columns, as a lane stores them.
//! - [`Lanes`]: all lanes of one monitor and the only consumer. Drains them, and closes them.
//! - [`LaneDoor`]: where producers get their lanes, from any thread.
//! - [`Producer`]: the writing end of one lane. May move to another thread, may not be shared.
//! - [`SharedLane`]: a lane in memory that a JavaScript `SharedArrayBuffer` shares.
//!
//! Your duties: keep one `Producer` on one thread at a time (the type sees to it), and drain once
//! per sampling interval. In turn: reports of a lane arrive in order, whole and once, and
//! `offered = queued + dropped` and `queued = drained + pending` hold for every lane at every
//! moment both ends are at rest. After [`Lanes::close`] and one drain, nothing is left, and what
//! comes later is dropped and counted.
//!
//! Not here: a clock (the time of a report is its producer's), a thread, any idea of regions.
//!
//! Sources: `hardware-sampling.md` 1 and 2; `damon_report_access()` of the RFC.

mod access_report;

mod columns;
mod ring;

mod lanes;
mod pending;
mod producer;
mod shared;

mod asymmetric;
mod primitive;

pub use access_report::{AccessReport, AddressKind, Details, GRAIN, Reports, Sighting};
pub use lanes::{LaneCounters, LaneDoor, LaneError, LaneId, Lanes, LanesOptions};
pub use producer::{Batch, Dropped, Producer};
pub use shared::{MAGIC, SharedLane, SharedLaneError, VERSION};
