//! Which attributes of pages are counted.

use damon_core::kdamond::{Prep, Probe, ProbeFilter, ProbeFilterKind};
use napi_derive::napi;

use super::value::{BoundsInit, integer};
use crate::error::Failure;

/// `ProbeFilter`.
#[napi(object)]
pub struct ProbeFilterInit {
    /// The kernel's name.
    #[napi(js_name = "type")]
    pub kind: String,
    /// Of `memcg`: its path.
    pub memcg: Option<String>,
    /// Of `hugepage_size`.
    pub size: Option<BoundsInit>,
    /// Act on what is so.
    pub matching: bool,
    /// Let through what is acted on.
    pub allow: bool,
}

/// `Probe`.
#[napi(object)]
pub struct ProbeInit {
    /// What a hit weighs.
    pub weight: u32,
    /// The kernel's names.
    pub preps: Vec<String>,
    /// In order.
    pub filters: Vec<ProbeFilterInit>,
}

fn unknown(path: String, expected: &str, received: &str) -> Failure {
    Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, format!("`{received}`"))
}

impl ProbeFilterInit {
    fn build(&self, path: &str) -> Result<ProbeFilter, Failure> {
        let kind = match (self.kind.as_str(), &self.memcg, &self.size) {
            ("anon", ..) => ProbeFilterKind::Anon,
            ("memcg", Some(memcg), _) => ProbeFilterKind::Memcg(memcg.clone()),
            ("pgidle_set", ..) => ProbeFilterKind::PageIdleSet,
            ("pgidle_unset", ..) => ProbeFilterKind::PageIdleUnset,
            ("hugepage_size", _, Some(size)) => {
                let size = size.build(&format!("{path}.szBytes"), u64::MAX, integer)?;
                ProbeFilterKind::HugepageSize { min: size.min, max: size.max }
            }
            (other, ..) => {
                let expected = "the name of a probe's filter, with its argument";
                return Err(unknown(format!("{path}.type"), expected, other));
            }
        };
        Ok(ProbeFilter { kind, matching: self.matching, allow: self.allow })
    }
}

impl ProbeInit {
    fn build(&self, path: &str) -> Result<Probe, Failure> {
        let preps = self.preps.iter().enumerate().map(|(index, prep)| match prep.as_str() {
            "set_pgidle" => Ok(Prep::SetPageIdle),
            other => Err(unknown(format!("{path}.preps[{index}]"), "`set_pgidle`", other)),
        });
        let filters = self.filters.iter().enumerate();
        Ok(Probe {
            weight: self.weight,
            preps: preps.collect::<Result<_, _>>()?,
            filters: filters
                .map(|(index, filter)| filter.build(&format!("{path}.filters[{index}]")))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// All of a context.
pub(super) fn probes(list: &[ProbeInit]) -> Result<Vec<Probe>, Failure> {
    let probes = list.iter().enumerate();
    probes.map(|(index, probe)| probe.build(&format!("probes[{index}]"))).collect()
}
