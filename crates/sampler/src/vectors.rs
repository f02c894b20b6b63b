//! Work compiled once for each width of vectors, and done with the widest that the CPU has.
//!
//! The same source and so the same results: the compiler does what the loops allow.

/// Something that is worth wide vectors. `run` and all that it calls is `#[inline(always)]`, or it is
/// compiled for the narrowest.
pub(crate) trait Work {
    fn run(self);
}

/// Does it.
#[inline]
pub(crate) fn dispatch(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        // Every CPU with the first of them has the others; asked all the same.
        let has_bits = is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        let has_avx512 =
            is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
        if has_bits && has_avx512 {
            // SAFETY: the CPU has what it takes.
            return unsafe { avx512(work) };
        }
        if has_bits && is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(work) };
        }
    }
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,bmi1,bmi2,popcnt")]
fn avx512(work: impl Work) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn avx2(work: impl Work) {
    work.run();
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};
    use rand_xoshiro::SplitMix64;

    use super::*;
    use crate::coins::Bias;
    use crate::wide::Wide;

    /// Tosses coins and draws some more.
    struct Draws<'a>(&'a mut [u64]);

    impl Work for Draws<'_> {
        #[inline(always)]
        fn run(self) {
            let mut random = Wide::new(&mut SplitMix64::seed_from_u64(9));
            for word in self.0 {
                *word = Bias::new(0.41).toss(&mut random) ^ random.next_u64();
            }
        }
    }

    #[test]
    fn every_width_gives_the_same() {
        let (mut narrow, mut widest) = ([0; 100], [0; 100]);
        Draws(&mut narrow).run();
        dispatch(Draws(&mut widest));
        assert_eq!(narrow, widest);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            let mut middle = [0; 100];
            // SAFETY: every CPU with AVX2 has the rest.
            unsafe { avx2(Draws(&mut middle)) };
            assert_eq!(narrow, middle);
        }
    }
}
