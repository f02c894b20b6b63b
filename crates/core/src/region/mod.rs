//! Adaptive regions: what is known of each stretch of memory.

mod adjust;
mod mappings;
mod merging;
mod plan;
mod probe_hits;
mod score;
mod streaming;
mod target;
mod weighing;

pub use adjust::Adjuster;
pub(crate) use adjust::size_limit;
pub(crate) use mappings::three_regions;
pub(crate) use probe_hits::Beside;
pub use probe_hits::{PROBES_MAX, ProbeHits};
pub(crate) use score::Scale;
pub use score::{MAX_SCORE, Score, Weights};
pub(crate) use streaming::{AHEAD_SZ, copy_column, copy_counts, grow, prefetch};
pub(crate) use target::check_ranges;
pub use target::{RangeError, Target};
pub(crate) use weighing::{Moving, Weighing, weighted};

use crate::arithmetic::mult_frac;

/// A half-open range of addresses, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Range {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }
}

/// One stretch of memory whose pages are thought to be accessed alike. `struct damon_region`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// One past the last byte; always above `start`.
    pub end: u64,
    /// Sampling intervals of the running aggregation in which the region was seen accessed:
    /// at most one per interval however many reports there were. Reset each aggregation.
    pub nr_accesses: u32,
    /// `nr_accesses` at the end of the aggregation before.
    pub last_nr_accesses: u32,
    /// Aggregations since the access pattern last changed.
    pub age: u32,
    /// Tick of the running aggregation, from 1, in which the region was last credited; 0 if not
    /// yet. Stands for the kernel's `access_reported` flag and spares the pass that clears it.
    pub(crate) credited_in: u32,
    /// Weight: access reports credited since the last snapshot. Conserved by merge and split.
    pub hits: u64,
}

// Millions of regions are walked at every aggregation, and most of it is waiting for them.
const _: () = assert!(size_of::<Region>() == 40);

impl Region {
    /// A region nothing is known of.
    pub fn new(start: u64, end: u64) -> Self {
        debug_assert!(start < end);
        Self { start, end, nr_accesses: 0, last_nr_accesses: 0, age: 0, credited_in: 0, hits: 0 }
    }

    /// Bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// The region's addresses.
    pub fn range(&self) -> Range {
        Range { start: self.start, end: self.end }
    }

    /// `reports` accepted reports, at least one, in tick `tick` (from 1) of the running aggregation.
    #[inline]
    pub(crate) fn credit(&mut self, reports: u64, tick: u32) {
        debug_assert!(reports > 0);
        self.hits += reports;
        // No branch: which regions were credited before in this tick is anyone's guess.
        self.nr_accesses += u32::from(self.credited_in != tick);
        self.credited_in = tick;
    }

    /// The aggregation is over: what it saw is what was seen last.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.last_nr_accesses = std::mem::take(&mut self.nr_accesses);
        self.credited_in = 0;
    }

    /// Cuts at `size` bytes from the start; returns the right part. Both keep counts and age; the
    /// weight is shared by size. `damon_split_region_at`.
    #[inline]
    pub(crate) fn split_off(&mut self, size: u64) -> Self {
        debug_assert!(0 < size && size < self.size());
        // Few regions were hit since the last snapshot, and a division costs more than the rest.
        let left_hits = if self.hits == 0 { 0 } else { mult_frac(self.hits, size, self.size()) };
        let right = Self { start: self.start + size, hits: self.hits - left_hits, ..*self };
        self.end = right.start;
        self.hits = left_hits;
        right
    }

    /// Absorbs the right neighbour, which is `age` old: counts and age become means by size,
    /// truncated; what the previous aggregation saw stays the left one's. False if they were alike
    /// and no mean was wanted. `damon_merge_two_regions`.
    #[inline]
    pub(crate) fn absorb(&mut self, right: &Self, age: u32) -> bool {
        let differs = self.nr_accesses != right.nr_accesses || self.age != age;
        if differs {
            self.average(right, age);
        }
        self.hits += right.hits;
        self.end = right.end;
        differs
    }

    /// Apart, as most neighbours that are merged are alike.
    #[inline(never)]
    fn average(&mut self, right: &Self, right_age: u32) {
        let sizes = [self.size(), right.size()];
        self.nr_accesses = mean(self.nr_accesses, right.nr_accesses, sizes);
        self.age = mean(self.age, right_age, sizes);
    }
}

/// The mean of two neighbours by their sizes, truncated.
fn mean(left: u32, right: u32, [left_size, right_size]: [u64; 2]) -> u32 {
    if left == right {
        return left;
    }
    ((u64::from(left).wrapping_mul(left_size))
        .wrapping_add(u64::from(right).wrapping_mul(right_size))
        / (left_size + right_size)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of regions `(first page, page after the last, count, count before)`, aged 5.
    pub(super) fn target(list: &[(u64, u64, u32, u32)]) -> Target {
        let region = |&(start, end, nr_accesses, last_nr_accesses): &(u64, u64, u32, u32)| Region {
            nr_accesses,
            last_nr_accesses,
            age: 5,
            ..Region::new(start * 4096, end * 4096)
        };
        Target::of(list.iter().map(region).collect())
    }

    /// Its regions as `(first page, page after the last, count)`.
    pub(super) fn view(target: &Target) -> Vec<(u64, u64, u32)> {
        target.regions().iter().map(|r| (r.start / 4096, r.end / 4096, r.nr_accesses)).collect()
    }

    #[test]
    fn split_keeps_counts_and_shares_the_weight() {
        //  [0 ......... 12K) 7 hits  ->  [0 .. 4K) 2 | [4K .. 12K) 5
        let mut left =
            Region { nr_accesses: 3, last_nr_accesses: 4, age: 9, ..Region::new(0, 12_288) };
        left.hits = 7;
        let right = left.split_off(4_096);
        assert_eq!((left.start, left.end, left.hits), (0, 4_096, 2));
        assert_eq!((right.start, right.end, right.hits), (4_096, 12_288, 5));
        for part in [left, right] {
            assert_eq!((part.nr_accesses, part.last_nr_accesses, part.age), (3, 4, 9));
        }
    }

    #[test]
    fn merge_averages_by_size_and_keeps_the_left_history() {
        //  [0 .. 8K) nr 3 age 4 | [8K .. 12K) nr 9 age 1  ->  nr (3*8+9*4)/12 = 5, age (4*8+1*4)/12 = 3
        let mut left = Region {
            nr_accesses: 3,
            last_nr_accesses: 7,
            age: 4,
            hits: 1,
            ..Region::new(0, 8_192)
        };
        let right = Region {
            nr_accesses: 9,
            last_nr_accesses: 2,
            age: 1,
            hits: 5,
            ..Region::new(8_192, 12_288)
        };
        left.absorb(&right, right.age);
        assert_eq!((left.end, left.nr_accesses, left.last_nr_accesses), (12_288, 5, 7));
        assert_eq!((left.age, left.hits), (3, 6));
    }

    #[test]
    fn one_tick_counts_once_however_many_reports() {
        let mut region = Region::new(0, 4_096);
        for tick in [1, 1, 1, 2] {
            region.credit(1, tick);
        }
        assert_eq!((region.nr_accesses, region.hits), (2, 4));
    }

    #[test]
    fn moving_count_follows_the_published_examples() {
        // damon-core.md 3.2: (nr, last, left of window) -> value
        for (nr, last, left, window, expected) in [
            (2, 9, 13, 20, 7),
            (0, 9, 19, 20, 8),
            (6, 11, 7, 16, 10),
            (4, 3, 1, 3, 4),
            (5, 9, 20, 20, 9),
        ] {
            let region = Region { nr_accesses: nr, last_nr_accesses: last, ..Region::new(0, 1) };
            assert_eq!(Moving::new(left, window).nr_accesses(&region), expected);
        }
    }

    #[test]
    fn a_moving_count_loses_what_does_not_divide() {
        // damon-core.md 3.2: a third of 3 is 3333 of 10000, which is 0 of 3
        let region = Region { nr_accesses: 1, last_nr_accesses: 3, ..Region::new(0, 1) };
        assert_eq!(Moving::new(1, 3).nr_accesses(&region), 1);
        assert_eq!(Moving::new(0, 3).nr_accesses(&region), 1);
        assert_eq!(
            Moving::new(3, 3).nr_accesses(&region),
            3,
            "just restarted: only what was before"
        );
        assert_eq!(Moving::new(0, 0).nr_accesses(&region), 1, "a window of nothing is one of 1");
    }

    #[test]
    fn means_truncate_and_weight_adds_up() {
        //  left pages, right pages, left value, right value -> mean
        for (l, r, left_value, right_value, mean) in [
            (1, 1, 1, 2, 1),
            (1, 3, 0, 3, 2),
            (3, 1, 0, 3, 0),
            (1, 99, 100, 0, 1),
            (1, 100, 100, 0, 0),
        ] {
            let region = |start, end, value, hits| Region {
                nr_accesses: value,
                age: value,
                hits,
                ..Region::new(start * 4_096, end * 4_096)
            };
            let mut left = region(0, l, left_value, 5);
            left.absorb(&region(l, l + r, right_value, 7), right_value);
            assert_eq!((left.nr_accesses, left.age), (mean, mean), "{l} {r}");
            assert_eq!((left.hits, left.size()), (12, (l + r) * 4_096));
        }
    }
}
