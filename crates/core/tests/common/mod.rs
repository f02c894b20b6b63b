//! A monitor on a bench: real lanes, a clock in the hand, and memory that remembers what it was
//! asked to do.

#![allow(dead_code, reason = "each test binary uses its part of the bench")]

pub(crate) mod any;

use std::cell::RefCell;
use std::collections::BTreeMap;

use damon_core::kdamond::{Config, ConfigError, Probe, ProbeFilterKind, TargetConfig};
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Primitive, Reading, Registry, Selected,
};
use damon_core::region::Range;
use damon_core::scheme::SchemeConfig;
use damon_core::{
    Action, Attrs, Kdamond, Operations, OpsId, Region, Scheme, Snapshot, TuneRequest, Verdict,
};
use damon_ring::{AccessReport, Lanes, LanesOptions, Producer};

pub(crate) const PAGE: u64 = 4096;
/// The bench's clock starts anywhere but at 0.
pub(crate) const START_NS: u64 = 7_000_000_000;
pub(crate) const SAMPLE_US: u64 = 1_000;
/// Ticks of an aggregation.
pub(crate) const WINDOW: u64 = 10;

/// 1 ms, 10 ms: ten ticks to a window. `max` regions and no more: as many regions as that are
/// never split, so that a case stays as it was drawn.
pub(crate) fn attrs(max: u64) -> Attrs {
    Attrs {
        sample_us: SAMPLE_US,
        aggregation_us: WINDOW * SAMPLE_US,
        min_nr_regions: 3,
        max_nr_regions: max,
        ..Attrs::default()
    }
}

/// A range counted in pages.
pub(crate) fn range(start: u64, end: u64) -> Range {
    Range { start: start * PAGE, end: end * PAGE }
}

pub(crate) fn ranges(list: &[(u64, u64)]) -> Vec<Range> {
    list.iter().map(|&(start, end)| range(start, end)).collect()
}

/// A scheme for all regions at all times, without limits.
pub(crate) fn scheme(action: Action) -> SchemeConfig {
    SchemeConfig { target_nid: action.migrates().then_some(1), ..SchemeConfig::of(action) }
}

pub(crate) const HOT: Action = Action::MigrateHot;
pub(crate) const COLD: Action = Action::MigrateCold;

/// An address space that does nothing and forgets nothing.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What was done, in order.
    pub(crate) applied: Vec<(Action, Range)>,
    /// The folio looked at last as each action found it: here the first page of the range.
    pub(crate) last_applied: Vec<LastApplied>,
    /// What was asked for, in order.
    pub(crate) asked: RefCell<Vec<(Range, u32)>>,
    /// Where memory in use lies.
    pub(crate) nodes: Vec<(Range, u32)>,
    /// What an action on a range of so many bytes comes to.
    pub(crate) effect: fn(u64) -> Applied,
    /// Addresses made old, by target, until they are checked.
    pub(crate) prepared: Vec<(Option<u32>, Vec<u64>)>,
    /// What is accessed in every sampling interval.
    pub(crate) busy: Vec<Range>,
    /// Processes that have ended.
    pub(crate) gone: Vec<u32>,
    /// Of every process.
    pub(crate) mappings: Vec<Range>,
    /// What pages are, for probes; nobody can ask if there is no such list.
    pub(crate) attributes: Option<Vec<(Range, ProbeFilterKind)>>,
    /// What can be read.
    pub(crate) gauges: Vec<(Gauge, Reading)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            applied: Vec::new(),
            last_applied: Vec::new(),
            asked: RefCell::default(),
            nodes: Vec::new(),
            effect: |bytes| Applied { bytes, ..Applied::default() },
            prepared: Vec::new(),
            busy: Vec::new(),
            gone: Vec::new(),
            mappings: Vec::new(),
            attributes: None,
            gauges: Vec::new(),
        }
    }
}

impl Operations for Memory {
    fn apply(&mut self, job: &Job<'_>, last: &mut LastApplied) -> Applied {
        self.last_applied.push(last.replace(job.range.start / PAGE));
        self.applied.push((job.action, job.range));
        (self.effect)(job.range.size())
    }

    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]) {
        self.prepared.push((tgid, addresses.to_vec()));
    }

    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]) {
        assert_eq!(self.prepared.first(), Some(&(tgid, addresses.to_vec())), "as prepared");
        self.prepared.remove(0);
        for (accessed, address) in accessed.iter_mut().zip(addresses) {
            *accessed = self.busy.iter().any(|r| r.start <= *address && *address < r.end);
        }
    }

    fn can_probe(&self) -> bool {
        self.attributes.is_some()
    }

    fn probe(&self, _tgid: Option<u32>, addresses: &[u64], probes: &[Probe], passed: &mut [u8]) {
        let attributes = self.attributes.as_deref().unwrap_or_default();
        for (&address, passed) in addresses.iter().zip(passed) {
            for (i, probe) in probes.iter().enumerate() {
                let passes = probe.passes(|kind| {
                    let here = |r: &Range| r.start <= address && address < r.end;
                    attributes.iter().any(|(range, what)| here(range) && what == kind)
                });
                *passed |= u8::from(passes) << i;
            }
        }
    }

    fn is_target_valid(&self, tgid: u32) -> bool {
        !self.gone.contains(&tgid)
    }

    fn mappings(&self, tgid: u32) -> Option<Vec<Range>> {
        self.is_target_valid(tgid).then(|| self.mappings.clone())
    }

    fn read(&self, gauge: &Gauge) -> Option<Reading> {
        self.gauges.iter().find(|(known, _)| known == gauge).map(|(_, reading)| *reading)
    }

    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes {
        self.asked.borrow_mut().push((range, nid));
        let mut bytes = NodeBytes::default();
        for (part, node) in &self.nodes {
            let common = range.end.min(part.end).saturating_sub(range.start.max(part.start));
            bytes.total += common;
            bytes.on_node += if *node == nid { common } else { 0 };
        }
        bytes
    }
}

pub(crate) struct Bench {
    pub(crate) kdamond: Kdamond,
    pub(crate) lanes: Lanes,
    pub(crate) lane: Producer,
    pub(crate) memory: Memory,
    /// What the tuner allows each scheme; no verdict for the others.
    pub(crate) verdicts: BTreeMap<usize, u64>,
    /// All requests made so far.
    pub(crate) requests: Vec<TuneRequest>,
    /// Committed in the next tick.
    pub(crate) commit: Option<Config>,
    /// The running tick was applied and is still to be closed.
    open: bool,
}

/// What a monitor of one target is told.
pub(crate) fn config(
    attrs: Attrs,
    ranges: Vec<Range>,
    schemes: Vec<SchemeConfig>,
    ops: OpsId,
    seed: u64,
) -> Config {
    let target = match ops.is_physical() {
        true => TargetConfig::physical(ranges),
        false => TargetConfig::process(1, ranges),
    };
    Config {
        attrs,
        addr_unit: 1,
        targets: vec![target],
        sample_filters: vec![],
        schemes,
        probes: vec![],
        paused: false,
        seed,
    }
}

/// Takes hold of a set that sees accesses so.
pub(crate) fn select(ops: OpsId, primitive: Primitive) -> Selected {
    let registry = Registry::default();
    registry.register(ops, primitive).unwrap();
    registry.select(ops).unwrap()
}

pub(crate) fn kdamond(
    attrs: Attrs,
    ranges: Vec<Range>,
    schemes: Vec<SchemeConfig>,
    ops: OpsId,
    seed: u64,
) -> Result<Kdamond, ConfigError> {
    let config = config(attrs, ranges, schemes, ops, seed);
    Kdamond::new(config, select(ops, Primitive::Reports), &Memory::default(), START_NS)
}

impl Bench {
    /// Ranges in pages.
    pub(crate) fn new(attrs: Attrs, list: &[(u64, u64)], schemes: Vec<SchemeConfig>) -> Self {
        Self::with(kdamond(attrs, ranges(list), schemes, OpsId::PaddrIbs, 1).unwrap())
    }

    pub(crate) fn with(kdamond: Kdamond) -> Self {
        let lanes = Lanes::new(LanesOptions { lanes_max: 2, slots: 1024 }).unwrap();
        Self {
            kdamond,
            lane: lanes.add().unwrap(),
            lanes,
            memory: Memory::default(),
            verdicts: BTreeMap::new(),
            requests: Vec::new(),
            commit: None,
            open: false,
        }
    }

    /// An access of 64 bytes to the first bytes of a page, just before the next tick.
    pub(crate) fn report(&self, page: u64) {
        let time_ns = self.kdamond.next_tick_ns() - 1;
        self.lane.push(AccessReport::physical(page * PAGE, 64, time_ns)).unwrap();
    }

    /// One tick, up to and with the schemes; `accessed` lists pages.
    pub(crate) fn tick(&mut self, accessed: &[u64]) {
        self.close();
        for page in accessed {
            self.report(*page);
        }
        let now_ns = self.kdamond.next_tick_ns();
        self.kdamond.prepare(&mut self.memory);
        self.kdamond.observe(now_ns, &mut self.lanes, &mut self.memory);
        if let Some(config) = self.commit.take() {
            let ops = select(self.kdamond.ops(), self.kdamond.primitive());
            self.kdamond.commit(config, ops, &self.memory).unwrap();
        }
        let requests = self.kdamond.open_windows(now_ns, &self.memory).to_vec();
        let verdicts: Vec<_> = requests
            .iter()
            .filter_map(|request| self.verdicts.get_key_value(&request.scheme))
            .map(|(&scheme, &bytes)| Verdict::new(scheme, bytes))
            .collect();
        self.requests.extend(requests);
        self.kdamond.apply(now_ns, &verdicts, &mut self.memory);
        self.open = true;
    }

    /// A whole window: each (page, count) is accessed in the first `count` ticks. The last tick is
    /// left open, so that what the schemes saw can be looked at.
    pub(crate) fn window(&mut self, accessed: &[(u64, u64)]) {
        for tick in 0..WINDOW {
            let pages: Vec<_> =
                accessed.iter().filter(|(_, count)| tick < *count).map(|(page, _)| *page).collect();
            self.tick(&pages);
        }
        assert!(self.kdamond.at_aggregation());
    }

    /// Ends the tick.
    pub(crate) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.kdamond.close(&self.memory);
        }
    }

    /// What was done since the last call, in pages.
    pub(crate) fn applied(&mut self) -> Vec<(u64, u64)> {
        self.memory.applied.drain(..).map(|(_, r)| (r.start / PAGE, r.end / PAGE)).collect()
    }

    pub(crate) fn regions(&self) -> &[Region] {
        self.kdamond.targets()[0].regions()
    }

    /// Bounds of the regions, in pages.
    pub(crate) fn bounds(&self) -> Vec<(u64, u64)> {
        self.regions().iter().map(|r| (r.start / PAGE, r.end / PAGE)).collect()
    }

    pub(crate) fn counts(&self) -> Vec<u32> {
        self.regions().iter().map(|region| region.nr_accesses).collect()
    }

    pub(crate) fn ages(&self) -> Vec<u32> {
        self.regions().iter().map(|region| region.age).collect()
    }

    pub(crate) fn hits(&self) -> Vec<u64> {
        self.regions().iter().map(|region| region.hits).collect()
    }

    pub(crate) fn scheme(&self, index: usize) -> &Scheme {
        &self.kdamond.schemes()[index]
    }

    pub(crate) fn capture(&mut self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.kdamond.capture(self.kdamond.next_tick_ns(), &mut snapshot);
        snapshot
    }
}
