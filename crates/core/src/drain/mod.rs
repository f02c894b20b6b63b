//! Moves access reports from the lanes into regions.
//!
//! Runs once per sampling interval. Cost: O(reports · log regions), plus O(regions) to rebuild an
//! index when its regions changed since it was last asked; no allocation once the index has grown.
//! Order: lanes ascending, each oldest first; credits are sums, so a replay gives the same counts.
//! Every drained report ends in exactly one counter of [`DrainCounters`], the first whose question
//! it fails in the order in which they stand there.
//!
//! Not here: deciding what a count means (see [`region`](crate::region)).
//! Source: `hardware-sampling.md` 3, 4 and 1.4 to 1.6.

mod filter;
mod index;

use std::collections::{BTreeMap, BTreeSet};

use damon_ring::{AddressKind, Details, LaneId, Lanes, Reports, Sighting};

pub use filter::{CpuSet, SampleFilter, SampleFilterKind};
use index::Index;
pub use index::Kernel;

use crate::region::Target;

/// Where drained reports went. `drained` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainCounters {
    /// Reports taken from the lanes.
    pub drained: u64,
    /// Reports that raised the weight of a region: of one, or of one in each of several targets of
    /// the same process.
    pub credited: u64,
    /// Reports older than the drain before the last.
    pub stale: u64,
    /// Reports that a sample filter rejected.
    pub filtered: u64,
    /// Virtual addresses offered to physical targets, or the other way round.
    pub wrong_kind: u64,
    /// Virtual addresses of a process that is no target.
    pub no_target: u64,
    /// Addresses that no region contains.
    pub no_region: u64,
    /// Reports that begin in a region and end behind it.
    pub straddling: u64,
}

/// Drained reports of one lane that were lost, by cause, as in [`DrainCounters`]. The others were
/// credited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneLosses {
    /// [`DrainCounters::stale`].
    pub stale: u64,
    /// [`DrainCounters::filtered`].
    pub filtered: u64,
    /// [`DrainCounters::wrong_kind`].
    pub wrong_kind: u64,
    /// [`DrainCounters::no_target`].
    pub no_target: u64,
    /// [`DrainCounters::no_region`].
    pub no_region: u64,
    /// [`DrainCounters::straddling`].
    pub straddling: u64,
}

impl LaneLosses {
    /// The sum of all causes.
    pub fn total(&self) -> u64 {
        let Self { stale, filtered, wrong_kind, no_target, no_region, straddling } = self;
        stale + filtered + wrong_kind + no_target + no_region + straddling
    }

    /// What was lost between two readings.
    fn between(before: &DrainCounters, after: &DrainCounters) -> Self {
        Self {
            stale: after.stale - before.stale,
            filtered: after.filtered - before.filtered,
            wrong_kind: after.wrong_kind - before.wrong_kind,
            no_target: after.no_target - before.no_target,
            no_region: after.no_region - before.no_region,
            straddling: after.straddling - before.straddling,
        }
    }

    fn add(&mut self, other: &Self) {
        self.stale += other.stale;
        self.filtered += other.filtered;
        self.wrong_kind += other.wrong_kind;
        self.no_target += other.no_target;
        self.no_region += other.no_region;
        self.straddling += other.straddling;
    }
}

/// The drain of one monitor.
#[derive(Debug, Default)]
pub struct Drain {
    filters: Vec<SampleFilter>,
    /// By target.
    indexes: Vec<Index>,
    /// Process ids of virtual targets, sorted, with the targets' places. One may have several.
    processes: Vec<(u32, usize)>,
    /// Credits since the last fold of reports that another target was credited with, too.
    again: u64,
    counters: DrainCounters,
    /// Of lanes that ever lost a report to the drain.
    losses: BTreeMap<LaneId, LaneLosses>,
    /// Of lanes no longer in use, summed.
    retired_losses: LaneLosses,
    /// Reports stamped earlier than this are stale: when the drain before the last began. Unlike
    /// the RFC's "older than one sampling interval", a late drain does not condemn what waited
    /// for it (`hardware-sampling.md` 1.6); the interval of grace is for a report stamped just
    /// before a drain began and queued just after.
    stale_before_ns: u64,
    last_began_ns: u64,
    /// Positions of reports that need a closer look. Reused.
    closer: Vec<usize>,
    /// Reports that the filters let through. Reused.
    passed: Columns,
}

/// What became of a report in the targets it is for: the best of what it met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    NoTarget,
    NoRegion,
    Straddling,
    Credited,
}

#[derive(Debug, Default)]
struct Columns {
    sightings: Vec<Sighting>,
    details: Vec<Details>,
}

impl Drain {
    /// A drain for targets whose process ids are `tgids`, `None` for the one physical target; it
    /// credits reports that pass all filters.
    pub fn new(filters: Vec<SampleFilter>, tgids: &[Option<u32>]) -> Self {
        let mut processes: Vec<(u32, usize)> = tgids
            .iter()
            .enumerate()
            .filter_map(|(place, tgid)| tgid.map(|tgid| (tgid, place)))
            .collect();
        processes.sort_unstable();
        let indexes = tgids.iter().map(|_| Index::default()).collect();
        Self { filters, indexes, processes, ..Self::default() }
    }

    /// Takes other filters and targets; what was counted stays.
    pub(crate) fn configure(&mut self, filters: Vec<SampleFilter>, tgids: &[Option<u32>]) {
        let Self { indexes, processes, .. } = Self::new(filters.clone(), tgids);
        self.filters = filters;
        self.indexes = indexes;
        self.processes = processes;
    }

    /// Empties the lanes: what they hold is stale.
    pub(crate) fn discard(&mut self, lanes: &mut Lanes) {
        let Self { counters, losses, .. } = self;
        counters.drained += lanes.drain(|lane, reports| {
            let stale = reports.len() as u64;
            counters.stale += stale;
            losses.entry(lane).or_default().stale += stale;
        });
    }

    /// The same with a search kernel of choice instead of the fastest.
    ///
    /// # Panics
    ///
    /// If this CPU cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.indexes.fill_with(|| Index::with_kernel(kernel));
        self
    }

    /// What became of all reports so far.
    pub fn counters(&self) -> DrainCounters {
        self.counters
    }

    /// Starts the clock: reports from before `now_ns` are stale.
    pub fn start(&mut self, now_ns: u64) {
        self.stale_before_ns = now_ns;
        self.last_began_ns = now_ns;
    }

    /// The regions changed: the next drain looks at them anew.
    pub fn regions_changed(&mut self) {
        self.indexes.iter_mut().for_each(Index::invalidate);
    }

    /// Empties the lanes into the regions of the targets. `tick` is the running tick of the
    /// aggregation, from 1.
    pub fn run(&mut self, lanes: &mut Lanes, targets: &mut [Target], tick: u32) {
        let mut refreshed = false;
        let drained = lanes.drain(|lane, reports| {
            // Only now: in an interval without reports nobody asks where a region is.
            if !std::mem::replace(&mut refreshed, true) {
                self.refresh(targets);
            }
            self.take(lane, reports, targets);
        });
        if drained > 0 {
            self.fold(targets, tick);
        }
        self.counters.drained += drained;
        if !self.losses.is_empty() && self.losses.len() > lanes.in_use() as usize {
            self.retire(lanes);
        }
    }

    /// Derives anew what is derived of the regions of targets, if they changed: what
    /// [`run`](Self::run) does when there is a report.
    pub fn refresh(&mut self, targets: &[Target]) {
        for (index, target) in self.indexes.iter_mut().zip(targets) {
            index.refresh(target.regions());
        }
    }

    /// Moves what the indexes counted into the regions.
    fn fold(&mut self, targets: &mut [Target], tick: u32) {
        for (index, target) in self.indexes.iter_mut().zip(targets) {
            let folded = index.fold(target.regions_mut(), tick);
            self.counters.credited += folded.credited;
            self.counters.no_region += folded.no_region;
            target.credited(folded.largest_count);
            for (lane, missed) in index.take_missed() {
                self.losses.entry(lane).or_default().no_region += missed;
            }
        }
        self.counters.credited -= std::mem::take(&mut self.again);
    }

    /// The sampling interval ended: what comes next may be as old as this interval, not older.
    pub fn close_interval(&mut self, now_ns: u64) {
        self.stale_before_ns = self.last_began_ns;
        self.last_began_ns = now_ns;
    }

    /// Sums up lanes that are gone, once they outnumber those in use.
    fn retire(&mut self, lanes: &Lanes) {
        let in_use: BTreeSet<LaneId> = lanes.by_lane().map(|(lane, _)| lane).collect();
        let Self { losses, retired_losses, .. } = self;
        losses.retain(|lane, lost| {
            let stays = in_use.contains(lane);
            if !stays {
                retired_losses.add(lost);
            }
            stays
        });
    }

    /// What the drain lost of the reports of a lane in use.
    pub fn losses(&self, lane: LaneId) -> LaneLosses {
        self.losses.get(&lane).copied().unwrap_or_default()
    }

    /// What the drain lost of the reports of all other lanes.
    pub fn losses_but(&self, lanes_in_use: &BTreeSet<LaneId>) -> LaneLosses {
        let mut total = self.retired_losses;
        let gone = self.losses.iter().filter(|(lane, _)| !lanes_in_use.contains(lane));
        gone.for_each(|(_, lost)| total.add(lost));
        total
    }

    fn take(&mut self, lane: LaneId, reports: &Reports<'_>, targets: &[Target]) {
        if self.processes.is_empty() && self.filters.is_empty() {
            self.credit(lane, reports);
            if self.closer.is_empty() {
                return;
            }
        }
        let before = self.counters;
        if !self.processes.is_empty() {
            (0..reports.len()).for_each(|i| self.take_virtual(reports, i, targets));
        } else if self.filters.is_empty() {
            self.take_closer(reports, targets);
        } else {
            let mut passed = std::mem::take(&mut self.passed);
            self.filter(reports, &mut passed);
            let Columns { sightings, details } = &passed;
            let reports = Reports { sightings, details };
            self.credit(lane, &reports);
            self.take_closer(&reports, targets);
            self.passed = passed;
        }
        // What is credited is counted later.
        if before != self.counters {
            let lost = LaneLosses::between(&before, &self.counters);
            self.losses.entry(lane).or_default().add(&lost);
        }
    }

    fn is_stale(&self, sighting: Sighting) -> bool {
        sighting.time_ns() < self.stale_before_ns
    }

    /// Once per report; what is stale is not even asked.
    fn filter(&mut self, reports: &Reports<'_>, into: &mut Columns) {
        into.sightings.clear();
        into.details.clear();
        for i in 0..reports.len() {
            if self.is_stale(reports.sightings[i]) {
                self.counters.stale += 1;
            } else if !filter::passes(&self.filters, reports.details[i]) {
                self.counters.filtered += 1;
            } else {
                into.sightings.push(reports.sightings[i]);
                into.details.push(reports.details[i]);
            }
        }
    }

    /// Reports of physical memory, but for those that need a [closer look](Self::take_closer).
    fn credit(&mut self, lane: LaneId, reports: &Reports<'_>) {
        // Not a target without an index: there is one of each.
        let Some(index) = self.indexes.first_mut() else { return };
        // A stamp has 63 bits, so a later moment is as good as the last of them.
        let fresh_from = i64::try_from(self.stale_before_ns).unwrap_or(i64::MAX);
        let words = Sighting::words(reports.sightings);
        let closer = &mut self.closer;
        index.credit(lane, words, fresh_from, |i| closer.push(i));
    }

    fn take_closer(&mut self, reports: &Reports<'_>, targets: &[Target]) {
        let Some(target) = targets.first() else { return };
        let mut closer = std::mem::take(&mut self.closer);
        for i in closer.drain(..) {
            if self.is_stale(reports.sightings[i]) {
                self.counters.stale += 1;
            } else if reports.details[i].kind() != AddressKind::Physical {
                self.counters.wrong_kind += 1;
            } else {
                let address = reports.sightings[i].address();
                let found = self.look_closer(0, target, address, reports.details[i].size());
                self.count(found);
            }
        }
        self.closer = closer;
    }

    fn take_virtual(&mut self, reports: &Reports<'_>, i: usize, targets: &[Target]) {
        let details = reports.details[i];
        if self.is_stale(reports.sightings[i]) {
            self.counters.stale += 1;
        } else if !filter::passes(&self.filters, details) {
            self.counters.filtered += 1;
        } else if details.kind() != AddressKind::Virtual {
            self.counters.wrong_kind += 1;
        } else {
            let (tgid, address) = (details.tgid(), reports.sightings[i].address());
            let mut at = self.processes.partition_point(|&(other, _)| other < tgid);
            let mut found = Found::NoTarget;
            while let Some(&(_, place)) = self.processes.get(at).filter(|(other, _)| *other == tgid)
            {
                let here = self.look_closer(place, &targets[place], address, details.size());
                self.again += u64::from(here == Found::Credited && found == Found::Credited);
                found = found.max(here);
                at += 1;
            }
            self.count(found);
        }
    }

    fn count(&mut self, found: Found) {
        match found {
            Found::NoTarget => self.counters.no_target += 1,
            Found::NoRegion => self.counters.no_region += 1,
            Found::Straddling => self.counters.straddling += 1,
            // The fold counts it.
            Found::Credited => {}
        }
    }

    fn look_closer(&mut self, place: usize, target: &Target, address: u64, size: u32) -> Found {
        let index = &mut self.indexes[place];
        let Some(found) = index.find(address) else { return Found::NoRegion };
        // Checked: at the top of the address space the end must not wrap into the region (hazard
        // H16).
        match address.checked_add(u64::from(size)) {
            Some(end) if end <= target.regions()[found].end => {
                index.credit_one(found);
                Found::Credited
            }
            _ => Found::Straddling,
        }
    }
}
