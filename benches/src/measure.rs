//! Subjects measured in turn, round by round, so that whatever drifts hits all of them.
//!
//! A round of a subject returns its time and its answer; the answers of a round must agree. Round 0
//! is not counted: it fills caches, branch predictors and lazily mapped memory. The value is the
//! median over the rounds, the ratio the median of the per-round ratios, the spread their extremes.
//!
//! Not here: what a round does.

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::row::{Row, rounded};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Whose subject it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// This project's.
    Ours,
    /// Anyone else's.
    Rival,
}

/// What a round of a subject came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Sum of the timed parts.
    pub(crate) elapsed: Duration,
    /// What was computed; the same for every subject.
    pub(crate) answer: u64,
}

/// Someone who can do the work of a round. The argument is the round's number, for its seed.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    pub(crate) round: Box<dyn FnMut(u64) -> Round + 'a>,
}

/// One configuration of a scenario.
pub(crate) struct Race {
    pub(crate) scenario: &'static str,
    pub(crate) params: Value,
    /// Rounds that count.
    pub(crate) rounds: u64,
    /// By how many items a round's time is divided.
    pub(crate) items_per_round: u64,
}

/// Runs `work` and takes its time. Nothing in it may allocate.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let heap = Region::new(HEAP);
    let began = Instant::now();
    let result = black_box(work());
    let elapsed = began.elapsed();
    let change = heap.change();
    assert_eq!(change.allocations + change.reallocations, 0, "the timed part allocates");
    (elapsed, result)
}

/// Heap bytes that what `make` returns holds.
pub(crate) fn heap_bytes<T>(make: impl FnOnce() -> T) -> u64 {
    let heap = Region::new(HEAP);
    let made = black_box(make());
    let change = heap.change();
    drop(made);
    (change.bytes_allocated - change.bytes_deallocated) as u64
}

/// Measures all subjects and makes the rows.
pub(crate) fn race(race: &Race, mut subjects: Vec<Subject<'_>>, emit: &mut dyn FnMut(Row)) {
    let mut costs = vec![Vec::with_capacity(race.rounds as usize); subjects.len()];
    for round in 0..=race.rounds {
        let mut first: Option<(&str, u64)> = None;
        for (subject, costs) in subjects.iter_mut().zip(&mut costs) {
            let Round { elapsed, answer } = (subject.round)(round);
            let (name, expected) = *first.get_or_insert((subject.name, answer));
            assert_eq!(
                answer, expected,
                "{} {}: round {round}: {} answers otherwise than {name}",
                race.scenario, race.params, subject.name
            );
            if round > 0 {
                costs.push(elapsed.as_nanos() as f64 / race.items_per_round as f64);
            }
        }
    }
    let base = |index: usize| Row {
        scenario: race.scenario,
        params: race.params.clone(),
        subject: subjects[index].name,
        ns_per_item: Some(rounded(median(costs[index].iter().copied()))),
        bytes_per_item: None,
        simulated_s_per_s: None,
        spread: spread(&costs[index]),
        rival: None,
        ratio: None,
    };
    for (index, subject) in subjects.iter().enumerate() {
        if subject.side == Side::Rival {
            emit(base(index));
            continue;
        }
        for (other, rival) in subjects.iter().enumerate() {
            if rival.side == Side::Rival {
                let ratios =
                    costs[other].iter().zip(&costs[index]).map(|(rival, ours)| rival / ours);
                let ratio = Some(rounded(median(ratios)));
                emit(Row { rival: Some(rival.name), ratio, ..base(index) });
            }
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn spread(costs: &[f64]) -> [f64; 2] {
    let smallest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = costs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [rounded(smallest), rounded(largest)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_paired_rounds_and_round_0_does_not_count() {
        // Both slow down together in round 2: the ratio stays 2.
        let round = |nanos: [u64; 4]| {
            move |round: u64| Round {
                elapsed: Duration::from_nanos(nanos[round as usize]),
                answer: round,
            }
        };
        let subjects = vec![
            Subject { name: "a", side: Side::Ours, round: Box::new(round([9_999, 10, 50, 20])) },
            Subject { name: "b", side: Side::Rival, round: Box::new(round([1, 20, 100, 40])) },
        ];
        let plan = Race { scenario: "s", params: Value::Null, rounds: 3, items_per_round: 10 };
        let mut rows = Vec::new();
        race(&plan, subjects, &mut |row| rows.push(row));
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].ns_per_item, rows[0].ratio), (Some(2.0), Some(2.0)));
        assert_eq!((rows[0].spread, rows[0].rival), ([1.0, 5.0], Some("b")));
        assert_eq!((rows[1].ns_per_item, rows[1].ratio), (Some(4.0), None));
    }

    #[test]
    #[should_panic(expected = "b answers otherwise than a")]
    fn a_wrong_answer_stops_the_run() {
        let subject = |name, answer| Subject {
            name,
            side: Side::Rival,
            round: Box::new(move |_| Round { elapsed: Duration::ZERO, answer }),
        };
        let plan = Race { scenario: "s", params: Value::Null, rounds: 1, items_per_round: 1 };
        race(&plan, vec![subject("a", 1), subject("b", 2)], &mut |_| ());
    }
}
