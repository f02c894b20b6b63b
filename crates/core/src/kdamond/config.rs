//! What the user sets, and whether it can be.

use thiserror::Error;

use super::probe::{self, Probe};
use crate::arithmetic::MIN_REGION_SZ;
use crate::attrs::{Attrs, AttrsError};
use crate::drain::SampleFilter;
use crate::ops::{Gauge, Operations, OpsId};
use crate::region::{Range, RangeError, check_ranges};
use crate::scheme::{CoreFilterKind, Goal, PageFilterKind, SchemeConfig, WatermarkMetric};

/// One address space to monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// The process, for virtual addresses; `None` for physical memory.
    pub tgid: Option<u32>,
    /// Memory to monitor, sorted and disjoint, in core address units. Empty to leave that to the
    /// operations set, or, in a commit, as it is.
    pub ranges: Vec<Range>,
    /// In a commit: the target of this index goes.
    pub obsolete: bool,
}

impl TargetConfig {
    /// Physical memory.
    pub fn physical(ranges: Vec<Range>) -> Self {
        Self { tgid: None, ranges, obsolete: false }
    }

    /// A process.
    pub fn process(tgid: u32, ranges: Vec<Range>) -> Self {
        Self { tgid: Some(tgid), ranges, obsolete: false }
    }
}

/// All that the user sets.
#[derive(Clone, Debug)]
pub struct Config {
    /// Intervals and region numbers.
    pub attrs: Attrs,
    /// Bytes of a core address unit; [`OpsId::Paddr`] may have others than 1, the virtual sets
    /// ignore it.
    pub addr_unit: u64,
    /// What to monitor: physical memory, or processes; without any it is over at once. What is
    /// reported of a process is credited in each target that it has.
    pub targets: Vec<TargetConfig>,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilter>,
    /// What to do with it, in order.
    pub schemes: Vec<SchemeConfig>,
    /// What is counted besides accesses, or, with weights, instead: at most 4.
    pub probes: Vec<Probe>,
    /// Whether monitoring rests after its first sampling interval, until a commit.
    pub paused: bool,
    /// Decides where regions are cut and which of their addresses are looked at. Not changed by a
    /// commit.
    pub seed: u64,
}

/// Why a configuration was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A monitoring attribute.
    #[error("attrs.{0}")]
    Attrs(#[from] AttrsError),
    /// The address unit.
    #[error("addrUnit: expected {expected} for {}, got {received}", ops.name())]
    AddressUnit {
        /// What would have been right.
        expected: &'static str,
        /// What was given.
        received: u64,
        /// The set selected.
        ops: OpsId,
    },
    /// A monitored range.
    #[error("targets[{target}].ranges: {error}")]
    Ranges {
        /// Index of the target.
        target: usize,
        /// What is wrong with it.
        error: RangeError,
    },
    /// A process whose mappings do not make three regions, or that is gone.
    #[error(
        "targets[{target}]: expected a process with two holes between its mappings, got {tgid}"
    )]
    Mappings {
        /// Index of the target.
        target: usize,
        /// The process.
        tgid: u32,
    },
    /// Targets that do not go with the operations set or with each other.
    #[error("targets: expected {expected} for {}", ops.name())]
    Targets {
        /// What would have been right.
        expected: &'static str,
        /// The set selected.
        ops: OpsId,
    },
    /// A target is to go that is not there.
    #[error("targets[{target}].obsolete: expected a target that is there")]
    Obsolete {
        /// Index of the target.
        target: usize,
    },
    /// A goal that cannot be measured. An unsupported metric is an error, never the value 0: that
    /// would open the loop (`hardware-sampling.md` 6).
    #[error("schemes[{scheme}].quota.goals[{goal}]: {} cannot measure {metric} here", ops.name())]
    Metric {
        /// Index of the scheme.
        scheme: usize,
        /// Index of the goal.
        goal: usize,
        /// The metric's name.
        metric: &'static str,
        /// The set selected.
        ops: OpsId,
    },
    /// Watermarks that cannot be read.
    #[error("schemes[{scheme}].watermarks.metric: {} cannot read free memory here", ops.name())]
    Watermarks {
        /// Index of the scheme.
        scheme: usize,
        /// The set selected.
        ops: OpsId,
    },
    /// Probes that cannot be.
    #[error("{field}: expected {expected}, got {received}")]
    Probes {
        /// The field's path.
        field: &'static str,
        /// What would have been right.
        expected: &'static str,
        /// What was given.
        received: u64,
    },
    /// A filter whose bounds are the wrong way round.
    #[error("schemes[{scheme}].filters: expected bounds in order, got {min} to {max}")]
    Filter {
        /// Index of the scheme.
        scheme: usize,
        /// Lower bound.
        min: u64,
        /// Upper bound.
        max: u64,
    },
}

impl Config {
    /// Checks all that does not depend on what a monitor has seen. Gives the smallest region, in
    /// core address units. `damon_valid_*`, `damon-core.md` 1.2 and 8.1.
    pub(super) fn check(&self, ops: OpsId, memory: &dyn Operations) -> Result<u64, ConfigError> {
        self.attrs.validate()?;
        let min_region_sz = self.min_region_sz(ops)?;
        probe::check(&self.probes, &self.attrs, memory)?;
        for (index, scheme) in self.schemes.iter().enumerate() {
            check_scheme(index, scheme, ops, memory)?;
        }
        self.check_targets(ops)?;
        for (target, wanted) in self.targets.iter().enumerate() {
            check_ranges(&wanted.ranges, min_region_sz)
                .map_err(|error| ConfigError::Ranges { target, error })?;
        }
        Ok(min_region_sz)
    }

    fn min_region_sz(&self, ops: OpsId) -> Result<u64, ConfigError> {
        let refused =
            |expected| Err(ConfigError::AddressUnit { expected, received: self.addr_unit, ops });
        match (ops, self.addr_unit) {
            (_, 0) => refused("at least 1"),
            (ops, _) if !ops.is_physical() => Ok(MIN_REGION_SZ),
            // Reports tell bytes, and the drain finds regions by pages; other sets may report.
            (OpsId::PaddrIbs | OpsId::Custom(_), unit) if unit != 1 => refused("1"),
            (_, unit) => {
                let least = (MIN_REGION_SZ / unit).max(1);
                if least.is_power_of_two() {
                    Ok(least)
                } else {
                    refused("a unit that divides 4096 into a power of two")
                }
            }
        }
    }

    fn check_targets(&self, ops: OpsId) -> Result<(), ConfigError> {
        let refused = |expected| Err(ConfigError::Targets { expected, ops });
        if ops.is_physical() {
            return match &self.targets[..] {
                [TargetConfig { tgid: None, .. }] => Ok(()),
                _ => refused("physical memory, once"),
            };
        }
        let staying = || self.targets.iter().filter(|target| !target.obsolete);
        if !staying().all(|target| target.tgid.is_some()) {
            return refused("processes");
        }
        Ok(())
    }
}

pub(super) fn check_goals(
    scheme: usize,
    goals: &[Goal],
    ops: OpsId,
    memory: &dyn Operations,
) -> Result<(), ConfigError> {
    let goal = goals.iter().position(|goal| !goal.metric.is_measurable(ops, memory));
    goal.map_or(Ok(()), |goal| {
        let metric = goals[goal].metric.name();
        Err(ConfigError::Metric { scheme, goal, metric, ops })
    })
}

fn check_scheme(
    scheme: usize,
    config: &SchemeConfig,
    ops: OpsId,
    memory: &dyn Operations,
) -> Result<(), ConfigError> {
    check_goals(scheme, &config.quota.goals, ops, memory)?;
    let watches = config.watermarks.metric == WatermarkMetric::FreeMemRate;
    if watches && !memory.has_gauge(&Gauge::Free) {
        return Err(ConfigError::Watermarks { scheme, ops });
    }
    let ranges = config.core_filters.iter().filter_map(|filter| match filter.kind {
        CoreFilterKind::Address(range) => Some((range.start, range.end)),
        CoreFilterKind::ProbeHitsWsum { min, max } => Some((min.into(), max.into())),
        CoreFilterKind::Target(_) => None,
    });
    let sizes = config.page_filters.iter().filter_map(|filter| match filter.kind {
        PageFilterKind::HugepageSize { min, max } => Some((min, max)),
        _ => None,
    });
    match ranges.chain(sizes).find(|(min, max)| max < min) {
        Some((min, max)) => Err(ConfigError::Filter { scheme, min, max }),
        None => Ok(()),
    }
}
