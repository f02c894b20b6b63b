//! Turns the addresses of many reports into credits of regions: the hottest loop of the product.
//!
//! Filter, rank, count, each over a batch that stays in the first-level cache. The filter keeps
//! reports that need no closer look, as 32-bit keys: page numbers from the first region on. The
//! [`tree`] ranks keys among the bounds of regions: the rank is the slot, a region or a gap, so no
//! report compares its address with a region again. The [`tally`] counts by slot; regions
//! themselves are touched only by [`fold`](Index::fold), once each however many reports they drew.
//!
//! Cost: O(log regions) per report, O(regions) per rebuild, O(touched regions) per fold; no
//! allocation once grown. The vector kernels exist because sixteen ranks at once cost about what
//! one does.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod batch;
mod owners;
mod portable;
mod slots;
mod tally;
#[cfg(test)]
mod tests;
mod tree;
mod wide;

use batch::Batch;
use damon_ring::LaneId;
use owners::Owners;
use slots::Slots;
pub(super) use tally::Folded;
use tally::Tally;
use tree::Tree;
use wide::{Search, Wide};

use crate::region::Region;

/// How reports are filtered and ranked. All give the same credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// One binary search per report over a flat array, as the RFC has it: the yardstick, never
    /// picked.
    Reference,
    /// For every CPU.
    Portable,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// What this CPU can run, from the slowest to the fastest.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            Self::Reference,
            Self::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
        ]
        .into_iter()
        .filter(|kernel| kernel.is_available())
    }

    fn is_available(self) -> bool {
        match self {
            Self::Reference | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
        }
    }

    /// Steps the search of the top of a tree may have: as long as a step there costs less than its
    /// share of a node.
    fn max_depth(self) -> u32 {
        match self {
            Self::Reference | Self::Portable => portable::MAX_DEPTH,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::MAX_DEPTH,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::MAX_DEPTH,
        }
    }
}

impl Kernel {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

/// The fastest that this CPU can run.
impl Default for Kernel {
    fn default() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }
}

/// Which reports the filter lets through, and what it makes of their addresses.
#[derive(Clone, Copy)]
struct Filter<'a> {
    /// Addresses and stamps.
    words: &'a [[u64; 2]],
    fresh_from: i64,
    base: u64,
}

impl Filter<'_> {
    fn distance(&self, i: usize) -> u64 {
        self.words[i][0].wrapping_sub(self.base)
    }

    fn passes(&self, i: usize) -> bool {
        self.words[i][1] as i64 >= self.fresh_from
    }
}

/// The bounds of the regions of one physical target, and what reports said of them since the last
/// fold.
#[derive(Debug)]
pub(super) struct Index {
    kernel: Kernel,
    fresh: bool,
    /// Start of the first region.
    base: u64,
    slots: Slots,
    tree: Tree,
    wide: Wide,
    /// How to search `wide` instead of the tree: if the kernel is the reference, or the regions
    /// span too much for keys of 32 bits.
    wide_search: Option<Search>,
    /// Filtered, not yet counted.
    batch: Batch,
    owners: Owners,
    tally: Tally,
    /// Of what was tallied since the last fold: what lies in gaps, if those are few.
    in_gaps: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self::with_kernel(Kernel::default())
    }
}

impl Index {
    /// An index of no regions.
    ///
    /// # Panics
    ///
    /// If the CPU cannot run the kernel.
    pub(super) fn with_kernel(kernel: Kernel) -> Self {
        assert!(kernel.is_available(), "no {kernel:?} on this CPU");
        let mut index = Self {
            kernel,
            fresh: false,
            base: 0,
            slots: Slots::default(),
            tree: Tree::default(),
            wide: Wide::default(),
            wide_search: None,
            batch: Batch::default(),
            owners: Owners::default(),
            tally: Tally::default(),
            in_gaps: 0,
        };
        index.refresh(&[]);
        index.invalidate();
        index
    }

    /// The regions changed: the next [`refresh`](Self::refresh) builds anew.
    pub(super) fn invalidate(&mut self) {
        self.fresh = false;
    }

    /// Builds the index of the regions, which are sorted and disjoint with bounds that are
    /// multiples of 4096, if they changed. Fold first: credits not yet folded are forgotten.
    pub(super) fn refresh(&mut self, regions: &[Region]) {
        if self.fresh {
            return;
        }
        self.base = regions.first().map_or(0, |first| first.start);
        let span = regions.last().map_or(0, |last| last.end - self.base);
        self.wide_search = match self.kernel {
            Kernel::Reference => Some(Search::OneByOne),
            _ if !tree::fits(span) => Some(Search::InStep),
            _ => None,
        };
        match self.wide_search {
            Some(_) => self.wide.build(regions, &mut self.slots),
            None => self.tree.build(regions, &mut self.slots, self.kernel.max_depth()),
        }
        self.batch.clear();
        self.tally.reset(self.slots.len());
        self.in_gaps = 0;
        self.fresh = true;
    }

    /// Of an address and a stamp each, all of one lane: credits every report whose stamp, as a
    /// signed number, is at least `fresh_from`: a fresh one that lies in a single page of physical
    /// memory. The top bit of a stamp marks those that need a closer look, so they are left to
    /// `closer` like stale ones: by position, ascending.
    pub(super) fn credit(
        &mut self,
        lane: LaneId,
        words: &[[u64; 2]],
        fresh_from: i64,
        mut closer: impl FnMut(usize),
    ) {
        let base = self.base;
        if let Some(search) = self.wide_search {
            let filter = Filter { words, fresh_from, base };
            let many = self.slots.few_gaps().is_none().then_some(&self.slots);
            let missed = self.wide.credit(filter, search, &mut self.tally, many, closer);
            let missed = missed.unwrap_or_else(|| self.newly_in_gaps());
            return self.owners.miss(lane, missed);
        }
        self.owners.begin(lane, self.batch.held());
        let mut from = 0;
        loop {
            let (batch, closer) = (&mut self.batch, &mut closer);
            // Not as one value, which would go by way of memory: so short before it is read whole
            // that the CPU would wait for the parts to get there.
            from = match self.kernel {
                Kernel::Reference | Kernel::Portable => {
                    portable::filter(words, fresh_from, base, from, batch, closer)
                }
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `with_kernel` saw that the CPU has what it takes.
                Kernel::Avx2 => unsafe {
                    avx2::filter(words, fresh_from, base, from, batch, closer)
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Kernel::Avx512 => unsafe {
                    avx512::filter(words, fresh_from, base, from, batch, closer)
                },
            };
            if self.batch.is_full() {
                self.count();
            }
            if from == words.len() {
                return;
            }
        }
    }

    /// From filtered to counted.
    fn count(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if self.kernel == Kernel::Avx512
            && let Some(slots) = self.tree.only_node()
        {
            // SAFETY: `with_kernel` saw that the CPU has what it takes.
            let counts = unsafe { avx512::count(slots, self.slots.len(), self.batch.keys()) };
            self.tally.add_counts(&counts);
            if self.newly_in_gaps() > 0 {
                self.rank();
                self.owners.attribute(self.batch.ranks(), &self.slots);
            }
        } else {
            self.rank();
            self.tally.add(self.batch.ranks());
            if self.slots.few_gaps().is_none() || self.newly_in_gaps() > 0 {
                self.owners.attribute(self.batch.ranks(), &self.slots);
            }
        }
        self.owners.restart();
        self.batch.clear();
    }

    /// Reports tallied since the last call that lie in gaps, if those are few.
    fn newly_in_gaps(&mut self) -> u64 {
        let in_gaps = self.slots.few_gaps().map_or(0, |gaps| self.tally.sum(gaps));
        in_gaps - std::mem::replace(&mut self.in_gaps, in_gaps)
    }

    /// Finds the slots of the keys in the batch.
    fn rank(&mut self) {
        let (keys, ranks) = self.batch.groups();
        match self.kernel {
            Kernel::Reference | Kernel::Portable => portable::rank(&self.tree, keys, ranks),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `with_kernel` saw that the CPU has what it takes.
            Kernel::Avx2 => unsafe { avx2::rank(&self.tree, keys, ranks) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Avx512 => unsafe { avx512::rank(&self.tree, keys, ranks) },
        }
    }

    /// The region that contains the address.
    pub(super) fn find(&self, address: u64) -> Option<usize> {
        let distance = address.wrapping_sub(self.base);
        let slot = match self.wide_search {
            Some(_) => self.wide.rank(distance),
            None => self.tree.rank(tree::key(distance)),
        };
        self.slots.region(slot)
    }

    /// One more report for region number `region`.
    pub(super) fn credit_one(&mut self, region: usize) {
        self.tally.add(&[self.slots.slot(region) as u32]);
    }

    /// Moves what was counted since the last fold into the regions, which are those last
    /// refreshed with, in tick `tick`.
    pub(super) fn fold(&mut self, regions: &mut [Region], tick: u32) -> Folded {
        if self.batch.held() > 0 {
            self.count();
        }
        self.in_gaps = 0;
        self.tally.fold(&self.slots, regions, tick)
    }

    /// By lane, the reports of the last fold that no region contains. A lane may come more than
    /// once.
    pub(super) fn take_missed(&mut self) -> impl Iterator<Item = (LaneId, u64)> {
        self.owners.take_missed()
    }
}
