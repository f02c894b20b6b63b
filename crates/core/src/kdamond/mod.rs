//! The monitor's tick, in phases. Source: `damon-core.md` 2.2, kernel `kdamond_fn`.
//!
//! ```text
//! gate         whether watermarks let anybody act; if not, how long to wait instead
//! prepare      sets that check accesses, and probes, choose an address of each region
//! observe      check them, or drain the lanes; ask probes; at the end of an aggregation merge and age
//! commit       (when asked) a new configuration, all or nothing
//! open_windows quota windows that are due; says which schemes want a tuner's verdict
//! apply        verdicts in, priorities, schemes walk the regions
//! capture      (when asked, at the end of an aggregation) the regions as columns
//! close        at the end of an aggregation tune the intervals, reset counts and split; now and
//!              then look for changed mappings
//! ```
//!
//! The tuner lives in the control plane; between `open_windows` and `apply` it has its say. All
//! state is in [`Kdamond`]; time comes in as an argument.
//!
//! Other than in the kernel, which sleeps one interval after the work of another: ticks are due at
//! multiples of the sampling interval; one that is committed while watermarks rest is slept at
//! once and not from the tick after on; physical memory is one target, neither none nor more.

mod commit;
mod config;
mod intervals;
mod probe;

use damon_ring::Lanes;

pub use config::{Config, ConfigError, TargetConfig};
pub use probe::{Prep, Probe, ProbeFilter, ProbeFilterKind};

use crate::attrs::Attrs;
use crate::drain::{Drain, DrainCounters};
use crate::ops::{Operations, OpsId, Primitive, Selected};
use crate::region::{Adjuster, Moving, Range, RangeError, Target, size_limit, three_regions};
pub use crate::scheme::MetricValue;
use crate::scheme::{self, ApplyContext, Round, Rounds, Scheme, Trace, TriedRegions, Walking};
use crate::snapshot::Snapshot;

/// A quota window opened; the control plane is asked what its goals allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TuneRequest {
    /// Index of the scheme.
    pub scheme: usize,
    /// How many windows opened at once: the tuner's steps to take, 1 or 2.
    pub openings: u32,
    /// Bytes that the scheme might try in the window before; 0 also if there was none.
    pub effective_sz_bytes: u64,
    /// The goals' metrics, in order.
    pub metrics: Vec<MetricValue>,
}

/// What the tuner says to a [`TuneRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Index of the scheme.
    pub scheme: usize,
    /// Bytes the goals allow in this window.
    pub bytes: u64,
    /// The same in the window before, which ended as it opened: of two openings at once.
    pub bytes_before: Option<u64>,
}

impl Verdict {
    /// For one opening.
    pub fn new(scheme: usize, bytes: u64) -> Self {
        Self { scheme, bytes, bytes_before: None }
    }
}

/// One monitor.
#[derive(Debug)]
pub struct Kdamond {
    attrs: Attrs,
    /// Ticks of an aggregation as the user set it: kept when the intervals are tuned.
    aggregation_samples: u64,
    addr_unit: u64,
    min_region_sz: u64,
    ops: Selected,
    targets: Vec<Target>,
    schemes: Vec<Scheme>,
    probes: Vec<Probe>,
    paused: bool,
    adjuster: Adjuster,
    drain: Drain,
    /// By target: the addresses to be checked, in bytes, one of each region.
    samples: Vec<Vec<u64>>,
    /// Which of those were accessed. Reused.
    accessed: Vec<bool>,
    /// Which probes they passed, a bit each. Reused.
    passed: Vec<u8>,
    /// Sampling intervals passed since the start.
    tick: u64,
    unobserved: u64,
    /// Tick at which the running aggregation ends; advances by whole windows, never slips.
    next_aggregation_tick: u64,
    next_ops_update_tick: u64,
    next_intervals_tune_tick: u64,
    /// The first two as they were when the running tick began, whatever is committed in it.
    latched: Latched,
    /// When the running tick began.
    tick_began_ns: u64,
    /// [`Operations::unanswered`] as it was then.
    unanswered: u64,
    requests: Vec<TuneRequest>,
    /// Schemes whose window opened in this tick.
    opened: Vec<usize>,
    rounds: Rounds,
    walking: Option<Walking>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Latched {
    aggregation_tick: u64,
    ops_update_tick: u64,
    attributes_only: bool,
}

impl Kdamond {
    /// A monitor that starts at `now_ns`. Its first tick is due one sampling interval later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn new(
        config: Config,
        ops: Selected,
        memory: &dyn Operations,
        now_ns: u64,
    ) -> Result<Self, ConfigError> {
        let min_region_sz = config.check(ops.id(), memory)?;
        let attrs = config.attrs;
        let mut targets = Vec::with_capacity(config.targets.len());
        for (index, wanted) in config.targets.iter().enumerate() {
            if wanted.obsolete {
                return Err(ConfigError::Obsolete { target: index });
            }
            targets.push(initial_target(index, wanted, ops.id(), memory, min_region_sz)?);
        }
        let mut adjuster = Adjuster::new(config.seed, min_region_sz);
        adjuster.apply_min_nr_regions(&mut targets, &attrs);
        let tgids: Vec<_> = targets.iter().map(Target::tgid).collect();
        let mut drain = Drain::new(config.sample_filters, &tgids);
        drain.start(now_ns);
        let next_aggregation_tick = attrs.ticks(attrs.aggregation_us);
        let next_ops_update_tick =
            if lacks_regions(&targets, ops.id()) { 1 } else { attrs.ticks(attrs.ops_update_us) };
        Ok(Self {
            attrs,
            aggregation_samples: next_aggregation_tick,
            addr_unit: if ops.id() == OpsId::Paddr { config.addr_unit } else { 1 },
            min_region_sz,
            ops,
            samples: vec![Vec::new(); targets.len()],
            accessed: Vec::new(),
            passed: Vec::new(),
            targets,
            schemes: config.schemes.into_iter().map(|one| Scheme::new(one, 0, &attrs)).collect(),
            paused: config.paused,
            adjuster,
            drain,
            tick: 0,
            unobserved: 0,
            next_aggregation_tick,
            next_ops_update_tick,
            next_intervals_tune_tick: next_aggregation_tick
                .saturating_mul(attrs.intervals_goal.aggregations),
            latched: Latched {
                aggregation_tick: next_aggregation_tick,
                ops_update_tick: next_ops_update_tick,
                attributes_only: probe::attributes_only(&config.probes),
            },
            probes: config.probes,
            tick_began_ns: now_ns,
            unanswered: 0,
            requests: Vec::new(),
            opened: Vec::new(),
            rounds: Rounds::default(),
            walking: None,
        })
    }

    /// Monitoring begins at `now_ns` instead of when the monitor was made. Before the first tick.
    pub fn begin(&mut self, now_ns: u64) {
        self.tick_began_ns = now_ns;
        self.drain.start(now_ns);
    }

    /// When the next tick is due, in nanoseconds of the monitor's clock.
    pub fn next_tick_ns(&self) -> u64 {
        self.tick_began_ns.saturating_add(self.attrs.sample_us.saturating_mul(1_000))
    }

    /// Whether no process is left to monitor.
    pub fn is_over(&self, memory: &dyn Operations) -> bool {
        let valid = |target: &Target| target.tgid().is_none_or(|tgid| memory.is_target_valid(tgid));
        !self.ops.id().is_physical() && !self.targets.iter().any(valid)
    }

    /// Before a tick: looks at the watermarks, and gives the microseconds to wait before that is
    /// done again if no scheme may act. Time that passes so is to be [left out](Self::rest).
    /// `kdamond_wait_activation`.
    pub fn gate(&mut self, memory: &dyn Operations) -> Option<u64> {
        let waits = self.schemes.iter_mut().map(|scheme| {
            let (activated, wait_us) = scheme.config.watermarks.look(scheme.activated, memory);
            scheme.activated = activated;
            wait_us
        });
        // Every scheme is looked at, so that each is active or not by the same reading.
        let wait_us = waits.min().unwrap_or(0);
        if wait_us == 0 {
            return None;
        }
        self.walking = None;
        Some(wait_us)
    }

    /// Phase 1: chooses the addresses that are looked at in the next sampling interval, and makes
    /// their pages old. `damon_pa_prepare_access_checks`.
    pub fn prepare(&mut self, memory: &mut dyn Operations) {
        self.unanswered = memory.unanswered();
        let checks = self.checks_accesses();
        if checks {
            for (target, samples) in self.targets.iter().zip(&mut self.samples) {
                if target.tgid().is_some_and(|tgid| !memory.is_target_valid(tgid)) {
                    samples.clear();
                    continue;
                }
                self.adjuster.sample(target, samples);
                probe::scale(samples, self.addr_unit);
                if !samples.is_empty() {
                    memory.prepare_access_checks(target.tgid(), samples);
                }
            }
        }
        self.prepare_probes(memory, checks);
    }

    /// Whether the operations set looks at pages, and accesses count.
    fn checks_accesses(&self) -> bool {
        self.ops.primitive() == Primitive::AccessChecks && !self.latched.attributes_only
    }

    /// Moves what waits in the lanes into the regions, within the running tick. For sources that
    /// would otherwise have to drop; does not end the sampling interval.
    pub fn absorb(&mut self, lanes: &mut Lanes) {
        if self.ops.primitive() == Primitive::Reports {
            let stamp = self.tick_of_window();
            self.drain.run(lanes, &mut self.targets, stamp);
        }
    }

    /// Phase 2: the sampling interval is over. False if the operations set left a question of this
    /// interval unanswered: it is then [left out](Self::skip), and there is nothing to act on.
    pub fn observe(&mut self, now_ns: u64, lanes: &mut Lanes, memory: &mut dyn Operations) -> bool {
        match self.ops.primitive() {
            Primitive::Reports => {
                self.absorb(lanes);
                if memory.unanswered() != self.unanswered {
                    self.skip(1);
                    return false;
                }
                self.drain.close_interval(now_ns);
            }
            Primitive::AccessChecks if self.checks_accesses() => {
                if !self.check(memory) {
                    self.skip(1);
                    return false;
                }
            }
            Primitive::AccessChecks => (),
        }
        self.apply_probes(memory);
        // When it was due, however late it is: windows do not slip.
        self.tick_began_ns = self.next_tick_ns();
        self.tick += 1;
        if self.at_aggregation() {
            let weighing = self.weighing();
            self.adjuster.merge(&mut self.targets, &self.attrs, &weighing);
            self.adjuster.apply_min_nr_regions(&mut self.targets, &self.attrs);
            self.drain.regions_changed();
        }
        true
    }

    /// All targets are asked before any region is credited: false, and nothing is, if one of them
    /// is not answered for.
    fn check(&mut self, memory: &mut dyn Operations) -> bool {
        let tick = self.tick_of_window();
        self.accessed.clear();
        self.accessed.resize(self.samples.iter().map(Vec::len).sum(), false);
        let mut rest = &mut self.accessed[..];
        for (target, samples) in self.targets.iter().zip(&self.samples) {
            let (accessed, others) = rest.split_at_mut(samples.len());
            if !samples.is_empty() {
                memory.check_accesses(target.tgid(), samples, accessed);
            }
            rest = others;
        }
        if memory.unanswered() != self.unanswered {
            return false;
        }
        let mut rest = &self.accessed[..];
        for (target, samples) in self.targets.iter_mut().zip(&self.samples) {
            let (accessed, others) = rest.split_at(samples.len());
            let mut largest_count = 0;
            for (region, accessed) in target.regions_mut().iter_mut().zip(accessed) {
                if *accessed {
                    region.credit(1, tick);
                    largest_count = region.nr_accesses.max(largest_count);
                }
            }
            target.credited(largest_count);
            rest = others;
        }
        true
    }

    /// Phase 3: quota windows. Every request wants a [`Verdict`] in [`apply`](Self::apply).
    pub fn open_windows(&mut self, now_ns: u64, memory: &dyn Operations) -> &[TuneRequest] {
        self.requests.clear();
        self.opened.clear();
        let context = self.context(now_ns);
        let Self { schemes, targets, requests, opened, .. } = self;
        scheme::open_windows(schemes, targets, &context, memory, requests, opened);
        &self.requests
    }

    /// Phase 4: schemes act. A request without a verdict leaves the effective size as it was.
    pub fn apply(&mut self, now_ns: u64, verdicts: &[Verdict], memory: &mut dyn Operations) {
        verdicts.iter().for_each(|verdict| self.decide(verdict));
        if !self.schemes.iter().any(Scheme::is_activated) {
            // Nobody would ever finish a round for it.
            self.walking = None;
            return;
        }
        let context = self.context(now_ns);
        let Self { schemes, targets, rounds, opened, walking, drain, .. } = self;
        let mut changed = scheme::set_priorities(schemes, targets, &context);
        let mut trace = Trace { rounds, opened, walking: walking.as_mut() };
        changed |= scheme::apply(schemes, targets, &context, &mut trace, memory);
        if changed {
            drain.regions_changed();
        }
    }

    fn context(&self, now_ns: u64) -> ApplyContext {
        ApplyContext {
            attrs: self.attrs,
            ops: self.ops.id(),
            now_ns,
            now_tick: self.tick,
            moving: Moving::new(
                self.next_aggregation_tick.saturating_sub(self.tick),
                self.attrs.ticks(self.attrs.aggregation_us),
            ),
            probe_weights: probe::weights(&self.probes),
            size_limit: size_limit(&self.targets, &self.attrs, self.min_region_sz),
            min_region_sz: self.min_region_sz,
            addr_unit: self.addr_unit,
        }
    }

    /// What the goals allow a scheme from now on, until its next window.
    pub fn decide(&mut self, verdict: &Verdict) {
        let min_region_sz = self.min_region_sz;
        let Some(scheme) = self.schemes.get_mut(verdict.scheme) else { return };
        let Scheme { config, quota, stats, .. } = scheme;
        if let Some(bytes) = verdict.bytes_before {
            let was_full = quota.first_was_full(&config.quota, Some(bytes), min_region_sz);
            stats.qt_exceeds += u64::from(was_full);
        }
        quota.set_effective(&config.quota, Some(verdict.bytes), min_region_sz);
    }

    /// Whether this tick ends an aggregation: the regions are merged, counted and not yet reset.
    pub fn at_aggregation(&self) -> bool {
        self.tick >= self.latched.aggregation_tick
    }

    /// Phase 5, optional: the regions as they stand, and their weight, which begins anew.
    pub fn capture(&mut self, now_ns: u64, into: &mut Snapshot) {
        into.capture(&mut self.targets, self.addr_unit, now_ns);
    }

    /// Phase 6: the end of the tick.
    pub fn close(&mut self, memory: &dyn Operations) {
        if self.at_aggregation() {
            self.next_aggregation_tick = self.latched.aggregation_tick;
            self.tune_intervals();
            self.next_aggregation_tick =
                self.latched.aggregation_tick + self.attrs.ticks(self.attrs.aggregation_us);
            self.adjuster.split(&mut self.targets, &self.attrs);
            self.drain.regions_changed();
        }
        if self.tick >= self.latched.ops_update_tick {
            self.next_ops_update_tick =
                self.latched.ops_update_tick + self.attrs.ticks(self.attrs.ops_update_us);
            self.update(memory);
        }
        // The next tick begins, with whatever watermarks have to say and may have committed in it.
        self.latched = Latched {
            aggregation_tick: self.next_aggregation_tick,
            ops_update_tick: self.next_ops_update_tick,
            attributes_only: probe::attributes_only(&self.probes),
        };
    }

    /// Follows the mappings of processes; a process whose mappings make no three regions keeps
    /// what it has. `damon_va_update`.
    fn update(&mut self, memory: &dyn Operations) {
        if !self.ops.id().follows_mappings() {
            return;
        }
        for target in &mut self.targets {
            let mappings = target.tgid().and_then(|tgid| memory.mappings(tgid));
            let three = mappings.and_then(|mappings| three_regions(&mappings, self.min_region_sz));
            if let Some(three) = three {
                // Ranges of mappings in order are in order; if one is empty, nothing changes.
                let _ = target.set_ranges(&three, self.min_region_sz);
            }
        }
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
        let min_region_sz = self.min_region_sz;
        self.targets.first_mut().map_or(Ok(()), |target| target.set_ranges(ranges, min_region_sz))
    }

    /// `intervals` sampling intervals passed in which nothing could be observed. They are left out:
    /// not seen and not accessed are not the same, so no region is held to have been idle in them
    /// (`hardware-sampling.md` 1.7).
    pub fn skip(&mut self, intervals: u64) {
        let skipped_ns = intervals.saturating_mul(self.attrs.sample_us.saturating_mul(1_000));
        self.tick_began_ns = self.tick_began_ns.saturating_add(skipped_ns);
        self.unobserved += intervals;
    }

    /// The sampling interval that begins lasts so much longer than asked for, and all that follows is
    /// as much later: a kernel's thread asks for its next interval only when it is done with the last.
    pub fn slip(&mut self, late_ns: u64) {
        self.tick_began_ns = self.tick_began_ns.saturating_add(late_ns);
    }

    /// Empties the lanes without looking: what was reported while monitoring rests is stale.
    pub fn discard(&mut self, lanes: &mut Lanes) {
        self.drain.discard(lanes);
    }

    /// Time passed up to `now_ns` in which monitoring rested, for watermarks or a pause.
    pub fn rest(&mut self, now_ns: u64, lanes: &mut Lanes) {
        self.discard(lanes);
        self.drain.start(now_ns);
        self.tick_began_ns = now_ns;
    }

    /// Sampling intervals that were [skipped](Self::skip).
    pub fn unobserved(&self) -> u64 {
        self.unobserved
    }

    /// Whether monitoring is to [rest](Self::rest) after phase 2, until a commit says otherwise.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Has the next rounds tell which regions each scheme tries. One walk at a time: false if one
    /// is in progress.
    pub fn walk(&mut self) -> bool {
        if self.walking.is_some() {
            return false;
        }
        self.walking = Some(Walking::new(self.schemes.len()));
        true
    }

    /// Whether a walk is in progress; one that was cancelled, by watermarks, a pause, or for want
    /// of schemes, is not.
    pub fn is_walking(&self) -> bool {
        self.walking.is_some()
    }

    /// Ends the walk in progress.
    pub fn cancel_walk(&mut self) {
        self.walking = None;
    }

    /// What the walk saw, once every scheme has finished a round.
    pub fn take_tried(&mut self) -> Option<TriedRegions> {
        let seen = self.walking.as_mut()?.completed()?;
        self.walking = None;
        Some(seen)
    }

    /// Accounts of rounds since the last call, oldest first.
    pub fn take_rounds(&mut self) -> Vec<Round> {
        self.rounds.take()
    }

    /// Accounts that had to make room because nobody took them.
    pub fn rounds_dropped(&self) -> u64 {
        self.rounds.dropped
    }

    /// The running tick of the running aggregation, from 1.
    fn tick_of_window(&self) -> u32 {
        let window = self.attrs.ticks(self.attrs.aggregation_us);
        let began = self.next_aggregation_tick.saturating_sub(window);
        // A window has at most 2^32 - 1 ticks or the count could not be a u32 either.
        u32::try_from(self.tick - began + 1).unwrap_or(u32::MAX)
    }

    /// The operations set in use.
    pub fn ops(&self) -> OpsId {
        self.ops.id()
    }

    /// How accesses are seen.
    pub fn primitive(&self) -> Primitive {
        self.ops.primitive()
    }

    /// The attributes in force: the user's, or as tuned since.
    pub fn attrs(&self) -> &Attrs {
        &self.attrs
    }

    /// Bytes of a core address unit.
    pub fn addr_unit(&self) -> u64 {
        self.addr_unit
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

fn initial_target(
    index: usize,
    wanted: &TargetConfig,
    ops: OpsId,
    memory: &dyn Operations,
    min_region_sz: u64,
) -> Result<Target, ConfigError> {
    let mut target = Target::new(wanted.tgid);
    let refused = |error| ConfigError::Ranges { target: index, error };
    if let (OpsId::Vaddr, [], Some(tgid)) = (ops, &wanted.ranges[..], wanted.tgid) {
        let mappings = memory.mappings(tgid).unwrap_or_default();
        let three = three_regions(&mappings, min_region_sz)
            .ok_or(ConfigError::Mappings { target: index, tgid })?;
        target.set_ranges(&three, min_region_sz).map_err(refused)?;
    } else {
        target.set_ranges(&wanted.ranges, min_region_sz).map_err(refused)?;
    }
    Ok(target)
}

/// Whether processes have no regions until somebody tells their mappings. A set that is a program
/// of its own cannot be asked before the monitor runs: it is asked at the end of the first tick.
fn lacks_regions(targets: &[Target], ops: OpsId) -> bool {
    ops.follows_mappings() && targets.iter().any(|target| target.regions().is_empty())
}
