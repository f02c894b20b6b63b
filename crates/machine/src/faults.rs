//! Paging out, and what follows: a page that is paged out is missed at its next access, which waits
//! for it.
//!
//! A page that is touched `rate` times a second is missed after a time that is exponentially
//! distributed with that mean: drawn once, when it goes, so that the cost is by page out, not by
//! access. With another phase all are drawn anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::build::{homes, nearest};
use crate::memory::Folio;
use crate::workload::Policy;
use crate::{Machine, TWO_TO_64};

/// Nanoseconds until a fault that found no room is tried again: ours.
const RETRY_NS: u64 = 100_000_000;

/// A page that was missed, and is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFault {
    /// When it was missed, in nanoseconds of simulated time.
    pub at_ns: u64,
    /// Number of the page, over all areas.
    pub page: u32,
    /// The process that missed it, by index.
    pub process: u16,
}

/// Pages that are paged out.
#[derive(Debug)]
pub(crate) struct Faults {
    random: Xoshiro256PlusPlus,
    /// When each is missed; those nobody touches are not here.
    missed: BinaryHeap<Reverse<(u64, u32)>>,
    /// Those that the last step served, oldest first.
    served: Vec<PageFault>,
    /// Of the running step: time that accesses waited.
    waited_ns: u64,
    /// Since the start: time in which at least one waited.
    stalled_ns: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6661_756c_7473_2121),
            missed: BinaryHeap::new(),
            served: Vec::new(),
            waited_ns: 0,
            stalled_ns: 0,
        }
    }

    pub(crate) fn stalled_ns(&self) -> u64 {
        self.stalled_ns
    }

    /// Draws when a page is missed that is touched so often from `now_ns` on.
    fn schedule(&mut self, page: u32, rate_hz: f64, now_ns: u64) {
        if rate_hz > 0.0 {
            // Above 0, at most 1.
            let place = (self.random.next_u64() as f64 + 1.0) / TWO_TO_64;
            let after_ns = -place.ln() / rate_hz * 1e9;
            self.missed.push(Reverse((now_ns.saturating_add(after_ns as u64), page)));
        }
    }
}

impl Machine {
    /// Pages that are paged out now.
    pub fn out_pages(&self) -> u64 {
        self.memory.out_pages()
    }

    /// Pages a folio out; how long that took.
    pub(crate) fn page_out(&mut self, folio: Folio) -> u64 {
        self.memory.page_out(folio);
        if folio.pages > 1 {
            self.performance.models_changed();
        }
        self.performance.places_changed();
        self.migration.counters.paged_out_pages += u64::from(folio.pages);
        for page in folio.page..folio.page + folio.pages {
            let rate_hz = self.access_hz(page);
            self.faults.schedule(page, rate_hz, self.now_ns);
        }
        self.migration.config.page_out_ns * u64::from(folio.pages)
    }

    /// Reads a page in that is paged out, near where its area wants it. Whether there was room.
    pub(crate) fn page_in(&mut self, page: u32) -> bool {
        let area = &self.memory.areas[self.memory.area_of(page)];
        let number = u64::from(page - area.first_page);
        let nid = match &area.policy {
            Policy::Preferred(nid) => *nid,
            Policy::Interleave(interleave) => {
                let order = interleave.order();
                order[(number % order.len() as u64) as usize]
            }
            Policy::Local => {
                let cpus = self.processes[usize::from(area.process)].cpus.clone();
                let homes = homes(&self.memory, &self.processor, cpus);
                homes[(number % homes.len() as u64) as usize]
            }
        };
        let nodes = nearest(&self.distances, nid);
        let Some(frame) = nodes.into_iter().find_map(|nid| self.memory.allocate(1, nid)) else {
            return false;
        };
        self.memory.page_in(page, frame);
        self.performance.places_changed();
        self.migration.counters.returned_pages += 1;
        true
    }

    /// Faults that the last step served, oldest first.
    pub fn page_faults(&self) -> &[PageFault] {
        &self.faults.served
    }

    /// Serves the faults up to a moment.
    pub(crate) fn fault_until(&mut self, to_ns: u64) {
        self.faults.served.clear();
        while let Some(&Reverse((at_ns, page))) = self.faults.missed.peek()
            && at_ns <= to_ns
        {
            self.faults.missed.pop();
            if self.memory.frame_of(page).is_some() {
                continue;
            }
            let fault_ns = self.migration.config.fault_ns;
            self.faults.waited_ns += fault_ns;
            let process = self.memory.areas[self.memory.area_of(page)].process;
            self.charged_ns[usize::from(process)] += fault_ns;
            if self.page_in(page) {
                self.faults.served.push(PageFault { at_ns, page, process });
            } else {
                self.migration.counters.faults_without_room += 1;
                self.faults.missed.push(Reverse((at_ns.max(to_ns) + RETRY_NS, page)));
            }
        }
    }

    /// Books the step's waits: waits at random moments overlap as `1 - e^-sum`.
    pub(crate) fn stall(&mut self, elapsed_ns: u64) {
        let waited_ns = std::mem::take(&mut self.faults.waited_ns);
        if waited_ns > 0 {
            let share = -(-(waited_ns as f64) / elapsed_ns as f64).exp_m1();
            self.faults.stalled_ns += (share * elapsed_ns as f64) as u64;
        }
    }

    /// Another phase touches what is paged out at another rate.
    pub(crate) fn reschedule_faults(&mut self) {
        if self.memory.out_pages() == 0 {
            return;
        }
        self.refresh();
        self.faults.missed.clear();
        for area in 0..self.memory.areas.len() {
            let (first, pages) =
                (self.memory.areas[area].first_page, self.memory.areas[area].pages);
            if self.memory.resident_bytes_anywhere(area) == self.memory.areas[area].bytes() {
                continue;
            }
            for page in first..first + pages {
                if self.memory.frame_of(page).is_none() {
                    let rate_hz = self.access_hz(page);
                    self.faults.schedule(page, rate_hz, self.now_ns);
                }
            }
        }
    }
}
