use std::sync::Arc;

use damon_ring::{AddressKind, Lanes, LanesOptions};
use damon_sampler::pebs::{Event, Pace};
use damon_sampler::{
    IbsOpConfig, InterruptConfig, PageFaultsConfig, PebsConfig, Sampler, SamplerConfig,
    SamplerShape,
};

use crate::{MS, even};

fn ibs(period: u64) -> SamplerConfig {
    SamplerConfig::IbsOp(IbsOpConfig { period, ..IbsOpConfig::default() })
}

fn pebs(physical: bool) -> SamplerConfig {
    SamplerConfig::Pebs(PebsConfig {
        event: Event::Loads,
        pace: Pace::Frequency(1_000),
        physical,
        buffer_records: 1,
        shadow_events: 0,
        switch_ns: 4 * MS,
        record_ns: 250,
        interrupts: InterruptConfig::default(),
        seed: 1,
    })
}

#[test]
fn another_period_samples_from_then_on_in_the_same_lanes_and_the_counters_go_on() {
    let machine = Arc::new(even());
    let mut sampler = Sampler::new(&ibs(1_048_560), &machine, 0, 2).unwrap();
    let lanes = Lanes::new(LanesOptions { slots: 65_536, lanes_max: 4 }).unwrap();
    sampler.attach((0..4).map(|_| lanes.add().unwrap()).collect());
    sampler.follow(&machine, 1_000 * MS);
    sampler.report(&machine);
    // What was seen ahead of that did not happen.
    sampler.go_ahead(&machine);
    let before = sampler.counters();
    sampler.restart(&ibs(131_072), &machine).unwrap();
    assert_eq!(sampler.counters(), before);
    sampler.follow(&machine, 2_000 * MS);
    sampler.report(&machine);
    let after = sampler.counters();
    let times = (after.samples_total - before.samples_total) as f64 / before.samples_total as f64;
    assert!((7.9..8.1).contains(&times), "{times}");
    assert_eq!(lanes.counters().offered(), after.reported);
    assert_eq!(lanes.in_use(), 4);
}

#[test]
fn any_sampler_can_take_its_place_and_keeps_the_lanes_if_it_wants_as_many() {
    let machine = Arc::new(even());
    let mut sampler = Sampler::new(&ibs(262_144), &machine, 0, 1).unwrap();
    let mut lanes = Lanes::new(LanesOptions { slots: 65_536, lanes_max: 4 }).unwrap();
    sampler.attach((0..4).map(|_| lanes.add().unwrap()).collect());
    sampler.follow(&machine, 100 * MS);
    sampler.report(&machine);
    let before = sampler.counters();
    assert_eq!(sampler.check_restart(&ibs(17), &machine).unwrap_err().path, "period");
    assert!(sampler.restart(&ibs(17), &machine).is_err());
    assert_eq!(sampler.counters(), before);
    // The same number of lanes: they are kept, whatever kind of address goes through them now.
    sampler.restart(&pebs(false), &machine).unwrap();
    assert_eq!(sampler.shape(), SamplerShape { lanes: 4, kind: AddressKind::Virtual });
    sampler.follow(&machine, 1_100 * MS);
    sampler.report(&machine);
    let more = sampler.counters().samples_total - before.samples_total;
    assert!((3_900..4_100).contains(&more), "{more}");
    assert_eq!(lanes.counters().offered(), sampler.counters().reported);
    // Another number: they are let go, and empty ones are gone after a drain.
    let faults = SamplerConfig::PageFaults(PageFaultsConfig {
        period: 1,
        physical: true,
        sample_ns: 0,
        seed: 1,
    });
    let shape = SamplerShape { lanes: 1, kind: AddressKind::Physical };
    assert_eq!(sampler.check_restart(&faults, &machine).unwrap(), shape);
    sampler.restart(&faults, &machine).unwrap();
    assert_eq!(sampler.shape(), shape);
    // One drain for what is there, one to see that nothing more will come.
    lanes.drain(|_, _| {});
    lanes.drain(|_, _| {});
    assert_eq!(lanes.in_use(), 0);
    assert_eq!(lanes.counters().drained, sampler.counters().reported);
}

#[test]
fn records_that_wait_in_a_buffer_count_when_it_is_emptied_or_given_up() {
    let SamplerConfig::Pebs(prompt) = pebs(true) else { unreachable!() };
    let pace = Pace::Period(40_009);
    let buffered =
        SamplerConfig::Pebs(PebsConfig { pace, buffer_records: 340, switch_ns: 1 << 39, ..prompt });
    let machine = Arc::new(even());
    let mut sampler = Sampler::new(&buffered, &machine, 0, 1).unwrap();
    let lanes = Lanes::new(LanesOptions { slots: 65_536, lanes_max: 4 }).unwrap();
    sampler.attach((0..4).map(|_| lanes.add().unwrap()).collect());
    let mut lost = 0;
    // The buffer is being filled when each of them ends.
    let ends: [fn(&mut Sampler, u64); 2] = [
        |sampler, now_ns| sampler.skip(now_ns + MS),
        |sampler, _| sampler.restart(&ibs(262_144), &even()).unwrap(),
    ];
    for (end, now_ns) in ends.into_iter().zip([400 * MS, 800 * MS]) {
        sampler.follow(&machine, now_ns);
        sampler.report(&machine);
        let counters = sampler.counters();
        assert_eq!((lanes.counters().offered(), counters.lost), (counters.reported, lost));
        assert!(counters.reported > 340);
        end(&mut sampler, now_ns);
        let after = sampler.counters();
        assert!(after.lost > lost && after.lost < lost + 4 * 340);
        assert_eq!(after.selected, after.discarded + after.lost + after.samples_total);
        assert_eq!(lanes.counters().offered(), after.reported);
        lost = after.lost;
    }
}
