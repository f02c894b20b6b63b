//! DAMOS: what to do with memory that is accessed in a certain way, how much of it and how often.

mod filter;
mod pattern;
mod quota;
mod round;
mod walk;

mod action;

pub use action::Action;
pub use filter::AddressFilter;
pub use pattern::{Bounds, Pattern};
pub use quota::{Goal, Metric, Quota, QuotaConfig};
pub(crate) use round::{ApplyContext, apply, open_windows, set_priorities};

use crate::attrs::Attrs;

/// What the user asks of a scheme. `struct damos`.
#[derive(Clone, Debug)]
pub struct SchemeConfig {
    /// Which regions.
    pub pattern: Pattern,
    /// What is done with them.
    pub action: Action,
    /// How often, in microseconds; 0 for once per aggregation.
    pub apply_interval_us: u64,
    /// How much.
    pub quota: QuotaConfig,
    /// Where: evaluated in order, the first that hits decides.
    pub filters: Vec<AddressFilter>,
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

/// A scheme at work: its configuration and what the monitor keeps for it.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// What the user asked for.
    pub config: SchemeConfig,
    /// What it has done.
    pub stats: SchemeStats,
    /// The quota's state.
    pub quota: Quota,
    /// Tick from which on the scheme is due.
    pub(crate) next_apply_tick: u64,
}

impl Scheme {
    pub(crate) fn new(config: SchemeConfig, attrs: &Attrs) -> Self {
        let mut scheme = Self {
            config,
            stats: SchemeStats::default(),
            quota: Quota::default(),
            next_apply_tick: 0,
        };
        scheme.schedule(0, attrs);
        scheme
    }

    /// Next due one apply interval from `now_tick`: not accumulated from when it was due last.
    pub(crate) fn schedule(&mut self, now_tick: u64, attrs: &Attrs) {
        let interval_us = match self.config.apply_interval_us {
            0 => attrs.aggregation_us,
            interval_us => interval_us,
        };
        self.next_apply_tick = now_tick + attrs.ticks(interval_us);
    }

    pub(crate) fn is_due(&self, now_tick: u64) -> bool {
        now_tick >= self.next_apply_tick
    }
}
