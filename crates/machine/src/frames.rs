//! Which frame holds which page.
//!
//! Frame number = physical address / 4 KiB. The books are kept in blocks of 128 MiB, made when a
//! block's first frame is used: 128 KiB of owners and 4 KiB of bits for each, so that hundreds of
//! GiB of free memory cost some bytes per block.

use std::ops::Range;

use crate::node::{BLOCK_SZ, Nodes};
use crate::vectors::Vectors;

/// Bytes of a page and of a frame.
pub const PAGE_SZ: u64 = 4096;
/// Bytes of a huge page.
pub const HUGE_SZ: u64 = 2 << 20;
/// Frames of a huge page.
pub(crate) const HUGE_FRAMES: u32 = (HUGE_SZ / PAGE_SZ) as u32;
const HUGE_WORDS: usize = (HUGE_FRAMES / u64::BITS) as usize;
const BLOCK_FRAMES: u32 = (BLOCK_SZ / PAGE_SZ) as u32;
const BLOCK_WORDS: usize = (BLOCK_FRAMES / u64::BITS) as usize;
const NO_NODE: u8 = u8::MAX;

#[derive(Debug)]
struct Block {
    /// Page held by each frame in use; stale for free frames.
    owners: Box<[u32]>,
    /// Where its bits are.
    bits: u32,
}

/// One bit per frame in use.
type Bits = [u64; BLOCK_WORDS];

/// The bits of every block that is full.
const FULL: u32 = 0;

/// A block to draw frames from, as a word: below, its first frame; above, which bits tell what is in
/// use, [`FULL`] or its own. So draws from full blocks touch but few cache lines.
fn draw_of(first: u32, bits: u32) -> u64 {
    u64::from(bits) << 32 | u64::from(first)
}

/// The frames in use, to be drawn from.
///
/// Places are all frames of the blocks in use; a draw of one that is not in use is drawn again.
/// Memory fills from the bottom, so nearly every draw is in use. Touches a count, and a bit where the
/// block is not full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FramesToDraw<'a> {
    draws: &'a [u64],
    bits: &'a [Bits],
    places: u32,
}

impl FramesToDraw<'_> {
    /// 64 random bits times the places: a place, in the upper half, and a fraction of 2^32. What is
    /// left of the 64 bits for either leaves both even to 2^-32.
    #[inline(always)]
    pub(crate) fn place<V: Vectors>(&self, v: V, random: V::Row) -> V::Row {
        let places = v.splat(u64::from(self.places));
        // The upper 64 of the product's 96 bits.
        let upper = v.mul_low(v.shr::<32>(random), places);
        v.add(upper, v.shr::<32>(v.mul_low(random, places)))
    }

    /// First byte of the frame of each place, and which are in use.
    #[inline(always)]
    pub(crate) fn look<V: Vectors>(&self, v: V, places: V::Row) -> (V::Row, u8) {
        let block = v.shr::<{ 32 + BLOCK_FRAMES.ilog2() }>(places);
        let within = v.and(v.shr::<32>(places), v.splat(u64::from(BLOCK_FRAMES - 1)));
        let draw = v.gather(self.draws, block);
        let (first, bits) = (v.and(draw, v.splat(0xFFFF_FFFF)), v.shr::<32>(draw));
        let addresses = v.shl::<{ PAGE_SZ.ilog2() }>(v.add(first, within));
        // As good as always all blocks are full, or hardly ever: a branch that is foreseen.
        if v.less(v.splat(u64::from(FULL)), bits) == 0 {
            return (addresses, u8::MAX);
        }
        let word = v.shr::<{ u64::BITS.ilog2() }>(within);
        let word = v.add(v.shl::<{ BLOCK_WORDS.ilog2() }>(bits), word);
        (addresses, v.bits(v.gather(self.bits.as_flattened(), word), within))
    }
}

/// All frames of the machine.
#[derive(Debug)]
pub(crate) struct Frames {
    blocks: Vec<Option<Block>>,
    /// Of a full block, then of all blocks that were made.
    bits: Vec<Bits>,
    /// Frames in use in each block.
    used_frames: Vec<u32>,
    /// Blocks with a frame in use.
    draws: Vec<u64>,
    /// Where among those each block is, if it is.
    drawn_at: Vec<u32>,
    /// Node of each block.
    block_nodes: Vec<u8>,
    /// Per node: no frame below this one is free.
    lowest_free: Vec<u32>,
    /// Per node: no run of frames for a huge page that starts below this one is free.
    lowest_free_run: Vec<u32>,
    /// Per node: frames in use.
    node_used: Vec<u64>,
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
            bits: vec![[u64::MAX; BLOCK_WORDS]],
            used_frames: vec![0; block_nodes.len()],
            draws: Vec::new(),
            drawn_at: vec![0; block_nodes.len()],
            block_nodes,
            lowest_free_run: lowest_free.clone(),
            node_used: vec![0; lowest_free.len()],
            lowest_free,
        }
    }

    /// The frames of the bytes from `start` to `end`, as far as the machine has any.
    pub(crate) fn within(&self, start: u64, end: u64) -> Range<u32> {
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
            let (_, used) = made(&mut self.blocks[index], &mut self.bits);
            let within = *lowest % BLOCK_FRAMES;
            let used = &mut used[(within / u64::BITS) as usize];
            let free = !*used & (u64::MAX << (within % u64::BITS));
            if free != 0 && self.used_frames[index] < BLOCK_FRAMES {
                let bit = free.trailing_zeros();
                *used |= 1 << bit;
                let frame = *lowest - within % u64::BITS + bit;
                *lowest = frame + 1;
                self.take(index, 1);
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

    /// Free frames of the block that a node, if it is not full, is filling: to take those begins no
    /// other.
    pub(crate) fn left_in_block(&self, nid: u32) -> u32 {
        let index = (self.lowest_free[nid as usize] / BLOCK_FRAMES) as usize;
        match self.used_frames.get(index) {
            Some(&used) if used > 0 => BLOCK_FRAMES - used,
            _ => 0,
        }
    }

    /// Takes the lowest free frames of a node for pages that have none there, until one or the other
    /// end; tells each page and its frame.
    pub(crate) fn settle(
        &mut self,
        nodes: &Nodes,
        nid: u32,
        mut pages: &[u32],
        mut each: impl FnMut(u32, u32),
    ) {
        let Some(node) = nodes.get(nid) else { return };
        let end = ((node.start + node.bytes) / PAGE_SZ) as u32;
        let mut at = self.lowest_free[nid as usize];
        while at < end && !pages.is_empty() {
            let index = (at / BLOCK_FRAMES) as usize;
            if self.used_frames[index] == BLOCK_FRAMES {
                at = (at / BLOCK_FRAMES + 1) * BLOCK_FRAMES;
                continue;
            }
            let (owners, used) = made(&mut self.blocks[index], &mut self.bits);
            let within = at % BLOCK_FRAMES;
            let (first, word) = (at - within % u64::BITS, (within / u64::BITS) as usize);
            let owners = &mut owners.as_chunks_mut::<{ u64::BITS as usize }>().0[word];
            let free = !used[word] & (u64::MAX << (within % u64::BITS));
            let mut left = free;
            if free == u64::MAX
                && let Some((all, others)) = pages.split_first_chunk()
            {
                *owners = *all;
                (first..).zip(all).for_each(|(frame, &page)| each(page, frame));
                (pages, left) = (others, 0);
            } else {
                let settled = (free.count_ones() as usize).min(pages.len());
                let (here, others) = pages.split_at(settled);
                for &page in here {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    owners[bit as usize] = page;
                    each(page, first + bit);
                }
                pages = others;
            }
            used[word] |= free ^ left;
            if free != left {
                self.take(index, (free ^ left).count_ones());
            }
            // Up to the first that is left, or to the next word.
            at = first + left.trailing_zeros();
        }
        self.lowest_free[nid as usize] = at;
    }

    /// What draws from the frames in use, each as likely as another; none if there are none.
    #[inline(always)]
    pub(crate) fn to_draw(&self) -> Option<FramesToDraw<'_>> {
        // A frame number is below 2^32 - 1: the page table holds one more than it.
        let places = u32::try_from(self.draws.len() as u64 * u64::from(BLOCK_FRAMES));
        let places = places.unwrap_or(u32::MAX);
        (places > 0).then_some(FramesToDraw { draws: &self.draws, bits: &self.bits, places })
    }

    fn used(&self, block: usize) -> Option<&Bits> {
        let block = self.blocks.get(block)?.as_ref()?;
        Some(&self.bits[block.bits as usize])
    }

    fn is_used(&self, block: u32, within: u32) -> bool {
        let word = (within / u64::BITS) as usize;
        let used = self.used(block as usize);
        used.is_some_and(|used| used[word] >> (within % u64::BITS) & 1 == 1)
    }

    /// Takes the lowest free run of frames that can hold a huge page.
    pub(crate) fn allocate_run(&mut self, nodes: &Nodes, nid: u32) -> Option<u32> {
        let node = nodes.get(nid)?;
        let end = ((node.start + node.bytes) / PAGE_SZ) as u32;
        let mut start = self.lowest_free_run.get(nid as usize)?.next_multiple_of(HUGE_FRAMES);
        while start < end {
            let index = (start / BLOCK_FRAMES) as usize;
            if self.used_frames[index] > BLOCK_FRAMES - HUGE_FRAMES {
                start = (start / BLOCK_FRAMES + 1) * BLOCK_FRAMES;
                continue;
            }
            let (_, used) = made(&mut self.blocks[index], &mut self.bits);
            let word = (start % BLOCK_FRAMES / u64::BITS) as usize;
            let run = &mut used[word..word + HUGE_WORDS];
            if run.iter().all(|&word| word == 0) {
                run.fill(u64::MAX);
                self.lowest_free_run[nid as usize] = start + HUGE_FRAMES;
                self.take(index, HUGE_FRAMES);
                return Some(start);
            }
            start += HUGE_FRAMES;
        }
        self.lowest_free_run[nid as usize] = end;
        None
    }

    /// Counts frames of a block as used.
    fn take(&mut self, index: usize, frames: u32) {
        let Some(block) = &self.blocks[index] else { return };
        if self.used_frames[index] == 0 {
            self.drawn_at[index] = self.draws.len() as u32;
            self.draws.push(draw_of(index as u32 * BLOCK_FRAMES, block.bits));
        }
        self.used_frames[index] += frames;
        if self.used_frames[index] == BLOCK_FRAMES {
            self.draws[self.drawn_at[index] as usize] = draw_of(index as u32 * BLOCK_FRAMES, FULL);
        }
        self.node_used[usize::from(self.block_nodes[index])] += u64::from(frames);
    }

    /// Frames in use on a node.
    pub(crate) fn node_used(&self, nid: u32) -> u64 {
        self.node_used.get(nid as usize).copied().unwrap_or(0)
    }

    /// The first frame in use from `from` on, below `end`.
    pub(crate) fn next_used(&self, from: u32, end: u32) -> Option<u32> {
        let mut frame = from;
        while frame < end {
            let index = (frame / BLOCK_FRAMES) as usize;
            let Some(used) = self.used(index).filter(|_| self.used_frames[index] > 0) else {
                frame = (frame / BLOCK_FRAMES + 1) * BLOCK_FRAMES;
                continue;
            };
            let within = frame % BLOCK_FRAMES;
            let first = frame - within % u64::BITS;
            let bits = used[(within / u64::BITS) as usize] & mask(first, &(frame..end));
            if bits != 0 {
                return Some(first + bits.trailing_zeros());
            }
            frame = first + u64::BITS;
        }
        None
    }

    /// The page that a frame holds, if it is in use.
    pub(crate) fn page_at(&self, frame: u32) -> Option<u32> {
        if !self.blocks.get((frame / BLOCK_FRAMES) as usize)?.is_some() {
            return None;
        }
        self.is_used(frame / BLOCK_FRAMES, frame % BLOCK_FRAMES).then(|| self.owner(frame))?
    }

    fn owner(&self, frame: u32) -> Option<u32> {
        let block = self.blocks[(frame / BLOCK_FRAMES) as usize].as_ref()?;
        Some(block.owners[(frame % BLOCK_FRAMES) as usize])
    }

    /// The pages that a range of frames holds, ascending by frame, one after the other.
    pub(crate) fn pages_in(&self, frames: Range<u32>, pages: &mut Vec<u32>) {
        let mut at = frames.start;
        while at < frames.end {
            let (index, base) = ((at / BLOCK_FRAMES) as usize, at - at % BLOCK_FRAMES);
            let end = (base + BLOCK_FRAMES).min(frames.end);
            if let Some(Some(block)) = self.blocks.get(index)
                && self.used_frames[index] > 0
            {
                let owners = block.owners.as_chunks::<{ u64::BITS as usize }>().0;
                let used = &self.bits[block.bits as usize];
                let words = (at - base) / u64::BITS..(end - base).div_ceil(u64::BITS);
                for word in words {
                    let part = mask(base + word * u64::BITS, &frames);
                    let bits = used[word as usize] & part;
                    let owners = &owners[word as usize];
                    if bits == u64::MAX {
                        pages.extend_from_slice(owners);
                    } else {
                        pages.extend(each_bit(bits).map(|bit| owners[bit as usize]));
                    }
                }
            }
            at = end;
        }
    }

    pub(crate) fn free(&mut self, frame: u32) {
        self.free_word(frame / u64::BITS, 1 << (frame % u64::BITS));
    }

    /// Frees frames; those that come by ascending number cost least.
    pub(crate) fn free_all(&mut self, frames: impl Iterator<Item = u32>) {
        let mut frames = frames.peekable();
        while let Some(frame) = frames.next() {
            let word = frame / u64::BITS;
            let mut bits = 1 << (frame % u64::BITS);
            while let Some(next) = frames.next_if(|next| next / u64::BITS == word) {
                bits |= 1 << (next % u64::BITS);
            }
            self.free_word(word, bits);
        }
    }

    /// Frees those of 64 frames whose bits are set: some, all of them in use.
    fn free_word(&mut self, word: u32, bits: u64) {
        let frame = word * u64::BITS + bits.trailing_zeros();
        let index = (frame / BLOCK_FRAMES) as usize;
        if let Some(block) = &self.blocks[index] {
            self.bits[block.bits as usize][word as usize % BLOCK_WORDS] &= !bits;
            self.used_frames[index] -= bits.count_ones();
            let drawn_at = self.drawn_at[index] as usize;
            self.draws[drawn_at] = draw_of(index as u32 * BLOCK_FRAMES, block.bits);
            if self.used_frames[index] == 0 {
                self.draws.swap_remove(drawn_at);
                if let Some(moved) = self.draws.get(drawn_at) {
                    self.drawn_at[(*moved as u32 / BLOCK_FRAMES) as usize] = drawn_at as u32;
                }
            }
            let nid = usize::from(self.block_nodes[index]);
            self.node_used[nid] -= u64::from(bits.count_ones());
            let lowest = &mut self.lowest_free[nid];
            *lowest = (*lowest).min(frame);
            let lowest = &mut self.lowest_free_run[nid];
            *lowest = (*lowest).min(frame - frame % HUGE_FRAMES);
        }
    }

    /// Frames in use within `frames`, given to `each` as (node, count) per block.
    /// O(blocks), plus O(words) for the two blocks at the ends.
    pub(crate) fn count_used(&self, frames: Range<u32>, mut each: impl FnMut(u32, u64)) {
        let mut frame = frames.start;
        while frame < frames.end {
            let index = (frame / BLOCK_FRAMES) as usize;
            let block = index as u32 * BLOCK_FRAMES..(index as u32 + 1) * BLOCK_FRAMES;
            let part = frame..block.end.min(frames.end);
            frame = block.end;
            if let Some(bits) = self.used(index) {
                let used = self.count_of(bits, self.used_frames[index], &block, &part);
                each(u32::from(self.block_nodes[index]), u64::from(used));
            }
        }
    }

    /// Frames in use of a part of a block, of whose frames `all` are: of most of it by what is not
    /// of the part.
    fn count_of(&self, bits: &Bits, all: u32, block: &Range<u32>, part: &Range<u32>) -> u32 {
        match all {
            0 => 0,
            BLOCK_FRAMES => part.len() as u32,
            _ if part.len() <= block.len() / 2 => count(bits, part),
            _ => {
                all - count(bits, &(block.start..part.start)) - count(bits, &(part.end..block.end))
            }
        }
    }
}

/// The owners and the bits of a block, which is made if it was not.
fn made<'a>(
    block: &'a mut Option<Block>,
    bits: &'a mut Vec<Bits>,
) -> (&'a mut [u32], &'a mut Bits) {
    let block = block.get_or_insert_with(|| {
        bits.push([0; BLOCK_WORDS]);
        let owners = vec![0; BLOCK_FRAMES as usize].into_boxed_slice();
        Block { owners, bits: bits.len() as u32 - 1 }
    });
    (&mut block.owners, &mut bits[block.bits as usize])
}

/// Frames in use of a part of a block.
fn count(used: &Bits, part: &Range<u32>) -> u32 {
    if part.is_empty() {
        return 0;
    }
    let base = part.start / BLOCK_FRAMES * BLOCK_FRAMES;
    let first_word = ((part.start - base) / u64::BITS) as usize;
    let last_word = ((part.end - 1 - base) / u64::BITS) as usize;
    (first_word..=last_word)
        .map(|word| {
            let first = base + word as u32 * u64::BITS;
            (used[word] & mask(first, part)).count_ones()
        })
        .sum()
}

/// Numbers of the bits that are set, ascending.
fn each_bit(mut bits: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(bit)
    })
}

/// Bits of the word whose bit 0 is `first` that lie in `range`.
fn mask(first: u32, range: &Range<u32>) -> u64 {
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
    use crate::vectors::{LANES, Portable};
    use proptest::prelude::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    proptest! {
        /// Against the obvious model: a set of frames.
        #[test]
        fn counting_walking_and_freeing_equal_a_set_of_frames(
            pages in 0u32..3000,
            runs in 0u32..4,
            holes in prop::collection::vec((0u32..3100, 0u32..300), 0..10),
            settled in 0u32..400,
            left in prop::collection::vec(0u32..3500, 0..200),
            probes in prop::collection::vec((0u32..70_000, 0u32..70_000), 1..10),
        ) {
            let nodes = Nodes::new(&[NodeConfig::dram(0, 2 * BLOCK_SZ)]).unwrap();
            let mut frames = Frames::new(&nodes);
            let mut model = std::collections::BTreeMap::new();
            for page in 0..pages {
                let frame = frames.allocate(&nodes, 0).unwrap();
                frames.set_owner(frame, page);
                prop_assert!(model.insert(frame, page).is_none());
            }
            for (start, len) in holes {
                let (mut seen, mut at) = (Vec::new(), start);
                while let Some(frame) = frames.next_used(at, start + len) {
                    let page = frames.page_at(frame).unwrap();
                    seen.push(page);
                    if page.is_multiple_of(2) { frames.free(frame) }
                    at = frame + 1;
                }
                let expected: Vec<_> = model.range(start..start + len).map(|(_, page)| *page).collect();
                prop_assert_eq!(&seen, &expected);
                let (mut seen, mut odd) = (Vec::new(), expected);
                odd.retain(|page| page % 2 == 1);
                frames.pages_in(start..start + len, &mut seen);
                prop_assert_eq!(seen, odd);
                model.retain(|frame, page| !(start..start + len).contains(frame) || *page % 2 == 1);
            }
            let mut told = Vec::new();
            let settling: Vec<_> = (pages..pages + settled).collect();
            frames.settle(&nodes, 0, &settling, |page, frame| told.push((page, frame)));
            let free = (0..).filter(|frame| !model.contains_key(frame));
            let expected: Vec<_> = (pages..pages + settled).zip(free).collect();
            prop_assert_eq!(&told, &expected);
            model.extend(told.into_iter().map(|(page, frame)| (frame, page)));
            let left: Vec<_> = left.into_iter().filter(|frame| model.remove(frame).is_some()).collect();
            frames.free_all(left.into_iter());
            for run in 0..runs {
                let is_free = |start: &u32| model.range(*start..*start + HUGE_FRAMES).next().is_none();
                let expected = (0..).step_by(HUGE_FRAMES as usize).find(is_free);
                prop_assert_eq!(frames.allocate_run(&nodes, 0), expected);
                let start = expected.unwrap();
                for frame in start..start + HUGE_FRAMES {
                    frames.set_owner(frame, 100_000 + run);
                    model.insert(frame, 100_000 + run);
                }
            }
            prop_assert_eq!(frames.node_used(0), model.len() as u64);
            for (a, b) in probes {
                let (start, end) = (a.min(b), a.max(b));
                let mut used = 0;
                frames.count_used(start..end, |_, count| used += count);
                prop_assert_eq!(used, model.range(start..end).count() as u64);
                prop_assert_eq!(frames.page_at(a), model.get(&a).copied());
            }
            // Every frame drawn is in use, and (thrice as many draws as to miss one once in e^20)
            // every frame in use is drawn.
            if !model.is_empty() && model.len() < 300 {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(u64::from(pages));
                let draw = frames.to_draw().unwrap();
                let rows = (0..).map(|_| [(); LANES].map(|()| random.next_u64()));
                let looks = rows.map(|row| draw.look(Portable, draw.place(Portable, row)));
                let used = looks.flat_map(|(addresses, used)| {
                    (0..LANES).filter(move |lane| used >> lane & 1 == 1).map(move |lane| addresses[lane])
                });
                let drawn: std::collections::BTreeSet<_> = used.take(100 * model.len()).collect();
                let frames = model.keys().map(|frame| u64::from(*frame) * PAGE_SZ);
                prop_assert!(drawn.into_iter().eq(frames));
            }
            let lowest = (0..).find(|frame| !model.contains_key(frame));
            prop_assert_eq!(frames.allocate(&nodes, 0), lowest);
        }
    }
}
