#![allow(missing_docs, clippy::unwrap_used)]
use damon_core::kdamond::MetricValue;
use damon_core::region::{Range, Weights};
use damon_core::scheme::*;
use damon_core::*;
use damon_machine::*;
use damon_monitor::*;
use damon_ring::LanesOptions;
use damon_sampler::*;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "replay" {
        let attrs = Attrs {
            sample_us: args[3].parse().unwrap(),
            aggregation_us: args[4].parse().unwrap(),
            min_nr_regions: args[5].parse().unwrap(),
            max_nr_regions: args[6].parse().unwrap(),
        };
        let t = Instant::now();
        let rec =
            Recording::open(std::path::Path::new(&args[2]), RecordingOptions::default()).unwrap();
        let stat = SchemeConfig {
            pattern: Pattern::ANY,
            action: Action::Stat,
            apply_interval_us: 0,
            quota: QuotaConfig::default(),
            filters: vec![],
        };
        let mut m = Monitor::new(
            Box::new(rec),
            MonitorConfig {
                ops: OpsId::PaddrIbs,
                attrs,
                schemes: vec![stat],
                snapshot_every_ns: 1_000_000_000,
                lanes: LanesOptions::default(),
                seed: args.get(7).map_or(1, |s| s.parse().unwrap()),
            },
        )
        .unwrap();
        loop {
            match m.run(u64::MAX, &[]).unwrap() {
                Event::Snapshot => {
                    let s = m.snapshot();
                    for i in 0..s.len() {
                        println!(
                            "{} {} {} {} {} {}",
                            s.time_ns,
                            s.starts[i],
                            s.ends[i],
                            s.nr_accesses[i],
                            s.ages[i],
                            s.hits[i]
                        );
                    }
                }
                Event::Ended => break,
                e => panic!("{e:?}"),
            }
        }
        eprintln!(
            "{:?} {:?} {:?} {:?}",
            t.elapsed(),
            m.source_counters(),
            m.lane_counters(),
            m.kdamond().drain_counters()
        );
    } else {
        let seconds: u64 = args[2].parse().unwrap();
        let gib = 1u64 << 30;
        let t = Instant::now();
        let pages = (32 * gib / 4096) as u32;
        let e = Emulation::new(
            MachineConfig {
                nodes: vec![
                    NodeConfig { start: 0, bytes: 128 * gib },
                    NodeConfig { start: 128 * gib, bytes: 128 * gib },
                ],
                workload: HotSet {
                    pages,
                    hot_pages: pages,
                    hot_share: 1.0,
                    store_share: 0.3,
                    tgid: 100,
                },
                interleave: Interleave::even(2),
            },
            IbsOpConfig {
                cpus: 132,
                period: 262144,
                counting: Counting::Cycles,
                rate_hz: 2_557_000_000,
                data_share: 0.41,
                seed: 7,
            },
        )
        .unwrap();
        eprintln!("setup {:?}", t.elapsed());
        let s = |nid: u32| SchemeConfig {
            pattern: Pattern { nr_accesses: Bounds { min: 1, max: u32::MAX }, ..Pattern::ANY },
            action: Action::MigrateHot { target_nid: nid },
            apply_interval_us: 0,
            quota: QuotaConfig {
                sz_bytes: 512 << 20,
                reset_interval_ms: 1000,
                weights: Weights { nr_accesses: 1, age: 1 },
                goals: vec![Goal { metric: Metric::NodeEligibleMemBp { nid } }],
            },
            filters: vec![AddressFilter {
                range: if nid == 0 {
                    Range { start: 128 * gib, end: 256 * gib }
                } else {
                    Range { start: 0, end: 128 * gib }
                },
                matching: true,
                allow: true,
            }],
        };
        let attrs = Attrs {
            min_nr_regions: args.get(3).map_or(10, |s| s.parse().unwrap()),
            max_nr_regions: args.get(4).map_or(1000, |s| s.parse().unwrap()),
            ..Attrs::default()
        };
        let mut m = Monitor::new(
            Box::new(e),
            MonitorConfig {
                ops: OpsId::PaddrIbs,
                attrs,
                schemes: vec![s(0), s(1)],
                snapshot_every_ns: 10_000_000_000_000,
                lanes: LanesOptions::default(),
                seed: 1,
            },
        )
        .unwrap();
        let mut verdicts = vec![];
        let targets = [7000u64, 3000];
        let t = Instant::now();
        let mut n = 0;
        loop {
            match m.run(seconds * 1_000_000_000, &verdicts).unwrap() {
                Event::Tune => {
                    verdicts.clear();
                    for r in m.requests() {
                        let MetricValue::NodeEligible { value_bp, total, .. } = r.metrics[0] else {
                            panic!()
                        };
                        let score = value_bp * 10000 / targets[r.scheme];
                        verdicts.push(kdamond::Verdict {
                            scheme: r.scheme,
                            bytes: if score >= 10000 { 0 } else { 512 << 20 },
                        });
                        if r.scheme == 0 {
                            let h = m.hot_bytes_by_node().unwrap();
                            println!(
                                "{n} {value_bp} {} regions {} total {}",
                                h[0] * 10000 / (h[0] + h[1]),
                                m.kdamond().targets()[0].regions().len(),
                                total >> 20
                            );
                            n += 1;
                        }
                    }
                }
                Event::Reached => break,
                Event::Snapshot => {}
                e => panic!("{e:?}"),
            }
        }
        let el = t.elapsed();
        eprintln!(
            "{el:?} {:.1} sim s/s {:?} {:?} {:?}",
            seconds as f64 / el.as_secs_f64(),
            m.source_counters(),
            m.lane_counters(),
            m.kdamond().drain_counters()
        );
    }
}
