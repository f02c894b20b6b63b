//! Hot and cold score: which regions a scheme with a quota serves first.

use crate::arithmetic::mult_frac;
use crate::attrs::Attrs;

/// Largest score; the priority histogram has one bucket for each.
pub const MAX_SCORE: u32 = 99;
const MAX_SUBSCORE: u32 = 100;
const MAX_AGE_LOG: i32 = 32;

/// What the priority of a region is made of, in permil of each other. The region's size has a
/// weight in the kernel's interface and no effect in its formula, so it has none here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// Weight of the access count.
    pub nr_accesses: u32,
    /// Weight of the age.
    pub age: u32,
}

/// Which end of the scale an action asks for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// Hottest first.
    Hot,
    /// Coldest first.
    Cold,
    /// All alike.
    None,
}

impl Score {
    /// 0..=99, larger is served first. `damon_hot_score`, `damon_cold_score`.
    pub fn of(self, nr_accesses: u32, age: u32, weights: Weights, attrs: &Attrs) -> u32 {
        match self {
            Self::Hot => hot(nr_accesses, age, weights, attrs),
            Self::Cold => MAX_SCORE - hot(nr_accesses, age, weights, attrs),
            Self::None => MAX_SCORE,
        }
    }
}

fn hot(nr_accesses: u32, age: u32, weights: Weights, attrs: &Attrs) -> u32 {
    let samples = u64::from(attrs.samples_per_aggregation());
    let frequency = mult_frac(u64::from(nr_accesses), u64::from(MAX_SUBSCORE), samples) as u32;
    let seconds = (u64::from(age).wrapping_mul(attrs.aggregation_us) / 1_000_000) as u32;
    // Logarithm of the age: how long a region has been as it is matters by order of magnitude.
    let magnitude = if seconds == 0 { 0 } else { (seconds.ilog2() as i32 + 1).min(MAX_AGE_LOG) };
    // Long known to be used: hotter. Long known to be unused: colder.
    let signed = if frequency == 0 { -magnitude } else { magnitude };
    let age_score = ((signed + MAX_AGE_LOG) * MAX_SUBSCORE as i32 / MAX_AGE_LOG / 2) as u32;
    let weighted = weights
        .nr_accesses
        .wrapping_mul(frequency)
        .wrapping_add(weights.age.wrapping_mul(age_score));
    let score =
        weighted.checked_div(weights.nr_accesses.wrapping_add(weights.age)).unwrap_or(weighted);
    (score.wrapping_mul(MAX_SCORE) / MAX_SUBSCORE).min(MAX_SCORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_the_published_examples() {
        // damon-core.md 5.5: nr, age, weights nr:age -> hot, cold (NS 20, aggregation 100 ms)
        for (nr, age, weight_nr, weight_age, expected_hot, expected_cold) in [
            (0, 0, 0, 1, 49, 50),
            (0, 1200, 0, 1000, 38, 61),
            (20, 0, 1, 1, 74, 25),
            (20, 1200, 1, 1, 79, 20),
            (7, 300, 500, 500, 45, 54),
            (7, 300, 1000, 0, 34, 65),
            (0, 36_000, 1000, 1000, 14, 85),
            (20, 1200, 0, 0, 0, 99),
        ] {
            let weights = Weights { nr_accesses: weight_nr, age: weight_age };
            let attrs = Attrs::default();
            assert_eq!(Score::Hot.of(nr, age, weights, &attrs), expected_hot, "{nr} {age}");
            assert_eq!(Score::Cold.of(nr, age, weights, &attrs), expected_cold, "{nr} {age}");
            assert_eq!(Score::None.of(nr, age, weights, &attrs), 99);
        }
    }
}
