//! Why a monitor, or a commit, is refused; and the checks that only its source can answer.

use damon_core::kdamond::{ConfigError, ProbeFilterKind};
use damon_core::ops::{OpsId, RegistryError};
use damon_core::scheme::{Goal, PageFilterKind, SchemeConfig};
use damon_ring::LaneError;
use damon_sampler::SamplerError;
use thiserror::Error;

use super::ContextConfig;
use crate::source::Source;

/// Why a monitor, or a commit, was refused. Nothing has started, or changed, then.
#[derive(Debug, Error)]
pub enum MonitorError {
    /// Attributes, ranges or metrics.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The shape of the lanes.
    #[error("lanes: {0}")]
    Lanes(#[from] LaneError),
    /// The operations set.
    #[error("operations: {0}")]
    Ops(#[from] RegistryError),
    /// An action that the operations set does not know.
    #[error("schemes[{scheme}].action: {} does not know {action}", ops.name())]
    Action {
        /// Index of the scheme.
        scheme: usize,
        /// The action's name.
        action: &'static str,
        /// The set.
        ops: OpsId,
    },
    /// A node that is not there, or to which nothing can be moved.
    #[error("schemes[{scheme}].{field}: memory cannot be moved to {}", node_name(*nid))]
    Migration {
        /// Index of the scheme.
        scheme: usize,
        /// The field's name.
        field: String,
        /// The node.
        nid: Option<u32>,
    },
    /// A goal about a node that is not there.
    #[error("schemes[{scheme}].quota.goals[{goal}].nid: node {nid} does not exist")]
    Node {
        /// Index of the scheme.
        scheme: usize,
        /// Index of the goal.
        goal: usize,
        /// The node.
        nid: u32,
    },
    /// A filter about a control group that is not there.
    #[error("{path}: there is no control group {memcg}")]
    Memcg {
        /// The filters among which it is.
        path: String,
        /// Its path.
        memcg: String,
    },
    /// A target that is a process that is not there.
    #[error("targets[{target}].tgid: there is no process {tgid}")]
    Process {
        /// Index of the target.
        target: usize,
        /// The process.
        tgid: u32,
    },
    /// The source has no sampler, or not one that could become this.
    #[error("sampler.{0}")]
    Sampler(#[from] SamplerError),
    /// A commit while another one waits for the end of its sampling interval.
    #[error("a commit is in progress")]
    Busy,
    /// A commit to a monitor that has ended.
    #[error("the monitor has ended")]
    Ended,
}

fn node_name(nid: Option<u32>) -> String {
    nid.map_or_else(|| "no node".into(), |nid| format!("node {nid}"))
}

pub(super) fn check_context(
    source: &dyn Source,
    context: &ContextConfig,
) -> Result<(), MonitorError> {
    check_processes(source, context)?;
    for (index, scheme) in context.schemes.iter().enumerate() {
        if !context.attempt_any_action {
            check_action(source, context.ops, index, scheme)?;
        }
    }
    check_memcgs(source, context)?;
    check_nodes(source, context.schemes.iter().map(|scheme| &scheme.quota.goals[..]))
}

/// Those that stay; one that goes may be gone already.
fn check_processes(source: &dyn Source, context: &ContextConfig) -> Result<(), MonitorError> {
    if context.ops.is_physical() {
        return Ok(());
    }
    let mut targets = context.targets.iter().flatten().enumerate();
    let missing = targets.find_map(|(target, wanted)| {
        let tgid = wanted.tgid.filter(|_| !wanted.obsolete)?;
        (!source.has_process(tgid)).then_some(MonitorError::Process { target, tgid })
    });
    missing.map_or(Ok(()), Err)
}

fn check_memcgs(source: &dyn Source, context: &ContextConfig) -> Result<(), MonitorError> {
    let of_schemes = context.schemes.iter().enumerate().flat_map(|(index, scheme)| {
        scheme.page_filters.iter().filter_map(move |filter| match &filter.kind {
            PageFilterKind::Memcg(memcg) => Some(("schemes", index, memcg)),
            _ => None,
        })
    });
    let of_probes = context.probes.iter().enumerate().flat_map(|(index, probe)| {
        probe.filters.iter().filter_map(move |filter| match &filter.kind {
            ProbeFilterKind::Memcg(memcg) => Some(("probes", index, memcg)),
            _ => None,
        })
    });
    match of_schemes.chain(of_probes).find(|(_, _, memcg)| !source.has_memcg(memcg)) {
        Some((list, index, memcg)) => {
            let path = format!("{list}[{index}].filters");
            Err(MonitorError::Memcg { path, memcg: memcg.clone() })
        }
        None => Ok(()),
    }
}

pub(super) fn check_nodes<'a>(
    source: &dyn Source,
    goals: impl Iterator<Item = &'a [Goal]>,
) -> Result<(), MonitorError> {
    for (scheme, goals) in goals.enumerate() {
        for (goal, wanted) in goals.iter().enumerate() {
            if let Some(nid) = wanted.metric.nid()
                && !source.has_node(nid)
                // Otherwise another node would not help.
                && wanted.metric.on_node(0).has_gauge(source.operations())
            {
                return Err(MonitorError::Node { scheme, goal, nid });
            }
        }
    }
    Ok(())
}

fn check_action(
    source: &dyn Source,
    ops: OpsId,
    index: usize,
    scheme: &SchemeConfig,
) -> Result<(), MonitorError> {
    let action = scheme.action;
    if !action.is_known_to(ops) {
        return Err(MonitorError::Action { scheme: index, action: action.name(), ops });
    }
    if !action.migrates() {
        return Ok(());
    }
    let refuse = |field: String, nid| Err(MonitorError::Migration { scheme: index, field, nid });
    // Physical sets do not look at destinations.
    if scheme.destinations.is_empty() || ops.is_physical() {
        return match scheme.target_nid {
            Some(nid) if source.can_migrate_to(nid) => Ok(()),
            nid => refuse("targetNid".into(), nid),
        };
    }
    let missing = scheme.destinations.iter().position(|to| !source.can_migrate_to(to.nid));
    missing.map_or(Ok(()), |at| {
        refuse(format!("destinations[{at}].nid"), Some(scheme.destinations[at].nid))
    })
}
