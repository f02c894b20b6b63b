//! What is monitored, and how.

use damon_core::attrs::{Attrs, IntervalsGoal};
use damon_core::drain::{SampleFilter, SampleFilterKind};
use damon_core::kdamond::TargetConfig;
use damon_monitor::{ContextConfig, MonitorConfig};
use damon_ring::LanesOptions;
use napi_derive::napi;

use super::probe::{ProbeInit, probes};
use super::sampler::RestartInit;
use super::scheme::SchemeInit;
use super::value::{RangeInit, integer, ranges};
use crate::error::Failure;
use crate::operations::ops_id;

/// `IntervalsGoal`.
#[napi(object)]
pub struct IntervalsGoalInit {
    /// Basis points.
    pub access_bp: f64,
    /// 0 for no tuning.
    pub aggregations: f64,
    /// Microseconds.
    pub min_sample_us: f64,
    /// Microseconds.
    pub max_sample_us: f64,
}

/// `Attrs`.
#[napi(object)]
pub struct AttrsInit {
    /// Microseconds.
    pub sample_us: f64,
    /// Microseconds.
    pub aggregation_us: f64,
    /// Microseconds.
    pub ops_update_us: f64,
    /// How the intervals are tuned.
    pub intervals_goal: IntervalsGoalInit,
    /// At least 3.
    pub min_nr_regions: f64,
    /// At least `minNrRegions`.
    pub max_nr_regions: f64,
}

/// `SampleFilter`.
#[napi(object)]
pub struct SampleFilterInit {
    /// `cpumask`, `threads` or `write`.
    #[napi(js_name = "type")]
    pub kind: String,
    /// Of `cpumask`.
    pub cpus: Vec<u32>,
    /// Of `threads`.
    pub tids: Vec<u32>,
    /// Acts on reports that match.
    pub matching: bool,
    /// Lets those it acts on through.
    pub allow: bool,
}

/// One address space to monitor.
#[napi(object)]
pub struct TargetInit {
    /// The process; absent for physical memory.
    pub tgid: Option<u32>,
    /// Sorted and disjoint; empty to leave that to the operations set.
    pub regions: Vec<RangeInit>,
    /// In a commit: the target goes.
    pub obsolete: bool,
}

/// `ContextConfig`.
#[napi(object)]
pub struct ContextInit {
    /// Name of the operations set.
    pub operations: String,
    /// What it monitors, `physical` or `virtual`.
    pub addresses: String,
    /// Intervals and region numbers.
    pub attrs: AttrsInit,
    /// Bytes of a core address unit.
    pub addr_unit: f64,
    /// What to monitor; absent to leave that to the source.
    pub targets: Option<Vec<TargetInit>>,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilterInit>,
    /// In order.
    pub schemes: Vec<SchemeInit>,
    /// In order.
    pub probes: Vec<ProbeInit>,
    /// Whether monitoring rests.
    pub paused: bool,
    /// In a commit: the sampler that samples from then on; absent to leave it as it is.
    pub sampler: Option<RestartInit>,
    /// Actions that nobody here can carry out are tried instead of refused.
    pub attempt_any_action: bool,
}

/// `MonitorConfig`.
#[napi(object)]
pub struct MonitorInit {
    /// What is monitored, and how.
    pub context: ContextInit,
    /// Nanoseconds between snapshots.
    pub snapshot_every_ns: f64,
    /// Slots of each lane, a power of two.
    pub lane_slots: u32,
    /// Decides where regions are cut.
    pub seed: f64,
}

/// What a live monitor is told besides.
#[napi(object)]
pub struct LiveInit {
    /// Snapshots that may wait.
    pub high_water_mark: u32,
    /// `dropOldest` or `dropNewest`.
    pub overflow: String,
}

impl AttrsInit {
    fn build(&self) -> Result<Attrs, Failure> {
        let goal = &self.intervals_goal;
        let of_goal = |value, field| integer(value, &format!("attrs.intervalsGoal.{field}"));
        Ok(Attrs {
            sample_us: integer(self.sample_us, "attrs.sampleUs")?,
            aggregation_us: integer(self.aggregation_us, "attrs.aggregationUs")?,
            ops_update_us: integer(self.ops_update_us, "attrs.opsUpdateUs")?,
            intervals_goal: IntervalsGoal {
                access_bp: of_goal(goal.access_bp, "accessBp")?,
                aggregations: of_goal(goal.aggregations, "aggregations")?,
                min_sample_us: of_goal(goal.min_sample_us, "minSampleUs")?,
                max_sample_us: of_goal(goal.max_sample_us, "maxSampleUs")?,
            },
            min_nr_regions: integer(self.min_nr_regions, "attrs.minNrRegions")?,
            max_nr_regions: integer(self.max_nr_regions, "attrs.maxNrRegions")?,
        })
    }
}

impl SampleFilterInit {
    fn build(&self, path: &str) -> Result<SampleFilter, Failure> {
        let kind = match self.kind.as_str() {
            "cpumask" => {
                let cpus = self.cpus.iter().map(|&cpu| {
                    u16::try_from(cpu).map_err(|_| {
                        let path = format!("{path}.cpus");
                        Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, "below 65536", cpu)
                    })
                });
                SampleFilterKind::Cpumask(cpus.collect::<Result<_, _>>()?)
            }
            "threads" => SampleFilter::threads(self.tids.clone(), true, true).kind,
            "write" => SampleFilterKind::Write,
            other => {
                return Err(Failure::refusal(
                    "ERR_DAMON_CONFIG_VALUE",
                    format!("{path}.type"),
                    "`cpumask`, `threads` or `write`",
                    format!("`{other}`"),
                ));
            }
        };
        Ok(SampleFilter { kind, matching: self.matching, allow: self.allow })
    }
}

impl TargetInit {
    fn build(&self, path: &str) -> Result<TargetConfig, Failure> {
        let ranges = ranges(&self.regions, &format!("{path}.regions"))?;
        Ok(TargetConfig { tgid: self.tgid, ranges, obsolete: self.obsolete })
    }
}

impl ContextInit {
    pub(crate) fn build(&self) -> Result<ContextConfig, Failure> {
        let ops = ops_id(&self.operations, &self.addresses)?;
        let targets = self.targets.as_ref().map(|targets| {
            let targets = targets.iter().enumerate();
            targets.map(|(index, target)| target.build(&format!("targets[{index}]"))).collect()
        });
        let sample_filters = self.sample_filters.iter().enumerate();
        let schemes = self.schemes.iter().enumerate();
        Ok(ContextConfig {
            ops,
            attrs: self.attrs.build()?,
            addr_unit: integer(self.addr_unit, "addrUnit")?,
            targets: targets.transpose()?,
            sample_filters: sample_filters
                .map(|(index, filter)| filter.build(&format!("sampleFilters[{index}]")))
                .collect::<Result<_, _>>()?,
            schemes: schemes
                .map(|(index, scheme)| scheme.build(&format!("schemes[{index}]")))
                .collect::<Result<_, _>>()?,
            probes: probes(&self.probes)?,
            paused: self.paused,
            sampler: self.sampler.as_ref().map(RestartInit::build).transpose()?,
            attempt_any_action: self.attempt_any_action,
        })
    }
}

impl MonitorInit {
    pub(crate) fn build(&self) -> Result<MonitorConfig, Failure> {
        Ok(MonitorConfig {
            context: self.context.build()?,
            snapshot_every_ns: integer(self.snapshot_every_ns, "snapshotEveryNs")?,
            lanes: LanesOptions { slots: self.lane_slots, ..LanesOptions::default() },
            seed: integer(self.seed, "seed")?,
        })
    }
}
