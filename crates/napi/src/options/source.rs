//! Where accesses come from.

use damon_monitor::{Emulation, EmulationError, RecordingOptions};
use damon_sampler::{Counting, IbsOpConfig};
use damon_trace::{BadRows, ReaderOptions};
use napi_derive::napi;

use super::machine::{MachineInit, in_short_form};
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
    /// CPUs.
    pub cpus: u32,
    /// Cycles or ops between tags.
    pub period: f64,
    /// Count ops instead of cycles.
    pub count_ops: bool,
    /// Cycles or ops per second and CPU.
    pub rate_hz: f64,
    /// Share of tagged ops with a physical address.
    pub data_share: f64,
    /// Decides every random draw of the emulation.
    pub seed: f64,
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
    pub(crate) fn build(&self) -> Result<Emulation, Failure> {
        let machine = self.machine.build(integer(self.seed, "seed")?)?;
        Emulation::new(machine, self.sampler()?).map_err(|error| match error {
            EmulationError::Machine(error) if self.is_short => in_short_form(error).into(),
            error => error.into(),
        })
    }

    fn sampler(&self) -> Result<IbsOpConfig, Failure> {
        Ok(IbsOpConfig {
            cpus: u16::try_from(self.cpus).unwrap_or(u16::MAX),
            period: integer(self.period, "source.sampler.period")?,
            counting: if self.count_ops { Counting::Ops } else { Counting::Cycles },
            rate_hz: integer(self.rate_hz, "source.sampler.rateHz")?,
            data_share: self.data_share,
            seed: integer(self.seed, "seed")?,
        })
    }
}
