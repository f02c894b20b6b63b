//! What a region weighs, where one number is wanted: by accesses, or by the attributes that probes
//! found. `damon-core.md` 1.6, 3.2 and 4.1.

use super::{PROBES_MAX, ProbeHits, Region};
use crate::arithmetic::mult_frac;

/// By what regions are merged and aged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighing {
    /// By `nr_accesses`.
    Accesses,
    /// By hits of probes, which weigh so much each.
    Attributes([u32; PROBES_MAX]),
}

impl Weighing {
    /// In the running aggregation.
    #[inline]
    pub(crate) fn now(&self, region: &Region, hits: ProbeHits) -> u32 {
        match self {
            Self::Accesses => region.nr_accesses,
            Self::Attributes(weights) => weighted(weights, hits.now),
        }
    }

    /// In the one before.
    #[inline]
    pub(crate) fn before(&self, region: &Region, hits: ProbeHits) -> u32 {
        match self {
            Self::Accesses => region.last_nr_accesses,
            Self::Attributes(weights) => weighted(weights, hits.last),
        }
    }
}

/// Hits by their probes' weights. `damon_probe_hits_wsum`.
pub(crate) fn weighted(weights: &[u32; PROBES_MAX], hits: [u8; PROBES_MAX]) -> u32 {
    let pairs = weights.iter().zip(hits);
    pairs.fold(0, |sum, (weight, hits)| sum.wrapping_add(weight.wrapping_mul(hits.into())))
}

/// Counts as schemes see them, also in the middle of an aggregation: this window's plus the share of
/// the last window's that the running one has not yet covered. `damon_mvsum`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving {
    /// What is left of the window, in basis points.
    left_bp: u64,
}

impl Moving {
    /// With so many ticks left of a window of so many.
    pub(crate) fn new(left_ticks: u64, window_ticks: u64) -> Self {
        Self { left_bp: mult_frac(left_ticks, 10_000, window_ticks.max(1)) }
    }

    #[inline]
    fn sum(self, now: u32, before: u32) -> u32 {
        match self.left_bp {
            // The end of a window, where nearly all schemes act.
            0 => now,
            // It has just begun anew: what was counted in it is of no account.
            10_000 => before,
            left_bp => now.wrapping_add(mult_frac(before.into(), left_bp, 10_000) as u32),
        }
    }

    /// `damon_nr_accesses_mvsum`.
    #[inline]
    pub(crate) fn nr_accesses(self, region: &Region) -> u32 {
        self.sum(region.nr_accesses, region.last_nr_accesses)
    }

    /// By probe. `damon_probe_hits_mvsum`.
    pub(crate) fn probe_hits(self, ProbeHits { mut now, last }: ProbeHits) -> [u8; PROBES_MAX] {
        for (hits, before) in now.iter_mut().zip(last) {
            *hits = self.sum((*hits).into(), before.into()) as u8;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_weigh_by_their_hits_and_weights() {
        let region = Region { nr_accesses: 9, last_nr_accesses: 7, ..Region::new(0, 1) };
        let hits = ProbeHits { now: [1, 2, 3, 255], last: [4, 0, 0, 1] };
        let both = |by: Weighing| (by.now(&region, hits), by.before(&region, hits));
        assert_eq!(both(Weighing::Attributes([1, 10, 100, 1_000])), (255_321, 1_004));
        assert_eq!(both(Weighing::Accesses), (9, 7));
    }

    #[test]
    fn moving_hits_are_those_of_the_counts_in_a_byte() {
        let hits = ProbeHits { now: [2, 0, 200, 4], last: [9, 9, 200, 3] };
        // damon-core.md 3.2: 13 of 20 left; 200 + 130 begins anew at 256
        assert_eq!(Moving::new(13, 20).probe_hits(hits), [7, 5, 74, 5]);
        assert_eq!(Moving::new(0, 20).probe_hits(hits), hits.now);
        assert_eq!(Moving::new(20, 20).probe_hits(hits), hits.last);
    }
}
