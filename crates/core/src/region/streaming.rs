//! Passes over arrays that no cache holds: on huge pages, with lines asked for ahead, and copies that
//! are written past the caches.
//!
//! Of a pass that cuts each of half a million regions in two, from the back, half the time was waiting
//! for lines that the processor did not foresee, and a sixth for translations of addresses.

use std::ptr;

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
    ask_for_huge_pages(grown.spare_capacity_mut());
    grown.extend_from_slice(items);
    *items = grown;
}

/// Where the system gives them to those who ask. A refusal costs nothing but time.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(room: &mut [T]) {
    let begin = room.as_mut_ptr() as usize;
    let first = begin.next_multiple_of(HUGE_PAGE_SZ);
    let end = (begin + size_of_val(room)) / HUGE_PAGE_SZ * HUGE_PAGE_SZ;
    if first < end {
        // SAFETY: whole pages that hold nothing else. What they hold stays, only how the system
        // maps them may change, also for whoever gets them after us.
        unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_room: &mut [T]) {}

/// How far ahead of a pass lines are asked for, in bytes: 16 lines, more than memory is late.
pub(crate) const AHEAD_SZ: usize = 1024;

/// Bytes of a line, at least of x86-64 and most aarch64; elsewhere some hints are for nothing.
const LINE_SZ: usize = 64;
/// Columns of fewer bytes are copied by way of the caches, which may hold both ends.
const STREAMED_SZ: usize = HUGE_PAGE_SZ;
/// How far ahead a copy past the caches asks: it is done with a line sooner than other passes are.
const COPY_AHEAD_SZ: usize = 2048;
/// Items that go past the caches at once, of 4 or 8 bytes: a line or two.
const STREAMED_ITEMS: usize = 16;

/// Copies a column to an array of the same length. A large one is written past the caches, which
/// spares a load of each line of it, and its pages become huge if they were never touched.
pub(crate) fn copy_column<T: Copy + Default>(from: &[T], into: &mut [T]) {
    if size_of_val(into) < STREAMED_SZ {
        into.copy_from_slice(from);
    } else {
        stream(from, into, |items| items);
    }
}

/// The same of counts, which become floating-point numbers.
pub(crate) fn copy_counts(from: &[u64], into: &mut [f64]) {
    if size_of_val(into) < STREAMED_SZ {
        for (number, &count) in into.iter_mut().zip(from) {
            *number = count as f64;
        }
    } else {
        stream(from, into, numbers);
    }
}

#[inline(always)]
fn numbers(counts: [u64; STREAMED_ITEMS]) -> [f64; STREAMED_ITEMS] {
    let mut numbers = [0.0; STREAMED_ITEMS];
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = counts[i] as f64;
    }
    numbers
}

fn stream<T: Copy + Default, U: Copy>(
    from: &[T],
    into: &mut [U],
    convert: impl Fn([T; STREAMED_ITEMS]) -> [U; STREAMED_ITEMS],
) {
    const { assert!(size_of::<T>() == size_of::<U>()) };
    assert_eq!(from.len(), into.len());
    ask_for_huge_pages(into);
    let head = into.as_ptr().align_offset(LINE_SZ).min(into.len());
    let (from_head, from) = from.split_at(head);
    let (into_head, into) = into.split_at_mut(head);
    let (from, from_tail) = from.as_chunks();
    let (into, into_tail) = into.as_chunks_mut();
    for (from, into) in from.iter().zip(into) {
        for line in (0..size_of_val(from)).step_by(LINE_SZ) {
            prefetch(ptr::from_ref(from).wrapping_byte_add(COPY_AHEAD_SZ + line));
        }
        write_past_caches(into, convert(*from));
    }
    order_writes_past_caches();
    // Fewer than are converted at once.
    for (from, into) in [(from_head, into_head), (from_tail, into_tail)] {
        let mut items = [T::default(); STREAMED_ITEMS];
        items[..from.len()].copy_from_slice(from);
        into.copy_from_slice(&convert(items)[..from.len()]);
    }
}

/// `into` begins at a line.
#[inline(always)]
fn write_past_caches<U: Copy>(into: &mut [U; STREAMED_ITEMS], items: [U; STREAMED_ITEMS]) {
    debug_assert!(into.as_ptr().cast::<u8>().addr().is_multiple_of(LINE_SZ));
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        let (from, to) = (items.as_ptr().cast::<__m128i>(), into.as_mut_ptr().cast::<__m128i>());
        for vector in 0..size_of_val(&items) / size_of::<__m128i>() {
            // SAFETY: `vector` is within both, which are as long; a line's beginning is aligned for
            // vectors, and so is every vector after it. Numbers have no padding.
            unsafe { _mm_stream_si128(to.add(vector), _mm_loadu_si128(from.add(vector))) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        *into = items;
    }
}

/// What was written past the caches comes before what is written from now on.
fn order_writes_past_caches() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: changes no memory; every x86-64 has it.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Begins to load the line at an address, which need not be one of ours. Nobody else has a line of
/// what is one monitor's, so the same serves to write it.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths about the one from which on columns are written past the caches, and ends that do not
    /// come to a line.
    #[test]
    fn copies_are_complete_wherever_they_begin() {
        let large = STREAMED_SZ / size_of::<u32>();
        let column: Vec<u32> = (1..large as u32 + 100).collect();
        let mut array = vec![0; column.len() + 40];
        for len in [0, 1, 15, 16, 17, large - 1, large, large + 1, large + 31] {
            for at in [0, 1, 3, 16, 17] {
                array.fill(0);
                copy_column(&column[..len], &mut array[at..at + len]);
                assert_eq!(array[at..at + len], column[..len], "{len} at {at}");
                assert!(array[..at].iter().chain(&array[at + len..]).all(|&item| item == 0));
            }
        }
    }

    #[test]
    fn counts_become_the_nearest_numbers() {
        let large = STREAMED_SZ / size_of::<u64>() + 5;
        let edges = [0, 1, u64::from(u32::MAX) + 1, (1 << 53) - 1, (1 << 53) + 1, u64::MAX];
        for len in [7, large] {
            let counts: Vec<u64> = edges.iter().copied().cycle().take(len).collect();
            let mut numbers = vec![-1.0; len];
            copy_counts(&counts, &mut numbers[..]);
            assert!(numbers.iter().zip(&counts).all(|(&number, &count)| number == count as f64));
        }
    }
}
