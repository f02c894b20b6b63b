//! The acceptance checks of `samplers.md` 11 that are the machine's: what caches hold, what a TLB
//! hides, what bandwidth and latency make of placement.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_core::Operations;
use damon_machine::workload::{Area, Kind, Line, PageSize, Pattern, Phase, Policy, Process};
use damon_machine::{
    Direction, Interleave, Level, Machine, MachineConfig, NodeConfig, Processor, Reach, Timing,
    Workload,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MS: u64 = 1_000_000;

fn area(bytes: u64, page_size: PageSize, policy: Policy) -> Area {
    Area { name: "memory".into(), bytes, kind: Kind::Anon, page_size, policy }
}

fn process(areas: Vec<Area>, lines: Vec<Line>) -> Process {
    Process { areas, phases: vec![Phase { duration_ns: u64::MAX, lines }], ..Process::new(1) }
}

fn machine(nodes: Vec<NodeConfig>, processor: Processor, processes: Vec<Process>) -> Machine {
    Machine::new(MachineConfig::new(nodes, processor, Workload { processes })).unwrap()
}

fn hot_set(hot_bytes: u64, hot_share: f64) -> Pattern {
    Pattern::HotSet { hot_bytes, hot_share, offset_bytes: 0, drift_bytes_hz: 0 }
}

/// Shares of what a CPU accesses that each level serves.
fn levels(machine: &Machine) -> [f64; 4] {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut counts = [0.0; 4];
    for _ in 0..100_000 {
        let access = machine.draw(0, &mut random).unwrap();
        let level = match machine.level(&access, &mut random) {
            Level::L1 => 0,
            Level::L2 => 1,
            Level::L3 => 2,
            Level::Memory { .. } => 3,
        };
        counts[level] += 1e-5;
    }
    counts
}

#[test]
fn a_kernel_build_hits_the_first_level_as_measured() {
    // Stacks and hot objects of some KiB, what the compiler works on, and all the rest, at the reuse
    // that hot sets have by default. samplers.md 1.6: 94 % first level, 4 % second, 0.2 % memory.
    let areas = vec![area(GIB, PageSize::Base, Policy::Local)];
    let line = |hot_bytes, weight| Line { weight, ..Line::new(0, hot_set(hot_bytes, 0.98)) };
    let lines = vec![line(32 << 10, 60.0), line(512 << 10, 30.0), line(16 * MIB, 10.0)];
    let nodes = vec![NodeConfig::dram(0, 4 * GIB)];
    let machine = machine(nodes, Processor::zen4(1), vec![process(areas, lines)]);
    let [first, second, _, memory] = levels(&machine);
    assert!((0.92..0.97).contains(&first), "{first}");
    assert!((0.01..0.06).contains(&second), "{second}");
    assert!((0.0003..0.01).contains(&memory), "{memory}");
    let served = machine.population(Some(0), &Reach::Nodes(vec![0]), Direction::Both);
    let share = served.hz() / machine.pace(0).memory_ops_hz;
    assert!((memory - share).abs() < 0.001, "{memory} {share}");
}

#[test]
fn caches_hold_what_fits_and_no_more() {
    let served_by = |bytes| {
        let areas = vec![area(bytes, PageSize::Base, Policy::Local)];
        let lines = vec![Line::new(0, Pattern::Uniform)];
        let nodes = vec![NodeConfig::dram(0, 4 * GIB)];
        levels(&machine(nodes, Processor::zen5(1), vec![process(areas, lines)]))
    };
    assert!(served_by(32 << 10)[0] > 0.999);
    assert!(served_by(768 << 10)[1] > 0.9);
    assert!(served_by(24 * MIB)[2] > 0.9);
    // 1 of 32 in the third level.
    let memory = served_by(GIB)[3];
    assert!((0.965..0.975).contains(&memory), "{memory}");
}

/// Of the hot pages made old, how many look accessed after a while.
fn accessed_share(hot_bytes: u64, page_size: PageSize, evictions_per_ms: f64) -> f64 {
    let areas = vec![area(hot_bytes + 512 * MIB, page_size, Policy::Local)];
    let lines = vec![Line::new(0, hot_set(hot_bytes, 0.999))];
    let nodes = vec![NodeConfig::dram(0, 8 * GIB)];
    let processor = Processor { tlb_evictions_per_ms: evictions_per_ms, ..Processor::zen5(16) };
    let mut machine = machine(nodes, processor, vec![process(areas, lines)]);
    let start = machine.mappings(1).unwrap()[1].start;
    let addresses: Vec<_> = (0..500).map(|at| start + at * (hot_bytes / 500)).collect();
    machine.advance(1_000 * MS);
    machine.prepare_access_checks(Some(1), &addresses);
    machine.advance(1_100 * MS);
    let mut accessed = vec![false; addresses.len()];
    machine.check_accesses(Some(1), &addresses, &mut accessed);
    accessed.iter().filter(|accessed| **accessed).count() as f64 / addresses.len() as f64
}

#[test]
fn what_stays_in_the_tlb_is_hot_and_looks_old() {
    // samplers.md 11 (d). 4,096 translations are 16 MiB of small pages, 8 GiB of huge ones.
    let inside = accessed_share(8 * MIB, PageSize::Base, 0.0);
    assert!(inside < 0.2, "{inside}");
    let outside = accessed_share(64 * MIB, PageSize::Base, 0.0);
    assert!(outside > 0.95, "{outside}");
    let inside = accessed_share(GIB, PageSize::Huge, 0.0);
    assert!(inside < 0.2, "{inside}");
    // What the kernel and neighbours push out is walked to again.
    let disturbed = accessed_share(8 * MIB, PageSize::Base, 100.0);
    assert!(disturbed > 0.9, "{disturbed}");
}

#[test]
fn what_is_not_touched_looks_old_and_what_looked_young_stays_so() {
    let areas = vec![area(GIB, PageSize::Base, Policy::Local)];
    let lines = vec![Line::new(0, hot_set(64 * MIB, 1.0))];
    let nodes = vec![NodeConfig::dram(0, 2 * GIB)];
    let mut machine = machine(nodes, Processor::zen5(16), vec![process(areas, lines)]);
    let start = machine.mappings(1).unwrap()[1].start;
    let addresses: Vec<_> = (0..1024).map(|at| start + at * MIB).collect();
    let mut accessed = vec![false; addresses.len()];
    machine.check_accesses(Some(1), &addresses, &mut accessed);
    assert!(accessed.iter().all(|accessed| *accessed), "pages are young when they are new");
    machine.prepare_access_checks(Some(1), &addresses);
    let mut before = vec![false; addresses.len()];
    for step in 1..=20 {
        machine.advance(step * MS);
        machine.check_accesses(Some(1), &addresses, &mut accessed);
        assert!(before.iter().zip(&accessed).all(|(before, now)| !before || *now));
        before.copy_from_slice(&accessed);
    }
    assert!(accessed[..64].iter().filter(|accessed| **accessed).count() > 60);
    assert!(accessed[64..].iter().all(|accessed| !accessed));
}

/// Ops per second of 256 CPUs that read all of 4 GiB, so placed on 72 GB/s of DRAM and 26 of CXL.
fn ops_hz(weights: Vec<(u32, u32)>) -> f64 {
    let policy = Policy::Interleave(Interleave { weights });
    let areas = vec![area(4 * GIB, PageSize::Base, policy)];
    let lines =
        vec![Line { store_share: 0.0, ..Line::new(0, Pattern::Stream { stride_bytes: 64 }) }];
    let dram = Timing { bandwidth_hz: 72e9, ..Timing::DRAM };
    let nodes = vec![NodeConfig::new(0, 64 * GIB, dram), NodeConfig::cxl(64 * GIB, 64 * GIB)];
    let machine = machine(nodes, Processor::zen5(256), vec![process(areas, lines)]);
    let throughput = machine.throughput();
    for node in &throughput.nodes {
        assert!(node.utilisation < 1.01, "{node:?}");
    }
    throughput.processes[0].ops_hz
}

#[test]
fn interleaving_by_bandwidth_beats_the_fast_node_alone() {
    let alone = ops_hz(vec![(0, 1)]);
    // samplers.md 11 (f): (72 + 26) / 72 = 1.361 at best, 1.353 measured.
    let gain = ops_hz(vec![(0, 3), (1, 1)]) / alone;
    assert!((1.33..=1.36).contains(&gain), "{gain}");
    // 7.4: even interleaving is bound by the slow node: 2 * 26 / 72.
    let even = ops_hz(vec![(0, 1), (1, 1)]) / alone;
    assert!((0.70..0.75).contains(&even), "{even}");
}

#[test]
fn what_passes_between_sockets_is_bound_by_their_link() {
    // 64 CPUs of the first of two sockets read what lies on either socket's DRAM, 380 GB/s each.
    let read = |weights: Vec<(u32, u32)>, hop_bandwidth_hz, hop_ns| {
        let policy = Policy::Interleave(Interleave { weights });
        let areas = vec![area(4 * GIB, PageSize::Base, policy)];
        let lines =
            vec![Line { store_share: 0.0, ..Line::new(0, Pattern::Stream { stride_bytes: 64 }) }];
        let process = Process { cpus: Some(0..64), ..process(areas, lines) };
        let far = NodeConfig { socket: 1, ..NodeConfig::dram(64 * GIB, 64 * GIB) };
        let nodes = vec![NodeConfig::dram(0, 64 * GIB), far];
        let processor = Processor { sockets: 2, hop_bandwidth_hz, hop_ns, ..Processor::zen5(128) };
        let machine = machine(nodes, processor, vec![process]);
        let latency_ns = machine.latency_cycles(0, Level::Memory { nid: 1 }) as f64 / 3.7;
        let bytes_hz = machine.throughput().nodes.iter().map(|node| node.bytes_hz).sum::<f64>();
        (bytes_hz / 1e9, latency_ns)
    };
    let (wide, narrow) = (1e15, 150e9);
    let near = read(vec![(0, 1), (1, 0)], narrow, 90.0).0;
    assert!(near > 300.0, "{near}");
    assert_eq!(read(vec![(0, 1), (1, 0)], wide, 90.0).0, near, "nothing passes");
    // `samplers.md` 7.6: 150 GB/s from the other socket.
    let (far, latency_ns) = read(vec![(0, 0), (1, 1)], narrow, 90.0);
    assert!((148.0..=152.0).contains(&far), "{far}");
    let (unbound, idle_ns) = read(vec![(0, 0), (1, 1)], wide, 90.0);
    assert!(unbound > 1.5 * far, "{unbound}");
    assert!(latency_ns > idle_ns + 90.0, "{latency_ns} {idle_ns}");
    let free = read(vec![(0, 0), (1, 1)], narrow, 0.0).0;
    assert!((148.0..=157.0).contains(&free), "{free}");
    // Half and half: the link carries half of it.
    let both = read(vec![(0, 1), (1, 1)], narrow, 90.0).0;
    assert!((280.0..=304.0).contains(&both), "{both}");
    assert!(read(vec![(0, 1), (1, 1)], wide, 90.0).0 > 1.05 * both);
}

#[test]
fn a_pointer_chase_is_bound_by_latency() {
    let seconds_per_access = |nid, socket| {
        let areas = vec![area(2 * GIB, PageSize::Huge, Policy::Preferred(nid))];
        let process = Process {
            memory_share: 1.0,
            cycles_per_op: 1.0,
            ..process(areas, vec![Line::new(0, Pattern::Chase)])
        };
        let nodes = vec![
            NodeConfig { socket, ..NodeConfig::dram(0, 16 * GIB) },
            NodeConfig { socket, ..NodeConfig::cxl(16 * GIB, 16 * GIB) },
        ];
        let processor = Processor { sockets: 2, ..Processor::zen5(2) };
        let process = Process { cpus: Some(0..1), ..process };
        1.0 / machine(nodes, processor, vec![process]).throughput().processes[0].accesses_hz
    };
    let dram = seconds_per_access(0, 0) * 1e9;
    assert!((125.0..150.0).contains(&dram), "{dram} ns");
    assert!((seconds_per_access(1, 0) * 1e9 - dram - 140.0).abs() < 3.0);
    assert!((seconds_per_access(0, 1) * 1e9 - dram - 90.0).abs() < 3.0);
}

#[test]
fn huge_pages_spare_walks() {
    let ops_hz = |page_size| {
        let areas = vec![area(2 * GIB, page_size, Policy::Local)];
        let nodes = vec![NodeConfig::dram(0, 8 * GIB)];
        let process = process(areas, vec![Line::new(0, Pattern::Gups)]);
        machine(nodes, Processor::zen5(1), vec![process]).throughput().processes[0].ops_hz
    };
    assert!(ops_hz(PageSize::Huge) > 1.05 * ops_hz(PageSize::Base));
}

#[test]
fn time_that_a_sampler_takes_is_missing_and_is_told() {
    let areas = vec![area(GIB, PageSize::Base, Policy::Local)];
    let nodes = vec![NodeConfig::dram(0, 2 * GIB)];
    let process = process(areas, vec![Line::new(0, Pattern::Chase)]);
    let mut machine = machine(nodes, Processor::zen5(4), vec![process]);
    let full = machine.pace(0);
    // A tenth of every CPU.
    for step in 1..=20 {
        (0..4).for_each(|cpu| machine.charge(cpu, MS / 2));
        machine.advance(step * 5 * MS);
    }
    let slowed = machine.pace(0);
    assert!((slowed.ops_hz / full.ops_hz - 0.9).abs() < 0.001);
    assert!((slowed.cycles_hz / full.cycles_hz - 0.9).abs() < 0.001);
    let told = &machine.throughput().processes[0];
    assert_eq!(told.overhead_ns, 20 * 4 * MS / 2);
    // Half of the time at full speed, half slowed.
    assert!((told.ops / (4.0 * full.ops_hz * 0.1) - 0.95).abs() < 0.001);
    machine.advance(200 * MS);
    assert_eq!(machine.pace(0), full);
    // More than there was time for is missing afterwards, too.
    (0..4).for_each(|cpu| machine.charge(cpu, 75 * MS));
    let speeds = [250, 300, 350].map(|ms| {
        machine.advance(ms * MS);
        machine.pace(0).ops_hz / full.ops_hz
    });
    assert_eq!((speeds[0], speeds[2]), (0.0, 1.0));
    assert!((speeds[1] - 0.5).abs() < 1e-9, "{speeds:?}");
}

#[test]
fn traffic_is_drawn_from_what_memory_serves() {
    let policy = |nid| Policy::Interleave(Interleave { weights: vec![(nid, 1)] });
    let areas = vec![
        area(512 * MIB, PageSize::Base, policy(0)),
        area(512 * MIB, PageSize::Base, policy(1)),
    ];
    let lines = vec![
        Line { weight: 3.0, ..Line::new(0, Pattern::Uniform) },
        Line { store_share: 1.0, ..Line::new(1, Pattern::Uniform) },
    ];
    let nodes = vec![NodeConfig::dram(0, 2 * GIB), NodeConfig::cxl(2 * GIB, 2 * GIB)];
    let machine = machine(nodes, Processor::zen5(2), vec![process(areas, lines)]);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let served = |nid| machine.population(None, &Reach::Nodes(vec![nid]), Direction::Both);
    for nid in 0..2 {
        for _ in 0..100 {
            let (access, _) = served(nid).draw(&machine, &mut random).unwrap();
            assert_eq!(machine.physical_address(&access).unwrap() / (2 * GIB), u64::from(nid));
            assert!(nid == 0 || access.write);
        }
    }
    assert!(served(2).draw(&machine, &mut random).is_none());
    // Three lines to one, and those of stores are written back; of the former, caches hold more.
    let lines = [0, 1].map(|nid| machine.traffic(nid).lines_hz);
    assert!((lines[0] / lines[1] / (3.0 * 1.3 / 2.0) - 0.97).abs() < 0.02, "{lines:?}");
}
