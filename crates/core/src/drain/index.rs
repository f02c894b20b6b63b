//! Which region contains an address: a flat sorted array of starts, entered through a table.
//!
//! The table divides the monitored span evenly and says where in the array to begin and to end;
//! halving does the rest. With regions of similar size a look-up is two loads and a compare or two;
//! at worst, all regions in one slot of the table, it is the plain binary search.
//! Building costs one pass over regions and table; see [`Index::refresh`] for when.

use crate::region::Target;

/// Slots per region: more slots, fewer regions in each.
const SLOTS_PER_REGION: usize = 4;
/// No more slots than stay in a second-level cache.
const SLOTS_MAX: usize = 1 << 16;

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
    /// `slots[s]`: how many regions start at or before the first address of slot `s`. One more
    /// than there are slots.
    slots: Vec<u32>,
    /// First address of slot 0.
    base: u64,
    /// A slot covers `2^shift` addresses.
    shift: u32,
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
        self.build_slots();
        self.fresh = true;
    }

    fn build_slots(&mut self) {
        self.slots.clear();
        let (Some(&base), Some(&end)) = (self.starts.first(), self.ends.last()) else { return };
        let wanted = (self.starts.len() * SLOTS_PER_REGION).min(SLOTS_MAX).next_power_of_two();
        let span_bits = u64::BITS - (end - 1 - base).leading_zeros();
        self.base = base;
        self.shift = span_bits.saturating_sub(wanted.ilog2());
        let slots = ((end - 1 - base) >> self.shift) as usize + 1;
        let mut region = 0;
        for slot in 0..slots as u64 {
            let first = base + (slot << self.shift);
            while region < self.starts.len() && self.starts[region] <= first {
                region += 1;
            }
            self.slots.push(region as u32);
        }
        self.slots.push(self.starts.len() as u32);
    }

    /// The region with `start <= address < end`.
    pub fn find(&self, address: u64) -> Option<Place> {
        let slot = (address.checked_sub(self.base)? >> self.shift) as usize;
        // `after - 1` is the last region that starts at or before the address: not before the last
        // that starts at or before the slot, not after those that start in it.
        let least = *self.slots.get(slot)? as usize;
        let most = *self.slots.get(slot + 1)? as usize;
        let after = least + self.starts[least..most].partition_point(|&start| start <= address);
        let region = after.checked_sub(1)?;
        (address < self.ends[region]).then_some(Place { target: 0, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Range;
    use proptest::prelude::*;

    /// The obvious way.
    fn naive(targets: &[Target], address: u64) -> Option<usize> {
        targets[0].regions().iter().position(|r| r.start <= address && address < r.end)
    }

    fn check(ranges: &[Range], probes: impl IntoIterator<Item = u64>) {
        let mut targets = [Target::default()];
        targets[0].set_ranges(ranges).unwrap();
        let mut index = Index::default();
        index.refresh(&targets);
        let edges = ranges.iter().flat_map(|r| [r.start, r.end]);
        let edges = edges.flat_map(|edge| [edge.saturating_sub(1), edge, edge.saturating_add(1)]);
        for address in probes.into_iter().chain(edges).chain([0, 1, u64::MAX - 1, u64::MAX]) {
            let found = index.find(address).map(|place| place.region);
            assert_eq!(found, naive(&targets, address), "{address:#x}");
        }
    }

    #[test]
    fn no_regions_contain_nothing() {
        check(&[], [5]);
    }

    #[test]
    fn the_ends_of_the_address_space_are_addresses_like_any_other() {
        let page = 4096;
        check(&[Range { start: 0, end: page }], [0, 4095]);
        let top = u64::MAX & !4095;
        check(&[Range { start: 0, end: page }, Range { start: top - page, end: top }], []);
        check(&[Range { start: 0, end: top }], [top / 2]);
    }

    proptest! {
        #[test]
        fn every_address_is_found_where_a_walk_finds_it(
            // Gaps and sizes in pages; from even to very uneven, dense to sparse.
            parts in prop::collection::vec(
                (prop_oneof![Just(0u64), 0..3u64, 0..1u64 << 30], prop_oneof![1..3u64, 1..1u64 << 20]),
                1..200,
            ),
            base in prop_oneof![Just(0u64), 0..1u64 << 40],
            probes in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 50),
        ) {
            let mut at = base * 4096;
            let mut ranges = Vec::new();
            for (gap, size) in parts {
                let start = at + gap * 4096;
                at = start + size * 4096;
                ranges.push(Range { start, end: at });
            }
            let probes = probes.iter().map(|(which, offset)| {
                let range = which.get(&ranges);
                range.start + offset % (2 * range.size())
            });
            check(&ranges, probes.collect::<Vec<_>>());
        }
    }
}
