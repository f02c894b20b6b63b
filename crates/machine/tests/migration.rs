//! What migration does to the pages, seen from outside.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_core::Operations;
use damon_core::ops::{Applied, Job};
use damon_core::region::Range;
use damon_core::scheme::{Action, PageFilters};
use damon_machine::{
    HotSet, Interleave, Machine, MachineConfig, MachineError, NodeConfig, NodeError, PAGE_SZ,
    Processor,
};
use proptest::prelude::*;

const BLOCK: u64 = 128 << 20;

fn config(node_bytes: [u64; 2], pages: u32) -> MachineConfig {
    placed(node_bytes, pages, Interleave::even(2))
}

fn placed(node_bytes: [u64; 2], pages: u32, interleave: Interleave) -> MachineConfig {
    let nodes = vec![NodeConfig::dram(0, node_bytes[0]), NodeConfig::dram(1 << 40, node_bytes[1])];
    let workload = HotSet { pages, hot_pages: pages, hot_share: 1.0, store_share: 0.3, tgid: 1 };
    MachineConfig::new(nodes, Processor::zen5(4), workload.placed(interleave))
}

fn move_to(machine: &mut Machine, action: Action, nid: u32, range: Range) -> Applied {
    let job = Job {
        tgid: None,
        range,
        action,
        target_nid: Some(nid),
        destinations: &[],
        filters: PageFilters::new(&[], false),
    };
    machine.apply(&job, &mut None)
}

/// Every page has its own frame, and the books agree with the page table.
fn check(machine: &Machine) {
    let pages = machine.pages() as u32;
    let mut addresses: Vec<_> = (0..pages).map(|page| machine.page_address(page)).collect();
    addresses.sort_unstable();
    assert!(addresses.windows(2).all(|pair| pair[0] < pair[1]), "two pages in one frame");
    let all = Range { start: 0, end: 1 << 44 };
    let by_node = machine.hot_bytes_by_node();
    for (nid, bytes_there) in (0..).zip(by_node) {
        let bytes = machine.bytes_on_node(all, nid);
        assert_eq!(bytes.on_node, bytes_there);
        assert_eq!(bytes.total, u64::from(pages) * PAGE_SZ);
    }
}

proptest! {
    #[test]
    fn pages_are_conserved_by_any_sequence_of_migrations(
        pages in 1u32..5000,
        moves in prop::collection::vec((0u64..3000, 1u64..2000, 0u32..2, 0u32..2), 0..20),
    ) {
        let mut machine = Machine::new(config([BLOCK, BLOCK], pages)).unwrap();
        check(&machine);
        for (first, count, from, to) in moves {
            let base = if from == 0 { 0 } else { 1 << 40 };
            let range = Range { start: base + first * PAGE_SZ, end: base + (first + count) * PAGE_SZ };
            let before = machine.bytes_on_node(range, from).on_node;
            let applied = move_to(&mut machine, Action::MigrateHot, to, range);
            prop_assert_eq!(applied.bytes, if from == to { 0 } else { before });
        }
        check(&machine);
    }
}

#[test]
fn a_full_node_takes_what_fits_and_the_rest_is_counted() {
    // Node 0 holds one block = 32768 pages; 40000 pages interleaved leave room for 12768.
    let mut machine = Machine::new(config([BLOCK, BLOCK], 40_000)).unwrap();
    let all_of_node_1 = Range { start: 1 << 40, end: (1 << 40) + BLOCK };
    let applied = move_to(&mut machine, Action::MigrateCold, 0, all_of_node_1);
    assert_eq!(applied.bytes, 12_768 * PAGE_SZ);
    assert_eq!(machine.migrations().migrated_pages, 12_768);
    assert_eq!(machine.migrations().full_pages, 20_000 - 12_768);
    check(&machine);
}

#[test]
fn an_unknown_node_takes_nothing() {
    let mut machine = Machine::new(config([BLOCK, BLOCK], 100)).unwrap();
    let applied = move_to(&mut machine, Action::MigrateHot, 7, Range { start: 0, end: BLOCK });
    assert_eq!(applied.bytes, 0);
    assert_eq!(machine.migrations().nowhere_pages, 50);
}

#[test]
fn impossible_machines_are_refused() {
    let refused = |config| Machine::new(config).unwrap_err();
    assert_eq!(
        refused(config([0, BLOCK], 1)),
        MachineError::Node { index: 0, error: NodeError::Empty }
    );
    assert!(matches!(
        refused(config([BLOCK + 4096, BLOCK], 1)),
        MachineError::Node { index: 0, error: NodeError::Unaligned { .. } }
    ));
    assert!(matches!(
        refused(config([BLOCK, BLOCK], 70_000)),
        // Half of them are to be there, not only the first that did not fit.
        MachineError::Capacity { nid: 0, needed, capacity: BLOCK, .. } if needed == 35_000 * PAGE_SZ
    ));
    let mut overlapping = config([BLOCK, BLOCK], 1);
    overlapping.nodes[1].start = 0;
    assert!(matches!(
        refused(overlapping),
        MachineError::Node { index: 1, error: NodeError::Overlap { .. } }
    ));
    for weights in [vec![(2, 1)], vec![(0, u32::MAX), (1, u32::MAX)], vec![(0, 0)], vec![]] {
        let error = refused(placed([BLOCK, BLOCK], 1, Interleave { weights }));
        let MachineError::Refused { path, .. } = error else { panic!("{error}") };
        assert_eq!(path, "workload.processes[0].areas[0].placement.interleave");
    }
}
