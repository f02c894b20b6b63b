//! What runs of the samplers look like from outside: rates, biases, losses, books, determinism.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod chmu;
mod hint_faults;
mod hotplug;
mod ibs_op;
mod page_faults;
mod pebs;
mod restart;
mod threads;

use std::sync::Arc;

use damon_machine::workload::{Area, Kind, Line, PageSize, Pattern, Phase, Policy, Process};
use damon_machine::{Machine, MachineConfig, NodeConfig, Processor, Workload};
use damon_ring::{AccessReport, Lanes, LanesOptions};
use damon_sampler::{Sampler, SamplerConfig, SamplerCounters, SamplerError, SourceCounts};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const MS: u64 = 1_000_000;
const TICK_NS: u64 = 5 * MS;

/// Half a GiB each of DRAM, node 0, and CXL, node 1.
pub(crate) fn nodes() -> Vec<NodeConfig> {
    vec![NodeConfig::dram(0, 512 * MIB), NodeConfig::cxl(512 * MIB, 512 * MIB)]
}

pub(crate) fn area(bytes: u64, nid: u32) -> Area {
    let policy = Policy::Preferred(nid);
    Area { name: "area".into(), bytes, kind: Kind::Anon, page_size: PageSize::Base, policy }
}

pub(crate) fn hot_set(hot_bytes: u64, hot_share: f64) -> Pattern {
    Pattern::HotSet { hot_bytes, hot_share, offset_bytes: 0, drift_bytes_hz: 0 }
}

/// One process, number 7, on four CPUs.
pub(crate) fn machine(areas: Vec<Area>, lines: Vec<Line>) -> Machine {
    let phases = vec![Phase { duration_ns: u64::MAX, lines }];
    let process = Process { areas, phases, ..Process::new(7) };
    let workload = Workload { processes: vec![process] };
    Machine::new(MachineConfig::new(nodes(), Processor::zen5(4), workload)).unwrap()
}

/// 64 MiB on each node, all touched alike: far more than the caches hold.
pub(crate) fn even() -> Machine {
    let lines = vec![Line::new(0, Pattern::Uniform), Line::new(1, Pattern::Uniform)];
    machine(vec![area(64 * MIB, 0), area(64 * MIB, 1)], lines)
}

/// What a run has shown.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) reports: Vec<AccessReport>,
    pub(crate) counters: SamplerCounters,
    pub(crate) sources: Option<SourceCounts>,
    /// Reports that were older than their tick when they came.
    pub(crate) late: usize,
}

/// Samples for so long by ticks of 5 ms, and checks the books.
pub(crate) fn run(machine: Machine, config: &SamplerConfig, ms: u64) -> Run {
    run_on(1, machine, config, ms)
}

pub(crate) fn run_on(threads: usize, machine: Machine, config: &SamplerConfig, ms: u64) -> Run {
    let mut machine = Arc::new(machine);
    let mut sampler = Sampler::new(config, &machine, 0, threads).unwrap();
    let mut lanes = Lanes::new(LanesOptions { slots: 65_536, lanes_max: 64 }).unwrap();
    sampler.attach((0..sampler.shape().lanes).map(|_| lanes.add().unwrap()).collect());
    let (mut reports, mut late) = (Vec::new(), 0);
    for until_ns in (1..=ms * MS / TICK_NS).map(|tick| tick * TICK_NS) {
        sampler.follow(&machine, until_ns);
        let unshared = Arc::get_mut(&mut machine).unwrap();
        sampler.charge(unshared);
        unshared.advance(until_ns);
        sampler.go_ahead(&machine);
        sampler.report(&machine);
        lanes.drain(|_, drained| {
            for report in drained.iter() {
                assert!(report.time_ns < until_ns);
                late += usize::from(report.time_ns + 2 < until_ns - TICK_NS);
                reports.push(report);
            }
        });
        // Now and then the machine is wanted for something else.
        if until_ns % (35 * MS) == 0 {
            sampler.take_back();
            assert!(Arc::get_mut(&mut machine).is_some());
        }
    }
    let counters = sampler.counters();
    assert_eq!(lanes.counters().dropped_full, 0);
    assert_eq!(
        counters.selected,
        counters.discarded + counters.lost + counters.samples_total,
        "{counters:?}"
    );
    assert_eq!(counters.samples_total, counters.samples_filtered + counters.reported);
    assert!(counters.reported >= reports.len() as u64);
    assert!(reports.iter().all(|report| report.address % 4096 == 0 && report.size == 4096));
    Run { reports, counters, sources: sampler.sources().cloned(), late }
}

/// The field that is refused.
pub(crate) fn refused(config: &SamplerConfig) -> (&'static str, String) {
    let SamplerError { path, expected, received } =
        Sampler::new(config, &even(), 0, 1).unwrap_err();
    assert!(!expected.is_empty());
    (path, received)
}

pub(crate) fn share(part: impl Fn(&AccessReport) -> bool, reports: &[AccessReport]) -> f64 {
    reports.iter().filter(|report| part(report)).count() as f64 / reports.len() as f64
}

/// Whether a physical address lies on the CXL node.
pub(crate) fn on_cxl(report: &AccessReport) -> bool {
    report.address >= 512 * MIB
}
