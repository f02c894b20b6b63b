//! A monitored address space: its regions, sorted, disjoint.

use thiserror::Error;

use super::{Beside, ProbeHits, Range, Region};
use crate::arithmetic::{align_down, align_up};

/// One address space (or one machine's physical memory) and its regions. `struct damon_target`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    tgid: Option<u32>,
    regions: Vec<Region>,
    /// By region; empty until somebody probes.
    probe_hits: Vec<ProbeHits>,
    /// Bytes of all regions: merges and cuts leave it as it is.
    sz_bytes: u64,
    /// The largest `nr_accesses` of the regions, told by whoever changes one.
    largest_count: u32,
    /// No region has fewer bytes; 0 once some may have been cut. Told by whoever merges and cuts.
    least_sz: u64,
}

/// Why a list of ranges was refused. Ranges are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// `start` is not below `end`.
    #[error("range {index}: expected start below end, got {start:#x}..{end:#x}")]
    Empty {
        /// Which range.
        index: usize,
        /// Its start.
        start: u64,
        /// Its end.
        end: u64,
    },
    /// The range begins before its predecessor ends, both rounded outwards to the smallest region.
    #[error("range {index}: expected start at or above {previous_end:#x}, got {start:#x}")]
    Overlap {
        /// Which range.
        index: usize,
        /// Its start.
        start: u64,
        /// Where the range before it ends, rounded up.
        previous_end: u64,
    },
}

impl Target {
    /// The address space of process `tgid`, or physical memory if there is none; no regions yet.
    pub fn new(tgid: Option<u32>) -> Self {
        Self { tgid, ..Self::default() }
    }

    /// The process, if this is one's address space.
    pub fn tgid(&self) -> Option<u32> {
        self.tgid
    }

    /// The regions, by ascending address.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Another process's address space from now on; what is known of the regions stays.
    pub(crate) fn set_tgid(&mut self, tgid: Option<u32>) {
        self.tgid = tgid;
    }

    /// Those, to be changed but not in number.
    pub(crate) fn regions_mut(&mut self) -> &mut [Region] {
        &mut self.regions
    }

    /// What probes found in the region with a number.
    pub fn probe_hits(&self, region: usize) -> ProbeHits {
        self.probe_hits.get(region).copied().unwrap_or_default()
    }

    /// What they found, by region, to be changed: somebody probes.
    pub(crate) fn probe_hits_mut(&mut self) -> &mut Vec<ProbeHits> {
        Beside::resize(&mut self.probe_hits, self.regions.len());
        &mut self.probe_hits
    }

    /// Regions, to be changed in number too, and what is to be kept in step with them if it is not
    /// empty.
    pub(crate) fn columns_mut(&mut self) -> (&mut Vec<Region>, &mut Vec<ProbeHits>) {
        (&mut self.regions, &mut self.probe_hits)
    }

    /// Has the regions say what was counted last.
    pub(crate) fn reset(&mut self) {
        self.regions.iter_mut().for_each(Region::reset);
        self.probe_hits.iter_mut().for_each(ProbeHits::reset);
        self.largest_count = 0;
    }

    /// Bytes of all regions.
    pub fn size(&self) -> u64 {
        debug_assert_eq!(self.sz_bytes, self.regions.iter().map(Region::size).sum());
        self.sz_bytes
    }

    /// The largest `nr_accesses` of the regions.
    pub(crate) fn largest_count(&self) -> u32 {
        debug_assert_eq!(self.largest_count, largest_count(&self.regions));
        self.largest_count
    }

    /// A region was credited and has been accessed so often now.
    pub(crate) fn credited(&mut self, nr_accesses: u32) {
        self.largest_count = self.largest_count.max(nr_accesses);
    }

    /// Counts were changed, so that the largest is this one.
    pub(crate) fn set_largest_count(&mut self, largest_count: u32) {
        self.largest_count = largest_count;
    }

    /// No region has fewer bytes. Of some use only since a merge, if nothing was cut.
    pub(crate) fn least_sz(&self) -> u64 {
        debug_assert!(self.regions.iter().all(|region| region.size() >= self.least_sz));
        self.least_sz
    }

    /// Regions were merged, so that the smallest has so many bytes.
    pub(crate) fn set_least_sz(&mut self, least_sz: u64) {
        self.least_sz = least_sz;
    }

    /// Regions were cut, or may have been.
    pub(crate) fn were_cut(&mut self) {
        self.least_sz = 0;
    }

    /// Changes all regions, and what probes found in them.
    pub(crate) fn change(
        &mut self,
        change: impl FnMut(&mut Region),
        change_hits: impl FnMut(&mut ProbeHits),
    ) {
        self.regions.iter_mut().for_each(change);
        self.probe_hits.iter_mut().for_each(change_hits);
        self.largest_count = largest_count(&self.regions);
    }

    /// Of regions that probes found the same in as was counted.
    #[cfg(test)]
    pub(crate) fn like_counts(regions: Vec<Region>) -> Self {
        let probe_hits = regions.iter().map(ProbeHits::like_counts).collect();
        Self { probe_hits, ..Self::of(regions) }
    }

    /// # Panics
    ///
    /// If it is not like that any more.
    #[cfg(test)]
    pub(crate) fn assert_like_counts(&self) {
        let like_counts: Vec<_> = self.regions.iter().map(ProbeHits::like_counts).collect();
        assert_eq!(self.probe_hits, like_counts);
    }

    #[cfg(test)]
    pub(crate) fn of(regions: Vec<Region>) -> Self {
        let sz_bytes = regions.iter().map(Region::size).sum();
        let largest_count = largest_count(&regions);
        Self { regions, sz_bytes, largest_count, ..Self::default() }
    }

    /// Makes the regions cover exactly `ranges`, rounded outwards to `min_region_sz`. Regions that
    /// overlap a range stay, with their counts and age, and are stretched or cut at its ends; the
    /// others go; gaps are filled by new regions. `damon_set_regions`.
    ///
    /// # Errors
    ///
    /// [`RangeError`]; the regions are then as before.
    pub fn set_ranges(&mut self, ranges: &[Range], min_region_sz: u64) -> Result<(), RangeError> {
        let aligned = check_ranges(ranges, min_region_sz)?;
        let probed = !self.probe_hits.is_empty();
        let hits = std::mem::take(self.probe_hits_mut());
        let old = std::mem::take(&mut self.regions).into_iter().zip(hits);
        let mut regions = Vec::new();
        // A cursor that is never rewound: a region that overlaps two ranges serves the first.
        let overlaps = |region: &Region| {
            ranges.iter().any(|range| region.start < range.end && range.start < region.end)
        };
        let mut kept = old.filter(|(region, _)| overlaps(region)).peekable();
        let new = |start, end| (Region::new(start, end), ProbeHits::default());
        for (range, bounds) in ranges.iter().zip(aligned) {
            let mut covered_to = bounds.start;
            let mut last = None;
            while let Some((mut region, hits)) =
                kept.next_if(|(region, _)| region.start < range.end)
            {
                if region.end <= range.start {
                    continue;
                }
                if last.is_none() {
                    region.start = bounds.start;
                } else if covered_to < region.start {
                    regions.push(new(covered_to, region.start));
                }
                covered_to = region.end;
                last = Some(regions.len());
                regions.push((region, hits));
            }
            match last {
                Some(last) => regions[last].0.end = bounds.end,
                None => regions.push(new(bounds.start, bounds.end)),
            }
        }
        (self.regions, self.probe_hits) = regions.into_iter().unzip();
        if !probed {
            self.probe_hits.clear();
        }
        self.sz_bytes = self.regions.iter().map(Region::size).sum();
        self.largest_count = largest_count(&self.regions);
        self.were_cut();
        Ok(())
    }
}

fn largest_count(regions: &[Region]) -> u32 {
    regions.iter().map(|region| region.nr_accesses).max().unwrap_or(0)
}

/// Ranges rounded outwards to `min_region_sz`, if they are sorted and apart then.
pub(crate) fn check_ranges(ranges: &[Range], min_region_sz: u64) -> Result<Vec<Range>, RangeError> {
    let mut aligned: Vec<Range> = Vec::with_capacity(ranges.len());
    for (index, &Range { start, end }) in ranges.iter().enumerate() {
        let bounds =
            Range { start: align_down(start, min_region_sz), end: align_up(end, min_region_sz) };
        if start >= end || bounds.start >= bounds.end {
            return Err(RangeError::Empty { index, start, end });
        }
        if let Some(previous) = aligned.last()
            && bounds.start < previous.end
        {
            return Err(RangeError::Overlap { index, start, previous_end: previous.end });
        }
        aligned.push(bounds);
    }
    Ok(aligned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: u64 = 4096;

    fn ranges(list: &[(u64, u64)]) -> Vec<Range> {
        list.iter().map(|&(start, end)| Range { start: start * K, end: end * K }).collect()
    }

    fn bounds(target: &Target) -> Vec<(u64, u64)> {
        target.regions().iter().map(|r| (r.start / K, r.end / K)).collect()
    }

    #[test]
    fn a_new_target_gets_one_region_per_range_rounded_outwards() {
        let mut target = Target::default();
        target
            .set_ranges(&[Range { start: 1, end: 4097 }, Range { start: 3 * K, end: 4 * K }], K)
            .unwrap();
        assert_eq!(bounds(&target), [(0, 2), (3, 4)]);
    }

    #[test]
    fn kept_regions_stretch_to_the_ends_and_gaps_are_filled() {
        //  before  [2 .. 4)   [6 .. 8)        [20 .. 22)
        //  ranges  [1 ................ 10)               [30 .. 31)
        //  after   [1 . 4)[4.6)[6 ... 10)                [30 .. 31)
        let mut target = Target::default();
        target.set_ranges(&ranges(&[(2, 4), (6, 8), (20, 22)]), K).unwrap();
        target.regions_mut()[1].age = 5;
        target.set_ranges(&ranges(&[(1, 10), (30, 31)]), K).unwrap();
        assert_eq!(bounds(&target), [(1, 4), (4, 6), (6, 10), (30, 31)]);
        assert_eq!(target.regions()[2].age, 5);
    }

    #[test]
    fn new_ranges_may_cut_below_what_was_the_smallest() {
        let mut target = Target::default();
        target.set_ranges(&ranges(&[(0, 10)]), K).unwrap();
        target.set_least_sz(10 * K);
        target.set_ranges(&ranges(&[(0, 2)]), K).unwrap();
        assert_eq!(target.least_sz(), 0);
    }

    #[test]
    fn a_region_over_two_ranges_serves_the_first() {
        let mut target = Target::default();
        target.set_ranges(&ranges(&[(0, 10)]), K).unwrap();
        target.regions_mut()[0].age = 5;
        target.set_ranges(&ranges(&[(0, 2), (8, 10)]), K).unwrap();
        assert_eq!(bounds(&target), [(0, 2), (8, 10)]);
        assert_eq!((target.regions()[0].age, target.regions()[1].age), (5, 0));
    }

    #[test]
    fn what_probes_found_goes_where_the_regions_go() {
        let region = |(start, end, nr_accesses, last_nr_accesses)| Region {
            nr_accesses,
            last_nr_accesses,
            ..Region::new(start * K, end * K)
        };
        // As above; new regions have nothing.
        let before = [(2, 4, 1, 2), (6, 8, 3, 4), (20, 22, 5, 6), (30, 40, 7, 8)].map(region);
        let mut target = Target::like_counts(before.to_vec());
        target.set_ranges(&ranges(&[(1, 10), (12, 14), (30, 31), (38, 40)]), K).unwrap();
        assert_eq!(bounds(&target), [(1, 4), (4, 6), (6, 10), (12, 14), (30, 31), (38, 40)]);
        target.assert_like_counts();
        assert_eq!(target.probe_hits(2).now, [3; 4]);
        target.reset();
        target.assert_like_counts();
        let mut never_probed = Target::of(before.to_vec());
        never_probed.set_ranges(&ranges(&[(1, 10)]), K).unwrap();
        assert_eq!((never_probed.probe_hits(0), never_probed.probe_hits.len()), Default::default());
    }

    #[test]
    fn bad_ranges_are_refused_and_change_nothing() {
        let mut target = Target::default();
        target.set_ranges(&ranges(&[(0, 4)]), K).unwrap();
        let before = target.clone();
        let empty = target.set_ranges(&[Range { start: 5, end: 5 }], K);
        assert_eq!(empty, Err(RangeError::Empty { index: 0, start: 5, end: 5 }));
        let overlap = target
            .set_ranges(&[Range { start: 0, end: K + 1 }, Range { start: K + 2, end: 3 * K }], K);
        assert_eq!(
            overlap,
            Err(RangeError::Overlap { index: 1, start: K + 2, previous_end: 2 * K })
        );
        assert_eq!(target, before);
    }
}
