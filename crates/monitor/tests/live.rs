//! The live monitor: what each waking does, by a clock of the test's, and the thread, by the real.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use damon_core::kdamond::{TargetConfig, Verdict};
use damon_core::ops::OpsId;
use damon_core::region::Range;
use damon_core::scheme::{Action, Goal, Metric, QuotaConfig};
use damon_monitor::live::{
    Clock, Live, LiveConfig, LiveState, MonotonicClock, Overflow, QueueOptions,
};
use damon_monitor::{MonitorConfig, MonitorError};
use damon_ring::{AccessReport, AddressKind, Dropped, LaneError};

/// A clock that stands until it is told.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Clock for Hands {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

const MS: u64 = 1_000_000;

fn config(mut monitor: MonitorConfig) -> LiveConfig {
    monitor.lanes.slots = 256;
    let memory = || vec![TargetConfig::physical(vec![Range { start: 0, end: 1 << 20 }])];
    monitor.context.targets.get_or_insert_with(memory);
    LiveConfig {
        monitor,
        queue: QueueOptions { high_water_mark: 4, overflow: Overflow::DropOldest },
    }
}

/// A live monitor whose thread says when it has news.
struct Watched {
    live: Live,
    news: Arc<(Mutex<u64>, Condvar)>,
}

fn live(config: LiveConfig, clock: impl Clock + 'static) -> Watched {
    let news: Arc<(Mutex<u64>, Condvar)> = Arc::default();
    let told = Arc::clone(&news);
    let wake = move || {
        *told.0.lock().unwrap() += 1;
        told.1.notify_all();
    };
    Watched { live: Live::new(config, clock, wake).unwrap(), news }
}

impl Watched {
    /// Waits, looking again at each piece of news and now and then.
    fn until(&self, mut holds: impl FnMut(&Live) -> bool) {
        let mut news = self.news.0.lock().unwrap();
        for _ in 0..5_000 {
            if holds(&self.live) {
                return;
            }
            news = self.news.1.wait_timeout(news, Duration::from_millis(4)).unwrap().0;
        }
        panic!("waited in vain");
    }

    fn snapshots(&self) -> Vec<(u64, u64)> {
        let look = |snapshot: &damon_core::Snapshot| {
            ((snapshot.time_ns - snapshot.since_ns, snapshot.hits.iter().sum()), true)
        };
        std::iter::from_fn(|| self.live.take(look)).collect()
    }
}

fn physical(address: u64) -> AccessReport {
    AccessReport::physical(address, 8, AccessReport::UNDATED)
}

#[test]
fn a_thread_drains_what_lanes_bring_and_stops_in_order() {
    let watched = live(config(common::config(vec![])), MonotonicClock);
    let live = &watched.live;
    assert_eq!(live.mail().state, LiveState::Ready);
    let lane = live.door().add().unwrap();
    // Before the start is in time too: it waits.
    lane.push(physical(0)).unwrap();
    live.start().unwrap();
    live.start().unwrap();
    watched.until(|live| live.with(|monitor, _| monitor.kdamond().drain_counters().credited) == 1);
    for _ in 0..100 {
        lane.push(physical(4096)).unwrap();
    }
    live.stop();
    watched.until(|live| live.mail().state == LiveState::Stopped);
    // Disarmed: what comes now is dropped and counted, and nobody gets a lane.
    assert_eq!(lane.push(physical(0)), Err(Dropped::Closed));
    assert_eq!(live.door().add().err(), Some(LaneError::Closed));
    let (lanes, drain) =
        live.with(|monitor, _| (monitor.lane_counters(), monitor.kdamond().drain_counters()));
    assert_eq!((lanes.queued, lanes.dropped_closed, lanes.pending()), (101, 1, 0));
    assert_eq!((drain.drained, drain.credited), (101, 101));
    let hits: u64 = watched.snapshots().iter().map(|(_, hits)| hits).sum();
    assert_eq!(hits, 101, "the last snapshot has what the final drain saw");
    let counters = live.queue_counters();
    assert_eq!(counters.offered, counters.taken + counters.dropped + counters.waiting);
    live.join();
    live.join();
    assert!(live.start().is_ok(), "once stopped, a start does nothing");
    assert_eq!(live.mail().state, LiveState::Stopped);
}

#[test]
fn a_monitor_that_was_never_started_still_drains_and_stops() {
    let watched = live(config(common::config(vec![])), MonotonicClock);
    let lane = watched.live.door().add().unwrap();
    lane.push(physical(0)).unwrap();
    watched.live.stop();
    assert_eq!(watched.live.mail().state, LiveState::Stopped);
    assert_eq!(watched.snapshots().len(), 1);
    assert!(lane.is_closed());
}

#[test]
fn dropping_the_handle_stops_the_thread_and_closes_the_lanes() {
    let watched = live(config(common::config(vec![])), MonotonicClock);
    let lane = watched.live.door().add().unwrap();
    watched.live.start().unwrap();
    drop(watched);
    assert_eq!(lane.push(physical(0)), Err(Dropped::Closed));
}

#[test]
fn intervals_that_could_not_be_observed_are_left_out_and_counted() {
    let hands = Hands::default();
    let watched = live(config(common::config(vec![])), hands.clone());
    let live = &watched.live;
    live.start().unwrap();
    let observed = |live: &Live| live.with(|_, counters| counters.observed);
    let unobserved = |live: &Live| live.with(|monitor, _| monitor.kdamond().unobserved());
    // Nobody could report.
    for tick in 1..=3 {
        hands.0.store(tick * MS, Ordering::Relaxed);
        // The thread sleeps by the real clock, at most an interval.
        watched.until(|live| unobserved(live) == tick);
    }
    assert_eq!(observed(live), 0);
    let lane = live.door().add().unwrap();
    lane.push(physical(0)).unwrap();
    hands.0.store(4 * MS, Ordering::Relaxed);
    watched.until(|live| observed(live) == 1);
    // Seven intervals pass while the thread is away, and half of one more: six were missed.
    hands.0.store(11 * MS + MS / 2, Ordering::Relaxed);
    watched.until(|live| observed(live) == 2);
    assert_eq!(unobserved(live), 3 + 6);
    let lateness = live.with(|_, counters| counters.lateness);
    assert_eq!(lateness.max_ns, 6 * MS + MS / 2);
    assert_eq!(lateness.buckets.iter().sum::<u64>(), 5, "one for each waking");
    assert_eq!(lateness.buckets[(6 * MS + MS / 2).ilog2() as usize], 1);
}

#[test]
fn two_monitors_never_see_each_others_reports() {
    let (ours, theirs) = (
        live(config(common::config(vec![])), MonotonicClock),
        live(config(common::config(vec![])), MonotonicClock),
    );
    let lane = ours.live.door().add().unwrap();
    let _other = theirs.live.door().add().unwrap();
    ours.live.start().unwrap();
    theirs.live.start().unwrap();
    (0..50).for_each(|_| lane.push(physical(0)).unwrap());
    watch_drained(&ours, 50);
    let theirs = theirs.live.with(|monitor, _| monitor.lane_counters());
    assert_eq!(theirs.offered(), 0);
}

fn watch_drained(watched: &Watched, reports: u64) {
    watched.until(|live| live.with(|monitor, _| monitor.lane_counters().drained) == reports);
}

#[test]
fn a_slow_reader_loses_snapshots_by_the_rule_and_they_are_counted() {
    let hands = Hands::default();
    let mut config = config(common::config(vec![]));
    config.queue = QueueOptions { high_water_mark: 2, overflow: Overflow::DropOldest };
    let watched = live(config, hands.clone());
    let live = &watched.live;
    let _lane = live.door().add().unwrap();
    live.start().unwrap();
    for tick in 1..=50 {
        hands.0.store(tick * MS, Ordering::Relaxed);
        watched.until(|live| live.with(|_, counters| counters.observed) == tick);
    }
    // An aggregation is ten ticks.
    let counters = live.queue_counters();
    assert_eq!((counters.offered, counters.dropped, counters.waiting), (5, 3, 2));
    let times: Vec<_> = std::iter::from_fn(|| live.take(|one| (one.time_ns / MS, true))).collect();
    assert_eq!(times, [40, 50]);
}

#[test]
fn a_tuners_verdict_takes_effect_when_it_comes() {
    let mut scheme = common::scheme(Action::Stat);
    scheme.quota = QuotaConfig {
        reset_interval_ms: 1,
        goals: vec![Goal { metric: Metric::UserInput }],
        ..QuotaConfig::default()
    };
    let hands = Hands::default();
    let watched = live(config(common::config(vec![scheme])), hands.clone());
    let live = &watched.live;
    let _lane = live.door().add().unwrap();
    live.start().unwrap();
    let mut asked = Vec::new();
    for tick in 1..=20 {
        hands.0.store(tick * MS, Ordering::Relaxed);
        watched.until(|live| live.with(|_, counters| counters.observed) == tick);
        asked.extend(live.mail().requests);
    }
    assert!(asked.iter().all(|request| request.scheme == 0) && !asked.is_empty());
    live.decide(&[Verdict::new(0, 123 * 4096), Verdict::new(9, 1)]);
    let effective = live.with(|monitor, _| monitor.kdamond().schemes()[0].quota.effective_sz_bytes);
    assert_eq!(effective, 123 * 4096);
}

#[test]
fn processes_are_watched_by_fixed_regions_and_told_apart() {
    let mut monitor = common::config(vec![]);
    monitor.context.ops = OpsId::Fvaddr;
    let range = Range { start: 0x7000_0000_0000, end: 0x7000_0010_0000 };
    let target = |tgid| TargetConfig::process(tgid, vec![range]);
    monitor.context.targets = Some(vec![target(7), target(8)]);
    let config = config(monitor);
    let watched = live(config, MonotonicClock);
    let lane = watched.live.door().add().unwrap();
    let report =
        |tgid| AccessReport { tgid, kind: AddressKind::Virtual, ..physical(0x7000_0000_0000) };
    for tgid in [7, 8, 8, 9] {
        lane.push(report(tgid)).unwrap();
    }
    watched.live.stop();
    let parts = watched.live.take(|snapshot| {
        let regions: Vec<_> = snapshot.targets.iter().map(|part| part.regions).collect();
        let (first, second) = snapshot.hits.split_at(regions[0]);
        ((first.iter().sum::<u64>(), second.iter().sum::<u64>()), true)
    });
    assert_eq!(parts, Some((1, 2)));
    let drain = watched.live.with(|monitor, _| monitor.kdamond().drain_counters());
    assert_eq!((drain.credited, drain.no_target), (3, 1));
}

#[test]
fn what_a_live_monitor_cannot_do_is_refused() {
    let refused = |mut monitor: MonitorConfig, targets| {
        let slots = monitor.lanes.slots;
        monitor.context.targets = Some(targets);
        let mut config = config(monitor);
        config.monitor.lanes.slots = slots;
        Live::new(config, MonotonicClock, || ()).err().unwrap()
    };
    let physical = || vec![TargetConfig::physical(vec![Range { start: 0, end: 4096 }])];
    let mut vaddr = common::config(vec![]);
    vaddr.context.ops = OpsId::Vaddr;
    assert!(matches!(refused(vaddr, physical()), MonitorError::Ops(_)));
    assert!(matches!(refused(common::config(vec![]), vec![]), MonitorError::Config(_)));
    let mut slots = common::config(vec![]);
    slots.lanes.slots = 3;
    assert!(matches!(refused(slots, physical()), MonitorError::Lanes(_)));
}
