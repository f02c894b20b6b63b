//! Runs on a small machine, written down: any change of what the monitor sees or does shows. Every byte
//! of every snapshot is in a hash; the figures beside it are for the reader.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::fmt::Write;
use std::path::Path;

use common::{MIB, MS, in_context, machine, sampler, towards};
use damon_core::kdamond::{MetricValue, Prep, Probe, ProbeFilter, ProbeFilterKind, Verdict};
use damon_core::region::Weights;
use damon_core::scheme::{CoreFilter, CoreFilterKind, SchemeConfig, WatermarkMetric, Watermarks};
use damon_core::{Action, Attrs, OpsId, Snapshot};
use damon_machine::{HotSet, Interleave, MachineConfig};
use damon_monitor::{Emulation, Event, Monitor, MonitorConfig};
use damon_ring::LanesOptions;

/// How a change is accepted.
const ACCEPT: &str = "ACCEPT=1 cargo test -p damon-monitor --test golden";

/// FNV-1a, 64 bits: the same on every machine and in every release.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn add(&mut self, values: impl IntoIterator<Item = u64>) {
        for value in values {
            self.add_bytes(&value.to_le_bytes());
        }
    }
}

fn hash(snapshot: &Snapshot) -> u64 {
    let mut hash = Fnv::new();
    hash.add([snapshot.since_ns, snapshot.time_ns, snapshot.len() as u64]);
    hash.add(snapshot.starts.iter().copied());
    hash.add(snapshot.ends.iter().copied());
    hash.add(snapshot.nr_accesses.iter().map(|count| u64::from(*count)));
    hash.add(snapshot.ages.iter().map(|age| u64::from(*age)));
    hash.add(snapshot.hits.iter().copied());
    hash.0
}

/// 128 MiB, half of it hot, on two nodes; a scheme each way and one that only counts.
fn a_minute() -> String {
    let quota = 4 * MIB;
    let mut cold = common::scheme(Action::Stat);
    cold.pattern.nr_accesses.max = 0;
    cold.pattern.age.min = 3;
    let schemes = vec![towards(0, quota), towards(1, quota), cold];
    let config = in_context(common::config(schemes), |context| {
        context.attrs = Attrs { max_nr_regions: 100, ..Attrs::default() };
    });
    let config = MonitorConfig {
        snapshot_every_ns: 1_000 * MS,
        lanes: LanesOptions::default(),
        seed: 11,
        ..config
    };
    let cold_pages = (64 * MIB / 4096) as u32;
    let emulation = Emulation::new(machine(cold_pages), &sampler(5), 1).unwrap();
    let mut monitor = Monitor::new(Box::new(emulation), config).unwrap();
    let (mut verdicts, mut metrics) = (vec![], vec![0; 3]);
    let mut text =
        String::from("# second regions hits_sum node0_bp node1_bp migrated_bytes hash\n");
    loop {
        match monitor.run(60_000 * MS, &verdicts).unwrap() {
            Event::Tune => {
                verdicts.clear();
                for request in monitor.requests() {
                    let MetricValue::Share { value_bp, .. } = request.metrics[0] else {
                        panic!("{request:?}")
                    };
                    metrics[request.scheme] = value_bp;
                    let target_bp = [7_000, 3_000][request.scheme];
                    let bytes = if value_bp >= target_bp { 0 } else { quota };
                    verdicts.push(Verdict::new(request.scheme, bytes));
                }
            }
            Event::Snapshot => {
                let snapshot = monitor.snapshot();
                let migrated: u64 =
                    monitor.kdamond().schemes().iter().map(|scheme| scheme.stats.sz_applied).sum();
                writeln!(
                    text,
                    "{} {} {} {} {} {migrated} {:016x}",
                    snapshot.time_ns / (1_000 * MS),
                    snapshot.len(),
                    snapshot.hits.iter().sum::<u64>(),
                    metrics[0],
                    metrics[1],
                    hash(snapshot),
                )
                .unwrap();
            }
            Event::Reached => break,
            event => panic!("{event:?}"),
        }
    }
    for (index, scheme) in monitor.kdamond().schemes().iter().enumerate() {
        writeln!(text, "scheme {index}: {:?}", scheme.stats).unwrap();
    }
    writeln!(text, "{:?}", monitor.kdamond().drain_counters()).unwrap();
    text
}

/// Half of the memory is cold. Accessed bits; what is idle is paged out, with 2 ms to do so in each
/// second, until 65 % is free; what is hot goes to the active list by its priority.
fn a_minute_of_accessed_bits() -> String {
    let mut idle = common::scheme(Action::PageOut);
    idle.pattern.nr_accesses.max = 0;
    idle.pattern.age.min = 5;
    idle.quota.time_ms = 2;
    idle.quota.reset_interval_ms = 1_000;
    idle.quota.weights = Weights { nr_accesses: 1, age: 1 };
    idle.watermarks = Watermarks {
        metric: WatermarkMetric::FreeMemRate,
        interval_us: 500_000,
        high: 650,
        mid: 640,
        low: 0,
    };
    let mut hot = common::scheme(Action::LruPrio);
    hot.pattern.nr_accesses.min = 1;
    hot.quota.sz_bytes = 8 * MIB;
    hot.quota.reset_interval_ms = 2_000;
    hot.quota.weights = Weights { nr_accesses: 3, age: 1 };
    looking(vec![idle, hot], vec![])
}

/// What is counted is whether pages were accessed since they were made idle, and whether they are of
/// the workload; a scheme watches regions by that.
fn a_minute_of_attributes() -> String {
    let filter = |kind, allow| vec![ProbeFilter { kind, matching: true, allow }];
    let accessed = Probe {
        weight: 2,
        preps: vec![Prep::SetPageIdle],
        filters: filter(ProbeFilterKind::PageIdleUnset, true),
    };
    let anon = Probe { weight: 1, preps: vec![], filters: filter(ProbeFilterKind::Anon, true) };
    let mut busy = common::scheme(Action::Stat);
    let kind = CoreFilterKind::ProbeHitsWsum { min: 30, max: u32::MAX };
    busy.core_filters = vec![CoreFilter { kind, matching: true, allow: true }];
    looking(vec![busy], vec![accessed, anon])
}

/// A minute of the same machine by accessed bits.
fn looking(schemes: Vec<SchemeConfig>, probes: Vec<Probe>) -> String {
    let config = in_context(common::config(schemes), |context| {
        context.ops = OpsId::Paddr;
        context.attrs = Attrs { max_nr_regions: 100, ..Attrs::default() };
        context.probes = probes;
    });
    let config = MonitorConfig { snapshot_every_ns: 1_000 * MS, seed: 11, ..config };
    let pages = (128 * MIB / 4096) as u32;
    let hot = HotSet { pages, hot_pages: pages / 2, hot_share: 1.0, store_share: 0.3, tgid: 1 };
    let small = machine(0);
    let small = MachineConfig::new(small.nodes, small.processor, hot.placed(Interleave::even(2)));
    let emulation = Emulation::new(small, &sampler(5), 1).unwrap();
    let mut monitor = Monitor::new(Box::new(emulation), config).unwrap();
    let mut text = String::from("# ms regions accessed_mib tried_mib applied_mib hash\n");
    loop {
        match monitor.run(60_000 * MS, &[]).unwrap() {
            Event::Snapshot => {
                let snapshot = monitor.snapshot();
                let sizes =
                    snapshot.starts.iter().zip(&snapshot.ends).map(|(start, end)| end - start);
                let accessed: u64 = sizes
                    .zip(&snapshot.nr_accesses)
                    .map(|(size, count)| if *count > 0 { size } else { 0 })
                    .sum();
                let stats = monitor.kdamond().schemes().iter().map(|scheme| scheme.stats);
                let (tried, applied) = stats.fold((0, 0), |(tried, applied), stats| {
                    (tried + stats.sz_tried, applied + stats.sz_applied)
                });
                writeln!(
                    text,
                    "{} {} {} {} {} {:016x}",
                    snapshot.time_ns / MS,
                    snapshot.len(),
                    accessed / MIB,
                    tried / MIB,
                    applied / MIB,
                    hash(snapshot),
                )
                .unwrap();
            }
            Event::Reached => break,
            event => panic!("{event:?}"),
        }
    }
    for (index, scheme) in monitor.kdamond().schemes().iter().enumerate() {
        let charged_ns = scheme.quota.total_charged_ns;
        writeln!(text, "scheme {index}: {:?}, {charged_ns} ns", scheme.stats).unwrap();
    }
    text
}

/// Compares a run with how it was; `ACCEPT` makes that how it is.
fn is_as_it_was(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if let Some((line, (was, is))) =
        golden.lines().zip(now.lines()).enumerate().find(|(_, (was, is))| was != is)
    {
        panic!(
            "{name}, line {} is not as it was:\n  was {was}\n  is  {is}\nIf that is right: {ACCEPT}",
            line + 1
        );
    }
    let lines = |text: &str| text.lines().count();
    assert_eq!(lines(&golden), lines(now), "lines of {name}. If that is right: {ACCEPT}");
}

#[test]
fn a_minute_on_a_small_machine_is_as_it_was() {
    is_as_it_was("two_nodes_60s.txt", &a_minute());
}

#[test]
fn a_minute_of_accessed_bits_with_time_quota_and_watermarks_is_as_it_was() {
    is_as_it_was("paddr_60s.txt", &a_minute_of_accessed_bits());
}

#[test]
fn a_minute_of_attributes_alone_is_as_it_was() {
    is_as_it_was("attributes_60s.txt", &a_minute_of_attributes());
}

#[test]
fn the_hash_is_the_published_one() {
    // From the test vectors of the FNV reference implementation.
    for (text, expected) in [
        ("", 0xcbf2_9ce4_8422_2325),
        ("a", 0xaf63_dc4c_8601_ec8c),
        ("foobar", 0x8594_4171_f739_67e8),
    ] {
        let mut hash = Fnv::new();
        hash.add_bytes(text.as_bytes());
        assert_eq!(hash.0, expected, "{text:?}");
    }
}
