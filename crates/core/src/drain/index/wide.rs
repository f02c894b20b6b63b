//! Ranks addresses among the slots without a tree: a flat sorted array of 64-bit distances.
//!
//! For regions that span too much for the tree's keys, and for the reference.

use super::Filter;
use super::slots::Slots;
use super::tally::Tally;
use crate::region::Region;

/// Addresses looked up together.
const TOGETHER: usize = 16;

/// The starts of the slots as distances from the first.
#[derive(Debug, Default)]
pub(super) struct Wide {
    starts: Vec<u64>,
}

/// How to find a rank.
#[derive(Clone, Copy, Debug)]
pub(super) enum Search {
    /// One binary search after the other.
    OneByOne,
    /// Sixteen in step, so that sixteen loads are in flight.
    InStep,
}

impl Wide {
    pub(super) fn build(&mut self, regions: &[Region], slots: &mut Slots) {
        let base = regions.first().map_or(0, |first| first.start);
        self.starts.resize(Slots::room(regions), 0);
        slots.lay_out(regions, &mut self.starts, |address| address - base);
        self.starts.truncate(slots.len());
    }

    /// The slot of what lies at a distance from the first region; what wrapped because it lies
    /// before that ranks behind everything.
    pub(super) fn rank(&self, distance: u64) -> usize {
        // The first slot starts at 0.
        self.starts.partition_point(|&start| start <= distance) - 1
    }

    /// Tallies what passes the filter. Counts what lies in gaps if `many` says which those are.
    pub(super) fn credit(
        &self,
        filter: Filter<'_>,
        search: Search,
        tally: &mut Tally,
        many: Option<&Slots>,
        mut closer: impl FnMut(usize),
    ) -> Option<u64> {
        let mut in_gaps = 0;
        let mut take = |slots: &[u32]| {
            tally.add(slots);
            if let Some(many) = many {
                in_gaps += slots.iter().filter(|&&slot| many.is_gap(slot)).count() as u64;
            }
        };
        let mut distances = [0; TOGETHER];
        let mut held = 0;
        for i in 0..filter.words.len() {
            if !filter.passes(i) {
                closer(i);
                continue;
            }
            distances[held] = filter.distance(i);
            held += 1;
            if held == TOGETHER {
                take(&self.ranks(&distances, search));
                held = 0;
            }
        }
        take(&self.ranks(&distances, search)[..held]);
        many.is_some().then_some(in_gaps)
    }

    fn ranks(&self, distances: &[u64; TOGETHER], search: Search) -> [u32; TOGETHER] {
        match search {
            Search::OneByOne => distances.map(|distance| self.rank(distance) as u32),
            Search::InStep => self.ranks_in_step(distances),
        }
    }

    /// Halves the same number of times for every address, so no branch depends on one.
    fn ranks_in_step(&self, distances: &[u64; TOGETHER]) -> [u32; TOGETHER] {
        let mut found = [0; TOGETHER];
        let mut size = self.starts.len();
        while size > 1 {
            let half = size / 2;
            for (found, distance) in found.iter_mut().zip(distances) {
                let middle = *found + half;
                // Hint: a branch here would be mispredicted every other time.
                *found = std::hint::select_unpredictable(
                    self.starts[middle] <= *distance,
                    middle,
                    *found,
                );
            }
            size -= half;
        }
        found.map(|slot| slot as u32)
    }
}
