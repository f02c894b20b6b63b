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
    #[inline]
    pub fn of(self, nr_accesses: u32, age: u32, weights: Weights, attrs: &Attrs) -> u32 {
        self.ranked(|| hot(nr_accesses, age, weights, attrs))
    }

    fn ranked(self, hot: impl Fn() -> u32) -> u32 {
        match self {
            Self::Hot => hot(),
            Self::Cold => MAX_SCORE - hot(),
            Self::None => MAX_SCORE,
        }
    }
}

/// [`Score::of`] for many regions: of those that are not accessed, which are most of them, only the
/// order of magnitude of their age matters, and each has its score looked up.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    score: Score,
    weights: Weights,
    attrs: Attrs,
    samples: u64,
    /// By magnitude.
    idle: [u32; MAX_AGE_LOG as usize + 1],
}

impl Scale {
    pub(crate) fn new(score: Score, weights: Weights, attrs: &Attrs) -> Self {
        let idle =
            std::array::from_fn(|magnitude| score.ranked(|| weighed(0, magnitude as i32, weights)));
        let samples = u64::from(attrs.samples_per_aggregation());
        Self { score, weights, attrs: *attrs, samples, idle }
    }

    #[inline]
    pub(crate) fn of(&self, nr_accesses: u32, age: u32) -> u32 {
        if u64::from(nr_accesses) * u64::from(MAX_SUBSCORE) < self.samples {
            self.idle[magnitude(age, &self.attrs) as usize]
        } else {
            self.of_accessed(nr_accesses, age)
        }
    }

    /// Apart, so that the other, which is asked more often, is inlined.
    #[inline(never)]
    fn of_accessed(&self, nr_accesses: u32, age: u32) -> u32 {
        self.score.of(nr_accesses, age, self.weights, &self.attrs)
    }
}

fn hot(nr_accesses: u32, age: u32, weights: Weights, attrs: &Attrs) -> u32 {
    let samples = u64::from(attrs.samples_per_aggregation());
    let frequency = mult_frac(u64::from(nr_accesses), u64::from(MAX_SUBSCORE), samples) as u32;
    weighed(frequency, magnitude(age, attrs), weights)
}

/// Logarithm of the age: how long a region has been as it is matters by order of magnitude.
#[inline]
fn magnitude(age: u32, attrs: &Attrs) -> i32 {
    let seconds = (u64::from(age).wrapping_mul(attrs.aggregation_us) / 1_000_000) as u32;
    if seconds == 0 { 0 } else { (seconds.ilog2() as i32 + 1).min(MAX_AGE_LOG) }
}

fn weighed(frequency: u32, magnitude: i32, weights: Weights) -> u32 {
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
    use proptest::strategy::Strategy;

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

    fn hot_at(nr_accesses: u32, age: u32, weights: (u32, u32)) -> u32 {
        let weights = Weights { nr_accesses: weights.0, age: weights.1 };
        Score::Hot.of(nr_accesses, age, weights, &Attrs::default())
    }

    #[test]
    fn an_age_counts_by_the_order_of_magnitude_of_its_seconds() {
        // (lg + 32) * 100 / 32 / 2, times 99 / 100; ages in aggregations of 100 ms, count 1 of 20
        for (age, lg) in [(9, 0), (10, 1), (19, 1), (20, 2), (39, 2), (40, 3), (10_240, 11)] {
            let expected = ((lg + 32) * 100 / 32 / 2) * 99 / 100;
            assert_eq!(hot_at(1, age, (0, 1)), expected, "{age}");
        }
        // u32::MAX / 10 seconds: below 2^29
        assert_eq!(hot_at(1, u32::MAX, (0, 1)), ((29 + 32) * 100 / 32 / 2) * 99 / 100);
        // Rates below one percent count as none: age makes them colder.
        let attrs = Attrs { sample_us: 100, ..Attrs::default() };
        let weights = Weights { nr_accesses: 0, age: 1 };
        let score = |nr_accesses| Score::Hot.of(nr_accesses, 1_200, weights, &attrs);
        assert_eq!((score(9), score(10)), (38, 59));
    }

    #[test]
    fn a_score_never_leaves_its_histogram() {
        // Counts above the samples come from rescaling; weights wrap as in the kernel.
        assert_eq!(hot_at(25, 0, (1, 0)), 99);
        assert_eq!(hot_at(u32::MAX, u32::MAX, (u32::MAX, u32::MAX)), {
            let frequency = (u64::from(u32::MAX) * 100 / 20) as u32;
            let age = (29 + 32) * 100 / 32 / 2;
            let weighted =
                u32::MAX.wrapping_mul(frequency).wrapping_add(u32::MAX.wrapping_mul(age));
            (weighted / (u32::MAX - 1)).wrapping_mul(99) / 100
        });
        assert_eq!(hot_at(20, 0, (7, 0)), 99);
        // Weights that add up to 0 divide by nothing.
        assert_eq!(hot_at(20, 0, (1 << 31, 1 << 31)), 0);
        assert_eq!(hot_at(20, 0, (u32::MAX, 1)), 99);
    }

    proptest::proptest! {
        #[test]
        fn scores_grow_with_the_count_and_are_opposite(
            nr_accesses in 0u32..20, age in 0u32..100_000, nr in 0u32..1_001, of_age in 0u32..1_001,
        ) {
            let hot = hot_at(nr_accesses, age, (nr, of_age));
            proptest::prop_assert!(hot <= MAX_SCORE);
            proptest::prop_assert!(hot <= hot_at(nr_accesses + 1, age, (nr, of_age)));
            let weights = Weights { nr_accesses: nr, age: of_age };
            let cold = Score::Cold.of(nr_accesses, age, weights, &Attrs::default());
            proptest::prop_assert_eq!(hot + cold, 99);
            if nr_accesses > 0 {
                proptest::prop_assert!(hot <= hot_at(nr_accesses, 2 * age, (nr, of_age)));
            }
        }

        #[test]
        fn a_scale_gives_the_same_scores(
            sample_us in 1u64..9,
            samples in proptest::prop_oneof![1u64..900, (1u64..9).prop_map(|percent| 100 * percent)],
            nr_accesses in 0u32..1_000, age: u32,
            shift in 0u32..32,
            nr in proptest::prop_oneof![0u32..1_001, proptest::num::u32::ANY],
            of_age in 0u32..1_001,
        ) {
            let attrs = Attrs { sample_us, aggregation_us: samples * sample_us, ..Attrs::default() };
            let weights = Weights { nr_accesses: nr, age: of_age };
            for score in [Score::Hot, Score::Cold, Score::None] {
                let scale = Scale::new(score, weights, &attrs);
                for (nr_accesses, age) in [(nr_accesses, age >> shift), (samples as u32 / 100, age)] {
                    let expected = score.of(nr_accesses, age, weights, &attrs);
                    proptest::prop_assert_eq!(scale.of(nr_accesses, age), expected);
                }
            }
        }
    }
}
