//! Which region contains an address: a flat sorted array of starts, searched by halving.

use crate::region::Target;

/// Where a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the target.
    pub target: usize,
    /// Index of the region in its target.
    pub region: usize,
}

/// A snapshot of the region bounds of one physical target. Rebuilt only after the regions changed.
#[derive(Debug, Default)]
pub struct Index {
    starts: Vec<u64>,
    ends: Vec<u64>,
    fresh: bool,
}

impl Index {
    /// The next [`refresh`](Self::refresh) copies the bounds again.
    pub fn invalidate(&mut self) {
        self.fresh = false;
    }

    /// Copies the bounds of the regions, which are sorted and disjoint, if they changed.
    pub fn refresh(&mut self, targets: &[Target]) {
        if self.fresh {
            return;
        }
        self.starts.clear();
        self.ends.clear();
        // Physical sets have one target, which the monitor has checked.
        for region in targets.iter().flat_map(Target::regions) {
            debug_assert!(self.ends.last().is_none_or(|&end| end <= region.start), "unsorted");
            self.starts.push(region.start);
            self.ends.push(region.end);
        }
        self.fresh = true;
    }

    /// The region with `start <= address < end`.
    pub fn find(&self, address: u64) -> Option<Place> {
        let after = self.starts.partition_point(|&start| start <= address);
        let region = after.checked_sub(1)?;
        (address < self.ends[region]).then_some(Place { target: 0, region })
    }
}
