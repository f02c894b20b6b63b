//! What TypeScript passes. It has validated every field with better messages; here the invariants
//! are checked again, so that no caller can make the core misbehave.

use damon_core::attrs::Attrs;
use damon_core::drain::{SampleFilter, SampleFilterKind};
use damon_core::ops::OpsId;
use damon_core::region::{Range, Weights};
use damon_core::scheme::{
    Action, AddressFilter, Bounds, Goal, Metric, Pattern, QuotaConfig, SchemeConfig,
};
use damon_machine::{HotSet, Interleave, MachineConfig, NodeConfig, PAGE_SZ};
use damon_monitor::{MonitorConfig, RecordingOptions};
use damon_ring::LanesOptions;
use damon_sampler::{Counting, IbsOpConfig};
use damon_trace::{BadRows, ReaderOptions};
use napi_derive::napi;

use crate::error::Failure;

/// Largest integer that a `number` holds exactly, and one more.
const SAFE_END: f64 = 9_007_199_254_740_992.0;

/// A half-open range of byte addresses.
#[napi(object)]
pub struct RangeInit {
    /// First byte.
    pub start: f64,
    /// One past the last byte.
    pub end: f64,
}

/// `Attrs`.
#[napi(object)]
pub struct AttrsInit {
    /// Microseconds.
    pub sample_us: f64,
    /// Microseconds.
    pub aggregation_us: f64,
    /// At least 3.
    pub min_nr_regions: f64,
    /// At least `minNrRegions`.
    pub max_nr_regions: f64,
}

/// Closed bounds; no `max` means no upper bound.
#[napi(object)]
pub struct BoundsInit {
    /// Smallest that matches.
    pub min: f64,
    /// Largest that matches.
    pub max: Option<f64>,
}

/// `AddressFilter`.
#[napi(object)]
pub struct FilterInit {
    /// The range.
    pub range: RangeInit,
    /// Act on memory inside.
    pub matching: bool,
    /// Let through what is acted on.
    pub allow: bool,
}

/// `Goal`.
#[napi(object)]
pub struct GoalInit {
    /// `node_eligible_mem_bp` or `user_input`.
    pub metric: String,
    /// The node, for metrics that have one.
    pub nid: Option<u32>,
}

/// `SchemeConfig`.
#[napi(object)]
pub struct SchemeInit {
    /// `stat`, `migrate_hot` or `migrate_cold`.
    pub action: String,
    /// The node to migrate to.
    pub target_nid: Option<u32>,
    /// Bytes.
    pub size: BoundsInit,
    /// Access count.
    pub nr_accesses: BoundsInit,
    /// Aggregations.
    pub age: BoundsInit,
    /// Microseconds, 0 for once per aggregation.
    pub apply_interval_us: f64,
    /// Bytes per window, 0 for no limit.
    pub quota_sz_bytes: f64,
    /// Milliseconds.
    pub quota_reset_interval_ms: f64,
    /// Permil.
    pub weight_nr_accesses: u32,
    /// Permil.
    pub weight_age: u32,
    /// What the tuner steers by.
    pub goals: Vec<GoalInit>,
    /// In order.
    pub filters: Vec<FilterInit>,
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

/// `MonitorConfig`.
#[napi(object)]
pub struct MonitorInit {
    /// Name of the operations set.
    pub operations: String,
    /// Intervals and region numbers.
    pub attrs: AttrsInit,
    /// Which reports are meant; all if there are none.
    pub sample_filters: Vec<SampleFilterInit>,
    /// In order.
    pub schemes: Vec<SchemeInit>,
    /// Nanoseconds between snapshots.
    pub snapshot_every_ns: f64,
    /// Slots of each lane, a power of two.
    pub lane_slots: u32,
    /// Decides where regions are cut.
    pub seed: f64,
}

/// One address space to monitor.
#[napi(object)]
pub struct TargetInit {
    /// The process; absent for physical memory.
    pub tgid: Option<u32>,
    /// Sorted and disjoint.
    pub regions: Vec<RangeInit>,
}

/// What a live monitor is told besides.
#[napi(object)]
pub struct LiveInit {
    /// What is monitored.
    pub targets: Vec<TargetInit>,
    /// Snapshots that may wait.
    pub high_water_mark: u32,
    /// `dropOldest` or `dropNewest`.
    pub overflow: String,
}

/// A recording to replay.
#[napi(object)]
pub struct RecordingInit {
    /// The file.
    pub path: String,
    /// Bad rows are counted instead of ending the replay.
    pub count_bad_rows: bool,
    /// CPU numbers must be below.
    pub cpus_max: u32,
    /// Largest step forward in time, in nanoseconds.
    pub gap_max_ns: f64,
    /// Where the nodes lie, by id.
    pub nodes: Vec<RangeInit>,
    /// Memory to monitor; empty to follow the recording.
    pub regions: Vec<RangeInit>,
}

/// The emulated machine and its sampler.
#[napi(object)]
pub struct EmulationInit {
    /// The nodes' memory, by id.
    pub nodes: Vec<RangeInit>,
    /// Bytes of the workload.
    pub workload_bytes: f64,
    /// Bytes of its hot set.
    pub hot_bytes: f64,
    /// Share of accesses to the hot set.
    pub hot_share: f64,
    /// Share of accesses that are stores.
    pub store_share: f64,
    /// Pages placed on each node in turn, by id.
    pub interleave: Vec<u32>,
    /// CPUs.
    pub cpus: u32,
    /// Cycles or ops between tags.
    pub period: f64,
    /// Count ops instead of cycles.
    pub count_ops: bool,
    /// Cycles or ops per second and CPU.
    pub rate_hz: f64,
    /// Share of tagged ops with a physical address.
    pub data_share: f64,
    /// Decides every random draw of the emulation.
    pub seed: f64,
}

/// An integer that a `number` holds exactly.
fn integer(value: f64, path: &str) -> Result<u64, Failure> {
    if value.fract() == 0.0 && (0.0..SAFE_END).contains(&value) {
        Ok(value as u64)
    } else {
        let expected = "an integer from 0 to 2^53 - 1";
        Err(Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, value))
    }
}

fn integer32(value: f64, path: &str) -> Result<u32, Failure> {
    u32::try_from(integer(value, path)?).map_err(|_| {
        let expected = "an integer from 0 to 4294967295";
        Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, value)
    })
}

impl RangeInit {
    fn build(&self, path: &str) -> Result<Range, Failure> {
        Ok(Range {
            start: integer(self.start, &format!("{path}.start"))?,
            end: integer(self.end, &format!("{path}.end"))?,
        })
    }
}

pub(crate) fn ranges(list: &[RangeInit], path: &str) -> Result<Vec<Range>, Failure> {
    list.iter().enumerate().map(|(index, range)| range.build(&format!("{path}[{index}]"))).collect()
}

impl BoundsInit {
    fn build<T: Copy>(
        &self,
        path: &str,
        unlimited: T,
        convert: fn(f64, &str) -> Result<T, Failure>,
    ) -> Result<Bounds<T>, Failure> {
        Ok(Bounds {
            min: convert(self.min, path)?,
            max: self.max.map_or(Ok(unlimited), |max| convert(max, path))?,
        })
    }
}

impl SchemeInit {
    fn build(&self, path: &str) -> Result<SchemeConfig, Failure> {
        let at = |field: &str| format!("{path}.{field}");
        let goals = self.goals.iter().enumerate().map(|(index, goal)| {
            let metric = match (goal.metric.as_str(), goal.nid) {
                ("node_eligible_mem_bp", Some(nid)) => Metric::NodeEligibleMemBp { nid },
                ("user_input", _) => Metric::UserInput,
                (other, _) => {
                    return Err(Failure::refusal(
                        "ERR_DAMON_CONFIG_METRIC",
                        at(&format!("quota.goals[{index}].metric")),
                        "`node_eligible_mem_bp` with a node, or `user_input`",
                        format!("`{other}`"),
                    ));
                }
            };
            Ok(Goal { metric })
        });
        let filters = self.filters.iter().enumerate().map(|(index, filter)| {
            let range = filter.range.build(&at(&format!("filters[{index}].range")))?;
            Ok(AddressFilter { range, matching: filter.matching, allow: filter.allow })
        });
        Ok(SchemeConfig {
            pattern: Pattern {
                size: self.size.build(&at("pattern.sizeBytes"), u64::MAX, integer)?,
                nr_accesses: self.nr_accesses.build(
                    &at("pattern.nrAccesses"),
                    u32::MAX,
                    integer32,
                )?,
                age: self.age.build(&at("pattern.age"), u32::MAX, integer32)?,
            },
            action: self.action(&at("action"))?,
            apply_interval_us: integer(self.apply_interval_us, &at("applyIntervalUs"))?,
            quota: QuotaConfig {
                sz_bytes: integer(self.quota_sz_bytes, &at("quota.szBytes"))?,
                reset_interval_ms: integer(
                    self.quota_reset_interval_ms,
                    &at("quota.resetIntervalMs"),
                )?,
                weights: Weights { nr_accesses: self.weight_nr_accesses, age: self.weight_age },
                goals: goals.collect::<Result<_, Failure>>()?,
            },
            filters: filters.collect::<Result<_, Failure>>()?,
        })
    }

    fn action(&self, path: &str) -> Result<Action, Failure> {
        match (self.action.as_str(), self.target_nid) {
            ("stat", _) => Ok(Action::Stat),
            ("migrate_hot", Some(target_nid)) => Ok(Action::MigrateHot { target_nid }),
            ("migrate_cold", Some(target_nid)) => Ok(Action::MigrateCold { target_nid }),
            (other, _) => Err(Failure::refusal(
                "ERR_DAMON_CONFIG_ACTION",
                path,
                "`stat`, or `migrate_hot` or `migrate_cold` with a target node",
                format!("`{other}`"),
            )),
        }
    }
}

impl MonitorInit {
    pub(crate) fn build(&self) -> Result<MonitorConfig, Failure> {
        let ops = OpsId::from_name(&self.operations).ok_or_else(|| {
            Failure::refusal(
                "ERR_DAMON_CONFIG_OPERATIONS",
                "operations",
                "`vaddr`, `fvaddr`, `paddr` or `paddr_ibs`",
                format!("`{}`", self.operations),
            )
        })?;
        let schemes = self.schemes.iter().enumerate();
        Ok(MonitorConfig {
            ops,
            attrs: Attrs {
                sample_us: integer(self.attrs.sample_us, "attrs.sampleUs")?,
                aggregation_us: integer(self.attrs.aggregation_us, "attrs.aggregationUs")?,
                min_nr_regions: integer(self.attrs.min_nr_regions, "attrs.minNrRegions")?,
                max_nr_regions: integer(self.attrs.max_nr_regions, "attrs.maxNrRegions")?,
            },
            schemes: schemes
                .map(|(index, scheme)| scheme.build(&format!("schemes[{index}]")))
                .collect::<Result<_, _>>()?,
            snapshot_every_ns: integer(self.snapshot_every_ns, "snapshotEveryNs")?,
            lanes: LanesOptions { slots: self.lane_slots, ..LanesOptions::default() },
            sample_filters: self
                .sample_filters
                .iter()
                .enumerate()
                .map(|(index, filter)| filter.build(&format!("sampleFilters[{index}]")))
                .collect::<Result<_, _>>()?,
            seed: integer(self.seed, "seed")?,
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

impl RecordingInit {
    pub(crate) fn build(&self) -> Result<RecordingOptions, Failure> {
        let cpus_max = u16::try_from(self.cpus_max).map_err(|_| {
            Failure::refusal("ERR_DAMON_CONFIG_VALUE", "source.cpus", "at most 8192", self.cpus_max)
        })?;
        Ok(RecordingOptions {
            reader: ReaderOptions {
                bad_rows: if self.count_bad_rows { BadRows::Count } else { BadRows::Stop },
                cpus_max,
                gap_max_ns: integer(self.gap_max_ns, "source.gapMaxNs")?,
                ..ReaderOptions::default()
            },
            nodes: ranges(&self.nodes, "source.nodes")?,
            ranges: ranges(&self.regions, "source.regions")?,
        })
    }
}

impl EmulationInit {
    pub(crate) fn machine(&self) -> Result<MachineConfig, Failure> {
        let nodes = ranges(&self.nodes, "source.nodes")?;
        let pages = |bytes, path: &str| {
            u32::try_from(integer(bytes, path)? / PAGE_SZ).map_err(|_| {
                Failure::refusal("ERR_DAMON_CONFIG_MACHINE", path, "below 16 TiB", bytes)
            })
        };
        Ok(MachineConfig {
            nodes: nodes
                .iter()
                .map(|node| NodeConfig {
                    start: node.start,
                    bytes: node.end.saturating_sub(node.start),
                })
                .collect(),
            workload: HotSet {
                pages: pages(self.workload_bytes, "source.workload.bytes")?,
                hot_pages: pages(self.hot_bytes, "source.workload.hotBytes")?,
                hot_share: self.hot_share,
                store_share: self.store_share,
                tgid: 1,
            },
            interleave: Interleave {
                weights: (0..).zip(self.interleave.iter().copied()).collect(),
            },
        })
    }

    pub(crate) fn sampler(&self) -> Result<IbsOpConfig, Failure> {
        Ok(IbsOpConfig {
            cpus: u16::try_from(self.cpus).unwrap_or(u16::MAX),
            period: integer(self.period, "source.sampler.period")?,
            counting: if self.count_ops { Counting::Ops } else { Counting::Cycles },
            rate_hz: integer(self.rate_hz, "source.sampler.rateHz")?,
            data_share: self.data_share,
            seed: integer(self.seed, "seed")?,
        })
    }
}
