//! What it costs to begin anew after the regions changed. The yardstick is copying the regions,
//! which is the least that a snapshot of them takes.

use damon_core::arithmetic::MIN_REGION_SZ;
use damon_core::drain::Drain;
use damon_core::region::{Region, Target};
use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Side, Subject, race, time};
use crate::reports::{Memory, Spread};

pub(super) fn measure(context: &mut Context<'_>) {
    let counts: &[usize] =
        context.size.pick(&[10, 100, 1_000, 10_000, 100_000, 1_000_000], &[10, 1_000]);
    for &count in counts {
        let memory = Memory::with_regions(count, Spread::Uniform);
        let mut target = Target::default();
        target.set_ranges(&memory.regions, MIN_REGION_SZ).expect("sorted and disjoint");
        // About as much work for each number of regions.
        let repeats = context.size.pick((2_000_000 / count).max(2) as u64, 2);
        let params = json!({ "regions": count });
        context.say(&params);
        let plan = Race {
            scenario: context.scenario,
            params,
            rounds: context.size.pick(31, 2),
            items_per_round: repeats * count as u64,
        };
        race(&plan, vec![ours(target.clone(), repeats), copy(&target, repeats)], context.emit);
    }
}

fn ours(target: Target, repeats: u64) -> Subject<'static> {
    let mut drain = Drain::new(Vec::new(), &[None]);
    let targets = [target];
    // The first one allocates.
    drain.refresh(&targets);
    let round = move |_| {
        let (elapsed, ()) = time(|| {
            for _ in 0..repeats {
                drain.regions_changed();
                drain.refresh(&targets);
            }
        });
        Round { elapsed, answer: targets[0].regions().len() as u64 }
    };
    Subject { name: "ours", side: Side::Ours, round: Box::new(round) }
}

fn copy(target: &Target, repeats: u64) -> Subject<'_> {
    let mut copied: Vec<Region> = target.regions().to_vec();
    let round = move |_| {
        let (elapsed, ()) = time(|| {
            for _ in 0..repeats {
                copied.clear();
                copied.extend_from_slice(std::hint::black_box(target.regions()));
                std::hint::black_box(&mut copied);
            }
        });
        Round { elapsed, answer: copied.len() as u64 }
    };
    Subject { name: "copy-of-the-regions", side: Side::Rival, round: Box::new(round) }
}
