//! Moving memory: what it costs, what goes wrong, what it takes of the bandwidth.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::memory::Folio;
use crate::node::Nodes;
use crate::waits::Waits;
use crate::{HUGE_SZ, Machine, MachineError, PAGE_SZ};

/// What it takes to move memory between nodes, and out and in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MigrationConfig {
    /// Nanoseconds to migrate a page of 4 KiB, in a batch; more if the nodes are slower.
    pub page_ns: u64,
    /// The same of 2 MiB.
    pub huge_page_ns: u64,
    /// Nanoseconds to migrate a page of 4 KiB alone, as the thread does that touched it.
    pub single_page_ns: u64,
    /// The same of 2 MiB.
    pub single_huge_page_ns: u64,
    /// Share of folios that are busy, locked or held, and stay where they are: 0..=1.
    pub busy_share: f64,
    /// Nanoseconds to page out 4 KiB.
    pub page_out_ns: u64,
    /// Nanoseconds that an access waits for a page that is paged out.
    pub fault_ns: u64,
}

impl Default for MigrationConfig {
    /// EPYC, one thread (`samplers.md` 7.5): 1.1 us and 197 us in a batch, alone the middle of 5 to 10 us,
    /// and 263 us. Paging is ours: an NVMe disk.
    fn default() -> Self {
        Self {
            page_ns: 1_100,
            huge_page_ns: 197_000,
            single_page_ns: 7_500,
            single_huge_page_ns: 263_000,
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
            ("singlePageNs", self.single_page_ns),
            ("singleHugePageNs", self.single_huge_page_ns),
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
    /// CPU nanoseconds that threads waited for pages that were on their way to another node.
    pub waited_ns: u64,
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
    pub(crate) waits: Waits,
}

impl Migration {
    pub(crate) fn new(config: MigrationConfig, seed: u64, nodes: usize, processes: usize) -> Self {
        Self {
            config,
            counters: MigrationCounters::default(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x6d69_6772_6174_6521),
            left_ns: 0,
            left_bytes: vec![0.0; nodes],
            passed_bytes: vec![0.0; nodes],
            waits: Waits::new(processes),
        }
    }

    /// Bytes that passed from or to each node since the last call.
    pub(crate) fn take_passed(&mut self) -> impl Iterator<Item = f64> {
        self.passed_bytes.iter_mut().map(std::mem::take)
    }

    /// Folios of so many bytes were moved from one node to another, by so many threads: how long one
    /// folio takes.
    fn moved(&mut self, nodes: &Nodes, bytes: u64, folios: u64, between: [u32; 2], by: By) -> u64 {
        self.counters.migrated_pages += folios * (bytes / PAGE_SZ);
        let config = &self.config;
        let (own_ns, threads) = match (by, bytes == HUGE_SZ) {
            (By::Batch, false) => (config.page_ns, 1),
            (By::Batch, true) => (config.huge_page_ns, 1),
            (By::Faults { threads }, false) => (config.single_page_ns, threads),
            (By::Faults { threads }, true) => (config.single_huge_page_ns, threads),
        };
        // Never faster than the slower of the two nodes.
        let bandwidths_hz = between
            .map(|nid| nodes.get(nid).map_or(f64::INFINITY, |node| node.timing.bandwidth_hz));
        let bandwidth_hz = bandwidths_hz[0].min(bandwidths_hz[1]);
        let elapsed_ns = own_ns.max((bytes as f64 / bandwidth_hz * 1e9) as u64);
        self.left_ns = self.left_ns.saturating_add(elapsed_ns.saturating_mul(folios) / threads);
        for nid in between {
            self.left_bytes[nid as usize] += (bytes * folios) as f64;
        }
        elapsed_ns
    }

    fn is_busy(&mut self) -> bool {
        let share = self.config.busy_share;
        share > 0.0 && f64::from(self.random.next_u32()) < share * 4_294_967_296.0
    }
}

/// Who moves.
#[derive(Clone, Copy, Debug)]
enum By {
    /// A thread of the kernel, many at a time.
    Batch,
    /// Threads that touched what moves, each alone.
    Faults { threads: u64 },
}

impl Machine {
    /// Moves a folio to a node and to no other, in a batch that [ends](Self::end_batch) later. Returns
    /// how long it took; none if it did not move.
    pub(crate) fn migrate(&mut self, folio: Folio, nid: u32) -> Option<u64> {
        let elapsed_ns = self.migrate_by(folio, nid, By::Batch)?;
        match folio.pages {
            1 => self.set_out(&[folio.page], elapsed_ns),
            _ => self.set_out_huge(folio, elapsed_ns),
        }
        Some(elapsed_ns)
    }

    /// Moves the folio of a page by the thread that touched it, which pays; the others hardly ever wait
    /// for one folio. Returns as [`move_page`](Self::move_page).
    pub fn move_page_by_fault(&mut self, page: u32, nid: u32) -> Option<u64> {
        let process = usize::from(self.memory.areas[self.memory.area_of(page)].process);
        let threads = self.processes[process].online.into();
        let folio = self.memory.folio_of(page);
        let elapsed_ns = self.migrate_by(folio, nid, By::Faults { threads })?;
        self.charged_ns[process] += elapsed_ns;
        Some(elapsed_ns)
    }

    fn migrate_by(&mut self, folio: Folio, nid: u32, by: By) -> Option<u64> {
        let Self { memory, migration, performance, .. } = self;
        let pages = u64::from(folio.pages);
        let from = memory.node_of(folio.page)?;
        migration.counters.asked_pages += pages;
        if from == nid {
            migration.counters.there_pages += pages;
            return None;
        }
        if memory.nodes.get(nid).is_none() {
            migration.counters.nowhere_pages += pages;
            return None;
        }
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
        Some(migration.moved(&memory.nodes, folio.bytes(), 1, [from, nid], by))
    }

    /// Moves folios, ascending by where they lie, to a node and to no other. Returns the bytes moved,
    /// and how long it took.
    pub(crate) fn migrate_all(&mut self, folios: &[Folio], nid: u32) -> (u64, u64) {
        let mut pages = std::mem::take(&mut self.isolated_pages);
        let moved = folios.chunk_by(|a, b| a.pages == b.pages).map(|alike| {
            if alike[0].pages > 1 {
                return self.migrate_each(alike.iter().copied(), nid);
            }
            pages.clear();
            pages.extend(alike.iter().map(|folio| folio.page));
            self.migrate_pages(&pages, nid)
        });
        let sum = sum(moved);
        pages.clear();
        self.isolated_pages = pages;
        sum
    }

    /// The same of pages that are folios.
    pub(crate) fn migrate_pages(&mut self, pages: &[u32], nid: u32) -> (u64, u64) {
        let mut rest = pages;
        sum(std::iter::from_fn(|| {
            let from = self.memory.node_of(*rest.first()?)?;
            let alike = rest.partition_point(|&page| self.memory.node_of(page) == Some(from));
            let (alike, others) = rest.split_at(alike);
            rest = others;
            Some(self.migrate_alike(alike, from, nid))
        }))
    }

    /// The same of those that lie on one node.
    fn migrate_alike(&mut self, pages: &[u32], from: u32, nid: u32) -> (u64, u64) {
        let Self { memory, migration, performance, .. } = self;
        // Where each is counted otherwise, or may be.
        if from == nid || memory.nodes.get(nid).is_none() || migration.config.busy_share > 0.0 {
            return self.migrate_each(pages.iter().map(|&page| Folio { page, pages: 1 }), nid);
        }
        let moved = memory.relocate_pages(pages, from, nid) as u64;
        migration.counters.asked_pages += pages.len() as u64;
        migration.counters.full_pages += pages.len() as u64 - moved;
        if moved == 0 {
            return (0, 0);
        }
        performance.places_changed();
        let page_ns = migration.moved(&memory.nodes, PAGE_SZ, moved, [from, nid], By::Batch);
        self.set_out(&pages[..moved as usize], page_ns);
        (moved * PAGE_SZ, page_ns.saturating_mul(moved))
    }

    fn migrate_each(&mut self, folios: impl Iterator<Item = Folio>, nid: u32) -> (u64, u64) {
        sum(folios.filter_map(|folio| Some((folio.bytes(), self.migrate(folio, nid)?))))
    }

    /// What was moved takes its time, and the nodes' bandwidth meanwhile.
    pub(crate) fn migrate_on(&mut self, elapsed_ns: u64) {
        let Migration { left_ns, left_bytes, passed_bytes, waits, counters, .. } =
            &mut self.migration;
        if *left_ns == 0 {
            return;
        }
        let passed_ns = elapsed_ns.min(*left_ns);
        let share = passed_ns as f64 / *left_ns as f64;
        for (left, passed) in left_bytes.iter_mut().zip(passed_bytes) {
            *passed += *left * share;
            *left -= *left * share;
        }
        for (left, charged_ns) in waits.left_ns.iter_mut().zip(&mut self.charged_ns) {
            let passed_ns = (*left * share) as u64;
            *left -= passed_ns as f64;
            *charged_ns += passed_ns;
            counters.waited_ns += passed_ns;
        }
        *left_ns -= passed_ns;
    }

    /// Pages moved, or not, so far.
    pub fn migrations(&self) -> MigrationCounters {
        self.migration.counters
    }
}

/// Bytes, and how long they took.
fn sum(moved: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    moved.fold((0, 0), |(bytes, ns), (more, took_ns)| (bytes + more, ns.saturating_add(took_ns)))
}
