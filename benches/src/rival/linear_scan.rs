//! Our lanes, and each report looks at the regions from the first on: the kernel before the RFC.
//! Nothing is derived of the regions, so nothing goes stale.

use damon_core::region::Range;
use damon_ring::Lanes;

use super::partition_point::Cell;
use crate::ours::{OneByOne, Ours};
use crate::subject::{Channel, Monitor, Sender, weighted};

pub(crate) struct LinearScan {
    producers: Vec<OneByOne>,
    lanes: Lanes,
    regions: Vec<Cell>,
    tick: u32,
}

impl LinearScan {
    pub(crate) fn new(lanes: usize, regions: &[Range]) -> Self {
        let (producers, lanes) = Ours::open(lanes);
        let regions = regions.iter().map(Cell::new).collect();
        Self { producers, lanes, regions, tick: 0 }
    }
}

impl Monitor for LinearScan {
    fn fill(&mut self, lane: usize, addresses: &[u64]) {
        assert_eq!(self.producers[lane].send(addresses), addresses.len());
    }

    fn regions_changed(&mut self) {}

    fn drain(&mut self) {
        self.tick += 1;
        let Self { lanes, regions, tick, .. } = self;
        lanes.drain(|_, reports| {
            for report in reports.iter() {
                let found = regions
                    .iter_mut()
                    .find(|region| region.start <= report.address && report.address < region.end);
                if let Some(region) = found {
                    region.credit(&report, *tick);
                }
            }
        });
    }

    fn answer(&self) -> u64 {
        weighted(self.regions.iter().map(|region| region.nr_accesses))
    }
}
