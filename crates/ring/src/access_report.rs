//! What a producer says about one observed access, and how a lane stores it.

/// Which address space [`AccessReport::address`] belongs to. Explicit, so that address 0 is an
/// address like any other (hazard H15: "0 means none" hides page 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AddressKind {
    /// A physical byte address.
    Physical = 0,
    /// A byte address in the address space of process `tgid`.
    Virtual = 1,
}

/// One observed access. Copied into the ring; the caller's copy may live on its stack.
///
/// The fields are those of the RFC's `struct damon_access_report`, except that the address says
/// its kind and the time is nanoseconds of the monitor's clock instead of kernel ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AccessReport {
    /// First byte accessed.
    pub address: u64,
    /// When the access was seen, in nanoseconds of the monitor's clock; [`UNDATED`](Self::UNDATED)
    /// and above for "just now", which is never stale.
    pub time_ns: u64,
    /// Bytes covered from `address` on. At least 1; samplers that know only the page say 4096.
    pub size: u32,
    /// Thread that made the access, 0 if unknown.
    pub tid: u32,
    /// Process that made the access, 0 if unknown.
    pub tgid: u32,
    /// CPU that made the access.
    pub cpu: u16,
    /// Address space of `address`.
    pub kind: AddressKind,
    /// True for a store.
    pub write: bool,
}

impl From<&AccessReport> for Details {
    fn from(report: &AccessReport) -> Self {
        Self::of(report)
    }
}

impl AccessReport {
    /// The time of a report whose producer has no clock: it waits at most one sampling interval.
    pub const UNDATED: u64 = i64::MAX as u64;

    /// A read of `size` bytes at a physical address; everything else zero.
    pub fn physical(address: u64, size: u32, time_ns: u64) -> Self {
        Self {
            address,
            time_ns,
            size,
            tid: 0,
            tgid: 0,
            cpu: 0,
            kind: AddressKind::Physical,
            write: false,
        }
    }
}

/// Regions begin and end at multiples of this: a report within one such block lies within one
/// region. `DAMON_MIN_REGION_SZ`.
pub const GRAIN: u64 = 4096;

/// What a drain always needs of a report, in 16 bytes: its address, and a stamp.
///
/// The stamp is its time and, in the top bit, whether a drain has to look at the report's other
/// fields. As a signed number it is below every time if that bit is set: one comparison finds the
/// stale and the special ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Sighting(Words);

/// Two words that are written as one, where the CPU has such a store: it is the number of stores
/// that a push waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
struct Words([u64; 2]);

impl Words {
    /// # Safety
    ///
    /// `to` is aligned and may be written.
    #[inline]
    #[cfg_attr(loom, allow(dead_code, reason = "loom's slots are cells"))]
    unsafe fn store(self, to: *mut Self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_mm_set_epi64x, _mm_store_si128};
            let Self([low, high]) = self;
            // SAFETY: 16 bytes, aligned, writable by the caller's promise; every x86-64 has SSE2.
            unsafe { _mm_store_si128(to.cast(), _mm_set_epi64x(high as i64, low as i64)) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: by the caller's promise.
        unsafe {
            to.write(self);
        }
    }
}

impl Sighting {
    const SPECIAL: u64 = 1 << 63;

    #[inline]
    pub(crate) fn of(report: &AccessReport) -> Self {
        let crosses = (report.address % GRAIN) + u64::from(report.size) > GRAIN;
        let special = crosses | (report.kind != AddressKind::Physical);
        let special = if special { Self::SPECIAL } else { 0 };
        Self(Words([report.address, report.time_ns.min(AccessReport::UNDATED) | special]))
    }

    /// Addresses and stamps of many, to compare them at once.
    pub fn words(sightings: &[Self]) -> &[[u64; 2]] {
        // SAFETY: two words each, and nothing else.
        unsafe { std::slice::from_raw_parts(sightings.as_ptr().cast(), sightings.len()) }
    }

    /// [`AccessReport::address`].
    pub fn address(self) -> u64 {
        self.0.0[0]
    }

    /// Nanoseconds of the monitor's clock, at most [`AccessReport::UNDATED`].
    pub fn time_ns(self) -> u64 {
        self.0.0[1] & !Self::SPECIAL
    }

    /// Whether the report is more than a physical access within one block of [`GRAIN`].
    pub fn is_special(self) -> bool {
        self.0.0[1] & Self::SPECIAL != 0
    }
}

/// The fields that only filters, virtual targets and reports across a block's end need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Details(Words);

impl Details {
    const VIRTUAL: u64 = 1 << 48;
    const WRITE: u64 = 1 << 49;

    #[inline]
    pub(crate) fn of(report: &AccessReport) -> Self {
        let kind = if report.kind == AddressKind::Virtual { Self::VIRTUAL } else { 0 };
        let write = if report.write { Self::WRITE } else { 0 };
        let who = u64::from(report.tgid) | u64::from(report.cpu) << 32 | kind | write;
        Self(Words([u64::from(report.size) | u64::from(report.tid) << 32, who]))
    }

    /// # Safety
    ///
    /// `to` is aligned and may be written.
    #[inline]
    #[cfg_attr(loom, allow(dead_code, reason = "loom's slots are cells"))]
    pub(crate) unsafe fn store(self, to: *mut Self) {
        // SAFETY: by the caller's promise.
        unsafe { self.0.store(to.cast()) };
    }

    /// [`AccessReport::size`].
    pub fn size(self) -> u32 {
        self.0.0[0] as u32
    }

    /// [`AccessReport::tid`].
    pub fn tid(self) -> u32 {
        (self.0.0[0] >> 32) as u32
    }

    /// [`AccessReport::tgid`].
    pub fn tgid(self) -> u32 {
        self.0.0[1] as u32
    }

    /// [`AccessReport::cpu`].
    pub fn cpu(self) -> u16 {
        (self.0.0[1] >> 32) as u16
    }

    /// [`AccessReport::kind`].
    pub fn kind(self) -> AddressKind {
        if self.0.0[1] & Self::VIRTUAL == 0 { AddressKind::Physical } else { AddressKind::Virtual }
    }

    /// [`AccessReport::write`].
    pub fn write(self) -> bool {
        self.0.0[1] & Self::WRITE != 0
    }
}

/// Of accesses to whole pages: all but which page, when, and whether it was a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    special: u64,
    details: [u64; 2],
}

impl Pattern {
    pub(crate) fn of(alike: &AccessReport) -> Self {
        let alike = AccessReport { address: 0, time_ns: 0, write: false, ..*alike };
        let (Sighting(Words([_, special])), Details(Words(details))) =
            (Sighting::of(&alike), Details::of(&alike));
        Self { special, details }
    }

    /// Of one: the first byte of the page, plus 1 for a store, and when it was.
    #[inline]
    pub(crate) fn fill(self, [access, time_ns]: [u64; 2]) -> (Sighting, Details) {
        let [size_and_thread, who] = self.details;
        let stamp = time_ns.min(AccessReport::UNDATED) | self.special;
        let write = (access & 1) << Details::WRITE.trailing_zeros();
        (
            Sighting(Words([access & !(GRAIN - 1), stamp])),
            Details(Words([size_and_thread, who | write])),
        )
    }

    /// Of many, one after the other.
    ///
    /// # Safety
    ///
    /// Both have room for as many, aligned.
    #[inline]
    #[cfg_attr(loom, allow(dead_code, reason = "loom's slots are cells"))]
    pub(crate) unsafe fn fill_all(
        self,
        pages: &[[u64; 2]],
        sightings: *mut Sighting,
        details: *mut Details,
    ) {
        // The vectors keep only 63 bits of a moment, which is as good as always all of it.
        // SAFETY: the caller's promise.
        if !unsafe { self.fill_dated(pages, sightings, details) } {
            for (number, &page) in pages.iter().enumerate() {
                let filled = self.fill(page);
                // SAFETY: (both) the caller's promise.
                unsafe { sightings.add(number).write(filled.0) };
                // SAFETY: as above.
                unsafe { details.add(number).write(filled.1) };
            }
        }
    }

    /// The same, two words at once; false if some moment has more than 63 bits: what was written is then
    /// to be written anew.
    ///
    /// # Safety
    ///
    /// As of [`fill_all`](Self::fill_all).
    #[cfg(target_arch = "x86_64")]
    #[inline]
    unsafe fn fill_dated(
        self,
        pages: &[[u64; 2]],
        sightings: *mut Sighting,
        details: *mut Details,
    ) -> bool {
        use std::arch::x86_64::*;
        const WRITE: i32 = Details::WRITE.trailing_zeros() as i32;
        let Self { special, details: [size_and_thread, who] } = self;
        // SAFETY: every x86-64 has SSE2; reads the pages, and writes as many of both, which are aligned,
        // by the caller's promise.
        unsafe {
            let kept = _mm_set_epi64x(i64::MAX, !(GRAIN as i64 - 1));
            let special = _mm_set_epi64x(special as i64, 0);
            let alike = _mm_set_epi64x(who as i64, size_and_thread as i64);
            let bit = _mm_set_epi64x(Details::WRITE as i64, 0);
            let mut all = _mm_setzero_si128();
            for (number, page) in pages.iter().enumerate() {
                let page = _mm_loadu_si128(page.as_ptr().cast());
                all = _mm_or_si128(all, page);
                let sighting = _mm_or_si128(_mm_and_si128(page, kept), special);
                _mm_store_si128(sightings.add(number).cast(), sighting);
                let write = _mm_slli_epi64::<WRITE>(_mm_unpacklo_epi64(page, page));
                let filled = _mm_or_si128(alike, _mm_and_si128(write, bit));
                _mm_store_si128(details.add(number).cast(), filled);
            }
            _mm_movemask_pd(_mm_castsi128_pd(all)) & 0b10 == 0
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    unsafe fn fill_dated(self, _: &[[u64; 2]], _: *mut Sighting, _: *mut Details) -> bool {
        false
    }
}

// 32 bytes per slot over the two columns; the RFC's record takes 48.
const _: () = assert!(size_of::<Sighting>() == 16 && size_of::<Details>() == 16);

/// Waiting reports of one lane, oldest first, as columns of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Reports<'a> {
    /// Addresses and times.
    pub sightings: &'a [Sighting],
    /// Everything else.
    pub details: &'a [Details],
}

impl Reports<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        self.sightings.len()
    }

    /// Whether there are none; a drain does not hand out such.
    pub fn is_empty(&self) -> bool {
        self.sightings.is_empty()
    }

    /// One report, whole. Its time is capped at [`AccessReport::UNDATED`].
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn get(&self, index: usize) -> AccessReport {
        let details = self.details[index];
        AccessReport {
            address: self.sightings[index].address(),
            time_ns: self.sightings[index].time_ns(),
            size: details.size(),
            tid: details.tid(),
            tgid: details.tgid(),
            cpu: details.cpu(),
            kind: details.kind(),
            write: details.write(),
        }
    }

    /// All of them, whole.
    pub fn iter(&self) -> impl Iterator<Item = AccessReport> {
        (0..self.len()).map(|index| self.get(index))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn special(address: u64, size: u32) -> bool {
        Sighting::of(&AccessReport::physical(address, size, 7)).is_special()
    }

    #[test]
    fn a_report_is_special_when_it_leaves_its_block_or_is_virtual() {
        assert!(!special(0, 4096) && !special(4095, 1) && !special(4096 + 100, 3996));
        assert!(special(0, 4097) && special(4095, 2) && special(1, 4096));
        assert!(special(u64::MAX, 2) && !special(u64::MAX, 1), "no wrap at the top");
        let physical = AccessReport::physical(9, 8, 7);
        let sighting = Sighting::of(&AccessReport { kind: AddressKind::Virtual, ..physical });
        let [address, stamp] = Sighting::words(&[sighting])[0];
        assert!(sighting.is_special() && address == 9 && (stamp as i64) < 0);
        assert_eq!((sighting.address(), sighting.time_ns()), (9, 7));
    }

    #[test]
    fn what_is_filled_into_a_pattern_is_what_the_whole_report_is() {
        for kind in [AddressKind::Physical, AddressKind::Virtual] {
            for (address, time_ns, size, write) in
                [(0, 7, 4096, false), (8192, u64::MAX, 4096, true), (1 << 40, 0, 1 << 21, true)]
            {
                let (tid, tgid, cpu) = (5, u32::MAX, 65_535);
                let report = AccessReport { address, time_ns, size, tid, tgid, cpu, kind, write };
                let alike = AccessReport { address: 3, time_ns: 9, write: !write, ..report };
                let page = [address + u64::from(write), time_ns];
                let expected = (Sighting::of(&report), Details::of(&report));
                assert_eq!(Pattern::of(&alike).fill(page), expected);
                let mut filled = (Sighting::of(&alike), Details::of(&alike));
                // SAFETY: room for one.
                unsafe { Pattern::of(&alike).fill_all(&[page], &mut filled.0, &mut filled.1) };
                assert_eq!(filled, expected);
            }
        }
    }

    #[test]
    fn times_beyond_63_bits_are_undated() {
        for time_ns in [AccessReport::UNDATED, AccessReport::UNDATED + 1, u64::MAX] {
            let sighting = Sighting::of(&AccessReport::physical(0, 8, time_ns));
            assert_eq!((sighting.time_ns(), sighting.is_special()), (AccessReport::UNDATED, false));
        }
    }
}
