//! The simulated computer: NUMA nodes, page placement, and a workload that makes accesses.
//!
//! - [`node`]: where each node's memory lies, and how fast it answers.
//! - [`processor`]: the CPUs, what their TLBs and caches hold.
//! - [`workload`]: processes, their memory, how it is touched.
//! - [`frames`], `memory`: which 4 KiB frame holds which page; memory for the books only where pages
//!   are. `heat`: how many pages of each heat class lie where.
//! - [`vectors`]: what draws many accesses at once.
//! - `residence`, `performance`: what caches and TLBs hold, and how fast all of it goes.
//! - [`Machine`]: all of it, and its operations sets (`paddr.rs`, `vaddr.rs`).
//!
//! The machine is statistical: nothing walks all pages, nor makes every access. A workload is a
//! distribution over pages; a sampler draws the accesses that it samples. So the cost of a run grows
//! with samples, actions and drift, not with memory.
//!
//! Time and randomness are arguments: the machine has no clock, and the random bits of an access come
//! from whoever asks for it. What the machine decides by itself (which folios are busy, when a page
//! is missed) comes from its own seed.
//!
//! Not here: who observes the accesses (a sampler) and what is concluded from them (the monitor).

pub mod node;

pub mod processor;

pub mod workload;

pub mod frames;

pub mod vectors;

mod column;
mod heat;
mod memory;

mod even;
mod performance;
mod population;
mod process;
mod residence;

mod build;
mod faults;
mod hotplug;
mod migration;
mod operations;
mod paddr;
mod placement;
mod throughput;
mod vaddr;
mod waits;
mod young;

pub use even::EvenAccesses;
pub use faults::PageFault;
pub use frames::{HUGE_SZ, PAGE_SZ};
pub use hotplug::CpuChange;
pub use migration::{MigrationConfig, MigrationCounters};
pub use node::{NodeConfig, NodeError, Timing};
pub use operations::AccessCheckCounters;
pub use placement::{PageHeat, PlacedFolio};
pub use population::{Direction, NOWHERE, Population, Reach, STORE};
pub use processor::{Cache, Processor};
pub use throughput::{ProcessThroughput, Throughput, Traffic};
pub use workload::{HotSet, Interleave, Workload};

pub(crate) use frames::HUGE_FRAMES;

use damon_core::region::Range;
use faults::Faults;
use hotplug::Hotplug;
use memory::{Folio, Memory};
use migration::Migration;
use node::Nodes;
use performance::Performance;
use process::Process;
use rand_core::Rng;
use thiserror::Error;

/// Why a machine was refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MachineError {
    /// A node.
    #[error("nodes[{index}]: {error}")]
    Node {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: NodeError,
    },
    /// No nodes at all.
    #[error("nodes: expected at least one")]
    NoNodes,
    /// Anything else that was asked for and cannot be.
    #[error("{path}: expected {expected}, got {received}")]
    Refused {
        /// Where, such as `workload.processes[0].areas[1].bytes`.
        path: String,
        /// What it must be.
        expected: String,
        /// What it is.
        received: String,
    },
    /// The operating system has no memory for the books.
    #[error("workload: no memory for the page table: {0}")]
    Memory(String),
    /// The pages do not fit where the placement puts them.
    #[error("{path}: {needed} bytes do not fit on node {nid}, which has {capacity}")]
    Capacity {
        /// The area.
        path: String,
        /// The node.
        nid: u32,
        /// Bytes that the area is to have there.
        needed: u64,
        /// Bytes it can hold.
        capacity: u64,
    },
}

impl MachineError {
    pub(crate) fn refusal(
        path: impl Into<String>,
        expected: impl Into<String>,
        received: impl ToString,
    ) -> Self {
        let (path, expected) = (path.into(), expected.into());
        Self::Refused { path, expected, received: received.to_string() }
    }
}

/// What the machine and its workload are.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    /// The nodes; a node's index is its id.
    pub nodes: Vec<NodeConfig>,
    /// How far apart the nodes are, in the firmware's units; 10 is at home. By socket if empty.
    pub distances: Vec<Vec<u32>>,
    /// The CPUs.
    pub processor: Processor,
    /// CPUs that go and come back, in order.
    pub hotplug: Vec<CpuChange>,
    /// What runs.
    pub workload: Workload,
    /// What it takes to move memory.
    pub migration: MigrationConfig,
    /// Decides what the machine decides by itself.
    pub seed: u64,
}

impl MachineConfig {
    /// With what is usual for the rest.
    pub fn new(nodes: Vec<NodeConfig>, processor: Processor, workload: Workload) -> Self {
        let (distances, hotplug) = (Vec::new(), Vec::new());
        let migration = MigrationConfig::default();
        Self { nodes, distances, processor, hotplug, workload, migration, seed: 0 }
    }
}

/// One access, as drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The page, by its number over all areas.
    pub page: u32,
    /// The byte in it, a multiple of 8.
    pub byte: u16,
    /// The process, by index.
    pub process: u16,
    /// The heat class.
    pub class: u16,
    /// Whether it is a store.
    pub write: bool,
}

/// What served an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The first-level data cache.
    L1,
    /// The second level.
    L2,
    /// The third level.
    L3,
    /// Memory.
    Memory {
        /// Of this node.
        nid: u32,
    },
}

/// Rates of one CPU now, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Cycles that are not halted.
    pub cycles_hz: f64,
    /// Ops.
    pub ops_hz: f64,
    /// Ops that access data.
    pub memory_ops_hz: f64,
}

/// No process runs there, or the CPU is away.
const IDLE: u16 = u16::MAX;

/// The computer.
#[derive(Debug)]
pub struct Machine {
    processor: Processor,
    memory: Memory,
    processes: Vec<Process>,
    /// The process that each CPU runs.
    cpus: Vec<u16>,
    /// The same while no CPU is away.
    owners: Vec<u16>,
    hotplug: Hotplug,
    performance: Performance,
    migration: Migration,
    faults: Faults,
    /// Distance of each node from each.
    distances: Vec<Vec<u32>>,
    /// If one line of the only process touches all pages there are, and alike, its stores of 2^32
    /// accesses: the usual demonstration.
    even_stores: Option<u64>,
    /// Per process: CPU nanoseconds charged since the speed was last refreshed.
    charged_ns: Vec<u64>,
    /// Per process: all before.
    total_charged_ns: Vec<u64>,
    access_checks: AccessCheckCounters,
    /// Nanoseconds of work that threads of the kernel have begun and that is still to pass.
    kernel_left_ns: u64,
    /// The CPU that such a thread ran on last.
    kernel_cpu: u16,
    /// Ops that each process has made.
    ops: Vec<f64>,
    /// Folios that the running action has taken off their lists. Reused.
    isolated: Vec<Folio>,
    /// The same where all of them are pages. Reused.
    isolated_pages: Vec<u32>,
    /// Decides which accessed bits are set.
    seed: u64,
    now_ns: u64,
    /// When the speed last followed what moved.
    refreshed_ns: u64,
}

/// How long the speed may lag behind what moved: a second of migration is followed in twenty steps,
/// so that a step of the monitor costs nothing here, as a rule.
const REFRESH_EVERY_NS: u64 = 50_000_000;

impl Machine {
    /// CPUs, numbered from 0.
    pub fn cpus(&self) -> u16 {
        self.processor.cpus
    }

    /// The processor.
    pub fn processor(&self) -> &Processor {
        &self.processor
    }

    /// The nodes.
    pub fn nodes(&self) -> &Nodes {
        &self.memory.nodes
    }

    /// Until when the machine has run.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Pages of all areas, in memory or not.
    pub fn pages(&self) -> u64 {
        self.memory.pages()
    }

    /// Process ids, by index.
    pub fn tgids(&self) -> impl Iterator<Item = u32> + '_ {
        self.processes.iter().map(|process| process.tgid)
    }

    /// Process id of a process.
    ///
    /// # Panics
    ///
    /// If there is no such process.
    pub fn tgid(&self, process: u16) -> u32 {
        self.processes[usize::from(process)].tgid
    }

    /// The process that a CPU runs, and that CPU's number among the process's own.
    pub fn running(&self, cpu: u16) -> Option<(u16, u16)> {
        self.thread_of(*self.cpus.get(usize::from(cpu))?, cpu)
    }

    /// The same of a CPU that may be away: whose accesses it has made.
    pub fn owner(&self, cpu: u16) -> Option<(u16, u16)> {
        self.thread_of(*self.owners.get(usize::from(cpu))?, cpu)
    }

    fn thread_of(&self, process: u16, cpu: u16) -> Option<(u16, u16)> {
        let process_cpus = &self.processes.get(usize::from(process))?.cpus;
        Some((process, cpu - process_cpus.start))
    }

    /// Draws an access that a CPU makes; none if it is idle. Three draws of 64 bits.
    pub fn draw(&self, cpu: u16, random: &mut impl Rng) -> Option<Access> {
        let (process, _) = self.running(cpu)?;
        let line = self.processes[usize::from(process)].line(random.next_u64());
        let line = self.memory.heat.line(line);
        let (page, class) = line.shape.place(random.next_u64());
        let rest = random.next_u64();
        Some(Access {
            page: self.memory.areas[line.area].first_page + page,
            byte: byte_of(rest),
            process,
            class: line.first_class + class as u16,
            write: is_store(rest, line.store_share),
        })
    }

    /// Share of stores among what a CPU accesses; 0 if it is idle.
    pub fn store_share(&self, cpu: u16) -> f64 {
        let Some((process, _)) = self.running(cpu) else { return 0.0 };
        let lines = self.processes[usize::from(process)].lines();
        lines
            .map(|line| self.memory.heat.line(line))
            .map(|line| line.share * line.store_share)
            .sum()
    }

    /// Physical address of an access; none if its page is paged out.
    pub fn physical_address(&self, access: &Access) -> Option<u64> {
        let frame = self.memory.frame_of(access.page)?;
        Some(u64::from(frame) * PAGE_SZ + u64::from(access.byte))
    }

    /// Physical address of a page, by its number; none if it is paged out.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub fn page_address(&self, page: u32) -> Option<u64> {
        self.memory.frame_of(page).map(|frame| u64::from(frame) * PAGE_SZ)
    }

    /// Address of an access in its process. Of a file that is not mapped, the kernel's.
    pub fn virtual_address(&self, access: &Access) -> u64 {
        let area = &self.memory.areas[self.memory.area_of(access.page)];
        let page = u64::from(access.page - area.first_page);
        area.start + page * PAGE_SZ + u64::from(access.byte)
    }

    /// Rates of a CPU now; all 0 if it is idle.
    pub fn pace(&self, cpu: u16) -> Pace {
        let Some((process, _)) = self.running(cpu) else { return Pace::default() };
        let process = usize::from(process);
        let (ops_hz, share) = self.performance.pace(process, self.processor.socket(cpu));
        Pace {
            cycles_hz: self.processor.clock_hz * share,
            ops_hz,
            memory_ops_hz: ops_hz * self.processes[process].memory_share,
        }
    }

    /// Which level serves an access. One draw.
    pub fn level(&self, access: &Access, random: &mut impl Rng) -> Level {
        let [first, second, third] = self.performance.model_of(access.class).hit_by;
        let place = random.next_u64() as f64 / TWO_TO_64;
        if place < first {
            Level::L1
        } else if place < second {
            Level::L2
        } else if place < third {
            Level::L3
        } else {
            // What is paged out is read into the node at home first.
            let nid = self.memory.node_of(access.page).unwrap_or(0);
            Level::Memory { nid }
        }
    }

    /// Cycles from a CPU to the data, under the load as it is.
    pub fn latency_cycles(&self, cpu: u16, level: Level) -> u32 {
        let [first, second, third] = self.processor.caches.map(|cache| cache.latency_cycles);
        match level {
            Level::L1 => first,
            Level::L2 => second,
            Level::L3 => third,
            Level::Memory { nid } => {
                let socket = self.processor.socket(cpu);
                let ns = self.performance.latency_ns(&self.memory, nid, socket);
                third + (ns * self.processor.clock_hz / 1e9) as u32
            }
        }
    }

    /// Lets time pass: phases, drift, pages that are missed, what migration and overhead take.
    pub fn advance(&mut self, to_ns: u64) {
        if to_ns <= self.now_ns {
            return;
        }
        let elapsed_ns = to_ns - self.now_ns;
        self.work(elapsed_ns);
        self.drift(elapsed_ns);
        self.migrate_on(elapsed_ns);
        self.kernel_on(elapsed_ns);
        self.now_ns = to_ns;
        self.hotplug_until(to_ns);
        let Self { processes, memory, .. } = self;
        let mut changed = false;
        for process in processes {
            changed |= process.advance(to_ns, &memory.heat);
        }
        if changed {
            self.phases_changed();
        }
        self.fault_until(to_ns);
        self.stall(elapsed_ns);
        self.refresh();
    }

    /// When the workload or the CPUs change next: a step should not go beyond.
    pub fn next_change_ns(&self) -> u64 {
        let phases = self.processes.iter().map(Process::phase_ends_ns);
        phases.fold(self.hotplug.next_ns(), u64::min)
    }

    fn phases_changed(&mut self) {
        self.performance.models_changed();
        self.even_stores = self.find_even_stores();
        self.reschedule_faults();
    }

    fn find_even_stores(&self) -> Option<u64> {
        let [process] = &self.processes[..] else { return None };
        let lines = process.lines();
        let line = self.memory.heat.line(lines.start);
        let one = lines.len() == 1 && line.shape.classes().len() == 1;
        (one && self.memory.areas.len() == 1).then_some((line.store_share * 4_294_967_296.0) as u64)
    }

    fn drift(&mut self, elapsed_ns: u64) {
        let Self { processes, memory, performance, .. } = self;
        for line in processes.iter().flat_map(Process::lines) {
            if memory.drift(line, elapsed_ns) {
                performance.places_changed();
            }
        }
    }

    /// Brings the speed up to date, if the phase or the page sizes changed or some time has passed.
    fn refresh(&mut self) {
        let passed_ns = self.now_ns - self.refreshed_ns;
        if passed_ns >= REFRESH_EVERY_NS {
            self.refreshed_ns = self.now_ns;
            self.settle(passed_ns as f64 / 1e9);
        } else if self.performance.has_models() {
            return;
        }
        self.performance.refresh(&self.processor, &self.processes, &self.memory);
    }

    /// What was charged and migrated in the time that passed is what is missing from now on.
    fn settle(&mut self, passed_s: f64) {
        for (index, process) in self.processes.iter().enumerate() {
            let time_ns = passed_s * 1e9 * f64::from(process.online);
            // What does not fit into that time is missing later.
            let charged_ns = self.charged_ns[index].min(time_ns as u64);
            self.charged_ns[index] -= charged_ns;
            self.total_charged_ns[index] += charged_ns;
            self.performance.set_lost_share(index, charged_ns as f64 / time_ns);
        }
        for (nid, bytes) in self.migration.take_passed().enumerate() {
            self.performance.set_migration(nid, bytes / passed_s);
        }
    }

    /// Bytes of the running phases' hot pages on each node: the truth that a monitor estimates. A
    /// page that two lines heat counts twice.
    pub fn hot_bytes_by_node(&self) -> Vec<u64> {
        let heat = &self.memory.heat;
        let mut bytes = vec![0; self.memory.nodes.len()];
        for line in self.processes.iter().flat_map(Process::lines).map(|line| heat.line(line)) {
            for (number, class) in line.class_numbers().zip(line.shape.classes()) {
                if class.hot {
                    for (bytes, pages) in bytes.iter_mut().zip(heat.resident(number)) {
                        *bytes += pages * PAGE_SZ;
                    }
                }
            }
        }
        bytes
    }

    /// Physical memory, by node.
    pub fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        let nodes = self.memory.nodes.iter();
        nodes.map(|(_, node)| Range { start: node.start, end: node.start + node.bytes })
    }
}

const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

/// A byte of a page, by the high 32 of the random bits.
fn byte_of(random: u64) -> u16 {
    let byte = (random >> 32) % PAGE_SZ;
    byte as u16 & !7
}

/// Whether the low 32 of the random bits make it a store.
fn is_store(random: u64, store_share: f64) -> bool {
    f64::from(random as u32) < store_share * 4_294_967_296.0
}
