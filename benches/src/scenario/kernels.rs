//! The drain of full lanes by each search kernel that this CPU can run. The yardstick is the RFC's
//! search, one at a time over a flat array, in our drain.

use damon_core::drain::Kernel;
use serde_json::json;

use super::full_drain::subject;
use super::{Context, Load, Regions};
use crate::measure::{Race, Side, race};
use crate::ours::OursMonitor;
use crate::reports::{Memory, Spread};
use crate::subject::USABLE;

pub(super) fn measure(context: &mut Context<'_>) {
    let lanes = context.size.pick(132, 3);
    let counts: &[usize] =
        context.size.pick(&[10, 100, 1_000, 10_000, 100_000, 1_000_000], &[10, 1_000]);
    for &count in counts {
        let memory = Memory::with_regions(count, Spread::Uniform);
        let load = Load {
            memory: &memory,
            lanes,
            reports_per_lane: USABLE,
            drains: context.size.pick(4, 1),
            regions: Regions::Unchanged,
        };
        let params = json!({ "regions": count });
        context.say(&params);
        let plan = Race {
            scenario: context.scenario,
            params,
            rounds: context.size.pick(11, 2),
            items_per_round: load.drains * (lanes * USABLE) as u64,
        };
        let subjects = Kernel::available()
            .map(|kernel| {
                let side = if kernel == Kernel::Reference { Side::Rival } else { Side::Ours };
                let monitor = OursMonitor::with_kernel(lanes, &memory.regions, kernel);
                subject(kernel.name(), side, monitor, &load)
            })
            .collect();
        race(&plan, subjects, context.emit);
    }
}
