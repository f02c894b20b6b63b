//! Data attribute probes: what the page at a region's sampled address is, counted like accesses.
//! `damon-core.md` 1.6, 2.2 and 10.2.
//!
//! A context whose probes have weights monitors those attributes only: accesses are neither checked
//! nor looked at when regions are merged, and the weighted sum of hits takes the place of the count.
//! Reports, where a set has those, are drained and credited as ever, so that the books balance.
//!
//! Unlike in the kernel, which passes over probes that its operations set cannot ask, they are
//! refused where nobody can.

use super::{ConfigError, Kdamond};
use crate::attrs::Attrs;
use crate::ops::Operations;
use crate::region::{PROBES_MAX, Weighing};

/// What is done to the page before its sampling interval. `enum damon_probe_prep_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prep {
    /// It is made idle: [`Operations::prepare_access_checks`].
    SetPageIdle,
}

/// What a probe's filter looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeFilterKind {
    /// Anonymous memory.
    Anon,
    /// Charged to a control group, by its path from the root of the hierarchy.
    Memcg(String),
    /// Idle: not accessed since it was made so.
    PageIdleSet,
    /// Accessed since it was made idle.
    PageIdleUnset,
    /// In a folio of so many bytes.
    HugepageSize {
        /// Least bytes.
        min: u64,
        /// Most bytes.
        max: u64,
    },
}

/// Lets a page through, or rejects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFilter {
    /// What it looks at.
    pub kind: ProbeFilterKind,
    /// True to act on pages that are so, false on those that are not.
    pub matching: bool,
    /// True to let through what the filter acts on, false to reject it.
    pub allow: bool,
}

/// One attribute. `struct damon_probe`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// What a hit weighs when regions are merged; 0 in all probes to go by accesses.
    pub weight: u32,
    /// What is done beforehand.
    pub preps: Vec<Prep>,
    /// In order: the first that hits decides.
    pub filters: Vec<ProbeFilter>,
}

impl Probe {
    /// Whether a page passes, of which `is` tells what it is; without one, nothing is so.
    pub fn passes(&self, mut is: impl FnMut(&ProbeFilterKind) -> bool) -> bool {
        let hit = self.filters.iter().find(|filter| is(&filter.kind) == filter.matching);
        match (hit, self.filters.last()) {
            (Some(hit), _) => hit.allow,
            (None, last) => last.is_none_or(|last| !last.allow),
        }
    }
}

/// Weight by probe.
pub(super) fn weights(probes: &[Probe]) -> [u32; PROBES_MAX] {
    let mut weights = [0; PROBES_MAX];
    for (weight, probe) in weights.iter_mut().zip(probes) {
        *weight = probe.weight;
    }
    weights
}

/// The largest window of attributes only: hits are counted in a byte.
const SAMPLES_MAX: u64 = u8::MAX as u64;

/// `damon_valid_probe_params`.
pub(super) fn check(
    probes: &[Probe],
    attrs: &Attrs,
    memory: &dyn Operations,
) -> Result<(), ConfigError> {
    let refused =
        |field, expected, received| Err(ConfigError::Probes { field, expected, received });
    if probes.len() > PROBES_MAX {
        return refused("probes", "at most 4 probes", probes.len() as u64);
    }
    if !probes.is_empty() && !memory.can_probe() {
        return refused("probes", "none: nobody here can ask pages", probes.len() as u64);
    }
    let sizes = probes.iter().flat_map(|probe| &probe.filters);
    for filter in sizes {
        if let ProbeFilterKind::HugepageSize { min, max } = filter.kind
            && max < min
        {
            return refused("probes", "bounds of hugepage_size in order", max);
        }
    }
    if probes.iter().all(|probe| probe.weight == 0) {
        return Ok(());
    }
    let ticks = attrs.ticks(attrs.aggregation_us);
    if ticks > SAMPLES_MAX {
        let expected = "an aggregation of at most 255 sampling intervals, as probes have weights";
        return refused("attrs.aggregationUs", expected, attrs.aggregation_us);
    }
    let samples = u64::from(attrs.samples_per_aggregation());
    let most: u64 = probes.iter().map(|probe| u64::from(probe.weight) * samples).sum();
    // Covers each weight, too.
    if u32::try_from(most).is_err() {
        let expected = "weights whose sum, times the samples of an aggregation, is below 2^32";
        return refused("probes", expected, most);
    }
    Ok(())
}

impl Kdamond {
    /// Before a sampling interval: addresses are chosen if they are not yet, and their pages made
    /// idle if a probe wants that. With `chosen`, [`prepare`](Self::prepare) has done both already.
    pub(super) fn prepare_probes(&mut self, memory: &mut dyn Operations, chosen: bool) {
        if self.probes.is_empty() || chosen {
            return;
        }
        let makes_idle = self.probes.iter().any(|probe| !probe.preps.is_empty());
        for (target, samples) in self.targets.iter().zip(&mut self.samples) {
            self.adjuster.sample(target, samples);
            scale(samples, self.addr_unit);
            if makes_idle {
                memory.prepare_access_checks(target.tgid(), samples);
            }
        }
    }

    /// After it: a hit for each probe that the page at the address passes. `damon_pa_apply_probes`.
    pub(super) fn apply_probes(&mut self, memory: &dyn Operations) {
        if self.probes.is_empty() {
            return;
        }
        for (target, samples) in self.targets.iter_mut().zip(&self.samples) {
            self.passed.clear();
            self.passed.resize(samples.len(), 0);
            memory.probe(target.tgid(), samples, &self.probes, &mut self.passed);
            for (hits, passed) in target.probe_hits_mut().iter_mut().zip(&self.passed) {
                for (probe, hits) in hits.now.iter_mut().enumerate() {
                    *hits = hits.wrapping_add(passed >> probe & 1);
                }
            }
        }
    }

    /// How a region weighs when it is merged.
    pub(super) fn weighing(&self) -> Weighing {
        match self.latched.attributes_only {
            true => Weighing::Attributes(weights(&self.probes)),
            false => Weighing::Accesses,
        }
    }

    /// The attributes that are counted.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }
}

/// Whether only attributes count.
pub(super) fn attributes_only(probes: &[Probe]) -> bool {
    probes.iter().any(|probe| probe.weight != 0)
}

/// From core address units to bytes.
pub(super) fn scale(addresses: &mut [u64], addr_unit: u64) {
    if addr_unit != 1 {
        for address in addresses {
            *address = address.wrapping_mul(addr_unit);
        }
    }
}
