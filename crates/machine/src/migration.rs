//! Moving memory: what it costs, what goes wrong, what it takes of the bandwidth.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::memory::Folio;
use crate::{HUGE_SZ, Machine, MachineError};

/// What it takes to move memory between nodes, and out and in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MigrationConfig {
    /// Nanoseconds to migrate a page of 4 KiB, in a batch; more if the nodes are slower.
    pub page_ns: u64,
    /// The same of 2 MiB.
    pub huge_page_ns: u64,
    /// Share of folios that are busy, locked or held, and stay where they are: 0..=1.
    pub busy_share: f64,
    /// Nanoseconds to page out 4 KiB.
    pub page_out_ns: u64,
    /// Nanoseconds that an access waits for a page that is paged out.
    pub fault_ns: u64,
}

impl Default for MigrationConfig {
    /// EPYC, one thread (`samplers.md` 7.5): 1.1 us and 197 us. Paging is ours: an NVMe disk.
    fn default() -> Self {
        Self {
            page_ns: 1_100,
            huge_page_ns: 197_000,
            busy_share: 0.0,
            page_out_ns: 2_000,
            fault_ns: 100_000,
        }
    }
}

impl MigrationConfig {
    pub(crate) fn check(&self) -> Result<(), MachineError> {
        const NS_MAX: u64 = 10_000_000_000;
        for (field, ns) in [
            ("pageNs", self.page_ns),
            ("hugePageNs", self.huge_page_ns),
            ("pageOutNs", self.page_out_ns),
            ("faultNs", self.fault_ns),
        ] {
            if ns > NS_MAX {
                let path = format!("migration.{field}");
                return Err(MachineError::refusal(path, "at most 10 s", ns));
            }
        }
        if !(0.0..=1.0).contains(&self.busy_share) {
            let path = "migration.busyShare";
            return Err(MachineError::refusal(path, "a share from 0 to 1", self.busy_share));
        }
        Ok(())
    }
}

/// Pages that were, or were not, moved. Two equations hold:
/// `asked = migrated + there + busy + full + nowhere`, and
/// `paged out = returned + out now` (see [`Machine::out_pages`](crate::Machine::out_pages)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MigrationCounters {
    /// Pages that were to be on a node.
    pub asked_pages: u64,
    /// Pages moved there.
    pub migrated_pages: u64,
    /// Pages that were there already.
    pub there_pages: u64,
    /// Pages left where they were because somebody held them.
    pub busy_pages: u64,
    /// Pages left where they were because the node was full.
    pub full_pages: u64,
    /// Pages left where they were because there is no such node.
    pub nowhere_pages: u64,
    /// Pages paged out.
    pub paged_out_pages: u64,
    /// Pages read in again, missed or wanted.
    pub returned_pages: u64,
    /// Faults that found no room on any node and had to be tried again.
    pub faults_without_room: u64,
}

impl MigrationCounters {
    /// Pages left where they were, for any reason.
    pub fn failed_pages(&self) -> u64 {
        self.busy_pages + self.full_pages + self.nowhere_pages
    }
}

/// The migration in progress.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) config: MigrationConfig,
    pub(crate) counters: MigrationCounters,
    random: Xoshiro256PlusPlus,
    /// Time that what was moved so far still takes.
    left_ns: u64,
    /// Bytes that pass from or to each node in that time.
    left_bytes: Vec<f64>,
    /// Bytes that passed from or to each node since somebody asked.
    passed_bytes: Vec<f64>,
}

impl Migration {
    pub(crate) fn new(config: MigrationConfig, seed: u64, nodes: usize) -> Self {
        Self {
            config,
            counters: MigrationCounters::default(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6d69_6772_6174_6521),
            left_ns: 0,
            left_bytes: vec![0.0; nodes],
            passed_bytes: vec![0.0; nodes],
        }
    }

    /// Bytes that passed from or to each node since the last call.
    pub(crate) fn take_passed(&mut self) -> impl Iterator<Item = f64> {
        self.passed_bytes.iter_mut().map(std::mem::take)
    }

    fn is_busy(&mut self) -> bool {
        let share = self.config.busy_share;
        share > 0.0 && f64::from(self.random.next_u32()) < share * 4_294_967_296.0
    }
}

impl Machine {
    /// Moves a folio to a node and to no other. Returns how long it took; none if it did not move.
    pub(crate) fn migrate(&mut self, folio: Folio, nid: u32) -> Option<u64> {
        let Self { memory, migration, performance, .. } = self;
        let Migration { config, .. } = *migration;
        let pages = u64::from(folio.pages);
        let from = memory.node_of(folio.page)?;
        migration.counters.asked_pages += pages;
        if from == nid {
            migration.counters.there_pages += pages;
            return None;
        }
        let Some(target) = memory.nodes.get(nid) else {
            migration.counters.nowhere_pages += pages;
            return None;
        };
        let bandwidth_hz = target.timing.bandwidth_hz;
        let bandwidth_hz = memory
            .nodes
            .get(from)
            .map_or(bandwidth_hz, |node| node.timing.bandwidth_hz.min(bandwidth_hz));
        if migration.is_busy() {
            migration.counters.busy_pages += pages;
            return None;
        }
        let Some(frame) = memory.allocate(folio.pages, nid) else {
            migration.counters.full_pages += pages;
            return None;
        };
        memory.relocate(folio, frame);
        performance.places_changed();
        migration.counters.migrated_pages += pages;
        let bytes = folio.bytes();
        let own_ns = if bytes == HUGE_SZ { config.huge_page_ns } else { config.page_ns };
        // Never faster than the slower of the two nodes.
        let elapsed_ns = own_ns.max((bytes as f64 / bandwidth_hz * 1e9) as u64);
        migration.left_ns = migration.left_ns.saturating_add(elapsed_ns);
        for nid in [from, nid] {
            migration.left_bytes[nid as usize] += bytes as f64;
        }
        Some(elapsed_ns)
    }

    /// What was moved takes its time, and the nodes' bandwidth meanwhile.
    pub(crate) fn migrate_on(&mut self, elapsed_ns: u64) {
        let Migration { left_ns, left_bytes, passed_bytes, .. } = &mut self.migration;
        if *left_ns == 0 {
            return;
        }
        let passed_ns = elapsed_ns.min(*left_ns);
        let share = passed_ns as f64 / *left_ns as f64;
        for (left, passed) in left_bytes.iter_mut().zip(passed_bytes) {
            *passed += *left * share;
            *left -= *left * share;
        }
        *left_ns -= passed_ns;
    }

    /// Pages moved, or not, so far.
    pub fn migrations(&self) -> MigrationCounters {
        self.migration.counters
    }
}
