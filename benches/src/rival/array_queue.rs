//! crossbeam's bounded queue: many producers and many consumers, a stamp in every slot. What one
//! takes off the shelf who does not need to know that there is one of each.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use damon_ring::AccessReport;

use crate::reports::PAGE;
use crate::subject::{Channel, NOW, Receiver, SLOTS, Sender};

pub(crate) struct CrossbeamArrayQueue;

pub(crate) struct Pushing(Arc<ArrayQueue<AccessReport>>);

pub(crate) struct Popping(Vec<Arc<ArrayQueue<AccessReport>>>);

impl Channel for CrossbeamArrayQueue {
    const NAME: &'static str = "crossbeam-array-queue";
    type Sender = Pushing;
    type Receiver = Popping;

    fn open(lanes: usize) -> (Vec<Pushing>, Popping) {
        let queues: Vec<_> =
            (0..lanes).map(|_| Arc::new(ArrayQueue::new(SLOTS as usize))).collect();
        (queues.iter().cloned().map(Pushing).collect(), Popping(queues))
    }
}

impl Sender for Pushing {
    fn send(&mut self, addresses: &[u64]) -> usize {
        let full = addresses.iter().position(|&address| {
            self.0.push(AccessReport::physical(address, PAGE as u32, NOW)).is_err()
        });
        full.unwrap_or(addresses.len())
    }
}

impl Receiver for Popping {
    fn drain(&mut self, mut each: impl FnMut(u64)) -> u64 {
        let mut drained = 0;
        for queue in &self.0 {
            // At most a queue-full, as the others.
            for _ in 0..SLOTS {
                let Some(report) = queue.pop() else { break };
                each(report.address);
                drained += 1;
            }
        }
        drained
    }
}
