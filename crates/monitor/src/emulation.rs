//! The simulated machine under an emulated sampler, as a source.

use std::sync::Arc;

use damon_core::kdamond::{Probe, TargetConfig};
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Operations, OpsId, Primitive, Reading, Registry,
};
use damon_core::region::Range;
use damon_machine::{Machine, MachineConfig, MachineError, Throughput};
use damon_policy::{Policy, PolicyConfig, PolicyError};
use damon_ring::{AddressKind, LanesOptions};
use damon_sampler::{Sampler, SamplerConfig, SamplerError, SamplerShape};
use thiserror::Error;

use crate::lateness::{Lateness, LatenessConfig};
use crate::source::{Fill, Intake, PolicyBooks, Restart, Source, SourceCounters, SourceError};

/// Why an emulation was refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EmulationError {
    /// The machine or its workload.
    #[error("machine.{0}")]
    Machine(#[from] MachineError),
    /// The sampler.
    #[error("sampler.{0}")]
    Sampler(#[from] SamplerError),
    /// The policy.
    #[error("policy.{0}")]
    Policy(#[from] PolicyError),
}

/// A machine whose accesses are sampled; one lane per CPU, device or process, as the sampler wants.
/// Never ends. Starts at 0.
///
/// With a policy that places pages, the sampler feeds the policy, and the monitor looks on by accessed
/// bits.
pub struct Emulation {
    machine: Arc<Machine>,
    sampler: Sampler,
    policy: Option<Policy>,
    lateness: Option<Lateness>,
    has_lanes: bool,
}

impl Emulation {
    /// Builds the machine, places its pages and starts the sampler, on up to so many threads. What
    /// is reported does not depend on their number.
    ///
    /// # Errors
    ///
    /// [`EmulationError`].
    pub fn new(
        machine: MachineConfig,
        sampler: &SamplerConfig,
        threads: usize,
    ) -> Result<Self, EmulationError> {
        let machine = Machine::new(machine)?;
        let sampler = Sampler::new(sampler, &machine, 0, threads)?;
        Ok(Self {
            machine: Arc::new(machine),
            sampler,
            policy: None,
            lateness: None,
            has_lanes: false,
        })
    }

    /// The same with a monitor whose thread is late at times.
    #[must_use]
    pub fn with_lateness(mut self, lateness: LatenessConfig, seed: u64) -> Self {
        self.lateness = Some(Lateness::new(lateness, seed));
        self
    }

    /// The same with a policy that moves pages by what the sampler sees.
    ///
    /// # Errors
    ///
    /// [`EmulationError`].
    pub fn with_policy(
        mut self,
        policy: &PolicyConfig,
        lanes: LanesOptions,
    ) -> Result<Self, EmulationError> {
        let policy = Policy::new(policy, &self.machine, lanes)?;
        let lanes = (0..self.sampler.shape().lanes).map(|_| policy.add_lane());
        let lanes = lanes.collect::<Result<_, _>>().map_err(PolicyError::from)?;
        self.sampler.attach(lanes);
        self.has_lanes = true;
        self.policy = Some(policy);
        Ok(self)
    }

    /// Lets the machine run on, less what the sampler took, and see how fast it goes then.
    fn step(&mut self, until_ns: u64) {
        self.sampler.take_back();
        let Self { machine, sampler, .. } = self;
        let machine = unshared(machine);
        sampler.charge(machine);
        machine.advance(until_ns);
        if let Some(policy) = &mut self.policy {
            policy.run(machine);
        }
    }

    /// The sets there are with a sampler of that kind: one that its reports feed checks nothing itself.
    fn sets(&self, kind: AddressKind, registry: &mut Registry) {
        for ops in OpsId::ALL {
            let sampled = self.policy.is_none()
                && match kind {
                    AddressKind::Physical => ops == OpsId::PaddrIbs,
                    AddressKind::Virtual => matches!(ops, OpsId::Vaddr | OpsId::Fvaddr),
                };
            if ops == OpsId::PaddrIbs && !sampled {
                continue;
            }
            let primitive = if sampled { Primitive::Reports } else { Primitive::AccessChecks };
            // The registry is this source's own and new, so the id is free.
            let registered = registry.register(ops, primitive);
            debug_assert!(registered.is_ok());
        }
    }

    /// The machine, to be changed: nobody samples it then.
    fn machine_mut(&mut self) -> &mut Machine {
        self.sampler.take_back();
        unshared(&mut self.machine)
    }
}

/// Only the sampler shares the machine, and only while it is ahead.
fn unshared(machine: &mut Arc<Machine>) -> &mut Machine {
    let Some(machine) = Arc::get_mut(machine) else { unreachable!("the sampler was taken back") };
    machine
}

impl Source for Emulation {
    fn started_ns(&self) -> u64 {
        0
    }

    fn register(&self, registry: &mut Registry) {
        self.sets(self.sampler.shape().kind, registry);
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
        if !self.has_lanes {
            let lanes = (0..self.sampler.shape().lanes).map(|_| intake.add_lane());
            self.sampler.attach(lanes.collect::<Result<_, _>>()?);
            self.has_lanes = true;
        }
        let wanted = self.policy.is_some() || intake.wants_reports();
        // What the workload does is the same within a step.
        while self.machine.now_ns() < until_ns {
            let step_ns = self.machine.next_change_ns().min(until_ns);
            if wanted {
                self.sampler.follow(&self.machine, step_ns);
                // A policy acts on it at once; another step follows anew.
                if self.policy.is_some() || step_ns < until_ns {
                    self.sampler.report(&self.machine);
                }
            } else {
                self.sampler.skip(step_ns);
            }
            self.step(step_ns);
        }
        if wanted {
            self.sampler.go_ahead(&self.machine);
            self.sampler.report(&self.machine);
        }
        Ok(Fill::UpToDate)
    }

    fn operations(&self) -> &dyn Operations {
        self
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        self
    }

    fn can_migrate_to(&self, nid: u32) -> bool {
        self.has_node(nid)
    }

    fn has_node(&self, nid: u32) -> bool {
        self.machine.nodes().get(nid).is_some()
    }

    fn has_memcg(&self, path: &str) -> bool {
        self.machine.has_memcg(path)
    }

    fn has_process(&self, tgid: u32) -> bool {
        self.machine.is_target_valid(tgid)
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::Emulation {
            sampler: self.sampler.counters(),
            sources: self.sampler.sources().cloned(),
            migrations: Box::new(self.machine.migrations()),
            out_pages: self.machine.out_pages(),
            access_checks: self.machine.access_checks(),
            policy: self.policy.as_ref().map(|policy| {
                let counters = policy.counters();
                Box::new(PolicyBooks { counters, lanes: policy.lane_counters() })
            }),
            lateness: self.lateness.as_ref().map(|lateness| lateness.counters),
        }
    }

    fn check_sampler(&self, sampler: &SamplerConfig) -> Result<Restart, SamplerError> {
        let shape = self.sampler.check_restart(sampler, &self.machine)?;
        let present = self.sampler.shape();
        if self.policy.is_some() && shape != present {
            // The policy's own lanes stay.
            let expected = format!("as before where a policy places pages: {}", said(present));
            return Err(SamplerError { path: "type", expected, received: said(shape) });
        }
        let mut registry = Registry::default();
        self.sets(shape.kind, &mut registry);
        let lanes = if self.policy.is_none() { shape.lanes } else { 0 };
        Ok(Restart { registry, lanes })
    }

    fn restart_sampler(&mut self, sampler: &SamplerConfig) {
        let lanes = self.sampler.shape().lanes;
        let restarted = self.sampler.restart(sampler, &self.machine);
        debug_assert!(restarted.is_ok(), "checked");
        self.has_lanes &= self.sampler.shape().lanes == lanes;
    }

    fn lateness_ns(&mut self) -> u64 {
        self.lateness.as_mut().map_or(0, Lateness::next_ns)
    }

    fn throughput(&self) -> Option<Throughput> {
        Some(self.machine.throughput())
    }

    fn hot_bytes_by_node(&self) -> Option<Vec<u64>> {
        Some(self.machine.hot_bytes_by_node())
    }
}

fn said(shape: SamplerShape) -> String {
    let kind = match shape.kind {
        AddressKind::Physical => "physical",
        AddressKind::Virtual => "virtual",
    };
    format!("{kind} addresses in {} lanes", shape.lanes)
}

/// The machine's, except that nobody samples it while it changes.
impl Operations for Emulation {
    fn apply(&mut self, job: &Job<'_>, last: &mut LastApplied) -> Applied {
        let applied = self.machine_mut().apply(job, last);
        if let Some(lateness) = &mut self.lateness {
            lateness.worked(applied.elapsed_ns);
        }
        applied
    }

    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]) {
        self.machine_mut().prepare_access_checks(tgid, addresses);
    }

    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]) {
        self.machine_mut().check_accesses(tgid, addresses, accessed);
    }

    fn is_target_valid(&self, tgid: u32) -> bool {
        self.machine.is_target_valid(tgid)
    }

    fn mappings(&self, tgid: u32) -> Option<Vec<Range>> {
        self.machine.mappings(tgid)
    }

    fn read(&self, gauge: &Gauge) -> Option<Reading> {
        self.machine.read(gauge)
    }

    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes {
        self.machine.bytes_on_node(range, nid)
    }

    fn can_probe(&self) -> bool {
        self.machine.can_probe()
    }

    fn probe(&self, tgid: Option<u32>, addresses: &[u64], probes: &[Probe], passed: &mut [u8]) {
        self.machine.probe(tgid, addresses, probes, passed);
    }
}
