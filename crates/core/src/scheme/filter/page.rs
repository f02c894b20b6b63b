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
