//! The accesses of some kind that are made now, as a distribution that samplers draw from: what a
//! counter of loads that miss the caches counts, or what reaches a memory device.
//!
//! Made anew for every step; costs as much as there are heat classes. Speeds and shares are as the
//! machine last looked at them.

use std::ops::Range;

use rand_core::Rng;

use crate::process::Process;
use crate::{Access, Machine, PAGE_SZ, TWO_TO_64};

/// How far an access has to get to belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Any.
    All,
    /// It misses the first-level cache.
    BeyondL1,
    /// It misses the second level too.
    BeyondL2,
    /// Memory of one of these nodes serves it.
    Nodes(Vec<u32>),
}

/// Loads, stores, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Loads.
    Loads,
    /// Stores.
    Stores,
    /// Either.
    Both,
}

impl Direction {
    /// Share of accesses of this direction where such a share are stores.
    fn share(self, stores: f64) -> f64 {
        match self {
            Self::Loads => 1.0 - stores,
            Self::Stores => stores,
            Self::Both => 1.0,
        }
    }
}

/// Those of one heat class.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Accesses per second of this part and those before.
    until_hz: f64,
    process: u16,
    class: u16,
    /// Only pages on this node; on any if none.
    nid: Option<u32>,
    /// Of each page that is among them.
    page_hz: f64,
}

/// Accesses to draw from.
#[derive(Clone, Debug)]
pub struct Population {
    parts: Vec<Part>,
    nodes: Option<Vec<u32>>,
    direction: Direction,
}

/// Of a page that is in no frame. Neither the first byte of a page nor that with a [`STORE`].
pub const NOWHERE: u64 = u64::MAX;
/// The bit beside the address of a page that tells a store.
pub const STORE: u64 = 1;

/// Accesses drawn together: what is needed of them fits the first-level cache.
pub(crate) const TOGETHER: usize = 64;
/// Random words asked for at a time, or a multiple, so that a generator of many lanes can fill them
/// at once.
pub(crate) const WORDS_TOGETHER: usize = 8;

/// Draws until a page on a wanted node is found; less than a 65536th of a class is not found.
const DRAWS_MAX: u32 = 1 << 16;

impl Machine {
    /// Draws as many accesses of a CPU as there is room for, and tells the physical address of the
    /// page of each, with the bit [`STORE`] if it is one, or [`NOWHERE`] for a page that is paged
    /// out, or if the CPU is idle.
    ///
    /// Where there are [even accesses](Self::even_accesses) those are faster.
    #[inline(always)]
    pub fn draw_pages(&self, cpu: u16, random: &mut impl Rng, accesses: &mut [u64]) {
        let Some((process, _)) = self.running(cpu) else {
            return accesses.fill(NOWHERE);
        };
        let process = &self.processes[usize::from(process)];
        for accesses in accesses.chunks_mut(TOGETHER) {
            self.draw_by_line(process, random, accesses);
        }
    }

    /// At most [`TOGETHER`].
    fn draw_by_line(&self, process: &Process, random: &mut impl Rng, accesses: &mut [u64]) {
        let memory = &self.memory;
        let mut columns = [[0; TOGETHER]; 3];
        let words = accesses.len().next_multiple_of(WORDS_TOGETHER);
        for column in &mut columns {
            let Ok(()) = random.try_fill_bytes(bytemuck::cast_slice_mut(&mut column[..words]));
        }
        let [lines, places, rests] = columns;
        for (((access, line), place), rest) in accesses.iter_mut().zip(lines).zip(places).zip(rests)
        {
            let line = memory.heat.line(process.line(line));
            let page = memory.areas[line.area].first_page + line.shape.place(place).0;
            *access = u64::from(page) << 1 | u64::from(crate::is_store(rest, line.store_share));
        }
        // Apart, so that the look-ups do not wait for each other.
        for access in accesses {
            let frame = memory.frame_of((*access >> 1) as u32);
            *access =
                frame.map_or(NOWHERE, |frame| (u64::from(frame) * PAGE_SZ) | (*access & STORE));
        }
    }

    /// Cycles that a CPU waits for memory, by the page that is waited for: a population whose `hz` are
    /// cycles per second.
    pub fn stalls(&self, cpu: u16) -> Population {
        let (nodes, direction) = (None, Direction::Both);
        let mut population = Population { parts: Vec::new(), nodes, direction };
        let Some((process, _)) = self.running(cpu) else { return population };
        let running = &self.processes[usize::from(process)];
        let socket = self.processor.socket(cpu);
        let (ops_hz, _) = self.performance.pace(usize::from(process), socket);
        for line in running.lines().map(|line| self.memory.heat.line(line)) {
            let accesses_hz = ops_hz * running.memory_share * line.share;
            let cycles_per_ns = self.processor.clock_hz / 1e9 / line.locality.parallelism;
            for (class, alike) in line.class_numbers().zip(line.shape.classes()) {
                let [_, _, third] = self.performance.model_of(class).hit_by;
                let missed_hz = accesses_hz * alike.share / f64::from(alike.pages) * (1.0 - third);
                for (nid, &pages) in (0..).zip(self.memory.heat.resident(class)) {
                    let ns = self.performance.latency_ns(&self.memory, nid, socket);
                    let page_hz = missed_hz * cycles_per_ns * ns;
                    if page_hz > 0.0 && pages > 0 {
                        let until_hz = population.hz() + page_hz * pages as f64;
                        let nid = Some(nid);
                        population.parts.push(Part { until_hz, process, class, nid, page_hz });
                    }
                }
            }
        }
        population
    }

    /// The accesses of one CPU, or of all, that get so far.
    pub fn population(&self, cpu: Option<u16>, reach: &Reach, direction: Direction) -> Population {
        let nodes = match reach {
            Reach::Nodes(nodes) => Some(nodes.clone()),
            _ => None,
        };
        let mut population = Population { parts: Vec::new(), nodes, direction };
        match cpu {
            Some(cpu) => {
                if let Some((process, _)) = self.running(cpu) {
                    let socket = self.processor.socket(cpu);
                    let (ops_hz, _) = self.performance.pace(usize::from(process), socket);
                    self.add_parts(&mut population, process, ops_hz, reach);
                }
            }
            None => {
                for process in 0..self.processes.len() as u16 {
                    let ops_hz = self.performance.ops_hz(usize::from(process));
                    self.add_parts(&mut population, process, ops_hz, reach);
                }
            }
        }
        population
    }

    fn add_parts(&self, into: &mut Population, process: u16, ops_hz: f64, reach: &Reach) {
        let running = &self.processes[usize::from(process)];
        let accesses_hz = ops_hz * running.memory_share;
        for line in running.lines().map(|line| self.memory.heat.line(line)) {
            for (number, class) in line.class_numbers().zip(line.shape.classes()) {
                let [first, second, third] = self.performance.model_of(number).hit_by;
                let resident = self.memory.heat.resident(number);
                let (missed, pages) = match reach {
                    Reach::All => (1.0, f64::from(class.pages)),
                    Reach::BeyondL1 => (1.0 - first, f64::from(class.pages)),
                    Reach::BeyondL2 => (1.0 - second, f64::from(class.pages)),
                    Reach::Nodes(nodes) => {
                        let here = nodes.iter().filter_map(|nid| resident.get(*nid as usize));
                        (1.0 - third, here.sum::<u64>() as f64)
                    }
                };
                let page_hz = accesses_hz * line.share * class.share / f64::from(class.pages)
                    * missed
                    * into.direction.share(line.store_share);
                if page_hz > 0.0 && pages > 0.0 {
                    let until_hz = into.hz() + page_hz * pages;
                    into.parts.push(Part { until_hz, process, class: number, nid: None, page_hz });
                }
            }
        }
    }

    /// Accesses to a page per second, whatever serves them.
    pub fn page_hz(&self, page: u32) -> f64 {
        self.access_hz(page)
    }

    /// Pages that a process maps, by their numbers over all areas, ascending.
    pub fn mapped_pages(&self, process: u16) -> impl Iterator<Item = Range<u32>> + '_ {
        let areas = self.processes[usize::from(process)].areas.clone();
        self.memory.areas[areas]
            .iter()
            .filter(|area| area.kind != crate::workload::Kind::PageCache)
            .map(|area| area.first_page..area.first_page + area.pages)
    }

    /// First page of the folio of a page, and how many pages it has.
    pub fn folio_pages(&self, page: u32) -> (u32, u32) {
        let folio = self.memory.folio_of(page);
        (folio.page, folio.pages)
    }

    /// The node of a page; none if it is paged out.
    pub fn node_of_page(&self, page: u32) -> Option<u32> {
        self.memory.node_of(page)
    }

    /// First byte of a page in its process.
    pub fn virtual_page(&self, page: u32) -> u64 {
        let area = &self.memory.areas[self.memory.area_of(page)];
        area.start + u64::from(page - area.first_page) * PAGE_SZ
    }
}

impl Population {
    /// Accesses per second.
    pub fn hz(&self) -> f64 {
        self.parts.last().map_or(0.0, |part| part.until_hz)
    }

    /// How many a second go to a page.
    pub fn page_hz(&self, machine: &Machine, page: u32) -> f64 {
        let area = machine.memory.area_of(page);
        let number = page - machine.memory.areas[area].first_page;
        let heat = &machine.memory.heat;
        let of_line = |line: &u16| {
            let class = heat.line(*line).class_of(number);
            let place = self.parts.binary_search_by_key(&class, |part| part.class);
            place.map_or(0.0, |place| self.parts[place].page_hz)
        };
        heat.lines_of_area(area).iter().map(of_line).sum()
    }

    /// Draws one, and tells how many a second go to its page. None if there are none.
    pub fn draw(&self, machine: &Machine, random: &mut impl Rng) -> Option<(Access, f64)> {
        let place = random.next_u64() as f64 / TWO_TO_64 * self.hz();
        let chosen = self.parts.partition_point(|part| part.until_hz <= place);
        let Part { process, class, nid, page_hz, .. } = *self.parts.get(chosen)?;
        let heat = &machine.memory.heat;
        let line = heat.line_of_class(class);
        let first_page = machine.memory.areas[line.area].first_page;
        for _ in 0..DRAWS_MAX {
            let member = line.shape.draw_member(usize::from(class - line.first_class), random);
            let page = first_page + member;
            let here = machine.memory.node_of(page);
            let wanted = nid.is_none_or(|nid| here == Some(nid))
                && self
                    .nodes
                    .as_ref()
                    .is_none_or(|nodes| here.is_some_and(|nid| nodes.contains(&nid)));
            if wanted {
                let rest = random.next_u64();
                let write = match self.direction {
                    Direction::Loads => false,
                    Direction::Stores => true,
                    Direction::Both => crate::is_store(rest, line.store_share),
                };
                let byte = ((rest >> 32) as u16 % PAGE_SZ as u16) & !7;
                return Some((Access { page, byte, process, class, write }, page_hz));
            }
        }
        None
    }
}
