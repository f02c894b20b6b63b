//! What the tests of the ring share: reports that show when they are torn.
#![allow(dead_code, reason = "not every test needs all of it")]

use damon_ring::{AccessReport, AddressKind, LaneId, Lanes};

/// A report all of whose fields follow from one number: its address.
pub(crate) fn report(number: u64) -> AccessReport {
    let low = number as u32;
    AccessReport {
        address: number,
        time_ns: !number & AccessReport::UNDATED,
        size: low ^ 0x5555_5555,
        tid: low.wrapping_mul(3),
        tgid: low.wrapping_mul(5) ^ 0xaaaa_aaaa,
        cpu: low.wrapping_mul(7) as u16,
        kind: if number & 2 == 0 { AddressKind::Physical } else { AddressKind::Virtual },
        write: number & 1 == 1,
    }
}

/// Asserts that a report is [`report`] of some number, and returns that.
#[track_caller]
pub(crate) fn whole(found: &AccessReport) -> u64 {
    assert_eq!(*found, report(found.address), "torn");
    found.address
}

/// One drain: what it handed out, in order.
pub(crate) fn drain(lanes: &mut Lanes) -> Vec<(LaneId, AccessReport)> {
    let mut out = Vec::new();
    let drained = lanes.drain(|lane, reports| out.extend(reports.iter().map(|r| (lane, r))));
    assert_eq!(drained, out.len() as u64, "what a drain returns is what it handed out");
    out
}

/// One drain of whole reports: their lanes and numbers.
pub(crate) fn numbers(lanes: &mut Lanes) -> Vec<(LaneId, u64)> {
    drain(lanes).iter().map(|(lane, report)| (*lane, whole(report))).collect()
}

/// The reports of `len` numbers from `first` on: a batch.
pub(crate) fn reports_from(first: u64, len: u64) -> impl ExactSizeIterator<Item = AccessReport> {
    (0..len as usize).map(move |offset| report(first + offset as u64))
}
