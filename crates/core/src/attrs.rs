//! Monitoring attributes: how often to look and how finely. `struct damon_attrs`.

use thiserror::Error;

use crate::arithmetic::{BP, mult_frac_u32};

/// How far the intervals may be tuned, and by what. `struct damon_intervals_goal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalsGoal {
    /// Share of all possible access events, by size, that one aggregation is to see.
    pub access_bp: u64,
    /// Aggregations between tunings; 0 for no tuning.
    pub aggregations: u64,
    /// Least sampling interval, in microseconds.
    pub min_sample_us: u64,
    /// Largest sampling interval, in microseconds.
    pub max_sample_us: u64,
}

/// How often the monitor samples, aggregates, and how many regions it may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attrs {
    /// One tick: the lanes are drained once per sampling interval. Microseconds, at least 1.
    pub sample_us: u64,
    /// Regions are merged, aged, reset and split once per aggregation interval. Microseconds.
    pub aggregation_us: u64,
    /// Virtual sets look for changed mappings once per operations update interval. Microseconds.
    pub ops_update_us: u64,
    /// How the two intervals above are tuned.
    pub intervals_goal: IntervalsGoal,
    /// Adaptation aims at no fewer regions, as far as their smallest size allows. At least 3.
    pub min_nr_regions: u64,
    /// Adaptation aims at no more regions.
    pub max_nr_regions: u64,
}

impl Default for Attrs {
    /// The kernel's defaults: 5 ms, 100 ms, 60 s, no tuning, 10..=1000.
    fn default() -> Self {
        Self {
            sample_us: 5_000,
            aggregation_us: 100_000,
            ops_update_us: 60_000_000,
            intervals_goal: IntervalsGoal::default(),
            min_nr_regions: 10,
            max_nr_regions: 1_000,
        }
    }
}

/// Which attribute is refused; the text says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: expected {expected}, got {received}")]
pub struct AttrsError {
    /// The field's name.
    pub field: &'static str,
    /// What would have been accepted.
    pub expected: String,
    /// What was given.
    pub received: u64,
}

impl Attrs {
    /// The checks of `damon_set_attrs`, plus a sampling interval of at least 1 us.
    ///
    /// # Errors
    ///
    /// [`AttrsError`] for the first field that fails.
    pub fn validate(&self) -> Result<(), AttrsError> {
        let refuse =
            |field, expected: String, received| Err(AttrsError { field, expected, received });
        if self.sample_us == 0 {
            return refuse("sampleUs", "at least 1".into(), 0);
        }
        let goal = self.intervals_goal;
        if goal.aggregations != 0 {
            let (min, max) = (goal.min_sample_us, goal.max_sample_us);
            if min > max {
                let expected = format!("at most intervalsGoal.maxSampleUs ({max})");
                return refuse("intervalsGoal.minSampleUs", expected, min);
            }
            if !(min..=max).contains(&self.sample_us) {
                let expected = format!("from {min} to {max}, as intervalsGoal says");
                return refuse("sampleUs", expected, self.sample_us);
            }
        }
        if self.min_nr_regions < 3 {
            return refuse("minNrRegions", "at least 3".into(), self.min_nr_regions);
        }
        if self.min_nr_regions > self.max_nr_regions {
            let expected = format!("at most maxNrRegions ({})", self.max_nr_regions);
            return refuse("minNrRegions", expected, self.min_nr_regions);
        }
        if self.sample_us > self.aggregation_us {
            let expected = format!("at most aggregationUs ({})", self.aggregation_us);
            return refuse("sampleUs", expected, self.sample_us);
        }
        Ok(())
    }

    /// Sampling intervals per aggregation: the largest `nr_accesses`. `damon_nr_samples_per_aggr`.
    pub fn samples_per_aggregation(&self) -> u32 {
        u32::try_from(self.aggregation_us / self.sample_us.max(1)).unwrap_or(u32::MAX).max(1)
    }

    /// A count of accesses under these attributes as it would be under `new` ones: over basis points,
    /// so what does not divide evenly loses. Not clamped. `damon_update_monitoring_result`.
    pub(crate) fn rescale(&self, count: u32, new: &Self) -> u32 {
        let bp = mult_frac_u32(count, BP as u32, self.samples_per_aggregation());
        bp.wrapping_mul(new.samples_per_aggregation()) / BP as u32
    }

    /// `interval_us` in ticks.
    pub fn ticks(&self, interval_us: u64) -> u64 {
        interval_us / self.sample_us.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(sample_us: u64, aggregation_us: u64) -> Attrs {
        Attrs { sample_us, aggregation_us, ..Attrs::default() }
    }

    #[test]
    fn an_aggregation_has_as_many_samples_as_fit_at_least_one() {
        for (sample_us, aggregation_us, samples) in [
            (5_000, 100_000, 20),
            (3, 10, 3),
            (7, 7, 1),
            (10, 5, 1),
            (1, u64::from(u32::MAX), u32::MAX),
            (1, u64::MAX, u32::MAX),
        ] {
            let attrs = attrs(sample_us, aggregation_us);
            assert_eq!(attrs.samples_per_aggregation(), samples, "{sample_us} {aggregation_us}");
        }
    }

    #[test]
    fn a_rescaled_count_goes_over_basis_points_and_is_not_clamped() {
        // damon-core.md 3.3: samples before, samples after, count -> count
        for (before, after, count, expected) in [
            (3, 3, 1, 0),
            (3, 3, 2, 1),
            (64, 64, 63, 62),
            (20, 20, 13, 13),
            (20, 10, 13, 6),
            (10, 20, 7, 14),
            (20, 20, 30, 30),
            (20, 40, 30, 60),
        ] {
            let rescaled = attrs(1, before).rescale(count, &attrs(1, after));
            assert_eq!(rescaled, expected, "{count} of {before} in {after}");
        }
    }

    #[test]
    fn attributes_are_refused_in_the_kernels_order() {
        let goal =
            IntervalsGoal { aggregations: 1, min_sample_us: 10, max_sample_us: 20, access_bp: 1 };
        let bad_regions =
            |min, max| Attrs { min_nr_regions: min, max_nr_regions: max, ..attrs(15, 5) };
        let refused =
            |attrs: Attrs| attrs.validate().map_err(|error| (error.field, error.received));
        assert_eq!(refused(Attrs { sample_us: 0, ..bad_regions(2, 1) }), Err(("sampleUs", 0)));
        let min = IntervalsGoal { min_sample_us: 21, ..goal };
        let tuned =
            |intervals_goal, sample_us| Attrs { intervals_goal, sample_us, ..bad_regions(2, 1) };
        assert_eq!(refused(tuned(min, 15)), Err(("intervalsGoal.minSampleUs", 21)));
        assert_eq!(refused(tuned(goal, 9)), Err(("sampleUs", 9)));
        assert_eq!(refused(tuned(goal, 21)), Err(("sampleUs", 21)));
        assert_eq!(refused(tuned(goal, 20)), Err(("minNrRegions", 2)));
        // Without tuning nothing of the goal is looked at.
        let off = IntervalsGoal { aggregations: 0, ..min };
        assert_eq!(refused(tuned(off, 15)), Err(("minNrRegions", 2)));
        assert_eq!(refused(bad_regions(2, 3)), Err(("minNrRegions", 2)));
        assert_eq!(refused(bad_regions(4, 3)), Err(("minNrRegions", 4)));
        assert_eq!(refused(bad_regions(3, 3)), Err(("sampleUs", 15)));
        assert_eq!(refused(Attrs { sample_us: 5, ..bad_regions(3, 3) }), Ok(()));
    }
}
