//! Emulated samplers: each watches the machine's accesses and reports some of them, with its own
//! bias, cost and loss.
//!
//! - [`ibs_op`]: AMD instruction-based sampling of micro-ops, as the RFC's `paddr_ibs` programs it.
//! - [`pebs`]: Intel's records of one kind of event.
//! - [`chmu`]: counters in a CXL memory device.
//! - [`hint_faults`]: the kernel's NUMA balancing scanner.
//! - [`page_faults`]: perf's software event of that name.
//! - [`Sampler`]: any of them at work, on one thread or several.
//! - [`interrupts`]: what the kernel lets a sampler cost.
//!
//! Duties: nothing is allocated once the buffers have grown. Randomness comes from a generator per
//! CPU, device or process, seeded at the start, so the same seed gives the same reports, on however
//! many threads. What a sampler costs is told, to be taken from the workload.
//!
//! Not here: accessed bits, which the operations sets check themselves; regions, schemes, or what a
//! report is worth.

pub mod chmu;
pub mod hint_faults;
pub mod ibs_op;
pub mod interrupts;
pub mod page_faults;
pub mod pebs;

mod coins;
mod counter;
mod counters;
mod crew;
mod error;
mod sampler;
mod sampling;
mod sources;
mod stream;
mod wide;

pub use chmu::ChmuConfig;
pub use counters::SamplerCounters;
pub use error::SamplerError;
pub use hint_faults::HintFaultsConfig;
pub use ibs_op::{Counting, Generation, IbsOpConfig};
pub use interrupts::InterruptConfig;
pub use page_faults::PageFaultsConfig;
pub use pebs::PebsConfig;
pub use sampler::{Sampler, SamplerConfig, SamplerShape};
pub use sources::{Source, SourceCounts};
