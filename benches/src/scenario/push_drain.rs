//! One lane, one thread: the cost of a report when nothing is contended.

use std::hint::black_box;

use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Subject, race, time};
use crate::ours::{Ours, OursBatch};
use crate::rival::array_queue::CrossbeamArrayQueue;
use crate::rival::rfc::{Fenced, Folded, Rfc};
use crate::rival::rtrb::Rtrb;
use crate::subject::{Channel, Receiver, Sender};

/// Just below what every subject's lane holds.
const REPORTS: u64 = 250;

pub(super) fn measure(context: &mut Context<'_>) {
    let repeats: u64 = context.size.pick(4_000, 10);
    let params = json!({ "reports": REPORTS });
    context.say(&params);
    let plan = Race {
        scenario: context.scenario,
        params,
        rounds: context.size.pick(31, 3),
        items_per_round: repeats * REPORTS,
    };
    let subjects = vec![
        subject::<Ours>(repeats),
        subject::<OursBatch>(repeats),
        subject::<Rfc<Fenced>>(repeats),
        subject::<Rfc<Folded>>(repeats),
        subject::<Rtrb>(repeats),
        subject::<CrossbeamArrayQueue>(repeats),
    ];
    race(&plan, subjects, context.emit);
}

fn subject<C: Channel>(repeats: u64) -> Subject<'static>
where
    C::Sender: 'static,
    C::Receiver: 'static,
{
    let (mut senders, mut receiver) = C::open(1);
    let addresses: Vec<u64> = (0..REPORTS).map(|page| page << 12).collect();
    let round = move |_| {
        let sender = &mut senders[0];
        let (elapsed, answer) = time(|| {
            let (mut place, mut answer) = (0u64, 0u64);
            for _ in 0..repeats {
                assert_eq!(sender.send(black_box(&addresses)), addresses.len());
                // The place is a factor, so that the order counts.
                receiver.drain(|address| {
                    place += 1;
                    answer = answer.wrapping_add(address.wrapping_mul(place));
                });
            }
            assert_eq!(place, repeats * REPORTS, "every report, once");
            answer
        });
        Round { elapsed, answer }
    };
    Subject { name: C::NAME, side: C::SIDE, round: Box::new(round) }
}
