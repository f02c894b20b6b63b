//! Sixty-four biased coins at once.

use rand_core::Rng;

/// A probability as 24 binary digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bias(u32);

const DIGITS: u32 = 24;

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

    /// 64 independent bits, each set with this probability.
    ///
    /// Each coin compares a random binary fraction with the bias, digit by digit from the first, all
    /// 64 at once; most are decided after a few digits, so this takes about 7 draws instead of 64.
    pub(crate) fn toss(self, random: &mut impl Rng) -> u64 {
        let Self(bias) = self;
        if bias >> DIGITS != 0 {
            return u64::MAX;
        }
        let (mut below, mut undecided) = (0, u64::MAX);
        for digit in (0..DIGITS).rev() {
            let drawn = random.next_u64();
            // All ones for a digit of 1, where drawn zeros are below and ones undecided.
            let ones = u64::from(bias >> digit & 1).wrapping_neg();
            below |= undecided & !drawn & ones;
            undecided &= drawn ^ !ones;
            if undecided == 0 {
                break;
            }
        }
        // A coin still undecided equals the bias in all digits: not below.
        below
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
