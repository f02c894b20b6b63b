//! The counts by heat and node, whatever schemes and time do to the pages: against a recount.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_core::Operations;
use damon_core::ops::{Gauge, Job};
use damon_core::region::Range;
use damon_core::scheme::{Action, PageFilters};
use damon_machine::workload::{Area, Kind, Line, PageSize, Pattern, Phase, Policy, Process};
use damon_machine::{
    HUGE_SZ, Interleave, Machine, MachineConfig, MigrationConfig, NodeConfig, PAGE_SZ, Processor,
    Workload,
};
use proptest::prelude::*;

const MIB: u64 = 1 << 20;
const BLOCK: u64 = 128 * MIB;
const MS: u64 = 1_000_000;
/// Four huge pages.
const PAGES: u32 = (8 * MIB / PAGE_SZ) as u32;
/// Pages that are hot, and how fast that moves: a page in 10 ms.
const HOT: u32 = 700;
const STEP_NS: u64 = 10 * MS;

/// 8 MiB on two nodes; a hot set that drifts in one phase and waits in the other.
fn machine(seed: u64, reserve_bytes: u64) -> Machine {
    let policy = Policy::Interleave(Interleave::even(2));
    let (kind, page_size, bytes) = (Kind::Anon, PageSize::Base, u64::from(PAGES) * PAGE_SZ);
    let area = Area { name: "heap".into(), bytes, kind, page_size, policy };
    let drifting = Pattern::HotSet {
        hot_bytes: u64::from(HOT) * PAGE_SZ,
        hot_share: 0.9,
        offset_bytes: 0,
        drift_bytes_hz: PAGE_SZ * 1_000_000_000 / STEP_NS,
    };
    let zipf = Pattern::Zipf { theta: 0.99, scattered: true };
    let phase = |pattern| Phase { duration_ns: 1_000 * MS, lines: vec![Line::new(0, pattern)] };
    let process = Process {
        areas: vec![area],
        phases: vec![phase(drifting), phase(zipf)],
        repeats: true,
        ..Process::new(1)
    };
    let nodes = vec![
        NodeConfig { reserve_bytes, ..NodeConfig::dram(0, BLOCK) },
        NodeConfig::cxl(BLOCK, BLOCK),
    ];
    let workload = Workload { processes: vec![process] };
    let migration = MigrationConfig { busy_share: 0.1, ..MigrationConfig::default() };
    let config = MachineConfig::new(nodes, Processor::zen5(2), workload);
    Machine::new(MachineConfig { migration, seed, ..config }).unwrap()
}

fn recount(machine: &Machine, pages: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut bytes = vec![0; 2];
    for page in pages {
        if let Some(address) = machine.page_address(page) {
            bytes[(address / BLOCK) as usize] += PAGE_SZ;
        }
    }
    bytes
}

fn check(machine: &Machine) {
    let mut frames: Vec<_> = (0..PAGES).filter_map(|page| machine.page_address(page)).collect();
    frames.sort_unstable();
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "two pages in one frame");
    let used = recount(machine, 0..PAGES);
    for (nid, used) in (0..).zip(&used) {
        assert_eq!(machine.read(&Gauge::NodeUsed { nid }).unwrap().part, *used);
        let all = Range { start: 0, end: 2 * BLOCK };
        assert_eq!(machine.bytes_on_node(all, nid).on_node, *used);
    }
    let out = u64::from(PAGES) - frames.len() as u64;
    assert_eq!(machine.out_pages(), out);
    let counters = machine.migrations();
    assert_eq!(counters.paged_out_pages, counters.returned_pages + out);
    let stayed = counters.there_pages + counters.failed_pages();
    assert_eq!(counters.asked_pages, counters.migrated_pages + stayed);
    // Time goes by in steps of a second at the most, so this is how long the hot set drifted.
    let now_ns = machine.now_ns();
    let (rounds, rest_ns) = (now_ns / (2_000 * MS), now_ns % (2_000 * MS));
    if rest_ns < 1_000 * MS {
        let steps = ((rounds * 1_000 * MS + rest_ns) / STEP_NS) as u32;
        let hot = (steps..steps + HOT).map(|page| page % PAGES);
        assert_eq!(machine.hot_bytes_by_node(), recount(machine, hot));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_follow_the_pages_through_anything(
        seed in any::<u64>(),
        reserved in prop::bool::ANY,
        steps in prop::collection::vec((0usize..11, 0u32..PAGES, 1u32..1500, 0u32..3, 0u64..40), 1..25),
    ) {
        // With the reserve there is room for 6 MiB on node 0.
        let mut machine = machine(seed, if reserved { BLOCK - 6 * MIB } else { 0 });
        let start = machine.mappings(1).unwrap()[1].start;
        for (action, first, pages, nid, steps) in steps {
            let action = Action::ALL[action];
            let physical = action.is_known_to(damon_core::OpsId::Paddr) && seed % 2 == 0;
            let base = if physical { u64::from(nid % 2) * BLOCK } else { start };
            let end = if physical { BLOCK } else { u64::from(PAGES) * PAGE_SZ };
            let from = u64::from(first) * PAGE_SZ;
            let to = (from + u64::from(pages) * PAGE_SZ).next_multiple_of(HUGE_SZ).min(end);
            let job = Job {
                tgid: (!physical).then_some(1),
                range: Range { start: base + from, end: base + to },
                action,
                target_nid: Some(nid),
                destinations: &[],
                filters: PageFilters::new(&[], false),
            };
            machine.apply(&job, &mut None);
            check(&machine);
            // Never beyond a phase, as the monitor does.
            let until = machine.now_ns() + steps * STEP_NS;
            while machine.now_ns() < until {
                machine.advance(until.min(machine.next_change_ns()));
            }
            check(&machine);
        }
    }
}
