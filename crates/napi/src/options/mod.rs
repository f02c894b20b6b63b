//! What TypeScript passes. It has validated every field with better messages; here the invariants
//! are checked again, so that no caller can make the core misbehave.

mod context;
mod machine;
mod policy;
mod probe;
mod sampler;
mod scheme;
mod source;
mod value;

pub(crate) use context::{ContextInit, LiveInit, MonitorInit};
pub(crate) use scheme::{GoalInit, goals};
pub(crate) use source::{EmulationInit, RecordingInit};
pub(crate) use value::{RangeInit, integer, integer32, ranges};
