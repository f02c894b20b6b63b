//! Which lanes the held reports came from, so that those that no region contains can be told by
//! lane.
//!
//! A batch is shared by lanes, and ranks say nothing of them. So where each lane's reports begin is
//! noted, once per lane, and looked at only after a batch of which a report fell into a gap.

use damon_ring::LaneId;

use super::batch::CAPACITY;
use super::slots::Slots;

/// Where each lane's reports begin in the batch, and what of them was missed since the last fold.
#[derive(Debug)]
pub(super) struct Owners {
    /// By ascending place; the first is 0 if there is any.
    begins: Vec<(LaneId, usize)>,
    missed: Vec<(LaneId, u64)>,
}

impl Default for Owners {
    fn default() -> Self {
        // Places are distinct, so this is room for all.
        Self { begins: Vec::with_capacity(CAPACITY + 1), missed: Vec::new() }
    }
}

impl Owners {
    /// From place `at` of the batch on, reports are this lane's.
    pub(super) fn begin(&mut self, lane: LaneId, at: usize) {
        match self.begins.last_mut() {
            Some(last) if last.1 == at => last.0 = lane,
            _ => self.begins.push((lane, at)),
        }
    }

    /// The batch was counted: what comes next is the last lane's.
    pub(super) fn restart(&mut self) {
        if let Some(&(lane, _)) = self.begins.last() {
            self.begins.clear();
            self.begins.push((lane, 0));
        }
    }

    /// So many reports of a lane are in no region.
    pub(super) fn miss(&mut self, lane: LaneId, reports: u64) {
        match self.missed.last_mut() {
            Some(last) if last.0 == lane => last.1 += reports,
            _ if reports == 0 => (),
            _ => self.missed.push((lane, reports)),
        }
    }

    /// Finds those of the ranks that are gaps.
    pub(super) fn attribute(&mut self, ranks: &[u32], slots: &Slots) {
        let begins = std::mem::take(&mut self.begins);
        let ends = begins.iter().skip(1).map(|&(_, at)| at).chain([ranks.len()]);
        for (&(lane, at), end) in begins.iter().zip(ends) {
            let in_gaps = ranks[at..end].iter().filter(|&&rank| slots.is_gap(rank));
            self.miss(lane, in_gaps.count() as u64);
        }
        self.begins = begins;
    }

    /// By lane, how many reports were missed since the last call. A lane may come more than once.
    pub(super) fn take_missed(&mut self) -> impl Iterator<Item = (LaneId, u64)> {
        self.begins.clear();
        self.missed.drain(..)
    }
}
