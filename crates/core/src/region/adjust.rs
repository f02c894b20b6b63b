//! Keeps the regions few where memory is accessed alike and many where it is not.
//!
//! Once per aggregation: merge neighbours of similar count, age the rest, cap the size, and, after
//! the counts were reset, split. `damon-core.md` 4. Cost: O(regions), in place: one pass to merge and
//! one to split, and one between them to draw where, unless no region is so small that it matters; no
//! allocation once the arrays have grown.
//!
//! One difference from the kernel: its counters behind the 3-way split and the split rotation are
//! shared by all monitors of the machine; ours belong to the monitor.

use super::merging::Pass;
use super::plan::{Plan, draw, draw_tenths, left_of};
use super::{Region, Target, Weighing, grow};
use crate::arithmetic::align_up;
use crate::attrs::Attrs;
use crate::random::Random;

/// Merge threshold as a fraction of the largest count of the window.
const THRESHOLD_DIVISOR: u32 = 10;

/// The state that adaptation carries from one aggregation to the next.
#[derive(Clone, Debug)]
pub struct Adjuster {
    random: Random,
    min_region_sz: u64,
    /// No region may grow above this, in bytes. Computed one aggregation earlier.
    size_limit: u64,
    /// Regions there were at the last split: unchanged means the picture has settled.
    last_nr_regions: u64,
    /// Which residue of the region index is split next, above half of the maximum.
    rotation: u64,
    /// How a target is to be split. Reused.
    plan: Plan,
    /// Bytes of the largest region, of a merge just done: spares a look at all.
    largest_sz: Option<u64>,
}

impl Adjuster {
    /// `seed` decides where regions are cut and which of their addresses are looked at. Regions are
    /// multiples of `min_region_sz`.
    pub fn new(seed: u64, min_region_sz: u64) -> Self {
        Self {
            random: Random::new(seed),
            min_region_sz,
            size_limit: u64::MAX,
            last_nr_regions: 0,
            rotation: 0,
            plan: Plan::default(),
            largest_sz: None,
        }
    }

    /// Regions are multiples of `min_region_sz` from now on.
    pub(crate) fn set_min_region_sz(&mut self, min_region_sz: u64) {
        self.min_region_sz = min_region_sz;
    }

    /// An address of each region, any as likely as another.
    pub(crate) fn sample(&mut self, target: &Target, into: &mut Vec<u64>) {
        into.clear();
        into.reserve_exact(target.regions().len());
        let regions = target.regions().iter();
        into.extend(regions.map(|region| self.random.range(region.start, region.end)));
    }

    /// Cuts regions above the size that `min_nr_regions` implies, and remembers that size for the
    /// next merge. `damon_apply_min_nr_regions`.
    pub fn apply_min_nr_regions(&mut self, targets: &mut [Target], attrs: &Attrs) {
        self.size_limit =
            align_up(size_limit(targets, attrs, self.min_region_sz), self.min_region_sz);
        let largest = self.largest_sz.take().unwrap_or(u64::MAX);
        if largest <= self.size_limit {
            return;
        }
        for target in targets {
            let (regions, hits) = target.columns_mut();
            if regions.iter().all(|region| region.size() <= self.size_limit) {
                continue;
            }
            let (mut pieces, mut hits_of_pieces) = (Vec::new(), Vec::new());
            let count = |region: &Region| region.size().div_ceil(self.size_limit) as usize;
            grow(&mut pieces, regions.iter().map(count).sum());
            for (number, &(mut region)) in regions.iter().enumerate() {
                if let Some(&hits) = hits.get(number) {
                    hits_of_pieces.extend(std::iter::repeat_n(hits, count(&region)));
                }
                while region.size() > self.size_limit {
                    let rest = region.split_off(self.size_limit);
                    pieces.push(region);
                    region = rest;
                }
                pieces.push(region);
            }
            (*regions, *hits) = (pieces, hits_of_pieces);
            target.were_cut();
        }
    }

    /// Ages every region and merges neighbours; repeats with a doubled threshold while there are
    /// more than `max_nr_regions`. `kdamond_merge_regions`.
    pub(crate) fn merge(&mut self, targets: &mut [Target], attrs: &Attrs, weighing: &Weighing) {
        let largest = match weighing {
            Weighing::Accesses => targets.iter().map(Target::largest_count).max(),
            Weighing::Attributes(_) => {
                let weigh = |target: &Target| {
                    let regions = target.regions().iter().enumerate();
                    regions.map(|(i, region)| weighing.now(region, target.probe_hits(i))).max()
                };
                targets.iter().filter_map(weigh).max()
            }
        };
        let largest = largest.unwrap_or(0);
        let most = attrs.samples_per_aggregation();
        let mut threshold = largest / THRESHOLD_DIVISOR;
        let mut count_age = true;
        loop {
            let mut largest_sz = 0;
            for target in &mut *targets {
                let pass = Pass { threshold, size_limit: self.size_limit, count_age, weighing };
                let extremes = pass.over(target);
                target.set_largest_count(extremes.largest_count);
                target.set_least_sz(extremes.least_sz);
                largest_sz = extremes.largest_sz.max(largest_sz);
            }
            self.largest_sz = Some(largest_sz);
            if nr_regions(targets) <= attrs.max_nr_regions || most <= threshold {
                return;
            }
            count_age = false;
            threshold = if threshold < most / 2 { (2 * threshold).max(1) } else { most };
        }
    }

    /// The aggregation is over: resets what was counted, and cuts regions so that a difference inside
    /// one can show. `kdamond_reset_aggregated`, `kdamond_split_regions`.
    pub fn split(&mut self, targets: &mut [Target], attrs: &Attrs) {
        let regions = nr_regions(targets);
        let most = attrs.max_nr_regions;
        if regions >= most {
            // As many as allowed: no room to look closer.
            targets.iter_mut().for_each(Target::reset);
        } else if regions > most / 2 {
            self.split_some(targets, most / (most - regions));
        } else if self.last_nr_regions == regions && regions < most / 3 {
            self.split_all::<2>(targets);
        } else {
            self.split_all::<1>(targets);
        }
        self.last_nr_regions = regions;
    }

    /// Cuts every region, 1 or 2 times if it is large enough.
    fn split_all<const CUTS: usize>(&mut self, targets: &mut [Target]) {
        let Self { random, min_region_sz, plan, .. } = self;
        let least = *min_region_sz;
        let from_sz = 2 * least + 1;
        // A tenth is a part, and a tenth of that is one of three.
        let large_sz = least.saturating_mul(10_u64.pow(CUTS as u32));
        for target in targets {
            if target.least_sz() >= large_sz {
                random.fill(1, 10, plan.make_without_sizes(target, CUTS));
            } else {
                plan.make(target, |mut size| {
                    [(); CUTS].map(|()| {
                        let tenths = draw(random, size, from_sz, least);
                        // A second cut is made in the left part of the first.
                        if tenths > 0 {
                            size = left_of(size, tenths, least);
                        }
                        tenths
                    })
                });
            }
            plan.carry_out::<CUTS>(target, least);
        }
    }

    /// Cuts one region of every `step`, another one each time. `damon_split_some_regions`.
    fn split_some(&mut self, targets: &mut [Target], step: u64) {
        let Self { random, min_region_sz, plan, .. } = self;
        let least = *min_region_sz;
        let large_sz = least.saturating_mul(10);
        // Regions to come until the next that is chosen.
        let mut until = self.rotation % step;
        self.rotation += 1;
        for target in targets {
            if target.least_sz() >= large_sz {
                let plan = plan.make_without_sizes(target, 1);
                let mut from = until;
                while let Some(tenths) = plan.get_mut(from as usize) {
                    *tenths = draw_tenths(random);
                    from += step;
                }
                until = from - plan.len() as u64;
            } else {
                plan.make(target, |size| {
                    if until > 0 {
                        until -= 1;
                        return [0];
                    }
                    until = step - 1;
                    [draw(random, size, 2 * least, least)]
                });
            }
            plan.carry_out::<1>(target, least);
        }
    }
}

/// Bytes that a region may have so that there can be `min_nr_regions`. `damon_region_sz_limit`.
pub(crate) fn size_limit(targets: &[Target], attrs: &Attrs, min_region_sz: u64) -> u64 {
    let total: u64 = targets.iter().map(Target::size).sum();
    (total / attrs.min_nr_regions.max(1)).max(min_region_sz)
}

fn nr_regions(targets: &[Target]) -> u64 {
    targets.iter().map(|target| target.regions().len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Range;
    use super::super::tests::{target, view};
    use super::*;

    #[test]
    fn merge_raises_the_threshold_until_there_are_few_enough_and_ages_once() {
        let attrs = Attrs { min_nr_regions: 3, max_nr_regions: 3, ..Attrs::default() };
        let list: Vec<_> =
            (0..12).map(|i| (i, i + 1, (i % 2) as u32 * 8, (i % 2) as u32 * 8)).collect();
        let mut targets = [target(&list)];
        let mut adjuster = Adjuster::new(1, 4096);
        adjuster.merge(&mut targets, &attrs, &Weighing::Accesses);
        assert!(targets[0].regions().len() <= 3, "{:?}", view(&targets[0]));
        assert!(targets[0].regions().iter().all(|region| region.age == 6));
    }

    #[test]
    fn the_threshold_is_a_tenth_of_the_largest_then_doubles_and_ends_at_the_samples() {
        // 200 samples, largest count 100: 10, 20, 40, 80, 160, 200. Pairs of neighbours that differ
        // by so much become one at a threshold of at least that.
        let differences = [0, 10, 11, 20, 21, 40, 41, 80, 81, 100];
        let list: Vec<_> = (0..)
            .zip(differences)
            .flat_map(|(i, difference)| {
                let at = 10 * i;
                [(at, at + 1, 100, 100), (at + 1, at + 2, 100 - difference, 100)]
            })
            .collect();
        for (most, left) in [
            (20, 18),
            (18, 18),
            (17, 16),
            (16, 16),
            (15, 14),
            (13, 12),
            (12, 12),
            (11, 10),
            // No threshold joins across a gap.
            (3, 10),
        ] {
            let attrs = Attrs {
                sample_us: 1,
                aggregation_us: 200,
                min_nr_regions: 3,
                max_nr_regions: most,
                ..Attrs::default()
            };
            let mut targets = [target(&list)];
            Adjuster::new(1, 4096).merge(&mut targets, &attrs, &Weighing::Accesses);
            assert_eq!(targets[0].regions().len(), left, "at most {most}");
        }
    }

    #[test]
    fn from_no_threshold_at_all_the_next_is_1_and_the_last_never_above_the_samples() {
        // Largest count 9: thresholds 0, 1, 2, 4, 8, 16, 20 of 20 samples.
        let pairs = [(9, 9), (9, 8), (9, 7), (9, 6), (9, 1), (9, 0)];
        let list: Vec<_> = (0..)
            .zip(pairs)
            .flat_map(|(i, (left, right))| {
                [(10 * i, 10 * i + 1, left, left), (10 * i + 1, 10 * i + 2, right, right)]
            })
            .collect();
        for (most, left) in [(11, 11), (10, 10), (9, 9), (8, 8), (7, 7), (6, 6), (3, 6)] {
            let attrs = Attrs { min_nr_regions: 3, max_nr_regions: most, ..Attrs::default() };
            let mut targets = [target(&list)];
            Adjuster::new(1, 4096).merge(&mut targets, &attrs, &Weighing::Accesses);
            assert_eq!(targets[0].regions().len(), left, "at most {most}");
        }
    }

    #[test]
    fn the_last_threshold_is_the_samples_even_for_counts_above() {
        // Of 20 samples, counts that rescaling left above: 3, 6, 12, and then 20, not 24.
        let attrs = Attrs { min_nr_regions: 3, max_nr_regions: 3, ..Attrs::default() };
        let list = [(0, 1, 39, 39), (1, 2, 19, 19), (10, 11, 39, 39), (11, 12, 18, 18)];
        let mut targets = [target(&list)];
        Adjuster::new(1, 4096).merge(&mut targets, &attrs, &Weighing::Accesses);
        assert_eq!(view(&targets[0]), [(0, 2, 29), (10, 11, 39), (11, 12, 18)]);
        let attrs = Attrs { min_nr_regions: 2, max_nr_regions: 2, ..attrs };
        let mut targets = [target(&list)];
        Adjuster::new(1, 4096).merge(&mut targets, &attrs, &Weighing::Accesses);
        assert_eq!(targets[0].regions().len(), 3, "however few there should be");
    }

    #[test]
    fn two_targets_share_the_limits_but_never_a_region() {
        let attrs = Attrs { min_nr_regions: 4, max_nr_regions: 10, ..Attrs::default() };
        let mut targets = [target(&[(0, 3, 0, 0), (3, 6, 0, 0)]), target(&[(6, 12, 0, 0)])];
        let mut adjuster = Adjuster::new(1, 4096);
        // 12 pages of both in 4: no region above 3 pages.
        adjuster.apply_min_nr_regions(&mut targets, &attrs);
        adjuster.merge(&mut targets, &attrs, &Weighing::Accesses);
        let views: Vec<_> = targets.iter().map(view).collect();
        assert_eq!(views, [vec![(0, 3, 0), (3, 6, 0)], vec![(6, 9, 0), (9, 12, 0)]]);
    }

    #[test]
    fn the_size_limit_is_a_share_of_all_and_at_least_a_smallest_region() {
        // pages, min_nr_regions -> limit in bytes, unaligned
        for (pages, min_nr_regions, limit) in
            [(100, 3, 136_533), (99, 3, 33 * 4096), (2, 3, 4096), (3, 3, 4096), (4, 3, 5461)]
        {
            let attrs = Attrs { min_nr_regions, ..Attrs::default() };
            let targets = [target(&[(0, pages, 0, 0)])];
            assert_eq!(size_limit(&targets, &attrs, 4096), limit, "{pages} {min_nr_regions}");
        }
    }

    #[test]
    fn how_regions_are_split_depends_on_how_many_there_are() {
        // Regions of 100 pages; of at most 12. -> after the first split, after the second if the
        // number has not changed in between
        for (regions, once, settled) in [
            // Below a third: two pieces, then three.
            (3, 6, 9),
            // A third and more: two pieces in any case.
            (4, 8, 8),
            (6, 12, 12),
            // Above half: one of every 12 / (12 - 7) = 2, then the others.
            (7, 11, 10),
            // One of every 12.
            (11, 12, 12),
            (12, 12, 12),
        ] {
            let list: Vec<_> = (0..regions).map(|i| (200 * i, 200 * i + 100, 0, 0)).collect();
            let attrs = Attrs { min_nr_regions: 3, max_nr_regions: 12, ..Attrs::default() };
            let mut adjuster = Adjuster::new(7, 4096);
            for after in [once, settled] {
                let mut targets = [target(&list)];
                adjuster.split(&mut targets, &attrs);
                assert_eq!(targets[0].regions().len(), after, "{regions}");
            }
        }
    }

    #[test]
    fn the_rotation_goes_on_and_counts_across_targets() {
        let attrs = Attrs { min_nr_regions: 3, max_nr_regions: 4, ..Attrs::default() };
        let mut adjuster = Adjuster::new(7, 4096);
        for chosen in [0, 1, 2, 3, 0] {
            // step = 4 / (4 - 3) = 4: every fourth, of three regions
            let mut targets = [target(&[(0, 10, 0, 0)]), target(&[(0, 10, 0, 0), (10, 20, 0, 0)])];
            adjuster.split(&mut targets, &attrs);
            let starts =
                |target: &Target| view(target).iter().map(|r| r.0 / 10).collect::<Vec<_>>();
            let expected =
                [[vec![0, 0], vec![0, 1]], [vec![0], vec![0, 0, 1]], [vec![0], vec![0, 1, 1]]];
            let none = [vec![0], vec![0, 1]];
            let seen = [starts(&targets[0]), starts(&targets[1])];
            assert_eq!(&seen, expected.get(chosen).unwrap_or(&none), "{chosen}");
        }
    }

    #[test]
    fn a_region_of_two_smallest_is_cut_alone_but_not_with_all() {
        let attrs =
            |max_nr_regions| Attrs { min_nr_regions: 3, max_nr_regions, ..Attrs::default() };
        let cut_of = |pages: u64, most: u64| {
            // Until the draw makes a cut, if one can.
            (0..50).any(|seed| {
                let mut targets = [target(&[(0, pages, 0, 0), (50, 51, 0, 0), (60, 61, 0, 0)])];
                Adjuster::new(seed, 4096).split(&mut targets, &attrs(most));
                targets[0].regions().len() > 3
            })
        };
        // With all: more than two. (3 of at most 100.)
        assert_eq!([1, 2, 3].map(|pages| cut_of(pages, 100)), [false, false, true]);
        // Alone: two at least. (3 of at most 5: step 2, the first and the third.)
        assert_eq!([1, 2, 3].map(|pages| cut_of(pages, 5)), [false, true, true]);
    }

    #[test]
    fn a_third_piece_is_cut_off_the_left_and_cuts_lie_at_tenths() {
        let mut tenths = std::collections::BTreeSet::new();
        for seed in 0..300 {
            let mut targets = [target(&[(0, 1000, 0, 0)])];
            let attrs = Attrs::default();
            let mut adjuster = Adjuster::new(seed, 4096);
            adjuster.last_nr_regions = 1;
            adjuster.split(&mut targets, &attrs);
            let [(0, first, _), (_, second, _), (_, 1000, _)] = view(&targets[0])[..] else {
                panic!("{:?}", view(&targets[0]));
            };
            assert_eq!(second % 100, 0, "the first cut is in the whole");
            assert_eq!(first % (second / 10), 0, "the second in its left part");
            tenths.insert(second / 100);
            tenths.insert(10 * first / second);
        }
        assert_eq!(tenths, (1..10).collect());
    }

    proptest::proptest! {
        /// Sizes, weight and history are what they were, whatever is merged and split, and what probes found
        /// is averaged as counts are.
        #[test]
        fn merge_cut_and_split_conserve(
            list in proptest::collection::vec((0u64..2, 1u64..40, 0u32..21, 0u32..21, 0u64..9), 1..30),
            min in 3u64..9,
            more in 0u64..60,
            probed: bool,
            seed: u64,
        ) {
            let mut at = 0;
            let mut regions = Vec::new();
            for (gap, pages, nr_accesses, last_nr_accesses, hits) in list {
                regions.push(Region {
                    nr_accesses,
                    last_nr_accesses,
                    age: 3,
                    hits,
                    ..Region::new((at + gap) * 4096, (at + gap + pages) * 4096)
                });
                at += gap + pages;
            }
            let attrs = Attrs { min_nr_regions: min, max_nr_regions: min + more, ..Attrs::default() };
            let mut targets = [if probed { Target::like_counts(regions) } else { Target::of(regions) }];
            let mut adjuster = Adjuster::new(seed, 4096);
            let sums = |targets: &[Target]| {
                let regions = targets[0].regions();
                assert!(regions.windows(2).all(|pair| pair[0].end <= pair[1].start));
                assert!(regions.iter().all(|r| r.start < r.end && r.start % 4096 == 0));
                if probed {
                    targets[0].assert_like_counts();
                }
                let hits: u64 = regions.iter().map(|region| region.hits).sum();
                (targets[0].size(), hits, regions[0].start, regions[regions.len() - 1].end)
            };
            let before = sums(&targets);
            for _ in 0..3 {
                adjuster.merge(&mut targets, &attrs, &Weighing::Accesses);
                proptest::prop_assert!(targets[0].regions().iter().all(|r| r.age <= 6));
                let counts = targets[0].regions().iter().map(|r| r.nr_accesses);
                proptest::prop_assert_eq!(Some(targets[0].largest_count()), counts.max());
                proptest::prop_assert_eq!(sums(&targets), before);
                adjuster.apply_min_nr_regions(&mut targets, &attrs);
                proptest::prop_assert!(
                    targets[0].regions().iter().all(|r| r.size() <= adjuster.size_limit)
                );
                proptest::prop_assert_eq!(sums(&targets), before);
                let regions = targets[0].regions().len() as u64;
                adjuster.split(&mut targets, &attrs);
                proptest::prop_assert_eq!(sums(&targets), before);
                let after = targets[0].regions().len() as u64;
                proptest::prop_assert!(regions <= after);
                proptest::prop_assert!(after <= attrs.max_nr_regions.max(regions));
            }
        }
    }

    proptest::proptest! {
        /// Whether the sizes are looked at or known to be large makes no difference.
        #[test]
        fn cuts_are_the_same_where_no_region_is_read(
            least_pages in proptest::prop_oneof![1u64..13, 95u64..105],
            more in proptest::collection::vec(0u64..40, 2..12),
            most in 4u64..50,
            settled: bool,
            seed: u64,
        ) {
            let mut list = Vec::new();
            let mut at = 0;
            for more in more {
                // Neighbours that are too different to be merged.
                let nr_accesses = list.len() as u32 % 2 * 20;
                list.push((at, at + least_pages + more, nr_accesses, nr_accesses));
                at += least_pages + more;
            }
            let attrs = Attrs { min_nr_regions: 3, max_nr_regions: most.max(list.len() as u64), ..Attrs::default() };
            let mut merged = [target(&list)];
            let mut adjuster = Adjuster::new(seed, 4096);
            adjuster.merge(&mut merged, &attrs, &Weighing::Accesses);
            let least = list.iter().map(|(start, end, ..)| 4096 * (end - start)).min();
            proptest::prop_assert_eq!(Some(merged[0].least_sz()), least);
            if settled {
                adjuster.last_nr_regions = list.len() as u64;
            }
            let mut read = merged.clone();
            read[0].were_cut();
            adjuster.clone().split(&mut read, &attrs);
            adjuster.split(&mut merged, &attrs);
            proptest::prop_assert_eq!(merged[0].regions(), read[0].regions());
            let least = merged[0].regions().iter().map(Region::size).min();
            proptest::prop_assert!(Some(merged[0].least_sz()) <= least);
        }
    }

    #[test]
    fn sizes_are_read_where_a_tenth_of_one_is_no_region() {
        // Five of so many pages each, of at most so many regions: one of some, all once, all twice.
        for (pages, most, settled) in [(9, 8, false), (9, 40, false), (99, 40, true)] {
            for seed in 0..100 {
                let list: Vec<_> =
                    (0..5).map(|i| (i * pages, (i + 1) * pages, i as u32 % 2 * 20, 20)).collect();
                let attrs = Attrs { min_nr_regions: 3, max_nr_regions: most, ..Attrs::default() };
                let mut merged = [target(&list)];
                let mut adjuster = Adjuster::new(seed, 4096);
                adjuster.merge(&mut merged, &attrs, &Weighing::Accesses);
                assert_eq!(merged[0].least_sz(), pages * 4096);
                adjuster.last_nr_regions = if settled { 5 } else { 0 };
                let mut read = merged.clone();
                read[0].were_cut();
                adjuster.clone().split(&mut read, &attrs);
                adjuster.split(&mut merged, &attrs);
                assert_eq!(merged[0].regions(), read[0].regions(), "{pages} {seed}");
            }
        }
    }

    #[test]
    fn oversized_regions_are_cut_into_equal_pieces_from_the_start() {
        let mut targets = [Target::default()];
        targets[0].set_ranges(&[Range { start: 0, end: 100 * 4096 }], 4096).unwrap();
        let attrs = Attrs { min_nr_regions: 3, ..Attrs::default() };
        // limit = align_up(100 pages / 3) = 34 pages
        Adjuster::new(1, 4096).apply_min_nr_regions(&mut targets, &attrs);
        assert_eq!(view(&targets[0]), [(0, 34, 0), (34, 68, 0), (68, 100, 0)]);
    }

    #[test]
    fn split_makes_two_pieces_first_and_three_once_settled() {
        let mut targets = [Target::default()];
        targets[0].set_ranges(&[Range { start: 0, end: 1 << 30 }], 4096).unwrap();
        let attrs = Attrs::default();
        let mut adjuster = Adjuster::new(7, 4096);
        adjuster.split(&mut targets, &attrs);
        assert_eq!(targets[0].regions().len(), 2);
        adjuster.last_nr_regions = 2;
        adjuster.split(&mut targets, &attrs);
        assert_eq!(targets[0].regions().len(), 6);
    }

    #[test]
    fn above_half_of_the_maximum_a_rotating_part_is_split() {
        let list: Vec<_> = (0..6).map(|i| (i * 10, i * 10 + 10, 0, 0)).collect();
        let attrs = Attrs { min_nr_regions: 3, max_nr_regions: 10, ..Attrs::default() };
        let mut targets = [target(&list)];
        let mut adjuster = Adjuster::new(7, 4096);
        // step = 10 / (10 - 6) = 2: regions 0, 2, 4 first
        adjuster.split(&mut targets, &attrs);
        let starts: Vec<_> = view(&targets[0]).iter().map(|r| r.0 / 10).collect();
        assert_eq!(starts, [0, 0, 1, 2, 2, 3, 4, 4, 5]);
    }
}
