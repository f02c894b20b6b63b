//! Workloads as data: processes with areas of memory, and in each phase lines that say how an area
//! is touched.
//!
//! - [`Workload`] and what it is made of: what the user writes.
//! - [`HotSet`]: the short form.
//! - [`shape`]: a pattern made ready to draw pages from; its heat classes.
//!
//! Not here: where the pages lie, how fast it all goes (see [`Machine`](crate::Machine)).

pub(crate) mod check;
mod hot_set;
pub(crate) mod permutation;
pub(crate) mod shape;

pub use hot_set::HotSet;

use std::ops::Range;

/// Everything that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The processes, at least one. Their CPUs do not overlap.
    pub processes: Vec<Process>,
}

/// One process: threads alike on all of its CPUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its process id, from 1; no two are equal.
    pub tgid: u32,
    /// Its control group's path from the root of the hierarchy.
    pub memcg: String,
    /// Where its threads run; all CPUs if nothing is said.
    pub cpus: Option<Range<u16>>,
    /// Its memory.
    pub areas: Vec<Area>,
    /// What it does, one after the other.
    pub phases: Vec<Phase>,
    /// Whether the first phase follows the last; else the last one stays.
    pub repeats: bool,
    /// Share of its ops that access data, above 0 up to 1.
    pub memory_share: f64,
    /// Cycles an op takes when all data is in the first-level cache.
    pub cycles_per_op: f64,
}

/// A stretch of memory of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// For people.
    pub name: String,
    /// Bytes: whole pages of its page size.
    pub bytes: u64,
    /// What it holds.
    pub kind: Kind,
    /// In what pages.
    pub page_size: PageSize,
    /// Where it lies at first.
    pub policy: Policy,
}

/// What an area holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anonymous memory.
    Anon,
    /// A file, mapped.
    File,
    /// A file, read and written by system calls: no process maps it.
    PageCache,
}

/// The pages an area begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// 4 KiB.
    Base,
    /// 2 MiB.
    Huge,
}

/// Where pages are placed. `set_mempolicy(2)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// On the nodes of the CPUs that run the process, as by first touch; then on the nearest.
    Local,
    /// On a node; then on the nearest to it.
    Preferred(u32),
    /// By weights, and nowhere else.
    Interleave(Interleave),
}

/// Placement of pages, one after the other, by weight: `MPOL_WEIGHTED_INTERLEAVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interleave {
    /// (node, pages in a row), in order.
    pub weights: Vec<(u32, u32)>,
}

/// What a process does for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// For how long, above 0.
    pub duration_ns: u64,
    /// How it touches its areas: at least one line.
    pub lines: Vec<Line>,
}

/// How an area is touched.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The area's index.
    pub area: usize,
    /// Which of its pages, how often.
    pub pattern: Pattern,
    /// Its share of the process's accesses, of the sum of all lines' weights.
    pub weight: f64,
    /// Share of its accesses that are stores, 0..=1.
    pub store_share: f64,
    /// Accesses to a cache line in a row, at least 1; the pattern's own if nothing is said.
    pub reuse: Option<f64>,
    /// Misses that are on their way at once, at least 1; the pattern's own if nothing is said.
    pub parallelism: Option<f64>,
}

/// Which pages of an area are touched, how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// Some pages in a row get most accesses, all of them alike; the others get the rest.
    HotSet {
        /// Bytes that are hot, in whole pages.
        hot_bytes: u64,
        /// Share of accesses that go there, 0..=1.
        hot_share: f64,
        /// Where they begin, in whole pages.
        offset_bytes: u64,
        /// How fast the hot set moves on, bytes per second; it goes round.
        drift_bytes_hz: u64,
    },
    /// The page of rank `r` is touched in proportion to `r^-theta`.
    Zipf {
        /// 0 is uniform; YCSB has 0.99.
        theta: f64,
        /// Ranks lie all over the area, not in order.
        scattered: bool,
    },
    /// Every page alike, at random places.
    Uniform,
    /// From end to end, again and again, every thread at its own place.
    Stream {
        /// Bytes from one access to the next, 1..=4096.
        stride_bytes: u32,
    },
    /// Every access waits for the one before.
    Chase,
    /// Read, modify and write at random places.
    Gups,
}

/// YCSB's constant for its zipfian distribution.
pub const YCSB_THETA: f64 = 0.99;

impl Process {
    /// A process without memory or phases yet.
    pub fn new(tgid: u32) -> Self {
        Self {
            tgid,
            memcg: String::new(),
            cpus: None,
            areas: Vec::new(),
            phases: Vec::new(),
            repeats: false,
            // A kernel build: `samplers.md` 1.6.
            memory_share: 0.41,
            cycles_per_op: 0.4,
        }
    }
}

impl Line {
    /// A line of weight 1 with 30 % stores.
    pub fn new(area: usize, pattern: Pattern) -> Self {
        Self { area, pattern, weight: 1.0, store_share: 0.3, reuse: None, parallelism: None }
    }
}

/// How a pattern goes through memory, and so what caches, TLB and memory make of it. Ours, but for
/// the reuse of hot sets: 94 % of addressed ops of a kernel build hit the first level
/// (`samplers.md` 1.6).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Locality {
    /// Accesses to a cache line in a row.
    pub(crate) reuse: f64,
    /// Cache lines of a page in a row.
    pub(crate) lines_per_page: f64,
    /// Misses on their way at once.
    pub(crate) parallelism: f64,
}

impl Line {
    pub(crate) fn locality(&self) -> Locality {
        let (reuse, lines_per_page, parallelism) = match self.pattern {
            Pattern::HotSet { .. } | Pattern::Zipf { .. } => (16.0, 1.0, 4.0),
            Pattern::Uniform => (1.0, 1.0, 8.0),
            Pattern::Stream { stride_bytes } => {
                let stride = f64::from(stride_bytes);
                (f64::max(1.0, 64.0 / stride), f64::min(64.0, 4096.0 / stride), 16.0)
            }
            Pattern::Chase => (1.0, 1.0, 1.0),
            Pattern::Gups => (2.0, 1.0, 8.0),
        };
        Locality {
            reuse: self.reuse.unwrap_or(reuse),
            lines_per_page,
            parallelism: self.parallelism.unwrap_or(parallelism),
        }
    }
}

impl Interleave {
    /// One page on each of the nodes `0..nodes` in turn.
    pub fn even(nodes: u32) -> Self {
        Self { weights: (0..nodes).map(|nid| (nid, 1)).collect() }
    }

    /// Pages of one turn.
    pub(crate) fn turn(&self) -> u64 {
        self.weights.iter().map(|&(_, weight)| u64::from(weight)).sum()
    }

    /// The nodes of one turn.
    pub(crate) fn order(&self) -> Vec<u32> {
        self.weights
            .iter()
            .flat_map(|&(nid, weight)| std::iter::repeat_n(nid, weight as usize))
            .collect()
    }
}
