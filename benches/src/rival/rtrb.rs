//! rtrb, the SPSC ring that ours is modelled on: no pending mark, no counters, no nesting test.
//! Each push is one by one; reading is by chunk, its fastest way. A drain looks at every lane.

use damon_ring::AccessReport;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::reports::PAGE;
use crate::subject::{Channel, NOW, Receiver, SLOTS, Sender};

pub(crate) struct Rtrb;

pub(crate) struct Writing(Producer<AccessReport>);

pub(crate) struct Reading(Vec<Consumer<AccessReport>>);

impl Channel for Rtrb {
    const NAME: &'static str = "rtrb";
    type Sender = Writing;
    type Receiver = Reading;

    fn open(lanes: usize) -> (Vec<Writing>, Reading) {
        let ends = (0..lanes).map(|_| RingBuffer::new(SLOTS as usize));
        let (writing, reading) = ends.map(|(write, read)| (Writing(write), read)).unzip();
        (writing, Reading(reading))
    }
}

impl Sender for Writing {
    fn send(&mut self, addresses: &[u64]) -> usize {
        let full = addresses.iter().position(|&address| {
            self.0.push(AccessReport::physical(address, PAGE as u32, NOW)).is_err()
        });
        full.unwrap_or(addresses.len())
    }
}

impl Receiver for Reading {
    fn drain(&mut self, mut each: impl FnMut(u64)) -> u64 {
        let mut drained = 0;
        for lane in &mut self.0 {
            let waiting = lane.slots();
            if waiting == 0 {
                continue;
            }
            let chunk = lane.read_chunk(waiting).expect("as many as were just counted");
            let (first, second) = chunk.as_slices();
            for report in first.iter().chain(second) {
                each(report.address);
            }
            chunk.commit_all();
            drained += waiting as u64;
        }
        drained
    }
}
