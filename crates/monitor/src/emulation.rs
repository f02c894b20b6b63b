//! The simulated machine under an emulated sampler, as a source.

use damon_core::kdamond::TargetConfig;
use damon_core::ops::{Operations, OpsId, Primitive, Registry};
use damon_core::region::Range;
use damon_machine::{Machine, MachineConfig, MachineError};
use damon_ring::Producer;
use damon_sampler::{IbsOp, IbsOpConfig, IbsOpError};
use thiserror::Error;

use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

/// Why an emulation was refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EmulationError {
    /// The machine or its workload.
    #[error("machine.{0}")]
    Machine(#[from] MachineError),
    /// The sampler.
    #[error("sampler.{0}")]
    Sampler(#[from] IbsOpError),
}

/// A machine whose accesses are sampled by IBS Op; one lane per CPU. Never ends. Starts at 0.
pub struct Emulation {
    machine: Machine,
    sampler: IbsOp,
    lanes: Vec<Producer>,
}

impl Emulation {
    /// Builds the machine, places its pages and starts the sampler.
    ///
    /// # Errors
    ///
    /// [`EmulationError`].
    pub fn new(machine: MachineConfig, sampler: IbsOpConfig) -> Result<Self, EmulationError> {
        Ok(Self {
            machine: Machine::new(machine)?,
            sampler: IbsOp::new(sampler, 0)?,
            lanes: Vec::new(),
        })
    }
}

impl Source for Emulation {
    fn started_ns(&self) -> u64 {
        0
    }

    fn register(&self, registry: &mut Registry) {
        // The registry is this source's own and new, so the id is free.
        let registered = registry.register(OpsId::PaddrIbs, Primitive::Reports);
        debug_assert!(registered.is_ok());
    }

    fn targets(&self, _ops: OpsId) -> Vec<TargetConfig> {
        let ranges = (0..self.machine.nodes().len() as u32)
            .filter_map(|nid| self.machine.nodes().get(nid))
            .map(|node| Range { start: node.start, end: node.start + node.bytes })
            .collect();
        vec![TargetConfig::physical(ranges)]
    }

    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        while self.lanes.len() < usize::from(self.sampler.cpus()) {
            self.lanes.push(intake.add_lane()?);
        }
        self.sampler.sample(&self.machine, until_ns, &self.lanes);
        Ok(Fill::UpToDate)
    }

    fn operations(&self) -> &dyn Operations {
        &self.machine
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        &mut self.machine
    }

    fn can_migrate_to(&self, nid: u32) -> bool {
        self.has_node(nid)
    }

    fn has_node(&self, nid: u32) -> bool {
        self.machine.nodes().get(nid).is_some()
    }

    fn counters(&self) -> SourceCounters {
        let migrations = self.machine.migrations();
        SourceCounters::Emulation {
            sampler: self.sampler.counters(),
            migrated_pages: migrations.migrated_pages,
            failed_pages: migrations.failed_pages,
        }
    }

    fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        let pages = self.machine.hot_pages_by_node();
        Some(pages.iter().map(|pages| pages * damon_machine::PAGE_SZ).collect())
    }
}
