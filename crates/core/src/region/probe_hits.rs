//! Hits of probes, in a column beside the regions: hardly any monitor has probes, and whoever goes over
//! a million regions waits for their bytes.

#[cfg(test)]
use super::Region;
use super::mean;

/// Most probes of a monitor. `DAMON_MAX_PROBES`.
pub const PROBES_MAX: usize = 4;

/// Sampling intervals in which a page of a region had the attribute, by probe; beyond 255 each begins
/// anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeHits {
    /// Of the running aggregation. Reset each aggregation.
    pub now: [u8; PROBES_MAX],
    /// `now` at the end of the aggregation before.
    pub last: [u8; PROBES_MAX],
}

impl ProbeHits {
    /// The same by each probe as was counted of accesses.
    #[cfg(test)]
    pub(crate) fn like_counts(region: &Region) -> Self {
        let hits = |count: u32| [count as u8; PROBES_MAX];
        Self { now: hits(region.nr_accesses), last: hits(region.last_nr_accesses) }
    }

    /// The aggregation is over: what it saw is what was seen last.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.last = std::mem::take(&mut self.now);
    }

    /// Of a region that absorbs its right neighbour: means by size, truncated; what the previous
    /// aggregation saw stays the left one's. False if they were alike. `damon_merge_two_regions`.
    #[inline]
    fn absorb(&mut self, right: &Self, sizes: [u64; 2]) -> bool {
        let differs = self.now != right.now;
        if differs {
            for (hits, right) in self.now.iter_mut().zip(right.now) {
                *hits = mean((*hits).into(), right.into(), sizes) as u8;
            }
        }
        differs
    }
}

/// What lies beside regions and goes where they go: a column with an item for each, or nothing, of
/// which the compiler knows.
pub(crate) trait Beside {
    /// A region's.
    fn of(&self, region: usize) -> ProbeHits;
    /// It is this from now on.
    fn put(&mut self, region: usize, hits: ProbeHits);
    /// There are so many regions from now on.
    fn resize(&mut self, regions: usize);

    /// A region absorbed one on its right. False if they were alike.
    #[inline]
    fn absorb(&mut self, left: usize, right: usize, sizes: [u64; 2]) -> bool {
        let mut hits = self.of(left);
        let differs = hits.absorb(&self.of(right), sizes);
        if differs {
            self.put(left, hits);
        }
        differs
    }
}

/// Nobody ever probed.
impl Beside for () {
    #[inline]
    fn of(&self, _region: usize) -> ProbeHits {
        ProbeHits::default()
    }

    #[inline]
    fn put(&mut self, _region: usize, _hits: ProbeHits) {}

    #[inline]
    fn resize(&mut self, _regions: usize) {}
}

impl Beside for Vec<ProbeHits> {
    #[inline]
    fn of(&self, region: usize) -> ProbeHits {
        self[region]
    }

    #[inline]
    fn put(&mut self, region: usize, hits: ProbeHits) {
        self[region] = hits;
    }

    fn resize(&mut self, regions: usize) {
        self.resize(regions, ProbeHits::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_averaged_like_counts_and_the_right_ones_history_goes() {
        // (9*3 + 2) / 4, 1 / 4
        let left = ProbeHits { now: [9, 0, 0, 255], last: [1, 2, 3, 4] };
        let right = ProbeHits { now: [2, 1, 0, 255], last: [5; PROBES_MAX] };
        let mut column = vec![left, right, left];
        assert!(column.absorb(0, 1, [3, 1]));
        assert_eq!(column[0], ProbeHits { now: [7, 0, 0, 255], last: [1, 2, 3, 4] });
        assert!(!column.absorb(2, 2, [3, 1]));
    }
}
