//! The machine as an operations set: what schemes do to its memory. `damon-core.md` 10.3.

use std::ops::Range;

use damon_core::Operations;
use damon_core::ops::{Applied, Gauge, Job, LastApplied, NodeBytes, Reading};
use damon_core::region;
use damon_core::scheme::Action;

use crate::frames::{Frames, PAGE_SZ};
use crate::{Machine, MigrationCounters};

impl Operations for Machine {
    fn apply(&mut self, job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        match (job.action, job.target_nid) {
            (Action::MigrateHot | Action::MigrateCold, Some(nid)) => {
                let frames = self.frames.within(job.range.start, job.range.end);
                let pages = self.migrate(frames, nid);
                Applied { bytes: pages * PAGE_SZ, ..Applied::default() }
            }
            _ => Applied::default(),
        }
    }

    fn prepare_access_checks(&mut self, _tgid: Option<u32>, _addresses: &[u64]) {}

    fn check_accesses(&mut self, _tgid: Option<u32>, _addresses: &[u64], _accessed: &mut [bool]) {}

    fn is_target_valid(&self, _tgid: u32) -> bool {
        true
    }

    fn mappings(&self, _tgid: u32) -> Option<Vec<region::Range>> {
        None
    }

    fn read(&self, _gauge: &Gauge) -> Option<Reading> {
        None
    }

    fn bytes_on_node(&self, range: region::Range, nid: u32) -> NodeBytes {
        let mut bytes = NodeBytes::default();
        self.frames.count_used(self.frames.within(range.start, range.end), |node, frames| {
            bytes.total += frames * PAGE_SZ;
            if node == nid {
                bytes.on_node += frames * PAGE_SZ;
            }
        });
        bytes
    }
}

impl Machine {
    /// Moves the pages in `frames` to the lowest free frames of a node; pages there already stay.
    /// Strictly to that node: when it is full, the rest stays and is counted as failed.
    fn migrate(&mut self, frames: Range<u32>, target_nid: u32) -> u64 {
        let Self { nodes, frames: books, page_table, workload, hot_pages, migrations } = self;
        let mut moved = MigrationCounters::default();
        for (nid, part) in on_other_nodes(books, frames, target_nid) {
            books.evacuate(part, |books, page| match books.allocate(nodes, target_nid) {
                Some(frame) => {
                    books.set_owner(frame, page);
                    page_table.set(page, frame);
                    moved.migrated_pages += 1;
                    if workload.is_hot(page) {
                        hot_pages[nid as usize] -= 1;
                        hot_pages[target_nid as usize] += 1;
                    }
                    true
                }
                None => {
                    moved.failed_pages += 1;
                    false
                }
            });
        }
        migrations.migrated_pages += moved.migrated_pages;
        migrations.failed_pages += moved.failed_pages;
        moved.migrated_pages
    }
}

/// The parts of `frames` that do not lie on `nid`, each with its node.
fn on_other_nodes(books: &Frames, frames: Range<u32>, nid: u32) -> Vec<(u32, Range<u32>)> {
    books.parts_by_node(frames).filter(|(node, _)| *node != nid).collect()
}
