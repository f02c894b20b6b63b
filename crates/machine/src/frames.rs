//! Which frame holds which page.
//!
//! Frame number = physical address / 4 KiB. The books are kept in blocks of 128 MiB, made when a
//! block's first frame is used: 128 KiB of owners and 4 KiB of bits for each, so that hundreds of
//! GiB of free memory cost a pointer per block.

use rand_core::Rng;

use crate::node::{BLOCK_SZ, Nodes};

/// Bytes of a page and of a frame.
pub const PAGE_SZ: u64 = 4096;
const BLOCK_FRAMES: u32 = (BLOCK_SZ / PAGE_SZ) as u32;
const BLOCK_WORDS: usize = (BLOCK_FRAMES / u64::BITS) as usize;
const NO_NODE: u8 = u8::MAX;

#[derive(Debug)]
struct Block {
    /// Page held by each frame in use; stale for free frames.
    owners: Box<[u32]>,
    /// One bit per frame in use.
    used: [u64; BLOCK_WORDS],
}

impl Block {
    fn new() -> Box<Self> {
        Box::new(Self {
            owners: vec![0; BLOCK_FRAMES as usize].into_boxed_slice(),
            used: [0; BLOCK_WORDS],
        })
    }
}

/// All frames of the machine.
#[derive(Debug)]
pub(crate) struct Frames {
    blocks: Vec<Option<Box<Block>>>,
    /// Frames in use in each block. Apart from the blocks, so that all counts fit a cache.
    used_frames: Vec<u32>,
    /// Blocks with a frame in use, in the order of their first.
    used_blocks: Vec<u32>,
    /// Node of each block.
    block_nodes: Vec<u8>,
    /// Per node: no frame below this one is free.
    lowest_free: Vec<u32>,
}

impl Frames {
    pub(crate) fn new(nodes: &Nodes) -> Self {
        let mut block_nodes = Vec::new();
        let mut lowest_free = Vec::new();
        for (nid, node) in nodes.iter() {
            block_nodes.resize((node.start / BLOCK_SZ) as usize, NO_NODE);
            block_nodes.resize(((node.start + node.bytes) / BLOCK_SZ) as usize, nid as u8);
            lowest_free.push((node.start / PAGE_SZ) as u32);
        }
        Self {
            blocks: block_nodes.iter().map(|_| None).collect(),
            used_frames: vec![0; block_nodes.len()],
            used_blocks: Vec::new(),
            block_nodes,
            lowest_free,
        }
    }

    /// The frames of the bytes from `start` to `end`, as far as the machine has any.
    pub(crate) fn within(&self, start: u64, end: u64) -> std::ops::Range<u32> {
        let frames = self.blocks.len() as u64 * u64::from(BLOCK_FRAMES);
        let frame = |address: u64| (address / PAGE_SZ).min(frames) as u32;
        frame(start)..frame(end)
    }

    /// The node of a frame.
    pub(crate) fn node_of(&self, frame: u32) -> Option<u32> {
        match self.block_nodes.get((frame / BLOCK_FRAMES) as usize) {
            Some(&nid) if nid != NO_NODE => Some(u32::from(nid)),
            _ => None,
        }
    }

    pub(crate) fn set_owner(&mut self, frame: u32, page: u32) {
        if let Some(block) = &mut self.blocks[(frame / BLOCK_FRAMES) as usize] {
            block.owners[(frame % BLOCK_FRAMES) as usize] = page;
        }
    }

    /// Takes the lowest free frame of a node: memory fills from the bottom, as a fresh machine's.
    pub(crate) fn allocate(&mut self, nodes: &Nodes, nid: u32) -> Option<u32> {
        let node = nodes.get(nid)?;
        let end = ((node.start + node.bytes) / PAGE_SZ) as u32;
        let lowest = self.lowest_free.get_mut(nid as usize)?;
        while *lowest < end {
            let index = (*lowest / BLOCK_FRAMES) as usize;
            let block = self.blocks[index].get_or_insert_with(Block::new);
            let within = *lowest % BLOCK_FRAMES;
            let word = (within / u64::BITS) as usize;
            let free = !block.used[word] & (u64::MAX << (within % u64::BITS));
            if free != 0 && self.used_frames[index] < BLOCK_FRAMES {
                let bit = free.trailing_zeros();
                block.used[word] |= 1 << bit;
                if self.used_frames[index] == 0 {
                    self.used_blocks.push(index as u32);
                }
                self.used_frames[index] += 1;
                let frame = *lowest - within % u64::BITS + bit;
                *lowest = frame + 1;
                return Some(frame);
            }
            *lowest = if self.used_frames[index] == BLOCK_FRAMES {
                (*lowest / BLOCK_FRAMES + 1) * BLOCK_FRAMES
            } else {
                *lowest - within % u64::BITS + u64::BITS
            };
        }
        None
    }

    /// A frame in use, each as likely as another. Some frame must be in use.
    ///
    /// Draws among all frames of the blocks in use until one is in use: memory fills from the
    /// bottom, so nearly every draw is. Touches a count, and a bit where the block is not full.
    pub(crate) fn random_used(&self, random: &mut impl Rng) -> u32 {
        let places = u128::from(self.used_blocks.len() as u64 * u64::from(BLOCK_FRAMES));
        loop {
            let place = ((u128::from(random.next_u64()) * places) >> 64) as u32;
            let block = self.used_blocks[(place / BLOCK_FRAMES) as usize];
            let within = place % BLOCK_FRAMES;
            if self.used_frames[block as usize] == BLOCK_FRAMES || self.is_used(block, within) {
                return block * BLOCK_FRAMES + within;
            }
        }
    }

    fn is_used(&self, block: u32, within: u32) -> bool {
        let word = (within / u64::BITS) as usize;
        let block = self.blocks[block as usize].as_ref();
        block.is_some_and(|block| block.used[word] >> (within % u64::BITS) & 1 == 1)
    }

    /// Calls `each` with (frame, page) for the frames in use in `frames`, ascending, and frees those
    /// for which it says so. `each` may allocate through the reference it is given.
    pub(crate) fn evacuate(
        &mut self,
        frames: std::ops::Range<u32>,
        mut each: impl FnMut(&mut Self, u32) -> bool,
    ) {
        let mut frame = frames.start;
        while frame < frames.end {
            let index = (frame / BLOCK_FRAMES) as usize;
            let within = frame % BLOCK_FRAMES;
            let word = (within / u64::BITS) as usize;
            let first = frame - within % u64::BITS;
            let Some(block) = self.blocks.get(index).and_then(Option::as_ref) else {
                frame = (frame / BLOCK_FRAMES + 1) * BLOCK_FRAMES;
                continue;
            };
            let mut bits = block.used[word] & mask(first, &(frame..frames.end));
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                let Some(page) = self.owner(first + bit) else { continue };
                if each(self, page) {
                    self.free(first + bit);
                }
            }
            frame = first + u64::BITS;
        }
    }

    fn owner(&self, frame: u32) -> Option<u32> {
        let block = self.blocks[(frame / BLOCK_FRAMES) as usize].as_ref()?;
        Some(block.owners[(frame % BLOCK_FRAMES) as usize])
    }

    fn free(&mut self, frame: u32) {
        let index = (frame / BLOCK_FRAMES) as usize;
        if let Some(block) = &mut self.blocks[index] {
            let within = frame % BLOCK_FRAMES;
            block.used[(within / u64::BITS) as usize] &= !(1 << (within % u64::BITS));
            self.used_frames[index] -= 1;
            if self.used_frames[index] == 0 {
                self.used_blocks.retain(|&used| used as usize != index);
            }
            let lowest = &mut self.lowest_free[usize::from(self.block_nodes[index])];
            *lowest = (*lowest).min(frame);
        }
    }

    /// Cuts `frames` where the node changes; frames of no node are left out.
    pub(crate) fn parts_by_node(
        &self,
        frames: std::ops::Range<u32>,
    ) -> impl Iterator<Item = (u32, std::ops::Range<u32>)> + '_ {
        let mut next = frames.start;
        std::iter::from_fn(move || {
            while next < frames.end {
                let node = self.node_of(next);
                let start = next;
                while next < frames.end && self.node_of(next) == node {
                    next = ((next / BLOCK_FRAMES + 1) * BLOCK_FRAMES).min(frames.end);
                }
                if let Some(node) = node {
                    return Some((node, start..next));
                }
            }
            None
        })
    }

    /// Frames in use within `frames`, given to `each` as (node, count) per block.
    /// O(blocks), plus O(words) for the two blocks at the ends.
    pub(crate) fn count_used(&self, frames: std::ops::Range<u32>, mut each: impl FnMut(u32, u64)) {
        let mut frame = frames.start;
        while frame < frames.end {
            let index = (frame / BLOCK_FRAMES) as usize;
            let block_end = (frame / BLOCK_FRAMES + 1) * BLOCK_FRAMES;
            let part = frame..block_end.min(frames.end);
            if let Some(Some(block)) = self.blocks.get(index) {
                let used = if part.len() == BLOCK_FRAMES as usize {
                    u64::from(self.used_frames[index])
                } else {
                    block.count(&part)
                };
                each(u32::from(self.block_nodes[index]), used);
            }
            frame = block_end;
        }
    }
}

impl Block {
    fn count(&self, part: &std::ops::Range<u32>) -> u64 {
        let base = part.start / BLOCK_FRAMES * BLOCK_FRAMES;
        let first_word = ((part.start - base) / u64::BITS) as usize;
        let last_word = ((part.end - 1 - base) / u64::BITS) as usize;
        (first_word..=last_word)
            .map(|word| {
                let first = base + word as u32 * u64::BITS;
                u64::from((self.used[word] & mask(first, part)).count_ones())
            })
            .sum()
    }
}

/// Bits of the word whose bit 0 is `first` that lie in `range`.
fn mask(first: u32, range: &std::ops::Range<u32>) -> u64 {
    let low = range.start.saturating_sub(first);
    let high = range.end.saturating_sub(first);
    if low >= u64::BITS {
        return 0;
    }
    let from_low = u64::MAX << low;
    if high >= u64::BITS { from_low } else { from_low & !(u64::MAX << high) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::NodeConfig;
    use proptest::prelude::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    proptest! {
        /// Against the obvious model: a set of frames.
        #[test]
        fn counting_and_evacuating_equal_a_set_of_frames(
            pages in 0u32..3000,
            holes in prop::collection::vec((0u32..3100, 0u32..300), 0..10),
            probes in prop::collection::vec((0u32..70_000, 0u32..70_000), 1..10),
        ) {
            let nodes = Nodes::new(&[NodeConfig { start: 0, bytes: 2 * BLOCK_SZ }]).unwrap();
            let mut frames = Frames::new(&nodes);
            let mut model = std::collections::BTreeMap::new();
            for page in 0..pages {
                let frame = frames.allocate(&nodes, 0).unwrap();
                frames.set_owner(frame, page);
                prop_assert!(model.insert(frame, page).is_none());
            }
            for (start, len) in holes {
                let mut seen = Vec::new();
                frames.evacuate(start..start + len, |_, page| { seen.push(page); page % 2 == 0 });
                let expected: Vec<_> = model.range(start..start + len).map(|(_, page)| *page).collect();
                prop_assert_eq!(seen, expected);
                model.retain(|frame, page| !(start..start + len).contains(frame) || *page % 2 == 1);
            }
            for (a, b) in probes {
                let (start, end) = (a.min(b), a.max(b));
                let mut used = 0;
                frames.count_used(start..end, |_, count| used += count);
                prop_assert_eq!(used, model.range(start..end).count() as u64);
            }
            // Every frame drawn is in use, and (thrice as many draws as to miss one once in e^20)
            // every frame in use is drawn.
            if !model.is_empty() && model.len() < 300 {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(u64::from(pages));
                let mut drawn = std::collections::BTreeSet::new();
                for _ in 0..60 * model.len() {
                    drawn.insert(frames.random_used(&mut random));
                }
                prop_assert!(drawn.iter().eq(model.keys()));
            }
            let lowest = (0..).find(|frame| !model.contains_key(frame));
            prop_assert_eq!(frames.allocate(&nodes, 0), lowest);
        }
    }
}
