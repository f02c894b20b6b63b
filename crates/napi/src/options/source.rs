//! Where accesses come from.

use damon_monitor::{Emulation, EmulationError, LatenessConfig, RecordingOptions};
use damon_ring::LanesOptions;
use damon_trace::{BadRows, ReaderOptions};
use napi_derive::napi;

use super::machine::{MachineInit, in_short_form};
use super::policy::PolicyInit;
use super::sampler::SamplerInit;
use super::value::{RangeInit, integer, ranges};
use crate::error::Failure;

/// A recording to replay.
#[napi(object)]
pub struct RecordingInit {
    /// The file.
    pub path: String,
    /// Bad rows are counted instead of ending the replay.
    pub count_bad_rows: bool,
    /// CPU numbers must be below.
    pub cpus_max: u32,
    /// Largest step forward in time, in nanoseconds.
    pub gap_max_ns: f64,
    /// Where the nodes lie, by id.
    pub nodes: Vec<RangeInit>,
    /// Memory to monitor; empty to follow the recording.
    pub regions: Vec<RangeInit>,
}

/// The emulated machine and its sampler.
#[napi(object)]
pub struct EmulationInit {
    /// The machine and its workload.
    pub machine: MachineInit,
    /// The workload was written in its short form.
    pub is_short: bool,
    /// The sampler.
    pub sampler: SamplerInit,
    /// Who else moves pages.
    pub policy: Option<PolicyInit>,
    /// How late the monitor's thread is; never if absent.
    pub lateness: Option<LatenessInit>,
    /// Threads that may sample; as many as pay if absent.
    pub threads: Option<u32>,
    /// Decides every random draw of the emulation.
    pub seed: f64,
}

/// How late the monitor's thread is.
#[napi(object)]
pub struct LatenessInit {
    /// Mean nanoseconds by which it wakes up too late.
    pub wake_up_ns: f64,
    /// It does the schemes' work.
    pub works: bool,
}

impl RecordingInit {
    pub(crate) fn build(&self) -> Result<RecordingOptions, Failure> {
        let cpus_max = u16::try_from(self.cpus_max).map_err(|_| {
            Failure::refusal("ERR_DAMON_CONFIG_VALUE", "source.cpus", "at most 8192", self.cpus_max)
        })?;
        Ok(RecordingOptions {
            reader: ReaderOptions {
                bad_rows: if self.count_bad_rows { BadRows::Count } else { BadRows::Stop },
                cpus_max,
                gap_max_ns: integer(self.gap_max_ns, "source.gapMaxNs")?,
                ..ReaderOptions::default()
            },
            nodes: ranges(&self.nodes, "source.nodes")?,
            ranges: ranges(&self.regions, "source.regions")?,
        })
    }
}

impl EmulationInit {
    /// Builds the machine and starts the sampler.
    pub(crate) fn build(&self, lanes: LanesOptions) -> Result<Emulation, Failure> {
        let seed = integer(self.seed, "seed")?;
        let machine = self.machine.build(seed)?;
        let sampler = self.sampler.build(seed)?;
        let threads = self.threads.map_or_else(threads_that_pay, |threads| threads as usize);
        let emulation =
            Emulation::new(machine, &sampler, threads).map_err(|error| match error {
                EmulationError::Machine(error) if self.is_short => in_short_form(error).into(),
                error => Failure::from(error),
            })?;
        let emulation = match &self.lateness {
            None => emulation,
            Some(LatenessInit { wake_up_ns, works }) => {
                let wake_up_ns = integer(*wake_up_ns, "source.lateness.wakeUpUs")?;
                emulation.with_lateness(LatenessConfig { wake_up_ns, works: *works }, seed)
            }
        };
        match &self.policy {
            Some(policy) => Ok(emulation.with_policy(&policy.build()?, lanes)?),
            None => Ok(emulation),
        }
    }
}

/// The monitor's own, and one that samples ahead while it drains, if there is a processor for it.
fn threads_that_pay() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().min(2))
}
