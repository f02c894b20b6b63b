//! How much a scheme may do per window.
//!
//! The limits are the user's: bytes, time, and what the tuner makes of the goals. The effective size
//! is the least of them. The tuner lives in the control plane and is asked whenever a window opens.
//!
//! Windows are kept in nanoseconds; the kernel's end on ticks of its timer, up to 10 ms later.

use super::goal::Goal;
use crate::arithmetic::mult_frac;
use crate::region::{MAX_SCORE, Weights};

/// What is charged for memory on which an action had no effect: this share of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailCharge {
    /// Numerator.
    pub numerator: u32,
    /// Denominator; 0 charges all of it.
    pub denominator: u32,
}

/// The user's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaConfig {
    /// Milliseconds that actions may take per window, 0 for no limit of this kind.
    pub time_ms: u64,
    /// Bytes per window, 0 for no limit of this kind.
    pub sz_bytes: u64,
    /// Length of a window in milliseconds; 0 opens one at every round.
    pub reset_interval_ms: u64,
    /// What makes a region come first.
    pub weights: Weights,
    /// What the tuner steers by; empty for none.
    pub goals: Vec<Goal>,
    /// What failure costs.
    pub fail_charge: FailCharge,
}

impl QuotaConfig {
    /// What an application to `size` bytes costs of which `applied` took effect.
    /// `damos_charge_quota`.
    fn charge(&self, size: u64, applied: u64) -> u64 {
        let FailCharge { numerator, denominator } = self.fail_charge;
        match size.checked_sub(applied) {
            Some(failed) if denominator != 0 => {
                let failed = mult_frac(failed, u64::from(numerator), u64::from(denominator));
                applied.wrapping_add(failed)
            }
            _ => size,
        }
    }
}

/// What the monitor keeps of a quota between rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes the scheme may try in this window.
    pub effective_sz_bytes: u64,
    /// Bytes charged in this window.
    pub charged_sz_bytes: u64,
    /// Bytes charged in all windows before.
    pub total_charged_sz_bytes: u64,
    /// Nanoseconds that actions took, ever.
    pub total_charged_ns: u64,
    /// When this window opened; `None` before the first.
    pub(crate) window_began_ns: Option<u64>,
    /// Where the last full window ended: target index and address. Earlier regions are skipped
    /// until this place is reached, so that the whole memory gets its turn.
    pub(crate) resume_at: Option<(usize, u64)>,
    /// Regions below this score wait.
    pub(crate) score_min: u32,
}

/// Bytes per millisecond that actions are taken to handle before any was timed.
const THROUGHPUT: u64 = 4096 * 1024;
const NS_PER_MS: u64 = 1_000_000;

impl Quota {
    /// Whether there is any limit. A limit whose effective size is 0 stops the scheme; so does one
    /// that was taken back, until the window ends. Kernel `damos_quota_is_set`.
    #[inline]
    pub(crate) fn is_set(&self, config: &QuotaConfig) -> bool {
        self.effective_sz_bytes != 0
            || config.sz_bytes != 0
            || config.time_ms != 0
            || !config.goals.is_empty()
    }

    /// Not even one smallest region fits any more. Kernel `damos_quota_is_full`.
    #[inline]
    pub(crate) fn is_full(&self, config: &QuotaConfig, min_region_sz: u64) -> bool {
        self.is_set(config)
            && (self.charged_sz_bytes >= self.effective_sz_bytes
                || self.effective_sz_bytes - self.charged_sz_bytes < min_region_sz)
    }

    /// Whether the very first window, which ended at once in the roll just done, was full: of what was
    /// tried before there was any limit. Nothing was charged in a window before it.
    pub(crate) fn first_was_full(
        &self,
        config: &QuotaConfig,
        goals_bytes: Option<u64>,
        min_region_sz: u64,
    ) -> bool {
        let mut first = Self {
            charged_sz_bytes: self.total_charged_sz_bytes,
            total_charged_sz_bytes: 0,
            ..self.clone()
        };
        first.set_effective(config, goals_bytes, min_region_sz);
        first.is_full(config, min_region_sz)
    }

    /// Bytes that still fit, at least one smallest region, if there is a limit and it is not full.
    #[inline]
    pub(crate) fn left(&self) -> u64 {
        self.effective_sz_bytes.saturating_sub(self.charged_sz_bytes)
    }

    /// The least of the limits. `damos_set_effective_quota`.
    pub(crate) fn set_effective(
        &mut self,
        config: &QuotaConfig,
        goals_bytes: Option<u64>,
        min_region_sz: u64,
    ) {
        if config.time_ms == 0 && config.goals.is_empty() {
            self.effective_sz_bytes = config.sz_bytes;
            return;
        }
        let mut effective = goals_bytes.unwrap_or(u64::MAX);
        if config.time_ms != 0 {
            let throughput = match self.total_charged_ns {
                0 => THROUGHPUT,
                ns => mult_frac(self.total_charged_sz_bytes, NS_PER_MS, ns),
            };
            effective = effective.min(throughput.wrapping_mul(config.time_ms).max(min_region_sz));
        }
        if config.sz_bytes != 0 {
            effective = effective.min(config.sz_bytes);
        }
        self.effective_sz_bytes = effective;
    }

    /// Books an application.
    pub(crate) fn charge(
        &mut self,
        config: &QuotaConfig,
        size: u64,
        applied: u64,
        elapsed_ns: u64,
    ) {
        self.total_charged_ns += elapsed_ns;
        self.charged_sz_bytes += config.charge(size, applied);
    }

    /// Opens windows that are due. Returns how often the effective size is to be computed: twice
    /// when the very first window also ends at once, which an interval of 0 does.
    pub(crate) fn roll(
        &mut self,
        config: &QuotaConfig,
        now_ns: u64,
        min_region_sz: u64,
        exceeded: &mut u64,
    ) -> u32 {
        let mut openings = 0;
        let began_ns = *self.window_began_ns.get_or_insert_with(|| {
            openings += 1;
            now_ns
        });
        let interval_ns = config.reset_interval_ms.saturating_mul(NS_PER_MS);
        let inside = began_ns <= now_ns && now_ns - began_ns < interval_ns;
        if !inside {
            // Of a first window that ends at once, the size is not known yet: see `first_was_full`.
            if openings == 0 && self.is_full(config, min_region_sz) {
                *exceeded += 1;
            }
            self.total_charged_sz_bytes += self.charged_sz_bytes;
            self.window_began_ns = Some(now_ns);
            self.charged_sz_bytes = 0;
            openings += 1;
        }
        openings
    }
}

/// Bytes per score; says where to draw the line so that the best regions fill the quota.
pub(crate) struct Histogram {
    bytes: [[u64; LANES]; MAX_SCORE as usize + 1],
}

/// Sums of each score. Most regions score alike, and an addition waits for the one before to the same
/// sum.
const LANES: usize = 4;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { bytes: [[0; LANES]; MAX_SCORE as usize + 1] }
    }

    /// Adds the bytes of a region, the `nth`: what number it has makes no difference, as long as the
    /// next one has another.
    #[inline]
    pub(crate) fn add(&mut self, nth: usize, score: u32, bytes: u64) {
        self.bytes[score as usize][nth % LANES] += bytes;
    }

    /// The largest score such that the regions at or above it fill `bytes`, 0 if all do not.
    pub(crate) fn cut_off(&self, bytes: u64) -> u32 {
        let mut sum: u64 = 0;
        for (score, lanes) in self.bytes.iter().enumerate().rev() {
            sum = lanes.iter().fold(sum, |sum, &lane| sum.saturating_add(lane));
            // Nothing is served that is not there.
            if sum >= bytes && sum > 0 {
                return score as u32;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Metric;

    const MIN: u64 = 4096;

    #[test]
    fn a_window_is_half_open_and_counts_itself_exceeded_when_it_ends_full() {
        let config = QuotaConfig { sz_bytes: 8192, reset_interval_ms: 1000, ..Default::default() };
        let mut quota = Quota::default();
        let mut exceeded = 0;
        assert_eq!(quota.roll(&config, 5, MIN, &mut exceeded), 1, "the first window");
        quota.set_effective(&config, None, MIN);
        quota.charged_sz_bytes = 8192 - 4095;
        assert!(quota.is_full(&config, MIN), "less than a smallest region is left");
        assert_eq!(quota.roll(&config, 1_000_000_004, MIN, &mut exceeded), 0);
        assert_eq!(quota.roll(&config, 1_000_000_005, MIN, &mut exceeded), 1);
        assert_eq!((exceeded, quota.charged_sz_bytes, quota.total_charged_sz_bytes), (1, 0, 4097));
    }

    #[test]
    fn an_interval_of_zero_opens_twice_on_the_first_round_and_once_on_each_later() {
        let config = QuotaConfig { sz_bytes: 8192, ..Default::default() };
        let mut quota = Quota::default();
        assert_eq!(quota.roll(&config, 7, MIN, &mut 0), 2);
        assert_eq!(quota.roll(&config, 7, MIN, &mut 0), 1);
    }

    #[test]
    fn a_goal_that_is_reached_stops_the_scheme_and_no_limit_at_all_never_fills() {
        let goal = Goal { metric: Metric::UserInput };
        let config = QuotaConfig { goals: vec![goal], ..Default::default() };
        let mut quota = Quota::default();
        quota.set_effective(&config, Some(0), MIN);
        assert!(quota.is_full(&config, MIN));
        quota.set_effective(&config, Some(u64::MAX / 10_000), MIN);
        assert!(!quota.is_full(&config, MIN));
        assert!(!Quota::default().is_full(&QuotaConfig::default(), MIN));
    }

    #[test]
    fn the_cut_off_takes_the_best_scores_that_fill_the_quota() {
        let mut histogram = Histogram::new();
        for (nth, (score, bytes)) in [(80, 100), (79, 100), (10, 1000)].into_iter().enumerate() {
            histogram.add(nth, score, bytes);
        }
        assert_eq!(histogram.cut_off(0), 80);
        assert_eq!(histogram.cut_off(100), 80);
        assert_eq!(histogram.cut_off(101), 79);
        assert_eq!(histogram.cut_off(201), 10);
        assert_eq!(histogram.cut_off(5000), 0);
        assert_eq!(Histogram::new().cut_off(1), 0);
    }

    #[test]
    fn success_costs_all_and_failure_its_share() {
        // damon-core.md 5.4: numerator, denominator, size, applied -> charge
        for (numerator, denominator, size, applied, charge) in [
            (0, 0, 100, 0, 100),
            (1, 0, 100, 30, 100),
            (1, 2, 100, 30, 65),
            (1, 3, 100, 0, 33),
            (0, 1, 100, 30, 30),
            (3, 1, 100, 30, 240),
            (1, 2, 100, 100, 100),
            // Whole folios: more was done than asked.
            (1, 2, 100, 101, 100),
        ] {
            let config = QuotaConfig {
                fail_charge: FailCharge { numerator, denominator },
                ..Default::default()
            };
            assert_eq!(config.charge(size, applied), charge, "{numerator} {denominator} {applied}");
            let mut quota = Quota { charged_sz_bytes: 7, ..Default::default() };
            quota.charge(&config, size, applied, 11);
            assert_eq!((quota.charged_sz_bytes, quota.total_charged_ns), (7 + charge, 11));
        }
    }

    #[test]
    fn the_effective_size_is_the_least_of_the_limits_there_are() {
        const NO_GOAL: Option<u64> = None;
        // ms, bytes, goal bytes, total bytes and ns -> effective
        for (time_ms, sz_bytes, goal, total, ns, effective) in [
            (0, 5_000, NO_GOAL, 0, 0, 5_000),
            (0, 0, NO_GOAL, 0, 0, 0),
            // 4 MiB per ms before anything was timed
            (3, 0, NO_GOAL, 77, 0, 3 << 22),
            (3, 1 << 22, NO_GOAL, 0, 0, 1 << 22),
            // 10 MB in 5 ms: 2 MB per ms
            (3, 0, NO_GOAL, 10_000_000, 5_000_000, 6_000_000),
            // Slower than a smallest region per window: that much in any case, ...
            (3, 0, NO_GOAL, 10, 5_000_000, 4_096),
            // ... unless the bytes or a goal say less.
            (3, 100, NO_GOAL, 10, 5_000_000, 100),
            (3, 0, Some(0), 10, 5_000_000, 0),
            (3, 0, Some(50_000), 0, 0, 50_000),
            (0, 0, Some(50_000), 0, 0, 50_000),
            (0, 40_000, Some(50_000), 0, 0, 40_000),
            (0, 60_000, Some(50_000), 0, 0, 50_000),
            (1, 60_000, Some(50_000), 1_000_000, 50_000_000, 20_000),
        ] {
            let goals = goal.map(|_| Goal { metric: Metric::UserInput }).into_iter().collect();
            let config = QuotaConfig { time_ms, sz_bytes, goals, ..Default::default() };
            let mut quota = Quota {
                effective_sz_bytes: 1,
                total_charged_sz_bytes: total,
                total_charged_ns: ns,
                ..Default::default()
            };
            quota.set_effective(&config, goal, MIN);
            assert_eq!(quota.effective_sz_bytes, effective, "{config:?}");
        }
    }

    #[test]
    fn each_limit_alone_is_one_and_one_taken_back_lasts_until_the_window_ends() {
        let none = QuotaConfig::default();
        assert!(!Quota::default().is_set(&none));
        for config in [
            QuotaConfig { sz_bytes: 1, ..Default::default() },
            QuotaConfig { time_ms: 1, ..Default::default() },
            QuotaConfig { goals: vec![Goal { metric: Metric::UserInput }], ..Default::default() },
        ] {
            assert!(Quota::default().is_set(&config) && Quota::default().is_full(&config, MIN));
        }
        let mut stale =
            Quota { effective_sz_bytes: 9_000, charged_sz_bytes: 4_000, ..Default::default() };
        assert!(stale.is_set(&none) && !stale.is_full(&none, MIN));
        assert_eq!(stale.left(), 5_000);
        stale.set_effective(&none, None, MIN);
        assert!(!stale.is_set(&none));
    }

    #[test]
    fn full_is_when_no_smallest_region_fits() {
        let config = QuotaConfig { sz_bytes: 10_000, ..Default::default() };
        // charged -> full, of 10000 with regions of 4096 at least
        for (charged, full) in
            [(0, false), (5_904, false), (5_905, true), (10_000, true), (10_001, true)]
        {
            let quota = Quota {
                effective_sz_bytes: 10_000,
                charged_sz_bytes: charged,
                ..Default::default()
            };
            assert_eq!(quota.is_full(&config, MIN), full, "{charged}");
        }
    }

    #[test]
    fn a_window_also_rolls_if_the_clock_went_back_and_empty_ones_are_not_exceeded() {
        let config = QuotaConfig { sz_bytes: 8_192, reset_interval_ms: 1, ..Default::default() };
        let mut quota = Quota { effective_sz_bytes: 8_192, ..Default::default() };
        let mut exceeded = 0;
        assert_eq!(quota.roll(&config, 5_000_000, MIN, &mut exceeded), 1);
        assert_eq!(quota.roll(&config, 4_999_999, MIN, &mut exceeded), 1);
        assert_eq!(quota.roll(&config, 5_999_998, MIN, &mut exceeded), 0);
        assert_eq!(quota.roll(&config, 5_999_999, MIN, &mut exceeded), 1);
        assert_eq!(exceeded, 0);
        quota.charged_sz_bytes = 8_192;
        assert_eq!(quota.roll(&config, 6_999_999, MIN, &mut exceeded), 1);
        assert_eq!((exceeded, quota.total_charged_sz_bytes), (1, 8_192));
    }

    proptest::proptest! {
        /// What lies above the line is less than the quota; with the line's own bucket it fills it.
        #[test]
        fn the_cut_off_exceeds_the_quota_by_no_more_than_its_own_bucket(
            adds in proptest::collection::vec((0u32..100, 1u64..1_000), 0..60), quota in 0u64..20_000,
        ) {
            let mut histogram = Histogram::new();
            for (nth, &(score, bytes)) in adds.iter().enumerate() {
                histogram.add(nth, score, bytes);
            }
            let line = histogram.cut_off(quota);
            let from = |least: u32| -> u64 {
                adds.iter().filter(|(score, _)| *score >= least).map(|(_, bytes)| bytes).sum()
            };
            proptest::prop_assert!(from(line) >= quota || line == 0);
            let highest = adds.iter().map(|(score, _)| *score).max().unwrap_or(0);
            proptest::prop_assert!(line == highest || from(line + 1) < quota);
        }
    }
}
