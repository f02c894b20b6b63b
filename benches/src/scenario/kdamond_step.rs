//! What a tick costs that ends an aggregation: reports drained, regions merged, aged, looked at by
//! schemes, reset and split. The yardstick is copying the regions once.
//!
//! Memory is as large as the least number of regions in pieces of 64 pages, and the most is twice
//! that: so each split makes two of one and each merge one of two, the most there can be to do.

use damon_core::kdamond::{Config, TargetConfig};
use damon_core::ops::{Applied, Gauge, Job, LastApplied, NodeBytes, Primitive, Reading, Registry};
use damon_core::region::{Range, Region, Weights};
use damon_core::scheme::{QuotaConfig, SchemeConfig};
use damon_core::{Action, Attrs, Kdamond, Operations, OpsId};
use damon_ring::{AccessReport, Lanes, LanesOptions, Producer};
use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Side, Subject, race, time};
use crate::reports::{Memory, PAGE};

/// Lanes, and the most that one takes.
const LANES: usize = 132;
const SLOTS: u32 = 4_096;
const SAMPLE_US: u64 = 1_000;
const PIECE_SZ: u64 = 64 * PAGE;

/// Makes schemes for so many bytes of memory.
type Schemes = fn(u64) -> Vec<SchemeConfig>;

/// Schemes by the name of a row.
const SCHEMES: [(&str, Schemes); 3] = [
    ("none", |_| Vec::new()),
    ("stat", |_| vec![SchemeConfig::of(Action::Stat)]),
    ("stat, migrate_hot by quota", |bytes| {
        let quota = QuotaConfig {
            sz_bytes: bytes / 8,
            weights: Weights { nr_accesses: 1, age: 1 },
            ..QuotaConfig::default()
        };
        let hot =
            SchemeConfig { target_nid: Some(0), quota, ..SchemeConfig::of(Action::MigrateHot) };
        vec![SchemeConfig::of(Action::Stat), hot]
    }),
];

pub(super) fn measure(context: &mut Context<'_>) {
    let counts: &[usize] = context.size.pick(&[1_000, 100_000, 1_000_000], &[1_000, 10_000]);
    let reports: &[usize] = context.size.pick(&[0, 2_640, 270_000], &[0, 264]);
    for &regions in counts {
        for &reports in reports {
            for (schemes, make) in SCHEMES {
                let params = json!({ "regions": regions, "reports": reports, "schemes": schemes });
                context.say(&params);
                let steps = (400_000 / (regions + reports)).clamp(1, 100) as u64;
                let steps = context.size.pick(steps, 2);
                let plan = Race {
                    scenario: context.scenario,
                    params,
                    rounds: context.size.pick(11, 2),
                    items_per_round: steps * regions as u64,
                };
                let bench = Bench::new(regions, reports, make);
                race(&plan, vec![ours(bench, steps), copy(regions, steps)], context.emit);
            }
        }
    }
}

/// Memory that lets everything be done to it and tells nothing.
struct Willing;

impl Operations for Willing {
    fn apply(&mut self, job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        Applied { bytes: job.range.size(), ..Applied::default() }
    }

    fn bytes_on_node(&self, _range: Range, _nid: u32) -> NodeBytes {
        NodeBytes::default()
    }

    fn prepare_access_checks(&mut self, _tgid: Option<u32>, _addresses: &[u64]) {}

    fn check_accesses(&mut self, _tgid: Option<u32>, _addresses: &[u64], _accessed: &mut [bool]) {}

    fn is_target_valid(&self, _tgid: u32) -> bool {
        true
    }

    fn mappings(&self, _tgid: u32) -> Option<Vec<Range>> {
        None
    }

    fn read(&self, _gauge: &Gauge) -> Option<Reading> {
        None
    }
}

struct Bench {
    kdamond: Kdamond,
    lanes: Lanes,
    producers: Vec<Producer>,
    memory: Memory,
    reports: usize,
}

impl Bench {
    fn new(regions: usize, reports: usize, schemes: Schemes) -> Self {
        let least = (regions / 2).max(3);
        let all = Range { start: 0, end: least as u64 * PIECE_SZ };
        let config = Config {
            attrs: Attrs {
                sample_us: SAMPLE_US,
                aggregation_us: SAMPLE_US,
                min_nr_regions: least as u64,
                max_nr_regions: 2 * least as u64,
                ..Attrs::default()
            },
            addr_unit: 1,
            targets: vec![TargetConfig::physical(vec![all])],
            sample_filters: Vec::new(),
            schemes: schemes(all.size()),
            probes: Vec::new(),
            paused: false,
            seed: 1,
        };
        let registry = Registry::default();
        registry.register(OpsId::PaddrIbs, Primitive::Reports).expect("the first of its name");
        let ops = registry.select(OpsId::PaddrIbs).expect("just registered");
        let kdamond = Kdamond::new(config, ops, &Willing, 0).expect("sound");
        let lanes = Lanes::new(LanesOptions { lanes_max: LANES as u32, slots: SLOTS });
        let lanes = lanes.expect("a power of two");
        let producers = (0..LANES).map(|_| lanes.add().expect("room for all")).collect();
        let memory = Memory::of(all);
        Self { kdamond, lanes, producers, memory, reports }
    }

    fn fill(&mut self, seed: u64) {
        let time_ns = self.kdamond.next_tick_ns() - 1;
        for (i, address) in self.memory.addresses(seed).take(self.reports).enumerate() {
            let report = AccessReport::physical(address, PAGE as u32, time_ns);
            self.producers[i % LANES].push(report).expect("room for all");
        }
    }

    /// A whole tick.
    fn step(&mut self) {
        let now_ns = self.kdamond.next_tick_ns();
        self.kdamond.prepare(&mut Willing);
        self.kdamond.observe(now_ns, &mut self.lanes, &mut Willing);
        self.kdamond.open_windows(now_ns, &Willing);
        self.kdamond.apply(now_ns, &[], &mut Willing);
        self.kdamond.close(&Willing);
    }

    fn regions(&self) -> &[Region] {
        self.kdamond.targets()[0].regions()
    }
}

fn ours(mut bench: Bench, steps: u64) -> Subject<'static> {
    // What grows has grown; ages and quotas have settled.
    for seed in 0..6 {
        bench.fill(seed);
        bench.step();
    }
    let round = move |round: u64| {
        let mut elapsed = std::time::Duration::ZERO;
        for step in 0..steps {
            bench.fill(round * steps + step);
            elapsed += time(|| bench.step()).0;
            bench.kdamond.take_rounds();
        }
        let regions = bench.regions();
        assert!(regions.windows(2).all(|pair| pair[0].end == pair[1].start), "no gap");
        assert!(regions.len() as u64 <= bench.kdamond.attrs().max_nr_regions);
        Round { elapsed, answer: regions[regions.len() - 1].end }
    };
    Subject { name: "ours", side: Side::Ours, round: Box::new(round) }
}

fn copy(count: usize, steps: u64) -> Subject<'static> {
    let least = (count / 2).max(3) as u64;
    let regions: Vec<Region> =
        (0..2 * least).map(|i| Region::new(i * PIECE_SZ / 2, (i + 1) * PIECE_SZ / 2)).collect();
    let mut copied = regions.clone();
    let round = move |_| {
        let (elapsed, ()) = time(|| {
            for _ in 0..steps {
                copied.clear();
                copied.extend_from_slice(std::hint::black_box(&regions));
                std::hint::black_box(&mut copied);
            }
        });
        Round { elapsed, answer: copied[copied.len() - 1].end }
    };
    Subject { name: "copy-of-the-regions", side: Side::Rival, round: Box::new(round) }
}
