//! What is measured. Each scenario has a name, two sizes, and the same subjects in both.
//!
//! In the order data flows: one lane on one core, one lane between two cores, the drain into
//! regions and how far it is from copying, the index it needs, the RFC's own tick, a whole tick with
//! all that is done about regions, the drain of many quiet lanes, the RFC's demonstration from the
//! machine to the schemes; then what a lane weighs and how much of it a drain reads.

mod copy_limit;
mod envelope;
mod full_drain;
mod index_rebuild;
mod kdamond_step;
mod kernels;
mod lanes;
mod memory;
mod push_drain;
mod rfc_tick;
mod two_cores;

use std::time::Duration;

use crate::measure::{Round, time};
use crate::reports::Memory;
use crate::row::Row;
use crate::subject::Monitor;

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Seconds for all; answers are checked, times mean nothing.
    Smoke,
    /// Minutes for all.
    Full,
}

impl Size {
    /// `full` or `smoke`.
    fn pick<T>(self, full: T, smoke: T) -> T {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }
}

/// A named scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// One or two sentences for the reader of a table.
    pub(crate) about: &'static str,
    /// What a time is divided by.
    pub(crate) item: &'static str,
    measure: fn(&mut Context<'_>),
}

/// What a running scenario is given.
struct Context<'a> {
    scenario: &'static str,
    size: Size,
    progress: &'a mut dyn FnMut(&str),
    emit: &'a mut dyn FnMut(Row),
}

impl Scenario {
    pub(crate) fn run(
        &self,
        size: Size,
        progress: &mut dyn FnMut(&str),
        emit: &mut dyn FnMut(Row),
    ) {
        (self.measure)(&mut Context { scenario: self.name, size, progress, emit });
    }
}

impl Context<'_> {
    fn say(&mut self, params: &serde_json::Value) {
        (self.progress)(&format!("{} {params}", self.scenario));
    }
}

/// All of them, in the order they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "push-drain-one-core",
        about: "250 reports are pushed into one lane, then drained, on one thread.",
        item: "report",
        measure: push_drain::measure,
    },
    Scenario {
        name: "two-cores-no-loss",
        about: "A producer thread and a consumer thread share one lane of 256 slots; the producer \
                tries again when it is full.",
        item: "report",
        measure: two_cores::measure,
    },
    Scenario {
        name: "full-drain",
        about: "132 full lanes of 255 reports are drained into regions that have not changed since \
                the drain before. Uniform: every page alike. Clustered: 90 % of the reports in a \
                tenth of the regions, small ones.",
        item: "report",
        measure: full_drain::measure,
    },
    Scenario {
        name: "kernels",
        about: "The same drain, addresses uniform, by each search kernel that this CPU can run. The \
                fastest is what a monitor picks.",
        item: "report",
        measure: kernels::measure,
    },
    Scenario {
        name: "copy-limit",
        about: "The same drain beside copying 16 bytes per report, which is what it reads, and 48, \
                which is what the RFC's reads.",
        item: "report",
        measure: copy_limit::measure,
    },
    Scenario {
        name: "index-rebuild",
        about: "What is derived of the regions is derived anew, beside copying the regions.",
        item: "region",
        measure: index_rebuild::measure,
    },
    Scenario {
        name: "rfc-tick",
        about: "The RFC's own load: 4,000 samples a second on each of 132 CPUs are 20 reports per \
                lane and tick, drained into 1,000 regions that changed since the drain before.",
        item: "report",
        measure: rfc_tick::measure,
    },
    Scenario {
        name: "kdamond-step",
        about: "A tick that ends an aggregation: reports drained, regions merged two by two, aged, \
                tried by schemes, reset and split again, beside copying the regions once.",
        item: "region",
        measure: kdamond_step::measure,
    },
    Scenario {
        name: "lanes",
        about: "A drain of at most 4 lanes with 20 reports each, among lanes that hold nothing.",
        item: "drain",
        measure: lanes::measure,
    },
    Scenario {
        name: "envelope",
        about: "The RFC's demonstration at its size, from the emulated machine to the schemes that \
                move pages of 4 KiB: 132 CPUs with so many valid samples a second each. One thread \
                for all, a second one that samples ahead, or two runs at once on a thread each: what \
                two threads of this machine can do. Twice the samples or twice the memory should \
                leave the cost of a report as it is.",
        item: "report",
        measure: envelope::measure,
    },
    Scenario {
        name: "memory",
        about: "Heap bytes of 132 lanes of 256 slots, handles and pending marks included.",
        item: "lane",
        measure: memory::measure,
    },
    Scenario {
        name: "memory-read",
        about: "Bytes of a report that a drain without filters reads.",
        item: "report",
        measure: memory::measure_read,
    },
];

/// How a monitor is loaded in one round of drains.
struct Load<'a> {
    memory: &'a Memory,
    lanes: usize,
    reports_per_lane: usize,
    drains: u64,
    /// Whether the regions change before each drain.
    regions: Regions,
}

/// Whether what is derived of the regions can be kept from drain to drain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regions {
    Unchanged,
    ChangedBeforeEachDrain,
}

/// One round: a drain that is not timed, for the caches and so that what grows has grown, then
/// `drains` that are. Filling is not timed. Each drain has addresses of its own, the same ones for
/// every subject.
fn drain_round(monitor: &mut impl Monitor, load: &Load<'_>, round: u64) -> Round {
    let mut elapsed = Duration::ZERO;
    let mut batch = vec![0; load.reports_per_lane];
    for drain in 0..=load.drains {
        let seed = round * (load.drains + 1) + drain;
        let mut addresses = load.memory.addresses(seed);
        for lane in 0..load.lanes {
            batch.fill_with(|| addresses.next().unwrap_or_default());
            monitor.fill(lane, &batch);
        }
        let mut interval = || {
            if load.regions == Regions::ChangedBeforeEachDrain {
                monitor.regions_changed();
            }
            monitor.drain();
        };
        if drain == 0 {
            interval();
        } else {
            elapsed += time(interval).0;
        }
    }
    Round { elapsed, answer: monitor.answer() }
}
