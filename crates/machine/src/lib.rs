//! The simulated computer: NUMA nodes, page placement, and a workload that makes accesses.
//!
//! - [`node`]: where each node's memory lies.
//! - [`frames`]: which 4 KiB frame holds which page; memory for the books only where pages are.
//! - [`workload`]: which pages are touched, how often.
//! - [`Machine`]: all of it, and its physical operations set (`paddr.rs`): migration.
//!
//! Time and randomness are arguments: the machine has no clock, and the random bits come from
//! whoever asks for accesses.
//!
//! Not here: who observes the accesses (a sampler) and what is concluded from them (the monitor).
//! Not yet modelled: latency, bandwidth, TLBs, the time a migration takes.

pub mod node;

pub mod frames;

pub mod workload;

mod paddr;
mod page_table;

pub use frames::PAGE_SZ;
pub use node::{NodeConfig, NodeError};
pub use workload::{HotSet, Interleave};

use frames::Frames;
use node::Nodes;
use page_table::PageTable;
use rand_core::Rng;
use thiserror::Error;

/// Pages of one interleaving turn: what is kept in memory while placing.
const TURN_MAX: u64 = 1 << 20;

/// Why a machine was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MachineError {
    /// A node.
    #[error("nodes[{index}]: {error}")]
    Node {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: NodeError,
    },
    /// No nodes at all.
    #[error("nodes: expected at least one")]
    NoNodes,
    /// The workload's sizes.
    #[error("workload: {0}")]
    Workload(&'static str),
    /// The workload places pages on a node that is not there.
    #[error("workload.interleave: node {0} does not exist")]
    UnknownNode(u32),
    /// The operating system has no memory for the books.
    #[error("workload: no memory for the page table: {0}")]
    Memory(String),
    /// The pages do not fit where the placement puts them.
    #[error("workload: {needed} bytes do not fit on node {nid}, which has {capacity}")]
    Capacity {
        /// The node.
        nid: u32,
        /// Bytes the placement asks of it.
        needed: u64,
        /// Bytes it has.
        capacity: u64,
    },
}

/// What the machine and its workload are.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    /// The nodes; a node's index is its id.
    pub nodes: Vec<NodeConfig>,
    /// What runs on it.
    pub workload: HotSet,
    /// Where its pages lie at first.
    pub interleave: Interleave,
}

/// Pages that were, or were not, moved. `asked = migrated + failed` over pages not yet there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MigrationCounters {
    /// Pages moved to another node.
    pub migrated_pages: u64,
    /// Pages left where they were because the target node was full.
    pub failed_pages: u64,
}

/// The computer.
#[derive(Debug)]
pub struct Machine {
    nodes: Nodes,
    frames: Frames,
    /// Frame of each virtual page.
    page_table: PageTable,
    workload: HotSet,
    /// Hot pages on each node.
    hot_pages: Vec<u64>,
    migrations: MigrationCounters,
}

impl Machine {
    /// Builds the machine and places the workload's pages.
    ///
    /// # Errors
    ///
    /// [`MachineError`].
    pub fn new(config: MachineConfig) -> Result<Self, MachineError> {
        let nodes = Nodes::new(&config.nodes)?;
        config.workload.validate().map_err(MachineError::Workload)?;
        let mut machine = Self {
            frames: Frames::new(&nodes),
            page_table: PageTable::new(config.workload.pages)
                .map_err(|error| MachineError::Memory(error.to_string()))?,
            workload: config.workload,
            hot_pages: vec![0; nodes.len()],
            migrations: MigrationCounters::default(),
            nodes,
        };
        machine.place(&config.interleave)?;
        Ok(machine)
    }

    fn place(&mut self, interleave: &Interleave) -> Result<(), MachineError> {
        let mut needed = vec![0u64; self.nodes.len()];
        for nid in interleave.nodes() {
            if nid as usize >= self.nodes.len() {
                return Err(MachineError::UnknownNode(nid));
            }
        }
        if interleave.turn() > TURN_MAX {
            return Err(MachineError::Workload("interleave weights must not exceed 2^20 in sum"));
        }
        let order = interleave.order();
        if order.is_empty() {
            return Err(MachineError::Workload("interleave weights must not all be zero"));
        }
        for (page, nid) in (0..self.workload.pages).zip(order.iter().cycle()) {
            needed[*nid as usize] += PAGE_SZ;
            match self.frames.allocate(&self.nodes, *nid) {
                Some(frame) => {
                    self.page_table.set(page, frame);
                    self.frames.set_owner(frame, page);
                    if self.workload.is_hot(page) {
                        self.hot_pages[*nid as usize] += 1;
                    }
                }
                None => {
                    let capacity = self.nodes.get(*nid).map_or(0, |node| node.bytes);
                    let needed = needed[*nid as usize];
                    return Err(MachineError::Capacity { nid: *nid, needed, capacity });
                }
            }
        }
        Ok(())
    }

    /// The workload.
    pub fn workload(&self) -> &HotSet {
        &self.workload
    }

    /// The nodes.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Pages moved so far.
    pub fn migrations(&self) -> MigrationCounters {
        self.migrations
    }

    /// Physical address of the first byte of a virtual page.
    ///
    /// # Panics
    ///
    /// If the workload has no such page.
    pub fn physical_address(&self, page: u32) -> u64 {
        u64::from(self.page_table.get(page)) * PAGE_SZ
    }

    /// Draws one access of the workload: the physical address of the page it touches.
    pub fn access(&self, random: &mut impl Rng) -> u64 {
        // When all pages are touched alike, any frame in use is as likely as another: the same
        // draw without the look-up, which misses the processor's caches.
        if self.workload.hot_pages == self.workload.pages {
            u64::from(self.frames.random_used(random)) * PAGE_SZ
        } else {
            self.physical_address(self.workload.page(random))
        }
    }

    /// Pages of the hot set on each node: the truth that a monitor estimates.
    pub fn hot_pages_by_node(&self) -> &[u64] {
        &self.hot_pages
    }
}
