//! The closed loop on the emulated machine, at the size of the RFC's demonstration: a hot set that is
//! touched evenly lies half on DRAM and half on CXL, and two schemes move it until DRAM holds 70 %.
//!
//! All subjects are ours; their answers, what the schemes were told and what was counted, must agree.
//! Two runs at once, each on a thread of its own, share nothing: what two threads of the machine give.

use std::thread;
use std::time::Instant;

use damon_core::kdamond::{MetricValue, Verdict};
use damon_core::region::{Range, Weights};
use damon_core::scheme::{Bounds, CoreFilter, Goal, Metric, Pattern, QuotaConfig, SchemeConfig};
use damon_core::{Action, Attrs, OpsId};
use damon_machine::{HotSet, Interleave, MachineConfig, NodeConfig, PAGE_SZ, Processor};
use damon_monitor::{ContextConfig, Emulation, Event, Monitor, MonitorConfig};
use damon_ring::LanesOptions;
use damon_sampler::{IbsOpConfig, SamplerConfig};
use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Side, Subject, race};
use crate::row::{Row, rounded};

const GIB: u64 = 1 << 30;
const S: u64 = 1_000_000_000;
/// Cycles a second for 4,000 valid samples: 262,144 cycles for a tag, of which 41 % have an address.
const RATE_HZ: u64 = 2_557_000_000;
const SAMPLES_HZ: u64 = 4_000;
const TARGETS_BP: [u64; 2] = [7_000, 3_000];

/// How much of everything.
#[derive(Clone, Copy)]
struct Envelope {
    cpus: u16,
    bytes: u64,
    /// Samples per second and CPU over [`SAMPLES_HZ`].
    times: u64,
}

pub(super) fn measure(context: &mut Context<'_>) {
    let rfc = context.size.pick(
        Envelope { cpus: 132, bytes: 128 * GIB, times: 1 },
        Envelope { cpus: 12, bytes: GIB / 4, times: 1 },
    );
    let round_ns = context.size.pick(4 * S, S / 5);
    let more_samples = Envelope { times: 2, ..rfc };
    let more_memory = Envelope { bytes: 2 * rfc.bytes, ..rfc };
    for envelope in [rfc, more_samples, more_memory] {
        let samples_hz = envelope.times * SAMPLES_HZ;
        let params = json!({
            "cpus": envelope.cpus,
            "samplesPerSAndCpu": samples_hz,
            "memoryMib": envelope.bytes >> 20,
        });
        context.say(&params);
        let reports_hz = u64::from(envelope.cpus) * samples_hz;
        let plan = Race {
            scenario: context.scenario,
            params,
            rounds: context.size.pick(11, 2),
            items_per_round: reports_hz * round_ns / S,
        };
        let subjects = vec![
            subject("ours", Side::Ours, [monitor(envelope, 2)], round_ns),
            subject("one-thread", Side::Rival, [monitor(envelope, 1)], round_ns),
            subject("two-at-once", Side::Rival, [(); 2].map(|()| monitor(envelope, 1)), round_ns),
        ];
        race(&plan, subjects, &mut |row| {
            let simulated = |ns: f64| rounded(S as f64 / (ns * reports_hz as f64));
            let simulated_s_per_s = row.ns_per_item.map(simulated);
            (context.emit)(Row { simulated_s_per_s, ..row });
        });
    }
}

fn monitor(Envelope { cpus, bytes, times }: Envelope, threads: usize) -> Monitor {
    let pages = (bytes / PAGE_SZ) as u32;
    let hot = HotSet { pages, hot_pages: pages, hot_share: 1.0, store_share: 0.3, tgid: 1 };
    let nodes = vec![NodeConfig::dram(0, bytes), NodeConfig::cxl(bytes, bytes)];
    let workload = hot.placed(Interleave::even(2));
    let machine = MachineConfig::new(nodes, Processor::zen5(cpus), workload);
    let sampler = SamplerConfig::IbsOp(IbsOpConfig {
        rate_hz: Some(times * RATE_HZ),
        data_share: Some(0.41),
        ..IbsOpConfig::default()
    });
    let emulation = Emulation::new(machine, &sampler, threads).expect("a sound machine");
    let config = MonitorConfig {
        context: ContextConfig {
            ops: OpsId::PaddrIbs,
            attrs: Attrs::default(),
            addr_unit: 1,
            targets: None,
            sample_filters: Vec::new(),
            schemes: vec![towards(0, bytes, bytes), towards(1, 0, bytes)],
            probes: Vec::new(),
            sampler: None,
            paused: false,
            attempt_any_action: false,
        },
        snapshot_every_ns: S,
        lanes: LanesOptions::default(),
        seed: 1,
    };
    Monitor::new(Box::new(emulation), config).expect("a sound configuration")
}

/// Moves what is used to a node from the one that begins at `from`; the RFC's 512 MiB a second.
fn towards(nid: u32, from: u64, node_bytes: u64) -> SchemeConfig {
    let other = Range { start: from, end: from + node_bytes };
    SchemeConfig {
        pattern: Pattern { nr_accesses: Bounds { min: 1, max: u32::MAX }, ..Pattern::ANY },
        target_nid: Some(nid),
        quota: QuotaConfig {
            sz_bytes: GIB / 2,
            reset_interval_ms: 1_000,
            weights: Weights { nr_accesses: 1, age: 1 },
            goals: vec![Goal { metric: Metric::NodeEligibleMemBp { nid } }],
            ..QuotaConfig::default()
        },
        core_filters: vec![CoreFilter::address(other, true, true)],
        ..SchemeConfig::of(Action::MigrateHot)
    }
}

/// Runs that go on side by side, each on a thread; a round takes each a share of the time it took all.
fn subject<const RUNS: usize>(
    name: &'static str,
    side: Side,
    mut monitors: [Monitor; RUNS],
    round_ns: u64,
) -> Subject<'static> {
    let round = move |round: u64| {
        let until_ns = (round + 1) * round_ns;
        let began = Instant::now();
        let answers: Vec<u64> = thread::scope(|scope| {
            let [own, others @ ..] = &mut monitors[..] else { unreachable!("one run at least") };
            let others: Vec<_> =
                others.iter_mut().map(|other| scope.spawn(move || run(other, until_ns))).collect();
            let own = run(own, until_ns);
            let others =
                others.into_iter().map(|run| run.join().expect("a run that does not panic"));
            std::iter::once(own).chain(others).collect()
        });
        let elapsed = began.elapsed() / RUNS as u32;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        Round { elapsed, answer: answers[0] }
    };
    Subject { name, side, round: Box::new(round) }
}

/// Up to a moment; what the schemes were told and what was counted.
fn run(monitor: &mut Monitor, until_ns: u64) -> u64 {
    let mut answer = 0u64;
    let mut note = |value: u64| answer = answer.wrapping_mul(31).wrapping_add(value);
    let mut verdicts = Vec::new();
    loop {
        match monitor.run(until_ns, &verdicts).expect("a source that never ends") {
            Event::Tune => {
                verdicts.clear();
                for request in monitor.requests() {
                    let MetricValue::Share { value_bp, .. } = request.metrics[0] else {
                        unreachable!("the goals are shares")
                    };
                    note(value_bp);
                    // What the tuner `temporal` says.
                    let reached = value_bp >= TARGETS_BP[request.scheme];
                    let bytes = if reached { 0 } else { u64::MAX };
                    verdicts.push(Verdict::new(request.scheme, bytes));
                }
            }
            Event::Snapshot => note(monitor.snapshot().hits.iter().sum()),
            Event::Reached => break,
            event => unreachable!("nobody asked for {event:?}"),
        }
    }
    note(monitor.kdamond().drain_counters().credited);
    monitor.take_rounds();
    answer
}
