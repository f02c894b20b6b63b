//! A static search tree over 32-bit keys: ranks a key among the slots.
//!
//! Below, nodes of one cache line of 16 keys, searched by comparing all at once; the first key of
//! each node is a key of the level above. On top, a binary tree in breadth-first order small enough
//! for registers or a few cache lines, searched for many keys in step. The levels lie in one array,
//! the slots' own keys first. Rebuilding costs a write per slot and a sixteenth of that again.

use super::slots::Slots;
use crate::region::Region;

/// Keys per node.
pub(super) const NODE: usize = 16;
/// The most steps the search of the top may have.
pub(super) const TOP_DEPTH: u32 = 7;
/// Places for keys in the top; the first stays empty.
const TOP: usize = 1 << TOP_DEPTH;
/// The fewest: the first steps cost a vector each in any case.
pub(super) const MIN_DEPTH: u32 = 4;
/// Larger than any key of an address or bound: what fills up nodes ranks behind everything.
const PADDING: i32 = i32::MAX;

/// The distance from the first region on as a key. What lies before the first region wraps and
/// ranks, like what is too far, behind everything.
#[inline]
pub(super) fn key(distance: u64) -> i32 {
    biased(distance.min(u64::from(u32::MAX - 1) << 12))
}

/// The key of a distance that [fits]. Keys are biased so that signed comparisons, the only ones
/// some vector units have, order them.
#[inline]
fn biased(distance: u64) -> i32 {
    (distance >> 12) as u32 as i32 ^ i32::MIN
}

/// Whether regions spanning that many bytes all have distinct keys.
pub(super) fn fits(span: u64) -> bool {
    span >> 12 < u64::from(u32::MAX)
}

/// One cache line of ascending keys.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Node(pub(super) [i32; NODE]);

impl Node {
    const EMPTY: Self = Self([PADDING; NODE]);
}

/// The keys of the slots and what leads to them.
#[derive(Debug)]
pub(super) struct Tree {
    /// Breadth-first from 1: the children of `i` are `2 * i`, taken by keys below `top[i]`, and
    /// `2 * i + 1`. Every leaf is a node of the highest level, or a slot if there is none.
    pub(super) top: Box<[Node; TOP / NODE]>,
    /// Steps from the root of the top to a leaf.
    pub(super) depth: u32,
    /// All levels, the slots' keys first.
    nodes: Vec<Node>,
    /// Where in `nodes` the levels begin that a search goes through, lowest first.
    levels: Vec<usize>,
    /// Whether the slots are no more than a node.
    is_node: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            top: Box::new([Node::EMPTY; TOP / NODE]),
            depth: MIN_DEPTH,
            nodes: Vec::new(),
            levels: Vec::new(),
            is_node: false,
        }
    }
}

impl Tree {
    /// Builds the tree of the slots of regions that [fit](fits), for searches of the top in at
    /// most `max_depth` steps.
    pub(super) fn build(&mut self, regions: &[Region], slots: &mut Slots, max_depth: u32) {
        let base = regions.first().map_or(0, |first| first.start);
        // What of the room is not taken is of use to the levels above.
        self.reserve(Slots::room(regions).max(TOP));
        slots.lay_out(regions, flat_mut(&mut self.nodes), |address| biased(address - base));
        let mut level = 0;
        let mut keys = slots.len();
        self.levels.clear();
        self.is_node = keys <= NODE;
        let blocks = loop {
            if keys <= 1 << max_depth {
                break keys;
            }
            self.pad(level, keys);
            self.levels.push(level);
            let nodes = keys.div_ceil(NODE);
            if nodes <= 1 << max_depth {
                break nodes;
            }
            let above = level + nodes;
            self.reserve((above + nodes.div_ceil(NODE)) * NODE);
            let (below, rest) = self.nodes.split_at_mut(above);
            for (first, node) in flat_mut(rest).iter_mut().zip(&below[level..]) {
                *first = node.0[0];
            }
            (level, keys) = (above, nodes);
        };
        self.build_top(level, blocks);
    }

    /// Of the first keys of so many blocks: the nodes of a level, or the slots if there is none.
    fn build_top(&mut self, level: usize, blocks: usize) {
        self.depth = blocks.next_power_of_two().ilog2().max(MIN_DEPTH);
        let keys = &mut flat_mut(&mut self.nodes)[level * NODE..];
        let gathered;
        let firsts: &[i32] = if self.levels.is_empty() {
            keys[blocks..1 << self.depth].fill(PADDING);
            keys
        } else {
            gathered = firsts(keys, blocks);
            &gathered
        };
        let top = flat_mut(&mut self.top[..]);
        match self.depth {
            ..=4 => order_breadth_first::<16>(firsts, top),
            5 => order_breadth_first::<32>(firsts, top),
            6 => order_breadth_first::<64>(firsts, top),
            _ => order_breadth_first::<TOP>(firsts, top),
        }
    }

    /// Fills up the last node of a level.
    fn pad(&mut self, level: usize, keys: usize) {
        let rest = level * NODE + keys..level * NODE + keys.next_multiple_of(NODE);
        flat_mut(&mut self.nodes)[rest].fill(PADDING);
    }

    fn reserve(&mut self, keys: usize) {
        let nodes = keys.div_ceil(NODE);
        if self.nodes.len() < nodes {
            self.nodes.resize(nodes, Node::EMPTY);
        }
    }

    /// The levels from the highest down, each from its first node to the end of all.
    #[inline]
    pub(super) fn levels(&self) -> impl Iterator<Item = &[Node]> {
        self.levels.iter().rev().map(|&level| &self.nodes[level..])
    }

    /// All slots, if they are but one node.
    pub(super) fn only_node(&self) -> Option<&Node> {
        self.is_node.then(|| self.nodes.first()).flatten()
    }

    /// The slot of one key.
    pub(super) fn rank(&self, key: i32) -> usize {
        let top = flat(&self.top[..]);
        let mut at = 1;
        for _ in 0..self.depth {
            at = 2 * at + usize::from(top[at] <= key);
        }
        let leaf = at - (1 << self.depth);
        self.levels().fold(leaf, |at, nodes| at * NODE + rank_in(&nodes[at], key))
    }
}

/// The first keys of so many nodes.
fn firsts(keys: &[i32], nodes: usize) -> [i32; TOP] {
    let mut firsts = [PADDING; TOP];
    for (first, &key) in firsts[..nodes].iter_mut().zip(keys.iter().step_by(NODE)) {
        *first = key;
    }
    firsts
}

/// Lays ascending keys out as the top of a tree. `N` is a constant, so that no place is checked: with
/// few regions it counts.
#[inline]
fn order_breadth_first<const N: usize>(keys: &[i32], top: &mut [i32]) {
    let (Some(keys), Some(top)) = (keys.first_chunk::<N>(), top.first_chunk_mut::<N>()) else {
        return;
    };
    let mut step = 1;
    while step < N {
        // The keys of this step part the blocks every `N / step`, in the middle.
        let every = N / step;
        for (i, separator) in top[step..2 * step].iter_mut().enumerate() {
            *separator = keys[every / 2 + i * every];
        }
        step *= 2;
    }
}

/// Where among the keys of its node a key falls that is not below the first.
#[inline]
pub(super) fn rank_in(node: &Node, key: i32) -> usize {
    // Four sums: a single one is compiled to a mask and the counting of its bits one by one.
    let mut at_or_below = [0; 4];
    for separators in node.0.as_chunks::<4>().0 {
        for (count, &separator) in at_or_below.iter_mut().zip(separators) {
            *count += i32::from(separator <= key);
        }
    }
    (at_or_below.iter().sum::<i32>() - 1) as usize
}

#[inline]
pub(super) fn flat(nodes: &[Node]) -> &[i32] {
    // SAFETY: a node is 16 keys and, being as large as it is aligned, nothing else.
    unsafe { std::slice::from_raw_parts(nodes.as_ptr().cast(), nodes.len() * NODE) }
}

#[inline]
fn flat_mut(nodes: &mut [Node]) -> &mut [i32] {
    // SAFETY: as in `flat`, and any 16 keys are a node.
    unsafe { std::slice::from_raw_parts_mut(nodes.as_mut_ptr().cast(), nodes.len() * NODE) }
}
