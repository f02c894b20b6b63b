//! Page placement by others than DAMON, on the same machine: what schemes are compared with.
//!
//! - [`Promotion`]: which pages go up: those of hint faults (`NumaBalancing`), those with samples
//!   enough (`Pghot`), or those that a seer knows to be hot (`Oracle`).
//! - `demotion`: which pages make room for them: the kernel's reclaim, by accessed bits.
//! - [`Policy`]: both at work, fed by a sampler through lanes of its own.
//!
//! A policy moves single pages when it likes; nothing here knows regions, schemes or goals. What it
//! looks at and moves takes time, which is counted, and which the workload pays: under NUMA balancing
//! the thread that faulted, else by what a thread of the kernel takes of it. Leaving pages where they were placed, as a
//! static interleave does, needs no policy.
//!
//! Sources: `hardware-sampling.md` 11 and `samplers.md` 6.

mod demotion;
mod oracle;
mod pghot;

use damon_machine::{Machine, PAGE_SZ};
use damon_ring::{LaneCounters, LaneError, Lanes, LanesOptions, Producer};
use thiserror::Error;

use demotion::Demotion;
pub use demotion::DemotionConfig;
pub use oracle::OracleConfig;
pub use pghot::PghotConfig;

/// Slots of the largest lane there is.
const SLOTS_MAX: u32 = 65_536;

/// Which pages are promoted.
#[derive(Clone, Debug, PartialEq)]
pub enum Promotion {
    /// Every page that the sampler reports, at once: NUMA hint faults that came soon enough, in the
    /// kernel's memory-tiering mode. The sampler holds threshold and rate limit.
    NumaBalancing,
    /// Pages with enough samples in a window: the kernel's proposed hot page tracking.
    Pghot(PghotConfig),
    /// The hottest pages, as the machine itself knows them.
    Oracle(OracleConfig),
}

/// Two tiers, and what moves pages between them.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyConfig {
    /// The node that pages are promoted to.
    pub fast_nid: u32,
    /// The node they are promoted from and demoted to.
    pub slow_nid: u32,
    /// What goes up.
    pub promotion: Promotion,
    /// What goes down.
    pub demotion: DemotionConfig,
}

/// Why a policy was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: expected {expected}, got {received}")]
pub struct PolicyError {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub received: String,
}

impl PolicyError {
    fn new(field: &'static str, expected: impl Into<String>, received: impl ToString) -> Self {
        Self { field, expected: expected.into(), received: received.to_string() }
    }
}

impl From<LaneError> for PolicyError {
    fn from(error: LaneError) -> Self {
        Self::new("laneSlots", "lanes that can be", error)
    }
}

/// What a policy did. `reports = elsewhere + noted`, where `noted` are those about pages of the slow
/// node; `wanted = moved + kept`, in pages, and `promoted + demoted = moved + reclaimed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyCounters {
    /// Reports taken from the lanes.
    pub reports: u64,
    /// Reports about memory that is not on the slow node, or not in use any more.
    pub elsewhere: u64,
    /// Reports about pages of the slow node.
    pub noted: u64,
    /// Pages that were to move.
    pub wanted_pages: u64,
    /// Pages of those that did.
    pub moved_pages: u64,
    /// Pages of those that stayed: busy, or without room where they were to go.
    pub kept_pages: u64,
    /// Pages that moved to the fast node.
    pub promoted_pages: u64,
    /// Pages that moved to the slow one.
    pub demoted_pages: u64,
    /// Pages of those that reclaim demoted to make room.
    pub reclaimed_pages: u64,
    /// Folios looked at to find those.
    pub looked_folios: u64,
    /// Nanoseconds that moving and looking took, of kernel threads; under NUMA balancing, promoting is
    /// work of the threads that faulted.
    pub busy_ns: u64,
}

/// A page that is to go elsewhere.
#[derive(Clone, Copy, Debug)]
struct Move {
    page: u32,
    to_nid: u32,
}

/// What decides.
#[derive(Debug)]
enum Decider {
    Reported,
    Pghot(pghot::Pghot),
    Oracle(oracle::Oracle),
}

/// A policy at work.
pub struct Policy {
    lanes: Lanes,
    fast_nid: u32,
    slow_nid: u32,
    decider: Decider,
    demotion: Demotion,
    counters: PolicyCounters,
    /// Reused.
    moves: Vec<Move>,
}

impl Policy {
    /// A policy between two nodes of a machine.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn new(
        config: &PolicyConfig,
        machine: &Machine,
        lanes: LanesOptions,
    ) -> Result<Self, PolicyError> {
        let PolicyConfig { fast_nid, slow_nid, .. } = *config;
        for (field, nid) in [("fastNid", fast_nid), ("slowNid", slow_nid)] {
            if machine.nodes().get(nid).is_none() {
                let expected = format!("a node below {}", machine.nodes().len());
                return Err(PolicyError::new(field, expected, nid));
            }
        }
        if fast_nid == slow_nid {
            return Err(PolicyError::new("slowNid", "another node than fastNid", slow_nid));
        }
        let decider = match &config.promotion {
            Promotion::NumaBalancing => Decider::Reported,
            Promotion::Pghot(pghot) => Decider::Pghot(pghot::Pghot::new(pghot, machine)?),
            Promotion::Oracle(oracle) => Decider::Oracle(oracle::Oracle::new(oracle)?),
        };
        // A hint fault is served where it comes up: nothing is lost on the way, as good as.
        let lanes = match decider {
            Decider::Reported => LanesOptions { slots: SLOTS_MAX, ..lanes },
            _ => lanes,
        };
        let lanes = Lanes::new(lanes)?;
        Ok(Self {
            lanes,
            fast_nid,
            slow_nid,
            decider,
            demotion: Demotion::new(config.demotion, machine, fast_nid)?,
            counters: PolicyCounters::default(),
            moves: Vec::new(),
        })
    }

    /// A lane for the sampler that feeds the policy.
    ///
    /// # Errors
    ///
    /// [`LaneError::Lanes`].
    pub fn add_lane(&self) -> Result<Producer, LaneError> {
        self.lanes.add()
    }

    /// What became of what the sampler reported.
    pub fn lane_counters(&self) -> LaneCounters {
        self.lanes.counters()
    }

    /// What it did so far.
    pub fn counters(&self) -> PolicyCounters {
        self.counters
    }

    /// Looks at what was reported until now, and moves pages. Call it often: several times in the
    /// shortest interval of the configuration.
    pub fn run(&mut self, machine: &mut Machine) {
        self.note(machine);
        let Self { decider, demotion, moves, fast_nid, slow_nid, .. } = self;
        match decider {
            Decider::Reported => {}
            Decider::Pghot(pghot) => {
                let room = demotion.room(machine.free_bytes(*fast_nid));
                if pghot.ready(machine, *fast_nid, room, moves) {
                    demotion.wake();
                }
            }
            Decider::Oracle(oracle) => oracle.moves(machine, (*fast_nid, *slow_nid), moves),
        }
        let busy_before_ns = self.counters.busy_ns;
        let moved_ns = self.make_moves(machine);
        let by_faults_ns = if matches!(self.decider, Decider::Reported) { moved_ns } else { 0 };
        let Self { decider, demotion, counters, fast_nid, slow_nid, .. } = self;
        match decider {
            // It has made room itself.
            Decider::Oracle(_) => {}
            Decider::Pghot(pghot) => {
                pghot.worked(moved_ns);
                demotion.run(machine, (*fast_nid, *slow_nid), counters);
            }
            Decider::Reported => demotion.run(machine, (*fast_nid, *slow_nid), counters),
        }
        machine.work_in_kernel(counters.busy_ns - busy_before_ns - by_faults_ns);
    }

    fn note(&mut self, machine: &Machine) {
        let Self { lanes, decider, counters, moves, fast_nid, slow_nid, .. } = self;
        lanes.drain(|_, reports| {
            for sighting in reports.sightings {
                counters.reports += 1;
                let folio = machine.folio_at_address(sighting.address());
                let Some(folio) = folio.filter(|folio| folio.nid == *slow_nid) else {
                    counters.elsewhere += 1;
                    continue;
                };
                counters.noted += 1;
                match decider {
                    Decider::Reported => {
                        moves.push(Move { page: folio.page, to_nid: *fast_nid });
                    }
                    Decider::Pghot(pghot) => pghot.note(folio.page, sighting.time_ns()),
                    Decider::Oracle(_) => {}
                }
            }
        });
    }

    /// Returns the nanoseconds that took.
    fn make_moves(&mut self, machine: &mut Machine) -> u64 {
        let Self { decider, demotion, moves, counters, fast_nid, .. } = self;
        let reported = matches!(decider, Decider::Reported);
        let mut moved_ns = 0;
        for Move { page, to_nid } in moves.drain(..) {
            // It may have gone, or be there already, since.
            if machine.node_of_page(page).is_none_or(|nid| nid == to_nid) {
                continue;
            }
            let pages = u64::from(machine.folio_pages(page).1);
            counters.wanted_pages += pages;
            if reported && demotion.room(machine.free_bytes(to_nid)) < pages * PAGE_SZ {
                demotion.wake();
                counters.kept_pages += pages;
                continue;
            }
            let moved = match reported {
                true => machine.move_page_by_fault(page, to_nid),
                false => machine.move_page(page, to_nid),
            };
            let Some(ns) = moved else {
                counters.kept_pages += pages;
                continue;
            };
            moved_ns += ns;
            counters.moved_pages += pages;
            if to_nid == *fast_nid {
                counters.promoted_pages += pages;
            } else {
                counters.demoted_pages += pages;
            }
        }
        machine.end_batch();
        counters.busy_ns += moved_ns;
        moved_ns
    }
}
