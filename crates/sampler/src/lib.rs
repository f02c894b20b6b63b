//! Emulated hardware samplers: each watches the machine's accesses and reports some of them.
//!
//! - [`IbsOp`]: AMD instruction-based sampling of micro-ops, as the RFC's `paddr_ibs` backend
//!   programs it.
//!
//! Duties: nothing is allocated and nothing blocks on the report path. Randomness comes from a
//! generator per CPU, seeded at the start, so the same seed gives the same reports.
//!
//! Not here: regions, schemes, or what a report is worth.

mod coins;
mod ibs_op;

pub use ibs_op::{Counting, IbsOp, IbsOpConfig, IbsOpCounters, IbsOpError};
