//! A walk along with the schemes: which regions each of them tried. `damon-core.md` 5.10.

use crate::region::PROBES_MAX;

/// A region as it was handed to the operations set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriedRegion {
    /// Index of the target.
    pub target: usize,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// The moving access count.
    pub nr_accesses: u32,
    /// Age in aggregations, before the action began a new life.
    pub age: u32,
    /// The moving hits, by probe.
    pub probe_hits: [u8; PROBES_MAX],
    /// Bytes that passed the page filters.
    pub sz_filter_passed: u64,
}

/// By scheme: what it tried in one round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriedRegions {
    /// In the order they were tried.
    pub by_scheme: Vec<Vec<TriedRegion>>,
}

/// A walk in progress.
#[derive(Clone, Debug)]
pub(crate) struct Walking {
    done: Vec<bool>,
    seen: TriedRegions,
}

impl Walking {
    pub(crate) fn new(schemes: usize) -> Self {
        Self {
            done: vec![false; schemes],
            seen: TriedRegions { by_scheme: vec![Vec::new(); schemes] },
        }
    }

    /// There are so many schemes now: those beyond are not waited for any more, new ones are.
    pub(crate) fn resize(&mut self, schemes: usize) {
        self.done.resize(schemes, false);
        self.seen.by_scheme.resize(schemes, Vec::new());
    }

    pub(crate) fn saw(&mut self, scheme: usize, region: TriedRegion) {
        if self.done.get(scheme).is_none_or(|done| *done) {
            return;
        }
        self.seen.by_scheme[scheme].push(region);
    }

    /// A scheme has finished a round.
    pub(crate) fn finish(&mut self, scheme: usize) {
        if let Some(done) = self.done.get_mut(scheme) {
            *done = true;
        }
    }

    /// What was seen, once every scheme has finished a round.
    pub(crate) fn completed(&mut self) -> Option<TriedRegions> {
        self.done.iter().all(|done| *done).then(|| std::mem::take(&mut self.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIED: TriedRegion = TriedRegion {
        target: 0,
        start: 0,
        end: 4096,
        nr_accesses: 7,
        age: 3,
        probe_hits: [1, 0, 0, 0],
        sz_filter_passed: 100,
    };

    #[test]
    fn a_walk_sees_one_round_of_each_scheme_and_ends_with_the_last() {
        let mut walking = Walking::new(2);
        walking.saw(0, TRIED);
        walking.finish(0);
        walking.saw(0, TriedRegion { nr_accesses: 8, ..TRIED });
        assert_eq!(walking.completed(), None);
        let second = TriedRegion { target: 1, nr_accesses: 9, ..TRIED };
        walking.saw(1, second);
        walking.finish(1);
        assert_eq!(walking.completed().unwrap().by_scheme, [vec![TRIED], vec![second]]);
    }

    #[test]
    fn schemes_that_come_are_waited_for_and_those_that_go_are_not() {
        let mut walking = Walking::new(2);
        walking.finish(0);
        walking.resize(1);
        assert!(walking.clone().completed().is_some());
        walking.resize(3);
        walking.finish(1);
        assert_eq!(walking.completed(), None);
        walking.finish(2);
        // Of schemes there are no such, nothing is kept.
        walking.saw(3, TRIED);
        assert_eq!(walking.completed().unwrap().by_scheme, vec![vec![]; 3]);
    }
}
