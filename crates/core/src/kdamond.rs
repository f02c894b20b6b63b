//! The monitor's tick, in phases. Source: `damon-core.md` 2.2, kernel `kdamond_fn`.
//!
//! ```text
//! observe      drain the lanes, count; at the end of an aggregation merge and age
//! open_windows quota windows that are due; says which schemes want a tuner's verdict
//! apply        verdicts in, priorities, schemes walk the regions
//! capture      (when asked, at the end of an aggregation) the regions as columns
//! close        at the end of an aggregation reset counts and split
//! ```
//!
//! The tuner lives in the control plane; between `open_windows` and `apply` it has its say. All
//! state is in [`Kdamond`]; time comes in as an argument.

use damon_ring::Lanes;
use thiserror::Error;

use crate::attrs::{Attrs, AttrsError};
use crate::drain::{Drain, DrainCounters, SampleFilter};
use crate::ops::{Operations, OpsId, Selected};
use crate::region::{Adjuster, Range, RangeError, Target};
use crate::scheme::{self, ApplyContext, Metric, Scheme, SchemeConfig};
use crate::snapshot::Snapshot;

/// One address space to monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// The process, for virtual addresses; `None` for physical memory.
    pub tgid: Option<u32>,
    /// Memory to monitor, sorted and disjoint.
    pub ranges: Vec<Range>,
}

impl TargetConfig {
    /// Physical memory.
    pub fn physical(ranges: Vec<Range>) -> Self {
        Self { tgid: None, ranges }
    }
}

/// All that the user sets.
#[derive(Clone, Debug)]
pub struct Config {
    /// Intervals and region numbers.
    pub attrs: Attrs,
    /// What to monitor: physical memory, or processes, each once.
    pub targets: Vec<TargetConfig>,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilter>,
    /// What to do with it, in order.
    pub schemes: Vec<SchemeConfig>,
    /// Decides where regions are cut.
    pub seed: u64,
}

/// Why a configuration was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A monitoring attribute.
    #[error("attrs.{0}")]
    Attrs(#[from] AttrsError),
    /// A monitored range.
    #[error("targets[{target}].ranges: {error}")]
    Ranges {
        /// Index of the target.
        target: usize,
        /// What is wrong with it.
        error: RangeError,
    },
    /// Targets that do not go with the operations set or with each other.
    #[error("targets: expected {expected} for {}", ops.name())]
    Targets {
        /// What would have been right.
        expected: &'static str,
        /// The set selected.
        ops: OpsId,
    },
    /// A goal that the operations set cannot measure. An unsupported metric is an error, never the
    /// value 0: that would open the loop (`hardware-sampling.md` 6).
    #[error("schemes[{scheme}].quota.goals[{goal}]: node_eligible_mem_bp needs physical addresses, not {}", ops.name())]
    Metric {
        /// Index of the scheme.
        scheme: usize,
        /// Index of the goal.
        goal: usize,
        /// The set selected.
        ops: OpsId,
    },
}

/// A quota window opened; the control plane is asked what its goals allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TuneRequest {
    /// Index of the scheme.
    pub scheme: usize,
    /// How many windows opened at once: the tuner's steps to take, 1 or 2.
    pub openings: u32,
    /// The goals' metrics, in order.
    pub metrics: Vec<MetricValue>,
}

/// What a goal's metric reads now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricValue {
    /// The control plane knows.
    UserInput,
    /// `node_eligible_mem_bp`.
    NodeEligible {
        /// `on_node` of `total` in basis points, 0 if nothing is eligible.
        value_bp: u64,
        /// Bytes of matching regions that lie on the goal's node.
        on_node: u64,
        /// Bytes of matching regions on any node.
        total: u64,
    },
}

/// What the tuner says to a [`TuneRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Index of the scheme.
    pub scheme: usize,
    /// Bytes the goals allow in this window.
    pub bytes: u64,
}

/// One monitor.
#[derive(Debug)]
pub struct Kdamond {
    attrs: Attrs,
    ops: Selected,
    targets: Vec<Target>,
    schemes: Vec<Scheme>,
    adjuster: Adjuster,
    drain: Drain,
    /// Sampling intervals passed since the start.
    tick: u64,
    unobserved: u64,
    /// Tick at which the running aggregation ends; advances by whole windows, never slips.
    next_aggregation_tick: u64,
    started_ns: u64,
    requests: Vec<TuneRequest>,
}

impl Kdamond {
    /// A monitor that starts at `now_ns`. Its first tick is due one sampling interval later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn new(config: Config, ops: Selected, now_ns: u64) -> Result<Self, ConfigError> {
        config.attrs.validate()?;
        for (scheme, wanted) in config.schemes.iter().enumerate() {
            for (goal, wanted) in wanted.quota.goals.iter().enumerate() {
                let needs_nodes = matches!(wanted.metric, Metric::NodeEligibleMemBp { .. });
                if needs_nodes && !ops.id().is_physical() {
                    return Err(ConfigError::Metric { scheme, goal, ops: ops.id() });
                }
            }
        }
        check_targets(&config.targets, ops.id())?;
        let attrs = config.attrs;
        let mut targets = Vec::with_capacity(config.targets.len());
        for (index, TargetConfig { tgid, ranges }) in config.targets.iter().enumerate() {
            let mut target = Target::new(*tgid);
            target
                .set_ranges(ranges)
                .map_err(|error| ConfigError::Ranges { target: index, error })?;
            targets.push(target);
        }
        let mut adjuster = Adjuster::new(config.seed);
        adjuster.apply_min_nr_regions(&mut targets, &attrs);
        let tgids: Vec<_> = targets.iter().map(Target::tgid).collect();
        let mut drain = Drain::new(config.sample_filters, &tgids);
        drain.start(now_ns);
        Ok(Self {
            attrs,
            ops,
            targets,
            schemes: config.schemes.into_iter().map(|one| Scheme::new(one, &attrs)).collect(),
            adjuster,
            drain,
            tick: 0,
            unobserved: 0,
            next_aggregation_tick: attrs.ticks(attrs.aggregation_us),
            started_ns: now_ns,
            requests: Vec::new(),
        })
    }

    /// Monitoring begins at `now_ns` instead of when the monitor was made. Before the first tick.
    pub fn begin(&mut self, now_ns: u64) {
        self.started_ns = now_ns;
        self.drain.start(now_ns);
    }

    /// When the next tick is due, in nanoseconds of the monitor's clock.
    pub fn next_tick_ns(&self) -> u64 {
        let since_start =
            (self.tick + 1).saturating_mul(self.attrs.sample_us.saturating_mul(1_000));
        self.started_ns.saturating_add(since_start)
    }

    /// Moves what waits in the lanes into the regions, within the running tick. For sources that
    /// would otherwise have to drop; does not end the sampling interval.
    pub fn absorb(&mut self, lanes: &mut Lanes) {
        let stamp = self.tick_of_window();
        self.drain.run(lanes, &mut self.targets, stamp);
    }

    /// Phase 1: the sampling interval is over.
    pub fn observe(&mut self, now_ns: u64, lanes: &mut Lanes) {
        self.absorb(lanes);
        self.drain.close_interval(now_ns);
        self.tick += 1;
        if self.at_aggregation() {
            self.adjuster.merge(&mut self.targets, &self.attrs);
            self.adjuster.apply_min_nr_regions(&mut self.targets, &self.attrs);
            self.drain.regions_changed();
        }
    }

    /// Phase 2: quota windows. Every request wants a [`Verdict`] in [`apply`](Self::apply).
    pub fn open_windows(&mut self, now_ns: u64, ops: &dyn Operations) -> &[TuneRequest] {
        self.requests.clear();
        let context = context(&self.attrs, &self.targets, self.tick, self.next_aggregation_tick);
        let Self { schemes, targets, requests, .. } = self;
        scheme::open_windows(schemes, targets, &context, now_ns, ops, requests);
        &self.requests
    }

    /// Phase 3: schemes act. A request without a verdict leaves the effective size as it was.
    pub fn apply(&mut self, verdicts: &[Verdict], ops: &mut dyn Operations) {
        verdicts.iter().for_each(|verdict| self.decide(verdict));
        let Self { schemes, targets, attrs, .. } = self;
        let context = context(attrs, targets, self.tick, self.next_aggregation_tick);
        let mut changed = scheme::set_priorities(schemes, targets, &context);
        changed |= scheme::apply(schemes, targets, &context, ops);
        if changed {
            self.drain.regions_changed();
        }
    }

    /// What the goals allow a scheme from now on, until its next window.
    pub fn decide(&mut self, verdict: &Verdict) {
        if let Some(scheme) = self.schemes.get_mut(verdict.scheme) {
            scheme.quota.set_effective(&scheme.config.quota, Some(verdict.bytes));
        }
    }

    /// Whether this tick ends an aggregation: the regions are merged, counted and not yet reset.
    pub fn at_aggregation(&self) -> bool {
        self.tick >= self.next_aggregation_tick
    }

    /// Phase 4, optional: the regions as they stand, and their weight, which begins anew.
    pub fn capture(&mut self, now_ns: u64, into: &mut Snapshot) {
        into.capture(&mut self.targets, now_ns);
    }

    /// Phase 5: the end of the tick.
    pub fn close(&mut self) {
        if !self.at_aggregation() {
            return;
        }
        self.next_aggregation_tick += self.attrs.ticks(self.attrs.aggregation_us);
        for region in self.targets.iter_mut().flat_map(|target| target.regions_mut()) {
            region.last_nr_accesses = region.nr_accesses;
            region.nr_accesses = 0;
            region.credited_in = 0;
        }
        self.adjuster.split(&mut self.targets, &self.attrs);
        self.drain.regions_changed();
    }

    /// Changes the memory that the first target monitors; regions that overlap it stay.
    /// `damon_set_regions`.
    ///
    /// # Errors
    ///
    /// [`RangeError`]; the regions are then as before.
    pub fn set_ranges(&mut self, ranges: &[Range]) -> Result<(), RangeError> {
        self.drain.regions_changed();
        self.targets.first_mut().map_or(Ok(()), |target| target.set_ranges(ranges))
    }

    /// `intervals` sampling intervals passed in which nothing could be observed. They are left out:
    /// not seen and not accessed are not the same, so no region is held to have been idle in them
    /// (`hardware-sampling.md` 1.7).
    pub fn skip(&mut self, intervals: u64) {
        let skipped_ns = intervals.saturating_mul(self.attrs.sample_us.saturating_mul(1_000));
        self.started_ns = self.started_ns.saturating_add(skipped_ns);
        self.unobserved += intervals;
    }

    /// Sampling intervals that were [skipped](Self::skip).
    pub fn unobserved(&self) -> u64 {
        self.unobserved
    }

    /// The running tick of the running aggregation, from 1.
    fn tick_of_window(&self) -> u32 {
        let began = self.next_aggregation_tick - self.attrs.ticks(self.attrs.aggregation_us);
        // A window has at most 2^32 - 1 ticks or the count could not be a u32 either.
        u32::try_from(self.tick - began + 1).unwrap_or(u32::MAX)
    }

    /// The operations set in use.
    pub fn ops(&self) -> OpsId {
        self.ops.id()
    }

    /// The monitored memory.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The schemes, in order.
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The drain, to look at.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// What became of drained reports.
    pub fn drain_counters(&self) -> DrainCounters {
        self.drain.counters()
    }
}

fn check_targets(targets: &[TargetConfig], ops: OpsId) -> Result<(), ConfigError> {
    let refused = |expected| Err(ConfigError::Targets { expected, ops });
    if ops.is_physical() {
        return match targets {
            [TargetConfig { tgid: None, .. }] => Ok(()),
            _ => refused("physical memory, once"),
        };
    }
    let mut tgids: Vec<_> = targets.iter().filter_map(|target| target.tgid).collect();
    tgids.sort_unstable();
    let each_once = tgids.windows(2).all(|pair| pair[0] != pair[1]);
    if tgids.is_empty() || tgids.len() != targets.len() || !each_once {
        return refused("processes, each once");
    }
    Ok(())
}

fn context<'a>(
    attrs: &'a Attrs,
    targets: &[Target],
    now_tick: u64,
    next_aggregation_tick: u64,
) -> ApplyContext<'a> {
    ApplyContext {
        attrs,
        now_tick,
        left_ticks: next_aggregation_tick.saturating_sub(now_tick),
        size_limit: crate::region::size_limit(targets, attrs),
    }
}
