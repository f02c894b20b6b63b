//! A sampler of any kind.

use std::sync::Arc;

use damon_machine::Machine;
use damon_ring::{AddressKind, Producer};

use crate::chmu::ChmuConfig;
use crate::counters::SamplerCounters;
use crate::error::SamplerError;
use crate::hint_faults::HintFaultsConfig;
use crate::ibs_op::IbsOpConfig;
use crate::pebs::PebsConfig;
use crate::sampling::Sampling;
use crate::sources::SourceCounts;

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
        let (streams, is_physical) = match config {
            SamplerConfig::IbsOp(config) => (config.streams(machine.cpus(), now_ns)?, true),
            SamplerConfig::Pebs(config) => (config.streams(machine, now_ns)?, config.physical),
            SamplerConfig::Chmu(config) => (config.streams(machine, now_ns)?, true),
            SamplerConfig::HintFaults(config) => {
                (config.streams(machine, now_ns)?, config.physical)
            }
        };
        let kind = if is_physical { AddressKind::Physical } else { AddressKind::Virtual };
        let tells_sources = matches!(config, SamplerConfig::IbsOp(config) if config.data_source);
        Ok(Self { sampling: Sampling::new(streams, kind, now_ns, threads), tells_sources })
    }

    /// How many lanes it wants.
    pub fn lanes(&self) -> usize {
        self.sampling.lanes()
    }

    /// Which addresses it reports.
    pub fn kind(&self) -> AddressKind {
        self.sampling.kind()
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

    /// CPUs, and the nanoseconds that this took from each.
    pub fn charges(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.sampling.charges()
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
