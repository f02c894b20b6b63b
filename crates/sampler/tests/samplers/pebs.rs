use damon_machine::{Direction, Reach};
use damon_ring::AddressKind;
use damon_sampler::pebs::{Event, Pace};
use damon_sampler::{InterruptConfig, PebsConfig, SamplerConfig};

use crate::{MS, even, on_cxl, refused, run, share};

fn config(event: Event, pace: Pace) -> PebsConfig {
    PebsConfig {
        event,
        pace,
        physical: true,
        buffer_records: 1,
        shadow_events: 0,
        switch_ns: 4 * MS,
        record_ns: 250,
        interrupts: InterruptConfig::default(),
        seed: 1,
    }
}

fn pebs(config: PebsConfig) -> SamplerConfig {
    SamplerConfig::Pebs(config)
}

#[test]
fn of_the_events_of_its_kind_every_so_many_th_is_recorded_and_no_others() {
    let machine = even();
    let misses_hz = machine.population(Some(0), &Reach::Nodes(vec![0, 1]), Direction::Loads).hz();
    let found = run(machine, &pebs(config(Event::L3MissLoads, Pace::Period(1_009))), 1_000);
    let expected = misses_hz / 1_009.0 * 4.0;
    // Less what sampling takes.
    let rate = found.reports.len() as f64 / expected;
    assert!((0.94..1.0).contains(&rate), "{rate}");
    assert!(found.reports.iter().all(|report| !report.write));
    assert_eq!((found.counters.samples_filtered, found.counters.discarded), (0, 0));
    assert!((0.45..0.55).contains(&share(on_cxl, &found.reports)));
}

#[test]
fn an_event_of_some_nodes_or_of_slow_loads_or_of_stores_sees_those_alone() {
    let frequency = Pace::Frequency(2_000);
    let reports = |event| run(even(), &pebs(config(event, frequency)), 500).reports;
    assert!(reports(Event::NodeLoads(vec![1])).iter().all(on_cxl));
    assert!(reports(Event::SlowLoads { latency_min: 900 }).iter().all(on_cxl));
    assert!(!reports(Event::SlowLoads { latency_min: 300 }).iter().all(on_cxl));
    assert!(reports(Event::Stores).iter().all(|report| report.write));
    assert!(reports(Event::Loads).iter().all(|report| !report.write));
}

#[test]
fn a_frequency_is_kept_whatever_the_rate_of_the_event() {
    for event in [Event::L3MissLoads, Event::Loads, Event::NodeLoads(vec![1])] {
        let name = format!("{event:?}");
        let found = run(even(), &pebs(config(event, Pace::Frequency(5_003))), 1_000);
        let rate = found.reports.len() as f64 / (4.0 * 5_003.0);
        assert!((0.98..1.02).contains(&rate), "{name}: {rate}");
    }
}

#[test]
fn records_of_a_large_buffer_come_late_and_interrupt_seldom() {
    let of = |buffer_records| {
        let pace = Pace::Period(40_009);
        let switch_ns = 20 * MS;
        let config = PebsConfig { buffer_records, switch_ns, ..config(Event::Loads, pace) };
        run(even(), &pebs(config), 1_000)
    };
    let (prompt, buffered) = (of(1), of(340));
    assert_eq!(prompt.late, 0);
    assert!(buffered.late > buffered.reports.len() / 4, "{} late", buffered.late);
    let each = |run: &crate::Run| run.counters.overhead_ns / run.counters.samples_total;
    assert_eq!(each(&prompt), 250 + 1_270);
    assert!((250..300).contains(&each(&buffered)), "{}", each(&buffered));
}

#[test]
fn a_shadow_makes_the_period_longer_than_it_says_and_a_frequency_is_kept() {
    let records = |pace, shadow_events| {
        let config = PebsConfig { shadow_events, ..config(Event::Loads, pace) };
        run(even(), &pebs(config), 1_000).counters.samples_total as f64
    };
    let period = Pace::Period(100_003);
    // Half of 20,000 events more, on average.
    let ratio = records(period, 20_000) / records(period, 0);
    assert!((ratio - 100_003.0 / 110_003.0).abs() < 0.005, "{ratio}");
    let rate = records(Pace::Frequency(5_003), 2_000) / (4.0 * 5_003.0);
    assert!((0.98..1.02).contains(&rate), "{rate}");
}

#[test]
fn addresses_are_virtual_unless_the_page_table_is_walked() {
    let found = run(
        even(),
        &pebs(PebsConfig { physical: false, ..config(Event::Loads, Pace::Frequency(1_000)) }),
        200,
    );
    let kinds = found.reports.iter().all(|report| report.kind == AddressKind::Virtual);
    assert!(kinds && found.reports.iter().all(|report| report.tgid == 7));
    assert!(found.reports.iter().any(|report| report.address > 1 << 40), "of a process");
}

#[test]
fn what_the_hardware_cannot_do_is_refused() {
    let with = |event, pace| refused(&pebs(config(event, pace))).0;
    for period in [0, 1 << 47] {
        assert_eq!(with(Event::Loads, Pace::Period(period)), "period");
    }
    assert_eq!(with(Event::Loads, Pace::Frequency(100_001)), "frequency");
    assert_eq!(with(Event::NodeLoads(vec![2]), Pace::Period(1)), "nodes");
    assert_eq!(with(Event::NodeLoads(vec![]), Pace::Period(1)), "nodes");
    assert_eq!(with(Event::SlowLoads { latency_min: 0 }, Pace::Period(1)), "latencyMin");
    let shadowed = PebsConfig { shadow_events: 65_536, ..config(Event::Loads, Pace::Period(9)) };
    assert_eq!(refused(&pebs(shadowed)).0, "shadowEvents");
    for (buffer_records, pace) in
        [(0, Pace::Period(9)), (341, Pace::Period(9)), (2, Pace::Frequency(9))]
    {
        let config = PebsConfig { buffer_records, ..config(Event::Loads, pace) };
        assert_eq!(refused(&pebs(config)), ("bufferRecords", buffer_records.to_string()));
    }
}
