//! DAMOS: what to do with memory that is accessed in a certain way, how much of it and how often.

mod action;
mod filter;
mod goal;
mod pattern;
mod quota;
mod record;
mod round;
mod stretch;
mod tried;
mod walk;
mod watermarks;

pub use action::Action;
pub(crate) use filter::CoreFilters;
pub use filter::{CoreFilter, CoreFilterKind, PageFilter, PageFilterKind, PageFilters};
pub use goal::{Goal, Metric, MetricValue};
pub use pattern::{Bounds, Pattern};
pub use quota::{FailCharge, Quota, QuotaConfig};
pub use record::{Round, Share};
pub(crate) use round::{ApplyContext, Rounds, Trace, apply, forget, open_windows, set_priorities};
pub(crate) use tried::Walking;
pub use tried::{TriedRegion, TriedRegions};
pub use watermarks::{WatermarkMetric, Watermarks};

use crate::attrs::Attrs;
use crate::ops::LastApplied;

/// A node to migrate to, among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The node.
    pub nid: u32,
    /// Its share, of the sum of all weights.
    pub weight: u32,
}

/// What the user asks of a scheme. `struct damos`.
#[derive(Clone, Debug)]
pub struct SchemeConfig {
    /// Which regions.
    pub pattern: Pattern,
    /// What is done with them.
    pub action: Action,
    /// Where the migrate actions move pages to.
    pub target_nid: Option<u32>,
    /// The same by weight, for virtual addresses; instead of `target_nid` if there are any.
    pub destinations: Vec<Destination>,
    /// How often, in microseconds; 0 for once per aggregation.
    pub apply_interval_us: u64,
    /// How much.
    pub quota: QuotaConfig,
    /// When.
    pub watermarks: Watermarks,
    /// Which regions, by address or target: evaluated in order, the first that hits decides.
    pub core_filters: Vec<CoreFilter>,
    /// Which pages of those: likewise.
    pub page_filters: Vec<PageFilter>,
    /// Rounds after which nothing is done any more; 0 for no end.
    pub max_nr_snapshots: u64,
}

impl SchemeConfig {
    /// That action on every region, with no limit of any kind.
    pub fn of(action: Action) -> Self {
        Self {
            pattern: Pattern::ANY,
            action,
            target_nid: None,
            destinations: Vec::new(),
            apply_interval_us: 0,
            quota: QuotaConfig::default(),
            watermarks: Watermarks::default(),
            core_filters: Vec::new(),
            page_filters: Vec::new(),
            max_nr_snapshots: 0,
        }
    }

    pub(crate) fn core_filters(&self) -> CoreFilters<'_> {
        let has_page_filters = !self.page_filters.is_empty();
        CoreFilters { list: &self.core_filters, has_page_filters }
    }
}

/// What a scheme has done. Counted since it was installed; never reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemeStats {
    /// Regions the core chose and handed to the operations set.
    pub nr_tried: u64,
    /// Bytes of those.
    pub sz_tried: u64,
    /// Regions on which the action had an effect.
    pub nr_applied: u64,
    /// Bytes it had an effect on.
    pub sz_applied: u64,
    /// Bytes that passed the filters of the operations layer.
    pub sz_ops_filter_passed: u64,
    /// Quota windows that were full when they ended.
    pub qt_exceeds: u64,
    /// Rounds that reached the last region of a target with quota to spare.
    pub nr_snapshots: u64,
}

impl SchemeStats {
    /// What a round did.
    fn add(&mut self, round: &Round) {
        self.nr_tried += round.tried.regions;
        self.sz_tried += round.tried.bytes;
        self.nr_applied += round.applied.regions;
        self.sz_applied += round.applied.bytes;
        self.sz_ops_filter_passed += round.ops_passed_bytes;
    }
}

/// A scheme at work: its configuration and what the monitor keeps for it.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// What the user asked for.
    pub config: SchemeConfig,
    /// What it has done.
    pub stats: SchemeStats,
    /// The quota's state.
    pub quota: Quota,
    /// Whether its watermarks let it act.
    pub(crate) activated: bool,
    /// Tick from which on the scheme is due.
    pub(crate) next_apply_tick: u64,
    pub(crate) last_applied: LastApplied,
}

impl Scheme {
    pub(crate) fn new(config: SchemeConfig, now_tick: u64, attrs: &Attrs) -> Self {
        let mut scheme = Self {
            config,
            stats: SchemeStats::default(),
            quota: Quota::default(),
            activated: true,
            next_apply_tick: 0,
            last_applied: None,
        };
        scheme.schedule(now_tick, attrs);
        scheme
    }

    /// Whether its watermarks let it act.
    pub fn is_activated(&self) -> bool {
        self.activated
    }

    /// Takes a new configuration; what it has done and what it is allowed stays, it is active until
    /// the watermarks are looked at again, and what it is due is not moved. `damos_commit`.
    pub(crate) fn commit(&mut self, config: SchemeConfig) {
        self.config = config;
        self.activated = true;
    }

    /// Next due one apply interval from `now_tick`: not accumulated from when it was due last.
    pub(crate) fn schedule(&mut self, now_tick: u64, attrs: &Attrs) {
        let interval_us = match self.config.apply_interval_us {
            0 => attrs.aggregation_us,
            interval_us => interval_us,
        };
        self.next_apply_tick = now_tick + attrs.ticks(interval_us);
    }

    #[inline]
    fn has_done_its_snapshots(&self) -> bool {
        let most = self.config.max_nr_snapshots;
        most != 0 && self.stats.nr_snapshots >= most
    }

    #[inline]
    pub(crate) fn is_due(&self, now_tick: u64) -> bool {
        now_tick >= self.next_apply_tick
    }

    #[inline]
    pub(crate) fn acts(&self, now_tick: u64) -> bool {
        self.is_due(now_tick) && self.activated
    }
}
