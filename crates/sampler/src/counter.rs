//! A hardware counter: how much of something had happened by when.

use damon_machine::vectors::{LANES, Vectors};

use crate::stream::{ROOM, row_mut};

/// Counts something that happens at a rate. Exact: no error adds up while the rate stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    rate_hz: u64,
    /// Since when the rate has been that.
    since_ns: u64,
    /// What had been counted then.
    counted: u64,
    /// Nanoseconds per count, in 1/2^32.
    ns_per_count: u64,
}

impl Counter {
    pub(crate) fn new(rate_hz: u64, now_ns: u64) -> Self {
        let mut counter = Self { rate_hz: 0, since_ns: now_ns, counted: 0, ns_per_count: 0 };
        counter.set_rate(rate_hz, now_ns);
        counter
    }

    /// From now on it happens so many times a second.
    pub(crate) fn set_rate(&mut self, rate_hz: u64, now_ns: u64) {
        if rate_hz != self.rate_hz {
            self.counted = self.at(now_ns);
            self.since_ns = now_ns;
            self.rate_hz = rate_hz;
            self.ns_per_count = (1_000_000_000 << 32) / rate_hz.max(1);
        }
    }

    /// What has been counted before a moment that is not before the last change of the rate.
    pub(crate) fn at(&self, now_ns: u64) -> u64 {
        let elapsed_ns = now_ns.saturating_sub(self.since_ns);
        // Whole seconds apart, so that the rest fits 64 bits at the rates there are.
        let (seconds, rest_ns) = (elapsed_ns / 1_000_000_000, elapsed_ns % 1_000_000_000);
        let of_rest = match rest_ns.checked_mul(self.rate_hz) {
            Some(product) => product / 1_000_000_000,
            None => (u128::from(rest_ns) * u128::from(self.rate_hz) / 1_000_000_000) as u64,
        };
        self.counted + seconds * self.rate_hz + of_rest
    }

    /// Nanoseconds in which so much is counted.
    pub(crate) fn duration_ns(&self, counts: u64) -> u64 {
        ((u128::from(counts) * u128::from(self.ns_per_count)) >> 32) as u64
    }

    /// When that happened which lies so many counts before `end_ns`, of rows of numbers.
    #[inline(always)]
    pub(crate) fn times<V: Vectors>(
        &self,
        v: V,
        end_ns: u64,
        counts: &impl CountsBefore,
        numbers: &[u64],
        times: &mut [u64; ROOM],
    ) {
        // As good as always: the product of some 4 s does.
        let fits = counts.most().checked_mul(self.ns_per_count).is_some();
        for (row, numbers) in numbers.as_chunks().0.iter().enumerate() {
            let counts = counts.of(v, v.load(numbers));
            let before_ns = if fits {
                v.shr::<32>(v.mul(counts, v.splat(self.ns_per_count)))
            } else {
                let mut words = [0; LANES];
                v.store(counts, &mut words);
                v.load(&words.map(|counts| self.duration_ns(counts)))
            };
            let time_ns = v.saturating_sub(v.splat(end_ns), before_ns);
            v.store(time_ns, row_mut(times, row * LANES));
        }
    }
}

/// How many counts before some moment things happened that have numbers.
pub(crate) trait CountsBefore {
    /// None are more.
    fn most(&self) -> u64;

    /// Those of a row of numbers; anything of one that is none.
    fn of<V: Vectors>(&self, v: V, numbers: V::Row) -> V::Row;
}

#[cfg(test)]
mod tests {
    use super::*;
    use damon_machine::vectors::Portable;

    #[test]
    fn counts_add_up_across_changes_of_the_rate() {
        let mut counter = Counter::new(3, 0);
        assert_eq!(
            [0, 333_333_334, 999_999_999, 1_000_000_000].map(|ns| counter.at(ns)),
            [0, 1, 2, 3]
        );
        counter.set_rate(1_000, 2_000_000_000);
        assert_eq!((counter.at(2_000_000_000), counter.at(3_000_000_000)), (6, 1_006));
        counter.set_rate(0, 3_000_000_000);
        assert_eq!(counter.at(9_000_000_000), 1_006);
        assert_eq!(Counter::new(4_000_000_000, 0).duration_ns(8), 2);
    }

    struct EverySo {
        most: u64,
        less: u64,
    }

    impl CountsBefore for EverySo {
        fn most(&self) -> u64 {
            self.most
        }

        fn of<V: Vectors>(&self, v: V, numbers: V::Row) -> V::Row {
            v.sub(v.splat(self.most), v.mul(numbers, v.splat(self.less)))
        }
    }

    #[test]
    fn times_are_those_of_durations_however_long() {
        for (rate_hz, most) in
            [(2_557_000_000, 10_000_000_000), (2_557_000_000, 11_000_000_000), (3, 40)]
        {
            let counter = Counter::new(rate_hz, 0);
            let before = EverySo { most, less: most / 24 };
            let (end_ns, mut times) = (5_000_000_000, [0; ROOM]);
            let numbers: Vec<u64> = (0..24).map(|number| number * 7 % 24).collect();
            counter.times(Portable, end_ns, &before, &numbers, &mut times);
            let counts = numbers.iter().map(|number| most - number * before.less);
            let expected: Vec<_> =
                counts.map(|counts| end_ns.saturating_sub(counter.duration_ns(counts))).collect();
            assert_eq!(times[..expected.len()], expected);
        }
    }
}
