//! Attributes of pages, counted beside accesses or instead of them. `damon-core.md` 1.6, 2.2, 3.2,
//! 4.1, 4.2 and 10.2.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use common::{Bench, Memory, PAGE, WINDOW, attrs, config, range, ranges, scheme, select};
use damon_core::kdamond::{Config, ConfigError, Prep, Probe, ProbeFilter, ProbeFilterKind};
use damon_core::ops::Primitive;
use damon_core::region::ProbeHits;
use damon_core::scheme::{CoreFilter, CoreFilterKind, SchemeConfig};
use damon_core::{Action, Attrs, Kdamond, OpsId};

const ABC: [(u64, u64); 3] = [(0, 4), (10, 14), (20, 24)];

fn probe(weight: u32, kind: ProbeFilterKind) -> Probe {
    let filters = vec![ProbeFilter { kind, matching: true, allow: true }];
    Probe { weight, filters, ..Probe::default() }
}

fn anon(weight: u32) -> Probe {
    probe(weight, ProbeFilterKind::Anon)
}

fn idle(weight: u32) -> Probe {
    probe(weight, ProbeFilterKind::PageIdleSet)
}

/// The first of three regions is anonymous, the first two are idle.
fn memory() -> Memory {
    Memory {
        attributes: Some(vec![
            (range(0, 4), ProbeFilterKind::Anon),
            (range(0, 14), ProbeFilterKind::PageIdleSet),
        ]),
        ..Memory::default()
    }
}

fn told(probes: Vec<Probe>, schemes: Vec<SchemeConfig>) -> Config {
    Config { probes, ..config(attrs(3), ranges(&ABC), schemes, OpsId::Paddr, 1) }
}

fn bench(config: Config, primitive: Primitive) -> Bench {
    let memory = memory();
    let ops = select(OpsId::Paddr, primitive);
    let mut bench = Bench::with(Kdamond::new(config, ops, &memory, common::START_NS).unwrap());
    bench.memory = memory;
    bench
}

fn each_hits(bench: &Bench) -> impl Iterator<Item = ProbeHits> {
    let target = &bench.kdamond.targets()[0];
    (0..target.regions().len()).map(|region| target.probe_hits(region))
}

fn hits(bench: &Bench) -> Vec<[u8; 2]> {
    each_hits(bench).map(|hits| [hits.now[0], hits.now[1]]).collect()
}

fn last_hits(bench: &Bench) -> Vec<[u8; 2]> {
    each_hits(bench).map(|hits| [hits.last[0], hits.last[1]]).collect()
}

#[test]
fn a_probe_counts_intervals_in_which_the_page_looked_at_has_the_attribute() {
    for primitive in [Primitive::AccessChecks, Primitive::Reports] {
        let mut bench = bench(told(vec![anon(0), idle(0)], vec![]), primitive);
        bench.memory.busy = vec![range(20, 24)];
        for _ in 0..7 {
            bench.tick(&[20]);
        }
        assert_eq!(hits(&bench), [[7, 7], [0, 7], [0, 0]], "{primitive:?}");
        assert_eq!(bench.counts(), [0, 0, 7], "beside accesses");
        for _ in 7..WINDOW {
            bench.tick(&[]);
        }
        bench.close();
        assert_eq!(last_hits(&bench), [[10, 10], [0, 10], [0, 0]]);
        assert_eq!(hits(&bench), [[0, 0]; 3]);
    }
}

#[test]
fn the_first_filter_that_hits_decides_and_else_the_opposite_of_the_last() {
    let filter = |kind, matching, allow| ProbeFilter { kind, matching, allow };
    use ProbeFilterKind::{Anon, PageIdleSet};
    // A page that is anonymous and not idle.
    for (filters, passes) in [
        (vec![], true),
        (vec![filter(Anon, true, true)], true),
        (vec![filter(Anon, true, false)], false),
        (vec![filter(Anon, false, true)], false),
        (vec![filter(Anon, false, false)], true),
        (vec![filter(PageIdleSet, true, true), filter(Anon, true, false)], false),
        (vec![filter(Anon, true, true), filter(Anon, true, false)], true),
        (vec![filter(PageIdleSet, true, false), filter(PageIdleSet, true, true)], false),
        (vec![filter(PageIdleSet, true, true), filter(PageIdleSet, true, false)], true),
    ] {
        let probe = Probe { filters, ..Probe::default() };
        assert_eq!(probe.passes(|kind| *kind == Anon), passes, "{probe:?}");
    }
}

#[test]
fn with_weights_only_attributes_count_and_accesses_are_not_looked_for() {
    let mut bench = bench(told(vec![anon(3), idle(1)], vec![]), Primitive::AccessChecks);
    bench.memory.busy = vec![range(0, 24)];
    bench.window(&[]);
    assert!(bench.memory.prepared.is_empty(), "nothing was made old");
    assert_eq!((bench.counts(), hits(&bench)), (vec![0; 3], vec![[10, 10], [0, 10], [0, 0]]));
    // Ages by the weighted sums: 40 and 10 came from nothing, nothing stayed nothing.
    assert_eq!(bench.ages(), [0, 0, 1]);
    bench.close();
    bench.window(&[]);
    assert_eq!(bench.ages(), [1, 1, 2]);
    // A tenth of the largest sum is the threshold: 4, so 10 to 6 is within it no more than 10 to 5.
    bench.close();
    for tick in 0..WINDOW {
        let idle_to = if tick < 6 { 14 } else { 4 };
        bench.memory.attributes.as_mut().unwrap()[1].0 = range(0, idle_to);
        bench.tick(&[]);
    }
    assert_eq!((hits(&bench)[1], bench.ages()), ([0, 6], vec![2, 2, 3]));
    bench.close();
    for _ in 0..WINDOW {
        bench.tick(&[]);
    }
    assert_eq!(bench.ages(), [3, 0, 4], "6 to none is another life");
}

#[test]
fn neighbours_are_merged_only_if_alike_in_attributes() {
    // One range of 12 pages in pieces of 4; the first is anonymous, the others are not.
    let whole = Config {
        targets: vec![damon_core::kdamond::TargetConfig::physical(ranges(&[(0, 12)]))],
        ..told(vec![anon(1)], vec![])
    };
    let mut bench = bench(whole, Primitive::AccessChecks);
    bench.window(&[]);
    assert_eq!(bench.bounds(), [(0, 4), (4, 8), (8, 12)]);
}

#[test]
fn a_prep_makes_the_pages_idle_that_are_asked_later() {
    let prepared = |primitive, weight| {
        let with_prep = Probe { preps: vec![Prep::SetPageIdle], ..idle(weight) };
        let mut bench = bench(told(vec![with_prep], vec![]), primitive);
        bench.kdamond.prepare(&mut bench.memory);
        bench.memory.prepared.len()
    };
    assert_eq!(prepared(Primitive::Reports, 0), 1);
    assert_eq!(prepared(Primitive::Reports, 1), 1);
    assert_eq!(prepared(Primitive::AccessChecks, 1), 1);
    assert_eq!(prepared(Primitive::AccessChecks, 0), 1, "the access check has done it");
}

#[test]
fn probes_are_refused_beyond_what_can_be_counted_or_asked() {
    let window = |ticks: u64| Attrs { aggregation_us: ticks * 1_000, ..attrs(3) };
    let full = u32::MAX / 10;
    for (probes, attrs, refused) in [
        (vec![anon(0); 4], window(10), None),
        (vec![anon(0); 5], window(10), Some("probes")),
        // Without weights only the number is looked at.
        (vec![anon(0)], window(1_000), None),
        (vec![anon(1)], window(255), None),
        (vec![anon(0), anon(1)], window(256), Some("attrs.aggregationUs")),
        (vec![anon(full)], window(10), None),
        (vec![anon(full + 1)], window(10), Some("probes")),
        (vec![anon(full / 2), anon(full / 2 + 1)], window(10), None),
        (vec![anon(full / 2 + 1), anon(full / 2 + 1)], window(10), Some("probes")),
        (
            vec![probe(0, ProbeFilterKind::HugepageSize { min: 2, max: 1 })],
            window(10),
            Some("probes"),
        ),
    ] {
        let config = Config { attrs, probes, ..told(vec![], vec![]) };
        let ops = select(OpsId::Paddr, Primitive::AccessChecks);
        let field = match Kdamond::new(config, ops, &memory(), 0) {
            Ok(_) => None,
            Err(ConfigError::Probes { field, .. }) => Some(field),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(field, refused);
    }
    let ops = select(OpsId::Paddr, Primitive::AccessChecks);
    let nobody = Kdamond::new(told(vec![anon(0)], vec![]), ops, &Memory::default(), 0);
    assert_eq!(
        nobody.unwrap_err().to_string(),
        "probes: expected none: nobody here can ask pages, got 1"
    );
}

#[test]
fn other_probes_take_over_the_hits_of_their_place_and_weights_count_from_the_next_tick_on() {
    let mut bench = bench(told(vec![idle(0), anon(0)], vec![]), Primitive::AccessChecks);
    bench.memory.busy = vec![range(0, 24)];
    for _ in 0..3 {
        bench.tick(&[]);
    }
    bench.commit = Some(told(vec![anon(1)], vec![]));
    bench.tick(&[]);
    assert_eq!((bench.counts(), hits(&bench)), (vec![4; 3], vec![[4, 4], [4, 0], [0, 0]]));
    bench.tick(&[]);
    assert_eq!((bench.counts(), hits(&bench)), (vec![4; 3], vec![[5, 4], [4, 0], [0, 0]]));
    // Other intervals: this window's hits are thrown away like counts, the last ones' rescaled.
    for _ in 5..WINDOW {
        bench.tick(&[]);
    }
    bench.tick(&[]);
    let attrs = Attrs { aggregation_us: 20_000, ..attrs(3) };
    bench.commit = Some(Config { attrs, ..told(vec![anon(1)], vec![]) });
    bench.tick(&[]);
    assert_eq!((hits(&bench)[0], last_hits(&bench)[0]), ([0, 0], [20, 8]));
}

#[test]
fn schemes_filter_by_hits_and_a_walk_tells_them() {
    let kind = CoreFilterKind::ProbeHitsWsum { min: 10, max: 10 };
    let filter = CoreFilter { kind, matching: true, allow: true };
    let filtered = SchemeConfig { core_filters: vec![filter], ..scheme(Action::Stat) };
    let mut bench = bench(told(vec![anon(3), idle(1)], vec![filtered]), Primitive::AccessChecks);
    bench.kdamond.walk();
    bench.window(&[]);
    let tried = bench.kdamond.take_tried().unwrap();
    let seen: Vec<_> = tried.by_scheme[0].iter().map(|r| (r.start / PAGE, r.probe_hits)).collect();
    assert_eq!(seen, [(10, [0, 10, 0, 0])]);
}
