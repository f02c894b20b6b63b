//! The engine beside a naive monitor: the same regions, statistics, quotas and actions in every phase.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;
mod naive;

use common::any::{PAGES, any_scheme};
use common::{Bench, PAGE, kdamond, range};
use damon_core::ops::Applied;
use damon_core::region::Range;
use damon_core::scheme::SchemeConfig;
use damon_core::{Attrs, OpsId, Verdict};
use damon_ring::AccessReport;
use naive::{Fate, Naive, Piece};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Tick {
    /// Addresses and sizes.
    reports: Vec<(u64, u32)>,
    /// What tuners say, by scheme.
    verdicts: Vec<Option<u64>>,
}

#[derive(Clone, Debug)]
struct Plan {
    attrs: Attrs,
    ranges: Vec<Range>,
    schemes: Vec<SchemeConfig>,
    ticks: Vec<Tick>,
    seed: u64,
}

/// Half of it works; a page takes a microsecond.
fn effect(bytes: u64) -> Applied {
    Applied { bytes: bytes / 8192 * 4096, passed: bytes, elapsed_ns: bytes / 4 }
}

prop_compose! {
    fn any_limited_scheme()(
        scheme in any_scheme(),
        time_ms in prop_oneof![3 => Just(0), 1 => 1u64..3],
        max_nr_snapshots in prop_oneof![3 => Just(0), 1 => 1u64..6],
    ) -> SchemeConfig {
        let mut scheme = SchemeConfig { max_nr_snapshots, ..scheme };
        scheme.quota.time_ms = time_ms;
        // Failure that costs more than success may overflow what is left.
        let fail = &mut scheme.quota.fail_charge;
        fail.numerator = fail.numerator.min(fail.denominator);
        scheme
    }
}

prop_compose! {
    fn any_tick(busy: u64)(
        // Most in a corner, so that counts differ.
        reports in prop::collection::vec(
            (prop_oneof![1 => 0..PAGES, 3 => 0..busy], 0u64..64, prop_oneof![Just(64u32), 1u32..9000]),
            0..24,
        ),
        verdicts in prop::collection::vec(prop::option::of(0..60 * PAGE), 3),
    ) -> Tick {
        let reports = reports.into_iter().map(|(page, line, size)| (page * PAGE + line * 64, size));
        Tick { reports: reports.collect(), verdicts }
    }
}

prop_compose! {
    fn any_plan()(
        busy in 1u64..PAGES,
        // Counts reach 20, so that merging has a threshold.
        window in prop_oneof![1u64..6, 6u64..24],
        extra_us in 0u64..1_000,
        min in 3u64..8,
        more in prop_oneof![0u64..20, 20u64..120],
        parts in prop::collection::vec((0u64..4, 1u64..90), 1..5),
        schemes in prop::collection::vec(any_limited_scheme(), 0..4),
        seed in any::<u64>(),
    )(
        ticks in prop::collection::vec(any_tick(busy), 1..120),
        attrs in Just(Attrs {
            sample_us: 1_000,
            aggregation_us: window * 1_000 + extra_us,
            min_nr_regions: min,
            max_nr_regions: min + more,
            ..Attrs::default()
        }),
        parts in Just(parts), schemes in Just(schemes), seed in Just(seed),
    ) -> Plan {
        let mut at = 0;
        let ranges = parts.into_iter().map(|(gap, size)| {
            let start = at + gap;
            at = start + size;
            range(start, at)
        });
        Plan { attrs, ranges: ranges.collect(), schemes, ticks, seed }
    }
}

fn compare(bench: &Bench, naive: &Naive) {
    let pieces: Vec<_> = bench
        .regions()
        .iter()
        .map(|region| Piece {
            start: region.start,
            end: region.end,
            nr_accesses: region.nr_accesses,
            last_nr_accesses: region.last_nr_accesses,
            age: region.age,
            hits: region.hits,
        })
        .collect();
    assert_eq!(pieces, naive.pieces);
    for (scheme, expected) in bench.kdamond.schemes().iter().zip(&naive.schemes) {
        let quota = &scheme.quota;
        assert_eq!(scheme.stats, expected.stats);
        assert_eq!(
            (quota.effective_sz_bytes, quota.charged_sz_bytes, quota.total_charged_sz_bytes),
            (expected.effective, expected.charged, expected.total_charged)
        );
        assert_eq!(quota.total_charged_ns, expected.total_charged_ns);
    }
    assert_eq!(bench.memory.applied, naive.applied);
}

/// What became of the regions of the last rounds.
fn add_fates(fates: &mut [[(u64, u64); 7]], bench: &mut Bench) {
    for round in bench.kdamond.take_rounds() {
        for (fate, share) in [
            (Fate::QuotaFull, round.quota_full),
            (Fate::ServedBefore, round.served_before),
            (Fate::SnapshotsDone, round.snapshots_done),
            (Fate::NoMatch, round.no_match),
            (Fate::LowScore, round.low_score),
            (Fate::Filtered, round.filtered),
            (Fate::Tried, round.tried),
        ] {
            let (regions, bytes) = &mut fates[round.scheme][fate as usize];
            *regions += share.regions;
            *bytes += share.bytes;
        }
    }
}

proptest! {
    // Shrinking a whole run goes on for minutes if it is let.
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_naive_monitor_does(plan in any_plan()) {
        let Plan { attrs, ranges, schemes, ticks, seed } = plan;
        let mut naive = Naive::new(attrs, &ranges, schemes.clone(), seed, effect);
        let mut fates = vec![[(0, 0); 7]; schemes.len()];
        let kdamond = kdamond(attrs, ranges, schemes, OpsId::PaddrIbs, seed).unwrap();
        let mut bench = Bench::with(kdamond);
        bench.memory.effect = effect;
        compare(&bench, &naive);
        for Tick { reports, verdicts } in ticks {
            let now_ns = bench.kdamond.next_tick_ns();
            for &(address, size) in &reports {
                bench.lane.push(AccessReport::physical(address, size, now_ns - 1)).unwrap();
            }
            bench.kdamond.observe(now_ns, &mut bench.lanes, &mut bench.memory);
            naive.observe(&reports);
            compare(&bench, &naive);
            let requests = bench.kdamond.open_windows(now_ns, &bench.memory);
            let answers: Vec<_> = requests
                .iter()
                .filter_map(|request| Some(Verdict::new(request.scheme, verdicts[request.scheme]?)))
                .collect();
            bench.kdamond.apply(now_ns, &answers, &mut bench.memory);
            naive.apply(now_ns, &verdicts);
            compare(&bench, &naive);
            add_fates(&mut fates, &mut bench);
            assert!(naive.schemes.iter().map(|scheme| &scheme.fates).eq(&fates));
            bench.kdamond.close(&bench.memory);
            naive.close();
            compare(&bench, &naive);
        }
    }
}
