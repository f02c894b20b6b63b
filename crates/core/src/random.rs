//! The generator that chooses where regions are cut: the kernel's own, so that a cut here is a cut
//! there. Source: `damon-core.md` 4.6 (four-word combined Tausworthe, `prandom_u32_state`).
//!
//! Millions of numbers are drawn in a row, and each step waits for the one before. A step is linear
//! in the bits of the words, and so are many at once: numbers are drawn ahead by the block, in lanes
//! that begin that many steps apart and go side by side. They are the same, in the same order.

/// The state: one word per component.
type Words = [u32; 4];

/// Lanes of a block, and the steps from one to the next: a power of two.
const LANES: usize = 8;
const STEPS: usize = 1 << STEPS_LOG2;
const STEPS_LOG2: u32 = 8;

/// The generator, with numbers drawn ahead.
#[derive(Clone)]
pub struct Random {
    /// After the numbers drawn ahead.
    words: Words,
    /// By step, one number of each lane.
    ahead: Box<[[u32; LANES]; STEPS]>,
    /// How many of those were taken, lane after lane.
    taken: usize,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { words, ahead: _, taken } = self;
        f.debug_struct("Random").field("words", words).field("taken", taken).finish_non_exhaustive()
    }
}

impl Random {
    /// The kernel's seeding from 64 bits: one 32-bit fold for all words, lifted over each
    /// component's smallest legal value.
    pub fn new(seed: u64) -> Self {
        let fold = ((seed >> 32) ^ (seed << 10) ^ seed) as u32;
        Self {
            words: [2, 8, 16, 128].map(|least| if fold < least { fold + least } else { fold }),
            ahead: Box::new([[0; LANES]; STEPS]),
            taken: LANES * STEPS,
        }
    }

    /// 32 uniform bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.taken == LANES * STEPS {
            self.draw_ahead();
        }
        let number = self.ahead[self.taken % STEPS][self.taken / STEPS];
        self.taken += 1;
        number
    }

    #[cold]
    #[inline(never)]
    fn draw_ahead(&mut self) {
        let mut lanes = [[0; LANES]; 4];
        for (component, (lanes, word)) in lanes.iter_mut().zip(&mut self.words).enumerate() {
            for lane in lanes {
                *lane = *word;
                *word = leap(component, *word);
            }
        }
        let [first, second, third, fourth] = &mut lanes;
        for numbers in self.ahead.iter_mut() {
            for (lane, number) in numbers.iter_mut().enumerate() {
                let words =
                    [&mut first[lane], &mut second[lane], &mut third[lane], &mut fourth[lane]];
                *number = 0;
                for (component, word) in words.into_iter().enumerate() {
                    *word = step(component, *word);
                    *number ^= *word;
                }
            }
        }
        self.taken = 0;
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

    /// As many [`range`](Self::range)s as there are places, in order, at less cost each.
    ///
    /// # Panics
    ///
    /// Debug builds, if `left >= right`.
    pub fn fill(&mut self, left: u8, right: u8, mut places: &mut [u8]) {
        debug_assert!(left < right);
        let span = u32::from(right - left);
        while !places.is_empty() {
            if self.taken == LANES * STEPS {
                self.draw_ahead();
            }
            let (lane, step) = (self.taken / STEPS, self.taken % STEPS);
            let numbers = &self.ahead[step..];
            let (here, rest) = places.split_at_mut(places.len().min(numbers.len()));
            for (place, numbers) in here.iter_mut().zip(numbers) {
                *place = left + ((u64::from(numbers[lane]) * u64::from(span)) >> 32) as u8;
            }
            self.taken += here.len();
            places = rest;
        }
    }
}

/// A component one step later.
#[inline(always)]
const fn step(component: usize, word: u32) -> u32 {
    // (mask, left shift, two shifts of the feedback) of each component.
    const COMPONENTS: [(u32, u32, u32, u32); 4] = [
        (0xFFFF_FFFE, 18, 6, 13),
        (0xFFFF_FFF8, 2, 2, 27),
        (0xFFFF_FFF0, 7, 13, 21),
        (0xFFFF_FF80, 13, 3, 12),
    ];
    let (mask, left, a, b) = COMPONENTS[component];
    ((word & mask) << left) ^ (((word << a) ^ word) >> b)
}

/// By component, what [`STEPS`] steps make of each bit.
const LEAPS: [[u32; 32]; 4] = {
    let mut leaps = [[0; 32]; 4];
    let mut component = 0;
    while component < 4 {
        let mut bit = 0;
        while bit < 32 {
            leaps[component][bit] = step(component, 1 << bit);
            bit += 1;
        }
        let mut doublings = 0;
        while doublings < STEPS_LOG2 {
            let once = leaps[component];
            let mut bit = 0;
            while bit < 32 {
                leaps[component][bit] = sum(&once, once[bit]);
                bit += 1;
            }
            doublings += 1;
        }
        component += 1;
    }
    leaps
};

/// A component [`STEPS`] steps later.
fn leap(component: usize, word: u32) -> u32 {
    sum(&LEAPS[component], word)
}

/// What becomes of a word of which each bit becomes `of_bits`.
const fn sum(of_bits: &[u32; 32], word: u32) -> u32 {
    let mut sum = 0;
    let mut bit = 0;
    while bit < 32 {
        sum ^= of_bits[bit] * (word >> bit & 1);
        bit += 1;
    }
    sum
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
    fn numbers_drawn_ahead_are_those_drawn_one_by_one() {
        for seed in [0, 1, 42, u64::MAX] {
            let mut random = Random::new(seed);
            let mut words = random.words;
            for drawn in 0..3 * LANES * STEPS + 7 {
                for (component, word) in words.iter_mut().enumerate() {
                    *word = step(component, *word);
                }
                let number = words.iter().fold(0, |sum, word| sum ^ word);
                assert_eq!(random.next_u32(), number, "{seed} {drawn}");
            }
        }
    }

    #[test]
    fn ranges_drawn_at_once_are_those_drawn_one_by_one() {
        let mut at_once = Random::new(42);
        let mut one_by_one = at_once.clone();
        for len in [0, 1, STEPS - 2, STEPS, 3, LANES * STEPS, 2 * LANES * STEPS + 5, 1] {
            let mut places = vec![0; len];
            at_once.fill(1, 10, &mut places);
            assert!(
                places.iter().all(|&place| u64::from(place) == one_by_one.range(1, 10)),
                "{len}"
            );
        }
        assert_eq!(at_once.next_u32(), one_by_one.next_u32());
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
