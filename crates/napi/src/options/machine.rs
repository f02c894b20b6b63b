//! The emulated machine and what runs on it.

use damon_machine::workload::{Area, Kind, Line, PageSize, Pattern, Phase, Policy, Process};
use damon_machine::{
    Cache, CpuChange, Interleave, MachineConfig, MachineError, MigrationConfig, NodeConfig,
    Processor, Timing, Workload,
};
use napi_derive::napi;

use super::value::{integer, integer32};
use crate::error::Failure;

/// A node.
#[napi(object)]
pub struct NodeInit {
    /// First byte.
    pub start: f64,
    /// One past the last byte.
    pub end: f64,
    /// Bytes kept free.
    pub reserve_bytes: f64,
    /// The socket it is attached to.
    pub socket: u32,
    /// Nanoseconds to the data when nobody else asks.
    pub idle_latency_ns: f64,
    /// Bytes per second.
    pub bandwidth: f64,
    /// Share of it up to which the latency stays.
    pub flat_share: f64,
}

/// The CPUs.
#[napi(object)]
pub struct ProcessorInit {
    /// How many.
    pub cpus: u32,
    /// On how many sockets.
    pub sockets: u32,
    /// Cycles per second.
    pub clock_hz: f64,
    /// What a socket's boundary adds.
    pub hop_ns: f64,
    /// Bytes per second that pass between two sockets.
    pub hop_bandwidth_bytes_per_s: f64,
    /// Translations of the second-level TLB.
    pub tlb_entries: u32,
    /// Translations that others push out.
    pub tlb_evictions_per_ms: f64,
    /// Cycles of a page walk.
    pub walk_cycles: f64,
    /// Bytes of each level of cache.
    pub cache_bytes: Vec<f64>,
    /// Cycles to the data of each.
    pub cache_cycles: Vec<u32>,
    /// CPUs that go and come back, in order.
    pub hotplug: Vec<CpuChangeInit>,
}

/// CPUs go, or come back.
#[napi(object)]
pub struct CpuChangeInit {
    /// When, in nanoseconds.
    pub at_ns: f64,
    /// The first of them.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Whether they are there from then on.
    pub online: bool,
}

/// What it takes to move memory.
#[napi(object)]
pub struct MigrationInit {
    /// Nanoseconds per 4 KiB.
    pub page_ns: f64,
    /// Nanoseconds per 2 MiB.
    pub huge_page_ns: f64,
    /// Nanoseconds per 4 KiB, alone.
    pub single_page_ns: f64,
    /// Nanoseconds per 2 MiB, alone.
    pub single_huge_page_ns: f64,
    /// Share of folios that stay.
    pub busy_share: f64,
    /// Nanoseconds to page 4 KiB out.
    pub page_out_ns: f64,
    /// Nanoseconds to wait for them.
    pub fault_ns: f64,
}

/// A process.
#[napi(object)]
pub struct ProcessInit {
    /// Its id.
    pub tgid: u32,
    /// Its control group.
    pub memcg: String,
    /// First CPU, and one past the last; all if absent.
    pub cpus: Option<Vec<u32>>,
    /// Its memory.
    pub areas: Vec<AreaInit>,
    /// What it does.
    pub phases: Vec<PhaseInit>,
    /// Again and again.
    pub repeats: bool,
    /// Share of ops that access data.
    pub memory_share: f64,
    /// Cycles of an op.
    pub cycles_per_op: f64,
}

/// Memory of a process.
#[napi(object)]
pub struct AreaInit {
    /// For people.
    pub name: String,
    /// Bytes.
    pub bytes: f64,
    /// `anon`, `file` or `page_cache`.
    pub kind: String,
    /// In huge pages.
    pub huge: bool,
    /// The preferred node, if any.
    pub preferred: Option<u32>,
    /// Weights by node, if interleaved.
    pub interleave: Option<Vec<u32>>,
}

/// What a process does for a while.
#[napi(object)]
pub struct PhaseInit {
    /// For how long; for ever if absent.
    pub duration_ns: Option<f64>,
    /// How it touches its memory.
    pub lines: Vec<LineInit>,
}

/// How an area is touched.
#[napi(object)]
pub struct LineInit {
    /// The area's index.
    pub area: u32,
    /// `hot_set`, `zipf`, `uniform`, `stream`, `chase` or `gups`.
    pub pattern: String,
    /// Share of accesses.
    pub weight: f64,
    /// Share of stores.
    pub store_share: f64,
    /// Accesses to a cache line in a row.
    pub reuse: Option<f64>,
    /// Misses on their way at once.
    pub parallelism: Option<f64>,
    /// Of a hot set.
    pub hot_bytes: Option<f64>,
    /// Of a hot set.
    pub hot_share: Option<f64>,
    /// Of a hot set.
    pub offset_bytes: Option<f64>,
    /// Of a hot set, bytes per second.
    pub drift: Option<f64>,
    /// Of zipf.
    pub theta: Option<f64>,
    /// Of zipf.
    pub scattered: Option<bool>,
    /// Of a stream.
    pub stride_bytes: Option<u32>,
}

/// The machine.
#[napi(object)]
pub struct MachineInit {
    /// The nodes, by id.
    pub nodes: Vec<NodeInit>,
    /// Distances between them; none for the usual ones.
    pub distances: Vec<Vec<u32>>,
    /// The CPUs.
    pub processor: ProcessorInit,
    /// What it takes to move memory.
    pub migration: MigrationInit,
    /// The processes.
    pub processes: Vec<ProcessInit>,
}

impl MachineInit {
    pub(crate) fn build(&self, seed: u64) -> Result<MachineConfig, Failure> {
        let nodes = self.nodes.iter().enumerate();
        let nodes = nodes.map(|(nid, node)| node.build(&format!("source.nodes[{nid}]")));
        let processes = self.processes.iter().enumerate();
        let processes = processes
            .map(|(at, process)| process.build(&format!("source.workload.processes[{at}]")));
        Ok(MachineConfig {
            nodes: nodes.collect::<Result<_, _>>()?,
            distances: self.distances.clone(),
            processor: self.processor.build()?,
            hotplug: self.processor.hotplug()?,
            workload: Workload { processes: processes.collect::<Result<_, _>>()? },
            migration: self.migration.build()?,
            seed,
        })
    }
}

impl NodeInit {
    fn build(&self, path: &str) -> Result<NodeConfig, Failure> {
        let start = integer(self.start, &format!("{path}.start"))?;
        let end = integer(self.end, &format!("{path}.end"))?;
        Ok(NodeConfig {
            start,
            bytes: end.saturating_sub(start),
            reserve_bytes: integer(self.reserve_bytes, &format!("{path}.reserveBytes"))?,
            socket: small(self.socket, &format!("{path}.socket"))?,
            timing: Timing {
                idle_latency_ns: self.idle_latency_ns,
                bandwidth_hz: self.bandwidth,
                flat_share: self.flat_share,
            },
        })
    }
}

impl ProcessorInit {
    fn build(&self) -> Result<Processor, Failure> {
        let path = "source.processor";
        let mut processor = Processor {
            sockets: small(self.sockets, &format!("{path}.sockets"))?,
            clock_hz: self.clock_hz,
            hop_ns: self.hop_ns,
            hop_bandwidth_hz: self.hop_bandwidth_bytes_per_s,
            tlb_entries: self.tlb_entries,
            tlb_evictions_per_ms: self.tlb_evictions_per_ms,
            walk_cycles: self.walk_cycles,
            ..Processor::zen5(small(self.cpus, &format!("{path}.cpus"))?)
        };
        let levels = self.cache_bytes.iter().zip(&self.cache_cycles);
        for (cache, (&bytes, &latency_cycles)) in processor.caches.iter_mut().zip(levels) {
            let bytes = integer(bytes, &format!("{path}.cacheBytes"))?;
            *cache = Cache { bytes, latency_cycles };
        }
        Ok(processor)
    }

    fn hotplug(&self) -> Result<Vec<CpuChange>, Failure> {
        let changes = self.hotplug.iter().enumerate().map(|(index, change)| {
            let path = format!("source.processor.hotplug[{index}]");
            let cpus = format!("{path}.cpus");
            Ok(CpuChange {
                at_ns: integer(change.at_ns, &format!("{path}.atMs"))?,
                cpus: small(change.start, &cpus)?..small(change.end, &cpus)?,
                online: change.online,
            })
        });
        changes.collect()
    }
}

impl MigrationInit {
    fn build(&self) -> Result<MigrationConfig, Failure> {
        let ns = |value, field| integer(value, &format!("source.migration.{field}"));
        Ok(MigrationConfig {
            page_ns: ns(self.page_ns, "pageNs")?,
            huge_page_ns: ns(self.huge_page_ns, "hugePageNs")?,
            single_page_ns: ns(self.single_page_ns, "singlePageNs")?,
            single_huge_page_ns: ns(self.single_huge_page_ns, "singleHugePageNs")?,
            busy_share: self.busy_share,
            page_out_ns: ns(self.page_out_ns, "pageOutNs")?,
            fault_ns: ns(self.fault_ns, "faultNs")?,
        })
    }
}

impl ProcessInit {
    fn build(&self, path: &str) -> Result<Process, Failure> {
        let areas = self.areas.iter().enumerate();
        let areas = areas.map(|(at, area)| area.build(&format!("{path}.areas[{at}]")));
        let phases = self.phases.iter().enumerate();
        let phases = phases.map(|(at, phase)| phase.build(&format!("{path}.phases[{at}]")));
        let cpus = match self.cpus.as_deref() {
            None => None,
            Some(&[start, end]) => {
                let path = format!("{path}.cpus");
                Some(small(start, &path)?..small(end, &path)?)
            }
            Some(other) => {
                return Err(refuse(&format!("{path}.cpus"), "two numbers", format!("{other:?}")));
            }
        };
        Ok(Process {
            memcg: self.memcg.clone(),
            cpus,
            areas: areas.collect::<Result<_, _>>()?,
            phases: phases.collect::<Result<_, _>>()?,
            repeats: self.repeats,
            memory_share: self.memory_share,
            cycles_per_op: self.cycles_per_op,
            ..Process::new(self.tgid)
        })
    }
}

impl AreaInit {
    fn build(&self, path: &str) -> Result<Area, Failure> {
        let kind = match self.kind.as_str() {
            "anon" => Kind::Anon,
            "file" => Kind::File,
            "page_cache" => Kind::PageCache,
            other => {
                let expected = "`anon`, `file` or `page_cache`";
                return Err(refuse(&format!("{path}.kind"), expected, other));
            }
        };
        let policy = match (&self.interleave, self.preferred) {
            (Some(weights), _) => Policy::Interleave(Interleave {
                weights: (0..).zip(weights.iter().copied()).collect(),
            }),
            (None, Some(nid)) => Policy::Preferred(nid),
            (None, None) => Policy::Local,
        };
        let page_size = if self.huge { PageSize::Huge } else { PageSize::Base };
        let bytes = integer(self.bytes, &format!("{path}.bytes"))?;
        Ok(Area { name: self.name.clone(), bytes, kind, page_size, policy })
    }
}

impl PhaseInit {
    fn build(&self, path: &str) -> Result<Phase, Failure> {
        let lines = self.lines.iter().enumerate();
        let lines = lines.map(|(at, line)| line.build(&format!("{path}.lines[{at}]")));
        let duration_ns = match self.duration_ns {
            None => u64::MAX,
            Some(ns) => integer(ns, &format!("{path}.durationMs"))?,
        };
        Ok(Phase { duration_ns, lines: lines.collect::<Result<_, _>>()? })
    }
}

impl LineInit {
    fn build(&self, path: &str) -> Result<Line, Failure> {
        Ok(Line {
            area: self.area as usize,
            pattern: self.pattern(&format!("{path}.pattern"))?,
            weight: self.weight,
            store_share: self.store_share,
            reuse: self.reuse,
            parallelism: self.parallelism,
        })
    }

    fn pattern(&self, path: &str) -> Result<Pattern, Failure> {
        let bytes = |value: Option<f64>, field: &str| {
            integer(value.unwrap_or(0.0), &format!("{path}.{field}"))
        };
        Ok(match self.pattern.as_str() {
            "hot_set" => Pattern::HotSet {
                hot_bytes: bytes(self.hot_bytes, "hotBytes")?,
                hot_share: self.hot_share.unwrap_or(1.0),
                offset_bytes: bytes(self.offset_bytes, "offsetBytes")?,
                drift_bytes_hz: bytes(self.drift, "driftBytesPerS")?,
            },
            "zipf" => Pattern::Zipf {
                theta: self.theta.unwrap_or(damon_machine::workload::YCSB_THETA),
                scattered: self.scattered.unwrap_or(true),
            },
            "uniform" => Pattern::Uniform,
            "stream" => Pattern::Stream { stride_bytes: self.stride_bytes.unwrap_or(8) },
            "chase" => Pattern::Chase,
            "gups" => Pattern::Gups,
            other => return Err(refuse(&format!("{path}.type"), "a pattern", other)),
        })
    }
}

/// A refusal of the machine, where the user wrote the short form: one process with one area.
pub(crate) fn in_short_form(error: MachineError) -> MachineError {
    const LONG: [&str; 3] = [
        "workload.processes[0].areas[0].placement",
        "workload.processes[0].areas[0]",
        "workload.processes[0]",
    ];
    let short = |path: String| {
        let rest = LONG.iter().find_map(|long| path.strip_prefix(long));
        rest.map_or_else(|| path.clone(), |rest| format!("workload{rest}"))
    };
    match error {
        MachineError::Refused { path, expected, received } => {
            MachineError::Refused { path: short(path), expected, received }
        }
        MachineError::Capacity { path, nid, needed, capacity } => {
            MachineError::Capacity { path: short(path), nid, needed, capacity }
        }
        other => other,
    }
}

fn small(value: u32, path: &str) -> Result<u16, Failure> {
    let value = integer32(f64::from(value), path)?;
    u16::try_from(value).map_err(|_| refuse(path, "at most 65535", value))
}

fn refuse(path: &str, expected: &str, received: impl ToString) -> Failure {
    Failure::refusal("ERR_DAMON_CONFIG_MACHINE", path, expected, received.to_string())
}
