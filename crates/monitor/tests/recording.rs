//! A recording as the monitor's source: its clock, its memory, its end, its faults.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

use common::{BLOCK, File, MIB, MS, config, in_context, scheme};
use damon_core::kdamond::{ConfigError, MetricValue, Verdict};
use damon_core::ops::RegistryError;
use damon_core::region::Range;
use damon_core::scheme::{Goal, Metric, SchemeConfig};
use damon_core::{Action, OpsId, Snapshot};
use damon_monitor::{
    Event, Monitor, MonitorConfig, MonitorError, Recording, RecordingError, RecordingOptions,
    SourceCounters, SourceError,
};
use damon_ring::{LaneCounters, LanesOptions};
use damon_trace::{BadRows, ReaderOptions};

fn monitor(file: &File, config: MonitorConfig) -> Monitor {
    with(file, RecordingOptions::default(), config)
}

fn with(file: &File, options: RecordingOptions, config: MonitorConfig) -> Monitor {
    let recording = Recording::open(file.path(), options).unwrap();
    Monitor::new(Box::new(recording), config).unwrap()
}

/// Runs to the end; all snapshots.
fn to_the_end(monitor: &mut Monitor) -> Vec<Snapshot> {
    let mut snapshots = Vec::new();
    loop {
        match monitor.run(u64::MAX, &[]).unwrap() {
            Event::Snapshot => snapshots.push(monitor.snapshot().clone()),
            Event::Ended => return snapshots,
            event => panic!("{event:?}"),
        }
    }
}

fn weight(snapshots: &[Snapshot]) -> u64 {
    snapshots.iter().flat_map(|snapshot| &snapshot.hits).sum()
}

/// One access in each of the ticks, in the middle of it.
fn steady(first_ns: u64, ticks: u64) -> impl Iterator<Item = (u64, u16, u64)> {
    (0..ticks)
        .map(move |tick| (first_ns + tick * MS + if tick == 0 { 0 } else { MS / 2 }, 0, 0x1000))
}

#[test]
fn the_clock_starts_at_the_first_row_and_ticks_from_there() {
    let start = 5_000_000_123;
    let file = File::new(steady(start, 25), "");
    let mut monitor = monitor(&file, config(vec![]));
    assert_eq!((monitor.now_ns(), monitor.kdamond().next_tick_ns()), (start, start + MS));
    // Up to the moment asked for, and no tick beyond it.
    assert_eq!(monitor.run(start + MS - 1, &[]).unwrap(), Event::Reached);
    assert_eq!((monitor.now_ns(), monitor.lane_counters().queued), (start, 0));
    assert_eq!(monitor.run(start + MS, &[]).unwrap(), Event::Reached);
    assert_eq!((monitor.now_ns(), monitor.lane_counters().queued), (start + MS, 1));
    assert_eq!(monitor.run(start + 4 * MS + 7, &[]).unwrap(), Event::Reached);
    assert_eq!((monitor.now_ns(), monitor.lane_counters().drained), (start + 4 * MS, 4));
    let snapshots = to_the_end(&mut monitor);
    let times: Vec<_> = snapshots.iter().map(|one| (one.since_ns, one.time_ns)).collect();
    let at = |tick: u64| start + tick * 10 * MS;
    // The last aggregation is finished although nothing comes any more.
    assert_eq!(times, [(at(0), at(1)), (at(1), at(2)), (at(2), at(3))]);
    let counts: Vec<_> =
        snapshots.iter().map(|one| one.nr_accesses.iter().max().unwrap()).collect();
    assert_eq!(counts, [&10, &10, &5]);
    assert_eq!(weight(&snapshots), 25);
}

#[test]
fn a_row_belongs_to_the_tick_it_lies_in_by_half_open_intervals() {
    // The last moment of tick 1, the first of tick 2: two ticks, two hits.
    let file = File::new([(0, 0, 0x1000), (MS - 1, 0, 0x1000), (MS, 0, 0x1000)], "");
    let mut monitor = monitor(&file, config(vec![]));
    monitor.run(MS, &[]).unwrap();
    assert_eq!(monitor.kdamond().drain_counters().credited, 2);
    let snapshots = to_the_end(&mut monitor);
    assert_eq!((snapshots.len(), snapshots[0].nr_accesses[0], weight(&snapshots)), (1, 2, 3));
}

#[test]
fn a_burst_larger_than_a_lane_loses_nothing() {
    // A thousand rows on each of three CPUs in one tick, through lanes of 16 slots.
    let rows = (0..3_000).map(|row| (row, (row % 3) as u16 * 5, row * 8));
    let file = File::new(rows, "");
    let mut monitor = monitor(&file, config(vec![]));
    let snapshots = to_the_end(&mut monitor);
    let LaneCounters {
        queued,
        dropped_full,
        dropped_nested,
        dropped_closed,
        corrupt,
        drained,
        occupancy_max,
    } = monitor.lane_counters();
    assert_eq!((queued, dropped_full, dropped_nested, drained), (3_000, 0, 0, 3_000));
    assert_eq!((dropped_closed, corrupt), (0, 0));
    assert_eq!(occupancy_max, 16);
    assert_eq!((snapshots.len(), weight(&snapshots)), (1, 3_000));
    // One tick, however often the lanes were emptied in it.
    assert_eq!(snapshots[0].nr_accesses.iter().max(), Some(&1));
}

#[test]
fn a_new_memory_block_is_monitored_before_its_first_report_is_drained() {
    // Blocks 40, 3, 4 and 0, the first bytes and the last, several in one tick.
    let last = |block: u64| (block + 1) * BLOCK - 8;
    let addresses = [40 * BLOCK, last(3), 4 * BLOCK, last(40), 0, last(0), last(4), 3 * BLOCK];
    let rows = (0..80).map(|row| (row * MS / 3, (row % 4) as u16, addresses[row as usize / 10]));
    let file = File::new(rows, "");
    let mut monitor = monitor(&file, config(vec![]));
    let snapshots = to_the_end(&mut monitor);
    let counters = monitor.kdamond().drain_counters();
    assert_eq!((counters.drained, counters.credited, counters.no_region), (80, 80, 0));
    assert_eq!(weight(&snapshots), 80);
    let extent = |snapshot: &Snapshot| {
        let mut extent: Vec<(u64, u64)> = Vec::new();
        for (&start, &end) in snapshot.starts.iter().zip(&snapshot.ends) {
            match extent.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => extent.push((start, end)),
            }
        }
        extent.iter().map(|(start, end)| (start / BLOCK, end / BLOCK)).collect::<Vec<_>>()
    };
    let extents: Vec<_> = snapshots.iter().map(extent).collect();
    // Rows 0..30 lie in the first 10 ms, and so on.
    assert_eq!(
        extents,
        [vec![(3, 5), (40, 41)], vec![(0, 1), (3, 5), (40, 41)], vec![(0, 1), (3, 5), (40, 41)]]
    );
}

#[test]
fn what_was_reported_before_memory_was_added_is_counted_by_the_regions_of_then() {
    //  block 0 ......... |XX|            the access ends 56 bytes behind the memory there was
    //  block 0 ............ block 1 ...X     then that is added
    let rows = format!("0,0,0x0,{:#x},0,64\n1,0,0x0,{:#x},0,8\n", BLOCK - 8, 2 * BLOCK - 8);
    let mut monitor = monitor(&File::new([], &rows), config(vec![]));
    to_the_end(&mut monitor);
    let counters = monitor.kdamond().drain_counters();
    assert_eq!((counters.credited, counters.straddling, counters.no_region), (1, 1, 0));
}

#[test]
fn given_ranges_are_monitored_as_given_and_rows_elsewhere_are_bad() {
    let rows = [(0, 0, MIB), (1, 0, 3 * MIB - 8), (2, 0, 5 * MIB), (3, 0, 9 * MIB)];
    let ranges = vec![Range { start: MIB, end: 3 * MIB }, Range { start: 8 * MIB, end: 10 * MIB }];
    let file = File::new(rows, "");
    let options = |bad_rows| RecordingOptions {
        reader: ReaderOptions { bad_rows, ..ReaderOptions::default() },
        ranges: ranges.clone(),
        ..RecordingOptions::default()
    };
    let mut counting = with(&file, options(BadRows::Count), config(vec![]));
    let snapshots = to_the_end(&mut counting);
    let SourceCounters::Recording { rows, bytes_read, bytes_total } = counting.source_counters()
    else {
        panic!("a recording")
    };
    assert_eq!((rows.read, rows.accepted, rows.address_out_of_range), (4, 3, 1));
    assert_eq!(Some(bytes_read), bytes_total);
    assert_eq!(weight(&snapshots), 3);
    assert_eq!((snapshots[0].starts[0], snapshots[0].ends.last()), (MIB, Some(&(10 * MIB))));
    assert!(!snapshots[0].starts.iter().any(|start| (3 * MIB..8 * MIB).contains(start)));

    let mut stopping = with(&file, options(BadRows::Stop), config(vec![]));
    assert!(matches!(stopping.run(u64::MAX, &[]), Err(SourceError::Trace(_))));
    assert_eq!(stopping.kdamond().drain_counters().credited, 2);
}

#[test]
fn ranges_that_overlap_are_refused() {
    let file = File::new([(0, 0, MIB)], "");
    let ranges = vec![Range { start: 0, end: 2 * MIB }, Range { start: MIB, end: 3 * MIB }];
    let options = RecordingOptions { ranges, ..RecordingOptions::default() };
    let recording = Recording::open(file.path(), options).unwrap();
    let refused = Monitor::new(Box::new(recording), config(vec![])).err().unwrap();
    assert!(matches!(refused, MonitorError::Config(ConfigError::Ranges { target: 0, .. })));
}

#[test]
fn after_an_error_all_before_it_is_counted_and_the_monitor_has_ended() {
    let file =
        File::new(steady(0, 25), "25000000,0,0x0,0x1000,maybe,8\n26000000,0,0x0,0x1000,0,8\n");
    let mut monitor = monitor(&file, config(vec![]));
    let mut snapshots = 0;
    let error = loop {
        match monitor.run(u64::MAX, &[]) {
            Ok(Event::Snapshot) => snapshots += 1,
            Ok(event) => panic!("{event:?}"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("`maybe`"), "{error}");
    assert_eq!(snapshots, 2);
    let lanes = monitor.lane_counters();
    assert_eq!((lanes.queued, lanes.drained, lanes.pending()), (25, 25, 0));
    assert_eq!(monitor.kdamond().drain_counters().credited, 25);
    for _ in 0..3 {
        assert_eq!(monitor.run(u64::MAX, &[]).unwrap(), Event::Ended);
    }
    assert_eq!(monitor.kdamond().drain_counters().credited, 25);
}

#[test]
fn a_file_that_cannot_begin_is_refused_when_opened() {
    let open = |path: &std::path::Path| Recording::open(path, RecordingOptions::default()).err();
    assert!(matches!(open("/nowhere/at/all".as_ref()), Some(RecordingError::Trace(_))));
    for tail in ["", "no row\n"] {
        let refused = open(File::new([], tail).path());
        assert!(matches!(refused, Some(RecordingError::Trace(_))), "{tail:?}");
    }
}

#[test]
fn more_cpus_than_lanes_is_an_error_and_not_a_loss() {
    let rows = (0..20).map(|cpu| (cpu * 1_000, cpu as u16, 0x1000));
    let file = File::new(rows, "");
    let mut monitor = monitor(&file, config(vec![]));
    assert!(matches!(monitor.run(u64::MAX, &[]), Err(SourceError::Lanes(_))));
    assert_eq!(monitor.kdamond().drain_counters().credited, 16);
    assert_eq!(monitor.run(u64::MAX, &[]).unwrap(), Event::Ended);
}

#[test]
fn a_raised_flag_ends_a_run_before_its_next_tick() {
    let file = File::new(steady(0, 40), "");
    let mut monitor = monitor(&file, config(vec![]));
    let flag = monitor.cancel_flag();
    assert_eq!(monitor.run(5 * MS, &[]).unwrap(), Event::Reached);
    flag.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        assert_eq!(monitor.run(u64::MAX, &[]).unwrap(), Event::Cancelled);
        assert_eq!(monitor.now_ns(), 5 * MS);
    }
    // Lowered again, it goes on as if nothing had been.
    flag.store(false, Ordering::Relaxed);
    assert_eq!(weight(&to_the_end(&mut monitor)), 40);
}

#[test]
fn snapshots_come_at_the_first_aggregation_at_or_after_each_multiple_of_their_interval() {
    // 100 ms of rows; aggregations of 10 ms.
    for (every, expected) in [
        (0, (1..=10).map(|k| k * 10).collect::<Vec<_>>()),
        (10, (1..=10).map(|k| k * 10).collect()),
        (1, (1..=10).map(|k| k * 10).collect()),
        // 25, 50, 75, 100.
        (25, vec![30, 50, 80, 100]),
        (50, vec![50, 100]),
        // Past the end: only the last, whenever that is.
        (70, vec![70, 100]),
        (1_000_000_000, vec![100]),
    ] {
        let start = 1_234_567;
        let file = File::new(steady(start, 100), "");
        let config = MonitorConfig { snapshot_every_ns: every * MS, ..config(vec![]) };
        let snapshots = to_the_end(&mut monitor(&file, config));
        let times: Vec<_> = snapshots.iter().map(|one| (one.time_ns - start) / MS).collect();
        assert_eq!(times, expected, "every {every} ms");
        // Each covers the time since the one before, and nothing is in none.
        let mut since = start;
        for snapshot in &snapshots {
            assert_eq!(snapshot.since_ns, since);
            let hits: u64 = snapshot.hits.iter().sum();
            assert_eq!(hits, (snapshot.time_ns - since) / MS);
            since = snapshot.time_ns;
        }
        assert_eq!(weight(&snapshots), 100);
    }
}

#[test]
fn a_long_pause_is_windows_without_accesses() {
    let file = File::new([(0, 0, 0x1000), (300 * MS, 0, 0x1000)], "");
    let snapshots = to_the_end(&mut monitor(&file, config(vec![])));
    assert_eq!((snapshots.len(), weight(&snapshots)), (31, 2));
    // Memory that nobody ever used is as old as the recording.
    assert!((1..).zip(&snapshots).all(|(age, one)| one.ages.iter().max() == Some(&age)));
    assert!(snapshots[1..30].iter().all(|one| one.nr_accesses.iter().all(|count| *count == 0)));
}

#[test]
fn a_recording_can_be_watched_but_not_acted_on() {
    let file = File::new([(0, 0, MIB)], "");
    let refused = |schemes, ops| {
        let nodes = vec![Range { start: 0, end: BLOCK }];
        let options = RecordingOptions { nodes, ..RecordingOptions::default() };
        let recording = Recording::open(file.path(), options).unwrap();
        Monitor::new(Box::new(recording), in_context(config(schemes), |context| context.ops = ops))
            .err()
    };
    for action in [Action::MigrateHot, Action::MigrateCold] {
        let to_node_0 = SchemeConfig { target_nid: Some(0), ..scheme(action) };
        let error = refused(vec![scheme(Action::Stat), to_node_0], OpsId::PaddrIbs).unwrap();
        let expected = "schemes[1].targetNid: memory cannot be moved to node 0";
        assert_eq!(error.to_string(), expected);
    }
    for (nid, there) in [(0, true), (1, false)] {
        let mut stat = scheme(Action::Stat);
        stat.quota.goals = vec![Goal { metric: Metric::NodeEligibleMemBp { nid } }];
        match refused(vec![stat], OpsId::PaddrIbs) {
            None => assert!(there),
            Some(MonitorError::Node { scheme: 0, goal: 0, nid: 1 }) => assert!(!there),
            Some(error) => panic!("{error}"),
        }
    }
    for ops in [OpsId::Vaddr, OpsId::Fvaddr, OpsId::Paddr] {
        let error = refused(vec![], ops);
        assert!(
            matches!(error, Some(MonitorError::Ops(RegistryError::Unregistered(o))) if o == ops)
        );
    }
}

#[test]
fn a_goal_reads_the_nodes_of_the_recorded_machine() {
    // Node 0 is the first half of the block, node 1 the rest; the whole block is monitored.
    let file = File::new(steady(0, 20), "");
    let nodes =
        vec![Range { start: 0, end: BLOCK / 2 }, Range { start: BLOCK / 2, end: 10 * BLOCK }];
    let mut stat = scheme(Action::Stat);
    stat.quota.goals = vec![Goal { metric: Metric::NodeEligibleMemBp { nid: 0 } }];
    stat.quota.reset_interval_ms = 10;
    let options = RecordingOptions { nodes, ..RecordingOptions::default() };
    let mut monitor = with(&file, options, config(vec![stat]));
    assert_eq!(monitor.run(u64::MAX, &[]).unwrap(), Event::Tune);
    assert_eq!(monitor.now_ns(), 10 * MS);
    let expected = MetricValue::Share { value_bp: 5_000, part: BLOCK / 2, total: BLOCK };
    assert_eq!(monitor.requests()[0].metrics, [expected]);
    // The verdict is brought by the next run, in the same tick.
    let verdict = Verdict::new(0, MIB);
    assert_eq!(monitor.run(u64::MAX, &[verdict]).unwrap(), Event::Snapshot);
    assert_eq!(monitor.now_ns(), 10 * MS);
    assert_eq!(monitor.kdamond().schemes()[0].stats.sz_tried, MIB);
    assert_eq!(monitor.run(u64::MAX, &[]).unwrap(), Event::Tune);
    assert_eq!(monitor.requests().len(), 1);
}

#[test]
fn a_monitor_dropped_in_the_middle_of_a_file_does_not_hang() {
    // Far more rows than are read ahead, so that the reading thread is waiting to hand them on.
    let file = File::new((0..100_000).map(|row| (row * 10_000, 0, row % 4096 * 8)), "");
    let (done, finished) = channel();
    let mut monitor = monitor(&file, config(vec![]));
    assert_eq!(monitor.run(5 * MS, &[]).unwrap(), Event::Reached);
    std::thread::spawn(move || {
        drop(monitor);
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn how_fast_the_file_is_read_does_not_show() {
    let rows = (0..60_000u64).map(|row| (row * 3_000, (row % 7) as u16, (row * row % BLOCK) & !7));
    let file = File::new(rows, "");
    let run = |pause: bool| {
        let lanes = LanesOptions { lanes_max: 16, slots: if pause { 256 } else { 16 } };
        let mut monitor = monitor(&file, MonitorConfig { lanes, ..config(vec![]) });
        if pause {
            std::thread::sleep(Duration::from_millis(50));
        }
        let snapshots = to_the_end(&mut monitor);
        (format!("{snapshots:?}"), monitor.source_counters(), monitor.kdamond().drain_counters())
    };
    let once = run(false);
    assert_eq!(once.2.credited + once.2.straddling, 60_000);
    // Nor does the size of the lanes.
    assert_eq!(once, run(true));
}
