//! For every CPU: branch-free, left to the compiler to make vectors of.

use super::Filter;
use super::batch::{Batch, Group};
use super::tree::{self, MIN_DEPTH, NODE, Tree};

/// One node: the steps of a search would be instructions each, comparing all is a vector each.
pub(super) const MAX_DEPTH: u32 = MIN_DEPTH;

/// Moves keys of reports from number `from` on to the batch until either ends; returns where it
/// stopped.
pub(super) fn filter(
    words: &[[u64; 2]],
    fresh_from: i64,
    base: u64,
    from: usize,
    batch: &mut Batch,
    mut closer: impl FnMut(usize),
) -> usize {
    let filter = Filter { words, fresh_from, base };
    let mut i = from;
    while i < filter.words.len()
        && let Some(room) = batch.room()
    {
        let end = filter.words.len().min(i + NODE);
        let mut held = 0;
        for i in i..end {
            // Stored in any case, held only if it passes: no branch on the common path.
            room[held] = tree::key(filter.distance(i));
            let passes = filter.passes(i);
            held += usize::from(passes);
            if !passes {
                closer(i);
            }
        }
        batch.hold(held);
        i = end;
    }
    i
}

/// Finds the slot of each key.
pub(super) fn rank(tree: &Tree, keys: &[Group<i32>], ranks: &mut [Group<u32>]) {
    // So few keys are all compared, in whatever order they lie.
    let [_, separators @ ..] = &tree.top[0].0;
    let (keys, ranks) = (keys.as_flattened(), ranks.as_flattened_mut());
    for (keys, ranks) in keys.iter().zip(&mut *ranks) {
        *ranks = [0; NODE];
        for separator in separators {
            for (rank, key) in ranks.iter_mut().zip(keys) {
                *rank += u32::from(separator <= key);
            }
        }
    }
    for nodes in tree.levels() {
        for (key, rank) in keys.as_flattened().iter().zip(ranks.as_flattened_mut()) {
            let node = *rank as usize;
            *rank = (node * NODE + tree::rank_in(&nodes[node], *key)) as u32;
        }
    }
}
