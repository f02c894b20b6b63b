//! NUMA nodes: contiguous stretches of physical memory, and how fast they answer.

use thiserror::Error;

use crate::MachineError;

/// One node's memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeConfig {
    /// First physical byte, a multiple of 128 MiB (Linux's memory block on x86-64).
    pub start: u64,
    /// Bytes, a multiple of 128 MiB.
    pub bytes: u64,
    /// Bytes kept free: nothing is placed below this watermark.
    pub reserve_bytes: u64,
    /// The socket it is attached to.
    pub socket: u16,
    /// How fast it is.
    pub timing: Timing,
}

/// What a node takes to answer. `samplers.md` 7.1 to 7.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Nanoseconds from a core of its own socket to the data, when nobody else asks.
    pub idle_latency_ns: f64,
    /// Bytes per second that it can sustain.
    pub bandwidth_hz: f64,
    /// Share of the bandwidth up to which the latency stays idle, 0..0.8.
    pub flat_share: f64,
}

impl Timing {
    /// Twelve channels of DDR5 on EPYC: 130 ns, 380 GB/s.
    pub const DRAM: Self =
        Self { idle_latency_ns: 130.0, bandwidth_hz: 380e9, flat_share: FLAT_SHARE };
    /// One CXL expander: 270 ns, 26 GB/s.
    pub const CXL: Self =
        Self { idle_latency_ns: 270.0, bandwidth_hz: 26e9, flat_share: FLAT_SHARE };

    /// Latency under a demand, as a share of the bandwidth: flat, then a straight line to 1.3 times
    /// the idle latency at 80 %, then exponential. Beyond the bandwidth it grows so steeply that
    /// demand and bandwidth meet within a percent: what is asked for is then capped.
    pub fn latency_ns(&self, utilisation: f64) -> f64 {
        let knee = 1.0 + KNEE_RISE;
        let factor = if utilisation <= self.flat_share {
            1.0
        } else if utilisation <= KNEE {
            1.0 + KNEE_RISE * (utilisation - self.flat_share) / (KNEE - self.flat_share)
        } else if utilisation <= 1.0 {
            knee * (STEEPNESS * (utilisation - KNEE)).exp()
        } else {
            knee * (STEEPNESS * (1.0 - KNEE)).exp() + CAP_SLOPE * (utilisation - 1.0)
        };
        self.idle_latency_ns * factor
    }
}

/// `samplers.md` 7.3: flat to 40 %, 1.3 times at 80 %, at least twice at the end.
const FLAT_SHARE: f64 = 0.4;
const KNEE: f64 = 0.8;
const KNEE_RISE: f64 = 0.3;
const STEEPNESS: f64 = 2.5;
/// Idle latencies per bandwidth's worth of excess demand: who could ask for a hundred times the
/// bandwidth exceeds it by 1 %.
const CAP_SLOPE: f64 = 10_000.0;

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum NodeError {
    /// No memory.
    #[error("expected memory, got 0 bytes")]
    Empty,
    /// Not in whole blocks.
    #[error("expected start and bytes to be multiples of 128 MiB, got {start:#x} and {bytes}")]
    Unaligned {
        /// Its start.
        start: u64,
        /// Its size.
        bytes: u64,
    },
    /// Above 8 TiB: frame numbers, and one block beyond the last, must fit 32 bits.
    #[error("expected to end at or below 8 TiB, got {0:#x}")]
    TooHigh(u64),
    /// Begins before its predecessor ends.
    #[error("expected start at or above {previous_end:#x}, got {start:#x}")]
    Overlap {
        /// Its start.
        start: u64,
        /// Where the node before ends.
        previous_end: u64,
    },
    /// A latency, bandwidth, share or reserve that cannot be.
    #[error("{field}: expected {expected}, got {received}")]
    Timing {
        /// The field's name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        received: f64,
    },
}

/// Bytes of a block: Linux's memory block size on x86-64.
pub(crate) const BLOCK_SZ: u64 = 128 << 20;

const ADDRESS_MAX: u64 = 1 << 43;

impl NodeConfig {
    /// Memory of that kind on socket 0.
    pub fn new(start: u64, bytes: u64, timing: Timing) -> Self {
        Self { start, bytes, reserve_bytes: 0, socket: 0, timing }
    }

    /// DRAM on socket 0.
    pub fn dram(start: u64, bytes: u64) -> Self {
        Self::new(start, bytes, Timing::DRAM)
    }

    /// A CXL expander on socket 0.
    pub fn cxl(start: u64, bytes: u64) -> Self {
        Self::new(start, bytes, Timing::CXL)
    }

    fn check(&self, previous_end: u64) -> Result<(), NodeError> {
        let Self { start, bytes, reserve_bytes, timing, .. } = *self;
        if bytes == 0 {
            return Err(NodeError::Empty);
        }
        if start % BLOCK_SZ != 0 || bytes % BLOCK_SZ != 0 {
            return Err(NodeError::Unaligned { start, bytes });
        }
        let end = start.saturating_add(bytes);
        if end > ADDRESS_MAX {
            return Err(NodeError::TooHigh(end));
        }
        if start < previous_end {
            return Err(NodeError::Overlap { start, previous_end });
        }
        let refuse =
            |field, expected, received| Err(NodeError::Timing { field, expected, received });
        if !(1.0..=1e6).contains(&timing.idle_latency_ns) {
            return refuse("idleLatencyNs", "1 to 1e6", timing.idle_latency_ns);
        }
        if !(1e6..=1e15).contains(&timing.bandwidth_hz) {
            return refuse("bandwidthBytesPerS", "1e6 to 1e15", timing.bandwidth_hz);
        }
        if !(0.0..KNEE).contains(&timing.flat_share) {
            return refuse("flatShare", "a share from 0 to below 0.8", timing.flat_share);
        }
        if reserve_bytes > bytes {
            return refuse("reserveBytes", "at most the node's bytes", reserve_bytes as f64);
        }
        Ok(())
    }
}

/// The machine's nodes, by ascending address; the index is the node's id.
#[derive(Clone, Debug)]
pub struct Nodes(Vec<NodeConfig>);

impl Nodes {
    pub(crate) fn new(nodes: &[NodeConfig]) -> Result<Self, MachineError> {
        if nodes.is_empty() {
            return Err(MachineError::NoNodes);
        }
        let mut previous_end = 0;
        for (index, node) in nodes.iter().enumerate() {
            node.check(previous_end).map_err(|error| MachineError::Node { index, error })?;
            previous_end = node.start + node.bytes;
        }
        Ok(Self(nodes.to_vec()))
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "a machine has at least one node")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The node of that id.
    pub fn get(&self, nid: u32) -> Option<&NodeConfig> {
        self.0.get(nid as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &NodeConfig)> {
        (0..).zip(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_flat_then_straight_then_steep() {
        let at = |utilisation| Timing::DRAM.latency_ns(utilisation) / 130.0;
        assert_eq!((at(0.0), at(0.4)), (1.0, 1.0));
        assert!((at(0.6) - 1.15).abs() < 1e-12);
        assert!((at(0.8) - 1.3).abs() < 1e-12);
        // samplers.md 7.3: 2.14 times at the bandwidth.
        assert!((at(1.0) - 2.143).abs() < 1e-3);
        assert!(at(1.01) > 100.0);
    }
}
