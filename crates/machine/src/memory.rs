//! Where everything lies: which page is in which frame, in what folio, on which list.
//!
//! Pages are numbered over all areas; an area begins at a multiple of 512, so that its 2 MiB blocks
//! are those of its numbers. Every page that comes, moves or goes passes through here, so that the
//! counts by area, node and heat class always add up.

use crate::column::Column;
use crate::frames::Frames;
use crate::heat::Heat;
use crate::node::Nodes;
use crate::workload::{Kind, Policy};
use crate::{HUGE_FRAMES, HUGE_SZ, MachineError, PAGE_SZ};

/// An area, placed.
#[derive(Debug)]
pub(crate) struct Area {
    /// Number of its first page.
    pub(crate) first_page: u32,
    pub(crate) pages: u32,
    /// Its first byte in its process, or where it would be, of a file that nobody maps.
    pub(crate) start: u64,
    pub(crate) process: u16,
    pub(crate) kind: Kind,
    pub(crate) policy: Policy,
}

impl Area {
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.pages) * PAGE_SZ
    }
}

/// A page, or 512 of them that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Folio {
    /// Number of its first page.
    pub(crate) page: u32,
    pub(crate) pages: u32,
}

impl Folio {
    pub(crate) fn bytes(self) -> u64 {
        u64::from(self.pages) * PAGE_SZ
    }
}

/// All memory.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) nodes: Nodes,
    pub(crate) frames: Frames,
    pub(crate) heat: Heat,
    pub(crate) areas: Vec<Area>,
    /// Per page: one more than its frame's number; 0 if it is paged out.
    table: Column,
    /// Per page that was made old: when, see [`made_old`](Self::made_old). Made at the first use.
    old_since: Option<Column>,
    /// Per 2 MiB of page numbers: it is one page.
    huge: Bits,
    /// Per 2 MiB of page numbers: it is not to become one.
    never_huge: Bits,
    /// Per page: its folio, if it is the first of it, is on the active list.
    active: Bits,
    /// Pages in memory, by area and node.
    resident: Vec<u64>,
    huge_folios: u64,
    active_pages: u64,
    out_pages: u64,
    /// Frames that pages are about to leave. Reused.
    left: Vec<u32>,
}

/// A bit each.
#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(len: u32) -> Self {
        Self(vec![0; len.div_ceil(u64::BITS) as usize])
    }

    fn get(&self, index: u32) -> bool {
        self.0[(index / u64::BITS) as usize] >> (index % u64::BITS) & 1 == 1
    }

    fn set(&mut self, index: u32, value: bool) {
        let word = &mut self.0[(index / u64::BITS) as usize];
        let bit = 1 << (index % u64::BITS);
        if value { *word |= bit } else { *word &= !bit }
    }
}

/// Nanoseconds of a unit of [`Memory::made_old`]: 32 bits last 11.9 hours.
const OLD_UNIT_NS: u64 = 10_000;

impl Memory {
    pub(crate) fn new(nodes: Nodes, areas: Vec<Area>, heat: Heat) -> Result<Self, MachineError> {
        let pages = areas.last().map_or(0, |area| area.first_page + area.pages);
        let blocks = pages.div_ceil(HUGE_FRAMES);
        Ok(Self {
            frames: Frames::new(&nodes),
            heat,
            table: Column::dense(pages).map_err(|error| MachineError::Memory(error.to_string()))?,
            old_since: None,
            huge: Bits::new(blocks),
            never_huge: Bits::new(blocks),
            active: Bits::new(pages),
            resident: vec![0; areas.len() * nodes.len()],
            huge_folios: 0,
            active_pages: 0,
            out_pages: 0,
            left: Vec::new(),
            nodes,
            areas,
        })
    }

    /// Pages of all areas.
    pub(crate) fn pages(&self) -> u64 {
        self.areas.iter().map(|area| u64::from(area.pages)).sum()
    }

    /// The area of a page.
    pub(crate) fn area_of(&self, page: u32) -> usize {
        self.areas.partition_point(|area| area.first_page <= page) - 1
    }

    /// The frame of a page that is in memory.
    pub(crate) fn frame_of(&self, page: u32) -> Option<u32> {
        self.table.get(page).checked_sub(1)
    }

    /// The node of a page that is in memory.
    pub(crate) fn node_of(&self, page: u32) -> Option<u32> {
        self.frame_of(page).and_then(|frame| self.frames.node_of(frame))
    }

    /// The folio of a page.
    pub(crate) fn folio_of(&self, page: u32) -> Folio {
        if self.is_huge(page) {
            Folio { page: page - page % HUGE_FRAMES, pages: HUGE_FRAMES }
        } else {
            Folio { page, pages: 1 }
        }
    }

    /// Whether a page is part of a huge one.
    pub(crate) fn is_huge(&self, page: u32) -> bool {
        self.huge.get(page / HUGE_FRAMES)
    }

    /// Whether any page is huge.
    pub(crate) fn has_huge(&self) -> bool {
        self.huge_folios > 0
    }

    pub(crate) fn huge_bytes(&self) -> u64 {
        self.huge_folios * HUGE_SZ
    }

    pub(crate) fn out_pages(&self) -> u64 {
        self.out_pages
    }

    pub(crate) fn active_bytes(&self) -> u64 {
        self.active_pages * PAGE_SZ
    }

    /// Bytes of an area on a node.
    pub(crate) fn resident_bytes(&self, area: usize, nid: u32) -> u64 {
        self.resident[area * self.nodes.len() + nid as usize] * PAGE_SZ
    }

    /// Bytes of an area in memory.
    pub(crate) fn resident_bytes_anywhere(&self, area: usize) -> u64 {
        (0..self.nodes.len() as u32).map(|nid| self.resident_bytes(area, nid)).sum()
    }

    /// Bytes of all areas in memory.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.resident.iter().sum::<u64>() * PAGE_SZ
    }

    /// Free bytes of a node above its watermark.
    fn room(&self, nid: u32) -> u64 {
        let used = self.frames.node_used(nid) * PAGE_SZ;
        let node = self.nodes.get(nid);
        node.map_or(0, |node| (node.bytes - node.reserve_bytes).saturating_sub(used))
    }

    /// Pages that a node has room for in the block of frames that it is filling.
    pub(crate) fn left_in_block(&self, nid: u32) -> u64 {
        u64::from(self.frames.left_in_block(nid)).min(self.room(nid) / PAGE_SZ)
    }

    /// Frames for so many pages, 1 or 512, on a node and no other.
    pub(crate) fn allocate(&mut self, pages: u32, nid: u32) -> Option<u32> {
        if self.room(nid) < u64::from(pages) * PAGE_SZ {
            return None;
        }
        if pages == 1 {
            self.frames.allocate(&self.nodes, nid)
        } else {
            self.frames.allocate_run(&self.nodes, nid)
        }
    }

    /// Puts pages of a folio that are nowhere into frames that were allocated for them, from `frame` on.
    pub(crate) fn arrive(&mut self, area: usize, Folio { page, pages }: Folio, frame: u32) {
        for at in 0..pages {
            debug_assert!(self.table.get(page + at) == 0);
            self.table.set(page + at, frame + at + 1);
            self.frames.set_owner(frame + at, page + at);
        }
        if let Some(nid) = self.frames.node_of(frame) {
            let first = page - self.areas[area].first_page;
            self.count_arrived(area, first..first + pages, nid);
        }
    }

    /// Puts pages that are nowhere on a node that has room for them.
    pub(crate) fn arrive_on(&mut self, area: usize, pages: &[u32], nid: u32) {
        let Self { frames, table, nodes, areas, .. } = self;
        let (table, first_page) = (table.numbers_mut(), areas[area].first_page);
        frames.settle(nodes, nid, pages, |page, frame| table[page as usize] = frame + 1);
        self.count_arrived(area, pages.iter().map(|page| page - first_page), nid);
    }

    fn count_arrived(
        &mut self,
        area: usize,
        pages: impl ExactSizeIterator<Item = u32> + Clone,
        nid: u32,
    ) {
        self.resident[area * self.nodes.len() + nid as usize] += pages.len() as u64;
        self.heat.arrive(area, pages, nid);
    }

    /// Takes a page out of its frame, which is freed.
    fn leave(&mut self, area: usize, page: u32) {
        let Some(frame) = self.frame_of(page) else { return };
        if let Some(nid) = self.frames.node_of(frame) {
            self.resident[area * self.nodes.len() + nid as usize] -= 1;
            self.heat.leave(area, page - self.areas[area].first_page, nid);
        }
        self.table.set(page, 0);
        self.frames.free(frame);
    }

    /// Moves a folio to frames that were allocated for it.
    pub(crate) fn relocate(&mut self, folio: Folio, frame: u32) {
        // All of a folio lies on one node.
        let (Some(from), Some(to)) = (self.node_of(folio.page), self.frames.node_of(frame)) else {
            return;
        };
        let area = self.area_of(folio.page);
        for at in 0..folio.pages {
            let left = self.table.get(folio.page + at).saturating_sub(1);
            self.table.set(folio.page + at, frame + at + 1);
            self.frames.set_owner(frame + at, folio.page + at);
            self.frames.free(left);
        }
        let (from, to) = (from as usize, to as usize);
        let first = area * self.nodes.len();
        self.resident[first + from] -= u64::from(folio.pages);
        self.resident[first + to] += u64::from(folio.pages);
        let page = folio.page - self.areas[area].first_page;
        self.heat.relocate(area, page..page + folio.pages, from, to);
    }

    /// Moves pages that are folios, all on node `from`, to node `to` as long as it has room; how many.
    pub(crate) fn relocate_pages(&mut self, pages: &[u32], from: u32, to: u32) -> usize {
        let fitting = pages.len().min((self.room(to) / PAGE_SZ) as usize);
        let pages = &pages[..fitting];
        let Self { frames, table, left, nodes, .. } = self;
        let table = table.numbers_mut();
        left.extend(pages.iter().map(|&page| table[page as usize] - 1));
        frames.settle(nodes, to, pages, |page, frame| table[page as usize] = frame + 1);
        frames.free_all(left.drain(..));
        let (from, to) = (from as usize, to as usize);
        let mut rest = pages;
        while let Some(&page) = rest.first() {
            let number = self.area_of(page);
            let area = &self.areas[number];
            let within = |page: &&u32| page.wrapping_sub(area.first_page) < area.pages;
            let all_here = self.areas.len() == 1;
            let here = if all_here { rest.len() } else { rest.iter().take_while(within).count() };
            let (here, others) = rest.split_at(here);
            let first = number * self.nodes.len();
            self.resident[first + from] -= here.len() as u64;
            self.resident[first + to] += here.len() as u64;
            let pages = here.iter().map(|page| page - area.first_page);
            self.heat.relocate(number, pages, from, to);
            rest = others;
        }
        fitting
    }

    /// Pages a folio out; a huge one in pieces.
    pub(crate) fn page_out(&mut self, folio: Folio) {
        let area = self.area_of(folio.page);
        self.split(folio.page);
        for page in folio.page..folio.page + folio.pages {
            self.set_active(Folio { page, pages: 1 }, false);
            self.leave(area, page);
        }
        self.out_pages += u64::from(folio.pages);
    }

    /// Brings a page back into a frame that was allocated for it. What faulted twice is active.
    pub(crate) fn page_in(&mut self, page: u32, frame: u32) {
        let area = self.area_of(page);
        self.arrive(area, Folio { page, pages: 1 }, frame);
        self.out_pages -= 1;
        if let Some(column) = &mut self.old_since {
            column.set(page, 0);
        }
        self.set_active(Folio { page, pages: 1 }, true);
    }

    pub(crate) fn is_active(&self, folio: Folio) -> bool {
        self.active.get(folio.page)
    }

    /// Moves a folio to the active or the inactive list.
    pub(crate) fn set_active(&mut self, folio: Folio, active: bool) {
        if self.is_active(folio) != active {
            self.active.set(folio.page, active);
            let pages = u64::from(folio.pages);
            if active { self.active_pages += pages } else { self.active_pages -= pages }
        }
    }

    /// Makes one page of the 2 MiB that begin at `page`, all of them in memory, in the given run of
    /// frames. It is active if its first page was.
    pub(crate) fn collapse(&mut self, page: u32, run: u32) {
        let area = self.area_of(page);
        let active = self.active.get(page);
        for at in 0..HUGE_FRAMES {
            self.set_active(Folio { page: page + at, pages: 1 }, false);
            self.leave(area, page + at);
        }
        self.arrive(area, Folio { page, pages: HUGE_FRAMES }, run);
        self.mark_huge(area, page);
        self.set_active(self.folio_of(page), active);
    }

    /// The 2 MiB that begin at `page` are one page, in a run of frames.
    pub(crate) fn mark_huge(&mut self, area: usize, page: u32) {
        self.huge.set(page / HUGE_FRAMES, true);
        self.huge_folios += 1;
        self.heat.set_huge(area, page - self.areas[area].first_page, true);
    }

    /// Makes 512 pages of the huge page that `page` is part of, if it is. They stay on its list.
    pub(crate) fn split(&mut self, page: u32) -> bool {
        let folio = self.folio_of(page);
        if folio.pages == 1 {
            return false;
        }
        let area = self.area_of(page);
        let active = self.is_active(folio);
        self.set_active(folio, false);
        self.huge.set(folio.page / HUGE_FRAMES, false);
        self.huge_folios -= 1;
        self.heat.set_huge(area, folio.page - self.areas[area].first_page, false);
        for page in folio.page..folio.page + folio.pages {
            self.set_active(Folio { page, pages: 1 }, active);
        }
        true
    }

    pub(crate) fn may_be_huge(&self, page: u32) -> bool {
        !self.never_huge.get(page / HUGE_FRAMES)
    }

    pub(crate) fn set_may_be_huge(&mut self, page: u32, may: bool) {
        self.never_huge.set(page / HUGE_FRAMES, !may);
    }

    /// When a folio was made old last; nothing if it never was.
    pub(crate) fn made_old(&self, folio: Folio) -> Option<u64> {
        let since = self.old_since.as_ref()?.get(folio.page).checked_sub(1)?;
        Some(u64::from(since) * OLD_UNIT_NS)
    }

    /// Makes a folio old. Without memory for the column nothing is ever old, as on a kernel that
    /// cannot take the folio's lock.
    pub(crate) fn make_old(&mut self, folio: Folio, now_ns: u64) {
        if self.old_since.is_none() {
            let pages = self.areas.last().map_or(0, |area| area.first_page + area.pages);
            self.old_since = Column::sparse(pages).ok();
        }
        if let Some(column) = &mut self.old_since {
            let unit = (now_ns / OLD_UNIT_NS).min(u64::from(u32::MAX - 1)) as u32;
            column.set(folio.page, unit + 1);
        }
    }

    /// Lets a line's hot set drift for so long.
    pub(crate) fn drift(&mut self, line: u16, elapsed_ns: u64) -> bool {
        let Self { heat, areas, table, frames, huge, .. } = self;
        let first_page = areas[heat.line(line).area].first_page;
        heat.drift(line, elapsed_ns, |page| {
            let page = first_page + page;
            let frame = table.get(page).checked_sub(1);
            (frame.and_then(|frame| frames.node_of(frame)), huge.get(page / HUGE_FRAMES))
        })
    }
}
