//! Failures on their way to JavaScript.
//!
//! A synchronous call throws an `Error` whose message is a [`Failure`] as JSON; an asynchronous
//! one resolves to it. TypeScript makes the error class of it in both cases.

use damon_core::kdamond::ConfigError;
use damon_core::ops::RegistryError;
use damon_core::region::RangeError;
use damon_machine::{MachineError, NodeError};
use damon_monitor::{EmulationError, MonitorError, RecordingError, SourceError};
use damon_policy::PolicyError;
use damon_sampler::SamplerError;
use damon_trace::TraceError;
use napi_derive::napi;
use serde::Serialize;

/// What went wrong, where, and what would have been right.
#[napi(object)]
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Stable, `ERR_DAMON_…`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Where in the configuration or the file; empty if nowhere in particular.
    pub path: String,
    /// What would have been accepted; empty if that cannot be said.
    pub expected: String,
    /// What was given instead; empty if nothing.
    pub received: String,
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        // A struct of strings always serializes.
        Self::from_reason(serde_json::to_string(&failure).unwrap_or(failure.message))
    }
}

impl Failure {
    /// A refused value.
    pub(crate) fn refusal(
        code: &str,
        path: impl Into<String>,
        expected: impl Into<String>,
        received: impl ToString,
    ) -> Self {
        let (path, expected, received) = (path.into(), expected.into(), received.to_string());
        let message = format!("Expected `{path}` to be {expected}, got {received}");
        Self { code: code.into(), message, path, expected, received }
    }

    /// A failure without a place.
    pub(crate) fn plain(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            path: String::new(),
            expected: String::new(),
            received: String::new(),
        }
    }

    /// An error's own words, which begin in lower case, as a sentence.
    pub(crate) fn said(code: &str, error: impl ToString) -> Self {
        let mut words = error.to_string();
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self::plain(code, words)
    }

    /// A bug of ours: what a caught panic said.
    pub(crate) fn internal(panic: &(dyn std::any::Any + Send)) -> Self {
        let said = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Self::plain("ERR_DAMON_INTERNAL", format!("This is a bug in node-damon: {said}"))
    }
}

/// What every method of a closed object answers.
pub(crate) fn closed(what: &str) -> Failure {
    Failure::plain("ERR_DAMON_CLOSED", format!("The {what} is closed"))
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Self {
            code: error.code().into(),
            message: error.to_string(),
            path: error.path(),
            expected: error.expected().into(),
            received: error.received().into(),
        }
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Trace(error) => error.into(),
            RecordingError::Thread(_) => Self::said("ERR_DAMON_THREAD", error),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Trace(error) => error.into(),
            SourceError::Ranges(error) => ranges("recording", error),
            SourceError::Lanes(error) => Self::said("ERR_DAMON_LANES", error),
        }
    }
}

fn ranges(path: &str, error: RangeError) -> Failure {
    const CODE: &str = "ERR_DAMON_CONFIG_RANGES";
    match error {
        RangeError::Empty { index, start, end } => Failure::refusal(
            CODE,
            format!("{path}[{index}]"),
            "a range whose start is below its end",
            format!("{start:#x}..{end:#x}"),
        ),
        RangeError::Overlap { index, start, previous_end } => Failure::refusal(
            CODE,
            format!("{path}[{index}].start"),
            format!("at or above {previous_end:#x}, where the range before it ends"),
            format!("{start:#x}"),
        ),
    }
}

impl From<MonitorError> for Failure {
    fn from(error: MonitorError) -> Self {
        match error {
            MonitorError::Config(ConfigError::Attrs(error)) => Self::refusal(
                "ERR_DAMON_CONFIG_ATTRS",
                format!("attrs.{}", error.field),
                error.expected,
                error.received,
            ),
            MonitorError::Config(ConfigError::Ranges { target, error }) => {
                ranges(&format!("targets[{target}].regions"), error)
            }
            MonitorError::Config(ConfigError::Targets { expected, ops }) => Self::refusal(
                "ERR_DAMON_CONFIG_TARGETS",
                "targets",
                format!("{expected}, for `{}`", ops.name()),
                "others",
            ),
            MonitorError::Config(ConfigError::Metric { scheme, goal, metric, ops }) => {
                Self::refusal(
                    "ERR_DAMON_CONFIG_METRIC",
                    format!("schemes[{scheme}].quota.goals[{goal}].metric"),
                    "a metric that can be measured here, of a node and a group that there are",
                    format!("`{metric}` with `{}`", ops.name()),
                )
            }
            MonitorError::Config(ConfigError::AddressUnit { expected, received, ops }) => {
                let expected = format!("{expected}, for `{}`", ops.name());
                Self::refusal("ERR_DAMON_CONFIG_ADDR_UNIT", "addrUnit", expected, received)
            }
            MonitorError::Config(ConfigError::Mappings { target, tgid }) => Self::refusal(
                "ERR_DAMON_CONFIG_TARGETS",
                format!("targets[{target}].tgid"),
                "a process with two holes between its mappings, or targets with regions",
                tgid,
            ),
            MonitorError::Config(ConfigError::Obsolete { target }) => Self::refusal(
                "ERR_DAMON_CONFIG_TARGETS",
                format!("targets[{target}].obsolete"),
                "false, for there is no such target yet",
                true,
            ),
            MonitorError::Config(ConfigError::Watermarks { scheme, ops }) => Self::refusal(
                "ERR_DAMON_CONFIG_METRIC",
                format!("schemes[{scheme}].watermarks.metric"),
                "a metric that can be measured here",
                format!("`free_mem_rate` with `{}`", ops.name()),
            ),
            MonitorError::Config(ConfigError::Probes { field, expected, received }) => {
                Self::refusal("ERR_DAMON_CONFIG_PROBES", field, expected, received)
            }
            MonitorError::Config(ConfigError::Filter { scheme, min, max }) => Self::refusal(
                "ERR_DAMON_CONFIG_FILTER",
                format!("schemes[{scheme}].filters"),
                "bounds in order",
                format!("{min} to {max}"),
            ),
            MonitorError::Busy => Self::said("ERR_DAMON_BUSY", error),
            MonitorError::Ended => Self::said("ERR_DAMON_ENDED", error),
            MonitorError::Lanes(error) => {
                Self::plain("ERR_DAMON_CONFIG_LANES", format!("lanes: {error}"))
            }
            MonitorError::Ops(RegistryError::Unregistered(ops)) => Self::refusal(
                "ERR_DAMON_CONFIG_OPERATIONS",
                "operations",
                "a set that the source registers",
                format!("`{}`", ops.name()),
            ),
            MonitorError::Ops(error) => error.into(),
            MonitorError::Action { scheme, action, ops } => Self::refusal(
                "ERR_DAMON_CONFIG_ACTION",
                format!("schemes[{scheme}].action"),
                format!("an action that `{}` knows", ops.name()),
                format!("`{action}`"),
            ),
            MonitorError::Migration { scheme, field, nid } => Self::refusal(
                "ERR_DAMON_CONFIG_ACTION",
                format!("schemes[{scheme}].{field}"),
                "a node of the source to which memory can be moved",
                nid.map_or_else(|| "none".into(), |nid| nid.to_string()),
            ),
            MonitorError::Sampler(error) => Self::refusal(
                "ERR_DAMON_CONFIG_SAMPLER",
                format!("sampler.{}", error.path),
                error.expected,
                error.received,
            ),
            MonitorError::Node { scheme, goal, nid } => Self::refusal(
                "ERR_DAMON_CONFIG_NODE",
                format!("schemes[{scheme}].quota.goals[{goal}].nid"),
                "a node of the source",
                nid,
            ),
            MonitorError::Process { target, tgid } => Self::refusal(
                "ERR_DAMON_CONFIG_TARGETS",
                format!("targets[{target}].tgid"),
                "a process of the source",
                tgid,
            ),
            MonitorError::Memcg { path, memcg } => Self::refusal(
                "ERR_DAMON_CONFIG_MEMCG",
                path,
                "about control groups that there are",
                format!("`{memcg}`"),
            ),
        }
    }
}

impl From<EmulationError> for Failure {
    fn from(error: EmulationError) -> Self {
        match error {
            EmulationError::Machine(error) => error.into(),
            EmulationError::Sampler(error) => error.into(),
            EmulationError::Policy(error) => error.into(),
        }
    }
}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        const CODE: &str = "ERR_DAMON_CONFIG_MACHINE";
        match error {
            MachineError::NoNodes => {
                Self::refusal(CODE, "source.nodes", "a list of at least one node", "none")
            }
            MachineError::Node { index, error } => {
                let path = format!("source.nodes[{index}]");
                match error {
                    NodeError::Empty => Self::refusal(CODE, path + ".bytes", "above 0 bytes", "0"),
                    NodeError::Unaligned { start, bytes } => Self::refusal(
                        CODE,
                        path,
                        "in whole blocks of 128 MiB",
                        format!("start {start:#x}, {bytes} bytes"),
                    ),
                    NodeError::TooHigh(end) => {
                        Self::refusal(CODE, path, "at or below 8 TiB", format!("{end:#x}"))
                    }
                    NodeError::Timing { field, expected, received } => {
                        Self::refusal(CODE, format!("{path}.{field}"), expected, received)
                    }
                    NodeError::Overlap { start, previous_end } => Self::refusal(
                        CODE,
                        path + ".start",
                        format!("at or above {previous_end:#x}, where the node before it ends"),
                        format!("{start:#x}"),
                    ),
                }
            }
            MachineError::Refused { path, expected, received } => {
                Self::refusal(CODE, format!("source.{path}"), expected, received)
            }
            MachineError::Capacity { path, nid, needed, capacity } => Self::refusal(
                CODE,
                format!("source.{path}"),
                format!("small enough for node {nid}, which holds {capacity} bytes"),
                format!("{needed} bytes to be placed there"),
            ),
            MachineError::Memory(_) => Self::plain("ERR_DAMON_MEMORY", error.to_string()),
        }
    }
}

impl From<PolicyError> for Failure {
    fn from(PolicyError { field, expected, received }: PolicyError) -> Self {
        let path = format!("source.policy.{field}");
        Self::refusal("ERR_DAMON_CONFIG_POLICY", path, expected, received)
    }
}

impl From<SamplerError> for Failure {
    fn from(SamplerError { path, expected, received }: SamplerError) -> Self {
        let path = format!("source.sampler.{path}");
        Self::refusal("ERR_DAMON_CONFIG_SAMPLER", path, expected, received)
    }
}
