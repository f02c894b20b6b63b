//! What schemes do to physical memory. `damon-core.md` 10.3.

use damon_core::ops::{Applied, Job, LastApplied};
use damon_core::scheme::Action;

use crate::Machine;
use crate::memory::Folio;
use crate::operations::LOOK_NS;

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
        let mut isolated = std::mem::take(&mut self.isolated);
        let frames = self.memory.frames.within(job.range.start, job.range.end);
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
            if self.passes(folio, &filters) {
                applied.passed += folio.bytes();
                isolated.push(folio);
            }
        }
        for folio in isolated.drain(..) {
            let (bytes, elapsed_ns) = self.act(job, folio);
            applied.bytes += bytes;
            applied.elapsed_ns += elapsed_ns;
        }
        self.isolated = isolated;
        applied
    }

    /// Does to a folio what a job asks; bytes that it took effect on, and how long it took.
    fn act(&mut self, job: &Job<'_>, folio: Folio) -> (u64, u64) {
        match (job.action, job.target_nid) {
            (Action::MigrateHot | Action::MigrateCold, Some(nid)) => {
                let moved = self.migrate(folio, nid);
                moved.map_or((0, 0), |elapsed_ns| (folio.bytes(), elapsed_ns))
            }
            (Action::PageOut, _) => (folio.bytes(), self.page_out(folio)),
            // All that passed count, whichever list they were on.
            (Action::LruPrio, _) => {
                self.memory.set_active(folio, true);
                (folio.bytes(), 0)
            }
            (Action::LruDeprio, _) => {
                self.memory.set_active(folio, false);
                (folio.bytes(), 0)
            }
            _ => (0, 0),
        }
    }
}
