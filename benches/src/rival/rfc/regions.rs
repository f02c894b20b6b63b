//! The RFC's regions: a linked list, an array of pointers made from it each tick, a binary search
//! through the pointers, and a pass over all regions after the reports.
//!
//! Neighbours in the list are not neighbours in memory: after some hours of splitting and merging a
//! slab hands regions out in no order, so here they are shuffled.

use std::ptr;

use damon_core::region::Range;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Sampling intervals per aggregation, by default: the window of the moving sum.
const WINDOW: u32 = 20;

/// One region, with the fields the kernel had when the RFC was posted. 64 bytes.
struct Region {
    next: *mut Region,
    /// The list is doubly linked; nothing here walks back.
    _previous: *mut Region,
    start: u64,
    end: u64,
    _sampling_addr: u64,
    nr_accesses: u32,
    nr_accesses_bp: u32,
    _age: u32,
    last_nr_accesses: u32,
    access_reported: bool,
}

const _: () = assert!(size_of::<Region>() == 64, "a cache line");

impl Region {
    /// One update per interval: what the last window had fades, what is seen now is added.
    fn update(&mut self, accessed: bool, window: u32) {
        let fades = self.last_nr_accesses * 10_000 / window;
        let seen = if accessed { 10_000 } else { 0 };
        self.nr_accesses_bp = self.nr_accesses_bp.wrapping_sub(fades).wrapping_add(seen);
        self.nr_accesses += u32::from(accessed);
    }
}

/// The regions of one target. Owns what its pointers point to.
pub(super) struct Regions {
    first: *mut Region,
    /// By ascending address; stale until the next [`snapshot`](Self::snapshot).
    snapshot: Vec<*mut Region>,
    window: u32,
}

impl Regions {
    pub(super) fn new(ranges: &[Range]) -> Self {
        let mut places: Vec<*mut Region> = (0..ranges.len())
            .map(|_| {
                Box::into_raw(Box::new(Region {
                    next: ptr::null_mut(),
                    _previous: ptr::null_mut(),
                    start: 0,
                    end: 0,
                    _sampling_addr: 0,
                    nr_accesses: 0,
                    nr_accesses_bp: 0,
                    _age: 0,
                    last_nr_accesses: 0,
                    access_reported: false,
                }))
            })
            .collect();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        for last in (1..places.len()).rev() {
            places.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
        }
        for (index, (range, &place)) in ranges.iter().zip(&places).enumerate() {
            // SAFETY: each place is a live box that this function alone knows of.
            let region = unsafe { &mut *place };
            region.start = range.start;
            region.end = range.end;
            region.next = places.get(index + 1).copied().unwrap_or(ptr::null_mut());
        }
        let first = places.first().copied().unwrap_or(ptr::null_mut());
        // The window comes from attributes that change at run time: no constant for the compiler.
        let window = std::hint::black_box(WINDOW);
        Self { first, snapshot: Vec::with_capacity(ranges.len()), window }
    }

    /// Walks the list.
    pub(super) fn snapshot(&mut self) {
        self.snapshot.clear();
        let mut next = self.first;
        while !next.is_null() {
            self.snapshot.push(next);
            // SAFETY: a non-null link points to a region that lives as long as `self`.
            next = unsafe { (*next).next };
        }
    }

    /// Credits the region of one accepted record, if there is one and it contains all of it.
    pub(super) fn report(&mut self, address: u64, size: u64) {
        let Some(found) = self.find(address) else { return };
        // SAFETY: snapshot pointers are regions of `self`, borrowed mutably; no other reference
        // lives.
        let region = unsafe { &mut *found };
        if address + size > region.end || region.access_reported {
            return;
        }
        region.update(true, self.window);
        region.access_reported = true;
    }

    fn find(&self, address: u64) -> Option<*mut Region> {
        let (mut low, mut high) = (0, self.snapshot.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.snapshot[middle];
            // SAFETY: snapshot pointers are regions of `self`; no mutable reference lives.
            let region = unsafe { &*found };
            if address < region.start {
                high = middle;
            } else if address >= region.end {
                low = middle + 1;
            } else {
                return Some(found);
            }
        }
        None
    }

    /// After all records: clears the flag of those that were accessed, updates the others, and
    /// finds the largest count, which the monitor wants.
    pub(super) fn pass(&mut self) -> u32 {
        let mut largest = 0;
        for &place in &self.snapshot {
            // SAFETY: as in `report`.
            let region = unsafe { &mut *place };
            if region.access_reported {
                region.access_reported = false;
            } else {
                region.update(false, self.window);
            }
            largest = largest.max(region.nr_accesses);
        }
        std::hint::black_box(largest)
    }

    /// `nr_accesses`, by ascending address.
    pub(super) fn counts(&self) -> impl Iterator<Item = u32> {
        // SAFETY: snapshot pointers are regions of `self`; no mutable reference lives.
        self.snapshot.iter().map(|&place| unsafe { (*place).nr_accesses })
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        let mut next = self.first;
        while !next.is_null() {
            // SAFETY: every region came from `Box::into_raw`, is linked once, and nothing uses
            // `self` after this.
            next = unsafe { Box::from_raw(next) }.next;
        }
    }
}
