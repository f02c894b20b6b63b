//! The machine as operations sets: physical addresses, and those of its processes.
//! `damon-core.md` 10 and 11.

use damon_core::Operations;
use damon_core::kdamond::{Probe, ProbeFilterKind};
use damon_core::ops::{Applied, Gauge, Job, LastApplied, NodeBytes, Reading};
use damon_core::region;
use damon_core::scheme::{PageFilterKind, PageFilters};

use crate::memory::Folio;
use crate::process::Process;
use crate::workload::Kind;
use crate::{Machine, PAGE_SZ};

/// Nanoseconds that an action takes per folio looked at: `samplers.md` 5.3.
pub(crate) const LOOK_NS: u64 = 40;
/// Nanoseconds that it takes to make a region's page old and to look at it: the middle of
/// `samplers.md` 5.3, 0.3 to 1 us.
const CHECK_NS: u64 = 650;

/// What looking at accessed bits took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessCheckCounters {
    /// Pages that were made old and looked at.
    pub checked: u64,
    /// Nanoseconds that this took of a CPU.
    pub overhead_ns: u64,
}

impl Operations for Machine {
    fn apply(&mut self, job: &Job<'_>, last: &mut LastApplied) -> Applied {
        let applied = match job.tgid {
            None => self.apply_physical(job, last),
            Some(tgid) => self.apply_virtual(tgid, job, last),
        };
        self.end_batch();
        self.work_in_kernel(applied.elapsed_ns);
        applied
    }

    fn bytes_on_node(&self, range: region::Range, nid: u32) -> NodeBytes {
        let mut bytes = NodeBytes::default();
        let frames = &self.memory.frames;
        frames.count_used(frames.within(range.start, range.end), |node, frames| {
            bytes.total += frames * PAGE_SZ;
            if node == nid {
                bytes.on_node += frames * PAGE_SZ;
            }
        });
        bytes
    }

    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]) {
        for &address in addresses {
            if let Some(folio) = self.folio(tgid, address) {
                self.memory.make_old(folio, self.now_ns);
            }
        }
    }

    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]) {
        for (&address, accessed) in addresses.iter().zip(accessed) {
            *accessed = self.folio(tgid, address).is_some_and(|folio| self.is_young(folio));
        }
        self.pay_for_checks(addresses.len() as u64);
    }

    fn can_probe(&self) -> bool {
        true
    }

    fn probe(&self, tgid: Option<u32>, addresses: &[u64], probes: &[Probe], passed: &mut [u8]) {
        for (&address, passed) in addresses.iter().zip(passed) {
            let folio = self.folio(tgid, address);
            for (i, probe) in probes.iter().enumerate() {
                let passes = probe.passes(|kind| folio.is_some_and(|folio| self.is(folio, kind)));
                *passed |= u8::from(passes) << i;
            }
        }
    }

    fn is_target_valid(&self, tgid: u32) -> bool {
        self.tgids().any(|own| own == tgid)
    }

    fn mappings(&self, tgid: u32) -> Option<Vec<region::Range>> {
        self.mappings_of(tgid)
    }

    fn read(&self, gauge: &Gauge) -> Option<Reading> {
        let memory = &self.memory;
        let nodes = memory.nodes.iter();
        let all: u64 = nodes.map(|(_, node)| node.bytes).sum();
        let used = memory.used_bytes();
        Some(match gauge {
            Gauge::NodeUsed { nid } => {
                let part = memory.frames.node_used(*nid) * PAGE_SZ;
                Reading { part, total: memory.nodes.get(*nid)?.bytes }
            }
            Gauge::NodeMemcgUsed { nid, memcg } => {
                let total = memory.nodes.get(*nid)?.bytes;
                let mut members = self.members(memcg).peekable();
                members.peek()?;
                let areas = members.flat_map(|process| process.areas.clone());
                Reading { part: areas.map(|area| memory.resident_bytes(area, *nid)).sum(), total }
            }
            Gauge::Active => Reading { part: memory.active_bytes(), total: used },
            Gauge::Huge => Reading { part: memory.huge_bytes(), total: used },
            Gauge::Free => Reading { part: all - used, total: all },
            Gauge::SomeMemoryStall => {
                Reading { part: self.faults.stalled_ns() / 1_000, total: self.now_ns / 1_000 }
            }
        })
    }
}

/// A control group's path without the slashes around it.
fn name_of(memcg: &str) -> &str {
    memcg.trim_matches('/')
}

impl Machine {
    /// The monitor's thread looked at so many pages.
    fn pay_for_checks(&mut self, checked: u64) {
        let ns = checked * CHECK_NS;
        self.access_checks.checked += checked;
        self.access_checks.overhead_ns += ns;
        self.charge_kernel(ns);
    }

    /// What looking at accessed bits took so far.
    pub fn access_checks(&self) -> AccessCheckCounters {
        self.access_checks
    }

    /// Whether there is a control group of that path.
    pub fn has_memcg(&self, path: &str) -> bool {
        self.members(path).next().is_some()
    }

    /// The processes of a control group: the root has all; another its own and those below.
    fn members(&self, memcg: &str) -> impl Iterator<Item = &Process> {
        let group = name_of(memcg);
        self.processes.iter().filter(move |process| {
            let name = name_of(&process.memcg);
            let below = name.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'));
            group.is_empty() || name == group || below
        })
    }

    /// The folio in memory at an address.
    fn folio(&self, tgid: Option<u32>, address: u64) -> Option<Folio> {
        match tgid {
            None => self.folio_at(address),
            Some(tgid) => {
                let page = self.page_of(tgid, address)?;
                self.memory.frame_of(page).map(|_| self.memory.folio_of(page))
            }
        }
    }

    /// Whether a folio has an attribute.
    fn is(&self, folio: Folio, kind: &ProbeFilterKind) -> bool {
        let area = &self.memory.areas[self.memory.area_of(folio.page)];
        match kind {
            ProbeFilterKind::Anon => area.kind == Kind::Anon,
            ProbeFilterKind::Memcg(path) => {
                name_of(&self.processes[usize::from(area.process)].memcg) == name_of(path)
            }
            ProbeFilterKind::PageIdleSet => !self.is_young(folio),
            ProbeFilterKind::PageIdleUnset => self.is_young(folio),
            ProbeFilterKind::HugepageSize { min, max } => (*min..=*max).contains(&folio.bytes()),
        }
    }

    /// Whether a folio passes the filters. Asking whether it is young makes it old if it was.
    pub(crate) fn passes(&mut self, folio: Folio, filters: &PageFilters<'_>) -> bool {
        filters.pass(|kind| {
            let area = &self.memory.areas[self.memory.area_of(folio.page)];
            match kind {
                PageFilterKind::Anon => area.kind == Kind::Anon,
                PageFilterKind::Active => self.memory.is_active(folio),
                PageFilterKind::Memcg(path) => {
                    name_of(&self.processes[usize::from(area.process)].memcg) == name_of(path)
                }
                PageFilterKind::HugepageSize { min, max } => (*min..=*max).contains(&folio.bytes()),
                PageFilterKind::Unmapped => area.kind == Kind::PageCache,
                PageFilterKind::Young => {
                    let young = self.is_young(folio);
                    if young {
                        self.memory.make_old(folio, self.now_ns);
                    }
                    young
                }
            }
        })
    }
}
