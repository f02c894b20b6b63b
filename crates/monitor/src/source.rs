//! What feeds a monitor.

use damon_core::kdamond::{Kdamond, TargetConfig};
use damon_core::ops::{Operations, OpsId, Primitive, Registry, Selected};
use damon_core::region::{Range, RangeError};
use damon_machine::{AccessCheckCounters, MigrationCounters, Throughput};
use damon_policy::PolicyCounters;
use damon_ring::{LaneCounters, LaneError, Lanes, Producer};
use damon_sampler::{SamplerConfig, SamplerCounters, SamplerError, SourceCounts};
use damon_trace::{RowCounts, TraceError};
use thiserror::Error;

use crate::lateness::LatenessCounters;
use crate::written::QuestionCounters;

/// What became of a request for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// All reports up to the moment asked for are in the lanes.
    UpToDate,
    /// As above, and there will be no more.
    Ended,
}

/// Why a source could not go on.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The recording.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// No lane for a CPU.
    #[error(transparent)]
    Lanes(#[from] LaneError),
    /// Memory that cannot be monitored.
    #[error(transparent)]
    Ranges(#[from] RangeError),
}

/// What a source may do to the monitor while it fills.
pub struct Intake<'a> {
    lanes: &'a mut Lanes,
    kdamond: &'a mut Kdamond,
    /// Monitoring rests: what is reported is not looked at.
    resting: bool,
}

impl<'a> Intake<'a> {
    pub(crate) fn new(lanes: &'a mut Lanes, kdamond: &'a mut Kdamond, resting: bool) -> Self {
        Self { lanes, kdamond, resting }
    }

    /// Whether reports are wanted: neither from a source whose set checks accesses itself, nor
    /// while monitoring rests.
    pub fn wants_reports(&self) -> bool {
        !self.resting && self.kdamond.primitive() == Primitive::Reports
    }

    /// A lane for one more producer.
    ///
    /// # Errors
    ///
    /// [`LaneError::Lanes`].
    pub fn add_lane(&mut self) -> Result<Producer, LaneError> {
        self.lanes.add()
    }

    /// Makes room in the lanes by counting what is there, without ending the sampling interval.
    /// A recording can wait, so it need not drop.
    pub fn absorb(&mut self) {
        if self.resting {
            self.kdamond.discard(self.lanes);
        } else {
            self.kdamond.absorb(self.lanes);
        }
    }

    /// Monitors other memory from here on. What is in the lanes is counted first.
    ///
    /// # Errors
    ///
    /// [`RangeError`].
    pub fn set_ranges(&mut self, ranges: &[Range]) -> Result<(), RangeError> {
        self.absorb();
        self.kdamond.set_ranges(ranges)
    }
}

/// What another sampler brings along.
#[derive(Debug)]
pub struct Restart {
    /// The operations sets that there are with it.
    pub registry: Registry,
    /// How many of the monitor's lanes it wants.
    pub lanes: usize,
}

/// Something that sees accesses, and the memory they are made to.
pub trait Source: Send {
    /// The moment at which monitoring starts, in nanoseconds of the source's clock.
    fn started_ns(&self) -> u64;

    /// The operations sets that this source offers.
    fn register(&self, registry: &mut Registry);

    /// Where its sets are registered: a registry of its own, unless others share it.
    fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        self.register(&mut registry);
        registry
    }

    /// That set is in force from now on: before anything else at the start, then whenever a commit
    /// has taken effect.
    fn select(&mut self, _ops: &Selected) {}

    /// What to monitor at the start with an operations set, if nobody says otherwise.
    fn targets(&self, ops: OpsId) -> Vec<TargetConfig>;

    /// Reports all accesses before `until_ns` that were not yet reported.
    ///
    /// # Errors
    ///
    /// [`SourceError`]; the source is then at its end.
    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError>;

    /// The memory, for schemes to act on.
    fn operations(&self) -> &dyn Operations;

    /// As [`operations`](Self::operations).
    fn operations_mut(&mut self) -> &mut dyn Operations;

    /// Whether pages can be moved, and to which nodes.
    fn can_migrate_to(&self, nid: u32) -> bool;

    /// Whether there is a node of that number.
    fn has_node(&self, nid: u32) -> bool;

    /// Whether there is a control group of that path, as far as the source knows.
    fn has_memcg(&self, _path: &str) -> bool {
        true
    }

    /// Whether there is a process of that number, as far as the source knows.
    fn has_process(&self, _tgid: u32) -> bool {
        true
    }

    /// What [`restart_sampler`](Self::restart_sampler) would make different.
    ///
    /// # Errors
    ///
    /// [`SamplerError`], whatever it is from a source without a sampler.
    fn check_sampler(&self, _sampler: &SamplerConfig) -> Result<Restart, SamplerError> {
        let expected = "nothing: the source has no sampler".into();
        Err(SamplerError { path: "type", expected, received: "a sampler".into() })
    }

    /// Samples by another configuration, which was checked, from now on. Lanes that it does not want
    /// are let go.
    fn restart_sampler(&mut self, _sampler: &SamplerConfig) {}

    /// Bytes of the hot set on each node, if the source knows the truth.
    fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        None
    }

    /// How fast the workload goes, if the source knows.
    fn throughput(&self) -> Option<Throughput> {
        None
    }

    /// Nanoseconds by which the sampling interval that begins lasts longer than asked for; asked once
    /// for each.
    fn lateness_ns(&mut self) -> u64 {
        0
    }

    /// What the source has counted.
    fn counters(&self) -> SourceCounters;
}

/// What a policy did, and what became of the reports to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyBooks {
    /// What it did.
    pub counters: PolicyCounters,
    /// The lanes from the sampler to it.
    pub lanes: LaneCounters,
}

/// What a source has counted. Either kind balances: see the fields' own documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceCounters {
    /// Of an [`Emulation`](crate::Emulation).
    Emulation {
        /// The sampler's.
        sampler: SamplerCounters,
        /// Its samples by what served them, if it was asked to tell them apart.
        sources: Option<SourceCounts>,
        /// Pages moved, or not: between nodes, out and in.
        migrations: Box<MigrationCounters>,
        /// Pages that are paged out now.
        out_pages: u64,
        /// Accessed bits looked at.
        access_checks: AccessCheckCounters,
        /// Of the policy that places pages, if there is one.
        policy: Option<Box<PolicyBooks>>,
        /// Of the monitor's thread, if it is ever late.
        lateness: Option<LatenessCounters>,
    },
    /// Of [written sets](crate::written): the questions they were asked.
    Written(QuestionCounters),
    /// Of a [live](crate::live) monitor: its producers count for themselves.
    Live,
    /// Of a [`Recording`](crate::Recording).
    Recording {
        /// Rows by verdict.
        rows: RowCounts,
        /// Bytes of the file consumed.
        bytes_read: u64,
        /// Bytes of the file, if known.
        bytes_total: Option<u64>,
    },
}
