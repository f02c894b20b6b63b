//! NUMA nodes: contiguous stretches of physical memory.

use thiserror::Error;

use crate::MachineError;

/// One node's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// First physical byte, a multiple of 128 MiB (Linux's memory block on x86-64).
    pub start: u64,
    /// Bytes, a multiple of 128 MiB.
    pub bytes: u64,
}

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
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
}

/// Bytes of a block: Linux's memory block size on x86-64.
pub(crate) const BLOCK_SZ: u64 = 128 << 20;

const ADDRESS_MAX: u64 = 1 << 43;

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
            let error = |error| Err(MachineError::Node { index, error });
            let NodeConfig { start, bytes } = *node;
            if bytes == 0 {
                return error(NodeError::Empty);
            }
            if start % BLOCK_SZ != 0 || bytes % BLOCK_SZ != 0 {
                return error(NodeError::Unaligned { start, bytes });
            }
            let end = start.saturating_add(bytes);
            if end > ADDRESS_MAX {
                return error(NodeError::TooHigh(end));
            }
            if start < previous_end {
                return error(NodeError::Overlap { start, previous_end });
            }
            previous_end = end;
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
