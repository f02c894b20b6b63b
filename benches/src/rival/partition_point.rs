//! Our lanes, std's `partition_point` over a flat array of starts, and the bare credit: no counters
//! by cause, no check of kind or age. What a drain of ours may cost at least with that search.

use damon_core::region::Range;
use damon_ring::{AccessReport, Lanes};

use crate::ours::{OneByOne, Ours};
use crate::subject::{Channel, Monitor, Sender, weighted};

/// What a credit reads and writes of a region.
pub(crate) struct Cell {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) nr_accesses: u32,
    credited_in: u32,
    hits: u64,
}

impl Cell {
    pub(crate) fn new(range: &Range) -> Self {
        Self { start: range.start, end: range.end, nr_accesses: 0, credited_in: 0, hits: 0 }
    }

    pub(crate) fn credit(&mut self, report: &AccessReport, tick: u32) {
        if report.address + u64::from(report.size) > self.end {
            return;
        }
        self.hits += 1;
        if self.credited_in != tick {
            self.credited_in = tick;
            self.nr_accesses += 1;
        }
    }
}

pub(crate) struct PartitionPoint {
    producers: Vec<OneByOne>,
    lanes: Lanes,
    regions: Vec<Cell>,
    starts: Vec<u64>,
    tick: u32,
}

impl PartitionPoint {
    pub(crate) fn new(lanes: usize, regions: &[Range]) -> Self {
        let (producers, lanes) = Ours::open(lanes);
        let regions: Vec<Cell> = regions.iter().map(Cell::new).collect();
        let starts = regions.iter().map(|region| region.start).collect();
        Self { producers, lanes, regions, starts, tick: 0 }
    }
}

impl Monitor for PartitionPoint {
    fn fill(&mut self, lane: usize, addresses: &[u64]) {
        assert_eq!(self.producers[lane].send(addresses), addresses.len());
    }

    fn regions_changed(&mut self) {
        self.starts.clear();
        self.starts.extend(self.regions.iter().map(|region| region.start));
    }

    fn drain(&mut self) {
        self.tick += 1;
        let Self { lanes, regions, starts, tick, .. } = self;
        lanes.drain(|_, reports| {
            for report in reports.iter() {
                let after = starts.partition_point(|&start| start <= report.address);
                if let Some(region) = after.checked_sub(1).and_then(|found| regions.get_mut(found))
                {
                    region.credit(&report, *tick);
                }
            }
        });
    }

    fn answer(&self) -> u64 {
        weighted(self.regions.iter().map(|region| region.nr_accesses))
    }
}
