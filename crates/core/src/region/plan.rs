//! How the regions of a target are split: drawn first, then carried out. `damon-core.md` 4.4, 4.5.

use std::ptr;

use super::{AHEAD_SZ, Beside, ProbeHits, Region, Target, grow, prefetch};
use crate::arithmetic::{align_down, mult_frac};
use crate::random::Random;

/// Most cuts of a region.
const CUTS_MAX: usize = 2;

/// How the regions of a target are to be split: by region, where it is cut, in tenths of its size,
/// and then where the left part of that is, as often as may be; 0 is nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan(Vec<u8>);

impl Plan {
    /// Asks `decide` about each region, by its size.
    pub(super) fn make<const CUTS: usize>(
        &mut self,
        target: &Target,
        mut decide: impl FnMut(u64) -> [u8; CUTS],
    ) {
        self.make_room(target);
        for region in target.regions() {
            prefetch(ptr::from_ref(region).wrapping_byte_add(AHEAD_SZ));
            self.0.extend(decide(region.size()));
        }
    }

    /// Empties it, with room for as many cuts as ever.
    fn make_room(&mut self, target: &Target) {
        self.0.clear();
        self.0.reserve(CUTS_MAX * target.regions().len());
    }

    /// To be filled in, where all regions are so large that none needs to be looked at.
    pub(super) fn make_without_sizes(&mut self, target: &Target, cuts: usize) -> &mut [u8] {
        self.make_room(target);
        self.0.resize(cuts * target.regions().len(), 0);
        &mut self.0
    }

    /// Resets regions and cuts those that are to be, in place: from the back, so that no second array
    /// is needed, which would cost as much memory again.
    pub(super) fn carry_out<const CUTS: usize>(&self, target: &mut Target, min_region_sz: u64) {
        target.were_cut();
        target.set_largest_count(0);
        match target.columns_mut() {
            (regions, hits) if hits.is_empty() => self.cut::<CUTS>(regions, &mut (), min_region_sz),
            (regions, hits) => self.cut::<CUTS>(regions, hits, min_region_sz),
        }
    }

    fn cut<const CUTS: usize>(
        &self,
        regions: &mut Vec<Region>,
        beside: &mut impl Beside,
        min_region_sz: u64,
    ) {
        let plan = self.0.as_chunks::<CUTS>().0;
        assert_eq!(regions.len(), plan.len());
        let len = regions.len() + self.0.iter().filter(|tenths| **tenths > 0).count();
        grow(regions, len);
        beside.resize(len);
        let first = regions.as_mut_ptr();
        let mut to = len;
        let mut put = |region: &Region, hits: ProbeHits, beside: &mut _| {
            to -= 1;
            Beside::put(beside, to, hits);
            // SAFETY: `len` fits the capacity. As many are put as there are regions and cuts: `len`;
            // what was taken to be cut lies at or after `to`, so nothing is lost.
            unsafe { first.add(to).write(*region) };
            prefetch(first.wrapping_add(to).wrapping_byte_sub(AHEAD_SZ));
        };
        for (from, cuts) in plan.iter().enumerate().rev() {
            // SAFETY: one of the regions there were; those put so far lie behind it.
            let mut left = unsafe { *first.add(from) };
            prefetch(first.wrapping_add(from).wrapping_byte_sub(AHEAD_SZ));
            left.reset();
            let mut hits = beside.of(from);
            hits.reset();
            for &tenths in cuts {
                if tenths > 0 {
                    let right = left.split_off(left_of(left.size(), tenths, min_region_sz));
                    put(&right, hits, beside);
                }
            }
            put(&left, hits, beside);
        }
        // SAFETY: all were written: `to` has come down to 0.
        unsafe { regions.set_len(len) };
    }
}

#[inline]
pub(super) fn draw_tenths(random: &mut Random) -> u8 {
    random.range(1, 10) as u8
}

/// Draws a cut at 10..90 %, on a page boundary, in tenths of the size; none when that would leave an
/// empty part, or below `from_sz`.
#[inline]
pub(super) fn draw(random: &mut Random, size: u64, from_sz: u64, min_region_sz: u64) -> u8 {
    if size < from_sz {
        return 0;
    }
    let tenths = draw_tenths(random);
    // Of most regions a tenth is a part, which is cheaper to tell than where the cut is.
    let leaves_both = size >= min_region_sz.saturating_mul(10) || {
        let left = left_of(size, tenths, min_region_sz);
        0 < left && left < size
    };
    if leaves_both { tenths } else { 0 }
}

/// Without the product where it does not fit: nine times a third of the address space.
#[inline]
pub(super) fn left_of(size: u64, tenths: u8, min_region_sz: u64) -> u64 {
    align_down(mult_frac(size, tenths.into(), 10), min_region_sz)
}
