//! Snapshots on their way to a reader who may be slow. Bounded: the monitor never waits for him.

use std::collections::VecDeque;

use damon_core::Snapshot;

/// Which snapshot goes when there is no room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The one that has waited longest.
    DropOldest,
    /// The new one.
    DropNewest,
}

/// Room for snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueOptions {
    /// Snapshots that may wait; at least one may.
    pub high_water_mark: usize,
    /// What happens to the next.
    pub overflow: Overflow,
}

/// `offered = taken + dropped + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Snapshots that the monitor had for the reader.
    pub offered: u64,
    /// Those he took.
    pub taken: u64,
    /// Those that found no room, or made room.
    pub dropped: u64,
    /// Those that wait now.
    pub waiting: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    options: QueueOptions,
    waiting: VecDeque<Snapshot>,
    /// Read ones, for their columns.
    spare: Vec<Snapshot>,
    counters: QueueCounters,
}

impl Queue {
    pub(super) fn new(options: QueueOptions) -> Self {
        let high_water_mark = options.high_water_mark.max(1);
        Self {
            options: QueueOptions { high_water_mark, ..options },
            waiting: VecDeque::new(),
            spare: Vec::new(),
            counters: QueueCounters::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn counters(&self) -> QueueCounters {
        QueueCounters { waiting: self.waiting.len() as u64, ..self.counters }
    }

    /// Copies a snapshot in; steady state reuses the columns of those that went.
    pub(super) fn push(&mut self, snapshot: &Snapshot) {
        self.counters.offered += 1;
        if self.waiting.len() == self.options.high_water_mark {
            self.counters.dropped += 1;
            match self.options.overflow {
                Overflow::DropNewest => return,
                Overflow::DropOldest => self.spare.extend(self.waiting.pop_front()),
            }
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clone_from(snapshot);
        self.waiting.push_back(copy);
    }

    pub(super) fn take<T>(&mut self, look: impl FnOnce(&Snapshot) -> (T, bool)) -> Option<T> {
        let (seen, done) = look(self.waiting.front()?);
        if done {
            self.counters.taken += 1;
            self.spare.extend(self.waiting.pop_front());
        }
        Some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(overflow: Overflow) -> Queue {
        let mut queue = Queue::new(QueueOptions { high_water_mark: 2, overflow });
        for time_ns in 1..=4 {
            queue.push(&Snapshot { time_ns, ..Snapshot::default() });
        }
        queue
    }

    fn rest(mut queue: Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.take(|snapshot| (snapshot.time_ns, true))).collect()
    }

    #[test]
    fn a_full_queue_drops_the_oldest_or_the_newest_and_counts() {
        let counted = QueueCounters { offered: 4, taken: 0, dropped: 2, waiting: 2 };
        for (overflow, kept) in [(Overflow::DropOldest, [3, 4]), (Overflow::DropNewest, [1, 2])] {
            let queue = queue(overflow);
            assert_eq!(queue.counters(), counted);
            assert_eq!(rest(queue), kept);
        }
    }

    #[test]
    fn a_look_that_does_not_take_leaves_the_snapshot() {
        let mut queue = queue(Overflow::DropOldest);
        assert_eq!(queue.take(|snapshot| (snapshot.time_ns, false)), Some(3));
        assert_eq!(queue.take(|snapshot| (snapshot.time_ns, true)), Some(3));
        assert_eq!(queue.counters().taken, 1);
        assert_eq!(rest(queue), [4]);
    }
}
