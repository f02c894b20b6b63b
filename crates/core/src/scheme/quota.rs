//! How much a scheme may do per window.
//!
//! The size limit is the user's, the effective size follows from it and from the verdict of the
//! tuner, which lives in the control plane and is asked whenever a window opens.

use crate::arithmetic::MIN_REGION_SZ;
use crate::region::{MAX_SCORE, Weights};

/// What a goal looks at. `enum damos_quota_goal_metric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Share, in basis points, of all memory in regions that match the scheme's pattern which lies
    /// on one node. Physical sets only.
    NodeEligibleMemBp {
        /// The node.
        nid: u32,
    },
    /// A value that the control plane knows by itself.
    UserInput,
}

/// A goal, as far as the data plane is concerned: what to measure when a window opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// What to measure.
    pub metric: Metric,
}

/// The user's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaConfig {
    /// Bytes per window, 0 for no limit of this kind.
    pub sz_bytes: u64,
    /// Length of a window in milliseconds; 0 opens one at every round.
    pub reset_interval_ms: u64,
    /// What makes a region come first.
    pub weights: Weights,
    /// What the tuner steers by; empty for none.
    pub goals: Vec<Goal>,
}

impl QuotaConfig {
    /// Whether there is any limit. A limit whose effective size is 0 stops the scheme.
    pub(crate) fn is_set(&self) -> bool {
        self.sz_bytes != 0 || !self.goals.is_empty()
    }
}

/// What the monitor keeps of a quota between rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes the scheme may try in this window.
    pub effective_sz_bytes: u64,
    /// Bytes tried in this window.
    pub charged_sz_bytes: u64,
    /// Bytes tried in all windows before.
    pub total_charged_sz_bytes: u64,
    /// When this window opened; `None` before the first.
    pub(crate) window_began_ns: Option<u64>,
    /// Where the last full window ended: target index and address. Earlier regions are skipped
    /// until this place is reached, so that the whole memory gets its turn.
    pub(crate) resume_at: Option<(usize, u64)>,
    /// Regions below this score wait.
    pub(crate) score_min: u32,
}

impl Quota {
    /// Not even one smallest region fits any more. Kernel `damos_quota_is_full`.
    pub(crate) fn is_full(&self, config: &QuotaConfig) -> bool {
        config.is_set()
            && (self.charged_sz_bytes >= self.effective_sz_bytes
                || self.effective_sz_bytes - self.charged_sz_bytes < MIN_REGION_SZ)
    }

    /// The smaller of the size limit and what the goals allow.
    pub(crate) fn set_effective(&mut self, config: &QuotaConfig, goals_bytes: Option<u64>) {
        let goals_bytes = goals_bytes.unwrap_or(u64::MAX);
        self.effective_sz_bytes = match config.sz_bytes {
            0 => goals_bytes,
            sz_bytes => sz_bytes.min(goals_bytes),
        };
    }

    /// Opens windows that are due. Returns how often the effective size is to be computed: twice
    /// when the very first window also ends at once, which an interval of 0 does.
    pub(crate) fn roll(&mut self, config: &QuotaConfig, now_ns: u64, exceeded: &mut u64) -> u32 {
        let mut openings = 0;
        let began_ns = *self.window_began_ns.get_or_insert_with(|| {
            openings += 1;
            now_ns
        });
        let interval_ns = config.reset_interval_ms.saturating_mul(1_000_000);
        let inside = began_ns <= now_ns && now_ns - began_ns < interval_ns;
        if !inside {
            if self.is_full(config) && openings == 0 {
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
    bytes: [u64; MAX_SCORE as usize + 1],
    highest: u32,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; MAX_SCORE as usize + 1], highest: 0 }
    }

    pub(crate) fn add(&mut self, score: u32, bytes: u64) {
        self.bytes[score as usize] += bytes;
        self.highest = self.highest.max(score);
    }

    /// The largest score such that the regions at or above it fill `bytes`, 0 if all do not.
    pub(crate) fn cut_off(&self, bytes: u64) -> u32 {
        let mut sum: u64 = 0;
        let mut score = self.highest;
        loop {
            sum = sum.saturating_add(self.bytes[score as usize]);
            if sum >= bytes || score == 0 {
                return score;
            }
            score -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_half_open_and_counts_itself_exceeded_when_it_ends_full() {
        let config = QuotaConfig { sz_bytes: 8192, reset_interval_ms: 1000, ..Default::default() };
        let mut quota = Quota::default();
        let mut exceeded = 0;
        assert_eq!(quota.roll(&config, 5, &mut exceeded), 1, "the first window");
        quota.set_effective(&config, None);
        quota.charged_sz_bytes = 8192 - 4095;
        assert!(quota.is_full(&config), "less than a smallest region is left");
        assert_eq!(quota.roll(&config, 1_000_000_004, &mut exceeded), 0);
        assert_eq!(quota.roll(&config, 1_000_000_005, &mut exceeded), 1);
        assert_eq!((exceeded, quota.charged_sz_bytes, quota.total_charged_sz_bytes), (1, 0, 4097));
    }

    #[test]
    fn an_interval_of_zero_opens_twice_on_the_first_round_and_once_on_each_later() {
        let config = QuotaConfig { sz_bytes: 8192, ..Default::default() };
        let mut quota = Quota::default();
        assert_eq!(quota.roll(&config, 7, &mut 0), 2);
        assert_eq!(quota.roll(&config, 7, &mut 0), 1);
    }

    #[test]
    fn a_goal_that_is_reached_stops_the_scheme_and_no_limit_at_all_never_fills() {
        let goal = Goal { metric: Metric::UserInput };
        let config = QuotaConfig { goals: vec![goal], ..Default::default() };
        let mut quota = Quota::default();
        quota.set_effective(&config, Some(0));
        assert!(quota.is_full(&config));
        quota.set_effective(&config, Some(u64::MAX / 10_000));
        assert!(!quota.is_full(&config));
        assert!(!Quota::default().is_full(&QuotaConfig::default()));
    }

    #[test]
    fn the_cut_off_takes_the_best_scores_that_fill_the_quota() {
        let mut histogram = Histogram::new();
        for (score, bytes) in [(80, 100), (79, 100), (10, 1000)] {
            histogram.add(score, bytes);
        }
        assert_eq!(histogram.cut_off(100), 80);
        assert_eq!(histogram.cut_off(101), 79);
        assert_eq!(histogram.cut_off(201), 10);
        assert_eq!(histogram.cut_off(5000), 0);
        assert_eq!(Histogram::new().cut_off(1), 0);
    }
}
