//! 256-bit vectors: eight keys at once in the top, a node as two vectors below.

use std::arch::x86_64::*;

use super::batch::{Batch, GROUP, Group};
use super::tree::{NODE, Node, Tree};
use super::{Filter, tree};

/// The next step would take as many loads as a node.
pub(super) const MAX_DEPTH: u32 = 6;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

/// Moves keys of reports from number `from` on to the batch until either ends; returns where it
/// stopped.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(super) fn filter(
    words: &[[u64; 2]],
    fresh_from: i64,
    base: u64,
    from: usize,
    batch: &mut Batch,
    mut closer: impl FnMut(usize),
) -> usize {
    let filter = Filter { words, fresh_from, base };
    const VECTOR: usize = 4;
    let fresh_from = _mm256_set1_epi64x(filter.fresh_from);
    let base = _mm256_set1_epi64x(filter.base as i64);
    let limit = _mm256_set1_epi64x(i64::from(u32::MAX - 1));
    // The low half of each of four distances, as keys, in the low half of the vector.
    let even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    let rooms = batch.rooms().as_flattened_mut();
    let end = words.len().min(from + rooms.len());
    let (mut i, mut held) = (from, 0);
    for four in words[from..end].as_chunks::<VECTOR>().0 {
        // Two reports each.
        let [first, second] = [&four[..2], &four[2..]].map(|two| {
            // SAFETY: reads the two.
            unsafe { _mm256_loadu_si256(two.as_ptr().cast()) }
        });
        let in_order = |words| _mm256_permute4x64_epi64(words, 0b11_01_10_00);
        let addresses = in_order(_mm256_unpacklo_epi64(first, second));
        let stamps = in_order(_mm256_unpackhi_epi64(first, second));
        let other = _mm256_cmpgt_epi64(fresh_from, stamps);
        let pages = _mm256_srli_epi64(_mm256_sub_epi64(addresses, base), 12);
        let far = _mm256_cmpgt_epi64(pages, limit);
        let pages = _mm256_blendv_epi8(pages, limit, far);
        let pages = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(pages, even));
        let keys = _mm_xor_si128(pages, _mm_set1_epi32(i32::MIN));
        let room: Option<&mut [i32; VECTOR]> = rooms[held..].first_chunk_mut();
        let Some(room) = room else { unreachable!("there are as many rooms as reports") };
        if _mm256_testz_si256(other, other) == 1 {
            // SAFETY: the room is four keys.
            unsafe { _mm_storeu_si128(room.as_mut_ptr().cast(), keys) };
            held += VECTOR;
        } else {
            for i in i..i + VECTOR {
                held += one(filter, i, &mut rooms[held], &mut closer);
            }
        }
        i += VECTOR;
    }
    while i < end {
        held += one(filter, i, &mut rooms[held], &mut closer);
        i += 1;
    }
    batch.hold(held);
    end
}

/// One report; returns how many keys that makes.
#[inline]
fn one(filter: Filter<'_>, i: usize, room: &mut i32, closer: &mut impl FnMut(usize)) -> usize {
    if filter.passes(i) {
        *room = tree::key(filter.distance(i));
        1
    } else {
        closer(i);
        0
    }
}

/// Finds the slot of each key.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(super) fn rank(tree: &Tree, keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    match tree.depth {
        ..=4 => search_top::<4>(tree, keys, ranks),
        5 => search_top::<5>(tree, keys, ranks),
        _ => search_top::<6>(tree, keys, ranks),
    }
    for nodes in tree.levels() {
        let ranks = ranks.as_flattened_mut().as_flattened_mut();
        descend(nodes, keys.as_flattened().as_flattened(), ranks);
    }
}

/// Several vectors in step: a step waits for the one before, so one alone leaves the CPU idle.
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn search_top<const DEPTH: u32>(tree: &Tree, keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    let top = tree.top.each_ref().map(|node| halves(node));
    let one = _mm256_set1_epi32(1);
    let (keys, _) = keys.as_flattened().as_flattened().as_chunks::<8>();
    let (ranks, _) = ranks.as_flattened_mut().as_flattened_mut().as_chunks_mut::<8>();
    let keys = keys.as_chunks::<GROUP>().0;
    for (keys, ranks) in keys.iter().zip(ranks.as_chunks_mut::<GROUP>().0) {
        let above = keys.each_ref().map(|keys| {
            // SAFETY: `keys` is eight keys.
            let keys = unsafe { _mm256_loadu_si256(keys.as_ptr().cast()) };
            // Keys are below `i32::MAX`.
            _mm256_add_epi32(keys, one)
        });
        let mut at = [one; GROUP];
        for step in 0..DEPTH {
            for (at, &above) in at.iter_mut().zip(&above) {
                // The positions of a step begin at a power of two, so their low bits count from 0.
                let separators = match step {
                    0..=2 => _mm256_permutevar8x32_epi32(top[0][0], *at),
                    3 => _mm256_permutevar8x32_epi32(top[0][1], *at),
                    4 => pick(*at, top[1]),
                    _ => {
                        let low = _mm256_castsi256_ps(pick(*at, top[2]));
                        let high = _mm256_castsi256_ps(pick(*at, top[3]));
                        let bit = _mm256_castsi256_ps(_mm256_slli_epi32(*at, 27));
                        _mm256_castps_si256(_mm256_blendv_ps(low, high, bit))
                    }
                };
                let right = _mm256_cmpgt_epi32(above, separators);
                *at = _mm256_sub_epi32(_mm256_add_epi32(*at, *at), right);
            }
        }
        for (at, ranks) in at.into_iter().zip(ranks) {
            let found = _mm256_sub_epi32(at, _mm256_set1_epi32(1 << DEPTH));
            // SAFETY: `ranks` is eight ranks.
            unsafe { _mm256_storeu_si256(ranks.as_mut_ptr().cast(), found) };
        }
    }
}

/// The key at a position among those of two vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn pick(at: __m256i, keys: [__m256i; 2]) -> __m256i {
    let [low, high] = keys.map(|keys| _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(keys, at)));
    let bit = _mm256_castsi256_ps(_mm256_slli_epi32(at, 28));
    _mm256_castps_si256(_mm256_blendv_ps(low, high, bit))
}

/// From each key's node of a level to its node of the level below, or its slot.
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn descend(nodes: &[Node], keys: &[i32], ranks: &mut [u32]) {
    for (&key, rank) in keys.iter().zip(ranks) {
        let node = *rank as usize;
        // Keys are below `i32::MAX`.
        let above = _mm256_set1_epi32(key + 1);
        let [low, high] = halves(&nodes[node]).map(|half| _mm256_cmpgt_epi32(above, half));
        let at_or_below = _mm256_movemask_epi8(_mm256_packs_epi32(low, high));
        // Two bits for each key at or below; the first key of the node is one.
        *rank = (node * NODE) as u32 + at_or_below.count_ones() / 2 - 1;
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn halves(node: &Node) -> [__m256i; 2] {
    let vector = node.0.as_ptr().cast::<__m256i>();
    // SAFETY: a node is two vectors and aligned for them.
    unsafe { [_mm256_load_si256(vector), _mm256_load_si256(vector.add(1))] }
}
