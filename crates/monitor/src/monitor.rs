//! The loop: fill the lanes, tick, and stop whenever the control plane is wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use damon_core::drain::{LaneLosses, SampleFilter};
use damon_core::kdamond::{Config, ConfigError, Kdamond, TuneRequest, Verdict};
use damon_core::ops::{OpsId, Registry, RegistryError};
use damon_core::scheme::{Action, Metric, SchemeConfig};
use damon_core::{Attrs, Snapshot};
use damon_ring::{LaneCounters, LaneDoor, LaneError, LaneId, Lanes, LanesOptions};
use thiserror::Error;

use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

/// What a monitor is to do, whatever feeds it.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// The operations set.
    pub ops: OpsId,
    /// Intervals and region numbers.
    pub attrs: Attrs,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilter>,
    /// Schemes, in order.
    pub schemes: Vec<SchemeConfig>,
    /// Time between snapshots in nanoseconds, rounded up to whole aggregations; 0 for one at each.
    pub snapshot_every_ns: u64,
    /// The lanes.
    pub lanes: LanesOptions,
    /// Decides where regions are cut.
    pub seed: u64,
}

/// Why a monitor was refused. Nothing has started then.
#[derive(Debug, Error)]
pub enum MonitorError {
    /// Attributes, ranges or metrics.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The shape of the lanes.
    #[error("lanes: {0}")]
    Lanes(#[from] LaneError),
    /// The operations set.
    #[error("operations: {0}")]
    Ops(#[from] RegistryError),
    /// An action that the source's memory does not know.
    #[error("schemes[{scheme}].action: {action} needs memory that can be moved to node {nid}")]
    Action {
        /// Index of the scheme.
        scheme: usize,
        /// The action's name.
        action: &'static str,
        /// Its target node.
        nid: u32,
    },
    /// A goal about a node that is not there.
    #[error("schemes[{scheme}].quota.goals[{goal}].nid: node {nid} does not exist")]
    Node {
        /// Index of the scheme.
        scheme: usize,
        /// Index of the goal.
        goal: usize,
        /// The node.
        nid: u32,
    },
}

/// Why [`Monitor::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The moment asked for is reached.
    Reached,
    /// Quota windows opened: see [`Monitor::requests`]; the next run brings the verdicts.
    Tune,
    /// A snapshot was taken: see [`Monitor::snapshot`].
    Snapshot,
    /// The source has ended and all it reported is counted.
    Ended,
    /// The flag was raised.
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next tick is to be filled and observed.
    Sampling,
    /// Requests are out.
    Tuning,
    /// A snapshot was handed out; the tick is still to be closed.
    Closing,
    /// Nothing more will come.
    Ended,
}

/// What became of the reports of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneReading {
    /// On their way.
    pub counters: LaneCounters,
    /// In the drain.
    pub losses: LaneLosses,
}

/// One monitor, its source and its lanes.
pub struct Monitor {
    source: Box<dyn Source>,
    kdamond: Kdamond,
    lanes: Lanes,
    requests: Vec<TuneRequest>,
    snapshot: Snapshot,
    started_ns: u64,
    snapshot_every_ns: u64,
    next_snapshot_ns: u64,
    now_ns: u64,
    phase: Phase,
    /// The source has nothing more; the running aggregation is still to be finished.
    source_ended: bool,
    cancel: Arc<AtomicBool>,
}

impl Monitor {
    /// Sets up a monitor; it runs when told to.
    ///
    /// # Errors
    ///
    /// [`MonitorError`].
    pub fn new(source: Box<dyn Source>, config: MonitorConfig) -> Result<Self, MonitorError> {
        check_schemes(&*source, &config.schemes)?;
        let mut registry = Registry::default();
        source.register(&mut registry);
        let ops = registry.select(config.ops)?;
        let started_ns = source.started_ns();
        let kdamond = Kdamond::new(
            Config {
                attrs: config.attrs,
                targets: source.targets(),
                sample_filters: config.sample_filters,
                schemes: config.schemes,
                seed: config.seed,
            },
            ops,
            started_ns,
        )?;
        Ok(Self {
            source,
            kdamond,
            lanes: Lanes::new(config.lanes)?,
            requests: Vec::new(),
            snapshot: Snapshot { time_ns: started_ns, since_ns: started_ns, ..Snapshot::default() },
            started_ns,
            snapshot_every_ns: config.snapshot_every_ns,
            next_snapshot_ns: started_ns.saturating_add(config.snapshot_every_ns),
            now_ns: started_ns,
            phase: Phase::Sampling,
            source_ended: false,
            cancel: Arc::default(),
        })
    }

    /// Runs on, at most to `until_ns`. `verdicts` answer the requests of the event before.
    ///
    /// # Errors
    ///
    /// [`SourceError`]; the monitor has then ended.
    pub fn run(&mut self, until_ns: u64, verdicts: &[Verdict]) -> Result<Event, SourceError> {
        loop {
            match self.phase {
                Phase::Ended => return Ok(Event::Ended),
                Phase::Sampling => {
                    if self.cancel.load(Ordering::Relaxed) {
                        return Ok(Event::Cancelled);
                    }
                    if self.kdamond.next_tick_ns() > until_ns {
                        return Ok(Event::Reached);
                    }
                    if self.observe()? {
                        self.phase = Phase::Tuning;
                        return Ok(Event::Tune);
                    }
                    if self.apply(&[]) {
                        return Ok(Event::Snapshot);
                    }
                }
                Phase::Tuning => {
                    if self.apply(verdicts) {
                        return Ok(Event::Snapshot);
                    }
                }
                Phase::Closing => self.close(),
            }
        }
    }

    /// The sampling interval passes; true if a tuner is wanted.
    fn observe(&mut self) -> Result<bool, SourceError> {
        let due_ns = self.kdamond.next_tick_ns();
        if !self.source_ended {
            let mut intake = Intake::new(&mut self.lanes, &mut self.kdamond);
            match self.source.fill(due_ns, &mut intake) {
                Ok(Fill::UpToDate) => {}
                Ok(Fill::Ended) => self.source_ended = true,
                Err(error) => {
                    // What was reported before the failure is counted, so that the books balance.
                    self.kdamond.absorb(&mut self.lanes);
                    self.phase = Phase::Ended;
                    return Err(error);
                }
            }
        }
        self.now_ns = due_ns;
        self.kdamond.observe(due_ns, &mut self.lanes);
        let requests = self.kdamond.open_windows(due_ns, self.source.operations());
        self.requests.clear();
        self.requests.extend_from_slice(requests);
        Ok(!self.requests.is_empty())
    }

    /// The schemes act; true if a snapshot was taken.
    fn apply(&mut self, verdicts: &[Verdict]) -> bool {
        self.kdamond.apply(verdicts, self.source.operations_mut());
        self.phase = Phase::Closing;
        let due = self.now_ns >= self.next_snapshot_ns || self.source_ended;
        if !(self.kdamond.at_aggregation() && due) {
            return false;
        }
        self.kdamond.capture(self.now_ns, &mut self.snapshot);
        self.next_snapshot_ns = self.snapshot_after(self.now_ns);
        true
    }

    /// The next multiple of the snapshot interval, counted from the start, after `now_ns`.
    fn snapshot_after(&self, now_ns: u64) -> u64 {
        let started_ns = self.started_ns;
        let passed = (now_ns - started_ns).checked_div(self.snapshot_every_ns).unwrap_or(0);
        started_ns.saturating_add((passed + 1).saturating_mul(self.snapshot_every_ns))
    }

    fn close(&mut self) {
        let aggregated = self.kdamond.at_aggregation();
        self.kdamond.close();
        self.phase = if aggregated && self.source_ended { Phase::Ended } else { Phase::Sampling };
    }

    /// Monitoring begins at `now_ns` instead of when the source began. Before the first run.
    pub(crate) fn begin(&mut self, now_ns: u64) {
        self.kdamond.begin(now_ns);
        self.started_ns = now_ns;
        self.now_ns = now_ns;
        self.next_snapshot_ns = now_ns.saturating_add(self.snapshot_every_ns);
        (self.snapshot.time_ns, self.snapshot.since_ns) = (now_ns, now_ns);
    }

    /// [`Kdamond::next_tick_ns`].
    pub(crate) fn next_tick_ns(&self) -> u64 {
        self.kdamond.next_tick_ns()
    }

    /// [`Kdamond::skip`].
    pub(crate) fn skip(&mut self, intervals: u64) {
        self.kdamond.skip(intervals);
    }

    /// [`Kdamond::decide`].
    pub(crate) fn decide(&mut self, verdict: &Verdict) {
        self.kdamond.decide(verdict);
    }

    /// Whether anybody could report.
    pub(crate) fn has_lanes(&self) -> bool {
        self.lanes.in_use() > 0
    }

    /// Closes the lanes, counts what they still hold, and takes a snapshot of it. The monitor has
    /// then ended.
    pub(crate) fn finish(&mut self, now_ns: u64) {
        self.lanes.close();
        self.kdamond.absorb(&mut self.lanes);
        self.now_ns = now_ns;
        self.kdamond.capture(now_ns, &mut self.snapshot);
        self.phase = Phase::Ended;
    }

    /// Where producers get their lanes.
    pub fn door(&self) -> LaneDoor {
        self.lanes.door()
    }

    /// Each lane in use with what it counted and what the drain lost of it; the same of lanes no
    /// longer in use, summed.
    pub fn by_lane(&self) -> (Vec<(LaneId, LaneReading)>, LaneReading) {
        let drain = self.kdamond.drain();
        let in_use: Vec<_> = self
            .lanes
            .by_lane()
            .map(|(lane, counters)| (lane, LaneReading { counters, losses: drain.losses(lane) }))
            .collect();
        let lanes = in_use.iter().map(|(lane, _)| *lane).collect();
        let retired =
            LaneReading { counters: self.lanes.retired(), losses: drain.losses_but(&lanes) };
        (in_use, retired)
    }

    /// What the last [`Event::Tune`] asked.
    pub fn requests(&self) -> &[TuneRequest] {
        &self.requests
    }

    /// What the last [`Event::Snapshot`] took.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Now, in nanoseconds of the source's clock.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// A flag that, raised from anywhere, ends a run at the next tick.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// The kdamond, to look at.
    pub fn kdamond(&self) -> &Kdamond {
        &self.kdamond
    }

    /// The lanes' counters, summed.
    pub fn lane_counters(&self) -> LaneCounters {
        self.lanes.counters()
    }

    /// What the source has counted.
    pub fn source_counters(&self) -> SourceCounters {
        self.source.counters()
    }

    /// Bytes of the hot set on each node, if the source knows.
    pub fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        self.source.hot_bytes_by_node()
    }
}

fn check_schemes(source: &dyn Source, schemes: &[SchemeConfig]) -> Result<(), MonitorError> {
    for (index, scheme) in schemes.iter().enumerate() {
        if let Action::MigrateHot { target_nid } | Action::MigrateCold { target_nid } =
            scheme.action
            && !source.can_migrate_to(target_nid)
        {
            let action = scheme.action.name();
            return Err(MonitorError::Action { scheme: index, action, nid: target_nid });
        }
        for (goal, wanted) in scheme.quota.goals.iter().enumerate() {
            if let Metric::NodeEligibleMemBp { nid } = wanted.metric
                && !source.has_node(nid)
            {
                return Err(MonitorError::Node { scheme: index, goal, nid });
            }
        }
    }
    Ok(())
}
