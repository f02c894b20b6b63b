//! One lane between two threads, as fast as it goes: what the cache lines cost that both touch.
//!
//! A monitor would drop; here the producer tries again, so that all carry the same reports.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::Context;
use crate::measure::{Race, Round, Subject, race, time};
use crate::ours::{Ours, OursBatch};
use crate::rival::array_queue::CrossbeamArrayQueue;
use crate::rival::rfc::{Fenced, Folded, Rfc};
use crate::rival::rtrb::Rtrb;
use crate::subject::{Channel, Receiver, Sender};

/// How many reports a producer offers at a time: a quarter of a lane.
const OFFERED: usize = 64;

/// Looks before the core is offered to others: some 100 us, far longer than the other side takes
/// unless it is not running.
const LOOKS: u32 = 4_000;

pub(super) fn measure(context: &mut Context<'_>) {
    let reports: u64 = context.size.pick(4_000_000, 5_000);
    let params = json!({ "reports": reports });
    context.say(&params);
    let plan = Race {
        scenario: context.scenario,
        params,
        rounds: context.size.pick(21, 2),
        items_per_round: reports,
    };
    let subjects = vec![
        subject::<Ours>(reports),
        subject::<OursBatch>(reports),
        subject::<Rfc<Fenced>>(reports),
        subject::<Rfc<Folded>>(reports),
        subject::<Rtrb>(reports),
        subject::<CrossbeamArrayQueue>(reports),
    ];
    race(&plan, subjects, context.emit);
}

fn subject<C: Channel>(reports: u64) -> Subject<'static>
where
    C::Sender: 'static,
    C::Receiver: 'static,
{
    let (mut senders, mut receiver) = C::open(1);
    let round = move |_| {
        let sender = &mut senders[0];
        let (ready, go) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                ready.store(true, Ordering::Release);
                wait_for(&go);
                produce(sender, reports);
            });
            wait_for(&ready);
            let (elapsed, answer) = time(|| {
                go.store(true, Ordering::Release);
                consume(&mut receiver, reports)
            });
            Round { elapsed, answer }
        })
    };
    Subject { name: C::NAME, side: C::SIDE, round: Box::new(round) }
}

fn produce(sender: &mut impl Sender, reports: u64) {
    let mut offered = [0; OFFERED];
    let mut next = 0;
    let mut patience = Patience::default();
    while next < reports {
        let count = offered.len().min((reports - next) as usize);
        for address in &mut offered[..count] {
            *address = next;
            next += 1;
        }
        let mut rest = &offered[..count];
        while !rest.is_empty() {
            let sent = sender.send(rest);
            rest = &rest[sent..];
            patience.look(sent > 0);
        }
    }
}

/// The number of reports, if they come in order.
fn consume(receiver: &mut impl Receiver, reports: u64) -> u64 {
    let (mut next, mut wrong) = (0u64, 0u64);
    let mut patience = Patience::default();
    while next < reports {
        let drained = receiver.drain(|address| {
            wrong |= address ^ next;
            next += 1;
        });
        patience.look(drained > 0);
    }
    assert_eq!(wrong, 0, "in order, whole and once");
    next
}

/// Spins while the other side is on a core, gives way when it seems not to be.
#[derive(Default)]
struct Patience {
    in_vain: u32,
}

impl Patience {
    fn look(&mut self, found: bool) {
        if found {
            self.in_vain = 0;
        } else if self.in_vain < LOOKS {
            self.in_vain += 1;
            spin_loop();
        } else {
            thread::yield_now();
        }
    }
}

fn wait_for(flag: &AtomicBool) {
    let mut patience = Patience::default();
    while !flag.load(Ordering::Acquire) {
        patience.look(false);
    }
}
