//! One pass of merging neighbours that are alike, and ageing regions. `damon-core.md` 4.1, 4.2.

use std::ptr;

use super::{AHEAD_SZ, Beside, ProbeHits, Region, Target, Weighing, prefetch};

/// One pass of merging. `damon_merge_regions_of`.
pub(super) struct Pass<'a> {
    pub(super) threshold: u32,
    pub(super) size_limit: u64,
    pub(super) count_age: bool,
    pub(super) weighing: &'a Weighing,
}

/// Of the regions after a pass.
#[derive(Clone, Copy)]
pub(super) struct Extremes {
    /// Bytes.
    pub(super) least_sz: u64,
    /// Bytes.
    pub(super) largest_sz: u64,
    /// `nr_accesses`.
    pub(super) largest_count: u32,
}

impl Extremes {
    /// Of none.
    const NONE: Self = Self { least_sz: u64::MAX, largest_sz: 0, largest_count: 0 };

    #[inline]
    fn see(&mut self, region: &Region) {
        self.least_sz = region.size().min(self.least_sz);
        self.largest_sz = region.size().max(self.largest_sz);
        self.largest_count = region.nr_accesses.max(self.largest_count);
    }
}

impl Pass<'_> {
    pub(super) fn over(&self, target: &mut Target) -> Extremes {
        match target.columns_mut() {
            // Apart, so that the usual one knows what it compares.
            (regions, hits) if hits.is_empty() && *self.weighing == Weighing::Accesses => {
                let by = Weighing::Accesses;
                self.by(regions, &mut (), |region, hits| {
                    (by.now(region, hits), by.before(region, hits))
                })
            }
            (regions, hits) => {
                Beside::resize(hits, regions.len());
                let by = self.weighing;
                self.by(regions, hits, |region, hits| {
                    (by.now(region, hits), by.before(region, hits))
                })
            }
        }
    }

    /// `weigh` gives what a region weighs now, and what it weighed before. Memory that no region
    /// moves to is read only. Apart, so that the loop has the registers to itself.
    #[inline(never)]
    fn by(
        &self,
        regions: &mut Vec<Region>,
        beside: &mut impl Beside,
        weigh: impl Fn(&Region, ProbeHits) -> (u32, u32),
    ) -> Extremes {
        let Some(first) = regions.first_mut() else { return Extremes::NONE };
        let weighs = weigh(first, beside.of(0));
        first.age = self.aged(first, weighs);
        let (mut kept, mut extremes) = (0, Extremes::NONE);
        let mut left = Left::of(first, weighs);
        for next in 1..regions.len() {
            let (done, to_come) = regions.split_at_mut(next);
            let (previous, region) = (&mut done[kept], &to_come[0]);
            prefetch(ptr::from_ref(region).wrapping_byte_add(AHEAD_SZ));
            let weighs = weigh(region, beside.of(next));
            let age = self.aged(region, weighs);
            if left.end == region.start
                && (left.weight == weighs.0 || left.weight.abs_diff(weighs.0) <= self.threshold)
                && region.end - left.start <= self.size_limit
            {
                left.end = region.end;
                let differ = beside.absorb(kept, next, [previous.size(), region.size()]);
                if previous.absorb(region, age) || differ {
                    left.weight = weigh(previous, beside.of(kept)).0;
                }
                continue;
            }
            extremes.see(previous);
            kept += 1;
            left = Left::of(region, weighs);
            if kept < next {
                done[kept] = *region;
                beside.put(kept, beside.of(next));
            }
            regions[kept].age = age;
        }
        extremes.see(&regions[kept]);
        regions.truncate(kept + 1);
        beside.resize(kept + 1);
        extremes
    }

    /// A change of the count beyond the threshold, or between none and some, starts a new life.
    #[inline]
    fn aged(&self, region: &Region, (now, before): (u32, u32)) -> u32 {
        if !self.count_age {
            return region.age;
        }
        // First what is so of most.
        let changed =
            now != before && (now.abs_diff(before) > self.threshold || (now == 0) != (before == 0));
        if changed { 0 } else { region.age.wrapping_add(1) }
    }
}

/// What is compared of the left side.
struct Left {
    start: u64,
    end: u64,
    weight: u32,
}

impl Left {
    #[inline]
    fn of(region: &Region, (weight, _): (u32, u32)) -> Self {
        Self { start: region.start, end: region.end, weight }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{target, view};
    use super::*;

    fn pass(threshold: u32, size_limit: u64, count_age: bool) -> Pass<'static> {
        Pass { threshold, size_limit, count_age, weighing: &Weighing::Accesses }
    }

    #[test]
    fn merge_joins_neighbours_whose_counts_differ_by_at_most_the_threshold() {
        //  [0 10) 1 | [10 20) 3 | [20 30) 9 | gap | [40 50) 9      threshold 2
        let mut targets =
            [target(&[(0, 10, 1, 1), (10, 20, 3, 3), (20, 30, 9, 9), (40, 50, 9, 9)])];
        pass(2, u64::MAX, true).over(&mut targets[0]);
        assert_eq!(view(&targets[0]), [(0, 20, 2), (20, 30, 9), (40, 50, 9)]);
    }

    #[test]
    fn merge_compares_with_the_averaged_left_side_and_respects_the_size_limit() {
        //  1, then 3 averages to 2, so 5 (distance 3 from 2) stays out at threshold 2
        let mut targets = [target(&[(0, 1, 1, 1), (1, 2, 3, 3), (2, 3, 5, 5)])];
        pass(2, u64::MAX, false).over(&mut targets[0]);
        assert_eq!(view(&targets[0]), [(0, 2, 2), (2, 3, 5)]);
        // and 4 (distance 2 from 2, though 3 from 1) comes in
        let mut targets = [target(&[(0, 1, 1, 1), (1, 2, 3, 3), (2, 3, 4, 4)])];
        pass(2, u64::MAX, false).over(&mut targets[0]);
        assert_eq!(view(&targets[0]), [(0, 3, 2)]);
        let mut targets = [target(&[(0, 2, 1, 1), (2, 4, 1, 1)])];
        pass(2, 3 * 4096, false).over(&mut targets[0]);
        assert_eq!(view(&targets[0]), [(0, 2, 1), (2, 4, 1)]);
        pass(2, 4 * 4096, false).over(&mut targets[0]);
        assert_eq!(view(&targets[0]), [(0, 4, 1)]);
    }

    #[test]
    fn age_grows_while_the_count_stays_and_restarts_when_it_moves_or_meets_zero() {
        let mut targets =
            [target(&[(0, 1, 5, 7), (2, 3, 9, 6), (4, 5, 0, 1), (6, 7, 1, 0), (8, 9, 0, 0)])];
        pass(2, u64::MAX, true).over(&mut targets[0]);
        let ages: Vec<_> = targets[0].regions().iter().map(|region| region.age).collect();
        assert_eq!(ages, [6, 0, 0, 0, 6]);
    }
}
