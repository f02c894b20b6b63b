//! Watermarks: a scheme sleeps while there is much free memory, or too little.
//! `damon-core.md` 2.3.

use crate::ops::{Gauge, Operations};

/// What is compared with the marks. `enum damos_wmark_metric`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatermarkMetric {
    /// Nothing: the scheme is always active.
    #[default]
    None,
    /// Free memory in permil of all.
    FreeMemRate,
}

/// The marks, in permil, and how often an inactive scheme looks again. `struct damos_watermarks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// What is compared.
    pub metric: WatermarkMetric,
    /// Microseconds until an inactive scheme looks again.
    pub interval_us: u64,
    /// Above it the scheme becomes inactive.
    pub high: u64,
    /// From here on up it stays as it is.
    pub mid: u64,
    /// Below it the scheme becomes inactive.
    pub low: u64,
}

impl Watermarks {
    /// Whether the scheme is to be active, which it was, and how long to wait if not.
    /// `damos_wmark_wait_us`.
    pub(crate) fn look(&self, activated: bool, ops: &dyn Operations) -> (bool, u64) {
        let WatermarkMetric::FreeMemRate = self.metric else { return (activated, 0) };
        // What cannot be read was refused when the scheme was installed; what the set does not
        // answer now changes nothing.
        let Some(free) = ops.read(&Gauge::Free) else {
            return (activated, if activated { 0 } else { self.interval_us });
        };
        let permil = free.part.saturating_mul(1_000).checked_div(free.total).unwrap_or(0);
        if permil > self.high || permil < self.low || (permil >= self.mid && !activated) {
            return (false, self.interval_us);
        }
        (true, 0)
    }
}
