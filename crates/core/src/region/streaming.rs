//! Passes over arrays that no cache holds: on huge pages, and with lines asked for ahead.
//!
//! Of a pass that cuts each of half a million regions in two, from the back, half the time was waiting
//! for lines that the processor did not foresee, and a sixth for translations of addresses.

/// Bytes of a huge page where it pays: x86-64, and aarch64 with pages of 4 KiB.
const HUGE_PAGE_SZ: usize = 2 << 20;
/// Arrays of fewer bytes stay as they are.
const LARGE_SZ: usize = 2 * HUGE_PAGE_SZ;

/// Makes room for `len` items in all, and no more. A large array moves to memory that was never
/// touched, since pages that are there stay as small as they are.
pub(crate) fn grow<T: Copy>(items: &mut Vec<T>, len: usize) {
    if len <= items.capacity() {
        return;
    }
    if len * size_of::<T>() < LARGE_SZ {
        return items.reserve_exact(len - items.len());
    }
    let mut grown = Vec::with_capacity(len);
    ask_for_huge_pages(&mut grown);
    grown.extend_from_slice(items);
    *items = grown;
}

/// Where the system gives them to those who ask. A refusal costs nothing but time.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(items: &mut Vec<T>) {
    let room = items.spare_capacity_mut();
    let begin = room.as_mut_ptr() as usize;
    let first = begin.next_multiple_of(HUGE_PAGE_SZ);
    let end = (begin + size_of_val(room)) / HUGE_PAGE_SZ * HUGE_PAGE_SZ;
    if first < end {
        // SAFETY: whole pages of an allocation of ours. What they hold stays, only how the system
        // maps them may change, also for whoever gets them after us.
        unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_items: &mut Vec<T>) {}

/// How far ahead of a pass lines are asked for, in bytes: 16 lines, more than memory is late.
pub(crate) const AHEAD_SZ: usize = 1024;

/// Begins to load the line at an address, which need not be one of ours.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// The same for a line that will be written.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: a hint; an x86-64 that does not know it does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
