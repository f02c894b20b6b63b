//! A monitor on a bench: real lanes, a clock in the hand, and memory that remembers what it was
//! asked to do.

#![allow(dead_code, reason = "each test binary uses its part of the bench")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use damon_core::kdamond::{Config, ConfigError, TargetConfig};
use damon_core::ops::{Applied, NodeBytes, Registry};
use damon_core::region::Range;
use damon_core::scheme::{Pattern, QuotaConfig, SchemeConfig};
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
    SchemeConfig {
        pattern: Pattern::ANY,
        action,
        apply_interval_us: 0,
        quota: QuotaConfig::default(),
        filters: Vec::new(),
    }
}

pub(crate) const HOT: Action = Action::MigrateHot { target_nid: 1 };
pub(crate) const COLD: Action = Action::MigrateCold { target_nid: 1 };

/// An address space that does nothing and forgets nothing.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What was done, in order.
    pub(crate) applied: Vec<(Action, Range)>,
    /// What was asked for, in order.
    pub(crate) asked: RefCell<Vec<(Range, u32)>>,
    /// Where memory in use lies.
    pub(crate) nodes: Vec<(Range, u32)>,
    /// What an action on a range of so many bytes comes to.
    pub(crate) effect: fn(u64) -> Applied,
}

impl Operations for Memory {
    fn apply(&mut self, action: Action, range: Range) -> Applied {
        self.applied.push((action, range));
        (self.effect)(range.size())
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
    /// The running tick was applied and is still to be closed.
    open: bool,
}

pub(crate) fn kdamond(
    attrs: Attrs,
    ranges: Vec<Range>,
    schemes: Vec<SchemeConfig>,
    ops: OpsId,
    seed: u64,
) -> Result<Kdamond, ConfigError> {
    let mut registry = Registry::default();
    registry.register(ops).unwrap();
    let tgid = (!ops.is_physical()).then_some(1);
    let targets = vec![TargetConfig { tgid, ranges }];
    let config = Config { attrs, targets, sample_filters: vec![], schemes, seed };
    Kdamond::new(config, registry.select(ops).unwrap(), START_NS)
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
            memory: Memory {
                applied: Vec::new(),
                asked: RefCell::default(),
                nodes: Vec::new(),
                effect: |bytes| Applied { bytes, passed: 0 },
            },
            verdicts: BTreeMap::new(),
            requests: Vec::new(),
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
        self.kdamond.observe(now_ns, &mut self.lanes);
        let requests = self.kdamond.open_windows(now_ns, &self.memory).to_vec();
        let verdicts: Vec<_> = requests
            .iter()
            .filter_map(|request| self.verdicts.get_key_value(&request.scheme))
            .map(|(&scheme, &bytes)| Verdict { scheme, bytes })
            .collect();
        self.requests.extend(requests);
        self.kdamond.apply(&verdicts, &mut self.memory);
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
            self.kdamond.close();
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
