//! One round of applying schemes: windows opened, priorities set, regions walked.
//! `damon-core.md` 5.1 to 5.9; kernel `kdamond_apply_schemes`.

use super::filter;
use super::quota::{Histogram, Metric};
use super::walk::Walk;
use super::{Scheme, SchemeConfig};
use crate::arithmetic::{MIN_REGION_SZ, align_down, mult_frac};
use crate::attrs::Attrs;
use crate::kdamond::{MetricValue, TuneRequest};
use crate::ops::{NodeBytes, Operations};
use crate::region::{Region, Target};

/// What a round knows besides regions and schemes.
pub(crate) struct ApplyContext<'a> {
    pub(crate) attrs: &'a Attrs,
    pub(crate) now_tick: u64,
    /// Ticks left of the running aggregation: 0 at its end.
    pub(crate) left_ticks: u64,
    /// No region may grow above this when equal neighbours are joined.
    pub(crate) size_limit: u64,
}

impl ApplyContext<'_> {
    fn nr_accesses(&self, region: &Region) -> u32 {
        region.moving_nr_accesses(self.left_ticks, self.attrs.ticks(self.attrs.aggregation_us))
    }

    fn matches(&self, config: &SchemeConfig, region: &Region) -> bool {
        config.pattern.matches(region.size(), self.nr_accesses(region), region.age)
    }

    fn score(&self, config: &SchemeConfig, region: &Region) -> u32 {
        let nr_accesses = self.nr_accesses(region);
        config.action.score().of(nr_accesses, region.age, config.quota.weights, self.attrs)
    }
}

/// Opens the quota windows that are due and asks for a verdict where goals steer. The effective
/// size of windows without goals is set here.
///
/// The kernel takes scheme after scheme; here all are measured before any priority is set, so that
/// one question to the control plane will do. It shows only where a pattern bounds the size and an
/// earlier scheme's filter cuts a region in the same round.
pub(crate) fn open_windows(
    schemes: &mut [Scheme],
    targets: &[Target],
    context: &ApplyContext<'_>,
    now_ns: u64,
    ops: &dyn Operations,
    requests: &mut Vec<TuneRequest>,
) {
    for (index, scheme) in schemes.iter_mut().enumerate() {
        let Scheme { config, quota, stats, .. } = scheme;
        if context.now_tick < scheme.next_apply_tick || !config.quota.is_set() {
            continue;
        }
        let openings = quota.roll(&config.quota, now_ns, &mut stats.qt_exceeds);
        if openings == 0 {
            continue;
        }
        if config.quota.goals.is_empty() {
            quota.set_effective(&config.quota, None);
            continue;
        }
        let metrics = config
            .quota
            .goals
            .iter()
            .map(|goal| measure(goal.metric, config, targets, context, ops))
            .collect();
        requests.push(TuneRequest { scheme: index, openings, metrics });
    }
}

fn measure(
    metric: Metric,
    config: &SchemeConfig,
    targets: &[Target],
    context: &ApplyContext<'_>,
    ops: &dyn Operations,
) -> MetricValue {
    match metric {
        Metric::UserInput => MetricValue::UserInput,
        Metric::NodeEligibleMemBp { nid } => {
            let mut sum = NodeBytes::default();
            for region in targets.iter().flat_map(Target::regions) {
                if context.matches(config, region) {
                    let bytes = ops.bytes_on_node(region.range(), nid);
                    sum.on_node += bytes.on_node;
                    sum.total += bytes.total;
                }
            }
            // Nothing eligible reads as 0, as in the kernel: the scheme then works at full quota.
            let value_bp =
                if sum.total == 0 { 0 } else { mult_frac(sum.on_node, 10_000, sum.total) };
            MetricValue::NodeEligible { value_bp, on_node: sum.on_node, total: sum.total }
        }
    }
}

/// Sets the score from which on regions are served, for schemes that are due, limited and have
/// quota left. May cut regions at filter edges. `damon-core.md` 5.5.
pub(crate) fn set_priorities(
    schemes: &mut [Scheme],
    targets: &mut [Target],
    context: &ApplyContext<'_>,
) -> bool {
    let mut changed = false;
    for scheme in schemes {
        let Scheme { config, quota, .. } = scheme;
        let limited = config.quota.is_set() && !quota.is_full(&config.quota);
        if context.now_tick < scheme.next_apply_tick || !limited {
            continue;
        }
        let mut histogram = Histogram::new();
        for target in &mut *targets {
            let mut walk = Walk::new(target.regions_mut());
            while let Some(mut region) = walk.next() {
                if context.matches(config, &region)
                    && filter::pass(&config.filters, &mut region, &mut walk)
                {
                    histogram.add(context.score(config, &region), region.size());
                }
                walk.keep(region);
            }
            changed |= walk.finish();
        }
        quota.score_min = histogram.cut_off(quota.effective_sz_bytes);
    }
    changed
}

/// Walks all regions once, offering each to every scheme that is due. Returns whether any bound
/// changed.
pub(crate) fn apply(
    schemes: &mut [Scheme],
    targets: &mut [Target],
    context: &ApplyContext<'_>,
    ops: &mut dyn Operations,
) -> bool {
    if !schemes.iter().any(|scheme| scheme.is_due(context.now_tick)) {
        return false;
    }
    let mut changed = false;
    for (index, target) in targets.iter_mut().enumerate() {
        let mut walk = Walk::new(target.regions_mut());
        while let Some(mut region) = walk.next() {
            for scheme in &mut *schemes {
                if scheme.is_due(context.now_tick) {
                    offer(scheme, index, &mut region, &mut walk, context, ops);
                }
            }
            walk.keep_or_join(region, context.size_limit);
        }
        changed |= walk.finish();
    }
    for scheme in schemes {
        if scheme.is_due(context.now_tick) {
            scheme.schedule(context.now_tick, context.attrs);
        }
    }
    changed
}

fn offer(
    scheme: &mut Scheme,
    target: usize,
    region: &mut Region,
    walk: &mut Walk<'_>,
    context: &ApplyContext<'_>,
    ops: &mut dyn Operations,
) {
    if scheme.quota.is_full(&scheme.config.quota) || skip(scheme, target, region, walk) {
        return;
    }
    let prior = !scheme.config.quota.is_set()
        || context.score(&scheme.config, region) >= scheme.quota.score_min;
    if prior && context.matches(&scheme.config, region) {
        act(scheme, target, region, walk, ops);
    }
    if walk.at_last() {
        scheme.stats.nr_snapshots += 1;
    }
}

/// Whether the region had its turn before the last full window ended. Cuts a region that had half
/// of it. `damon-core.md` 5.8.
fn skip(scheme: &mut Scheme, target: usize, region: &mut Region, walk: &mut Walk<'_>) -> bool {
    let Some((resume_target, resume_address)) = scheme.quota.resume_at else { return false };
    if target != resume_target {
        return true;
    }
    let mut skipped = true;
    if region.end <= resume_address {
        // Served in full.
    } else if region.start < resume_address {
        let served = align_down(resume_address - region.start, MIN_REGION_SZ);
        let cut = if served == 0 { MIN_REGION_SZ } else { served };
        if cut < region.size() {
            walk.put_back(region.split_off(cut));
        }
    } else {
        skipped = false;
    }
    if walk.at_last() {
        scheme.quota.resume_at = None;
    }
    skipped
}

/// Hands the region, or as much of it as the quota allows, to the operations set.
/// `damos_apply_scheme`, `damon-core.md` 5.6.
fn act(
    scheme: &mut Scheme,
    target: usize,
    region: &mut Region,
    walk: &mut Walk<'_>,
    ops: &mut dyn Operations,
) {
    let Scheme { config, quota, stats, .. } = scheme;
    if config.quota.is_set() {
        let left = quota.effective_sz_bytes - quota.charged_sz_bytes;
        if region.size() > left {
            // `is_full` has said that a smallest region fits.
            walk.put_back(region.split_off(align_down(left, MIN_REGION_SZ)));
        }
    }
    if !filter::pass(&config.filters, region, walk) {
        return;
    }
    let size = region.size();
    let applied = ops.apply(config.action, region.range());
    quota.charged_sz_bytes += size;
    if quota.is_full(&config.quota) {
        quota.resume_at = Some((target, region.end));
    }
    if config.action.resets_age() {
        region.age = 0;
    }
    stats.nr_tried += 1;
    stats.sz_tried += size;
    if applied.bytes > 0 {
        stats.nr_applied += 1;
        stats.sz_applied += applied.bytes;
    }
    stats.sz_ops_filter_passed += applied.passed;
}
