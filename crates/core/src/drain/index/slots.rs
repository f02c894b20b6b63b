//! Which stretch of the address space is which region, or none.
//!
//! A slot begins at the start of each region, and at the end of a region unless the next begins
//! there. So slots cover everything from the first region up, the last slot is what lies behind
//! all regions, and the rank of an address among the slots says all there is to know. Gaps are few
//! where regions come from splitting, so only those are listed, and a region's number follows from
//! its slot by counting gaps.

use crate::region::Region;

/// The slots of one set of regions.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Slots that are no region, ascending; the last one always.
    gaps: Vec<u32>,
    /// The same as a bit per slot.
    gap_bits: Vec<u64>,
}

/// Gaps up to which counting what lies in each costs less than a look at every rank.
const FEW_GAPS: usize = 64;

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.gaps.last().map_or(0, |&last| last as usize + 1)
    }

    /// The most slots that so many regions can have: as if a gap followed each.
    pub(super) fn room(regions: &[Region]) -> usize {
        2 * regions.len() + 1
    }

    /// Finds the slots anew and writes what `key` makes of each one's first address to `keys`,
    /// which has [room](Self::room).
    #[inline]
    pub(super) fn lay_out<K>(
        &mut self,
        regions: &[Region],
        keys: &mut [K],
        key: impl Fn(u64) -> K,
    ) {
        // Cleared one by one: gaps are few, and words of bits may be many.
        for &gap in &self.gaps {
            self.gap_bits[gap as usize / 64] = 0;
        }
        self.gaps.clear();
        let mut rest = regions;
        let mut slot = 0;
        loop {
            let mut end = rest.first().map_or(0, |first| first.start);
            // Neighbours, as nearly all are: no gap to look out for.
            let mut adjacent = 0;
            for (region, place) in rest.iter().zip(&mut keys[slot..]) {
                if region.start != end {
                    break;
                }
                *place = key(region.start);
                end = region.end;
                adjacent += 1;
            }
            rest = &rest[adjacent..];
            slot += adjacent;
            keys[slot] = key(end);
            self.gaps.push(slot as u32);
            let Some(next) = rest.first() else { break };
            debug_assert!(end < next.start, "unsorted");
            slot += 1;
        }
        if self.gap_bits.len() <= slot / 64 {
            self.gap_bits.resize(slot / 64 + 1, 0);
        }
        for &gap in &self.gaps {
            self.gap_bits[gap as usize / 64] |= 1 << (gap % 64);
        }
    }

    /// The gaps, if they are few.
    pub(super) fn few_gaps(&self) -> Option<&[u32]> {
        (self.gaps.len() <= FEW_GAPS).then_some(&self.gaps[..])
    }

    /// Whether a slot is no region.
    #[inline]
    pub(super) fn is_gap(&self, slot: u32) -> bool {
        self.gap_bits[slot as usize / 64] >> (slot % 64) & 1 == 1
    }

    /// The number of the region in a slot.
    pub(super) fn region(&self, slot: usize) -> Option<usize> {
        let mut gaps = self.gaps();
        gaps.seek(slot);
        (gaps.next != slot).then(|| slot - gaps.passed)
    }

    /// The slot of a region.
    pub(super) fn slot(&self, region: usize) -> usize {
        // Gap number `i` has `gaps[i] - i` regions before it.
        let (mut low, mut high) = (0, self.gaps.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.gaps[middle] as usize - middle <= region {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        region + low
    }

    pub(super) fn gaps(&self) -> Gaps<'_> {
        let next = self.gaps.first().map_or(usize::MAX, |&gap| gap as usize);
        Gaps { gaps: &self.gaps, passed: 0, next }
    }
}

/// Walks the gaps along with ascending slots.
pub(super) struct Gaps<'a> {
    gaps: &'a [u32],
    /// Gaps before the slot last sought.
    pub(super) passed: usize,
    /// The first gap at or behind it; `usize::MAX` if there is none.
    pub(super) next: usize,
}

impl Gaps<'_> {
    /// Goes to a slot not before the last.
    pub(super) fn seek(&mut self, slot: usize) {
        if slot <= self.next {
            return;
        }
        self.passed += self.gaps[self.passed..].partition_point(|&gap| (gap as usize) < slot);
        self.next = self.gaps.get(self.passed).map_or(usize::MAX, |&gap| gap as usize);
    }
}
