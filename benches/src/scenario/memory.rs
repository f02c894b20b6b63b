//! What a lane weighs, as the allocator sees it.

use damon_ring::{AccessReport, Sighting};
use serde_json::json;

use super::Context;
use crate::measure::heap_bytes;
use crate::ours::Ours;
use crate::rival::array_queue::CrossbeamArrayQueue;
use crate::rival::rfc::{Folded, RECORD, Rfc};
use crate::rival::rtrb::Rtrb;
use crate::row::{Row, rounded};
use crate::subject::{Channel, SLOTS};

const LANES: usize = 132;

pub(super) fn measure(context: &mut Context<'_>) {
    let params = json!({ "lanes": LANES, "slots": SLOTS });
    context.say(&params);
    let row = |subject, bytes| Row {
        scenario: context.scenario,
        params: params.clone(),
        subject,
        ns_per_item: None,
        bytes_per_item: Some(rounded(bytes)),
        simulated_s_per_s: None,
        spread: [rounded(bytes); 2],
        rival: None,
        ratio: None,
    };
    let ours = per_lane::<Ours>();
    let rivals = [
        ("rfc", per_lane::<Rfc<Folded>>()),
        (Rtrb::NAME, per_lane::<Rtrb>()),
        (CrossbeamArrayQueue::NAME, per_lane::<CrossbeamArrayQueue>()),
    ];
    for (name, bytes) in rivals {
        let ratio = Some(rounded(bytes / ours));
        (context.emit)(Row { rival: Some(name), ratio, ..row(Ours::NAME, ours) });
    }
    for (name, bytes) in rivals {
        (context.emit)(row(name, bytes));
    }
}

pub(super) fn measure_read(context: &mut Context<'_>) {
    let params = json!({ "filters": 0 });
    context.say(&params);
    let row = |subject, bytes: usize| Row {
        scenario: context.scenario,
        params: params.clone(),
        subject,
        ns_per_item: None,
        bytes_per_item: Some(bytes as f64),
        simulated_s_per_s: None,
        spread: [bytes as f64; 2],
        rival: None,
        ratio: None,
    };
    // What else a report says lies elsewhere.
    let ours = size_of::<Sighting>();
    let rivals = [("rfc", RECORD), (Rtrb::NAME, size_of::<AccessReport>())];
    for (name, bytes) in rivals {
        let ratio = Some(rounded(bytes as f64 / ours as f64));
        (context.emit)(Row { rival: Some(name), ratio, ..row(Ours::NAME, ours) });
    }
    for (name, bytes) in rivals {
        (context.emit)(row(name, bytes));
    }
}

fn per_lane<C: Channel>() -> f64 {
    heap_bytes(|| C::open(LANES)) as f64 / LANES as f64
}
