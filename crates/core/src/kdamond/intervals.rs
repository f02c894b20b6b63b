//! The intervals: changed by the user, or tuned so that an aggregation sees as much as was asked
//! for. `damon-core.md` 3.3 and 7.

use super::Kdamond;
use crate::arithmetic::{BP, feed_loop_next_input, mult_frac};
use crate::attrs::Attrs;
use crate::region::{ProbeHits, Region, Target};

/// What the feedback loop is fed: an adaptation of 1 in basis points, times as much.
const NO_CHANGE: u64 = BP * BP;
/// Intervals shrink to half at the most.
const LEAST_ADAPTATION_BP: u64 = BP / 2;

impl Kdamond {
    /// New attributes, which are valid. In the middle of an aggregation its samples are thrown
    /// away and it begins anew; so do the schemes' intervals. `damon_set_attrs`.
    pub(super) fn set_attrs(&mut self, new: Attrs, aggregation_samples: u64) {
        let aggregating = self.tick < self.next_aggregation_tick;
        self.aggregation_samples = aggregation_samples;
        self.next_aggregation_tick = self.tick + new.ticks(new.aggregation_us);
        self.next_ops_update_tick = self.tick + new.ticks(new.ops_update_us);
        let old = self.attrs;
        for target in &mut self.targets {
            target.change(
                |region| rescale(region, &old, &new, aggregating),
                |hits| rescale_hits(hits, &old, &new, aggregating),
            );
        }
        self.attrs = new;
        for scheme in &mut self.schemes {
            scheme.schedule(self.tick, &new);
        }
    }

    /// At the end of an aggregation. `kdamond_tune_intervals`.
    pub(super) fn tune_intervals(&mut self) {
        let goal = self.attrs.intervals_goal;
        if goal.aggregations == 0 || self.tick < self.next_intervals_tune_tick {
            return;
        }
        let every = self.aggregation_samples.saturating_mul(goal.aggregations);
        self.next_intervals_tune_tick = self.next_intervals_tune_tick.saturating_add(every);
        let adaptation = self.adaptation_bp();
        if adaptation == BP {
            return;
        }
        let wanted = self.attrs.sample_us.wrapping_mul(adaptation) / BP;
        // At least what a divisor needs, where the goal has no lower bound.
        let sample_us = wanted.min(goal.max_sample_us).max(goal.min_sample_us).max(1);
        let aggregation_us = sample_us.saturating_mul(self.aggregation_samples);
        let new = Attrs { sample_us, aggregation_us, ..self.attrs };
        self.set_attrs(new, self.aggregation_samples);
    }

    /// By how much the intervals are to change, from half to twice. `damon_get_intervals_score`,
    /// `damon_get_intervals_adaptation_bp`.
    fn adaptation_bp(&self) -> u64 {
        let regions = self.targets.iter().flat_map(Target::regions);
        let (mut most, mut seen) = (0u64, 0u64);
        for region in regions {
            most = most.wrapping_add(region.size().wrapping_mul(self.aggregation_samples));
            seen = seen.wrapping_add(region.size().wrapping_mul(u64::from(region.nr_accesses)));
        }
        let wanted = most.wrapping_mul(self.attrs.intervals_goal.access_bp) / BP;
        let adaptation = feed_loop_next_input(NO_CHANGE, mult_frac(seen, BP, wanted.max(1))) / BP;
        if adaptation <= BP { LEAST_ADAPTATION_BP + adaptation / 2 } else { adaptation }
    }
}

/// `damon_update_monitoring_result`.
fn rescale(region: &mut Region, old: &Attrs, new: &Attrs, aggregating: bool) {
    region.last_nr_accesses = old.rescale(region.last_nr_accesses, new);
    region.nr_accesses = if aggregating { 0 } else { old.rescale(region.nr_accesses, new) };
    region.credited_in = 0;
    region.age =
        (u64::from(region.age).wrapping_mul(old.aggregation_us) / new.aggregation_us) as u32;
}

/// The same of what probes found.
fn rescale_hits(hits: &mut ProbeHits, old: &Attrs, new: &Attrs, aggregating: bool) {
    let rescaled = |hits: u8| old.rescale(hits.into(), new) as u8;
    hits.last = hits.last.map(rescaled);
    hits.now = if aggregating { Default::default() } else { hits.now.map(rescaled) };
}
