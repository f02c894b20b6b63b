//! A monitor's memory, as the allocator sees it: at most 64 bytes for each region, and the index that
//! reports are looked up in.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::alloc::System;

use common::{Memory, PAGE, START_NS, config, select};
use damon_core::kdamond::{Config, Probe};
use damon_core::ops::Primitive;
use damon_core::region::Range;
use damon_core::{Attrs, Kdamond, OpsId};
use damon_ring::{Lanes, LanesOptions};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MOST: u64 = 100_000;

/// Heap bytes of a monitor per region, after so many aggregations.
fn bytes_per_region(ops: OpsId, primitive: Primitive, probed: bool, aggregations: u32) -> f64 {
    let attrs = Attrs {
        sample_us: 1_000,
        aggregation_us: 1_000,
        min_nr_regions: MOST / 2,
        max_nr_regions: MOST,
        ..Attrs::default()
    };
    let range = Range { start: 0, end: MOST * 64 * PAGE };
    let mut lanes = Lanes::new(LanesOptions { lanes_max: 1, slots: 1 }).unwrap();
    let mut memory = Memory { attributes: probed.then(Vec::new), ..Memory::default() };
    let heap = Region::new(HEAP);
    let probes = if probed { vec![Probe::default()] } else { vec![] };
    let config = Config { probes, ..config(attrs, vec![range], vec![], ops, 1) };
    let mut kdamond = Kdamond::new(config, select(ops, primitive), &memory, START_NS).unwrap();
    for _ in 0..aggregations {
        let now_ns = kdamond.next_tick_ns();
        kdamond.prepare(&mut memory);
        kdamond.observe(now_ns, &mut lanes, &mut memory);
        kdamond.apply(now_ns, &[], &mut memory);
        kdamond.close(&memory);
    }
    let change = heap.change();
    let regions = kdamond.targets()[0].regions().len();
    assert!(regions as u64 > MOST / 2, "{regions}");
    (change.bytes_allocated as isize - change.bytes_deallocated as isize) as f64 / regions as f64
}

// One test, so that nothing else allocates meanwhile.
#[test]
fn a_region_takes_at_most_64_bytes_however_often_it_was_merged_and_split() {
    for aggregations in [1, 2, 5, 20] {
        for (ops, primitive, probed) in [
            (OpsId::PaddrIbs, Primitive::Reports, false),
            (OpsId::Paddr, Primitive::AccessChecks, false),
            (OpsId::Paddr, Primitive::AccessChecks, true),
        ] {
            let bytes = bytes_per_region(ops, primitive, probed, aggregations);
            assert!(
                (40.0..=64.0).contains(&bytes),
                "{bytes} in {ops:?} after {aggregations}, {probed}"
            );
        }
    }
}
