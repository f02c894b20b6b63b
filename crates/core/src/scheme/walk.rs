//! A walk over a target's regions that may cut the current one and join neighbours.

use std::ptr;

use super::record::Share;
use crate::region::{AHEAD_SZ, ProbeHits, Region, Target, prefetch};

/// Most regions that a walk looks at more than once: the nearest cache holds them.
pub(crate) const STRETCH_MAX: usize = 64;

/// Visits regions in ascending order, in place. The current region may be cut (the right part comes
/// next), and is then kept. Costs one pass that writes only what changes; a cut moves the tail of
/// the array only if no region was joined before.
pub(crate) struct Walk<'a> {
    regions: &'a mut Vec<Region>,
    /// What probes found, by region; empty if nobody probed.
    probe_hits: &'a mut Vec<ProbeHits>,
    /// Regions `..kept` are done.
    kept: usize,
    /// The current region; those from here on are still to come. `kept <= current`.
    current: usize,
    /// Whether any bound changed.
    pub(crate) changed: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(target: &'a mut Target) -> Self {
        let (regions, probe_hits) = target.columns_mut();
        Self { regions, probe_hits, kept: 0, current: 0, changed: false }
    }

    /// Whether there is a current region, not all being done. Asks for one that comes later.
    #[inline]
    pub(crate) fn goes_on(&self) -> bool {
        let current = self.regions.as_ptr().wrapping_add(self.current);
        prefetch(current.wrapping_byte_add(AHEAD_SZ));
        self.current < self.regions.len()
    }

    /// The current region.
    ///
    /// # Panics
    ///
    /// If the walk does not [go on](Self::goes_on).
    #[inline]
    pub(crate) fn region(&mut self) -> &mut Region {
        &mut self.regions[self.current]
    }

    /// What probes found in the current region.
    pub(crate) fn probe_hits(&self) -> ProbeHits {
        self.probe_hits.get(self.current).copied().unwrap_or_default()
    }

    /// True if nothing comes after the current region.
    #[inline]
    pub(crate) fn at_last(&self) -> bool {
        self.current + 1 == self.regions.len()
    }

    /// The current region and those after it, at most [`STRETCH_MAX`], without the last of all.
    #[inline]
    pub(crate) fn before_last(&self) -> &[Region] {
        let end = (self.regions.len() - 1).min(self.current + STRETCH_MAX);
        &self.regions[self.current..end]
    }

    /// How many of `regions`, which are to come, would all be kept and none
    /// [joined](Self::keep_or_join), and their bytes.
    #[inline(never)]
    pub(crate) fn apart(&self, regions: &[Region], size_limit: u64) -> Share {
        let mut share = Share::default();
        let mut previous = self.kept.checked_sub(1).map(|index| &self.regions[index]);
        for region in regions {
            prefetch(ptr::from_ref(region).wrapping_add(STRETCH_MAX));
            if previous.is_some_and(|previous| are_joined(previous, region, size_limit)) {
                break;
            }
            share.add(region.size());
            previous = Some(region);
        }
        share
    }

    /// As many regions are done.
    #[inline]
    pub(crate) fn keep_all(&mut self, len: usize) {
        if self.current > self.kept {
            self.regions.copy_within(self.current..self.current + len, self.kept);
            if !self.probe_hits.is_empty() {
                self.probe_hits.copy_within(self.current..self.current + len, self.kept);
            }
        }
        self.kept += len;
        self.current += len;
    }

    /// Cuts the current region at `size` bytes from its start; the right part comes next.
    pub(crate) fn cut(&mut self, size: u64) {
        self.changed = true;
        let right = self.region().split_off(size);
        if self.current > self.kept {
            self.current -= 1;
            self.regions[self.current] =
                std::mem::replace(&mut self.regions[self.current + 1], right);
            if !self.probe_hits.is_empty() {
                self.probe_hits[self.current] = self.probe_hits[self.current + 1];
            }
        } else {
            self.regions.insert(self.current + 1, right);
            if !self.probe_hits.is_empty() {
                self.probe_hits.insert(self.current + 1, self.probe_hits[self.current]);
            }
        }
    }

    /// The current region is done.
    #[inline]
    pub(crate) fn keep(&mut self) {
        if self.current > self.kept {
            self.regions[self.kept] = self.regions[self.current];
            if !self.probe_hits.is_empty() {
                self.probe_hits[self.kept] = self.probe_hits[self.current];
            }
        }
        self.kept += 1;
        self.current += 1;
    }

    /// As [`keep`](Self::keep), but joins the region with its predecessor if they are neighbours,
    /// alike in age and counts, and not above `size_limit` together. `damon-core.md` 5.9.
    #[inline]
    pub(crate) fn keep_or_join(&mut self, size_limit: u64) {
        let (done, to_come) = self.regions.split_at_mut(self.current);
        let region = &to_come[0];
        if let Some(previous) = self.kept.checked_sub(1).map(|index| &mut done[index])
            && are_joined(previous, region, size_limit)
        {
            previous.end = region.end;
            previous.hits += region.hits;
            self.changed = true;
            self.current += 1;
        } else {
            self.keep();
        }
    }

    /// Ends the walk; regions not visited stay as they are.
    pub(crate) fn finish(self) -> bool {
        self.regions.drain(self.kept..self.current);
        if !self.probe_hits.is_empty() {
            self.probe_hits.drain(self.kept..self.current);
        }
        self.changed
    }
}

#[inline]
fn are_joined(previous: &Region, region: &Region, size_limit: u64) -> bool {
    previous.end == region.start
        // What a merge left apart was too large or differs.
        && region.end - previous.start <= size_limit
        && previous.nr_accesses == region.nr_accesses
        && previous.age == region.age
        && previous.last_nr_accesses == region.last_nr_accesses
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Any mixture of cuts and joins keeps the regions sorted, covering and their weight, and what
        /// lies beside them in step.
        #[test]
        fn cuts_and_joins_conserve_bytes_and_weight(
            sizes in prop::collection::vec(1u64..6, 1..20),
            acts in prop::collection::vec((0u64..6, any::<bool>(), 0usize..3), 0..80),
            stop in 0usize..40,
        ) {
            let mut regions = Vec::new();
            let mut at = 0;
            for size in sizes {
                let age = regions.len() as u32 / 2;
                let counts = Region { nr_accesses: age, age, hits: size * 7, ..Region::new(0, 1) };
                regions.push(Region { start: at, end: at + size, ..counts });
                at += size;
            }
            let weight: u64 = regions.iter().map(|region| region.hits).sum();
            let mut target = Target::like_counts(regions);
            let mut walk = Walk::new(&mut target);
            let mut acts = acts.into_iter();
            for _ in 0..stop {
                if !walk.goes_on() {
                    break;
                }
                let (cut, join, keep) = acts.next().unwrap_or((0, false, 0));
                if 0 < cut && cut < walk.region().size() {
                    walk.cut(cut);
                }
                if keep > 0 {
                    walk.keep_all(keep.min(walk.before_last().len()));
                } else if join {
                    walk.keep_or_join(8);
                } else {
                    walk.keep();
                }
            }
            walk.finish();
            target.assert_like_counts();
            let regions = target.regions();
            prop_assert_eq!(regions[0].start, 0);
            prop_assert_eq!(regions.last().map(|region| region.end), Some(at));
            prop_assert!(regions.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!(regions.iter().map(|region| region.hits).sum::<u64>(), weight);
        }
    }
}
