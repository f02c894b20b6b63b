//! The RFC's own design, written anew from the description in `hardware-sampling.md` 1 to 3.
//!
//! - [`ring`]: per-CPU rings of 48-byte records and one bitmap of pending CPUs.
//! - [`regions`]: the list of regions, its snapshot, the binary search, the pass over all regions.
//! - [`RfcMonitor`]: the tick.
//!
//! Where a kernel facility has no counterpart the rival gets the cheaper stand-in: no disabling of
//! preemption, `busy` on the line of `head`, and the pass reads the snapshot instead of the list.

mod regions;
mod ring;

use damon_core::region::Range;

use self::regions::Regions;
use self::ring::{Consumer, Record};
use crate::subject::{Channel, Monitor, Sender, weighted};

pub(crate) use self::ring::{Fenced, Folded, RECORD, Rfc};

/// The RFC's monitor: a drain, then the pass.
pub(crate) struct RfcMonitor {
    producers: Vec<ring::Producer<Folded>>,
    consumer: Consumer<Folded>,
    regions: Regions,
}

impl RfcMonitor {
    pub(crate) fn new(lanes: usize, regions: &[Range]) -> Self {
        let (producers, consumer) = Rfc::<Folded>::open(lanes);
        let mut regions = Regions::new(regions);
        regions.snapshot();
        Self { producers, consumer, regions }
    }
}

impl Monitor for RfcMonitor {
    fn fill(&mut self, lane: usize, addresses: &[u64]) {
        assert_eq!(self.producers[lane].send(addresses), addresses.len());
    }

    fn regions_changed(&mut self) {
        self.regions.snapshot();
    }

    fn drain(&mut self) {
        let Self { consumer, regions, .. } = self;
        let earliest = consumer.jiffies() - 1;
        consumer.drain_records(|record: &Record| {
            if record.report_jiffies >= earliest {
                regions.report(record.paddr, record.size);
            }
        });
        regions.pass();
    }

    fn answer(&self) -> u64 {
        weighted(self.regions.counts())
    }
}
