//! Counts credits by slot until they are folded into the regions.
//!
//! Up to a few thousand slots: several banks of counts taken in turn, since reports tend to come
//! for the same slot again and again, and a count that was just written takes several cycles to be
//! read back. Above: one bank, and a mark per cache line of counts, so that a fold costs what was
//! credited rather than what there is.
//!
//! A count of 32 bits lasts for 2^32 - 1 credits between folds; a drain of all lanes is at most
//! 2^29.

use std::ptr;

use super::slots::{Gaps, Slots};
use crate::region::{Region, prefetch};

/// Counts per mark: a cache line.
const LINE: usize = 16;
/// Banks, and the slots that they take. Strides that are no power of two keep the banks' counts of
/// one slot apart in the cache.
const FEW: usize = 512;
const FEW_BANKS: usize = 8;
const SOME: usize = 4096;
const SOME_BANKS: usize = 4;
const FEW_STRIDE: usize = FEW + LINE;
const SOME_STRIDE: usize = SOME + LINE;

/// Slots gathered before their regions are touched.
const GATHER: usize = 64;

/// How counts lie.
#[derive(Clone, Copy, Debug, Default)]
enum Layout {
    #[default]
    Few,
    Some,
    /// One bank, with marks.
    Many,
}

/// Credits since the last fold.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// All 0 after a fold.
    counts: Vec<u32>,
    /// For each line of counts whether it may be other than 0; only above [`SOME`] slots.
    marks: Vec<u8>,
    slots: usize,
    layout: Layout,
    unfolded: bool,
}

impl Tally {
    /// Starts anew with so many slots.
    pub(super) fn reset(&mut self, slots: usize) {
        if std::mem::take(&mut self.unfolded) {
            self.counts.fill(0);
            self.marks.fill(0);
        }
        self.slots = slots;
        let lines = slots.div_ceil(LINE);
        self.layout = match slots {
            ..=FEW => Layout::Few,
            _ if slots <= SOME => Layout::Some,
            _ => Layout::Many,
        };
        let (counts, marks) = match self.layout {
            Layout::Few => (FEW_BANKS * FEW_STRIDE, 0),
            Layout::Some => (SOME_BANKS * SOME_STRIDE, 0),
            Layout::Many => (lines * LINE, lines.next_multiple_of(8)),
        };
        if self.counts.len() < counts {
            self.counts.resize(counts, 0);
        }
        if self.marks.len() < marks {
            self.marks.resize(marks, 0);
        }
    }

    /// One more credit for each of these slots.
    #[inline]
    pub(super) fn add(&mut self, slots: &[u32]) {
        self.unfolded = true;
        match self.layout {
            Layout::Few => add_in_turn::<FEW_STRIDE, FEW_BANKS>(&mut self.counts, slots),
            Layout::Some => add_in_turn::<SOME_STRIDE, SOME_BANKS>(&mut self.counts, slots),
            Layout::Many => {
                for &slot in slots {
                    self.counts[slot as usize] += 1;
                    self.marks[slot as usize / LINE] = 1;
                }
            }
        }
    }

    /// So many more credits for the first slots.
    pub(super) fn add_counts(&mut self, counts: &[u32]) {
        self.unfolded = true;
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// Credits of these slots since the last fold.
    pub(super) fn sum(&self, slots: &[u32]) -> u64 {
        let (stride, banks) = match self.layout {
            Layout::Few => (FEW_STRIDE, FEW_BANKS),
            Layout::Some => (SOME_STRIDE, SOME_BANKS),
            Layout::Many => (0, 1),
        };
        let counts = slots.iter().flat_map(|&slot| {
            (0..banks).map(move |bank| self.counts[bank * stride + slot as usize])
        });
        counts.map(u64::from).sum()
    }

    /// Moves the counts into the regions.
    pub(super) fn fold(&mut self, slots: &Slots, regions: &mut [Region], tick: u32) -> Folded {
        if !std::mem::take(&mut self.unfolded) {
            return Folded::default();
        }
        let mut fold = Fold {
            gaps: slots.gaps(),
            regions,
            tick,
            folded: Folded::default(),
            far: matches!(self.layout, Layout::Many),
            gathered: [(0, 0); GATHER + LINE],
            held: 0,
        };
        match self.layout {
            Layout::Few => fold.banks::<FEW_STRIDE, FEW_BANKS>(&mut self.counts, self.slots),
            Layout::Some => fold.banks::<SOME_STRIDE, SOME_BANKS>(&mut self.counts, self.slots),
            Layout::Many => fold.marked(&mut self.counts, &mut self.marks),
        }
        fold.credit();
        fold.folded
    }
}

#[inline]
fn add_in_turn<const STRIDE: usize, const BANKS: usize>(counts: &mut [u32], slots: &[u32]) {
    let (banks, _) = counts.as_chunks_mut::<STRIDE>();
    let Some(banks) = banks.first_chunk_mut::<BANKS>() else { return };
    // No slot is above this: one look at all costs less than a check of each.
    let bound = slots.iter().fold(0, |bits, &slot| bits | slot) as usize;
    assert!(bound < STRIDE, "slots up to {bound}");
    let (turns, rest) = slots.as_chunks::<BANKS>();
    for turn in turns {
        for (bank, &slot) in banks.iter_mut().zip(turn) {
            // SAFETY: at most `bound`, which is within the bank.
            *unsafe { bank.get_unchecked_mut(slot as usize) } += 1;
        }
    }
    for (bank, &slot) in banks.iter_mut().zip(rest) {
        bank[slot as usize] += 1;
    }
}

/// What a fold came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::drain) struct Folded {
    /// Reports that a region contains.
    pub(in crate::drain) credited: u64,
    /// Reports that none contains.
    pub(in crate::drain) no_region: u64,
    /// Of the regions that were credited, the largest `nr_accesses`.
    pub(in crate::drain) largest_count: u32,
}

/// Counts on their way into the regions: those that are not 0 are gathered first, without a branch
/// on which those are, so that the misses of many regions overlap.
struct Fold<'a> {
    gaps: Gaps<'a>,
    regions: &'a mut [Region],
    tick: u32,
    folded: Folded,
    /// Whether so many regions may have to come from memory.
    far: bool,
    /// Slots and their counts, with room for a line more.
    gathered: [(u32, u32); GATHER + LINE],
    held: usize,
}

impl Fold<'_> {
    fn banks<const STRIDE: usize, const BANKS: usize>(&mut self, counts: &mut [u32], slots: usize) {
        let (banks, _) = counts.as_chunks_mut::<STRIDE>();
        let Some(banks) = banks.first_chunk_mut::<BANKS>() else { return };
        for line in 0..slots.div_ceil(LINE) {
            let mut sum = [0; LINE];
            for bank in banks.iter_mut() {
                let (lines, _) = bank.as_chunks_mut::<LINE>();
                let counts = std::mem::take(&mut lines[line]);
                for (sum, count) in sum.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
            self.line(line, &sum);
        }
    }

    fn marked(&mut self, counts: &mut [u32], marks: &mut [u8]) {
        let (lines, _) = counts.as_chunks_mut::<LINE>();
        for (eight, marks) in marks.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let mut marked = u64::from_le_bytes(std::mem::take(marks));
            while marked != 0 {
                let line = 8 * eight + marked.trailing_zeros() as usize / 8;
                marked &= marked - 1;
                let counts = std::mem::take(&mut lines[line]);
                self.line(line, &counts);
            }
        }
    }

    #[inline]
    fn line(&mut self, line: usize, counts: &[u32; LINE]) {
        let Some(room) = self.gathered.get_mut(self.held..) else { return };
        let Some(room) = room.first_chunk_mut::<LINE>() else { return };
        let mut held = 0;
        for (i, &n) in counts.iter().enumerate() {
            room[held] = ((line * LINE + i) as u32, n);
            held += usize::from(n != 0);
        }
        self.held += held;
        if self.held > GATHER {
            self.credit();
        }
    }

    fn credit(&mut self) {
        let gathered = &self.gathered[..self.held];
        if self.far {
            // A gap among these slots makes for a neighbour instead.
            let regions = gathered.iter().map(|&(slot, _)| slot as usize - self.gaps.passed);
            regions.filter_map(|region| self.regions.get(region)).for_each(expect);
        }
        let folded = &mut self.folded;
        for &(slot, n) in gathered {
            let slot = slot as usize;
            self.gaps.seek(slot);
            if slot == self.gaps.next {
                folded.no_region += u64::from(n);
            } else {
                let region = &mut self.regions[slot - self.gaps.passed];
                region.credit(u64::from(n), self.tick);
                folded.credited += u64::from(n);
                folded.largest_count = folded.largest_count.max(region.nr_accesses);
            }
        }
        self.held = 0;
    }
}

/// Begins to load a region, which may lie across two cache lines.
#[inline]
fn expect(region: &Region) {
    for byte in [0, size_of::<Region>() - 1] {
        prefetch(ptr::from_ref(region).wrapping_byte_add(byte));
    }
}
