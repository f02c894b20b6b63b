//! Stretches of regions about which no scheme does more than count: settled at once. What is counted,
//! and what the operations set is asked to do, is as it would be region by region, in that order.
//!
//! Of a round over half a million regions, most of the time went into finding out anew for each of
//! them what is the same for nearly all: that a quota is used up, that a scheme does nothing but count.

use super::record::Share;
use super::round::{ApplyContext, Judgement, Turn};
use super::walk::{STRETCH_MAX, Walk};
use super::{Action, PageFilters, Pattern, Scheme};
use crate::ops::{AppliedToEach, Job, Operations};
use crate::region::{Range, Region};

/// What is the same for all stretches of a round.
pub(super) struct Stretches {
    /// Index of the turn whose scheme only counts. One alone: two would have to go by turns at each
    /// region.
    counting: Option<usize>,
    /// What it tries. Reused.
    ranges: [Range; STRETCH_MAX],
    /// Regions to come that are not looked at: where some scheme acts on a region it mostly acts on
    /// the next as well.
    unseen: usize,
    /// As many are not looked at if the next cannot be settled.
    unseen_next: usize,
}

/// Most regions that are not looked at.
const UNSEEN_MAX: usize = 16;

/// What a turn has for the regions to come.
#[derive(Clone, Copy)]
enum Standing {
    QuotaFull,
    /// As long as they end at this address at the latest.
    ServedBefore(u64),
    SnapshotsDone,
    /// Judges them one by one.
    Judging,
}

impl Standing {
    #[inline]
    fn of(turn: &Turn, scheme: &Scheme, target: usize, next: &Region) -> Self {
        match scheme.quota.resume_at {
            _ if turn.full => Self::QuotaFull,
            Some((resume_target, _)) if resume_target != target => Self::ServedBefore(u64::MAX),
            Some((_, address)) if next.start < address => Self::ServedBefore(address),
            _ if scheme.has_done_its_snapshots() => Self::SnapshotsDone,
            _ => Self::Judging,
        }
    }
}

impl Stretches {
    /// In a round whose tried regions are listed, nobody only counts.
    pub(super) fn new(
        schemes: &[Scheme],
        turns: &[Turn],
        context: &ApplyContext,
        listed: bool,
    ) -> Self {
        let only_counts = |turn: &Turn| {
            let config = &schemes[turn.round.scheme].config;
            config.action == Action::Stat
                && turn.scale.is_none()
                && config.core_filters.is_empty()
                // What all are charged is the sum of their sizes.
                && config.quota.fail_charge.denominator == 0
        };
        // Of what became of each, only the sum is known, in bytes.
        let summed = !listed && context.addr_unit == 1;
        let counting = if summed { turns.iter().position(only_counts) } else { None };
        let ranges = [Range { start: 0, end: 0 }; STRETCH_MAX];
        Self { counting, ranges, unseen: 0, unseen_next: 0 }
    }

    /// Settles the next regions of a target, as many as can be. Says how many: those are to be kept,
    /// and not joined. After none, the next is to be offered to the schemes.
    #[inline]
    pub(super) fn settle(
        &mut self,
        schemes: &mut [Scheme],
        turns: &mut [Turn],
        target: (usize, Option<u32>),
        context: &ApplyContext,
        walk: &Walk<'_>,
        ops: &mut dyn Operations,
    ) -> usize {
        if self.unseen > 0 {
            self.unseen -= 1;
            return 0;
        }
        let settled = self.settle_all(schemes, turns, target, context, walk, ops);
        if settled == 0 {
            self.unseen = self.unseen_next;
            self.unseen_next = (2 * self.unseen_next + 1).min(UNSEEN_MAX);
        } else {
            self.unseen_next = 0;
        }
        settled
    }

    #[inline(never)]
    fn settle_all(
        &mut self,
        schemes: &mut [Scheme],
        turns: &mut [Turn],
        (target, tgid): (usize, Option<u32>),
        context: &ApplyContext,
        walk: &Walk<'_>,
        ops: &mut dyn Operations,
    ) -> usize {
        // Schemes take note of the last.
        let mut regions = walk.before_last();
        for (index, turn) in turns.iter().enumerate() {
            let Some(next) = regions.first() else { return 0 };
            let scheme = &schemes[turn.round.scheme];
            let len = match Standing::of(turn, scheme, target, next) {
                Standing::QuotaFull | Standing::SnapshotsDone => continue,
                Standing::ServedBefore(address) => {
                    regions.partition_point(|region| region.end <= address)
                }
                Standing::Judging if self.counting == Some(index) => continue,
                Standing::Judging => {
                    let acts = |region| turn.judge(scheme, context, region) == Judgement::Act;
                    regions.iter().position(acts).unwrap_or(regions.len())
                }
            };
            regions = &regions[..len];
        }
        let all = walk.apart(regions, context.size_limit);
        let regions = &regions[..all.regions as usize];
        let Some(next) = regions.first() else { return 0 };
        for (index, turn) in turns.iter_mut().enumerate() {
            let scheme = &mut schemes[turn.round.scheme];
            match Standing::of(turn, scheme, target, next) {
                Standing::QuotaFull => turn.round.quota_full += all,
                Standing::ServedBefore(_) => turn.round.served_before += all,
                Standing::SnapshotsDone => turn.round.snapshots_done += all,
                Standing::Judging if self.counting == Some(index) => {
                    let tried = self.count(scheme, turn, tgid, context, regions, ops);
                    turn.round.no_match += all - tried;
                }
                Standing::Judging => {
                    let mut low = Share::default();
                    for region in regions {
                        if turn.judge(scheme, context, region) == Judgement::LowScore {
                            low.add(region.size());
                        }
                    }
                    turn.round.low_score += low;
                    turn.round.no_match += all - low;
                }
            }
        }
        regions.len()
    }

    /// Has the regions counted that match. Gives those.
    #[inline(never)]
    fn count(
        &mut self,
        scheme: &mut Scheme,
        turn: &mut Turn,
        tgid: Option<u32>,
        context: &ApplyContext,
        regions: &[Region],
        ops: &mut dyn Operations,
    ) -> Share {
        let Scheme { config, quota, last_applied, .. } = scheme;
        let mut tried = Share::default();
        let any = config.pattern == Pattern::ANY;
        for region in regions {
            self.ranges[tried.regions as usize] = region.range();
            // No branch: which regions match is anyone's guess.
            let matches = u64::from(any || context.matches(config, region));
            tried += Share { regions: matches, bytes: matches * region.size() };
        }
        let ranges = &self.ranges[..tried.regions as usize];
        let Some(&range) = ranges.first() else { return tried };
        let job = Job {
            tgid,
            range,
            action: config.action,
            target_nid: config.target_nid,
            destinations: &config.destinations,
            filters: PageFilters::new(&config.page_filters, false),
        };
        let AppliedToEach { affected, sum } = ops.apply_each(&job, ranges, last_applied);
        quota.charge(&config.quota, tried.bytes, sum.bytes, sum.elapsed_ns);
        let round = &mut turn.round;
        round.tried += tried;
        round.elapsed_ns += sum.elapsed_ns;
        round.ops_passed_bytes += sum.passed;
        round.applied += Share { regions: affected, bytes: sum.bytes };
        tried
    }
}
