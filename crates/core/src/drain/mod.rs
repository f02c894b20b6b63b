//! Moves access reports from the lanes into regions.
//!
//! Runs once per sampling interval. Cost: O(reports · log regions), plus O(regions) to rebuild the
//! index when the regions changed since the last drain; no allocation once the index has grown.
//! Order: lanes ascending, each oldest first, so a replay gives the same counts.
//! Every drained report ends in exactly one counter of [`DrainCounters`].
//!
//! Not here: deciding what a count means (see [`region`](crate::region)).
//! Source: `hardware-sampling.md` 3 and 1.4 to 1.6.

mod index;

use damon_ring::{AccessReport, AddressKind, Lanes};
use index::{Index, TOGETHER};

use crate::region::{Region, Target};

/// Where drained reports went. `drained = credited + stale + wrong_kind + no_region + straddling`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainCounters {
    /// Reports taken from the lanes.
    pub drained: u64,
    /// Reports that raised the weight of a region.
    pub credited: u64,
    /// Reports older than the drain before the last.
    pub stale: u64,
    /// Virtual addresses offered to physical targets.
    pub wrong_kind: u64,
    /// Addresses that no region contains.
    pub no_region: u64,
    /// Reports that begin in a region and end behind it.
    pub straddling: u64,
}

/// The drain of one monitor.
#[derive(Debug, Default)]
pub struct Drain {
    index: Index,
    counters: DrainCounters,
    /// Reports stamped earlier than this are stale: when the drain before the last began. Unlike
    /// the RFC's "older than one sampling interval", a late drain does not condemn what waited
    /// for it (`hardware-sampling.md` 1.6); the interval of grace is for a report stamped just
    /// before a drain began and queued just after.
    stale_before_ns: u64,
    last_began_ns: u64,
}

impl Drain {
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
        self.index.invalidate();
    }

    /// Empties the lanes into the regions of a physical target. `tick` is the running tick of the
    /// aggregation, from 1.
    pub fn run(&mut self, lanes: &mut Lanes, target: &mut Target, tick: u32) {
        self.index.refresh(target.regions());
        let stale_before_ns = self.stale_before_ns;
        let mut crediting = Crediting::new(&self.index, target.regions_mut(), tick);
        let (mut stale, mut wrong_kind) = (0, 0);
        let drained = lanes.drain(|_, report| {
            if report.time_ns < stale_before_ns {
                stale += 1;
            } else if report.kind != AddressKind::Physical {
                wrong_kind += 1;
            } else {
                crediting.take(report);
            }
        });
        let counted = crediting.finish();
        self.counters.drained += drained;
        self.counters.credited += counted.credited;
        self.counters.stale += stale;
        self.counters.wrong_kind += wrong_kind;
        self.counters.no_region += counted.no_region;
        self.counters.straddling += counted.straddling;
    }

    /// The sampling interval ended: what comes next may be as old as this interval, not older.
    pub fn close_interval(&mut self, now_ns: u64) {
        self.stale_before_ns = self.last_began_ns;
        self.last_began_ns = now_ns;
    }
}

/// Reports on their way into regions, looked up a handful at a time and credited in order.
struct Crediting<'a> {
    index: &'a Index,
    regions: &'a mut [Region],
    tick: u32,
    addresses: [u64; TOGETHER],
    sizes: [u32; TOGETHER],
    held: usize,
    counted: DrainCounters,
}

impl<'a> Crediting<'a> {
    fn new(index: &'a Index, regions: &'a mut [Region], tick: u32) -> Self {
        Self {
            index,
            regions,
            tick,
            addresses: [0; TOGETHER],
            sizes: [0; TOGETHER],
            held: 0,
            counted: DrainCounters::default(),
        }
    }

    fn take(&mut self, report: &AccessReport) {
        self.addresses[self.held] = report.address;
        self.sizes[self.held] = report.size;
        self.held += 1;
        if self.held == TOGETHER {
            self.credit();
        }
    }

    fn credit(&mut self) {
        let candidates = self.index.candidates(&self.addresses);
        let reports = self.addresses.iter().zip(&self.sizes).zip(candidates).take(self.held);
        for ((&address, &size), candidate) in reports {
            let region = self.regions.get_mut(candidate);
            let Some(region) = region.filter(|r| r.start <= address && address < r.end) else {
                self.counted.no_region += 1;
                continue;
            };
            // Checked: at the top of the address space the end must not wrap into the region
            // (hazard H16).
            match address.checked_add(u64::from(size)) {
                Some(end) if end <= region.end => {
                    region.credit(self.tick);
                    self.counted.credited += 1;
                }
                _ => self.counted.straddling += 1,
            }
        }
        self.held = 0;
    }

    fn finish(mut self) -> DrainCounters {
        self.credit();
        self.counted
    }
}
