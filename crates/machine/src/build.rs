//! A machine from its description: everything checked, then everything placed.

use crate::AccessCheckCounters;
use crate::faults::Faults;
use crate::heat::Heat;
use crate::hotplug::Hotplug;
use crate::memory::{Area, Folio, Memory};
use crate::migration::Migration;
use crate::node::Nodes;
use crate::performance::Performance;
use crate::process::Process;
use crate::processor::Processor;
use crate::workload::check::Limits;
use crate::workload::shape::Shape;
use crate::workload::{self, PageSize, Policy, Workload};
use crate::{HUGE_FRAMES, HUGE_SZ, IDLE, Machine, MachineConfig, MachineError, PAGE_SZ};

/// Where the first area of a process lies, as `mmap` would have it.
const AREAS_START: u64 = 0x7f00_0000_0000;
/// Kernel's direct mapping on x86-64: where a file lies that nobody maps.
const DIRECT_START: u64 = 0xffff_8880_0000_0000;

/// Distances that firmware tells of: home, the other socket, memory without CPUs here and there.
/// `samplers.md` 7.1.
const DISTANCES: [u32; 4] = [10, 32, 50, 60];

impl Machine {
    /// Builds the machine and places the workload's pages.
    ///
    /// # Errors
    ///
    /// [`MachineError`].
    pub fn new(config: MachineConfig) -> Result<Self, MachineError> {
        let nodes = Nodes::new(&config.nodes)?;
        let MachineConfig { processor, hotplug, workload, migration, seed, .. } = config;
        processor.check()?;
        let misplaced = nodes.iter().find(|(_, node)| node.socket >= processor.sockets);
        if let Some((nid, node)) = misplaced {
            let expected = format!("a socket below {}", processor.sockets);
            let path = format!("nodes[{nid}].socket");
            return Err(MachineError::refusal(path, expected, node.socket));
        }
        migration.check()?;
        let distances = distances(config.distances, &nodes)?;
        workload.check(Limits { nodes: nodes.len(), cpus: processor.cpus })?;
        let running = workload.processes.iter().map(|process| process.cpus_of(processor.cpus));
        let hotplug = Hotplug::new(hotplug, processor.cpus, running)?;

        let areas = areas(&workload);
        let mut heat = Heat::new(nodes.len(), areas.len());
        let phases = lines(&workload, &areas, seed, &mut heat)?;
        let mut memory = Memory::new(nodes, areas, heat)?;
        let mut cpus = vec![IDLE; usize::from(processor.cpus)];
        let mut processes = Vec::new();
        let mut first_area = 0;
        for ((index, process), phases) in (0..).zip(&workload.processes).zip(phases) {
            let running = process.cpus_of(processor.cpus);
            cpus[usize::from(running.start)..usize::from(running.end)].fill(index);
            let areas = first_area..first_area + process.areas.len();
            first_area = areas.end;
            processes.push(Process::new(process, running, areas, phases, &memory.heat));
        }
        place(&workload, &mut memory, &processor, &distances)?;
        let performance = Performance::new(&processor, &processes, &memory);
        let mut machine = Self {
            performance,
            migration: Migration::new(migration, seed, memory.nodes.len(), processes.len()),
            faults: Faults::new(seed),
            hotplug,
            even_stores: None,
            charged_ns: vec![0; processes.len()],
            total_charged_ns: vec![0; processes.len()],
            access_checks: AccessCheckCounters::default(),
            kernel_left_ns: 0,
            kernel_cpu: 0,
            ops: vec![0.0; processes.len()],
            isolated: Vec::new(),
            isolated_pages: Vec::new(),
            seed,
            now_ns: 0,
            refreshed_ns: 0,
            processor,
            memory,
            processes,
            owners: cpus.clone(),
            cpus,
            distances,
        };
        machine.even_stores = machine.find_even_stores();
        machine.refresh();
        Ok(machine)
    }
}

fn distances(given: Vec<Vec<u32>>, nodes: &Nodes) -> Result<Vec<Vec<u32>>, MachineError> {
    if given.is_empty() {
        // The first node of a socket has its CPUs.
        let has_cpus = |nid: u32, socket| {
            nodes
                .iter()
                .find(|(_, node)| node.socket == socket)
                .is_some_and(|(first, _)| first == nid)
        };
        let row = |from: &crate::NodeConfig, own: u32| {
            let to =
                nodes.iter().map(|(nid, node)| match (nid == own, node.socket == from.socket) {
                    (true, _) => DISTANCES[0],
                    (false, same) if has_cpus(nid, node.socket) => DISTANCES[usize::from(!same)],
                    (false, same) => DISTANCES[2 + usize::from(!same)],
                });
            to.collect()
        };
        return Ok(nodes.iter().map(|(nid, node)| row(node, nid)).collect());
    }
    let expected = format!("a square matrix of {} rows", nodes.len());
    if given.len() != nodes.len() {
        return Err(MachineError::refusal("distances", expected, format!("{} rows", given.len())));
    }
    for (index, row) in given.iter().enumerate() {
        let path = format!("distances[{index}]");
        if row.len() != nodes.len() {
            let received = format!("{} columns", row.len());
            return Err(MachineError::refusal(path, expected, received));
        }
        if let Some(distance) = row.iter().find(|distance| !(10..=255).contains(*distance)) {
            return Err(MachineError::refusal(path, "distances from 10 to 255", distance));
        }
        if row[index] != DISTANCES[0] {
            return Err(MachineError::refusal(path, "10 from a node to itself", row[index]));
        }
    }
    Ok(given)
}

/// All areas, at the numbers and addresses they get.
fn areas(workload: &Workload) -> Vec<Area> {
    let mut areas = Vec::new();
    let (mut first_page, mut file_start) = (0u32, DIRECT_START);
    for (process, config) in (0..).zip(&workload.processes) {
        let mut start = AREAS_START;
        for area in &config.areas {
            let pages = (area.bytes / PAGE_SZ) as u32;
            // Room for a hole of a huge page, so that areas are mappings of their own.
            let room = area.bytes.next_multiple_of(HUGE_SZ) + HUGE_SZ;
            let unmapped = area.kind == workload::Kind::PageCache;
            let place = if unmapped { &mut file_start } else { &mut start };
            let policy = area.policy.clone();
            areas.push(Area { first_page, pages, start: *place, process, kind: area.kind, policy });
            *place += room;
            first_page += pages.next_multiple_of(HUGE_FRAMES);
        }
    }
    areas
}

type Phases = Vec<(u64, std::ops::Range<u16>)>;

/// All lines of all phases; by process, its phases' durations and lines.
fn lines(
    workload: &Workload,
    areas: &[Area],
    seed: u64,
    heat: &mut Heat,
) -> Result<Vec<Phases>, MachineError> {
    let (mut first_area, mut all, mut next) = (0, Vec::new(), 0u16);
    for process in &workload.processes {
        let mut phases = Vec::new();
        for phase in &process.phases {
            let weights: f64 = phase.lines.iter().map(|line| line.weight).sum();
            let first = next;
            for line in &phase.lines {
                let area = first_area + line.area;
                // One scatter for an area, so that its hot pages are the same in all phases.
                let scatter = workload::permutation::mix(seed ^ ((area as u64 + 1) << 32));
                let shape = Shape::new(line, areas[area].pages, scatter);
                heat.add(line, area, line.weight / weights, shape)?;
                next += 1;
            }
            phases.push((phase.duration_ns, first..next));
        }
        all.push(phases);
        first_area += process.areas.len();
    }
    Ok(all)
}

fn place(
    workload: &Workload,
    memory: &mut Memory,
    processor: &Processor,
    distances: &[Vec<u32>],
) -> Result<(), MachineError> {
    let mut number = 0;
    for (index, process) in workload.processes.iter().enumerate() {
        let homes = homes(memory, processor, process.cpus_of(processor.cpus));
        for (area, config) in process.areas.iter().enumerate() {
            let order = match &config.policy {
                Policy::Interleave(interleave) => interleave.order(),
                Policy::Preferred(nid) => vec![*nid],
                Policy::Local => homes.clone(),
            };
            let strict = matches!(config.policy, Policy::Interleave(_));
            let path = format!("workload.processes[{index}].areas[{area}].bytes");
            let huge = config.page_size == PageSize::Huge;
            Placing { memory: &mut *memory, distances, order: &order, strict, huge }
                .area(number, &path)?;
            number += 1;
        }
    }
    Ok(())
}

/// The nodes at home of each of the CPUs, in turn; equal turns once.
pub(crate) fn homes(
    memory: &Memory,
    processor: &Processor,
    cpus: std::ops::Range<u16>,
) -> Vec<u32> {
    let home = |cpu| {
        let socket = processor.socket(cpu);
        memory.nodes.iter().find(|(_, node)| node.socket == socket).map_or(0, |(nid, _)| nid)
    };
    let mut homes: Vec<_> = cpus.map(home).collect();
    if homes.iter().all(|home| *home == homes[0]) {
        homes.truncate(1);
    }
    homes
}

/// The nodes from the nearest on.
pub(crate) fn nearest(distances: &[Vec<u32>], from: u32) -> Vec<u32> {
    let mut nodes: Vec<u32> = (0..distances.len() as u32).collect();
    let row = &distances[from as usize];
    nodes.sort_by_key(|&nid| (nid != from, row[nid as usize]));
    nodes
}

struct Placing<'a> {
    memory: &'a mut Memory,
    distances: &'a [Vec<u32>],
    /// Nodes in turn.
    order: &'a [u32],
    /// There and nowhere else.
    strict: bool,
    huge: bool,
}

/// Pages that are placed at once, if there is room for all of them.
const TOGETHER: usize = 8192;

impl Placing<'_> {
    fn area(&mut self, area: usize, path: &str) -> Result<(), MachineError> {
        let (first, pages) = (self.memory.areas[area].first_page, self.memory.areas[area].pages);
        let turns = self.order.iter().copied().cycle();
        if self.huge {
            for (page, nid) in (first..first + pages).step_by(HUGE_FRAMES as usize).zip(turns) {
                self.folio(area, Folio { page, pages: HUGE_FRAMES }, nid, path)?;
                self.memory.mark_huge(area, page);
            }
            return Ok(());
        }
        let mut by_node: Vec<Vec<u32>> = vec![Vec::new(); self.memory.nodes.len()];
        let mut all = (first..first + pages).zip(turns);
        loop {
            let some = all.clone().take(TOGETHER);
            by_node.iter_mut().for_each(Vec::clear);
            for (page, nid) in all.by_ref().take(TOGETHER) {
                by_node[nid as usize].push(page);
            }
            let by_node = (0..).zip(&by_node);
            if by_node.clone().all(|(_, pages)| pages.is_empty()) {
                return Ok(());
            }
            if by_node.clone().all(|(nid, pages)| self.memory.has_room(pages.len() as u32, nid)) {
                by_node.for_each(|(nid, pages)| self.memory.arrive_on(area, pages, nid));
            } else {
                for (page, nid) in some {
                    self.folio(area, Folio { page, pages: 1 }, nid, path)?;
                }
            }
        }
    }

    /// Places a folio where its turn is, or, unless that is strict, as near as it can be.
    fn folio(
        &mut self,
        area: usize,
        folio: Folio,
        nid: u32,
        path: &str,
    ) -> Result<(), MachineError> {
        let frame = self.allocate(folio.pages, nid).ok_or_else(|| {
            let node = self.memory.nodes.get(nid);
            let capacity = node.map_or(0, |node| node.bytes - node.reserve_bytes);
            let folios = self.memory.areas[area].pages / folio.pages;
            let turns = (0..folios).zip(self.order.iter().cycle());
            let pages =
                turns.filter(|(_, turn)| **turn == nid).count() as u64 * u64::from(folio.pages);
            let needed = pages * PAGE_SZ;
            MachineError::Capacity { path: path.into(), nid, needed, capacity }
        })?;
        self.memory.arrive(area, folio, frame);
        Ok(())
    }

    fn allocate(&mut self, pages: u32, nid: u32) -> Option<u32> {
        let here = self.memory.allocate(pages, nid);
        if here.is_some() || self.strict {
            return here;
        }
        let mut others = nearest(self.distances, nid).into_iter().skip(1);
        others.find_map(|nid| self.memory.allocate(pages, nid))
    }
}
