//! Filters of the core layer: which regions, or parts of them, a scheme is for. An address filter
//! cuts regions at its edges. `damon-core.md` 5.7.

use super::super::round::ApplyContext;
use super::super::walk::Walk;
use crate::arithmetic::align_down;
use crate::region::Range;

/// What a core filter looks at. `enum damos_filter_type`, those that the core handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreFilterKind {
    /// Memory inside a range, whose ends are rounded down to the smallest region.
    Address(Range),
    /// Regions of the target of that index.
    Target(usize),
    /// Regions whose moving hits of probes, by their weights, add up to so much.
    ProbeHitsWsum {
        /// Least sum.
        min: u32,
        /// Largest sum.
        max: u32,
    },
}

/// Lets through, or rejects, regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreFilter {
    /// What it looks at.
    pub kind: CoreFilterKind,
    /// True to act on regions that are so, false on those that are not.
    pub matching: bool,
    /// True to let through what the filter acts on, false to reject it.
    pub allow: bool,
}

impl CoreFilter {
    /// About memory inside a range.
    pub fn address(range: Range, matching: bool, allow: bool) -> Self {
        Self { kind: CoreFilterKind::Address(range), matching, allow }
    }
}

/// What the core filters say of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Not this one.
    Out,
    /// No filter objected.
    In,
    /// A filter said so: page filters are not asked any more.
    Allowed,
}

/// The core filters of a scheme, and what becomes of a region that none of them hits.
pub(crate) struct CoreFilters<'a> {
    pub(crate) list: &'a [CoreFilter],
    /// With page filters to come, a region that no core filter hits is left to those.
    pub(crate) has_page_filters: bool,
}

impl CoreFilters<'_> {
    /// Asks the filters about the current region, in order; the first that hits decides. The region
    /// may have been cut: what was cut off comes next. `damos_core_filter_out`.
    #[inline]
    pub(crate) fn ask(
        &self,
        target: usize,
        context: &ApplyContext,
        walk: &mut Walk<'_>,
    ) -> Passage {
        // Most schemes have none, and are asked about every region.
        if self.list.is_empty() { Passage::In } else { self.ask_each(target, context, walk) }
    }

    fn ask_each(&self, target: usize, context: &ApplyContext, walk: &mut Walk<'_>) -> Passage {
        for filter in self.list {
            let is = match filter.kind {
                CoreFilterKind::Address(range) => contains(range, context.min_region_sz, walk),
                CoreFilterKind::ProbeHitsWsum { min, max } => {
                    (min..=max).contains(&context.probe_hits_wsum(walk.probe_hits()))
                }
                CoreFilterKind::Target(index) => index == target,
            };
            if is == filter.matching {
                return if filter.allow { Passage::Allowed } else { Passage::Out };
            }
        }
        let rejects = !self.has_page_filters && self.list.last().is_some_and(|last| last.allow);
        if rejects { Passage::Out } else { Passage::In }
    }
}

/// Whether the current region, cut so that it lies on one side of each edge, is inside the range.
/// `damos_filter_match`.
fn contains(range: Range, min_region_sz: u64, walk: &mut Walk<'_>) -> bool {
    let region = walk.region().range();
    let start = align_down(range.start, min_region_sz);
    let end = align_down(range.end, min_region_sz);
    if region.end <= start || end <= region.start {
        return false;
    }
    if region.start < start {
        walk.cut(start - region.start);
        return false;
    }
    if end < region.end {
        walk.cut(end - region.start);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::Attrs;
    use crate::ops::OpsId;
    use crate::region::{Moving, Region, Target};

    const K: u64 = 4096;

    fn range(start: u64, end: u64) -> Range {
        Range { start: start * K, end: end * K }
    }

    /// What filters say of the first of some regions in target 1: the verdict, and the bounds then.
    fn ask(
        list: &[CoreFilter],
        has_page_filters: bool,
        regions: &[Range],
    ) -> (Passage, Vec<(u64, u64)>) {
        let regions = regions.iter().map(|range| Region::new(range.start, range.end));
        let mut target = Target::of(regions.collect());
        let context = ApplyContext {
            attrs: Attrs::default(),
            ops: OpsId::Paddr,
            now_ns: 0,
            now_tick: 0,
            moving: Moving::new(0, 1),
            probe_weights: [1, 0, 10, 0],
            size_limit: u64::MAX,
            min_region_sz: K,
            addr_unit: 1,
        };
        target.probe_hits_mut().iter_mut().for_each(|hits| hits.now = [3, 100, 2, 0]);
        let mut walk = Walk::new(&mut target);
        let passage = CoreFilters { list, has_page_filters }.ask(1, &context, &mut walk);
        walk.keep();
        walk.finish();
        (passage, target.regions().iter().map(|r| (r.start / K, r.end / K)).collect())
    }

    #[test]
    fn an_address_filter_decides_about_the_part_before_its_next_edge() {
        use Passage::{Allowed, Out};
        // Region [10 20); the filter's range -> inside?, and the cut
        for (filter, inside, after) in [
            (range(10, 20), true, vec![(10, 20)]),
            (range(5, 30), true, vec![(10, 20)]),
            (range(0, 10), false, vec![(10, 20)]),
            (range(20, 30), false, vec![(10, 20)]),
            (range(12, 30), false, vec![(10, 12), (12, 20)]),
            (range(12, 15), false, vec![(10, 12), (12, 20)]),
            (range(10, 15), true, vec![(10, 15), (15, 20)]),
            (range(5, 11), true, vec![(10, 11), (11, 20)]),
            // Both ends are rounded down.
            (Range { start: 11 * K - 1, end: 21 * K - 1 }, true, vec![(10, 20)]),
            (Range { start: 11 * K - 1, end: 19 * K + 1 }, true, vec![(10, 19), (19, 20)]),
            (Range { start: 0, end: 11 * K - 1 }, false, vec![(10, 20)]),
        ] {
            for (matching, allow) in [(true, true), (true, false), (false, true), (false, false)] {
                let list = [CoreFilter::address(filter, matching, allow)];
                let (passage, bounds) = ask(&list, false, &[range(10, 20), range(30, 40)]);
                let hits = inside == matching;
                let passes = if hits { allow } else { !allow };
                let expected = match (passes, hits) {
                    (false, _) => Out,
                    (true, true) => Allowed,
                    (true, false) => Passage::In,
                };
                assert_eq!(passage, expected, "{filter:?} {matching} {allow}");
                assert_eq!(bounds[..after.len()], after, "{filter:?}");
                assert_eq!(bounds.len(), after.len() + 1);
            }
        }
    }

    #[test]
    fn hits_of_probes_are_summed_by_weight_and_compared_with_closed_bounds() {
        // 3 * 1 + 2 * 10
        for (min, max, is) in [(23, 23, true), (0, 22, false), (24, 99, false), (0, 99, true)] {
            let kind = CoreFilterKind::ProbeHitsWsum { min, max };
            let list = [CoreFilter { kind, matching: true, allow: false }];
            let expected = if is { Passage::Out } else { Passage::In };
            assert_eq!(ask(&list, false, &[range(0, 1)]).0, expected, "{min} {max}");
        }
    }

    #[test]
    fn the_first_filter_that_hits_decides_and_page_filters_take_the_default_away() {
        use Passage::{Allowed, In, Out};
        let target = |index, matching, allow| CoreFilter {
            kind: CoreFilterKind::Target(index),
            matching,
            allow,
        };
        // Target 1 is asked about. -> without page filters, with them
        for (list, alone, with_pages) in [
            (vec![], In, In),
            (vec![target(1, true, true)], Allowed, Allowed),
            (vec![target(1, true, false)], Out, Out),
            (vec![target(2, true, true)], Out, In),
            (vec![target(2, true, false)], In, In),
            (vec![target(2, false, true)], Allowed, Allowed),
            (vec![target(2, false, false)], Out, Out),
            (vec![target(1, true, true), target(1, true, false)], Allowed, Allowed),
            (vec![target(1, true, false), target(1, true, true)], Out, Out),
            // None hits: the opposite of the last.
            (vec![target(2, true, true), target(3, true, false)], In, In),
            (vec![target(2, true, false), target(3, true, true)], Out, In),
        ] {
            assert_eq!(ask(&list, false, &[range(0, 1)]).0, alone, "{list:?}");
            assert_eq!(ask(&list, true, &[range(0, 1)]).0, with_pages, "{list:?}");
        }
    }
}
