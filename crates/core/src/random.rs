//! The generator that chooses where regions are cut: the kernel's own, so that a cut here is a cut
//! there. Source: `damon-core.md` 4.6 (four-word combined Tausworthe, `prandom_u32_state`).

/// Four words of state, one per component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    words: [u32; 4],
}

impl Random {
    /// The kernel's seeding from 64 bits: one 32-bit fold for all words, lifted over each
    /// component's smallest legal value.
    pub fn new(seed: u64) -> Self {
        let fold = ((seed >> 32) ^ (seed << 10) ^ seed) as u32;
        Self { words: [2, 8, 16, 128].map(|least| if fold < least { fold + least } else { fold }) }
    }

    /// 32 uniform bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        // (mask, left shift, two shifts of the feedback) of each component.
        const COMPONENTS: [(u32, u32, u32, u32); 4] = [
            (0xFFFF_FFFE, 18, 6, 13),
            (0xFFFF_FFF8, 2, 2, 27),
            (0xFFFF_FFF0, 7, 13, 21),
            (0xFFFF_FF80, 13, 3, 12),
        ];
        let mut output = 0;
        for (word, (mask, left, a, b)) in self.words.iter_mut().zip(COMPONENTS) {
            *word = ((*word & mask) << left) ^ (((*word << a) ^ *word) >> b);
            output ^= *word;
        }
        output
    }

    /// Uniform over `[left, right)`. Kernel `damon_rand`.
    ///
    /// # Panics
    ///
    /// Debug builds, if `left >= right`.
    #[inline]
    pub fn range(&mut self, left: u64, right: u64) -> u64 {
        debug_assert!(left < right);
        let span = right - left;
        let scaled = match u32::try_from(span) {
            Ok(span) => (u64::from(self.next_u32()) * u64::from(span)) >> 32,
            Err(_) => {
                let high = u64::from(self.next_u32());
                let value = (high << 32) | u64::from(self.next_u32());
                ((u128::from(value) * u128::from(span)) >> 64) as u64
            }
        };
        left + scaled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_legal_words_and_a_range_stays_inside() {
        for seed in [0, 1, 7, 127, 1 << 33, u64::MAX] {
            let mut random = Random::new(seed);
            assert!(random.words.iter().zip([2, 8, 16, 128]).all(|(word, least)| *word >= least));
            for _ in 0..1000 {
                assert!((1..10).contains(&random.range(1, 10)));
                let wide = random.range(1 << 40, (1 << 40) + (1 << 35));
                assert!((1 << 40..(1 << 40) + (1 << 35)).contains(&wide));
            }
        }
    }

    #[test]
    fn draws_over_one_to_nine_are_even() {
        let mut random = Random::new(42);
        let mut counts = [0u32; 10];
        for _ in 0..90_000 {
            counts[random.range(1, 10) as usize] += 1;
        }
        assert!(counts[1..].iter().all(|count| (9_400..10_600).contains(count)), "{counts:?}");
    }

    #[test]
    fn draws_are_those_of_the_kernels_generator() {
        // Worked out from damon-core.md 4.6 by another program.
        for (seed, draws) in [
            (0, [1_574_944, 268_744, 1_109_394_980]),
            (1, [276_959_246, 18_909_696, 2_298_495_022]),
            (42, [3_053_367_555, 794_645_456, 722_109_529]),
            (0x0123_4567_89ab_cdef, [1_976_660_935, 2_350_886_939, 2_896_332_784_u32]),
        ] {
            let mut random = Random::new(seed);
            assert_eq!(draws.map(|_| random.next_u32()), draws, "{seed}");
        }
        let mut random = Random::new(42);
        // 3053367555 * 9 / 2^32, then 794645456 on top of 722109529, times 2^40 / 2^64
        assert_eq!(random.range(1, 10), 1 + 6);
        assert_eq!(random.range(5, 5 + (1 << 40)), 5 + 203_429_236_779);
    }
}
