//! This project's subjects, through the public API of its crates.

use damon_core::arithmetic::MIN_REGION_SZ;
use damon_core::drain::{Drain, Kernel};
use damon_core::region::{Range, Target};
use damon_ring::{AccessReport, Lanes, LanesOptions, Producer};

use crate::measure::Side;
use crate::reports::PAGE;
use crate::subject::{Channel, Monitor, NOW, Receiver, SLOTS, Sender, weighted};

/// Reports pushed one by one.
pub(crate) struct Ours;

/// Reports pushed as one batch.
pub(crate) struct OursBatch;

pub(crate) struct OneByOne(Producer);

pub(crate) struct Batched(Producer);

fn report(address: u64) -> AccessReport {
    AccessReport::physical(address, PAGE as u32, NOW)
}

fn open(count: usize) -> (Vec<Producer>, Lanes) {
    let options = LanesOptions { lanes_max: count as u32, slots: SLOTS };
    let mut lanes = Lanes::new(options).expect("256 is a power of two");
    let producers = (0..count).map(|_| lanes.add().expect("room for all")).collect();
    // The first drain takes note of the lanes, which allocates.
    Lanes::drain(&mut lanes, |_, _| ());
    (producers, lanes)
}

impl Channel for Ours {
    const NAME: &'static str = "ours";
    const SIDE: Side = Side::Ours;
    type Sender = OneByOne;
    type Receiver = Lanes;

    fn open(lanes: usize) -> (Vec<OneByOne>, Lanes) {
        let (producers, lanes) = open(lanes);
        (producers.into_iter().map(OneByOne).collect(), lanes)
    }
}

impl Channel for OursBatch {
    const NAME: &'static str = "ours-batch";
    const SIDE: Side = Side::Ours;
    type Sender = Batched;
    type Receiver = Lanes;

    fn open(lanes: usize) -> (Vec<Batched>, Lanes) {
        let (producers, lanes) = open(lanes);
        (producers.into_iter().map(Batched).collect(), lanes)
    }
}

impl Sender for OneByOne {
    fn send(&mut self, addresses: &[u64]) -> usize {
        let full = addresses.iter().position(|&address| self.0.push(report(address)).is_err());
        full.unwrap_or(addresses.len())
    }
}

impl Sender for Batched {
    fn send(&mut self, addresses: &[u64]) -> usize {
        self.0.push_batch(addresses.iter().map(|&address| report(address))).queued
    }
}

impl Receiver for Lanes {
    fn drain(&mut self, mut each: impl FnMut(u64)) -> u64 {
        Lanes::drain(self, |_, reports| {
            reports.sightings.iter().for_each(|sighting| each(sighting.address()));
        })
    }
}

/// The drain of damon-core.
pub(crate) struct OursMonitor {
    producers: Vec<OneByOne>,
    lanes: Lanes,
    drain: Drain,
    targets: Vec<Target>,
    /// Counts up for ever: each drain is an interval of its own.
    tick: u32,
    filled: u64,
}

impl OursMonitor {
    pub(crate) fn new(lanes: usize, regions: &[Range]) -> Self {
        Self::with_kernel(lanes, regions, Kernel::default())
    }

    pub(crate) fn with_kernel(lanes: usize, regions: &[Range], kernel: Kernel) -> Self {
        let (producers, lanes) = Ours::open(lanes);
        let mut target = Target::default();
        target.set_ranges(regions, MIN_REGION_SZ).expect("sorted and disjoint");
        assert_eq!(target.regions().len(), regions.len(), "one region per range");
        let mut drain = Drain::new(Vec::new(), &[None]).with_kernel(kernel);
        drain.start(NOW);
        Self { producers, lanes, drain, targets: vec![target], tick: 0, filled: 0 }
    }
}

impl Monitor for OursMonitor {
    fn fill(&mut self, lane: usize, addresses: &[u64]) {
        assert_eq!(self.producers[lane].send(addresses), addresses.len());
        self.filled += addresses.len() as u64;
    }

    fn regions_changed(&mut self) {
        self.drain.regions_changed();
    }

    fn drain(&mut self) {
        self.tick += 1;
        self.drain.run(&mut self.lanes, &mut self.targets, self.tick);
    }

    fn answer(&self) -> u64 {
        assert_eq!(self.drain.counters().credited, self.filled, "every report is credited");
        let regions = self.targets[0].regions();
        assert_eq!(regions.iter().map(|region| region.hits).sum::<u64>(), self.filled);
        weighted(regions.iter().map(|region| region.nr_accesses))
    }
}
