//! Filters of the core layer: which regions, or parts of them, a scheme is for. An address filter
//! cuts regions at its edges. `damon-core.md` 5.7.

use super::super::walk::Walk;
use crate::arithmetic::align_down;
use crate::region::{Range, Region};

/// What a core filter looks at. `enum damos_filter_type`, those that the core handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreFilterKind {
    /// Memory inside a range, whose ends are rounded down to the smallest region.
    Address(Range),
    /// Regions of the target of that index.
    Target(usize),
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
    /// Asks the filters in order; the first that hits decides. The region may have been cut: what
    /// was cut off went back to the walk and comes next. `damos_core_filter_out`.
    pub(crate) fn ask(
        &self,
        region: &mut Region,
        target: usize,
        min_region_sz: u64,
        walk: &mut Walk<'_>,
    ) -> Passage {
        for filter in self.list {
            let is = match filter.kind {
                CoreFilterKind::Address(range) => contains(range, region, min_region_sz, walk),
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

/// Whether the region, cut so that it lies on one side of each edge, is inside the range.
/// `damos_filter_match`.
fn contains(range: Range, region: &mut Region, min_region_sz: u64, walk: &mut Walk<'_>) -> bool {
    let start = align_down(range.start, min_region_sz);
    let end = align_down(range.end, min_region_sz);
    if region.end <= start || end <= region.start {
        return false;
    }
    if region.start < start {
        walk.put_back(region.split_off(start - region.start));
        return false;
    }
    if end < region.end {
        walk.put_back(region.split_off(end - region.start));
    }
    true
}
