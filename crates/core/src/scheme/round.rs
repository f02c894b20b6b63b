//! One round of applying schemes: windows opened, priorities set, regions walked.
//! `damon-core.md` 5.1 to 5.9; kernel `kdamond_apply_schemes`.

use std::collections::VecDeque;
use std::ptr;

use super::filter::Passage;
use super::goal::{Metric, MetricValue, share};
use super::quota::Histogram;
use super::record::Round;
use super::stretch::Stretches;
use super::tried::{TriedRegion, Walking};
use super::walk::Walk;
use super::{Pattern, Scheme, SchemeConfig};
use crate::arithmetic::align_down;
use crate::attrs::Attrs;
use crate::kdamond::TuneRequest;
use crate::ops::{Job, NodeBytes, Operations, OpsId};
use crate::region::{
    AHEAD_SZ, Moving, PROBES_MAX, ProbeHits, Range, Region, Scale, Target, prefetch, weighted,
};
use crate::scheme::PageFilters;

/// What a round knows besides regions and schemes.
pub(crate) struct ApplyContext {
    pub(crate) attrs: Attrs,
    pub(crate) ops: OpsId,
    pub(crate) now_ns: u64,
    pub(crate) now_tick: u64,
    /// How counts are seen in the running aggregation.
    pub(crate) moving: Moving,
    /// By probe.
    pub(crate) probe_weights: [u32; PROBES_MAX],
    /// No region may grow above this when equal neighbours are joined.
    pub(crate) size_limit: u64,
    /// In core address units.
    pub(crate) min_region_sz: u64,
    /// Bytes of a core address unit.
    pub(crate) addr_unit: u64,
}

impl ApplyContext {
    fn nr_accesses(&self, region: &Region) -> u32 {
        self.moving.nr_accesses(region)
    }

    #[inline]
    pub(super) fn matches(&self, config: &SchemeConfig, region: &Region) -> bool {
        config.pattern.matches(region.size(), self.nr_accesses(region), region.age)
    }

    /// Hits of probes by their weights.
    pub(super) fn probe_hits_wsum(&self, hits: ProbeHits) -> u32 {
        weighted(&self.probe_weights, self.moving.probe_hits(hits))
    }

    fn scale(&self, config: &SchemeConfig) -> Scale {
        Scale::new(config.action.score(self.ops), config.quota.weights, &self.attrs)
    }

    #[inline]
    fn score(&self, scale: &Scale, region: &Region) -> u32 {
        scale.of(self.nr_accesses(region), region.age)
    }

    /// Bytes in core address units.
    fn units(&self, bytes: u64) -> u64 {
        // Nearly always bytes, and a division for each region tried is as dear as the rest.
        if self.addr_unit == 1 { bytes } else { bytes / self.addr_unit }
    }

    fn bytes(&self, region: &Region) -> Range {
        Range {
            start: region.start.wrapping_mul(self.addr_unit),
            end: region.end.wrapping_mul(self.addr_unit),
        }
    }
}

/// Opens the quota windows that are due and asks for a verdict where goals steer. The effective
/// size of windows without goals is set here. Says which windows opened.
///
/// The kernel takes scheme after scheme; here all are measured before any priority is set, so that
/// one question to the control plane will do. It shows only where a pattern bounds the size and an
/// earlier scheme's filter cuts a region in the same round.
pub(crate) fn open_windows(
    schemes: &mut [Scheme],
    targets: &[Target],
    context: &ApplyContext,
    ops: &dyn Operations,
    requests: &mut Vec<TuneRequest>,
    opened: &mut Vec<usize>,
) {
    let min_region_sz = context.min_region_sz;
    for (index, scheme) in schemes.iter_mut().enumerate() {
        let acts = scheme.acts(context.now_tick);
        let Scheme { config, quota, stats, .. } = scheme;
        if !acts || !quota.is_set(&config.quota) {
            continue;
        }
        let openings =
            quota.roll(&config.quota, context.now_ns, min_region_sz, &mut stats.qt_exceeds);
        if openings == 0 {
            continue;
        }
        opened.push(index);
        if config.quota.goals.is_empty() {
            if openings == 2 && quota.first_was_full(&config.quota, None, min_region_sz) {
                stats.qt_exceeds += 1;
            }
            quota.set_effective(&config.quota, None, min_region_sz);
            continue;
        }
        let goals = config.quota.goals.iter();
        let metrics =
            goals.map(|goal| measure(&goal.metric, config, targets, context, ops)).collect();
        let effective_sz_bytes = quota.effective_sz_bytes;
        requests.push(TuneRequest { scheme: index, openings, effective_sz_bytes, metrics });
    }
}

fn measure(
    metric: &Metric,
    config: &SchemeConfig,
    targets: &[Target],
    context: &ApplyContext,
    ops: &dyn Operations,
) -> MetricValue {
    let Metric::NodeEligibleMemBp { nid } = *metric else { return metric.measure(ops) };
    let unanswered = ops.unanswered();
    let mut sum = NodeBytes::default();
    for region in targets.iter().flat_map(Target::regions) {
        if context.matches(config, region) {
            let bytes = ops.bytes_on_node(context.bytes(region), nid);
            sum.on_node += bytes.on_node;
            sum.total += bytes.total;
        }
    }
    if ops.unanswered() != unanswered {
        return MetricValue::Unmeasured;
    }
    // Nothing eligible reads as 0, as in the kernel: the scheme then works at full quota.
    share(sum.on_node, sum.total, 0)
}

/// Sets the score from which on regions are served, for schemes that are due, limited and have
/// quota left. May cut regions at filter edges. `damon-core.md` 5.5.
pub(crate) fn set_priorities(
    schemes: &mut [Scheme],
    targets: &mut [Target],
    context: &ApplyContext,
) -> bool {
    let mut changed = false;
    for scheme in schemes {
        let acts = scheme.acts(context.now_tick);
        let Scheme { config, quota, .. } = scheme;
        let limited =
            quota.is_set(&config.quota) && !quota.is_full(&config.quota, context.min_region_sz);
        if !acts || !limited {
            continue;
        }
        let mut histogram = Histogram::new();
        for (index, target) in targets.iter_mut().enumerate() {
            changed |= rank(config, index, target, context, &mut histogram);
        }
        quota.score_min = histogram.cut_off(quota.effective_sz_bytes);
    }
    changed
}

/// Adds what a scheme may act on to a histogram. Says whether a region was cut. Apart, so that the
/// loops have the registers to themselves.
#[inline(never)]
fn rank(
    config: &SchemeConfig,
    index: usize,
    target: &mut Target,
    context: &ApplyContext,
    histogram: &mut Histogram,
) -> bool {
    let scale = context.scale(config);
    if config.core_filters.is_empty() {
        // Nothing is cut, and where the next region lies is known before this one was looked at.
        let any = config.pattern == Pattern::ANY;
        for (nth, region) in target.regions().iter().enumerate() {
            prefetch(ptr::from_ref(region).wrapping_byte_add(AHEAD_SZ));
            if any || context.matches(config, region) {
                histogram.add(nth, context.score(&scale, region), region.size());
            }
        }
        return false;
    }
    let mut walk = Walk::new(target);
    while walk.goes_on() {
        if context.matches(config, walk.region())
            && config.core_filters().ask(index, context, &mut walk) != Passage::Out
        {
            let region = walk.region();
            histogram.add(0, context.score(&scale, region), region.size());
        }
        walk.keep();
    }
    let changed = walk.finish();
    if changed {
        target.were_cut();
    }
    changed
}

/// Accounts of rounds that nobody has looked at; the oldest make room, and are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    waiting: VecDeque<Round>,
    pub(crate) dropped: u64,
    /// Of the round in progress: the turns of the schemes that act, in their order.
    current: Vec<Turn>,
}

/// A scheme's part in the round in progress, and what does not change in it.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) round: Round,
    /// Of a scheme with a quota, and of no other: what is served first.
    pub(super) scale: Option<Scale>,
    /// The quota is used up, which lasts for the round.
    pub(super) full: bool,
}

/// What a scheme makes of a region that has its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    NoMatch,
    LowScore,
    /// Core filters may still object.
    Act,
}

impl Turn {
    #[inline]
    pub(super) fn judge(
        &self,
        scheme: &Scheme,
        context: &ApplyContext,
        region: &Region,
    ) -> Judgement {
        let low = |scale| context.score(scale, region) < scheme.quota.score_min;
        if !context.matches(&scheme.config, region) {
            Judgement::NoMatch
        } else if self.scale.as_ref().is_some_and(low) {
            Judgement::LowScore
        } else {
            Judgement::Act
        }
    }
}

/// Accounts that wait at the most: an hour of rounds of two schemes once per second.
const ROUNDS_MAX: usize = 8192;

impl Rounds {
    /// The accounts since the last look.
    pub(crate) fn take(&mut self) -> Vec<Round> {
        self.waiting.drain(..).collect()
    }

    fn begin(&mut self, schemes: &[Scheme], opened: &[usize], context: &ApplyContext) {
        self.current.clear();
        for (index, scheme) in schemes.iter().enumerate() {
            if !scheme.acts(context.now_tick) {
                continue;
            }
            let Scheme { config, quota, .. } = scheme;
            let round = Round {
                time_ns: context.now_ns,
                tick: context.now_tick,
                scheme: index,
                opened: opened.contains(&index),
                effective_sz: quota.effective_sz_bytes,
                charged_before: quota.charged_sz_bytes,
                score_min: quota.score_min,
                ..Round::default()
            };
            let scale = quota.is_set(&config.quota).then(|| context.scale(config));
            let full = quota.is_full(&config.quota, context.min_region_sz);
            self.current.push(Turn { round, scale, full });
        }
    }

    fn end(&mut self, schemes: &mut [Scheme]) {
        for Turn { mut round, .. } in self.current.drain(..) {
            let scheme = &mut schemes[round.scheme];
            scheme.stats.add(&round);
            round.charged_after = scheme.quota.charged_sz_bytes;
            if self.waiting.len() == ROUNDS_MAX {
                self.waiting.pop_front();
                self.dropped += 1;
            }
            self.waiting.push_back(round);
        }
    }
}

/// What a round leaves behind besides what it did to memory.
pub(crate) struct Trace<'a> {
    pub(crate) rounds: &'a mut Rounds,
    pub(crate) opened: &'a [usize],
    pub(crate) walking: Option<&'a mut Walking>,
}

/// Walks all regions once, offering each to every scheme that is due and active. Returns whether
/// any bound changed.
pub(crate) fn apply(
    schemes: &mut [Scheme],
    targets: &mut [Target],
    context: &ApplyContext,
    trace: &mut Trace<'_>,
    ops: &mut dyn Operations,
) -> bool {
    // An inactive scheme that is due stays so, for when it is active again.
    if !schemes.iter().any(|scheme| scheme.acts(context.now_tick)) {
        return false;
    }
    trace.rounds.begin(schemes, trace.opened, context);
    let listed = trace.walking.is_some();
    let mut stretches = Stretches::new(schemes, &trace.rounds.current, context, listed);
    let mut changed = false;
    for (index, target) in targets.iter_mut().enumerate() {
        if target.tgid().is_some_and(|tgid| !ops.is_target_valid(tgid)) {
            forget(schemes, index);
            continue;
        }
        let tgid = target.tgid();
        let mut walk = Walk::new(target);
        while walk.goes_on() {
            let turns = &mut trace.rounds.current;
            let settled = stretches.settle(schemes, turns, (index, tgid), context, &walk, ops);
            if settled > 0 {
                walk.keep_all(settled);
                continue;
            }
            for turn in &mut trace.rounds.current {
                if turn.full {
                    turn.round.quota_full.add(walk.region().size());
                    continue;
                }
                let place = Place { target: index, tgid, scheme: turn.round.scheme };
                let scheme = &mut schemes[place.scheme];
                let walking = trace.walking.as_deref_mut();
                Offer { scheme, place, context, turn, walking, ops }.make(&mut walk);
            }
            walk.keep_or_join(context.size_limit);
        }
        if walk.finish() {
            target.were_cut();
            changed = true;
        }
    }
    trace.rounds.end(schemes);
    for (number, scheme) in schemes.iter_mut().enumerate() {
        if scheme.is_due(context.now_tick) {
            if let Some(walking) = trace.walking.as_deref_mut() {
                walking.finish(number);
            }
            scheme.schedule(context.now_tick, &context.attrs);
            scheme.last_applied = None;
        }
    }
    changed
}

/// The target is gone: nobody is to resume there.
pub(crate) fn forget(schemes: &mut [Scheme], target: usize) {
    for scheme in schemes {
        if scheme.quota.resume_at.is_some_and(|(at, _)| at == target) {
            scheme.quota.resume_at = None;
        }
    }
}

/// Whose region is offered to whom.
#[derive(Clone, Copy)]
struct Place {
    target: usize,
    tgid: Option<u32>,
    scheme: usize,
}

/// The current region of a walk offered to one scheme.
struct Offer<'a> {
    scheme: &'a mut Scheme,
    place: Place,
    context: &'a ApplyContext,
    turn: &'a mut Turn,
    walking: Option<&'a mut Walking>,
    ops: &'a mut dyn Operations,
}

impl Offer<'_> {
    /// `damon_do_apply_schemes`, `damon-core.md` 5.3; the quota is not full.
    #[inline]
    fn make(mut self, walk: &mut Walk<'_>) {
        if self.skip(walk) {
            return self.turn.round.served_before.add(walk.region().size());
        }
        let region = walk.region();
        if self.scheme.has_done_its_snapshots() {
            return self.turn.round.snapshots_done.add(region.size());
        }
        match self.turn.judge(self.scheme, self.context, region) {
            Judgement::NoMatch => self.turn.round.no_match.add(region.size()),
            Judgement::LowScore => self.turn.round.low_score.add(region.size()),
            Judgement::Act => self.act(walk),
        }
        if walk.at_last() {
            self.scheme.stats.nr_snapshots += 1;
        }
    }

    /// Whether the region had its turn before the last full window ended. Cuts a region that had
    /// half of it. `damon-core.md` 5.8.
    #[inline]
    fn skip(&mut self, walk: &mut Walk<'_>) -> bool {
        let quota = &mut self.scheme.quota;
        let Some((resume_target, resume_address)) = quota.resume_at else { return false };
        if self.place.target != resume_target {
            return true;
        }
        let mut skipped = true;
        let region = walk.region().range();
        if region.end <= resume_address {
            // Served in full.
        } else if region.start < resume_address {
            let min_region_sz = self.context.min_region_sz;
            let served = align_down(resume_address - region.start, min_region_sz);
            let cut = if served == 0 { min_region_sz } else { served };
            if cut < region.size() {
                walk.cut(cut);
            }
        } else {
            skipped = false;
        }
        if walk.at_last() {
            quota.resume_at = None;
        }
        skipped
    }

    /// Hands the region, or as much of it as the quota allows, to the operations set.
    /// `damos_apply_scheme`, `damon-core.md` 5.6.
    #[inline]
    fn act(&mut self, walk: &mut Walk<'_>) {
        let Self { context, place, .. } = self;
        let turn = &mut *self.turn;
        let Scheme { config, quota, last_applied, .. } = &mut *self.scheme;
        let min_region_sz = context.min_region_sz;
        let limited = turn.scale.is_some();
        if limited && walk.region().size() > quota.left() {
            // It is not full: a smallest region fits.
            walk.cut(align_down(quota.left(), min_region_sz));
        }
        let passage = config.core_filters().ask(place.target, context, walk);
        let hits = walk.probe_hits();
        let region = walk.region();
        let size = region.size();
        if passage == Passage::Out {
            return turn.round.filtered.add(size);
        }
        let job = Job {
            tgid: place.tgid,
            range: context.bytes(region),
            action: config.action,
            target_nid: config.target_nid,
            destinations: &config.destinations,
            filters: PageFilters::new(&config.page_filters, passage == Passage::Allowed),
        };
        let applied = self.ops.apply(&job, last_applied);
        let [bytes, passed] = [applied.bytes, applied.passed].map(|bytes| context.units(bytes));
        if let Some(walking) = &mut self.walking {
            walking.saw(
                place.scheme,
                TriedRegion {
                    target: place.target,
                    start: region.start,
                    end: region.end,
                    nr_accesses: context.nr_accesses(region),
                    age: region.age,
                    probe_hits: context.moving.probe_hits(hits),
                    sz_filter_passed: passed,
                },
            );
        }
        quota.charge(&config.quota, size, bytes, applied.elapsed_ns);
        if limited && quota.is_full(&config.quota, min_region_sz) {
            turn.full = true;
            quota.resume_at = Some((place.target, region.end));
        }
        if config.action.resets_age() {
            region.age = 0;
        }
        let round = &mut turn.round;
        round.tried.add(size);
        round.elapsed_ns += applied.elapsed_ns;
        round.ops_passed_bytes += passed;
        if bytes > 0 {
            round.applied.add(bytes);
        }
    }
}
