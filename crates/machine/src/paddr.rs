//! What schemes do to physical memory. `damon-core.md` 10.3.

use std::ops::Range;

use damon_core::ops::{Applied, Job, LastApplied};
use damon_core::scheme::{Action, PageFilters};

use crate::memory::Folio;
use crate::operations::LOOK_NS;
use crate::{Machine, PAGE_SZ};

impl Machine {
    /// Walks the folios in use of a range, takes those that pass off their lists, then acts on them:
    /// what moves into the range is not met again. Each folio is looked at whole, even where the
    /// range covers part of it, and the walk goes on as far behind where it was met as the folio is
    /// long. As the kernel's `damon_pa_*`.
    pub(crate) fn apply_physical(&mut self, job: &Job<'_>, last: &mut LastApplied) -> Applied {
        let mut applied = Applied::default();
        let filters = match job.action {
            Action::PageOut => job.filters.rejecting_young(),
            Action::Stat if job.filters.is_empty() => return applied,
            Action::Stat
            | Action::LruPrio
            | Action::LruDeprio
            | Action::MigrateHot
            | Action::MigrateCold => job.filters,
            // Virtual sets only.
            Action::WillNeed
            | Action::Cold
            | Action::HugePage
            | Action::NoHugePage
            | Action::Collapse => return applied,
        };
        let frames = self.memory.frames.within(job.range.start, job.range.end);
        let target_nid = match job.action {
            Action::MigrateHot | Action::MigrateCold => job.target_nid,
            _ => None,
        };
        let all_pass = filters.asked().is_empty() && job.action != Action::PageOut;
        let (bytes, elapsed_ns) = if all_pass && !self.memory.has_huge() {
            let mut isolated = std::mem::take(&mut self.isolated_pages);
            self.isolate_all(frames, &mut isolated, last, &mut applied);
            let effect = match target_nid {
                Some(nid) => self.migrate_pages(&isolated, nid),
                None => self.act(job.action, isolated.iter().map(|&page| Folio { page, pages: 1 })),
            };
            isolated.clear();
            self.isolated_pages = isolated;
            effect
        } else {
            let mut isolated = std::mem::take(&mut self.isolated);
            self.isolate(frames, &filters, &mut isolated, last, &mut applied);
            let effect = match target_nid {
                Some(nid) => self.migrate_all(&isolated, nid),
                None => self.act(job.action, isolated.iter().copied()),
            };
            isolated.clear();
            self.isolated = isolated;
            effect
        };
        applied.bytes += bytes;
        applied.elapsed_ns += elapsed_ns;
        applied
    }

    fn isolate(
        &mut self,
        frames: Range<u32>,
        filters: &PageFilters<'_>,
        isolated: &mut Vec<Folio>,
        last: &mut LastApplied,
        applied: &mut Applied,
    ) {
        let mut at = frames.start;
        while let Some(frame) = self.memory.frames.next_used(at, frames.end) {
            let Some(page) = self.memory.frames.page_at(frame) else { break };
            let folio = self.memory.folio_of(page);
            let name = Some(u64::from(folio.page));
            if *last == name {
                at = frame + 1;
                continue;
            }
            *last = name;
            at = frame.saturating_add(folio.pages);
            applied.elapsed_ns += LOOK_NS;
            if self.passes(folio, filters) {
                applied.passed += folio.bytes();
                isolated.push(folio);
            }
        }
    }

    /// The same where every folio is a page and passes: only the first can be the one met last.
    fn isolate_all(
        &self,
        frames: Range<u32>,
        isolated: &mut Vec<u32>,
        last: &mut LastApplied,
        applied: &mut Applied,
    ) {
        let name = |&page: &u32| Some(u64::from(page));
        self.memory.frames.pages_in(frames, isolated);
        if isolated.first().and_then(name) == *last && last.is_some() {
            isolated.remove(0);
        }
        *last = isolated.last().and_then(name).or(*last);
        applied.elapsed_ns += LOOK_NS * isolated.len() as u64;
        applied.passed += PAGE_SZ * isolated.len() as u64;
    }

    /// Does to folios what an action asks; bytes that it took effect on, and how long it took.
    fn act(&mut self, action: Action, folios: impl Iterator<Item = Folio>) -> (u64, u64) {
        let (mut bytes, mut elapsed_ns) = (0, 0);
        for folio in folios {
            match action {
                Action::PageOut => elapsed_ns += self.page_out(folio),
                // All that passed count, whichever list they were on.
                Action::LruPrio => self.memory.set_active(folio, true),
                Action::LruDeprio => self.memory.set_active(folio, false),
                _ => continue,
            }
            bytes += folio.bytes();
        }
        (bytes, elapsed_ns)
    }
}
