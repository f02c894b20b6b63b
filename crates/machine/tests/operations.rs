//! What schemes do to the memory of the machine, seen from outside: actions, filters, gauges.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use damon_core::Operations;
use damon_core::ops::{Applied, Gauge, Job};
use damon_core::region::Range;
use damon_core::scheme::{Action, Destination, PageFilter, PageFilterKind, PageFilters};
use damon_machine::workload::{Area, Kind, Line, PageSize, Pattern, Phase, Policy, Process};
use damon_machine::{
    CpuChange, HUGE_SZ, Interleave, Machine, MachineConfig, MigrationConfig, NodeConfig, PAGE_SZ,
    Processor, Workload,
};

const MIB: u64 = 1 << 20;
const BLOCK: u64 = 128 * MIB;
const S: u64 = 1_000_000_000;
const NODE_1: u64 = 1 << 40;
const ALL: Range = Range { start: 0, end: 1 << 43 };

fn area(kind: Kind, page_size: PageSize, weights: &[(u32, u32)]) -> Area {
    let policy = Policy::Interleave(Interleave { weights: weights.to_vec() });
    Area { name: "area".into(), bytes: 8 * MIB, kind, page_size, policy }
}

/// Two nodes of 128 MiB. Process 1: 8 MiB of anonymous memory on node 0, of which 2 MiB are touched;
/// 8 MiB in huge pages on node 1. Process 2: 8 MiB of a file on either node, and of one that it
/// reads and writes.
fn config(migration: MigrationConfig) -> MachineConfig {
    let phases =
        |pattern| vec![Phase { duration_ns: u64::MAX, lines: vec![Line::new(0, pattern)] }];
    let hot_set =
        Pattern::HotSet { hot_bytes: 2 * MIB, hot_share: 1.0, offset_bytes: 0, drift_bytes_hz: 0 };
    let one = Process {
        memcg: "/one".into(),
        cpus: Some(0..1),
        areas: vec![
            area(Kind::Anon, PageSize::Base, &[(0, 1)]),
            area(Kind::Anon, PageSize::Huge, &[(1, 1)]),
        ],
        phases: phases(hot_set),
        ..Process::new(1)
    };
    let two = Process {
        memcg: "/two/below".into(),
        cpus: Some(1..2),
        areas: vec![
            area(Kind::File, PageSize::Base, &[(0, 1), (1, 1)]),
            area(Kind::PageCache, PageSize::Base, &[(0, 1)]),
        ],
        phases: phases(Pattern::Uniform),
        ..Process::new(2)
    };
    let nodes = vec![NodeConfig::dram(0, BLOCK), NodeConfig::cxl(NODE_1, BLOCK)];
    let workload = Workload { processes: vec![one, two] };
    let config = MachineConfig::new(nodes, Processor::zen5(2), workload);
    MachineConfig { migration, ..config }
}

fn machine(migration: MigrationConfig) -> Machine {
    let mut machine = Machine::new(config(migration)).unwrap();
    machine.advance(S);
    machine
}

fn usual() -> Machine {
    machine(MigrationConfig::default())
}

struct Ask<'a> {
    tgid: Option<u32>,
    range: Range,
    filters: &'a [PageFilter],
    target_nid: Option<u32>,
    destinations: &'a [Destination],
}

const PHYSICAL: Ask<'static> =
    Ask { tgid: None, range: ALL, filters: &[], target_nid: None, destinations: &[] };

fn apply(machine: &mut Machine, action: Action, ask: &Ask<'_>) -> Applied {
    let job = Job {
        tgid: ask.tgid,
        range: ask.range,
        action,
        target_nid: ask.target_nid,
        destinations: ask.destinations,
        filters: PageFilters::new(ask.filters, false),
    };
    machine.apply(&job, &mut None)
}

fn only(kind: PageFilterKind) -> [PageFilter; 1] {
    [PageFilter { kind, matching: true, allow: true }]
}

/// Bytes that pass, of all.
fn passed(machine: &mut Machine, kind: PageFilterKind) -> u64 {
    let filters = only(kind);
    let applied = apply(machine, Action::Stat, &Ask { filters: &filters, ..PHYSICAL });
    assert_eq!(applied.bytes, 0);
    applied.passed
}

fn used(machine: &Machine, nid: u32) -> u64 {
    machine.read(&Gauge::NodeUsed { nid }).unwrap().part
}

/// The mapping of a process that is its area of that number.
fn mapping(machine: &Machine, tgid: u32, area: usize) -> Range {
    machine.mappings(tgid).unwrap()[1 + area]
}

fn of(machine: &Machine, tgid: u32, area: usize) -> Ask<'static> {
    Ask { tgid: Some(tgid), range: mapping(machine, tgid, area), ..PHYSICAL }
}

#[test]
fn each_filter_passes_the_pages_that_are_so() {
    let mut machine = usual();
    assert_eq!(passed(&mut machine, PageFilterKind::Anon), 16 * MIB);
    assert_eq!(passed(&mut machine, PageFilterKind::Unmapped), 8 * MIB);
    assert_eq!(passed(&mut machine, PageFilterKind::Memcg("one".into())), 16 * MIB);
    assert_eq!(passed(&mut machine, PageFilterKind::Memcg("/two/below".into())), 16 * MIB);
    assert_eq!(passed(&mut machine, PageFilterKind::Memcg("/two".into())), 0);
    let size = |min, max| PageFilterKind::HugepageSize { min, max };
    assert_eq!(passed(&mut machine, size(HUGE_SZ, HUGE_SZ)), 8 * MIB);
    assert_eq!(passed(&mut machine, size(0, HUGE_SZ - 1)), 24 * MIB);
    assert_eq!(passed(&mut machine, PageFilterKind::Active), 0);
    apply(&mut machine, Action::LruPrio, &Ask { range: Range { start: 0, end: MIB }, ..PHYSICAL });
    assert_eq!(passed(&mut machine, PageFilterKind::Active), MIB);
}

#[test]
fn asking_for_the_young_makes_them_old() {
    let mut machine = usual();
    assert_eq!(passed(&mut machine, PageFilterKind::Young), 32 * MIB, "new pages are young");
    assert_eq!(passed(&mut machine, PageFilterKind::Young), 0);
    // 2 MiB are 512 translations, which stay in the TLB; the file is walked to, a little.
    machine.advance(2 * S);
    let young = passed(&mut machine, PageFilterKind::Young);
    assert!(young <= 8 * MIB, "{young}");
}

#[test]
fn gauges_read_what_is_there() {
    let mut machine = usual();
    let read = |machine: &Machine, gauge| machine.read(&gauge).map(|at| (at.part, at.total));
    assert_eq!(read(&machine, Gauge::NodeUsed { nid: 0 }), Some((20 * MIB, BLOCK)));
    assert_eq!(read(&machine, Gauge::NodeUsed { nid: 1 }), Some((12 * MIB, BLOCK)));
    assert_eq!(read(&machine, Gauge::NodeUsed { nid: 2 }), None);
    let memcg = |nid, memcg: &str| Gauge::NodeMemcgUsed { nid, memcg: memcg.into() };
    assert_eq!(read(&machine, memcg(0, "/one")), Some((8 * MIB, BLOCK)));
    assert_eq!(read(&machine, memcg(1, "two")), Some((4 * MIB, BLOCK)));
    assert_eq!(read(&machine, memcg(1, "/")), Some((12 * MIB, BLOCK)));
    assert_eq!(read(&machine, memcg(1, "/tw")), None);
    assert_eq!(read(&machine, Gauge::Free), Some((2 * BLOCK - 32 * MIB, 2 * BLOCK)));
    assert_eq!(read(&machine, Gauge::Huge), Some((8 * MIB, 32 * MIB)));
    assert_eq!(read(&machine, Gauge::Active), Some((0, 32 * MIB)));
    assert_eq!(read(&machine, Gauge::SomeMemoryStall), Some((0, 1_000_000)));
    apply(&mut machine, Action::LruPrio, &PHYSICAL);
    assert_eq!(read(&machine, Gauge::Active), Some((32 * MIB, 32 * MIB)));
    let applied = apply(&mut machine, Action::LruDeprio, &PHYSICAL);
    assert_eq!((applied.bytes, applied.passed), (32 * MIB, 32 * MIB));
    assert_eq!(read(&machine, Gauge::Active), Some((0, 32 * MIB)));
}

#[test]
fn what_is_paged_out_and_touched_is_missed_and_stalls_its_process() {
    let mut machine = usual();
    // Everything is young: nothing goes.
    assert_eq!(apply(&mut machine, Action::PageOut, &PHYSICAL).bytes, 0);
    let applied = apply(&mut machine, Action::PageOut, &PHYSICAL);
    assert_eq!((applied.bytes, applied.passed), (32 * MIB, 32 * MIB));
    assert!(applied.elapsed_ns >= 32 * MIB / PAGE_SZ * 2_000);
    assert_eq!((used(&machine, 0), used(&machine, 1)), (0, 0));
    assert_eq!(machine.out_pages(), 32 * MIB / PAGE_SZ);
    assert_eq!(machine.read(&Gauge::Huge).unwrap().part, 0);
    machine.advance(2 * S);
    // Hot pages and the file come back; what nobody touches stays out.
    assert_eq!(machine.out_pages(), 22 * MIB / PAGE_SZ);
    assert_eq!((used(&machine, 0), used(&machine, 1)), (6 * MIB, 4 * MIB));
    let counters = machine.migrations();
    assert_eq!(counters.paged_out_pages, counters.returned_pages + machine.out_pages());
    let stall_us = machine.read(&Gauge::SomeMemoryStall).unwrap().part;
    assert!((100_000..=1_000_000).contains(&stall_us), "{stall_us}");
    let overhead_ns = machine.throughput().processes[0].overhead_ns;
    assert_eq!(overhead_ns, 2 * MIB / PAGE_SZ * 100_000);
    // Wanted, the rest comes back too, to where its areas are.
    for (tgid, area) in [(1, 0), (1, 1), (2, 0)] {
        let ask = of(&machine, tgid, area);
        assert_eq!(apply(&mut machine, Action::WillNeed, &ask).bytes, 8 * MIB);
    }
    assert_eq!((used(&machine, 0), used(&machine, 1)), (12 * MIB, 12 * MIB));
}

#[test]
fn migration_takes_its_time_and_busy_folios_stay() {
    let mut machine = machine(MigrationConfig { busy_share: 0.25, ..MigrationConfig::default() });
    let to_node_1 = Ask { target_nid: Some(1), ..PHYSICAL };
    let applied = apply(&mut machine, Action::MigrateCold, &to_node_1);
    let counters = machine.migrations();
    let pages = 20 * MIB / PAGE_SZ;
    assert_eq!(counters.asked_pages, 32 * MIB / PAGE_SZ);
    assert_eq!(counters.there_pages, 12 * MIB / PAGE_SZ);
    assert_eq!(counters.migrated_pages + counters.busy_pages, pages);
    assert!((pages / 5..pages * 3 / 10).contains(&counters.busy_pages), "{counters:?}");
    assert_eq!((applied.passed, applied.bytes), (32 * MIB, counters.migrated_pages * PAGE_SZ));
    // 1.1 us each; looking at all of them took 40 ns each.
    let looks = (24 * MIB / PAGE_SZ + 4) * 40;
    assert_eq!(applied.elapsed_ns, counters.migrated_pages * 1_100 + looks);
    // Meanwhile it takes bandwidth: 3.7 GB/s of the node's 26.
    machine.advance(machine.now_ns() + S / 20);
    let traffic = machine.traffic(1);
    let moved = (counters.migrated_pages * PAGE_SZ) as f64;
    assert!((traffic.migration_bytes_hz * 0.05 / moved - 1.0).abs() < 1e-6, "{traffic:?}");
    machine.advance(machine.now_ns() + S / 20);
    assert_eq!(machine.traffic(1).migration_bytes_hz, 0.0);
}

#[test]
fn a_huge_page_moves_whole_at_the_pace_of_the_slower_node() {
    let mut machine = usual();
    // One page of it is asked for.
    let range = Range { start: NODE_1, end: NODE_1 + PAGE_SZ };
    let applied =
        apply(&mut machine, Action::MigrateHot, &Ask { range, target_nid: Some(0), ..PHYSICAL });
    assert_eq!((applied.bytes, applied.elapsed_ns), (HUGE_SZ, 197_000 + 40));
    assert_eq!(machine.read(&Gauge::Huge).unwrap().part, 8 * MIB);
    assert_eq!((used(&machine, 0), used(&machine, 1)), (22 * MIB, 10 * MIB));
}

#[test]
fn destinations_share_by_weight_and_passed_is_not_told() {
    let mut machine = usual();
    let destinations = [Destination { nid: 0, weight: 1 }, Destination { nid: 1, weight: 3 }];
    let ask = Ask { destinations: &destinations, ..of(&machine, 1, 0) };
    let applied = apply(&mut machine, Action::MigrateHot, &ask);
    assert_eq!((applied.bytes, applied.passed), (6 * MIB, 0));
    assert_eq!((used(&machine, 0), used(&machine, 1)), (14 * MIB, 18 * MIB));
    let nothing = [Destination { nid: 1, weight: 0 }];
    let ask = Ask { destinations: &nothing, ..of(&machine, 1, 0) };
    assert_eq!(apply(&mut machine, Action::MigrateHot, &ask).bytes, 0);
}

#[test]
fn huge_pages_come_and_go_by_advice() {
    let mut machine = usual();
    let huge = |machine: &Machine| machine.read(&Gauge::Huge).unwrap().part;
    let ask = of(&machine, 1, 0);
    assert_eq!(apply(&mut machine, Action::HugePage, &ask).bytes, 8 * MIB);
    assert_eq!((huge(&machine), used(&machine, 0)), (16 * MIB, 20 * MIB));
    assert_eq!(apply(&mut machine, Action::NoHugePage, &ask).bytes, 8 * MIB);
    assert_eq!(huge(&machine), 8 * MIB);
    assert_eq!(apply(&mut machine, Action::Collapse, &ask).bytes, 0, "it was forbidden");
    apply(&mut machine, Action::HugePage, &ask);
    assert_eq!(apply(&mut machine, Action::Collapse, &ask).bytes, 8 * MIB);
    // Half on either node: all of it goes to the first.
    let file = of(&machine, 2, 0);
    assert_eq!(apply(&mut machine, Action::Collapse, &file).bytes, 8 * MIB);
    assert_eq!((huge(&machine), used(&machine, 1)), (24 * MIB, 8 * MIB));
}

#[test]
fn below_its_watermark_a_node_gives_nothing() {
    let mut config = config(MigrationConfig::default());
    config.nodes[0].reserve_bytes = BLOCK - 21 * MIB;
    let mut machine = Machine::new(config).unwrap();
    // 1 MiB is left: no huge page can be made, and a page or two can come.
    let ask = of(&machine, 1, 0);
    assert_eq!(apply(&mut machine, Action::Collapse, &ask).bytes, 0);
    assert_eq!(machine.read(&Gauge::Huge).unwrap().part, 8 * MIB);
    let to_node_0 = Ask { target_nid: Some(0), ..PHYSICAL };
    assert_eq!(apply(&mut machine, Action::MigrateHot, &to_node_0).bytes, MIB);
    assert_eq!(machine.migrations().full_pages, 11 * MIB / PAGE_SZ);
}

#[test]
fn advice_is_for_mapped_memory_and_looks_at_no_filter() {
    let mut machine = usual();
    let mut ask = of(&machine, 1, 0);
    let none = only(PageFilterKind::Memcg("/nobody".into()));
    ask.filters = &none;
    assert_eq!(apply(&mut machine, Action::Cold, &ask).bytes, 8 * MIB);
    assert_eq!(apply(&mut machine, Action::PageOut, &ask).bytes, 8 * MIB);
    assert_eq!(used(&machine, 0), 12 * MIB);
    // A page beyond its end: what is mapped is served, but it is no success.
    let mut ask = of(&machine, 1, 1);
    ask.range.end += PAGE_SZ;
    assert_eq!(apply(&mut machine, Action::PageOut, &ask).bytes, 0);
    assert_eq!(used(&machine, 1), 4 * MIB);
    ask.tgid = Some(3);
    assert_eq!(apply(&mut machine, Action::PageOut, &ask), Applied::default());
    // Program text is mapped, though nothing is in it; there is nothing to collapse.
    let text = machine.mappings(1).unwrap()[0];
    for (action, tgid, bytes) in [
        (Action::WillNeed, 1, text.size()),
        (Action::PageOut, 1, text.size()),
        (Action::NoHugePage, 1, text.size()),
        (Action::Collapse, 1, 0),
        (Action::PageOut, 3, 0),
    ] {
        let ask = Ask { tgid: Some(tgid), range: text, ..PHYSICAL };
        assert_eq!(apply(&mut machine, action, &ask).bytes, bytes, "{action:?} {tgid}");
    }
}

#[test]
fn a_set_does_nothing_for_actions_it_does_not_know() {
    let mut machine = usual();
    let before = machine.read(&Gauge::Free);
    for action in Action::ALL {
        if !action.is_known_to(damon_core::OpsId::Paddr) {
            assert_eq!(apply(&mut machine, action, &PHYSICAL), Applied::default());
        }
        if !action.is_known_to(damon_core::OpsId::Vaddr) {
            let ask = of(&machine, 1, 0);
            assert_eq!(apply(&mut machine, action, &ask), Applied::default());
        }
    }
    assert_eq!(machine.read(&Gauge::Free), before);
}

#[test]
fn looking_at_accessed_bits_is_paid_by_each_cpu_in_turn_unless_one_has_nothing_to_run() {
    let addresses: Vec<u64> = (0..10).map(|page| page * PAGE_SZ).collect();
    let paid = |mut machine: Machine| {
        for checked in 1..=3 {
            machine.prepare_access_checks(None, &addresses);
            machine.check_accesses(None, &addresses, &mut [false; 10]);
            // 650 ns each, `samplers.md` 5.3.
            let counters = machine.access_checks();
            assert_eq!((counters.checked, counters.overhead_ns), (checked * 10, checked * 6_500));
        }
        overheads_ns(&machine)
    };
    assert_eq!(paid(usual()), [6_500, 13_000]);
    let config = config(MigrationConfig::default());
    let idle = MachineConfig { processor: Processor::zen5(3), ..config.clone() };
    assert_eq!(paid(Machine::new(idle).unwrap()), [0, 0]);
    // One that is away has nothing to run either, but runs nothing.
    let mut two_cpus = config.clone();
    two_cpus.workload.processes[1].cpus = Some(1..3);
    let away = CpuChange { at_ns: S, cpus: 2..3, online: false };
    let away = MachineConfig { processor: Processor::zen5(3), hotplug: vec![away], ..two_cpus };
    let mut machine = Machine::new(away).unwrap();
    machine.advance(2 * S);
    assert_eq!(paid(machine), [6_500, 13_000]);
}

/// By process.
fn overheads_ns(machine: &Machine) -> Vec<u64> {
    machine.throughput().processes.iter().map(|process| process.overhead_ns).collect()
}

#[test]
fn who_touches_pages_on_their_way_waits_for_them_and_pays_for_it() {
    let waited = |machine: &mut Machine, bytes, tgid, area, nid| {
        let before = machine.migrations().waited_ns;
        let ask = Ask { target_nid: Some(nid), ..of(machine, tgid, area) };
        assert_eq!(apply(machine, Action::MigrateCold, &ask).bytes, bytes);
        machine.advance(machine.now_ns() + S);
        machine.migrations().waited_ns - before
    };
    let mut machine = usual();
    assert_eq!(waited(&mut machine, 8 * MIB, 1, 1, 0), 0, "nobody touches the huge pages");
    // Of 8 MiB in batches of 2 MiB one batch is touched all the time, by one CPU: away for half of
    // the 1.1 us that each of its pages takes.
    let away_ns = 2 * MIB / PAGE_SZ * 1_100 / 2;
    let hot = waited(&mut machine, 8 * MIB, 1, 0, 1);
    assert!((away_ns * 9 / 10..=away_ns).contains(&hot), "{hot} of {away_ns}");
    // The thread of the kernel runs on either CPU in turn; nobody waits for what another touches.
    let told = overheads_ns(&machine).iter().sum::<u64>();
    let looked = (4 + 8 * MIB / PAGE_SZ) * 40;
    assert_eq!(told, hot + looked + 4 * 197_000 + 8 * MIB / PAGE_SZ * 1_100);
}

#[test]
fn a_huge_page_is_away_for_as_long_as_it_moves() {
    let mut config = config(MigrationConfig::default());
    config.workload.processes[0].phases[0].lines[0].area = 1;
    let mut machine = Machine::new(config).unwrap();
    machine.advance(S);
    let ask = Ask { target_nid: Some(0), ..of(&machine, 1, 1) };
    assert_eq!(apply(&mut machine, Action::MigrateHot, &ask).bytes, 8 * MIB);
    machine.advance(2 * S);
    // One of four is touched, all the time.
    let waited = machine.migrations().waited_ns;
    assert!((197_000 * 9 / 10..=197_000).contains(&waited), "{waited}");
}

#[test]
fn threads_of_the_kernel_cost_the_workload_nothing_where_a_cpu_is_idle() {
    let overhead = |cpus| {
        let config = config(MigrationConfig::default());
        let processor = Processor::zen5(cpus);
        let mut machine = Machine::new(MachineConfig { processor, ..config }).unwrap();
        machine.work_in_kernel(3_000);
        machine.advance(1_000);
        machine.advance(2_000);
        let before = overheads_ns(&machine);
        machine.advance(S);
        [before, overheads_ns(&machine)]
    };
    assert_eq!(overhead(2), [vec![1_000, 1_000], vec![1_000, 2_000]], "as time passes, in turn");
    assert_eq!(overhead(3), [vec![0, 0], vec![0, 0]]);
}

#[test]
fn a_page_that_moves_in_its_fault_costs_whoever_touched_it() {
    let mut machine = usual();
    let first = machine.folio_at_address(0).unwrap().page;
    assert_eq!(machine.move_page_by_fault(first, 1), Some(7_500));
    let huge = machine.folio_at_address(NODE_1).unwrap().page;
    assert_eq!(machine.move_page_by_fault(huge, 0), Some(263_000));
    machine.advance(machine.now_ns() + S);
    assert_eq!(overheads_ns(&machine), [270_500, 0]);
    assert_eq!(machine.migrations().waited_ns, 0, "others hardly ever wait for one page");
}
