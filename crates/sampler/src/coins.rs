//! Sixty-four biased coins at once.

use rand_core::Rng;

/// A probability as 24 binary digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bias(u32);

const DIGITS: usize = 24;
/// Digits side by side.
const LANES: usize = 8;
const ROWS: usize = DIGITS / LANES;

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
    /// they differ decides. Three digits in a row are a lane, so that vectors compare eight at once.
    #[inline(always)]
    pub(crate) fn toss(self, random: &mut impl Rng) -> u64 {
        let Self(bias) = self;
        if bias >> DIGITS != 0 {
            return u64::MAX;
        }
        let mut drawn = [[0; LANES]; ROWS];
        let Ok(()) = random.try_fill_bytes(bytemuck::cast_slice_mut(drawn.as_flattened_mut()));
        let (mut below, mut equal) = ([0; LANES], [u64::MAX; LANES]);
        for (row, drawn) in drawn.iter().enumerate() {
            for lane in 0..LANES {
                let weight = DIGITS - 1 - ROWS * lane - row;
                // All ones for a digit of 1, which a drawn 0 is below.
                let digit = (u64::from(bias) >> weight & 1).wrapping_neg();
                below[lane] |= equal[lane] & !drawn[lane] & digit;
                equal[lane] &= !(drawn[lane] ^ digit);
            }
        }
        // What equals the bias in all digits is not below it.
        (0..LANES).rev().fold(0, |later, lane| below[lane] | (equal[lane] & later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn every_coin_shows_its_share_and_knows_nothing_of_its_neighbour() {
        for share in [0.0, 1e-3, 0.25, 0.41, 0.999, 1.0] {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
            let tosses = 40_000;
            let (mut set, mut both, mut alone) = ([0u32; 64], 0u64, 0u32);
            for _ in 0..tosses {
                alone += u32::from(Bias::new(share).toss_one(&mut random));
                let coins = Bias::new(share).toss(&mut random);
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
