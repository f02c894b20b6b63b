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

impl Placing<'_> {
    /// As if placed one by one, but mostly by whole turns.
    fn area(&mut self, area: usize, path: &str) -> Result<(), MachineError> {
        let (first, pages) = (self.memory.areas[area].first_page, self.memory.areas[area].pages);
        let mut pages = first..first + pages;
        if self.huge {
            let turns = pages.step_by(HUGE_FRAMES as usize).zip(self.order.iter().cycle());
            for (page, &nid) in turns {
                self.folio(area, Folio { page, pages: HUGE_FRAMES }, nid, path)?;
                self.memory.mark_huge(area, page);
            }
            return Ok(());
        }
        let mut by_node = vec![Vec::new(); self.memory.nodes.len()];
        while !pages.is_empty() {
            let fitting = self.turns_in_block() * self.order.len();
            for (page, &nid) in pages.by_ref().take(fitting).zip(self.order.iter().cycle()) {
                by_node[nid as usize].push(page);
            }
            for (nid, pages) in (0..).zip(&mut by_node) {
                self.memory.arrive_on(area, pages, nid);
                pages.clear();
            }
            for (&nid, page) in self.order.iter().zip(pages.by_ref()) {
                self.folio(area, Folio { page, pages: 1 }, nid, path)?;
            }
        }
        Ok(())
    }

    /// How many turns the nodes have room for in the blocks of frames that they are filling. Which
    /// of them begins a block first decides what is drawn, so that goes page by page.
    fn turns_in_block(&self) -> usize {
        let turns = (0..self.memory.nodes.len() as u32).filter_map(|nid| {
            let pages = self.order.iter().filter(|&&to| to == nid).count();
            (self.memory.left_in_block(nid) as usize).checked_div(pages)
        });
        turns.min().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::node::{BLOCK_SZ, NodeConfig};
    use crate::vectors::{LANES, Portable};

    const BLOCK_FRAMES: u32 = (BLOCK_SZ / PAGE_SZ) as u32;
    const DISTANCES: [[u32; 3]; 3] = [[10, 50, 32], [50, 10, 60], [32, 60, 10]];

    fn memory(areas: &[u32]) -> Memory {
        let bytes = 3 * BLOCK_SZ;
        let mut nodes = [0, 1, 2].map(|nid| NodeConfig::dram(nid * bytes, bytes));
        nodes[1].reserve_bytes = 1_000 * PAGE_SZ;
        let mut first_page = 0;
        let area = |&pages: &u32| {
            let policy = Policy::Local;
            let kind = workload::Kind::Anon;
            let area = Area { first_page, pages, start: 0, process: 0, kind, policy };
            first_page += pages.next_multiple_of(HUGE_FRAMES);
            area
        };
        let areas: Vec<_> = areas.iter().map(area).collect();
        let heat = Heat::new(nodes.len(), areas.len());
        Memory::new(Nodes::new(&nodes).unwrap(), areas, heat).unwrap()
    }

    /// The obvious model: each page in its turn takes the lowest frame left of its node, or of the
    /// nearest that has one. The frames by page, and the blocks as they were begun; or which node is
    /// full, and how much was to lie there.
    fn placed(pages: u32, order: &[u32], strict: bool) -> Result<(Vec<u32>, Vec<u32>), (u32, u64)> {
        let mut left = [0, 1, 2].map(|nid| nid * 3 * BLOCK_FRAMES..(nid + 1) * 3 * BLOCK_FRAMES);
        left[1].end -= 1_000;
        let (mut frames, mut blocks) = (Vec::new(), Vec::new());
        let turns = || order.iter().cycle().take(pages as usize);
        for &nid in turns() {
            let mut nearest = [0, 1, 2];
            nearest.sort_by_key(|&to| DISTANCES[nid as usize][to]);
            let nearest = &nearest[..if strict { 1 } else { 3 }];
            let frame = nearest.iter().find_map(|&to| left[to].next());
            let in_vain = || (nid, turns().filter(|&&to| to == nid).count() as u64 * PAGE_SZ);
            let frame = frame.ok_or_else(in_vain)?;
            frames.push(frame);
            let block = frame / BLOCK_FRAMES;
            if !blocks.contains(&block) {
                blocks.push(block);
            }
        }
        Ok((frames, blocks))
    }

    #[test]
    fn pages_lie_and_are_drawn_as_if_placed_one_by_one() {
        let cases: [(&[u32], bool, u32); 8] = [
            (&[0, 1], true, 180_001),
            (&[1, 0, 0], true, 140_000),
            (&[2, 0, 0, 1, 2, 2, 2], true, 2 * BLOCK_FRAMES + 3),
            (&[2], true, 3 * BLOCK_FRAMES),
            (&[0, 1, 1], true, 250_000),
            (&[2], true, 3 * BLOCK_FRAMES + 1),
            (&[0], false, 270_000),
            (&[1, 1, 0], false, 9 * BLOCK_FRAMES - 999),
        ];
        let distances = DISTANCES.map(Vec::from);
        for (order, strict, pages) in cases {
            let mut memory = memory(&[pages]);
            let mut placing =
                Placing { memory: &mut memory, distances: &distances, order, strict, huge: false };
            let done = placing.area(0, "");
            let (frames, blocks) = match (placed(pages, order, strict), done) {
                (Ok(expected), Ok(())) => expected,
                (
                    Err((nid, needed)),
                    Err(MachineError::Capacity { nid: full, needed: asked, .. }),
                ) => {
                    assert_eq!((full, asked), (nid, needed), "{order:?}");
                    continue;
                }
                (expected, done) => panic!("{order:?}: {:?} {done:?}", expected.err()),
            };
            assert!((0..pages).map(|page| memory.frame_of(page).unwrap()).eq(frames.clone()));
            for nid in 0..3 {
                let here = frames.iter().filter(|frame| **frame / (3 * BLOCK_FRAMES) == nid);
                assert_eq!(memory.resident_bytes(0, nid), here.count() as u64 * PAGE_SZ);
            }
            let draw = memory.frames.to_draw().unwrap();
            for (at, block) in (0..).zip(blocks) {
                let (addresses, _) =
                    draw.look(Portable, [u64::from(at * BLOCK_FRAMES) << 32; LANES]);
                assert_eq!(addresses[0], u64::from(block) * BLOCK_SZ, "{order:?}");
            }
            for (page, frame) in (0..).zip(&frames).step_by(997) {
                assert_eq!(memory.frames.page_at(*frame), Some(page));
            }
        }
    }

    #[test]
    fn small_pages_go_into_the_holes_between_huge_ones() {
        const ORDER: [u32; 2] = [0, 2];
        let mut memory = memory(&[70_000, 79 * HUGE_FRAMES, 30_000]);
        let distances = DISTANCES.map(Vec::from);
        for (area, huge) in [(0, false), (1, true), (2, false)] {
            let memory = &mut memory;
            Placing { memory, distances: &distances, order: &ORDER, strict: true, huge }
                .area(area, "")
                .unwrap();
        }
        let frames = |area: usize| {
            let Area { first_page, pages, .. } = memory.areas[area];
            (first_page..first_page + pages).map(|page| memory.frame_of(page).unwrap())
        };
        let before: HashSet<u32> = frames(0).chain(frames(1)).collect();
        assert_eq!(before.len() as u32, 70_000 + 79 * HUGE_FRAMES);
        let mut free =
            ORDER.map(|nid| (nid * 3 * BLOCK_FRAMES..).filter(|frame| !before.contains(frame)));
        let turns = (0..ORDER.len()).cycle();
        let expected = turns.map(|turn| free[turn].next().unwrap());
        assert!(frames(2).eq(expected.take(30_000)));
    }
}
