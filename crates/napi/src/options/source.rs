//! Where accesses come from.

use damon_machine::{HotSet, Interleave, MachineConfig, NodeConfig, PAGE_SZ, Processor};
use damon_monitor::RecordingOptions;
use damon_sampler::{Counting, IbsOpConfig};
use damon_trace::{BadRows, ReaderOptions};
use napi_derive::napi;

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
    /// The nodes' memory, by id.
    pub nodes: Vec<RangeInit>,
    /// Bytes of the workload.
    pub workload_bytes: f64,
    /// Bytes of its hot set.
    pub hot_bytes: f64,
    /// Share of accesses to the hot set.
    pub hot_share: f64,
    /// Share of accesses that are stores.
    pub store_share: f64,
    /// Pages placed on each node in turn, by id.
    pub interleave: Vec<u32>,
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
    pub(crate) fn machine(&self) -> Result<MachineConfig, Failure> {
        let nodes = ranges(&self.nodes, "source.nodes")?;
        let pages = |bytes, path: &str| {
            u32::try_from(integer(bytes, path)? / PAGE_SZ).map_err(|_| {
                Failure::refusal("ERR_DAMON_CONFIG_MACHINE", path, "below 16 TiB", bytes)
            })
        };
        let nodes = nodes
            .iter()
            .map(|node| NodeConfig::dram(node.start, node.end.saturating_sub(node.start)))
            .collect();
        let workload = HotSet {
            pages: pages(self.workload_bytes, "source.workload.bytes")?,
            hot_pages: pages(self.hot_bytes, "source.workload.hotBytes")?,
            hot_share: self.hot_share,
            store_share: self.store_share,
            tgid: 1,
        };
        let weights = (0..).zip(self.interleave.iter().copied()).collect();
        let workload = workload.placed(Interleave { weights });
        let processor = Processor::zen5(u16::try_from(self.cpus).unwrap_or(u16::MAX));
        let seed = integer(self.seed, "seed")?;
        Ok(MachineConfig { seed, ..MachineConfig::new(nodes, processor, workload) })
    }

    pub(crate) fn sampler(&self) -> Result<IbsOpConfig, Failure> {
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
