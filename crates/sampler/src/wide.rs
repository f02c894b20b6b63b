//! Eight generators in step, which a vector unit does in about the time of one.
//!
//! Each is xoshiro256++ (Blackman, Vigna 2021). Their states come from SplitMix64, as its authors
//! advise; that any two of them meet within 2^64 draws has a probability below 2^-180.

use std::convert::Infallible;

use damon_machine::vectors::{LANES, Portable, RandomRows, Vectors};
use rand_core::{Rng, TryRng};
use rand_xoshiro::SplitMix64;

/// Eight generators, used as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    /// Word `n` of each state.
    words: [[u64; LANES]; 4],
    /// Of a row, what [`next_u64`](Rng::next_u64) has not yet given out: the last `left`.
    row: [u64; LANES],
    left: usize,
}

impl Wide {
    /// With states of their own, the next of `seeds`.
    pub(crate) fn new(seeds: &mut SplitMix64) -> Self {
        let mut words = [[0; LANES]; 4];
        words.as_flattened_mut().fill_with(|| seeds.next_u64());
        Self { words, row: [0; LANES], left: 0 }
    }
}

/// The next word of each.
impl RandomRows for Wide {
    #[inline(always)]
    fn row<V: Vectors>(&mut self, v: V) -> V::Row {
        let [first, second, third, fourth] = &mut self.words;
        let (a, b, c, d) = (v.load(first), v.load(second), v.load(third), v.load(fourth));
        let row = v.add(v.rotate::<23>(v.add(a, d)), a);
        let (c, d) = (v.xor(c, a), v.xor(d, b));
        v.store(v.xor(a, d), first);
        v.store(v.xor(b, c), second);
        v.store(v.xor(c, v.shl::<17>(b)), third);
        v.store(v.rotate::<45>(d), fourth);
        row
    }
}

/// Whole rows come one after the other; a part of one is the beginning of the next, whose rest is
/// lost.
impl TryRng for Wide {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        if self.left == 0 {
            self.row = self.row(Portable);
            self.left = LANES;
        }
        self.left -= 1;
        Ok(self.row[LANES - 1 - self.left])
    }

    #[inline(always)]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (rows, rest) = bytes.as_chunks_mut::<{ 8 * LANES }>();
        for row in rows {
            for (word, bytes) in self.row(Portable).into_iter().zip(row.as_chunks_mut::<8>().0) {
                *bytes = word.to_le_bytes();
            }
        }
        if !rest.is_empty() {
            let row = self.row(Portable).map(u64::to_le_bytes);
            rest.copy_from_slice(&row.as_flattened()[..rest.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn each_lane_is_the_published_generator_however_its_words_are_asked_for() {
        let wide = Wide::new(&mut SplitMix64::seed_from_u64(5));
        let mut lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let state = wide.words.map(|words| words[lane].to_le_bytes());
                Xoshiro256PlusPlus::from_seed(state.as_flattened().try_into().unwrap())
            })
            .collect();
        let expected: Vec<u64> =
            (0..5).flat_map(|_| lanes.iter_mut().map(Rng::next_u64).collect::<Vec<_>>()).collect();
        let (mut one_by_one, mut at_once) = (wide, wide);
        assert!(expected.iter().all(|word| one_by_one.next_u64() == *word));
        // Three rows, three bytes of the fourth, the whole fifth.
        let bytes: Vec<_> = expected.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut filled = [0; 195];
        at_once.fill_bytes(&mut filled);
        assert_eq!(filled, bytes[..195]);
        let mut filled = [0; 64];
        at_once.fill_bytes(&mut filled);
        assert_eq!(filled, bytes[256..]);
    }

    #[test]
    fn generators_of_one_seed_differ_in_every_lane() {
        let mut seeds = SplitMix64::seed_from_u64(5);
        let all = [Wide::new(&mut seeds), Wide::new(&mut seeds)];
        let firsts: std::collections::BTreeSet<u64> =
            all.into_iter().flat_map(|mut wide| (0..LANES).map(move |_| wide.next_u64())).collect();
        assert_eq!(firsts.len(), 2 * LANES);
    }
}
