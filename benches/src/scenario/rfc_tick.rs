//! The load the RFC is designed for, with its default of at most 1,000 regions. What is derived of
//! the regions is derived anew for each drain, as the RFC does at every tick and ours only after a
//! merge, a split or an action.

use serde_json::json;

use super::full_drain::subject;
use super::{Context, Load, Regions};
use crate::measure::{Race, Side, race};
use crate::ours::OursMonitor;
use crate::reports::{Memory, Spread};
use crate::rival::linear_scan::LinearScan;
use crate::rival::partition_point::PartitionPoint;
use crate::rival::rfc::RfcMonitor;

const REGIONS: usize = 1_000;
/// 4,000 samples a second for 5 ms.
const REPORTS_PER_LANE: usize = 20;

pub(super) fn measure(context: &mut Context<'_>) {
    let lanes = context.size.pick(132, 5);
    let memory = Memory::with_regions(REGIONS, Spread::Uniform);
    let regions = &memory.regions;
    let load = Load {
        memory: &memory,
        lanes,
        reports_per_lane: REPORTS_PER_LANE,
        drains: context.size.pick(40, 1),
        regions: Regions::ChangedBeforeEachDrain,
    };
    let reports = lanes * REPORTS_PER_LANE;
    let params = json!({ "lanes": lanes, "reports": reports, "regions": REGIONS });
    context.say(&params);
    let plan = Race {
        scenario: context.scenario,
        params,
        rounds: context.size.pick(31, 2),
        items_per_round: load.drains * reports as u64,
    };
    let subjects = vec![
        subject("ours", Side::Ours, OursMonitor::new(lanes, regions), &load),
        subject("rfc", Side::Rival, RfcMonitor::new(lanes, regions), &load),
        subject("std-partition-point", Side::Rival, PartitionPoint::new(lanes, regions), &load),
        subject("linear-scan", Side::Rival, LinearScan::new(lanes, regions), &load),
    ];
    race(&plan, subjects, context.emit);
}
