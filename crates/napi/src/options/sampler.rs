//! Which sampler watches the emulated machine.

use damon_sampler::chmu::{Mode, Traffic};
use damon_sampler::pebs::{Event, Pace};
use damon_sampler::{
    ChmuConfig, Counting, Generation, HintFaultsConfig, IbsOpConfig, InterruptConfig,
    PageFaultsConfig, PebsConfig, SamplerConfig,
};
use napi_derive::napi;

use super::value::{integer, integer32};
use crate::error::Failure;

/// A sampler: the one that is given.
#[napi(object)]
pub struct SamplerInit {
    /// AMD IBS Op.
    pub ibs_op: Option<IbsOpInit>,
    /// Intel PEBS.
    pub pebs: Option<PebsInit>,
    /// CXL hotness monitoring units.
    pub chmu: Option<ChmuInit>,
    /// NUMA hint faults.
    pub hint_faults: Option<HintFaultsInit>,
    /// Page faults.
    pub page_faults: Option<PageFaultsInit>,
}

/// A sampler in the place of the one there is.
#[napi(object)]
pub struct RestartInit {
    /// The sampler.
    pub sampler: SamplerInit,
    /// Decides its random draws.
    pub seed: f64,
}

/// What interrupts cost, and how much of that the kernel allows.
#[napi(object)]
pub struct InterruptInit {
    /// Nanoseconds of one.
    pub handler_ns: f64,
    /// Most per second and CPU.
    pub max_rate_hz: f64,
    /// Share of the time, in percent.
    pub cpu_percent_max: u32,
}

/// AMD IBS Op.
#[napi(object)]
pub struct IbsOpInit {
    /// `zen3`, `zen4`, `zen5` or `zen6`.
    pub generation: String,
    /// Cycles or ops between tags.
    pub period: f64,
    /// Count ops instead of cycles.
    pub count_ops: bool,
    /// Only misses of the third-level cache.
    pub l3_miss_only: bool,
    /// Only loads of at least so many cycles.
    pub latency_min: Option<u32>,
    /// Cycles or ops per second, if not the workload's.
    pub rate_hz: Option<f64>,
    /// Share of ops with data, if not the workload's.
    pub data_share: Option<f64>,
    /// How often an op after a wait is about what was waited for.
    pub stall_share: f64,
    /// Count samples by data source.
    pub data_source: bool,
    /// Interrupts.
    pub interrupts: InterruptInit,
}

/// Intel PEBS.
#[napi(object)]
pub struct PebsInit {
    /// `l3_miss_loads`, `node_loads`, `loads`, `slow_loads` or `stores`.
    pub event: String,
    /// Of `node_loads`.
    pub nodes: Vec<u32>,
    /// Of `slow_loads`.
    pub latency_min: u32,
    /// Events between records.
    pub period: Option<f64>,
    /// Records per second and CPU.
    pub frequency: Option<f64>,
    /// Report physical addresses.
    pub physical: bool,
    /// Records of the buffer.
    pub buffer_records: u32,
    /// Events of the shadow.
    pub shadow_events: u32,
    /// Nanoseconds between switches to another task.
    pub switch_ns: f64,
    /// Nanoseconds of a record.
    pub record_ns: f64,
    /// Interrupts.
    pub interrupts: InterruptInit,
}

/// CXL hotness monitoring units.
#[napi(object)]
pub struct ChmuInit {
    /// The devices' nodes.
    pub nodes: Vec<u32>,
    /// Bytes of a unit.
    pub unit_bytes: f64,
    /// Always on instead of by epochs.
    pub always_on: bool,
    /// Nanoseconds of an epoch.
    pub epoch_ns: f64,
    /// `reads`, `writes` or `both`.
    pub traffic: String,
    /// Of so many accesses one is counted.
    pub down_sampling: u32,
    /// Counters.
    pub counters: u32,
    /// Bits of a counter.
    pub counter_bits: u32,
    /// Counts that make a unit hot.
    pub threshold: u32,
    /// Entries of the list.
    pub list_entries: u32,
    /// Nanoseconds to read one.
    pub read_ns: f64,
}

/// NUMA hint faults.
#[napi(object)]
pub struct HintFaultsInit {
    /// Bytes of a scan.
    pub scan_bytes: f64,
    /// Nanoseconds between scans.
    pub scan_period_ns: f64,
    /// Nanoseconds until the first.
    pub start_delay_ns: f64,
    /// Nodes that are scanned; all if empty.
    pub nodes: Vec<u32>,
    /// Nanoseconds within which a hot page faults.
    pub hot_threshold_ns: f64,
    /// Bytes per second that may be reported.
    pub rate_limit: f64,
    /// Report physical addresses.
    pub physical: bool,
    /// Nanoseconds of a fault.
    pub fault_ns: f64,
    /// Nanoseconds of a page table entry.
    pub scan_entry_ns: f64,
}

/// Page faults.
#[napi(object)]
pub struct PageFaultsInit {
    /// Faults between samples.
    pub period: u32,
    /// Report physical addresses.
    pub physical: bool,
    /// Nanoseconds of a sample.
    pub sample_ns: f64,
}

impl RestartInit {
    pub(crate) fn build(&self) -> Result<SamplerConfig, Failure> {
        self.sampler.build(integer(self.seed, "seed")?)
    }
}

impl SamplerInit {
    pub(crate) fn build(&self, seed: u64) -> Result<SamplerConfig, Failure> {
        let Self { ibs_op, pebs, chmu, hint_faults, page_faults } = self;
        let given = [
            ibs_op.as_ref().map(|ibs_op| ibs_op.build(seed).map(SamplerConfig::IbsOp)),
            pebs.as_ref().map(|pebs| pebs.build(seed).map(SamplerConfig::Pebs)),
            chmu.as_ref().map(|chmu| chmu.build(seed).map(SamplerConfig::Chmu)),
            hint_faults.as_ref().map(|faults| faults.build(seed).map(SamplerConfig::HintFaults)),
            page_faults.as_ref().map(|faults| faults.build(seed).map(SamplerConfig::PageFaults)),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(sampler), None) => sampler,
            _ => Err(refuse("type", "one sampler", "none or several")),
        }
    }
}

impl InterruptInit {
    fn build(&self) -> Result<InterruptConfig, Failure> {
        let percent = u8::try_from(self.cpu_percent_max);
        Ok(InterruptConfig {
            handler_ns: whole32(self.handler_ns, "interrupts.handlerNs")?,
            max_rate_hz: whole32(self.max_rate_hz, "interrupts.maxRateHz")?,
            cpu_percent_max: percent.map_err(|_| {
                refuse("interrupts.cpuPercentMax", "0 to 100", self.cpu_percent_max)
            })?,
        })
    }
}

impl IbsOpInit {
    fn build(&self, seed: u64) -> Result<IbsOpConfig, Failure> {
        Ok(IbsOpConfig {
            generation: match self.generation.as_str() {
                "zen3" => Generation::Zen3,
                "zen4" => Generation::Zen4,
                "zen5" => Generation::Zen5,
                "zen6" => Generation::Zen6,
                other => return Err(refuse("generation", "zen3 to zen6", other)),
            },
            period: whole(self.period, "period")?,
            counting: if self.count_ops { Counting::Ops } else { Counting::Cycles },
            l3_miss_only: self.l3_miss_only,
            latency_min: self.latency_min,
            rate_hz: self.rate_hz.map(|rate_hz| whole(rate_hz, "rateHz")).transpose()?,
            data_share: self.data_share,
            stall_share: self.stall_share,
            data_source: self.data_source,
            interrupts: self.interrupts.build()?,
            seed,
        })
    }
}

impl PebsInit {
    fn build(&self, seed: u64) -> Result<PebsConfig, Failure> {
        Ok(PebsConfig {
            event: match self.event.as_str() {
                "l3_miss_loads" => Event::L3MissLoads,
                "node_loads" => Event::NodeLoads(self.nodes.clone()),
                "loads" => Event::Loads,
                "slow_loads" => Event::SlowLoads { latency_min: self.latency_min },
                "stores" => Event::Stores,
                other => return Err(refuse("event", "an event", other)),
            },
            pace: match (self.period, self.frequency) {
                (Some(period), None) => Pace::Period(whole(period, "period")?),
                (None, Some(hz)) => Pace::Frequency(whole(hz, "frequency")?),
                _ => return Err(refuse("period", "a period or a frequency", "none or both")),
            },
            physical: self.physical,
            buffer_records: self.buffer_records,
            shadow_events: self.shadow_events,
            switch_ns: whole(self.switch_ns, "switchNs")?,
            record_ns: whole32(self.record_ns, "recordNs")?,
            interrupts: self.interrupts.build()?,
            seed,
        })
    }
}

impl ChmuInit {
    fn build(&self, seed: u64) -> Result<ChmuConfig, Failure> {
        Ok(ChmuConfig {
            nodes: self.nodes.clone(),
            unit_bytes: whole32(self.unit_bytes, "unitBytes")?,
            mode: if self.always_on { Mode::AlwaysOn } else { Mode::Epoch },
            epoch_ns: whole(self.epoch_ns, "epochNs")?,
            traffic: match self.traffic.as_str() {
                "reads" => Traffic::Reads,
                "writes" => Traffic::Writes,
                "both" => Traffic::Both,
                other => return Err(refuse("traffic", "reads, writes or both", other)),
            },
            down_sampling: self.down_sampling,
            counters: self.counters,
            counter_bits: self.counter_bits,
            threshold: self.threshold,
            list_entries: self.list_entries,
            read_ns: whole32(self.read_ns, "readNs")?,
            seed,
        })
    }
}

impl HintFaultsInit {
    fn build(&self, seed: u64) -> Result<HintFaultsConfig, Failure> {
        Ok(HintFaultsConfig {
            scan_bytes: whole(self.scan_bytes, "scanBytes")?,
            scan_period_ns: whole(self.scan_period_ns, "scanPeriodNs")?,
            start_delay_ns: whole(self.start_delay_ns, "startDelayNs")?,
            nodes: self.nodes.clone(),
            hot_threshold_ns: whole(self.hot_threshold_ns, "hotThresholdNs")?,
            rate_limit_bytes_hz: whole(self.rate_limit, "rateLimitBytesPerS")?,
            physical: self.physical,
            fault_ns: whole32(self.fault_ns, "faultNs")?,
            scan_entry_ns: whole32(self.scan_entry_ns, "scanEntryNs")?,
            seed,
        })
    }
}

impl PageFaultsInit {
    fn build(&self, seed: u64) -> Result<PageFaultsConfig, Failure> {
        let sample_ns = whole32(self.sample_ns, "sampleNs")?;
        Ok(PageFaultsConfig { period: self.period, physical: self.physical, sample_ns, seed })
    }
}

fn whole(value: f64, field: &str) -> Result<u64, Failure> {
    integer(value, &format!("source.sampler.{field}"))
}

fn whole32(value: f64, field: &str) -> Result<u32, Failure> {
    integer32(value, &format!("source.sampler.{field}"))
}

fn refuse(field: &str, expected: &str, received: impl ToString) -> Failure {
    let path = format!("source.sampler.{field}");
    Failure::refusal("ERR_DAMON_CONFIG_SAMPLER", path, expected, received.to_string())
}
