use std::collections::HashSet;
use std::sync::Arc;

use damon_machine::workload::{Line, Pattern, Phase, Process};
use damon_machine::{Machine, MachineConfig, Processor, Workload};
use damon_ring::{Lanes, LanesOptions};
use damon_sampler::chmu::{Mode, Traffic};
use damon_sampler::{ChmuConfig, Sampler, SamplerConfig};

use crate::{MIB, MS, area, hot_set, machine, nodes, on_cxl, refused, run};

fn config() -> ChmuConfig {
    ChmuConfig {
        nodes: vec![1],
        unit_bytes: 4_096,
        mode: Mode::Epoch,
        epoch_ns: 100 * MS,
        traffic: Traffic::Reads,
        down_sampling: 1,
        counters: 32_768,
        counter_bits: 16,
        threshold: 100,
        list_entries: 65_535,
        read_ns: 1_000,
        seed: 1,
    }
}

fn chmu(config: ChmuConfig) -> SamplerConfig {
    SamplerConfig::Chmu(config)
}

/// 64 MiB of DRAM, and 96 MiB of CXL whose first half gets nearly all of four accesses in five.
fn hot_on_cxl() -> Machine {
    let lines = vec![
        Line { weight: 1.0, ..Line::new(0, Pattern::Uniform) },
        Line { weight: 4.0, reuse: Some(1.0), ..Line::new(1, hot_set(48 * MIB, 0.99)) },
    ];
    machine(vec![area(64 * MIB, 0), area(96 * MIB, 1)], lines)
}

#[test]
fn it_finds_what_is_hot_on_its_own_device_and_nothing_of_other_nodes() {
    let found = run(hot_on_cxl(), &chmu(config()), 1_000);
    assert!(found.reports.iter().all(on_cxl));
    assert!(found.reports.iter().all(|report| (report.tgid, report.tid) == (0, 0)));
    let pages: HashSet<_> = found.reports.iter().map(|report| report.address).collect();
    let hot = pages.iter().filter(|page| **page < 512 * MIB + 48 * MIB).count();
    assert!(hot > 12_000, "{hot} of 12,288 hot pages");
    assert!(hot == pages.len(), "{} cold ones", pages.len() - hot);
    assert_eq!(found.counters.overhead_ns, found.counters.samples_total * 1_000);
}

#[test]
fn without_counters_enough_some_are_missed_and_without_room_in_the_list_some_are_lost() {
    let few = run(hot_on_cxl(), &chmu(ChmuConfig { counters: 1_000, ..config() }), 500).counters;
    assert!(few.selected <= 4 * 1_000 && few.lost == 0, "{few:?}");
    let short =
        run(hot_on_cxl(), &chmu(ChmuConfig { list_entries: 100, ..config() }), 500).counters;
    assert_eq!(short.reported, 4 * 100);
    assert!(short.lost > 4 * 10_000, "{short:?}");
}

#[test]
fn a_count_stays_at_the_largest_value_of_its_counter() {
    // samplers.md 11 (g). A counter that began anew would be below the threshold nearly always.
    for (counter_bits, epoch_ns) in [(8, 1_000 * MS), (16, 100_000 * MS)] {
        let threshold = (1 << counter_bits) - 1;
        let config = ChmuConfig { counter_bits, threshold, epoch_ns, ..config() };
        let found = run(hot_on_cxl(), &chmu(config), epoch_ns / MS + 10);
        assert!(found.reports.len() > 12_000, "{} of 12,288 hot pages", found.reports.len());
    }
}

#[test]
fn a_unit_that_is_always_on_lists_what_reaches_the_threshold_as_often_as_it_does() {
    let always = |threshold, change: fn(&mut ChmuConfig)| {
        let mut config = ChmuConfig { mode: Mode::AlwaysOn, threshold, ..config() };
        change(&mut config);
        run(hot_on_cxl(), &chmu(config), 1_000)
    };
    let hot = |found: &crate::Run| {
        let pages: HashSet<_> = found.reports.iter().map(|report| report.address).collect();
        pages.iter().filter(|page| **page < 512 * MIB + 48 * MIB).count()
    };
    // More than an epoch brings, but counts go on from one reading to the next.
    let found = always(1_000, |_| {});
    assert!(hot(&found) > 12_000, "{} of 12,288 hot pages", hot(&found));
    let by_epoch = run(hot_on_cxl(), &chmu(ChmuConfig { threshold: 1_000, ..config() }), 1_000);
    assert!(hot(&by_epoch) < 1_000, "{}", hot(&by_epoch));
    // A quarter of the threshold is reached more than four times as often: the rest of the last is
    // shorter.
    let often = always(250, |_| {}).counters;
    let ratio = often.selected as f64 / found.counters.selected as f64;
    assert!((4.0..5.5).contains(&ratio), "{ratio}");
    // The list holds what came first.
    let short = always(250, |config| config.list_entries = 100).counters;
    assert_eq!((short.reported, short.selected), (9 * 100, short.reported + short.lost));
}

#[test]
fn the_list_is_read_by_a_thread_of_the_kernel_on_an_idle_cpu_if_there_is_one() {
    let overhead_ns = |cpus| {
        let phases = vec![Phase {
            duration_ns: u64::MAX,
            lines: vec![Line { reuse: Some(1.0), ..Line::new(0, hot_set(48 * MIB, 0.99)) }],
        }];
        let areas = vec![area(96 * MIB, 1)];
        let process = Process { areas, phases, cpus: Some(0..cpus), ..Process::new(7) };
        let workload = Workload { processes: vec![process] };
        let machine = MachineConfig::new(nodes(), Processor::zen5(4), workload);
        let mut machine = Arc::new(Machine::new(machine).unwrap());
        let mut sampler = Sampler::new(&chmu(config()), &machine, 0, 1).unwrap();
        let lanes = Lanes::new(LanesOptions { slots: 65_536, lanes_max: 1 }).unwrap();
        sampler.attach(vec![lanes.add().unwrap()]);
        sampler.follow(&machine, 150 * MS);
        let machine = Arc::get_mut(&mut machine).unwrap();
        sampler.charge(machine);
        machine.advance(150 * MS);
        let paid_ns = machine.throughput().processes[0].overhead_ns;
        (paid_ns, sampler.counters().overhead_ns)
    };
    let (paid_ns, all_ns) = overhead_ns(4);
    assert!(paid_ns == all_ns && all_ns > 10 * MS, "{paid_ns} of {all_ns}");
    assert_eq!(overhead_ns(3).0, 0);
}

#[test]
fn down_sampling_counts_a_share_and_finer_units_count_their_own() {
    let selected = |config| run(hot_on_cxl(), &chmu(config), 300).counters.selected;
    let all = selected(config());
    assert_eq!(selected(ChmuConfig { down_sampling: 1_024, ..config() }), 0);
    let thinner = ChmuConfig { down_sampling: 16, threshold: 100 / 16, ..config() };
    assert!(selected(thinner).abs_diff(all) < all / 4);
    // A quarter of a page gets a quarter of its accesses.
    let fine = ChmuConfig { unit_bytes: 1_024, threshold: 25, counters: 1 << 17, ..config() };
    let finer = selected(fine);
    assert!(finer > 3 * all && finer < 4 * all + all / 2, "{finer} against {all}");
}

#[test]
fn what_the_hardware_cannot_do_is_refused() {
    let refused = |config| refused(&chmu(config)).0;
    assert_eq!(refused(ChmuConfig { nodes: vec![], ..config() }), "nodes");
    assert_eq!(refused(ChmuConfig { nodes: vec![2], ..config() }), "nodes");
    for unit_bytes in [128, 3_000, 8_192] {
        assert_eq!(refused(ChmuConfig { unit_bytes, ..config() }), "unitBytes");
    }
    for epoch_ns in [0, 50_000, 150_001, 4_096_000_000_000] {
        assert_eq!(refused(ChmuConfig { epoch_ns, ..config() }), "epochNs");
    }
    for down_sampling in [0, 3, 65_536] {
        assert_eq!(refused(ChmuConfig { down_sampling, ..config() }), "downSampling");
    }
    assert_eq!(refused(ChmuConfig { threshold: 65_536, ..config() }), "threshold");
    assert_eq!(refused(ChmuConfig { counters: 0, ..config() }), "counters");
    assert_eq!(refused(ChmuConfig { list_entries: 65_536, ..config() }), "listEntries");
}
