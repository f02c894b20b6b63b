//! The simulated machine under an emulated sampler, as a source.

use damon_core::kdamond::TargetConfig;
use damon_core::ops::{Operations, OpsId, Primitive, Registry};
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
        for ops in OpsId::ALL {
            let primitive = match ops {
                OpsId::PaddrIbs => Primitive::Reports,
                _ => Primitive::AccessChecks,
            };
            // The registry is this source's own and new, so the id is free.
            let registered = registry.register(ops, primitive);
            debug_assert!(registered.is_ok());
        }
    }

    /// All of its memory, or all of its processes: `vaddr` finds their mappings, `fvaddr` gets them.
    fn targets(&self, ops: OpsId) -> Vec<TargetConfig> {
        if ops.is_physical() {
            return vec![TargetConfig::physical(self.machine.ranges().collect())];
        }
        let ranges = |tgid| match ops {
            OpsId::Fvaddr => self.machine.mappings(tgid).unwrap_or_default(),
            _ => Vec::new(),
        };
        let target =
            |tgid| TargetConfig { tgid: Some(tgid), ranges: ranges(tgid), obsolete: false };
        self.machine.tgids().map(target).collect()
    }

    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        while self.lanes.len() < usize::from(self.sampler.cpus()) {
            self.lanes.push(intake.add_lane()?);
        }
        // What the workload does is the same within a step.
        while self.machine.now_ns() < until_ns {
            let step_ns = self.machine.next_change_ns().min(until_ns);
            if intake.wants_reports() {
                self.sampler.sample(&self.machine, step_ns, &self.lanes);
            } else {
                self.sampler.skip(step_ns);
            }
            self.machine.advance(step_ns);
        }
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
        SourceCounters::Emulation {
            sampler: self.sampler.counters(),
            migrations: self.machine.migrations(),
            out_pages: self.machine.out_pages(),
        }
    }

    fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        Some(self.machine.hot_bytes_by_node())
    }
}
