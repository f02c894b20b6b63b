//! A walk over a target's regions that may cut the current one and join neighbours.

use crate::region::Region;

/// Visits regions in ascending order, in place. A region is taken out, may be cut (the right part
/// is put back and comes next), and is kept. Costs one pass; a cut moves the tail of the array only
/// if no region was joined before.
pub(crate) struct Walk<'a> {
    regions: &'a mut Vec<Region>,
    /// Regions `..kept` are done.
    kept: usize,
    /// Regions `next..` are still to come. `kept <= next`.
    next: usize,
    /// Whether any bound changed.
    pub(crate) changed: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(regions: &'a mut Vec<Region>) -> Self {
        Self { regions, kept: 0, next: 0, changed: false }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Region> {
        let region = *self.regions.get(self.next)?;
        self.next += 1;
        Some(region)
    }

    /// True if nothing comes after the region taken last.
    #[inline]
    pub(crate) fn at_last(&self) -> bool {
        self.next == self.regions.len()
    }

    /// The right part of a cut: the next to come.
    pub(crate) fn put_back(&mut self, right: Region) {
        self.changed = true;
        if self.next > self.kept {
            self.next -= 1;
            self.regions[self.next] = right;
        } else {
            self.regions.insert(self.next, right);
        }
    }

    /// The region is done.
    #[inline]
    pub(crate) fn keep(&mut self, region: Region) {
        if self.next > self.kept {
            self.regions[self.kept] = region;
        } else {
            self.regions.insert(self.kept, region);
            self.next += 1;
        }
        self.kept += 1;
    }

    /// As [`keep`](Self::keep), but joins the region with its predecessor if they are neighbours,
    /// alike in age and counts, and not above `size_limit` together. `damon-core.md` 5.9.
    #[inline]
    pub(crate) fn keep_or_join(&mut self, region: Region, size_limit: u64) {
        if let Some(previous) = self.kept.checked_sub(1).map(|index| &mut self.regions[index])
            && previous.end == region.start
            && previous.age == region.age
            && previous.nr_accesses == region.nr_accesses
            && previous.last_nr_accesses == region.last_nr_accesses
            && region.end - previous.start <= size_limit
        {
            previous.end = region.end;
            previous.hits += region.hits;
            self.changed = true;
        } else {
            self.keep(region);
        }
    }

    /// Ends the walk; regions not visited stay as they are.
    pub(crate) fn finish(self) -> bool {
        self.regions.drain(self.kept..self.next);
        self.changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Any mixture of cuts and joins keeps the regions sorted, covering and their weight.
        #[test]
        fn cuts_and_joins_conserve_bytes_and_weight(
            sizes in prop::collection::vec(1u64..6, 1..20),
            acts in prop::collection::vec((0u64..6, any::<bool>()), 0..80),
            stop in 0usize..40,
        ) {
            let mut regions = Vec::new();
            let mut at = 0;
            for size in sizes {
                regions.push(Region { hits: size * 7, ..Region::new(at, at + size) });
                at += size;
            }
            let weight: u64 = regions.iter().map(|region| region.hits).sum();
            let mut walk = Walk::new(&mut regions);
            let mut acts = acts.into_iter();
            for _ in 0..stop {
                let Some(mut region) = walk.next() else { break };
                let (cut, join) = acts.next().unwrap_or((0, false));
                if 0 < cut && cut < region.size() {
                    walk.put_back(region.split_off(cut));
                }
                if join { walk.keep_or_join(region, 8) } else { walk.keep(region) }
            }
            walk.finish();
            prop_assert_eq!(regions[0].start, 0);
            prop_assert_eq!(regions.last().map(|region| region.end), Some(at));
            prop_assert!(regions.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!(regions.iter().map(|region| region.hits).sum::<u64>(), weight);
        }
    }
}
