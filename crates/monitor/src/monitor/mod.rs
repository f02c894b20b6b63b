//! The loop: fill the lanes, tick, and stop whenever the control plane is wanted.
//!
//! - [`commit`]: another configuration while monitoring goes on.
//! - [`refusal`]: why a monitor, or a commit, is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use damon_core::drain::{LaneLosses, SampleFilter};
use damon_core::kdamond::{Config, Kdamond, Probe, TargetConfig, TuneRequest, Verdict};
use damon_core::ops::{OpsId, Registry};
use damon_core::region::Range;
use damon_core::scheme::{Round, SchemeConfig, TriedRegions};
use damon_core::{Attrs, Snapshot};
use damon_machine::Throughput;
use damon_ring::{LaneCounters, LaneDoor, LaneId, Lanes, LanesOptions};
use damon_sampler::SamplerConfig;

use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

mod commit;
mod refusal;

use commit::Pending;
pub use refusal::MonitorError;
use refusal::check_context;

/// What is monitored and what is done about it: what can be changed while monitoring goes on.
#[derive(Clone, Debug)]
pub struct ContextConfig {
    /// The operations set.
    pub ops: OpsId,
    /// Intervals and region numbers.
    pub attrs: Attrs,
    /// Bytes of a core address unit.
    pub addr_unit: u64,
    /// What to monitor; what the source says, or, in a commit, what there is, if nothing is said.
    pub targets: Option<Vec<TargetConfig>>,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilter>,
    /// Schemes, in order.
    pub schemes: Vec<SchemeConfig>,
    /// What is counted besides accesses, or instead.
    pub probes: Vec<Probe>,
    /// Whether monitoring rests.
    pub paused: bool,
    /// In a commit: sampling begins anew, by this configuration. It goes on as it is if there is none.
    pub sampler: Option<SamplerConfig>,
    /// Actions that the operations set or the source does not know are tried, as the kernel does,
    /// and take no effect, instead of being refused.
    pub attempt_any_action: bool,
}

/// What a monitor is to do, whatever feeds it.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// What is monitored and what is done about it.
    pub context: ContextConfig,
    /// Time between snapshots in nanoseconds, rounded up to whole aggregations; 0 for one at each.
    pub snapshot_every_ns: u64,
    /// The lanes.
    pub lanes: LanesOptions,
    /// Decides where regions are cut and which of their addresses are looked at.
    pub seed: u64,
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
    /// A walk was completed: see [`Monitor::tried`].
    Tried,
    /// The source has ended and all it reported is counted.
    Ended,
    /// The flag was raised.
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A tick is to begin, if the watermarks let anybody act.
    Gate,
    /// Nobody may act: the watermarks are looked at again then.
    Waiting { until_ns: u64 },
    /// The sampling interval passes.
    Sampling,
    /// The interval was observed: a commit takes effect, and a pause rests here.
    Serving,
    /// Requests are out.
    Tuning,
    /// The schemes have acted; a walk's result may be out.
    Acted,
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
    /// What the next [`Phase::Serving`] commits.
    pending: Option<Pending>,
    registry: Registry,
    tried: TriedRegions,
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
    pub fn new(mut source: Box<dyn Source>, config: MonitorConfig) -> Result<Self, MonitorError> {
        let MonitorConfig { context, snapshot_every_ns, lanes, seed } = config;
        let registry = source.registry();
        let ops = registry.select(context.ops)?;
        source.select(&ops);
        check_context(&*source, &context)?;
        let started_ns = source.started_ns();
        let targets =
            context.targets.clone().unwrap_or_else(|| initial_targets(&*source, &context));
        let kdamond = Kdamond::new(
            core_config(context, targets, seed),
            ops,
            source.operations(),
            started_ns,
        )?;
        Ok(Self {
            source,
            kdamond,
            lanes: Lanes::new(lanes)?,
            requests: Vec::new(),
            snapshot: Snapshot { time_ns: started_ns, since_ns: started_ns, ..Snapshot::default() },
            started_ns,
            snapshot_every_ns,
            next_snapshot_ns: started_ns.saturating_add(snapshot_every_ns),
            now_ns: started_ns,
            phase: Phase::Gate,
            pending: None,
            registry,
            tried: TriedRegions::default(),
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
                Phase::Gate => {
                    if self.cancel.load(Ordering::Relaxed) {
                        return Ok(Event::Cancelled);
                    }
                    self.enter();
                }
                Phase::Waiting { until_ns: end_ns } => {
                    if let Some(event) = self.rest(end_ns, until_ns)? {
                        return Ok(event);
                    }
                    self.serve();
                    self.phase = Phase::Gate;
                }
                Phase::Sampling => {
                    if self.cancel.load(Ordering::Relaxed) {
                        return Ok(Event::Cancelled);
                    }
                    if self.kdamond.next_tick_ns() > until_ns {
                        return Ok(Event::Reached);
                    }
                    self.observe()?;
                }
                Phase::Serving => {
                    self.serve();
                    if self.kdamond.is_paused() {
                        // One asked for since, too: nobody acts.
                        self.kdamond.cancel_walk();
                        let end_ns = self.kdamond.next_tick_ns();
                        if let Some(event) = self.rest(end_ns, until_ns)? {
                            return Ok(event);
                        }
                    } else if self.open_windows() {
                        return Ok(Event::Tune);
                    } else {
                        self.apply(&[]);
                    }
                }
                Phase::Tuning => self.apply(verdicts),
                Phase::Acted => {
                    if let Some(tried) = self.kdamond.take_tried() {
                        self.tried = tried;
                        return Ok(Event::Tried);
                    }
                    self.phase = Phase::Closing;
                    if self.capture() {
                        return Ok(Event::Snapshot);
                    }
                }
                Phase::Closing => self.close(),
            }
        }
    }

    /// A tick begins, or monitoring rests until the watermarks are to be looked at again.
    fn enter(&mut self) {
        if self.kdamond.is_over(self.source.operations()) {
            self.phase = Phase::Ended;
            return;
        }
        self.phase = match self.kdamond.gate(self.source.operations()) {
            Some(wait_us) => {
                let until_ns = self.now_ns.saturating_add(wait_us.saturating_mul(1_000));
                Phase::Waiting { until_ns }
            }
            None => {
                self.kdamond.slip(self.source.lateness_ns());
                self.kdamond.prepare(self.source.operations_mut());
                Phase::Sampling
            }
        };
    }

    /// Lets time pass until `end_ns`, at most to `until_ns`; an event if it did not get that far.
    /// By sampling intervals, so that the lanes need no more room than otherwise.
    fn rest(&mut self, end_ns: u64, until_ns: u64) -> Result<Option<Event>, SourceError> {
        while self.now_ns < end_ns {
            if self.cancel.load(Ordering::Relaxed) {
                return Ok(Some(Event::Cancelled));
            }
            let next_ns = self.kdamond.next_tick_ns().min(end_ns);
            if next_ns > until_ns {
                return Ok(Some(Event::Reached));
            }
            self.fill(next_ns, true)?;
            self.kdamond.rest(next_ns, &mut self.lanes);
            self.now_ns = next_ns;
            if self.source_ended {
                self.phase = Phase::Ended;
                return Ok(Some(Event::Ended));
            }
        }
        Ok(None)
    }

    /// The source reports what happened before `until_ns`.
    fn fill(&mut self, until_ns: u64, resting: bool) -> Result<(), SourceError> {
        if self.source_ended {
            return Ok(());
        }
        let mut intake = Intake::new(&mut self.lanes, &mut self.kdamond, resting);
        match self.source.fill(until_ns, &mut intake) {
            Ok(Fill::UpToDate) => {}
            Ok(Fill::Ended) => self.source_ended = true,
            Err(error) => {
                // What was reported before the failure is counted, so that the books balance.
                intake.absorb();
                self.phase = Phase::Ended;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The sampling interval passes.
    fn observe(&mut self) -> Result<(), SourceError> {
        let due_ns = self.kdamond.next_tick_ns();
        self.fill(due_ns, false)?;
        self.now_ns = due_ns;
        let memory = self.source.operations_mut();
        if self.kdamond.observe(due_ns, &mut self.lanes, memory) {
            self.phase = Phase::Serving;
        } else {
            // Nothing was seen, so nobody acts; whoever would mend that is heard all the same.
            self.serve();
            self.phase = Phase::Gate;
        }
        Ok(())
    }

    /// True if a tuner is wanted.
    fn open_windows(&mut self) -> bool {
        let requests = self.kdamond.open_windows(self.now_ns, self.source.operations());
        self.requests.clear();
        self.requests.extend_from_slice(requests);
        if self.requests.is_empty() {
            return false;
        }
        self.phase = Phase::Tuning;
        true
    }

    /// The schemes act.
    fn apply(&mut self, verdicts: &[Verdict]) {
        self.kdamond.apply(self.now_ns, verdicts, self.source.operations_mut());
        self.phase = Phase::Acted;
    }

    /// True if a snapshot was taken.
    fn capture(&mut self) -> bool {
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
        self.kdamond.close(self.source.operations());
        self.phase = if aggregated && self.source_ended { Phase::Ended } else { Phase::Gate };
    }

    /// Asks which regions each scheme tries in its next round: [`Event::Tried`] tells.
    ///
    /// # Errors
    ///
    /// [`MonitorError::Busy`] while another walk is in progress, [`MonitorError::Ended`] when there
    /// will be no round.
    pub fn walk(&mut self) -> Result<(), MonitorError> {
        if self.phase == Phase::Ended || self.kdamond.schemes().is_empty() {
            return Err(MonitorError::Ended);
        }
        if self.kdamond.walk() { Ok(()) } else { Err(MonitorError::Busy) }
    }

    /// What the last [`Event::Tried`] tells.
    pub fn tried(&self) -> &TriedRegions {
        &self.tried
    }

    /// [`Kdamond::take_rounds`].
    pub fn take_rounds(&mut self) -> Vec<Round> {
        self.kdamond.take_rounds()
    }

    /// The operations sets that can be selected.
    pub fn available_operations(&self) -> impl Iterator<Item = OpsId> + '_ {
        self.registry.available().into_iter()
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
    pub fn next_tick_ns(&self) -> u64 {
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

    /// How fast the workload goes, if the source knows.
    pub fn throughput(&self) -> Option<Throughput> {
        self.source.throughput()
    }

    /// Bytes of the hot set on each node, if the source knows.
    pub fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        self.source.hot_bytes_by_node()
    }
}

/// What the source says, in core address units; what is left of the last one is not monitored.
fn initial_targets(source: &dyn Source, context: &ContextConfig) -> Vec<TargetConfig> {
    let targets = source.targets(context.ops);
    if !context.ops.is_physical() || context.addr_unit <= 1 {
        return targets;
    }
    let units = |target: TargetConfig| {
        let ranges = target.ranges.iter();
        let ranges = ranges.map(|range| scaled(*range, 1, context.addr_unit));
        TargetConfig { ranges: ranges.filter(|range| range.size() > 0).collect(), ..target }
    };
    targets.into_iter().map(units).collect()
}

/// The same addresses in units of another size.
fn scaled(range: Range, from: u64, to: u64) -> Range {
    let address = |address: u64| {
        let units = u128::from(address) * u128::from(from) / u128::from(to.max(1));
        u64::try_from(units).unwrap_or(u64::MAX)
    };
    Range { start: address(range.start), end: address(range.end) }
}

fn core_config(context: ContextConfig, targets: Vec<TargetConfig>, seed: u64) -> Config {
    Config {
        attrs: context.attrs,
        addr_unit: context.addr_unit,
        targets,
        sample_filters: context.sample_filters,
        schemes: context.schemes,
        probes: context.probes,
        paused: context.paused,
        seed,
    }
}
