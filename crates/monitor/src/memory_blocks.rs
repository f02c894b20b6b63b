//! Which memory a recording has touched so far, in blocks of 128 MiB.

use damon_core::region::Range;

/// Linux's memory block on x86-64: memory comes and goes in such blocks, so one access shows that
/// all of its block is there.
const BLOCK_SHIFT: u32 = 27;

/// A growing set of memory blocks. 4 MiB at most, for 52-bit addresses.
#[derive(Debug, Default)]
pub(crate) struct MemoryBlocks {
    words: Vec<u64>,
}

impl MemoryBlocks {
    /// Adds the block of an address; true if it is new.
    pub(crate) fn touch(&mut self, address: u64) -> bool {
        let block = (address >> BLOCK_SHIFT) as usize;
        let (word, bit) = (block / 64, 1u64 << (block % 64));
        match self.words.get_mut(word) {
            Some(bits) if *bits & bit != 0 => false,
            Some(bits) => {
                *bits |= bit;
                true
            }
            None => {
                self.words.resize(word + 1, 0);
                self.words[word] |= bit;
                true
            }
        }
    }

    /// The touched memory, neighbouring blocks joined.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        for (index, &word) in self.words.iter().enumerate() {
            let mut bits = word;
            while bits != 0 {
                let block = (index * 64) as u64 + u64::from(bits.trailing_zeros());
                bits &= bits - 1;
                let (start, end) = (block << BLOCK_SHIFT, (block + 1) << BLOCK_SHIFT);
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => ranges.push(Range { start, end }),
                }
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_blocks_join_into_ranges() {
        let mut blocks = MemoryBlocks::default();
        let block = 1u64 << BLOCK_SHIFT;
        assert!(blocks.touch(3 * block + 5));
        assert!(!blocks.touch(4 * block - 1));
        assert!(blocks.touch(200 * block));
        assert!(blocks.touch(4 * block));
        let expected = [(3, 5), (200, 201)];
        let expected = expected.map(|(a, b)| Range { start: a * block, end: b * block });
        assert_eq!(blocks.ranges(), expected);
    }
}
