//! The most a drain can meet: every lane of a 132-CPU machine full, from 10 regions, which fit in
//! any cache, to a million, which fit in few.

use serde_json::json;

use super::{Context, Load, Regions, drain_round};
use crate::measure::{Race, Side, Subject, race};
use crate::ours::OursMonitor;
use crate::reports::{Memory, Spread};
use crate::rival::linear_scan::LinearScan;
use crate::rival::partition_point::PartitionPoint;
use crate::rival::rfc::RfcMonitor;
use crate::subject::{Monitor, USABLE};

/// Beyond this a scan takes a second per drain.
const SCANNED_MAX: usize = 1_000;

pub(super) fn measure(context: &mut Context<'_>) {
    let lanes = context.size.pick(132, 3);
    let counts: &[usize] =
        context.size.pick(&[10, 100, 1_000, 10_000, 100_000, 1_000_000], &[10, 1_000]);
    for &count in counts {
        for spread in [Spread::Uniform, Spread::Clustered] {
            let memory = Memory::with_regions(count, spread);
            let load = Load {
                memory: &memory,
                lanes,
                reports_per_lane: USABLE,
                drains: context.size.pick(4, 1),
                regions: Regions::Unchanged,
            };
            run(context, &load, spread);
        }
    }
}

fn run(context: &mut Context<'_>, load: &Load<'_>, spread: Spread) {
    let regions = &load.memory.regions;
    let params = json!({ "regions": regions.len(), "addresses": spread.name() });
    context.say(&params);
    let plan = Race {
        scenario: context.scenario,
        params,
        rounds: context.size.pick(21, 2),
        items_per_round: load.drains * (load.lanes * load.reports_per_lane) as u64,
    };
    let mut subjects = vec![
        subject("ours", Side::Ours, OursMonitor::new(load.lanes, regions), load),
        subject("rfc", Side::Rival, RfcMonitor::new(load.lanes, regions), load),
        subject("std-partition-point", Side::Rival, PartitionPoint::new(load.lanes, regions), load),
    ];
    if regions.len() <= SCANNED_MAX {
        let scan = LinearScan::new(load.lanes, regions);
        subjects.push(subject("linear-scan", Side::Rival, scan, load));
    }
    race(&plan, subjects, context.emit);
}

pub(super) fn subject<'a>(
    name: &'static str,
    side: Side,
    mut monitor: impl Monitor + 'a,
    load: &'a Load<'a>,
) -> Subject<'a> {
    Subject { name, side, round: Box::new(move |round| drain_round(&mut monitor, load, round)) }
}
