//! Ticks and windows: what they count, when they come, what a snapshot tells of them.

use damon_core::snapshot::SnapshotTarget;
use damon_core::{Attrs, Snapshot};

use crate::common::{Bench, PAGE, START_NS, WINDOW, attrs};
use crate::three;

#[test]
fn a_region_counts_one_hit_per_tick_however_many_reports_and_weighs_all_of_them() {
    //  [0 4)  gap  [10 14)  gap  [20 24)
    let mut bench = three();
    bench.tick(&[0, 0, 1, 3, 12]);
    assert_eq!((bench.counts(), bench.hits()), (vec![1, 1, 0], vec![4, 1, 0]));
    bench.tick(&[2]);
    assert_eq!((bench.counts(), bench.hits()), (vec![2, 1, 0], vec![5, 1, 0]));
    for _ in 2..9 {
        bench.tick(&[0]);
    }
    assert!(!bench.kdamond.at_aggregation());
    bench.tick(&[0, 0]);
    assert!(bench.kdamond.at_aggregation());
    // Ten ticks, ten hits, and not one more.
    assert_eq!((bench.counts(), bench.hits()), (vec![10, 1, 0], vec![14, 1, 0]));
    bench.close();
    assert_eq!((bench.counts(), bench.hits()), (vec![0, 0, 0], vec![14, 1, 0]));
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [10, 1, 0]);
    // The first tick of the next window counts again, in the region credited last as in any other.
    bench.tick(&[0, 12]);
    assert_eq!(bench.counts(), [1, 1, 0]);
}

#[test]
fn windows_do_not_slip_and_ticks_are_due_at_multiples_of_the_sampling_interval() {
    // 3 ms into 10 ms go three times.
    let attrs = Attrs { sample_us: 3_000, ..attrs(3) };
    let mut bench = Bench::new(attrs, &[(0, 4), (10, 14), (20, 24)], vec![]);
    for tick in 1..=30u64 {
        assert_eq!(bench.kdamond.next_tick_ns(), START_NS + tick * 3_000_000);
        // Late by more and more, which changes nothing.
        let now_ns = bench.kdamond.next_tick_ns() + tick * 1_000_000_000;
        bench.kdamond.observe(now_ns, &mut bench.lanes, &mut bench.memory);
        assert_eq!(bench.kdamond.at_aggregation(), tick % 3 == 0, "{tick}");
        bench.kdamond.close(&bench.memory);
    }
}

#[test]
fn intervals_that_nobody_observed_are_left_out_and_counted() {
    let mut bench = three();
    bench.tick(&[0]);
    bench.close();
    let due_ns = bench.kdamond.next_tick_ns();
    // After one tick, the second is due two intervals after the start.
    let sample_ns = (due_ns - START_NS) / 2;
    bench.kdamond.skip(3);
    assert_eq!(bench.kdamond.next_tick_ns(), due_ns + 3 * sample_ns);
    assert_eq!(bench.kdamond.unobserved(), 3);
    // The window still has its number of observed ticks.
    for _ in 1..WINDOW {
        assert!(!bench.kdamond.at_aggregation());
        bench.tick(&[0]);
        if !bench.kdamond.at_aggregation() {
            bench.close();
        }
    }
    assert!(bench.kdamond.at_aggregation());
    assert_eq!(u64::from(bench.regions()[0].nr_accesses), WINDOW);
}

#[test]
fn a_snapshot_takes_the_weight_and_tells_which_time_it_covers() {
    let mut bench = three();
    let mut snapshot = Snapshot { time_ns: 5, ..Snapshot::default() };
    assert!(snapshot.is_empty());
    bench.window(&[(0, 2), (10, 1)]);
    bench.window(&[(0, 3)]);
    bench.kdamond.capture(100, &mut snapshot);
    let expected = Snapshot {
        time_ns: 100,
        since_ns: 5,
        targets: vec![SnapshotTarget { tgid: None, regions: 3 }],
        starts: vec![0, 10 * PAGE, 20 * PAGE],
        ends: vec![4 * PAGE, 14 * PAGE, 24 * PAGE],
        // Of the window; the weight is that of both.
        nr_accesses: vec![3, 0, 0],
        ages: vec![0, 0, 2],
        hits: vec![5, 1, 0],
    };
    assert_eq!(snapshot, expected);
    assert_eq!(snapshot.len(), 3);
    bench.window(&[(10, 4)]);
    bench.kdamond.capture(200, &mut snapshot);
    assert_eq!((snapshot.since_ns, snapshot.time_ns), (100, 200));
    assert_eq!(snapshot.hits, [0, 4, 0], "columns begin anew");
}
