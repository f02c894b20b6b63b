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

pub use index::Index;

use damon_ring::{AccessReport, AddressKind, Lanes};

use crate::region::Target;

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

enum Verdict {
    Credited,
    WrongKind,
    NoRegion,
    Straddling,
}

/// The drain of one monitor.
#[derive(Debug, Default)]
pub struct Drain {
    index: Index,
    counters: DrainCounters,
    /// Reports stamped earlier than this are stale: when the drain before the last began. Unlike
    /// the RFC's "older than one sampling interval", a late drain does not condemn what waited
    /// for it (`hardware-sampling.md` 1.6).
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

    /// Empties the lanes. `tick` is the running tick of the aggregation, from 1.
    pub fn run(&mut self, lanes: &mut Lanes, targets: &mut [Target], tick: u32) {
        self.index.refresh(targets);
        let Self { index, counters, stale_before_ns, .. } = self;
        counters.drained += lanes.drain(|_, report| {
            let counter = if report.time_ns < *stale_before_ns {
                &mut counters.stale
            } else {
                match credit(index, targets, report, tick) {
                    Verdict::Credited => &mut counters.credited,
                    Verdict::WrongKind => &mut counters.wrong_kind,
                    Verdict::NoRegion => &mut counters.no_region,
                    Verdict::Straddling => &mut counters.straddling,
                }
            };
            *counter += 1;
        });
    }

    /// The sampling interval ended: what comes next may be as old as this interval, not older.
    pub fn close_interval(&mut self, now_ns: u64) {
        self.stale_before_ns = self.last_began_ns;
        self.last_began_ns = now_ns;
    }
}

fn credit(index: &Index, targets: &mut [Target], report: &AccessReport, tick: u32) -> Verdict {
    if report.kind != AddressKind::Physical {
        return Verdict::WrongKind;
    }
    let Some(place) = index.find(report.address) else { return Verdict::NoRegion };
    let region = &mut targets[place.target].regions_mut()[place.region];
    // Checked: an address at the top of the space must not wrap into the region (hazard H16).
    match report.address.checked_add(u64::from(report.size)) {
        Some(end) if end <= region.end => {
            region.credit(tick);
            Verdict::Credited
        }
        _ => Verdict::Straddling,
    }
}
