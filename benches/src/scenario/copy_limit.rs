//! The drain of full lanes beside mere copying: how far it is from what the memory allows.

use std::hint::black_box;
use std::time::Duration;

use serde_json::json;

use super::full_drain::subject;
use super::{Context, Load, Regions};
use crate::measure::{Race, Round, Side, Subject, race, time};
use crate::ours::OursMonitor;
use crate::reports::{Memory, Spread};
use crate::subject::USABLE;

const REGIONS: usize = 1_000;

pub(super) fn measure(context: &mut Context<'_>) {
    let lanes = context.size.pick(132, 3);
    let memory = Memory::with_regions(REGIONS, Spread::Uniform);
    let load = Load {
        memory: &memory,
        lanes,
        reports_per_lane: USABLE,
        drains: context.size.pick(4, 1),
        regions: Regions::Unchanged,
    };
    let params = json!({ "lanes": lanes, "regions": REGIONS });
    context.say(&params);
    let plan = Race {
        scenario: context.scenario,
        params,
        rounds: context.size.pick(21, 2),
        items_per_round: load.drains * (lanes * USABLE) as u64,
    };
    let subjects = vec![
        subject("ours", Side::Ours, OursMonitor::new(lanes, &memory.regions), &load),
        copying::<16>("copy-16-bytes", &load),
        copying::<48>("copy-48-bytes", &load),
    ];
    race(&plan, subjects, context.emit);
}

/// Copies as many bytes per report out of buffers that lie apart as lanes do. Counts the reports as
/// the drain does, which is not timed.
fn copying<'a, const BYTES: usize>(name: &'static str, load: &'a Load<'a>) -> Subject<'a> {
    let lanes: Vec<Vec<[u8; BYTES]>> = (0..load.lanes)
        // As far apart as rings of 256 slots are.
        .map(|lane| vec![[lane as u8; BYTES]; USABLE + 1])
        .collect();
    let mut copied: Vec<[u8; BYTES]> = Vec::with_capacity(load.lanes * USABLE);
    let mut monitor = OursMonitor::new(load.lanes, &load.memory.regions);
    let round = move |round| {
        let mut elapsed = Duration::ZERO;
        for drain in 0..=load.drains {
            let copy = || {
                copied.clear();
                for lane in black_box(&lanes) {
                    copied.extend_from_slice(&lane[..USABLE]);
                }
                black_box(&mut copied);
            };
            let took = time(copy).0;
            // As in the drains, the first is for the caches.
            elapsed += if drain == 0 { Duration::ZERO } else { took };
        }
        Round { elapsed, answer: super::drain_round(&mut monitor, load, round).answer }
    };
    Subject { name, side: Side::Rival, round: Box::new(round) }
}
