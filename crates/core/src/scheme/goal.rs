//! What goals look at. Their targets, scores and tuners are the control plane's.
//! `damon-core.md` 6.1.

use crate::arithmetic::{BP, mult_frac};
use crate::ops::{Gauge, Operations, OpsId, Reading};

/// What a goal looks at. `enum damos_quota_goal_metric`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A value that the control plane knows by itself.
    UserInput,
    /// Microseconds in which some task waited for memory, since the evaluation before.
    SomeMemPsiUs,
    /// Share of a node's memory that is in use.
    NodeMemUsedBp {
        /// The node.
        nid: u32,
    },
    /// Share of a node's memory that is free.
    NodeMemFreeBp {
        /// The node.
        nid: u32,
    },
    /// Share of a node's memory that a control group uses.
    NodeMemcgUsedBp {
        /// The node.
        nid: u32,
        /// The control group.
        memcg: String,
    },
    /// Share of a node's memory that a control group does not use.
    NodeMemcgFreeBp {
        /// The node.
        nid: u32,
        /// The control group.
        memcg: String,
    },
    /// Share of memory on the lists that is on the active ones.
    ActiveMemBp,
    /// Share of memory on the lists that is on the inactive ones.
    InactiveMemBp,
    /// Share, of all memory in regions that match the scheme's pattern, which lies on one node.
    /// Physical sets only.
    NodeEligibleMemBp {
        /// The node.
        nid: u32,
    },
    /// Share of used memory that is in huge pages.
    HugepageMemBp,
}

impl Metric {
    /// The metric's name in the `target_metric` file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UserInput => "user_input",
            Self::SomeMemPsiUs => "some_mem_psi_us",
            Self::NodeMemUsedBp { .. } => "node_mem_used_bp",
            Self::NodeMemFreeBp { .. } => "node_mem_free_bp",
            Self::NodeMemcgUsedBp { .. } => "node_memcg_used_bp",
            Self::NodeMemcgFreeBp { .. } => "node_memcg_free_bp",
            Self::ActiveMemBp => "active_mem_bp",
            Self::InactiveMemBp => "inactive_mem_bp",
            Self::NodeEligibleMemBp { .. } => "node_eligible_mem_bp",
            Self::HugepageMemBp => "hugepage_mem_bp",
        }
    }

    /// The node that it is about.
    pub fn nid(&self) -> Option<u32> {
        self.clone().nid_mut().copied()
    }

    /// The same about another node.
    #[must_use]
    pub fn on_node(&self, nid: u32) -> Self {
        let mut other = self.clone();
        if let Some(own) = other.nid_mut() {
            *own = nid;
        }
        other
    }

    fn nid_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::NodeMemUsedBp { nid }
            | Self::NodeMemFreeBp { nid }
            | Self::NodeMemcgUsedBp { nid, .. }
            | Self::NodeMemcgFreeBp { nid, .. }
            | Self::NodeEligibleMemBp { nid } => Some(nid),
            _ => None,
        }
    }

    /// Whether the operations set has an answer to what it is asked for it, if it is asked at all.
    pub fn has_gauge(&self, ops: &dyn Operations) -> bool {
        self.gauge().is_none_or(|gauge| ops.has_gauge(&gauge))
    }

    /// What the operations set is asked for it.
    fn gauge(&self) -> Option<Gauge> {
        match self {
            Self::UserInput | Self::NodeEligibleMemBp { .. } => None,
            Self::SomeMemPsiUs => Some(Gauge::SomeMemoryStall),
            Self::NodeMemUsedBp { nid } | Self::NodeMemFreeBp { nid } => {
                Some(Gauge::NodeUsed { nid: *nid })
            }
            Self::NodeMemcgUsedBp { nid, memcg } | Self::NodeMemcgFreeBp { nid, memcg } => {
                Some(Gauge::NodeMemcgUsed { nid: *nid, memcg: memcg.clone() })
            }
            Self::ActiveMemBp | Self::InactiveMemBp => Some(Gauge::Active),
            Self::HugepageMemBp => Some(Gauge::Huge),
        }
    }

    /// Whether it can be measured. A metric that cannot is refused when the goal is installed, and
    /// never reads as 0: that would open the loop (`hardware-sampling.md` 6).
    pub(crate) fn is_measurable(&self, set: OpsId, ops: &dyn Operations) -> bool {
        match self {
            Self::NodeEligibleMemBp { .. } => set.is_physical(),
            _ => self.has_gauge(ops),
        }
    }

    /// Of all metrics but those about regions and the control plane's own.
    pub(crate) fn measure(&self, ops: &dyn Operations) -> MetricValue {
        let Some(gauge) = self.gauge() else { return MetricValue::UserInput };
        let Some(Reading { part, total }) = ops.read(&gauge) else {
            return MetricValue::Unmeasured;
        };
        if *self == Self::SomeMemPsiUs {
            return MetricValue::Stall { total_us: part };
        }
        let rest = total.saturating_sub(part);
        match self {
            Self::NodeMemUsedBp { .. } | Self::NodeMemcgUsedBp { .. } => share(part, total, BP),
            Self::NodeMemFreeBp { .. } | Self::NodeMemcgFreeBp { .. } => share(rest, total, 0),
            Self::HugepageMemBp => share(part, total, BP),
            Self::InactiveMemBp => share(rest, total, 0),
            _ => share(part, total, 0),
        }
    }
}

/// A goal, as far as the data plane is concerned: what to measure when a window opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// What to measure.
    pub metric: Metric,
}

/// What a goal's metric reads now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricValue {
    /// The control plane knows.
    UserInput,
    /// The operations set did not answer: not a value, for any would steer the loop.
    Unmeasured,
    /// A part of a whole.
    Share {
        /// `part` of `total` in basis points.
        value_bp: u64,
        /// Bytes that are so.
        part: u64,
        /// Bytes that were looked at.
        total: u64,
    },
    /// Time in which some task waited for memory.
    Stall {
        /// Since the start, in microseconds.
        total_us: u64,
    },
}

/// `part` of `total` in basis points, or `of_nothing` where there is nothing.
pub(crate) fn share(part: u64, total: u64, of_nothing: u64) -> MetricValue {
    let value_bp = if total == 0 { of_nothing } else { mult_frac(part, BP, total) };
    MetricValue::Share { value_bp, part, total }
}
