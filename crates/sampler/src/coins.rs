//! Sixty-four biased coins at once.

use damon_machine::vectors::{LANES, RandomRows, Vectors};
use rand_core::Rng;

/// A probability as 24 binary digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bias(u32);

const DIGITS: usize = 24;
/// Of digits side by side.
const ROWS: usize = DIGITS / LANES;
/// By row and lane, the weight of a digit: three in a row are a lane.
const WEIGHTS: [[u64; LANES]; ROWS] = {
    let mut weights = [[0; LANES]; ROWS];
    let mut digit = 0;
    while digit < DIGITS {
        weights[digit % ROWS][digit / ROWS] = 1 << (DIGITS - 1 - digit);
        digit += 1;
    }
    weights
};

impl Bias {
    /// `share` rounded to 2^-24, from 0 to 1.
    pub(crate) fn new(share: f64) -> Self {
        // Cut off, not `round`: that is a call, for each CPU in each step.
        Self((share * f64::from(1 << DIGITS) + 0.5) as u32)
    }

    /// One coin.
    pub(crate) fn toss_one(self, random: &mut impl Rng) -> bool {
        let Self(bias) = self;
        random.next_u64() >> (64 - DIGITS) < u64::from(bias)
    }

    /// 64 independent bits, each set with this probability. 24 draws.
    ///
    /// Each coin compares a random binary fraction with the bias, digit by digit: the first in which
    /// they differ decides.
    #[inline(always)]
    pub(crate) fn toss<V: Vectors>(self, v: V, random: &mut impl RandomRows) -> u64 {
        let Self(bias) = self;
        if bias >> DIGITS != 0 {
            return u64::MAX;
        }
        let bias = v.splat(u64::from(bias));
        let (mut below, mut equal) = (v.splat(0), v.splat(u64::MAX));
        for weights in &WEIGHTS {
            let drawn = random.row(v);
            let digit = v.below(v.splat(0), v.and(bias, v.load(weights)));
            let differs = v.xor(drawn, digit);
            // A drawn 0 is below a digit of 1.
            below = v.or(below, v.and(equal, v.and(differs, digit)));
            equal = v.and(equal, v.xor(differs, v.splat(u64::MAX)));
        }
        // The first lane takes in the next, then the next two, then the next four. What equals the
        // bias in all digits is not below it.
        below = v.or(below, v.and(equal, v.further::<1>(below)));
        equal = v.and(equal, v.further::<1>(equal));
        below = v.or(below, v.and(equal, v.further::<2>(below)));
        equal = v.and(equal, v.further::<2>(equal));
        v.first(v.or(below, v.and(equal, v.further::<4>(below))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wide::Wide;
    use damon_machine::vectors::Portable;
    use rand_xoshiro::SplitMix64;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn every_coin_shows_its_share_and_knows_nothing_of_its_neighbour() {
        for share in [0.0, 1e-3, 0.25, 0.41, 0.999, 1.0] {
            let mut random = Wide::new(&mut SplitMix64::seed_from_u64(3));
            let tosses = 40_000;
            let (mut set, mut both, mut alone) = ([0u32; 64], 0u64, 0u32);
            for _ in 0..tosses {
                alone += u32::from(Bias::new(share).toss_one(&mut random));
                let coins = Bias::new(share).toss(Portable, &mut random);
                both += u64::from((coins & (coins >> 1)).count_ones());
                for (bit, count) in set.iter_mut().enumerate() {
                    *count += (coins >> bit & 1) as u32;
                }
            }
            let tolerance = 5.0 * (share * (1.0 - share) / f64::from(tosses)).sqrt() + 1e-7;
            for count in set.into_iter().chain([alone]) {
                assert!((f64::from(count) / f64::from(tosses) - share).abs() <= tolerance);
            }
            let pairs = both as f64 / (63.0 * f64::from(tosses));
            assert!((pairs - share * share).abs() <= tolerance, "{share}: {pairs}");
        }
    }
}
