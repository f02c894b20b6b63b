//! What a live monitor does each time it wakes. The clock is an argument.

use damon_core::Snapshot;
use damon_core::kdamond::{TargetConfig, TuneRequest, Verdict};
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Operations, OpsId, Primitive, Reading, Registry,
};
use damon_core::region::Range;
use damon_core::scheme::Round;

use super::queue::QueueOptions;
use crate::monitor::{Event, Monitor, MonitorConfig, MonitorError};
use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

/// A live monitor's configuration.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// As of any monitor. Its targets have to be given.
    pub monitor: MonitorConfig,
    /// Room for snapshots.
    pub queue: QueueOptions,
}

/// How late the thread woke, in nanoseconds: by powers of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// `buckets[n]` counts wake-ups that were late by 2^n up to 2^(n + 1) nanoseconds; the first
    /// also those that were not late, the last also all later ones.
    pub buckets: [u64; 32],
    /// The latest.
    pub max_ns: u64,
}

impl Lateness {
    fn record(&mut self, late_ns: u64) {
        let bucket = late_ns.max(1).ilog2().min(31) as usize;
        self.buckets[bucket] += 1;
        self.max_ns = self.max_ns.max(late_ns);
    }
}

/// What only a live monitor counts. `intervals = observed + unobserved`, and the kdamond knows the
/// unobserved ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveCounters {
    /// Sampling intervals whose lanes were drained.
    pub observed: u64,
    /// How late.
    pub lateness: Lateness,
}

pub(super) struct Steps {
    monitor: Monitor,
    sample_ns: u64,
    counters: LiveCounters,
    finished: bool,
}

impl Steps {
    pub(super) fn new(config: LiveConfig, now_ns: u64) -> Result<Self, MonitorError> {
        let LiveConfig { monitor, .. } = config;
        let sample_ns = monitor.context.attrs.sample_us.saturating_mul(1_000).max(1);
        let source = Producers { started_ns: now_ns, memory: Watched };
        let monitor = Monitor::new(Box::new(source), monitor)?;
        Ok(Self { monitor, sample_ns, counters: LiveCounters::default(), finished: false })
    }

    /// Monitoring begins at `now_ns`, however long ago the monitor was made.
    pub(super) fn start(&mut self, now_ns: u64) {
        self.monitor.begin(now_ns);
    }

    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    pub(super) fn counters(&self) -> &LiveCounters {
        &self.counters
    }

    pub(super) fn due_ns(&self) -> u64 {
        self.monitor.next_tick_ns()
    }

    pub(super) fn decide(&mut self, verdicts: &[Verdict]) {
        verdicts.iter().for_each(|verdict| self.monitor.decide(verdict));
    }

    /// [`Monitor::take_rounds`].
    pub(super) fn take_rounds(&mut self) -> Vec<Round> {
        self.monitor.take_rounds()
    }

    /// One sampling interval, due or overdue at `now_ns`. `post` gets quota requests and the
    /// snapshot, if there are any.
    pub(super) fn step(
        &mut self,
        now_ns: u64,
        mut post: impl FnMut(&[TuneRequest], u64, Option<&Snapshot>),
    ) {
        let late_ns = now_ns.saturating_sub(self.due_ns());
        // Whole intervals that passed unseen: what they brought is drained now, as one interval's.
        self.monitor.skip(late_ns / self.sample_ns);
        self.counters.lateness.record(late_ns);
        if !self.monitor.has_lanes() {
            self.monitor.skip(1);
            return;
        }
        self.counters.observed += 1;
        let until_ns = self.due_ns();
        loop {
            // The source below never fails and never ends.
            match self.monitor.run(until_ns, &[]) {
                Ok(Event::Tune) => post(self.monitor.requests(), self.monitor.now_ns(), None),
                Ok(Event::Snapshot) => post(&[], 0, Some(self.monitor.snapshot())),
                // Nobody asks for a walk.
                Ok(Event::Tried) => {}
                Ok(Event::Reached | Event::Ended | Event::Cancelled) | Err(_) => return,
            }
        }
    }

    /// Closes the lanes, drains them for the last time and hands out what was seen since the last
    /// snapshot. Its access counts are those of an aggregation cut short. Once.
    pub(super) fn finish(
        &mut self,
        now_ns: u64,
        mut post: impl FnMut(&[TuneRequest], u64, Option<&Snapshot>),
    ) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.monitor.finish(now_ns);
        post(&[], now_ns, Some(self.monitor.snapshot()));
    }
}

/// Whoever has a lane, as a source: it reports by itself. The memory can be watched, not acted on.
struct Producers {
    started_ns: u64,
    memory: Watched,
}

impl Source for Producers {
    fn started_ns(&self) -> u64 {
        self.started_ns
    }

    fn register(&self, registry: &mut Registry) {
        // Regions of a process stay where they are: nobody tells of its mappings.
        for ops in [OpsId::Fvaddr, OpsId::PaddrIbs] {
            // The registry is this source's own and new, so the id is free.
            let registered = registry.register(ops, Primitive::Reports);
            debug_assert!(registered.is_ok());
        }
    }

    fn targets(&self, _ops: OpsId) -> Vec<TargetConfig> {
        Vec::new()
    }

    fn fill(&mut self, _until_ns: u64, _intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        Ok(Fill::UpToDate)
    }

    fn operations(&self) -> &dyn Operations {
        &self.memory
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        &mut self.memory
    }

    fn can_migrate_to(&self, _nid: u32) -> bool {
        false
    }

    fn has_node(&self, _nid: u32) -> bool {
        false
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::Live
    }
}

/// Memory of which nothing is known but the reports.
#[derive(Debug)]
struct Watched;

impl Operations for Watched {
    fn apply(&mut self, _job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        Applied::default()
    }

    // Both sets live on reports.
    fn prepare_access_checks(&mut self, _tgid: Option<u32>, _addresses: &[u64]) {}

    fn check_accesses(&mut self, _tgid: Option<u32>, _addresses: &[u64], _accessed: &mut [bool]) {}

    // A process that reports is there; one that does not is not missed.
    fn is_target_valid(&self, _tgid: u32) -> bool {
        true
    }

    fn mappings(&self, _tgid: u32) -> Option<Vec<Range>> {
        None
    }

    fn read(&self, _gauge: &Gauge) -> Option<Reading> {
        None
    }

    fn bytes_on_node(&self, range: Range, _nid: u32) -> NodeBytes {
        NodeBytes { on_node: 0, total: range.size() }
    }
}
