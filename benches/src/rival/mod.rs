//! Those we are measured against.
//!
//! - [`rfc`]: the rings and the drain of the RFC, from its description.
//! - [`rtrb`], [`array_queue`]: well-kept queues, a report of ours in each slot, no drain of lanes.
//! - [`linear_scan`], [`partition_point`]: our lanes, other ways to find the region.

pub(crate) mod array_queue;
pub(crate) mod rfc;
pub(crate) mod rtrb;

pub(crate) mod linear_scan;
pub(crate) mod partition_point;
