//! What schemes do to the memory of a process. `damon-core.md` 11.
//!
//! Two kinds of actions, as in the kernel: advice for a whole range (`madvise`), which looks at no
//! filter and counts the range if all of it is mapped; and walks of the page table, folio by folio.

use std::ops::Range;

use damon_core::ops::{Applied, Job, LastApplied};
use damon_core::region;
use damon_core::scheme::{Action, Destination};

use crate::memory::{Area, Folio};
use crate::operations::LOOK_NS;
use crate::workload::Kind;
use crate::{HUGE_FRAMES, Machine, PAGE_SZ};

/// What a process maps besides its areas: program text, and a stack. Nothing touches them, but they
/// are why an address space has the two large holes by which DAMON divides it.
const TEXT: region::Range = region::Range { start: 0x40_0000, end: 0x48_0000 };
const STACK: region::Range = region::Range { start: 0x7ffd_0000_0000, end: 0x7ffd_0002_1000 };

impl Machine {
    /// The mappings of a process, ascending.
    pub(crate) fn mappings_of(&self, tgid: u32) -> Option<Vec<region::Range>> {
        let process = self.processes.iter().find(|process| process.tgid == tgid)?;
        let areas = self.memory.areas[process.areas.clone()].iter();
        let areas = areas
            .filter(|area| area.kind != Kind::PageCache)
            .map(|area| region::Range { start: area.start, end: area.start + area.bytes() });
        Some([TEXT].into_iter().chain(areas).chain([STACK]).collect())
    }

    /// The page of an address of a process.
    pub(crate) fn page_of(&self, tgid: u32, address: u64) -> Option<u32> {
        let process = self.processes.iter().find(|process| process.tgid == tgid)?;
        let areas = self.memory.areas[process.areas.clone()].iter();
        let area = areas
            .filter(|area| area.kind != Kind::PageCache)
            .find(|area| (area.start..area.start + area.bytes()).contains(&address))?;
        Some(area.first_page + ((address - area.start) / PAGE_SZ) as u32)
    }

    /// Pages of a process within a range, by area.
    fn parts(&self, tgid: u32, range: region::Range) -> Vec<(usize, Range<u32>)> {
        let Some(process) = self.processes.iter().find(|process| process.tgid == tgid) else {
            return Vec::new();
        };
        let part = |number: usize| {
            let area: &Area = &self.memory.areas[number];
            let page = |address: u64| {
                let bytes = address.clamp(area.start, area.start + area.bytes()) - area.start;
                area.first_page + bytes.div_ceil(PAGE_SZ) as u32
            };
            let pages = page(range.start)..page(range.end);
            let mapped = area.kind != Kind::PageCache && !pages.is_empty();
            mapped.then_some((number, pages))
        };
        process.areas.clone().filter_map(part).collect()
    }

    pub(crate) fn apply_virtual(
        &mut self,
        tgid: u32,
        job: &Job<'_>,
        last: &mut LastApplied,
    ) -> Applied {
        let parts = self.parts(tgid, job.range);
        match job.action {
            Action::MigrateHot | Action::MigrateCold => self.walk(&parts, job, last),
            Action::Stat if !job.filters.is_empty() => self.walk(&parts, job, last),
            // Physical sets only; and what is only counted needs no walk.
            Action::Stat | Action::LruPrio | Action::LruDeprio => Applied::default(),
            Action::WillNeed
            | Action::Cold
            | Action::PageOut
            | Action::HugePage
            | Action::NoHugePage
            | Action::Collapse => self.advise(&parts, job),
        }
    }

    /// `madvise(2)`: all that is mapped is served, and it is a success if all is.
    fn advise(&mut self, parts: &[(usize, Range<u32>)], job: &Job<'_>) -> Applied {
        let mut applied = Applied::default();
        let mut failed = false;
        for (_, pages) in parts {
            match job.action {
                Action::HugePage | Action::Collapse | Action::NoHugePage => {
                    let mut block = pages.start.next_multiple_of(HUGE_FRAMES);
                    while block + HUGE_FRAMES <= pages.end {
                        match self.advise_block(block, job.action) {
                            Some(elapsed_ns) => applied.elapsed_ns += elapsed_ns,
                            None => failed = true,
                        }
                        block += HUGE_FRAMES;
                    }
                }
                _ => {
                    let mut page = pages.start;
                    while page < pages.end {
                        let folio = self.memory.folio_of(page);
                        page = folio.page + folio.pages;
                        applied.elapsed_ns += self.advise_folio(folio, job.action);
                    }
                }
            }
        }
        let mapped: u64 = if job.action == Action::Collapse {
            parts.iter().map(|(_, pages)| pages.len() as u64 * PAGE_SZ).sum()
        } else {
            // Text and stack too, in which there is nothing that other advice could change.
            let mappings = job.tgid.and_then(|tgid| self.mappings_of(tgid)).unwrap_or_default();
            mappings.iter().map(|mapping| overlap(mapping, &job.range)).sum()
        };
        let wanted = job.range.start.next_multiple_of(PAGE_SZ)
            ..job.range.end.saturating_add(PAGE_SZ - 1) / PAGE_SZ * PAGE_SZ;
        let length = wanted.end.saturating_sub(wanted.start);
        // Collapsing says so if it could not; the others promise nothing.
        if mapped == length && !(failed && job.action == Action::Collapse) {
            applied.bytes = length;
        }
        applied
    }

    /// Advice about a folio, paged out or not. How long it took.
    fn advise_folio(&mut self, folio: Folio, action: Action) -> u64 {
        let is_here = self.memory.frame_of(folio.page).is_some();
        match action {
            Action::WillNeed if !is_here => {
                if !self.page_in(folio.page) {
                    self.migration.counters.faults_without_room += 1;
                }
                // Read ahead, in the background.
                0
            }
            Action::Cold if is_here => {
                self.memory.set_active(folio, false);
                self.memory.make_old(folio, self.now_ns);
                LOOK_NS
            }
            Action::PageOut if is_here => self.page_out(folio),
            _ => 0,
        }
    }

    /// Advice about the 2 MiB from a page on. How long it took; none if a huge page cannot be made.
    ///
    /// The kernel's `MADV_HUGEPAGE` leaves the work to khugepaged and `MADV_NOHUGEPAGE` leaves huge
    /// pages that are there alone. Here either takes effect at once, so that what a scheme decides
    /// shows in the TLBs.
    fn advise_block(&mut self, page: u32, action: Action) -> Option<u64> {
        if action == Action::NoHugePage {
            self.memory.set_may_be_huge(page, false);
            if self.memory.split(page) {
                self.performance.models_changed();
            }
            return Some(LOOK_NS);
        }
        if action == Action::HugePage {
            self.memory.set_may_be_huge(page, true);
        }
        if self.memory.is_huge(page) {
            return Some(LOOK_NS);
        }
        let mut pages = page..page + HUGE_FRAMES;
        if !self.memory.may_be_huge(page) || pages.any(|page| self.memory.frame_of(page).is_none())
        {
            return None;
        }
        // On the node where most of it lies.
        let mut by_node = vec![0u32; self.memory.nodes.len()];
        for page in page..page + HUGE_FRAMES {
            if let Some(nid) = self.memory.node_of(page) {
                by_node[nid as usize] += 1;
            }
        }
        let most = (0..).zip(&by_node).max_by_key(|&(nid, &pages)| (pages, u32::MAX - nid));
        let (nid, _) = most?;
        let run = self.memory.allocate(HUGE_FRAMES, nid)?;
        self.memory.collapse(page, run);
        self.performance.models_changed();
        Some(self.migration.config.huge_page_ns)
    }

    /// Walks the folios in memory, for actions that look at filters. What passed is not told of
    /// migration. `damos_va_migrate`, `damos_va_stat`.
    fn walk(
        &mut self,
        parts: &[(usize, Range<u32>)],
        job: &Job<'_>,
        last: &mut LastApplied,
    ) -> Applied {
        let mut applied = Applied::default();
        let is_stat = job.action == Action::Stat;
        for (area, pages) in parts {
            let Area { first_page, start, kind, .. } = self.memory.areas[*area];
            // Anonymous mappings are numbered by address, files from their beginning.
            let offset = if kind == Kind::Anon { start } else { 0 };
            let mut page = pages.start;
            while page < pages.end {
                let folio = self.memory.folio_of(page);
                page = folio.page + folio.pages;
                let name = Some(u64::from(folio.page));
                if self.memory.frame_of(folio.page).is_none() || (is_stat && *last == name) {
                    continue;
                }
                *last = name;
                applied.elapsed_ns += LOOK_NS;
                if !self.passes(folio, &job.filters) {
                    continue;
                }
                if is_stat {
                    applied.passed += folio.bytes();
                    continue;
                }
                let nid = if job.destinations.is_empty() {
                    job.target_nid
                } else {
                    let bytes = u64::from(folio.page - first_page) * PAGE_SZ + offset;
                    destination(job.destinations, bytes / folio.bytes())
                };
                if let Some(elapsed_ns) = nid.and_then(|nid| self.migrate(folio, nid)) {
                    applied.bytes += folio.bytes();
                    applied.elapsed_ns += elapsed_ns;
                }
            }
        }
        applied
    }
}

fn overlap(one: &region::Range, other: &region::Range) -> u64 {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// The node of a folio by its number in its mapping; none if all weights are 0.
fn destination(destinations: &[Destination], folio: u64) -> Option<u32> {
    let sum: u64 = destinations.iter().map(|to| u64::from(to.weight)).sum();
    let mut turn = folio.checked_rem(sum)?;
    for to in destinations {
        if turn < u64::from(to.weight) {
            return Some(to.nid);
        }
        turn -= u64::from(to.weight);
    }
    None
}
