//! DAMON as a state machine: access reports in, regions and scheme actions out.
//!
//! In the order data flows:
//!
//! - [`drain`]: reports from the lanes are credited to regions, or counted by cause of loss.
//! - [`region`]: regions, targets, merge, split, ageing, hot and cold score.
//! - [`scheme`]: DAMOS: access pattern, filters, quota, and the action asked of the operations set.
//! - [`ops`]: the one door to an address space, and the registry of operations sets.
//! - [`kdamond`]: the tick that ties them together, in phases.
//! - [`snapshot`]: what one aggregation saw, as columns.
//!
//! Behaviour: `damon-core.md`, anchor A, to the last integer division; differences are named where
//! they stand. Your duties: call the phases of [`Kdamond`] in order, with a clock that does not go
//! back. In turn: same inputs, same state, bit for bit.
//!
//! Not here: a clock, a thread, input or output, how accesses are made or pages are moved, and
//! goals' targets, scores and tuners, which are the control plane's.

pub mod arithmetic;
pub mod attrs;
pub mod random;

pub mod drain;

pub mod region;

pub mod scheme;

pub mod ops;

pub mod kdamond;

pub mod snapshot;

pub use attrs::{Attrs, AttrsError, IntervalsGoal};
pub use kdamond::{Config, ConfigError, Kdamond, TuneRequest, Verdict};
pub use ops::{Operations, OpsId};
pub use region::{Region, Target};
pub use scheme::{Action, Scheme};
pub use snapshot::Snapshot;
