//! Policies on a small machine: 256 MiB of DRAM beside 1 GiB of CXL, 768 MiB in use, an eighth of it
//! hot and all of that on CXL at first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;

use damon_machine::{HotSet, Interleave, Machine, MachineConfig, NodeConfig, PAGE_SZ, Processor};
use damon_policy::{
    DemotionConfig, OracleConfig, PghotConfig, Policy, PolicyConfig, PolicyError, Promotion,
};
use damon_ring::LanesOptions;
use damon_sampler::{HintFaultsConfig, IbsOpConfig, Sampler, SamplerConfig};

const MIB: u64 = 1 << 20;
const TICK_NS: u64 = 5_000_000;
fn slots() -> LanesOptions {
    LanesOptions { slots: 4096, ..LanesOptions::default() }
}

fn ibs() -> SamplerConfig {
    SamplerConfig::IbsOp(IbsOpConfig::default())
}

fn hint_faults() -> HintFaultsConfig {
    HintFaultsConfig {
        scan_bytes: 256 * MIB,
        scan_period_ns: 1_000_000_000,
        start_delay_ns: 0,
        nodes: vec![1],
        hot_threshold_ns: 1_000_000_000,
        rate_limit_bytes_hz: 65_536 * MIB,
        physical: true,
        fault_ns: 1_500,
        scan_entry_ns: 7,
        seed: 1,
    }
}

/// The hot pages are the last ones placed: DRAM is filled by cold ones.
fn machine(hot_share: f64) -> Machine {
    let nodes = vec![NodeConfig::dram(0, 256 * MIB), NodeConfig::dram(256 * MIB, 1024 * MIB)];
    let pages = (768 * MIB / PAGE_SZ) as u32;
    let workload = HotSet { pages, hot_pages: pages / 8, hot_share, store_share: 0.3, tgid: 1 };
    let placed = workload.placed(Interleave { weights: vec![(0, 0), (1, 1)] });
    Machine::new(MachineConfig::new(nodes, Processor::zen5(4), placed)).unwrap()
}

fn policy(promotion: Promotion) -> PolicyConfig {
    let demotion = DemotionConfig { low_bytes: 8 * MIB, high_bytes: 16 * MIB };
    PolicyConfig { fast_nid: 0, slow_nid: 1, promotion, demotion }
}

struct Run {
    machine: Arc<Machine>,
    sampler: Sampler,
    policy: Policy,
}

impl Run {
    fn new(sampler: &SamplerConfig, promotion: Promotion) -> Self {
        let machine = machine(0.9);
        let mut sampler = Sampler::new(sampler, &machine, 0, 1).unwrap();
        let policy = Policy::new(&policy(promotion), &machine, slots()).unwrap();
        sampler.attach((0..sampler.shape().lanes).map(|_| policy.add_lane().unwrap()).collect());
        Self { machine: Arc::new(machine), sampler, policy }
    }

    fn run(&mut self, seconds: u64) {
        let end_ns = self.machine.now_ns() + seconds * 1_000_000_000;
        while self.machine.now_ns() < end_ns {
            let until_ns = self.machine.now_ns() + TICK_NS;
            self.sampler.follow(&self.machine, until_ns);
            self.sampler.report(&self.machine);
            let machine = Arc::get_mut(&mut self.machine).unwrap();
            self.sampler.charge(machine);
            machine.advance(until_ns);
            self.policy.run(machine);
        }
    }

    /// Share of the hot set that is on the fast node.
    fn hot_share(&self) -> f64 {
        let bytes = self.machine.hot_bytes_by_node();
        bytes[0] as f64 / bytes.iter().sum::<u64>() as f64
    }

    fn check_books(&self) {
        let counters = self.policy.counters();
        let lanes = self.policy.lane_counters();
        assert_eq!(lanes.offered(), self.sampler.counters().reported);
        assert_eq!(lanes.queued, counters.reports + lanes.pending());
        assert_eq!(counters.reports, counters.elsewhere + counters.noted);
        assert_eq!(counters.wanted_pages, counters.moved_pages + counters.kept_pages);
        let moved = counters.moved_pages + counters.reclaimed_pages;
        assert_eq!(counters.promoted_pages + counters.demoted_pages, moved);
        assert_eq!(self.machine.migrations().migrated_pages, moved);
        // All CPUs are busy, so the workload has paid for all of it, but for work that goes on.
        let waited_ns = self.machine.migrations().waited_ns;
        let cost_ns = self.sampler.counters().overhead_ns + counters.busy_ns + waited_ns;
        let paid_ns = self.machine.throughput().processes[0].overhead_ns;
        assert!((cost_ns - 10_000_000..=cost_ns).contains(&paid_ns), "{paid_ns} of {cost_ns}");
    }
}

#[test]
fn hot_page_tracking_finds_the_hot_set_by_samples() {
    let mut run = Run::new(&ibs(), Promotion::Pghot(PghotConfig::DEFAULT));
    assert_eq!(run.hot_share(), 0.0);
    run.run(30);
    let share = run.hot_share();
    assert!(share > 0.9, "{share}");
    assert!(run.policy.counters().busy_ns > 0);
    run.check_books();
}

#[test]
fn numa_balancing_promotes_what_faults_soon() {
    let faults = SamplerConfig::HintFaults(hint_faults());
    let mut run = Run::new(&faults, Promotion::NumaBalancing);
    run.run(30);
    let share = run.hot_share();
    assert!(share > 0.9, "{share}");
    run.check_books();
}

#[test]
fn the_seer_has_the_whole_hot_set_at_once_and_then_moves_nothing() {
    let oracle = OracleConfig { share: 1.0, interval_ns: 1_000_000_000, reserve_bytes: 0 };
    let mut run = Run::new(&ibs(), Promotion::Oracle(oracle));
    run.run(1);
    assert_eq!(run.hot_share(), 1.0);
    let moved = run.policy.counters().moved_pages;
    run.run(5);
    assert_eq!(run.policy.counters().moved_pages, moved);
    run.check_books();
}

#[test]
fn the_seer_holds_a_share_of_the_accesses_too() {
    let oracle = OracleConfig { share: 0.45, interval_ns: 1_000_000_000, reserve_bytes: 0 };
    let mut run = Run::new(&ibs(), Promotion::Oracle(oracle));
    run.run(3);
    // Half of the hot set serves 0.45 of the accesses.
    assert!((run.hot_share() - 0.5).abs() < 1e-4, "{}", run.hot_share());
}

#[test]
fn when_the_fast_node_fills_what_was_not_accessed_makes_room() {
    // Everything is promoted on sight, cold pages too, and DRAM holds a third of it.
    let eager = PghotConfig { threshold: 1, ..PghotConfig::DEFAULT };
    let mut run = Run::new(&ibs(), Promotion::Pghot(eager));
    run.run(60);
    let counters = run.policy.counters();
    assert!(counters.reclaimed_pages > 0, "{counters:?}");
    assert!(counters.looked_folios > counters.reclaimed_pages, "{counters:?}");
    assert!(run.hot_share() > 0.8, "{}", run.hot_share());
    run.check_books();
}

#[test]
fn the_same_seed_moves_the_same_pages() {
    let run = || {
        let mut run = Run::new(&ibs(), Promotion::Pghot(PghotConfig::DEFAULT));
        run.run(3);
        (run.policy.counters(), run.machine.migrations())
    };
    assert_eq!(run(), run());
}

/// 128 MiB of DRAM beside 128 MiB: 124 MiB in use, all of it on DRAM and accessed all the time, 31 MiB
/// of it 297 times as often as the rest. Nothing is promoted.
fn under_pressure(high_bytes: u64) -> (Machine, Policy) {
    let nodes = vec![NodeConfig::dram(0, 128 * MIB), NodeConfig::dram(128 * MIB, 128 * MIB)];
    let pages = (124 * MIB / PAGE_SZ) as u32;
    let (hot_pages, hot_share) = (pages / 4, 0.99);
    let workload = HotSet { pages, hot_pages, hot_share, store_share: 0.3, tgid: 1 };
    let placed = workload.placed(Interleave { weights: vec![(0, 1)] });
    let config = MachineConfig::new(nodes, Processor::zen5(1), placed);
    let machine = Machine::new(config).unwrap();
    let config = PolicyConfig {
        demotion: DemotionConfig { low_bytes: 8 * MIB, high_bytes },
        ..policy(Promotion::Pghot(PghotConfig::DEFAULT))
    };
    let policy = Policy::new(&config, &machine, slots()).unwrap();
    (machine, policy)
}

fn run_for(machine: &mut Machine, policy: &mut Policy, ticks: u64) {
    for _ in 0..ticks {
        machine.advance(machine.now_ns() + TICK_NS);
        policy.run(machine);
    }
}

#[test]
fn where_every_page_is_accessed_all_the_time_the_hot_ones_stay() {
    let (mut machine, mut policy) = under_pressure(64 * MIB);
    run_for(&mut machine, &mut policy, 400);
    assert!(machine.free_bytes(0) >= 64 * MIB);
    let hot = machine.hot_bytes_by_node();
    assert!(hot[0] >= 30 * MIB, "{hot:?}");
    // It took time: at most what passed, but for the last folio.
    let counters = policy.counters();
    assert!(counters.busy_ns <= machine.now_ns() + 10_000, "{counters:?}");
    assert!(counters.looked_folios > counters.reclaimed_pages, "{counters:?}");
}

#[test]
fn reclaim_works_from_the_low_watermark_to_the_high_one() {
    let (mut machine, mut policy) = under_pressure(16 * MIB);
    // What becomes inactive in a run is not judged in the same.
    run_for(&mut machine, &mut policy, 1);
    assert_eq!(policy.counters().reclaimed_pages, 0);
    assert!(policy.counters().looked_folios > 0);
    run_for(&mut machine, &mut policy, 400);
    assert_eq!(policy.counters().reclaimed_pages * PAGE_SZ, 12 * MIB);
    let counters = policy.counters();
    run_for(&mut machine, &mut policy, 100);
    assert_eq!(policy.counters(), counters, "asleep");
}

#[test]
fn what_finds_no_room_above_the_low_watermark_is_not_promoted_and_wakes_reclaim() {
    let mut run = Run::new(&SamplerConfig::HintFaults(hint_faults()), Promotion::NumaBalancing);
    run.run(1);
    let counters = run.policy.counters();
    // The first scan's faults come at once, and DRAM was empty.
    assert_eq!(counters.promoted_pages * PAGE_SZ, 248 * MIB);
    assert_eq!(counters.kept_pages, counters.wanted_pages - counters.promoted_pages);
    // Never below the low watermark, and yet reclaim made it the high one.
    assert_eq!(run.machine.free_bytes(0), 16 * MIB);
    run.check_books();
}

fn refusal(config: &PolicyConfig) -> PolicyError {
    Policy::new(config, &machine(0.9), slots()).err().unwrap()
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    let refused = |change: fn(&mut PolicyConfig)| -> PolicyError {
        let mut config = policy(Promotion::Pghot(PghotConfig::DEFAULT));
        change(&mut config);
        refusal(&config)
    };
    let pghot = |change: fn(&mut PghotConfig)| {
        let mut config = PghotConfig::DEFAULT;
        change(&mut config);
        let config = policy(Promotion::Pghot(config));
        refusal(&config).field
    };
    assert_eq!(
        refused(|config| config.fast_nid = 2).to_string(),
        "fastNid: expected a node below 2, got 2"
    );
    assert_eq!(refused(|config| config.slow_nid = 0).field, "slowNid");
    assert_eq!(refused(|config| config.demotion.high_bytes = 1).field, "demotion.highBytes");
    assert_eq!(
        refused(|config| config.demotion.high_bytes = 257 * MIB).field,
        "demotion.highBytes"
    );
    assert_eq!(pghot(|config| config.threshold = 0), "threshold");
    assert_eq!(pghot(|config| config.threshold = 8), "threshold");
    assert_eq!(pghot(|config| config.window_ns = 999_999_999), "windowNs");
    assert_eq!(pghot(|config| config.sleep_ns = 49_999_999), "sleepNs");
    assert_eq!(pghot(|config| config.rate_limit_bytes_hz = 4095), "rateLimitBytesHz");
    for (share, interval_ns, field) in
        [(0.0, 1, "share"), (1.1, 1, "share"), (1.0, 0, "intervalNs")]
    {
        let config = OracleConfig { share, interval_ns, reserve_bytes: 0 };
        let config = policy(Promotion::Oracle(config));
        assert_eq!(refusal(&config).field, field);
    }
}
