//! Room for the slots of a ring, field by field.
//!
//! Under loom each slot is a cell, so that a read during a write is found.

use std::ops::Range;

use crate::access_report::{AccessReport, Details, Pattern, Reports, Sighting};

#[cfg(not(loom))]
mod memory {
    use std::cell::UnsafeCell;
    use std::mem::MaybeUninit;

    use super::*;

    /// A cache line: columns begin at one where there are slots enough to fill it.
    #[repr(C, align(64))]
    struct Line([MaybeUninit<u8>; 64]);

    /// Sightings, then details, uninitialised until written.
    pub(crate) struct Columns {
        slots: Slots,
        _lines: Box<[UnsafeCell<Line>]>,
    }

    /// Where the columns begin: not computed for each push.
    #[derive(Clone, Copy)]
    pub(crate) struct Slots {
        sightings: *mut Sighting,
        details: *mut Details,
    }

    impl Columns {
        pub(crate) fn new(slots: usize) -> Self {
            let bytes = slots * (size_of::<Sighting>() + size_of::<Details>());
            let line = |_| UnsafeCell::new(Line([MaybeUninit::uninit(); 64]));
            let lines: Box<[_]> = (0..bytes.div_ceil(size_of::<Line>())).map(line).collect();
            // Both columns are aligned: lines are, and a sighting is as large as it is aligned.
            let sightings: *mut Sighting = lines.as_ptr().cast::<Sighting>().cast_mut();
            let details = sightings.wrapping_add(slots).cast();
            Self { slots: Slots { sightings, details }, _lines: lines }
        }

        /// To write several: a copy, which no write changes for all the compiler knows.
        #[inline]
        pub(crate) fn slots(&self) -> Slots {
            self.slots
        }

        /// Slots whose sightings share a cache line.
        pub(crate) const PER_LINE: usize = size_of::<Line>() / size_of::<Sighting>();

        /// Asks for a sighting's cache line, to write it. Not for that of its details, which few
        /// drains read.
        #[inline]
        pub(crate) fn expect_write(&self, slot: usize) {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            // SAFETY: a hint that changes no memory; to CPUs without it, no operation. The intrinsic
            // would ask for the line to read unless the whole build were for CPUs that have it.
            unsafe {
                std::arch::asm!(
                    "prefetchw [{}]",
                    in(reg) self.slots.sightings.wrapping_add(slot),
                    options(nostack, preserves_flags, readonly)
                );
            }
            #[cfg(not(all(target_arch = "x86_64", not(miri))))]
            let _ = slot;
        }

        /// # Safety
        ///
        /// `slot` is below the number of slots, and nobody reads or writes it meanwhile.
        #[inline]
        pub(crate) unsafe fn write(&self, slot: usize, report: &AccessReport) {
            // SAFETY: the caller's promise.
            unsafe { self.slots.write(slot, report) };
        }

        /// # Safety
        ///
        /// All of `range` is below the number of slots, has been written, and is not written while
        /// `read` runs.
        #[inline]
        pub(crate) unsafe fn read<R>(
            &self,
            range: Range<usize>,
            read: impl FnOnce(&Reports<'_>) -> R,
        ) -> R {
            let (start, len) = (range.start, range.len());
            // SAFETY: (both) within the allocation, initialised and unchanging by the caller's
            // promise.
            let sightings = unsafe {
                std::slice::from_raw_parts(self.slots.sightings.wrapping_add(start), len)
            };
            // SAFETY: as above.
            let details =
                unsafe { std::slice::from_raw_parts(self.slots.details.wrapping_add(start), len) };
            read(&Reports { sightings, details })
        }
    }

    impl Slots {
        /// # Safety
        ///
        /// `slot` is below the number of slots, nobody reads or writes it meanwhile, and the columns
        /// are still there.
        #[inline]
        pub(crate) unsafe fn write(self, slot: usize, report: &AccessReport) {
            // SAFETY: (both) within the allocation and unshared by the caller's promise; the cells
            // around the lines allow a write through a shared reference.
            unsafe { self.sightings.wrapping_add(slot).write(Sighting::of(report)) };
            // SAFETY: as above.
            unsafe { Details::of(report).store(self.details.wrapping_add(slot)) };
        }

        /// Fills slots one after the other.
        ///
        /// # Safety
        ///
        /// As of [`write`](Self::write), for as many slots as there are pages.
        #[inline]
        pub(crate) unsafe fn write_pages(self, slot: usize, pattern: Pattern, pages: &[[u64; 2]]) {
            let (sightings, details) =
                (self.sightings.wrapping_add(slot), self.details.wrapping_add(slot));
            // SAFETY: both have room for as many, by the caller's promise.
            unsafe { pattern.fill_all(pages, sightings, details) };
        }
    }
}

#[cfg(loom)]
mod memory {
    use loom::cell::UnsafeCell;

    use super::*;

    type Slot = Option<(Sighting, Details)>;

    pub(crate) struct Columns(Box<[UnsafeCell<Slot>]>);

    impl Columns {
        pub(crate) const PER_LINE: usize = 1;

        pub(crate) fn expect_write(&self, _slot: usize) {}

        pub(crate) fn new(slots: usize) -> Self {
            Self((0..slots).map(|_| UnsafeCell::new(None)).collect())
        }

        pub(crate) fn slots(&self) -> &Self {
            self
        }

        pub(crate) unsafe fn write(&self, slot: usize, report: &AccessReport) {
            // SAFETY: as the caller promises; loom checks it.
            self.0[slot].with_mut(|slot| unsafe {
                *slot = Some((Sighting::of(report), Details::of(report)));
            });
        }

        pub(crate) unsafe fn write_pages(&self, slot: usize, pattern: Pattern, pages: &[[u64; 2]]) {
            for (slot, &page) in self.0[slot..].iter().zip(pages) {
                // SAFETY: as in `write`.
                slot.with_mut(|slot| unsafe { *slot = Some(pattern.fill(page)) });
            }
        }

        pub(crate) unsafe fn read<R>(
            &self,
            range: Range<usize>,
            read: impl FnOnce(&Reports<'_>) -> R,
        ) -> R {
            let (mut sightings, mut all_details) = (vec![], vec![]);
            for slot in &self.0[range] {
                // SAFETY: as the caller promises; loom checks it.
                let written = slot.with(|slot| unsafe { *slot });
                let (sighting, details) = written.expect("a slot that was written");
                sightings.push(sighting);
                all_details.push(details);
            }
            read(&Reports { sightings: &sightings, details: &all_details })
        }
    }
}

pub(crate) use memory::Columns;
