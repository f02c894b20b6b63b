//! How fast the workload goes, from where its pages lie.
//!
//! Two questions, each answered when its facts changed and somebody asks:
//!
//! - which share of the accesses to a heat class hits which cache, and which share of page visits
//!   walks the page table: a matter of the running phases and of page sizes;
//! - how many ops per second each process makes: an op takes its cycles, plus the walks, plus the
//!   memory latencies divided by how many misses are on their way at once; the latency of a node
//!   grows with the demand on it, and the demand with the ops, as does that of the link between two
//!   sockets. Solved node by node, link by link, by bisection.
//!
//! Simplified: pages that move between sockets take none of their link.

use crate::heat::Heat;
use crate::memory::Memory;
use crate::node::Timing;
use crate::process::Process;
use crate::processor::{LINE_SZ, Processor};
use crate::residence::{Visited, characteristic_time, hit_share};
use crate::{HUGE_FRAMES, PAGE_SZ};

/// What caches and TLB make of a heat class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ClassModel {
    /// Share of its accesses that hit the first, second or third level, or one before.
    pub(crate) hit_by: [f64; 3],
    /// Share of visits to a page of 4 KiB, and of 2 MiB, that walk.
    pub(crate) walk: [f64; 2],
}

/// CPUs of one process on one socket.
#[derive(Clone, Debug)]
struct Group {
    process: usize,
    socket: u16,
    cpus: f64,
    /// Cycles of an op without memory.
    base_cycles: f64,
    /// Cycles of an op per nanosecond of each node's latency.
    cycles_per_ns: Vec<f64>,
    /// Bytes that an op moves from and to each node.
    bytes_per_op: Vec<f64>,
    /// Time that is not lost to samplers and faults.
    share: f64,
    ops_hz: f64,
}

/// Between two sockets.
#[derive(Clone, Copy, Debug)]
struct Link {
    sockets: [u16; 2],
    /// What it adds to the latency, under the load as it is.
    latency_ns: f64,
}

impl Link {
    fn is_between(&self, one: u16, other: u16) -> bool {
        self.sockets == [one.min(other), one.max(other)]
    }
}

/// What is asked for so many bytes per second, and the slower to answer the more that are.
#[derive(Clone, Copy, Debug)]
enum Resource {
    Node(usize),
    Link(usize),
}

/// What is known of the speed.
#[derive(Debug)]
pub(crate) struct Performance {
    models: Vec<ClassModel>,
    groups: Vec<Group>,
    /// Loaded latency of each node, from its own socket.
    latency_ns: Vec<f64>,
    links: Vec<Link>,
    /// Bytes per second that migration asks of each node.
    migration_hz: Vec<f64>,
    models_fresh: bool,
    speed_fresh: bool,
}

/// Sweeps over the nodes at the most; more than two nodes that hold each other back take a dozen.
const SWEEPS_MAX: u32 = 64;
/// Halvings of a utilisation between 0 and what idle latencies would make of it.
const BISECTIONS: u32 = 40;
/// Relative change of a latency below which it is taken to be found.
const TOLERANCE: f64 = 1e-6;

impl Performance {
    pub(crate) fn new(processor: &Processor, processes: &[Process], memory: &Memory) -> Self {
        let nodes = memory.nodes.len();
        let mut groups: Vec<Group> = Vec::new();
        for (index, process) in processes.iter().enumerate() {
            for cpu in process.cpus.clone() {
                let socket = processor.socket(cpu);
                match groups.last_mut() {
                    Some(group) if group.process == index && group.socket == socket => {
                        group.cpus += 1.0;
                    }
                    _ => groups.push(Group {
                        process: index,
                        socket,
                        cpus: 1.0,
                        base_cycles: 0.0,
                        cycles_per_ns: vec![0.0; nodes],
                        bytes_per_op: vec![0.0; nodes],
                        share: 1.0,
                        ops_hz: 0.0,
                    }),
                }
            }
        }
        let pairs = (0..processor.sockets)
            .flat_map(|one| (one + 1..processor.sockets).map(move |other| [one, other]));
        let links = pairs.map(|sockets| Link { sockets, latency_ns: processor.hop_ns }).collect();
        Self {
            links,
            models: vec![ClassModel::default(); memory.heat.classes()],
            groups,
            latency_ns: memory.nodes.iter().map(|(_, node)| node.timing.idle_latency_ns).collect(),
            migration_hz: vec![0.0; nodes],
            models_fresh: false,
            speed_fresh: false,
        }
    }

    /// Another phase runs, or pages have another size.
    pub(crate) fn models_changed(&mut self) {
        self.models_fresh = false;
        self.speed_fresh = false;
    }

    /// Whether caches and TLBs are known.
    pub(crate) fn has_models(&self) -> bool {
        self.models_fresh
    }

    /// Pages lie elsewhere.
    pub(crate) fn places_changed(&mut self) {
        self.speed_fresh = false;
    }

    /// Migration asks for so many bytes per second of each node.
    pub(crate) fn set_migration(&mut self, nid: usize, bytes_hz: f64) {
        if self.migration_hz[nid] != bytes_hz {
            self.migration_hz[nid] = bytes_hz;
            self.speed_fresh = false;
        }
    }

    /// A process loses that share of its time.
    pub(crate) fn set_lost_share(&mut self, process: usize, lost: f64) {
        let share = (1.0 - lost).max(0.0);
        for group in self.groups.iter_mut().filter(|group| group.process == process) {
            if group.share != share {
                group.share = share;
                self.speed_fresh = false;
            }
        }
    }

    /// A CPU of a process comes, or goes.
    pub(crate) fn set_online(&mut self, process: usize, socket: u16, online: bool) {
        let mut groups = self.groups.iter_mut();
        let group = groups.find(|group| group.process == process && group.socket == socket);
        if let Some(group) = group {
            group.cpus += if online { 1.0 } else { -1.0 };
            self.speed_fresh = false;
        }
    }

    /// Answers both questions anew where their facts have changed.
    pub(crate) fn refresh(
        &mut self,
        processor: &Processor,
        processes: &[Process],
        memory: &Memory,
    ) {
        if !self.models_fresh {
            self.models_fresh = true;
            for process in processes {
                self.model(processor, process, &memory.heat, 0.0);
            }
        }
        if self.speed_fresh {
            return;
        }
        self.speed_fresh = true;
        self.solve(processor, processes, memory);
        if processor.tlb_evictions_per_ms > 0.0 {
            // Evictions come by time, visits by speed: one step from the speed without them.
            for (index, process) in processes.iter().enumerate() {
                let per_op = process.memory_share / self.accesses_per_visit(process, &memory.heat);
                let visits_hz = self.ops_hz(index) / f64::from(process.online) * per_op;
                let evictions = processor.tlb_evictions_per_ms * 1e3 / visits_hz.max(1.0);
                let rate = evictions / f64::from(processor.tlb_entries);
                self.model(processor, process, &memory.heat, rate);
            }
            self.solve(processor, processes, memory);
        }
    }

    /// Accesses per visit of a page, over the running lines.
    fn accesses_per_visit(&self, process: &Process, heat: &Heat) -> f64 {
        let visits = process.lines().map(|line| {
            let line = heat.line(line);
            line.share / (line.locality.reuse * line.locality.lines_per_page)
        });
        1.0 / visits.sum::<f64>()
    }

    /// Caches and TLB of a CPU that runs a process. All of its CPUs touch the same pages alike, so a
    /// cache that some share holds what one of its size would. `eviction_rate`: of one translation,
    /// per page visit.
    fn model(&mut self, processor: &Processor, process: &Process, heat: &Heat, eviction_rate: f64) {
        let mut classes = Vec::new();
        for line in process.lines().map(|line| heat.line(line)) {
            for (number, class) in line.class_numbers().zip(line.shape.classes()) {
                let visits = line.share * class.share / line.locality.reuse;
                classes.push((number, class.pages, visits, line.locality));
            }
        }
        let lines_per_page = (PAGE_SZ / LINE_SZ) as f64;
        let line_visits: f64 = classes.iter().map(|(_, _, visits, _)| visits).sum();
        let lines: Vec<_> = classes
            .iter()
            .map(|&(_, pages, visits, _)| {
                let entries = f64::from(pages) * lines_per_page;
                Visited { entries, rate: visits / line_visits / entries }
            })
            .collect();
        let times = processor
            .caches
            .map(|cache| characteristic_time(&lines, (cache.bytes / LINE_SZ) as f64));

        let page_visits: f64 =
            classes.iter().map(|(_, _, visits, at)| visits / at.lines_per_page).sum();
        let rate_of_page =
            |&(_, pages, visits, at): &(u16, u32, f64, crate::workload::Locality)| {
                visits / at.lines_per_page / page_visits / f64::from(pages)
            };
        let translations: Vec<_> = classes
            .iter()
            .flat_map(|class| {
                let rate = rate_of_page(class);
                let huge = heat.huge(class.0) as f64;
                let per_huge = f64::from(HUGE_FRAMES);
                [
                    Visited { entries: f64::from(class.1) - huge, rate },
                    Visited { entries: huge / per_huge, rate: rate * per_huge },
                ]
            })
            .collect();
        let tlb_time = characteristic_time(&translations, f64::from(processor.tlb_entries));

        for (index, (number, _, _, locality)) in classes.iter().enumerate() {
            let rate = lines[index].rate;
            let model = &mut self.models[usize::from(*number)];
            // Of the accesses to a line in a row, all but the first hit the first level.
            model.hit_by =
                times.map(|time| 1.0 - (1.0 - hit_share(rate, time, 0.0)) / locality.reuse);
            model.walk = [0, 1].map(|size| {
                1.0 - hit_share(translations[2 * index + size].rate, tlb_time, eviction_rate)
            });
        }
    }

    fn solve(&mut self, processor: &Processor, processes: &[Process], memory: &Memory) {
        self.measure(processor, processes, memory);
        let nodes = (0..self.latency_ns.len()).map(Resource::Node);
        let resources = nodes.chain((0..self.links.len()).map(Resource::Link));
        for _ in 0..SWEEPS_MAX {
            let mut moved = 0.0f64;
            for resource in resources.clone() {
                let before = *self.latency_mut(resource);
                self.settle(processor, memory, resource);
                moved = moved.max((*self.latency_mut(resource) / before - 1.0).abs());
            }
            if moved < TOLERANCE {
                break;
            }
        }
        for index in 0..self.groups.len() {
            self.groups[index].ops_hz = self.speed(processor, memory, index);
        }
    }

    /// What an op of each group costs and moves.
    fn measure(&mut self, processor: &Processor, processes: &[Process], memory: &Memory) {
        let heat = &memory.heat;
        for group in &mut self.groups {
            let process = &processes[group.process];
            group.base_cycles = process.cycles_per_op;
            group.cycles_per_ns.fill(0.0);
            group.bytes_per_op.fill(0.0);
            for line in process.lines().map(|line| heat.line(line)) {
                let locality = line.locality;
                let cycles_per_ns = processor.clock_hz / 1e9 / locality.parallelism;
                for (number, class) in line.class_numbers().zip(line.shape.classes()) {
                    let accesses = process.memory_share * line.share * class.share;
                    let ClassModel { hit_by: [l1, l2, l3], walk } =
                        self.models[usize::from(number)];
                    let [_, second, third] =
                        processor.caches.map(|cache| f64::from(cache.latency_cycles));
                    let cached = (l2 - l1) * second + (l3 - l2) * third;
                    let huge = heat.huge(number) as f64 / f64::from(class.pages);
                    let walks = (walk[0] * (1.0 - huge) + walk[1] * huge)
                        / (locality.reuse * locality.lines_per_page);
                    group.base_cycles +=
                        accesses * (cached + walks * processor.walk_cycles) / locality.parallelism;
                    for (nid, &pages) in heat.resident(number).iter().enumerate() {
                        let missed = accesses * (1.0 - l3) * pages as f64 / f64::from(class.pages);
                        group.cycles_per_ns[nid] += missed * cycles_per_ns;
                        // What was stored to is written back some time.
                        group.bytes_per_op[nid] +=
                            missed * LINE_SZ as f64 * (1.0 + line.store_share);
                    }
                }
            }
        }
    }

    /// Ops per second of a group, at the latencies as they are.
    fn speed(&self, processor: &Processor, memory: &Memory, index: usize) -> f64 {
        let group = &self.groups[index];
        let mut cycles = group.base_cycles;
        for (nid, node) in memory.nodes.iter() {
            let hop_ns = self.hop_ns(group.socket, node.socket);
            let nid = nid as usize;
            cycles += group.cycles_per_ns[nid] * (self.latency_ns[nid] + hop_ns);
        }
        group.cpus * group.share * processor.clock_hz / cycles
    }

    /// What the boundary between two sockets adds, if they are two.
    fn hop_ns(&self, one: u16, other: u16) -> f64 {
        let link = self.links.iter().find(|link| link.is_between(one, other));
        link.map_or(0.0, |link| link.latency_ns)
    }

    fn latency_mut(&mut self, resource: Resource) -> &mut f64 {
        match resource {
            Resource::Node(nid) => &mut self.latency_ns[nid],
            Resource::Link(link) => &mut self.links[link].latency_ns,
        }
    }

    fn demand_hz(&self, processor: &Processor, memory: &Memory, resource: Resource) -> f64 {
        let groups = self.groups.iter().enumerate().map(|(index, group)| {
            let bytes_per_op: f64 = match resource {
                Resource::Node(nid) => group.bytes_per_op[nid],
                Resource::Link(link) => {
                    let nodes = memory
                        .nodes
                        .iter()
                        .filter(|(_, node)| self.links[link].is_between(group.socket, node.socket));
                    nodes.map(|(nid, _)| group.bytes_per_op[nid as usize]).sum()
                }
            };
            if bytes_per_op == 0.0 {
                return 0.0;
            }
            bytes_per_op * self.speed(processor, memory, index)
        });
        let migration_hz = match resource {
            Resource::Node(nid) => self.migration_hz[nid],
            Resource::Link(_) => 0.0,
        };
        groups.sum::<f64>() + migration_hz
    }

    /// Finds the latency of one resource at which the demand is the one that makes it so; the others'
    /// stay. The more demand, the more latency, the less demand: there is one such point.
    fn settle(&mut self, processor: &Processor, memory: &Memory, resource: Resource) {
        let (timing, free_ns) = match resource {
            Resource::Node(nid) => {
                let Some(node) = memory.nodes.get(nid as u32) else { return };
                (node.timing, 0.0)
            }
            // One that adds nothing as long as it is idle is capped, too.
            Resource::Link(_) => {
                let idle_latency_ns = processor.hop_ns.max(1.0);
                let bandwidth_hz = processor.hop_bandwidth_hz;
                let timing = Timing { idle_latency_ns, bandwidth_hz, ..Timing::DRAM };
                (timing, idle_latency_ns - processor.hop_ns)
            }
        };
        let latency_ns = |utilisation| timing.latency_ns(utilisation) - free_ns;
        *self.latency_mut(resource) = latency_ns(0.0);
        let most = self.demand_hz(processor, memory, resource) / timing.bandwidth_hz;
        if most <= timing.flat_share {
            return;
        }
        let (mut low, mut high) = (0.0, most);
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(low, high);
            *self.latency_mut(resource) = latency_ns(middle);
            let demand = self.demand_hz(processor, memory, resource) / timing.bandwidth_hz;
            if demand > middle { low = middle } else { high = middle }
        }
        *self.latency_mut(resource) = latency_ns(f64::midpoint(low, high));
    }

    /// Of a class, as last refreshed.
    pub(crate) fn model_of(&self, class: u16) -> ClassModel {
        self.models[usize::from(class)]
    }

    /// Ops per second of all CPUs of a process.
    pub(crate) fn ops_hz(&self, process: usize) -> f64 {
        let groups = self.groups.iter().filter(|group| group.process == process);
        groups.map(|group| group.ops_hz).sum()
    }

    /// Ops per second of one CPU, and the share of its time that is the workload's.
    pub(crate) fn pace(&self, process: usize, socket: u16) -> (f64, f64) {
        let mut groups = self.groups.iter();
        let group = groups.find(|group| group.process == process && group.socket == socket);
        group.map_or((0.0, 0.0), |group| (group.ops_hz / group.cpus, group.share))
    }

    /// Loaded latency of a node as a CPU of a socket sees it.
    pub(crate) fn latency_ns(&self, memory: &Memory, nid: u32, socket: u16) -> f64 {
        let hop_ns = memory.nodes.get(nid).map_or(0.0, |node| self.hop_ns(node.socket, socket));
        self.latency_ns.get(nid as usize).copied().unwrap_or(0.0) + hop_ns
    }

    /// Bytes per second that a process moves from and to each node.
    pub(crate) fn bytes_hz(&self, process: usize, nid: usize) -> f64 {
        let groups = self.groups.iter().filter(|group| group.process == process);
        groups.map(|group| group.bytes_per_op[nid] * group.ops_hz).sum()
    }

    /// Bytes per second that migration moves from and to a node.
    pub(crate) fn migration_hz(&self, nid: usize) -> f64 {
        self.migration_hz[nid]
    }
}
