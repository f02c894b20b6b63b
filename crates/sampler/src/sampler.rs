//! A sampler of any kind.

use std::sync::Arc;

use damon_machine::Machine;
use damon_ring::{AddressKind, Producer};

use crate::chmu::ChmuConfig;
use crate::counters::SamplerCounters;
use crate::error::SamplerError;
use crate::hint_faults::HintFaultsConfig;
use crate::ibs_op::IbsOpConfig;
use crate::page_faults::PageFaultsConfig;
use crate::pebs::PebsConfig;
use crate::sampling::Sampling;
use crate::sources::SourceCounts;
use crate::stream::Stream;

/// Which sampler.
#[derive(Clone, Debug, PartialEq)]
pub enum SamplerConfig {
    /// AMD IBS Op.
    IbsOp(IbsOpConfig),
    /// Intel PEBS.
    Pebs(PebsConfig),
    /// CXL hotness monitoring units.
    Chmu(ChmuConfig),
    /// NUMA hint faults.
    HintFaults(HintFaultsConfig),
    /// Page faults.
    PageFaults(PageFaultsConfig),
}

impl SamplerConfig {
    /// Its streams, from `now_ns` on, and which addresses they report.
    fn streams(
        &self,
        machine: &Machine,
        now_ns: u64,
    ) -> Result<(Vec<Stream>, AddressKind), SamplerError> {
        let (streams, is_physical) = match self {
            Self::IbsOp(config) => (config.streams(machine.cpus(), now_ns)?, true),
            Self::Pebs(config) => (config.streams(machine, now_ns)?, config.physical),
            Self::Chmu(config) => (config.streams(machine, now_ns)?, true),
            Self::HintFaults(config) => (config.streams(machine, now_ns)?, config.physical),
            Self::PageFaults(config) => (config.streams(machine)?, config.physical),
        };
        let kind = if is_physical { AddressKind::Physical } else { AddressKind::Virtual };
        Ok((streams, kind))
    }

    fn tells_sources(&self) -> bool {
        matches!(self, Self::IbsOp(config) if config.data_source)
    }
}

/// What whoever counts a sampler's reports has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplerShape {
    /// How many lanes it wants.
    pub lanes: usize,
    /// Which addresses it reports.
    pub kind: AddressKind,
}

/// A sampler at work.
#[derive(Debug)]
pub struct Sampler {
    sampling: Sampling,
    tells_sources: bool,
}

impl Sampler {
    /// A sampler that begins at `now_ns` and uses up to so many threads, the caller's among them.
    ///
    /// # Errors
    ///
    /// [`SamplerError`].
    pub fn new(
        config: &SamplerConfig,
        machine: &Machine,
        now_ns: u64,
        threads: usize,
    ) -> Result<Self, SamplerError> {
        let (streams, kind) = config.streams(machine, now_ns)?;
        let tells_sources = config.tells_sources();
        Ok(Self { sampling: Sampling::new(streams, kind, now_ns, threads), tells_sources })
    }

    /// What [`restart`](Self::restart) would make of it.
    ///
    /// # Errors
    ///
    /// [`SamplerError`].
    pub fn check_restart(
        &self,
        config: &SamplerConfig,
        machine: &Machine,
    ) -> Result<SamplerShape, SamplerError> {
        let (streams, kind) = config.streams(machine, self.sampling.now_ns())?;
        Ok(SamplerShape { lanes: streams.len(), kind })
    }

    /// Samples by another configuration from now on, as if it had just begun. Counters go on, and so
    /// do the lanes if it wants as many; otherwise it gives them back and waits for
    /// [others](Self::attach).
    ///
    /// # Errors
    ///
    /// As [`check_restart`](Self::check_restart); everything then stays as it is.
    pub fn restart(
        &mut self,
        config: &SamplerConfig,
        machine: &Machine,
    ) -> Result<(), SamplerError> {
        let (streams, kind) = config.streams(machine, self.sampling.now_ns())?;
        self.sampling.restart(streams, kind);
        self.tells_sources = config.tells_sources();
        Ok(())
    }

    /// How many lanes it wants, and for which addresses.
    pub fn shape(&self) -> SamplerShape {
        SamplerShape { lanes: self.sampling.lanes(), kind: self.sampling.kind() }
    }

    /// What was sampled so far.
    pub fn counters(&self) -> SamplerCounters {
        self.sampling.counters()
    }

    /// Samples by what served them, if the sampler was asked to count them.
    pub fn sources(&self) -> Option<&SourceCounts> {
        self.tells_sources.then(|| self.sampling.sources())
    }

    /// Gives it its lanes.
    pub fn attach(&mut self, lanes: Vec<Producer>) {
        self.sampling.attach(lanes);
    }

    /// Looks at the machine up to (not including) `until_ns`. What it saw before is reported by then.
    pub fn follow(&mut self, machine: &Arc<Machine>, until_ns: u64) {
        self.sampling.follow(machine, until_ns);
    }

    /// Reports what it saw since the last time.
    pub fn report(&mut self, machine: &Machine) {
        self.sampling.report(machine);
    }

    /// Takes what [following](Self::follow) took last from the machine's CPUs.
    pub fn charge(&self, machine: &mut Machine) {
        self.sampling.charge(machine);
    }

    /// Nobody wants samples up to (not including) `until_ns`: nothing is counted.
    pub fn skip(&mut self, until_ns: u64) {
        self.sampling.skip(until_ns);
    }

    /// Lets other threads begin with what comes next, as long as the machine stays as it is.
    pub fn go_ahead(&mut self, machine: &Arc<Machine>) {
        self.sampling.go_ahead(machine);
    }

    /// Forgets what they began with. Needed before the machine changes; nobody holds it afterwards.
    pub fn take_back(&mut self) {
        self.sampling.take_back();
    }
}
