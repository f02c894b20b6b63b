//! What lanes cost that hold nothing: a drain must find the few that do.

use std::time::Duration;

use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Subject, race, time};
use crate::ours::Ours;
use crate::rival::rfc::{Fenced, Folded, Rfc};
use crate::rival::rtrb::Rtrb;
use crate::subject::{Channel, Receiver, Sender};

/// Lanes that hold something, spread evenly over all.
const BUSY_MAX: usize = 4;
const REPORTS_PER_LANE: u64 = 20;
/// Sets of lanes drained between two looks at the clock, which costs as much as a small drain.
const SETS: usize = 8;

pub(super) fn measure(context: &mut Context<'_>) {
    let counts: &[usize] = context.size.pick(&[1, 2, 132, 1024], &[1, 70]);
    let repeats: u64 = context.size.pick(2_000, 2);
    for &lanes in counts {
        let busy = lanes.min(BUSY_MAX);
        let params = json!({ "lanes": lanes, "busy": busy });
        context.say(&params);
        let plan = Race {
            scenario: context.scenario,
            params,
            rounds: context.size.pick(21, 2),
            items_per_round: repeats * SETS as u64,
        };
        let subjects = vec![
            subject::<Ours>(lanes, repeats),
            subject::<Rfc<Fenced>>(lanes, repeats),
            subject::<Rfc<Folded>>(lanes, repeats),
            subject::<Rtrb>(lanes, repeats),
        ];
        race(&plan, subjects, context.emit);
    }
}

fn subject<C: Channel>(lanes: usize, repeats: u64) -> Subject<'static>
where
    C::Sender: 'static,
    C::Receiver: 'static,
{
    let mut sets: Vec<_> = (0..SETS).map(|_| C::open(lanes)).collect();
    let busy: Vec<usize> = (0..lanes.min(BUSY_MAX)).map(|lane| lane * lanes / BUSY_MAX).collect();
    let addresses: Vec<u64> = (0..REPORTS_PER_LANE).map(|page| page << 12).collect();
    let round = move |_| {
        let mut elapsed = Duration::ZERO;
        let (mut place, mut answer) = (0u64, 0u64);
        for _ in 0..repeats {
            for (senders, _) in &mut sets {
                for &lane in &busy {
                    assert_eq!(senders[lane].send(&addresses), addresses.len());
                }
            }
            let (took, ()) = time(|| {
                for (_, receiver) in &mut sets {
                    receiver.drain(|address| {
                        place += 1;
                        answer = answer.wrapping_add(address.wrapping_mul(place));
                    });
                }
            });
            elapsed += took;
        }
        assert_eq!(place, repeats * SETS as u64 * busy.len() as u64 * REPORTS_PER_LANE);
        Round { elapsed, answer }
    };
    Subject { name: C::NAME, side: C::SIDE, round: Box::new(round) }
}
