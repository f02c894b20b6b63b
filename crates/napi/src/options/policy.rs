//! Who else moves pages of the emulated machine.

use damon_policy::{DemotionConfig, OracleConfig, PghotConfig, PolicyConfig, Promotion};
use napi_derive::napi;

use super::value::integer;
use crate::error::Failure;

/// A policy between two nodes.
#[napi(object)]
pub struct PolicyInit {
    /// The node that pages are promoted to.
    pub fast_nid: u32,
    /// The node they are promoted from.
    pub slow_nid: u32,
    /// Free bytes of the fast node below which pages are demoted.
    pub low_bytes: f64,
    /// Free bytes until which they are.
    pub high_bytes: f64,
    /// Hot page tracking, if given.
    pub pghot: Option<PghotInit>,
    /// The seer, if given; neither: what hint faults report.
    pub oracle: Option<OracleInit>,
}

/// Hot page tracking.
#[napi(object)]
pub struct PghotInit {
    /// Samples in a window.
    pub threshold: u32,
    /// The window.
    pub window_ns: f64,
    /// The thread's sleep.
    pub sleep_ns: f64,
    /// Bytes promoted per second at the most.
    pub rate_limit: f64,
}

/// The seer.
#[napi(object)]
pub struct OracleInit {
    /// Share of the accesses.
    pub share: f64,
    /// Time between two looks.
    pub interval_ns: f64,
    /// Bytes of the fast node that stay free.
    pub reserve_bytes: f64,
}

impl PolicyInit {
    pub(super) fn build(&self) -> Result<PolicyConfig, Failure> {
        const PATH: &str = "source.policy";
        let at = |field: &str| format!("{PATH}.{field}");
        let promotion = match (&self.pghot, &self.oracle) {
            (Some(pghot), _) => Promotion::Pghot(PghotConfig {
                threshold: pghot.threshold,
                window_ns: integer(pghot.window_ns, &at("windowNs"))?,
                sleep_ns: integer(pghot.sleep_ns, &at("sleepNs"))?,
                rate_limit_bytes_hz: integer(pghot.rate_limit, &at("rateLimitBytesPerS"))?,
            }),
            (None, Some(oracle)) => Promotion::Oracle(OracleConfig {
                share: oracle.share,
                interval_ns: integer(oracle.interval_ns, &at("intervalNs"))?,
                reserve_bytes: integer(oracle.reserve_bytes, &at("reserveBytes"))?,
            }),
            (None, None) => Promotion::NumaBalancing,
        };
        Ok(PolicyConfig {
            fast_nid: self.fast_nid,
            slow_nid: self.slow_nid,
            promotion,
            demotion: DemotionConfig {
                low_bytes: integer(self.low_bytes, &at("demotion.lowBytes"))?,
                high_bytes: integer(self.high_bytes, &at("demotion.highBytes"))?,
            },
        })
    }
}
