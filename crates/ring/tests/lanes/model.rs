//! Lanes against the obvious model of them, and reports through their packed form.

use damon_ring::{
    AccessReport, AddressKind, Batch, Dropped, GRAIN, LaneCounters, LaneError, Lanes, LanesOptions,
    Producer, Sighting,
};
use proptest::prelude::*;

use crate::common::{drain, numbers, report, reports_from};
use crate::lanes;

fn any_report() -> impl Strategy<Value = AccessReport> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>());
    (numbers, any::<u16>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |((address, time_ns, size, tid, tgid), cpu, is_virtual, write, small)| AccessReport {
            address,
            time_ns,
            size: if small { size % 8192 } else { size },
            tid,
            tgid,
            cpu,
            kind: if is_virtual { AddressKind::Virtual } else { AddressKind::Physical },
            write,
        },
    )
}

#[derive(Clone, Debug)]
enum Act {
    Add,
    Drop(usize),
    Push(usize),
    Batch(usize, u64),
    Drain,
    Close,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Add),
        1 => (0usize..3).prop_map(Act::Drop),
        6 => (0usize..3).prop_map(Act::Push),
        4 => (0usize..3, 0u64..12).prop_map(|(lane, len)| Act::Batch(lane, len)),
        4 => Just(Act::Drain),
        1 => Just(Act::Close),
    ]
}

/// The obvious model of a lane: a bounded queue.
struct Model {
    id: u32,
    producer: Option<Producer>,
    queue: Vec<u64>,
    counters: LaneCounters,
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_field_survives_the_lane(found in any_report()) {
        let mut lanes = lanes(1);
        let lane = lanes.add().unwrap();
        lane.push(found).unwrap();
        let mut special = None;
        lanes.drain(|_, reports| {
            let sighting = reports.sightings[0];
            special = Some(sighting.is_special());
            let [address, stamp] = Sighting::words(reports.sightings)[0];
            assert_eq!((address, stamp >> 63 == 1), (found.address, sighting.is_special()));
            let time_ns = found.time_ns.min(AccessReport::UNDATED);
            assert_eq!(reports.get(0), AccessReport { time_ns, ..found });
        });
        // Said differently than the ring does: the block of the first and of the last byte.
        let last = u128::from(found.address) + u128::from(found.size).max(1) - 1;
        let crosses = u128::from(found.address) / u128::from(GRAIN) != last / u128::from(GRAIN);
        prop_assert_eq!(special, Some(crosses || found.kind == AddressKind::Virtual));
    }

    #[test]
    fn any_sequence_of_acts_equals_bounded_queues(
        slots in (0u32..4).prop_map(|power| 1 << power),
        parks in any::<bool>(),
        start in prop_oneof![Just(0), (0u64..6).prop_map(|before| u64::MAX - before)],
        acts in prop::collection::vec(any_act(), 0..80),
    ) {
        let mut lanes = Lanes::new(LanesOptions { lanes_max: 3, slots }).unwrap();
        if parks {
            lanes.park_eagerly();
        }
        let mut model: Vec<Model> = Vec::new();
        let mut retired = LaneCounters::default();
        let (mut number, mut next, mut offered, mut closed) = (0, 0, 0, false);
        for act in acts {
            match act {
                Act::Add => {
                    let added = lanes.door().add_starting_at(start);
                    if closed {
                        prop_assert_eq!(added.err(), Some(LaneError::Closed));
                    } else if model.len() == 3 {
                        prop_assert_eq!(added.err(), Some(LaneError::Lanes(3)));
                    } else {
                        let producer = added.unwrap();
                        prop_assert_eq!(producer.lane(), next);
                        let counters = LaneCounters::default();
                        let producer = Some(producer);
                        model.push(Model { id: next, producer, queue: Vec::new(), counters });
                        next += 1;
                    }
                }
                Act::Drop(lane) => {
                    if let Some(lane) = model.get_mut(lane) {
                        lane.producer = None;
                    }
                }
                Act::Push(lane) => {
                    let Some(lane) = model.get_mut(lane) else { continue };
                    let Some(producer) = &lane.producer else { continue };
                    let expected = if closed {
                        lane.counters.dropped_closed += 1;
                        Err(Dropped::Closed)
                    } else if lane.queue.len() == slots as usize {
                        lane.counters.dropped_full += 1;
                        Err(Dropped::Full)
                    } else {
                        lane.counters.queued += 1;
                        lane.queue.push(number);
                        Ok(())
                    };
                    prop_assert_eq!(producer.push(report(number)), expected);
                    number += 1;
                    offered += 1;
                }
                Act::Batch(lane, len) => {
                    let Some(lane) = model.get_mut(lane) else { continue };
                    let Some(producer) = &lane.producer else { continue };
                    let room = (u64::from(slots) - lane.queue.len() as u64).min(len);
                    let expected = if closed {
                        Batch { dropped_closed: len as usize, ..Batch::default() }
                    } else {
                        lane.queue.extend(number..number + room);
                        let dropped_full = (len - room) as usize;
                        Batch { queued: room as usize, dropped_full, ..Batch::default() }
                    };
                    let batch = producer.push_batch(reports_from(number, len));
                    prop_assert_eq!(batch, expected);
                    lane.counters.queued += batch.queued as u64;
                    lane.counters.dropped_full += batch.dropped_full as u64;
                    lane.counters.dropped_closed += batch.dropped_closed as u64;
                    number += len;
                    offered += len;
                }
                Act::Drain => {
                    let mut expected = Vec::new();
                    for lane in &mut model {
                        let waiting = lane.queue.len() as u32;
                        let largest = lane.counters.occupancy_max.max(waiting);
                        lane.counters.occupancy_max = largest;
                        lane.counters.drained += u64::from(waiting);
                        expected.extend(lane.queue.drain(..).map(|number| (lane.id, number)));
                    }
                    prop_assert_eq!(numbers(&mut lanes), expected);
                    // A lane that had something is retired by a later drain; two make it certain.
                    prop_assert_eq!(drain(&mut lanes), []);
                    model.retain(|lane| {
                        if lane.producer.is_none() {
                            retired = sum(&retired, &lane.counters);
                        }
                        lane.producer.is_some()
                    });
                    prop_assert_eq!(lanes.retired(), retired);
                    let by_lane: Vec<_> = model.iter().map(|l| (l.id, l.counters)).collect();
                    prop_assert_eq!(lanes.by_lane().collect::<Vec<_>>(), by_lane);
                    let counters = lanes.counters();
                    prop_assert_eq!((counters.offered(), counters.pending()), (offered, 0));
                }
                Act::Close => {
                    lanes.close();
                    closed = true;
                }
            }
            let mut expected = retired;
            model.iter().for_each(|lane| expected = sum(&expected, &lane.counters));
            prop_assert_eq!(lanes.counters(), expected);
            for lane in &model {
                if let Some(producer) = &lane.producer {
                    let free = u64::from(slots) - lane.queue.len() as u64;
                    prop_assert_eq!(producer.free_slots(), free);
                    prop_assert_eq!(producer.queued(), lane.counters.queued);
                    prop_assert_eq!(producer.is_closed(), closed);
                }
            }
        }
    }
}

fn sum(a: &LaneCounters, b: &LaneCounters) -> LaneCounters {
    LaneCounters {
        queued: a.queued + b.queued,
        dropped_full: a.dropped_full + b.dropped_full,
        dropped_nested: a.dropped_nested + b.dropped_nested,
        dropped_closed: a.dropped_closed + b.dropped_closed,
        corrupt: a.corrupt + b.corrupt,
        drained: a.drained + b.drained,
        occupancy_max: a.occupancy_max.max(b.occupancy_max),
    }
}
