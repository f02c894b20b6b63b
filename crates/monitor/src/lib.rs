//! One monitor at work: a source of access reports, its lanes, and the kdamond that drains them.
//!
//! - [`source`]: what a source is: it fills the lanes up to a moment, and carries out actions.
//! - [`Emulation`]: the simulated machine under an emulated sampler.
//! - [`Recording`]: a recording of accesses.
//! - [`written`]: operations sets that somebody else wrote, asked question by question.
//! - [`Monitor`]: the loop. Runs until something wants the control plane's attention.
//! - [`live`]: a monitor on a thread of its own, fed by whoever has a lane.
//! - [`doors`]: by what name another thread, or a library in the same process, finds a monitor.
//!
//! Time is the source's: simulated, or the recording's own; only [`live`] waits for a clock.
//!
//! Not here: what a goal aims at, and everything that is done once per interval in TypeScript.

pub mod source;

pub mod doors;
pub mod live;
pub mod written;

mod emulation;
mod lateness;
mod memory_blocks;
mod read_ahead;
mod recording;

mod monitor;

pub use emulation::{Emulation, EmulationError};
pub use lateness::{LatenessConfig, LatenessCounters};
pub use monitor::{ContextConfig, Event, LaneReading, Monitor, MonitorConfig, MonitorError};
pub use recording::{Recording, RecordingError, RecordingOptions};
pub use source::{Fill, Intake, Source, SourceCounters, SourceError};
