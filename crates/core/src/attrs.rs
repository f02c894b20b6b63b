//! Monitoring attributes: how often to look and how finely. `struct damon_attrs`.

use thiserror::Error;

/// How often the monitor samples, aggregates, and how many regions it may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attrs {
    /// One tick: the lanes are drained once per sampling interval. Microseconds, at least 1.
    pub sample_us: u64,
    /// Regions are merged, aged, reset and split once per aggregation interval. Microseconds.
    pub aggregation_us: u64,
    /// Adaptation aims at no fewer regions, as far as their smallest size allows. At least 3.
    pub min_nr_regions: u64,
    /// Adaptation aims at no more regions.
    pub max_nr_regions: u64,
}

impl Default for Attrs {
    /// The kernel's defaults: 5 ms, 100 ms, 10..=1000.
    fn default() -> Self {
        Self {
            sample_us: 5_000,
            aggregation_us: 100_000,
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

    /// `interval_us` in ticks.
    pub fn ticks(&self, interval_us: u64) -> u64 {
        interval_us / self.sample_us.max(1)
    }
}
