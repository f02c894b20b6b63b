//! 512-bit vectors: sixteen keys at once in the top, whose keys stay in registers, and sixteen keys
//! of a node at once below.

use std::arch::x86_64::*;

use super::Filter;
use super::batch::{Batch, GROUP, Group};
use super::tree::{NODE, Node, Tree};

/// The next step would take as many loads as a node.
pub(super) const MAX_DEPTH: u32 = 7;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

/// The stamps among the words of four reports.
const STAMPS: u8 = 0b1010_1010;

/// Moves keys of reports from number `from` on to the batch until either ends; returns where it
/// stopped.
#[target_feature(enable = "avx512f,avx512cd,bmi1,popcnt")]
pub(super) fn filter(
    words: &[[u64; 2]],
    fresh_from: i64,
    base: u64,
    from: usize,
    batch: &mut Batch,
    mut closer: impl FnMut(usize),
) -> usize {
    let filter = Filter { words, fresh_from, base };
    let len = filter.words.len();
    let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    let fresh_from = _mm512_set1_epi64(filter.fresh_from);
    let mut i = from;
    loop {
        // As good as always all are fresh and plain.
        let taken = filter_plain(filter, i, batch);
        i += taken * NODE;
        batch.hold(taken * NODE);
        if i == len {
            return len;
        }
        let Some(room) = batch.room() else { return i };
        // Four reports, as far as they are present; instead of the others, ones that are fresh.
        let load = |quarter: usize| {
            let left = len.saturating_sub(i + 4 * quarter).min(4);
            let four = filter.words.as_ptr().wrapping_add(i + 4 * quarter).cast();
            let none = _mm512_set1_epi64(i64::MAX);
            // SAFETY: reads only what is present, two words a report.
            unsafe { _mm512_mask_loadu_epi64(none, ((1u32 << (2 * left)) - 1) as u8, four) }
        };
        let quarters = [load(0), load(1), load(2), load(3)];
        let keys = keys(quarters, filter.base);
        // Most often the last few. How many there are is known without waiting for their stamps.
        if all_pass(quarters, filter.fresh_from) {
            // SAFETY: the room is sixteen keys.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), keys) };
            batch.hold(NODE.min(len - i));
            i = len.min(i + NODE);
            continue;
        }
        let present = if len - i < NODE { (1 << (len - i)) - 1 } else { u16::MAX };
        let [low, high] = [0, 1].map(|half| {
            let stamps = _mm512_permutex2var_epi64(quarters[2 * half], odd, quarters[2 * half + 1]);
            u16::from(_mm512_cmpge_epi64_mask(stamps, fresh_from))
        });
        let passing = present & (low | high << 8);
        // SAFETY: the room is sixteen keys.
        unsafe {
            // Not compressed to memory: that is microcoded on some CPUs.
            let passing = _mm512_maskz_compress_epi32(passing, keys);
            _mm512_storeu_si512(room.as_mut_ptr().cast(), passing);
        }
        batch.hold(passing.count_ones() as usize);
        let mut others = present & !passing;
        while others != 0 {
            closer(i + others.trailing_zeros() as usize);
            others &= others - 1;
        }
        i = len.min(i + NODE);
    }
}

/// Stores the keys of reports from number `from` on to the batch, sixteen at a time, until the batch
/// is full or one of sixteen needs a closer look; returns how many times.
#[inline]
#[target_feature(enable = "avx512f")]
fn filter_plain(filter: Filter<'_>, from: usize, batch: &mut Batch) -> usize {
    let (vectors, _) = filter.words[from..].as_chunks::<NODE>();
    let mut taken = 0;
    for (sixteen, room) in vectors.iter().zip(batch.rooms()) {
        let four = |quarter: usize| {
            // SAFETY: reads a quarter of the sixteen.
            unsafe { _mm512_loadu_si512(sixteen.as_ptr().add(4 * quarter).cast()) }
        };
        let quarters = [four(0), four(1), four(2), four(3)];
        if !all_pass(quarters, filter.fresh_from) {
            break;
        }
        // SAFETY: the room is sixteen keys.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), keys(quarters, filter.base)) };
        taken += 1;
    }
    taken
}

/// Whether the stamps of sixteen reports are fresh and plain: then the least of them is.
#[inline]
#[target_feature(enable = "avx512f")]
fn all_pass([first, second, third, fourth]: [__m512i; 4], fresh_from: i64) -> bool {
    let least = _mm512_min_epi64(_mm512_min_epi64(first, second), _mm512_min_epi64(third, fourth));
    _mm512_mask_cmpge_epi64_mask(STAMPS, least, _mm512_set1_epi64(fresh_from)) == STAMPS
}

/// What [`tree::key`](super::tree::key) makes of the distances of sixteen reports.
#[inline]
#[target_feature(enable = "avx512f")]
fn keys([first, second, third, fourth]: [__m512i; 4], base: u64) -> __m512i {
    let words = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    let halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let pages = |first, second| {
        let addresses = _mm512_permutex2var_epi64(first, words, second);
        let distances = _mm512_sub_epi64(addresses, _mm512_set1_epi64(base as i64));
        let limit = _mm512_set1_epi64(i64::from(u32::MAX - 1));
        _mm512_min_epu64(_mm512_srli_epi64(distances, 12), limit)
    };
    let pages = _mm512_permutex2var_epi32(pages(first, second), halves, pages(third, fourth));
    _mm512_xor_si512(pages, _mm512_set1_epi32(i32::MIN))
}

/// How many keys fall in each of so many slots that are one node: every key is compared with every
/// slot and nothing but sums is kept, so it is of no matter how often a slot comes up.
#[target_feature(enable = "avx512f,avx512cd,bmi1,popcnt")]
pub(super) fn count(slots: &Node, len: usize, keys: &[i32]) -> [u32; NODE] {
    // The first slot is at or below every key.
    match len {
        ..=4 => count_above_first::<3>(slots, keys),
        5..=8 => count_above_first::<7>(slots, keys),
        9..=12 => count_above_first::<11>(slots, keys),
        _ => count_above_first::<15>(slots, keys),
    }
}

/// With `N` slots, or fewer, above the first.
#[inline]
#[target_feature(enable = "avx512f")]
fn count_above_first<const N: usize>(slots: &Node, keys: &[i32]) -> [u32; NODE] {
    let minus_one = _mm512_set1_epi32(-1);
    let mut at_or_above = [_mm512_setzero_si512(); N];
    let [_, starts @ ..] = &slots.0;
    let (vectors, rest) = keys.as_chunks::<NODE>();
    let mut add = |keys: __m512i, present: u16| {
        for (sum, &start) in at_or_above.iter_mut().zip(starts) {
            let above = _mm512_mask_cmpge_epi32_mask(present, keys, _mm512_set1_epi32(start));
            *sum = _mm512_mask_sub_epi32(*sum, above, *sum, minus_one);
        }
    };
    for keys in vectors {
        add(load(keys), u16::MAX);
    }
    let present = (1 << rest.len()) - 1;
    // SAFETY: reads only what is present.
    add(unsafe { _mm512_maskz_loadu_epi32(present, rest.as_ptr()) }, present);
    let mut counts = [0; NODE];
    counts[0] = keys.len() as u32;
    for (count, sum) in counts[1..].iter_mut().zip(at_or_above) {
        *count = _mm512_reduce_add_epi32(sum) as u32;
    }
    let mut above_next = 0;
    for count in counts.iter_mut().rev() {
        above_next = std::mem::replace(count, *count - above_next);
    }
    counts
}

/// Finds the slot of each key.
#[target_feature(enable = "avx512f,avx512cd,bmi1,popcnt")]
pub(super) fn rank(tree: &Tree, keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    match tree.depth {
        ..=4 => search_top::<4>(tree, keys, ranks),
        5 => search_top::<5>(tree, keys, ranks),
        6 => search_top::<6>(tree, keys, ranks),
        _ => search_top::<7>(tree, keys, ranks),
    }
    for nodes in tree.levels() {
        descend(nodes, keys, ranks);
    }
}

/// Several vectors in step: a step waits for the one before, so one alone leaves the CPU idle.
#[target_feature(enable = "avx512f,avx512cd,bmi1,popcnt")]
fn search_top<const DEPTH: u32>(tree: &Tree, keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    let top = tree.top.each_ref().map(|node| load(&node.0));
    // Hidden, or the compiler takes the masked addition apart into three slower instructions.
    let one = std::hint::black_box(_mm512_set1_epi32(1));
    for (keys, ranks) in keys.iter().zip(ranks) {
        let keys = keys.each_ref().map(|keys| load(keys));
        let mut at = [one; GROUP];
        for step in 0..DEPTH {
            for (at, &keys) in at.iter_mut().zip(&keys) {
                // The positions of a step begin at a power of two, so their low bits count from 0.
                let separators = match step {
                    0..=3 => _mm512_permutexvar_epi32(*at, top[0]),
                    4 => _mm512_permutexvar_epi32(*at, top[1]),
                    5 => _mm512_permutex2var_epi32(top[2], *at, top[3]),
                    _ => {
                        let low = _mm512_permutex2var_epi32(top[4], *at, top[5]);
                        let high = _mm512_permutex2var_epi32(top[6], *at, top[7]);
                        let is_high = _mm512_test_epi32_mask(*at, _mm512_set1_epi32(32));
                        _mm512_mask_mov_epi32(low, is_high, high)
                    }
                };
                let right = _mm512_cmple_epi32_mask(separators, keys);
                let left_child = _mm512_add_epi32(*at, *at);
                *at = _mm512_mask_add_epi32(left_child, right, left_child, one);
            }
        }
        for (at, ranks) in at.into_iter().zip(ranks) {
            let found = _mm512_sub_epi32(at, _mm512_set1_epi32(1 << DEPTH));
            // SAFETY: `ranks` is sixteen ranks.
            unsafe { _mm512_storeu_si512(ranks.as_mut_ptr().cast(), found) };
        }
    }
}

/// From each key's node of a level to its node of the level below, or its slot.
///
/// First all comparisons, then all ranks, by vectors: a mask taken to memory and counted with
/// fifteen others costs half of one counted on its own.
#[target_feature(enable = "avx512f,avx512cd,bmi1,popcnt")]
fn descend(nodes: &[Node], keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    /// Groups whose masks have reached memory when they are loaded as vectors.
    const GROUPS: usize = 4;
    let mut masks = [[[0_u16; NODE]; GROUP]; GROUPS];
    for (keys, ranks) in keys.chunks(GROUPS).zip(ranks.chunks_mut(GROUPS)) {
        let reached = ranks.as_flattened().as_flattened();
        let masks = &mut masks.as_flattened_mut().as_flattened_mut()[..reached.len()];
        for ((&key, &node), mask) in
            keys.as_flattened().as_flattened().iter().zip(reached).zip(&mut *masks)
        {
            debug_assert!((node as usize) < nodes.len());
            // SAFETY: what was reached is a node of this level. Keys are below `i32::MAX`, so none
            // goes past what fills up the top and the last node of each level.
            let node = unsafe { nodes.get_unchecked(node as usize) };
            *mask = _mm512_cmple_epi32_mask(load(&node.0), _mm512_set1_epi32(key));
        }
        for (ranks, masks) in ranks.as_flattened_mut().iter_mut().zip(masks.as_chunks().0) {
            // SAFETY: sixteen masks and sixteen ranks.
            unsafe {
                let masks: &[u16; NODE] = masks;
                let masks = _mm512_cvtepu16_epi32(_mm256_loadu_si256(masks.as_ptr().cast()));
                let nodes = _mm512_loadu_si512(ranks.as_ptr().cast());
                // Keys at or below are the first ones, so the mask's highest bit is the last of
                // them; the first key of the node always is one.
                let last = _mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(masks));
                let found = _mm512_add_epi32(_mm512_slli_epi32(nodes, NODE.ilog2()), last);
                _mm512_storeu_si512(ranks.as_mut_ptr().cast(), found);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(keys: &[i32; NODE]) -> __m512i {
    // SAFETY: reads the sixteen keys.
    unsafe { _mm512_loadu_si512(keys.as_ptr().cast()) }
}
