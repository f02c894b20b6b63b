//! The address filter of the core layer, which cuts regions at its edges.

use super::walk::Walk;
use crate::arithmetic::{MIN_REGION_SZ, align_down};
use crate::region::{Range, Region};

/// Lets through, or rejects, the memory inside (or outside) a range. `DAMOS_FILTER_TYPE_ADDR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressFilter {
    /// The range; both ends are rounded down to 4096 bytes.
    pub range: Range,
    /// True to act on memory inside the range, false on memory outside.
    pub matching: bool,
    /// True to let through what the filter acts on, false to reject it.
    pub allow: bool,
}

impl AddressFilter {
    /// Whether the region, cut so that it lies on one side of each edge, is inside the range. What
    /// was cut off goes back to the walk and comes next. `damos_filter_match`.
    fn contains(&self, region: &mut Region, walk: &mut Walk<'_>) -> bool {
        let start = align_down(self.range.start, MIN_REGION_SZ);
        let end = align_down(self.range.end, MIN_REGION_SZ);
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
}

/// Whether the filters let the region through: the first that hits decides; if none does, the
/// opposite of what the last would have said. An empty list lets everything through.
pub(crate) fn pass(filters: &[AddressFilter], region: &mut Region, walk: &mut Walk<'_>) -> bool {
    for filter in filters {
        if filter.contains(region, walk) == filter.matching {
            return filter.allow;
        }
    }
    filters.last().is_none_or(|last| !last.allow)
}
