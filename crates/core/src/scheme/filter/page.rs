//! Filters of the operations layer: which pages of a region an action is for.
//! `damon-core.md` 5.7 and 10.3.

/// What a page filter looks at. `enum damos_filter_type`, those that the operations set handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFilterKind {
    /// Anonymous memory.
    Anon,
    /// On the active list.
    Active,
    /// Charged to a control group, by its path from the root of the hierarchy.
    Memcg(String),
    /// Accessed since somebody last looked; looking makes it old.
    Young,
    /// A folio of so many bytes.
    HugepageSize {
        /// Least bytes.
        min: u64,
        /// Most bytes.
        max: u64,
    },
    /// Mapped by no process.
    Unmapped,
}

/// Lets through, or rejects, pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFilter {
    /// What it looks at.
    pub kind: PageFilterKind,
    /// True to act on pages that are so, false on those that are not.
    pub matching: bool,
    /// True to let through what the filter acts on, false to reject it.
    pub allow: bool,
}

/// The page filters of one job.
#[derive(Clone, Copy, Debug)]
pub struct PageFilters<'a> {
    list: &'a [PageFilter],
    /// A filter of the core layer has let the region through, which settles it.
    bypassed: bool,
    /// Young pages are rejected as if by a last filter: what paging out adds on its own.
    rejects_young: bool,
}

static YOUNG: PageFilterKind = PageFilterKind::Young;

impl<'a> PageFilters<'a> {
    /// Filters in order; all pages pass if `bypassed`.
    pub fn new(list: &'a [PageFilter], bypassed: bool) -> Self {
        Self { list, bypassed, rejects_young: false }
    }

    /// The same, and young pages that no filter lets through are rejected, unless there is a filter
    /// for young pages already. What no filter hits goes by the filters of before.
    #[must_use]
    pub fn rejecting_young(self) -> Self {
        let has_young = self.list.iter().any(|filter| filter.kind == PageFilterKind::Young);
        Self { rejects_young: !has_young, ..self }
    }

    /// Those that are asked, in order: none if a filter of the core layer has settled it.
    pub fn asked(&self) -> &'a [PageFilter] {
        if self.bypassed { &[] } else { self.list }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a page passes, of which `is` tells what it is: the first filter that hits decides;
    /// if none does, the opposite of what the last would have said.
    pub fn pass(&self, mut is: impl FnMut(&PageFilterKind) -> bool) -> bool {
        if self.bypassed {
            return true;
        }
        for filter in self.list {
            if is(&filter.kind) == filter.matching {
                return filter.allow;
            }
        }
        if self.rejects_young && is(&YOUNG) {
            return false;
        }
        self.list.last().is_none_or(|last| !last.allow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PageFilterKind::{Active, Anon, Young};

    fn filter(kind: PageFilterKind, matching: bool, allow: bool) -> PageFilter {
        PageFilter { kind, matching, allow }
    }

    #[test]
    fn the_first_filter_that_hits_decides_and_else_the_opposite_of_the_last() {
        // A page that is anonymous and not active.
        let is = |kind: &PageFilterKind| *kind == Anon;
        for (list, passes) in [
            (vec![], true),
            (vec![filter(Anon, true, true)], true),
            (vec![filter(Anon, true, false)], false),
            (vec![filter(Active, true, true)], false),
            (vec![filter(Active, true, false)], true),
            (vec![filter(Active, false, true)], true),
            (vec![filter(Active, false, false)], false),
            (vec![filter(Active, true, true), filter(Anon, true, true)], true),
            (vec![filter(Anon, true, false), filter(Anon, true, true)], false),
            (vec![filter(Active, true, true), filter(Anon, false, false)], true),
            (vec![filter(Active, true, false), filter(Anon, false, true)], false),
        ] {
            let filters = PageFilters::new(&list, false);
            assert_eq!(filters.pass(is), passes, "{list:?}");
            assert_eq!(filters.is_empty(), list.is_empty());
            assert!(PageFilters::new(&list, true).pass(|_| unreachable!()), "bypassed");
        }
    }

    #[test]
    fn paging_out_spares_young_pages_unless_a_filter_has_its_say() {
        let young = |kind: &PageFilterKind| *kind == Young;
        for (list, passes) in [
            (vec![], false),
            // A filter lets it through before the implied one is asked.
            (vec![filter(Active, false, true)], true),
            (vec![filter(Anon, true, false)], false),
            // There is a filter for young pages: no other is implied.
            (vec![filter(Young, true, true)], true),
            (vec![filter(Young, false, true)], false),
            (vec![filter(Young, false, false)], true),
        ] {
            let filters = PageFilters::new(&list, false).rejecting_young();
            assert_eq!(filters.pass(young), passes, "{list:?}");
            assert!(PageFilters::new(&list, true).rejecting_young().pass(|_| unreachable!()));
        }
        // An old page goes by the filters alone.
        let list = [filter(Anon, true, true)];
        assert!(!PageFilters::new(&list, false).rejecting_young().pass(|_| false));
        assert!(PageFilters::new(&[], false).rejecting_young().pass(|_| false));
    }
}
