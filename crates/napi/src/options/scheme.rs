//! What is done about what is seen.

use damon_core::region::{Range, Weights};
use damon_core::scheme::{
    Action, CoreFilter, CoreFilterKind, Destination, FailCharge, Goal, Metric, PageFilter,
    PageFilterKind, Pattern, QuotaConfig, SchemeConfig, WatermarkMetric, Watermarks,
};
use napi_derive::napi;

use super::value::{BoundsInit, RangeInit, integer, integer32};
use crate::error::Failure;

/// `CoreFilter` or `PageFilter`.
#[napi(object)]
pub struct FilterInit {
    /// The kernel's name.
    #[napi(js_name = "type")]
    pub kind: String,
    /// Of `addr`.
    pub range: Option<RangeInit>,
    /// Of `target`: its index.
    pub target: Option<u32>,
    /// Of `memcg`: its path.
    pub memcg: Option<String>,
    /// Of `hugepage_size`.
    pub size: Option<BoundsInit>,
    /// Of `probe_hits_wsum`.
    pub hits: Option<BoundsInit>,
    /// Act on what is so.
    pub matching: bool,
    /// Let through what is acted on.
    pub allow: bool,
}

/// `Goal`.
#[napi(object)]
pub struct GoalInit {
    /// The kernel's name.
    pub metric: String,
    /// The node, for metrics that have one.
    pub nid: Option<u32>,
    /// The control group's path, for metrics that have one.
    pub memcg: Option<String>,
}

/// `Destination`.
#[napi(object)]
pub struct DestinationInit {
    /// The node.
    pub nid: u32,
    /// Its share, of the sum of all weights.
    pub weight: u32,
}

/// `QuotaConfig`.
#[napi(object)]
pub struct QuotaInit {
    /// Milliseconds per window, 0 for no limit.
    pub time_ms: f64,
    /// Bytes per window, 0 for no limit.
    pub sz_bytes: f64,
    /// Milliseconds.
    pub reset_interval_ms: f64,
    /// Permil.
    pub weight_nr_accesses: u32,
    /// Permil.
    pub weight_age: u32,
    /// What failure costs.
    pub fail_charge_num: u32,
    /// Of this; 0 for as much as success.
    pub fail_charge_denom: u32,
    /// What the tuner steers by.
    pub goals: Vec<GoalInit>,
}

/// `Watermarks`.
#[napi(object)]
pub struct WatermarksInit {
    /// `none` or `free_mem_rate`.
    pub metric: String,
    /// Microseconds.
    pub interval_us: f64,
    /// Permil.
    pub high: f64,
    /// Permil.
    pub mid: f64,
    /// Permil.
    pub low: f64,
}

/// `SchemeConfig`.
#[napi(object)]
pub struct SchemeInit {
    /// The kernel's name.
    pub action: String,
    /// The node to migrate to.
    pub target_nid: Option<u32>,
    /// The nodes to migrate to, by weight.
    pub destinations: Vec<DestinationInit>,
    /// Bytes.
    pub size: BoundsInit,
    /// Access count.
    pub nr_accesses: BoundsInit,
    /// Aggregations.
    pub age: BoundsInit,
    /// Microseconds, 0 for once per aggregation.
    pub apply_interval_us: f64,
    /// How much.
    pub quota: QuotaInit,
    /// When.
    pub watermarks: WatermarksInit,
    /// In order, of both layers.
    pub filters: Vec<FilterInit>,
    /// Rounds, 0 for no end.
    pub max_nr_snapshots: f64,
}

fn unknown(path: String, expected: &str, received: &str) -> Failure {
    Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, format!("`{received}`"))
}

/// A filter of one layer or the other.
enum Filter {
    Core(CoreFilter),
    Page(PageFilter),
}

impl FilterInit {
    fn build(&self, path: &str) -> Result<Filter, Failure> {
        let Self { matching, allow, .. } = *self;
        let core = |kind| Ok(Filter::Core(CoreFilter { kind, matching, allow }));
        let page = |kind| Ok(Filter::Page(PageFilter { kind, matching, allow }));
        if let ("probe_hits_wsum", Some(hits)) = (self.kind.as_str(), &self.hits) {
            let hits = hits.build(&format!("{path}.hits"), u32::MAX, integer32)?;
            return core(CoreFilterKind::ProbeHitsWsum { min: hits.min, max: hits.max });
        }
        match (self.kind.as_str(), &self.range, self.target, &self.memcg, &self.size) {
            ("addr", Some(range), ..) => {
                let start = integer(range.start, &format!("{path}.range.start"))?;
                let end = integer(range.end, &format!("{path}.range.end"))?;
                core(CoreFilterKind::Address(Range { start, end }))
            }
            ("target", _, Some(target), ..) => core(CoreFilterKind::Target(target as usize)),
            ("anon", ..) => page(PageFilterKind::Anon),
            ("active", ..) => page(PageFilterKind::Active),
            ("memcg", _, _, Some(memcg), _) => page(PageFilterKind::Memcg(memcg.clone())),
            ("young", ..) => page(PageFilterKind::Young),
            ("hugepage_size", _, _, _, Some(size)) => {
                let size = size.build(&format!("{path}.size"), u64::MAX, integer)?;
                page(PageFilterKind::HugepageSize { min: size.min, max: size.max })
            }
            ("unmapped", ..) => page(PageFilterKind::Unmapped),
            (other, ..) => {
                let expected = "the name of a filter, with its argument";
                Err(unknown(format!("{path}.type"), expected, other))
            }
        }
    }
}

impl GoalInit {
    fn build(&self, path: &str) -> Result<Goal, Failure> {
        let metric = match (self.metric.as_str(), self.nid, &self.memcg) {
            ("user_input", ..) => Metric::UserInput,
            ("some_mem_psi_us", ..) => Metric::SomeMemPsiUs,
            ("node_mem_used_bp", Some(nid), _) => Metric::NodeMemUsedBp { nid },
            ("node_mem_free_bp", Some(nid), _) => Metric::NodeMemFreeBp { nid },
            ("node_memcg_used_bp", Some(nid), Some(memcg)) => {
                Metric::NodeMemcgUsedBp { nid, memcg: memcg.clone() }
            }
            ("node_memcg_free_bp", Some(nid), Some(memcg)) => {
                Metric::NodeMemcgFreeBp { nid, memcg: memcg.clone() }
            }
            ("active_mem_bp", ..) => Metric::ActiveMemBp,
            ("inactive_mem_bp", ..) => Metric::InactiveMemBp,
            ("node_eligible_mem_bp", Some(nid), _) => Metric::NodeEligibleMemBp { nid },
            ("hugepage_mem_bp", ..) => Metric::HugepageMemBp,
            (other, ..) => {
                let expected = "the name of a metric, with its node and its control group";
                return Err(Failure::refusal(
                    "ERR_DAMON_CONFIG_METRIC",
                    format!("{path}.metric"),
                    expected,
                    format!("`{other}`"),
                ));
            }
        };
        Ok(Goal { metric })
    }
}

/// The goals of a scheme.
pub(crate) fn goals(list: &[GoalInit], scheme: &str) -> Result<Vec<Goal>, Failure> {
    let goals = list.iter().enumerate();
    goals.map(|(index, goal)| goal.build(&format!("{scheme}.quota.goals[{index}]"))).collect()
}

impl QuotaInit {
    fn build(&self, path: &str) -> Result<QuotaConfig, Failure> {
        let at = |field: &str| format!("{path}.quota.{field}");
        Ok(QuotaConfig {
            time_ms: integer(self.time_ms, &at("timeMs"))?,
            sz_bytes: integer(self.sz_bytes, &at("szBytes"))?,
            reset_interval_ms: integer(self.reset_interval_ms, &at("resetIntervalMs"))?,
            weights: Weights { nr_accesses: self.weight_nr_accesses, age: self.weight_age },
            goals: goals(&self.goals, path)?,
            fail_charge: FailCharge {
                numerator: self.fail_charge_num,
                denominator: self.fail_charge_denom,
            },
        })
    }
}

impl WatermarksInit {
    fn build(&self, path: &str) -> Result<Watermarks, Failure> {
        let at = |field: &str| format!("{path}.watermarks.{field}");
        let metric = match self.metric.as_str() {
            "none" => WatermarkMetric::None,
            "free_mem_rate" => WatermarkMetric::FreeMemRate,
            other => return Err(unknown(at("metric"), "`none` or `free_mem_rate`", other)),
        };
        Ok(Watermarks {
            metric,
            interval_us: integer(self.interval_us, &at("intervalUs"))?,
            high: integer(self.high, &at("highPermil"))?,
            mid: integer(self.mid, &at("midPermil"))?,
            low: integer(self.low, &at("lowPermil"))?,
        })
    }
}

impl SchemeInit {
    pub(super) fn build(&self, path: &str) -> Result<SchemeConfig, Failure> {
        let at = |field: &str| format!("{path}.{field}");
        let action = Action::from_name(&self.action).ok_or_else(|| {
            Failure::refusal(
                "ERR_DAMON_CONFIG_ACTION",
                at("action"),
                "the name of an action",
                format!("`{}`", self.action),
            )
        })?;
        let (mut core_filters, mut page_filters) = (Vec::new(), Vec::new());
        for (index, filter) in self.filters.iter().enumerate() {
            match filter.build(&at(&format!("filters[{index}]")))? {
                Filter::Core(filter) => core_filters.push(filter),
                Filter::Page(filter) => page_filters.push(filter),
            }
        }
        let destinations = self.destinations.iter();
        Ok(SchemeConfig {
            pattern: Pattern {
                size: self.size.build(&at("pattern.szBytes"), u64::MAX, integer)?,
                nr_accesses: self.nr_accesses.build(
                    &at("pattern.nrAccesses"),
                    u32::MAX,
                    integer32,
                )?,
                age: self.age.build(&at("pattern.age"), u32::MAX, integer32)?,
            },
            action,
            target_nid: self.target_nid,
            destinations: destinations
                .map(|&DestinationInit { nid, weight }| Destination { nid, weight })
                .collect(),
            apply_interval_us: integer(self.apply_interval_us, &at("applyIntervalUs"))?,
            quota: self.quota.build(path)?,
            watermarks: self.watermarks.build(path)?,
            core_filters,
            page_filters,
            max_nr_snapshots: integer(self.max_nr_snapshots, &at("maxNrSnapshots"))?,
        })
    }
}
