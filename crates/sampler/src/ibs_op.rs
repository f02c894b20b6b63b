//! AMD IBS Op: every so many cycles or micro-ops, the next micro-op is tagged and followed.
//!
//! What makes it itself (`samplers.md` 1): the period is a multiple of 16; in op counting the
//! counter restarts at a random 1..=127, in cycle counting at 0; a tagged op that accesses no data
//! still gives a sample, without an address, so that only some 41 % of samples are of use; the
//! handler drops those that lack a valid physical address and reports the others with their page.
//!
//! Simplified: every CPU counts at a constant rate, and the ops between two tags are independent of
//! each other. Not yet modelled: cache level and latency of the access, the L3-miss and latency
//! filters, the handler's cost, throttling.

use damon_machine::{Machine, PAGE_SZ};
use damon_ring::{AccessReport, AddressKind, Producer};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use thiserror::Error;

/// Largest period with the OpCntExt capability: 27 bits, the low 4 not stored.
const PERIOD_MAX: u64 = 0x7FF_FFF0;
/// Smallest period Linux accepts for IBS Op since 6.15.
const PERIOD_MIN: u64 = 0x90;
/// The counter restarts at 1..=127 in op counting.
const RANDOM_START_MAX: u64 = 127;

/// What the counter counts. `IbsOpCntCtl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Core clock cycles while not halted; no random start. What `config` 0 selects.
    Cycles,
    /// Dispatched micro-ops; random start.
    Ops,
}

/// One IBS Op event on every CPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IbsOpConfig {
    /// CPUs, numbered from 0.
    pub cpus: u16,
    /// Cycles or ops between tags: a multiple of 16 in 144..=134217712.
    pub period: u64,
    /// What the period counts.
    pub counting: Counting,
    /// Cycles or ops a CPU goes through per second.
    pub rate_hz: u64,
    /// Share of tagged ops that access data and so give a physical address, above 0 up to 1.
    pub data_share: f64,
    /// Decides random starts, phases and which accesses are tagged.
    pub seed: u64,
}

/// Why a sampler was refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum IbsOpError {
    /// No CPU.
    #[error("cpus: expected at least 1")]
    Cpus,
    /// The hardware cannot hold that period.
    #[error("period: expected a multiple of 16 from 144 to 134217712, got {0}")]
    Period(u64),
    /// A CPU that counts nothing.
    #[error("rateHz: expected 1 to 1e12, got {0}")]
    Rate(u64),
    /// Not a share.
    #[error("dataShare: expected above 0, at most 1, got {0}")]
    DataShare(f64),
}

/// `samples_total = samples_filtered + reported`, always; `reported` is what the lanes were
/// offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IbsOpCounters {
    /// Tagged ops that retired: one interrupt each.
    pub samples_total: u64,
    /// Those without a valid physical address.
    pub samples_filtered: u64,
    /// Those reported.
    pub reported: u64,
}

#[derive(Debug)]
struct Cpu {
    random: Xoshiro256PlusPlus,
    /// Count, since the start, at which the next op is tagged.
    next_tag: u64,
}

/// The sampler of all CPUs.
#[derive(Debug)]
pub struct IbsOp {
    config: IbsOpConfig,
    cpus: Vec<Cpu>,
    started_ns: u64,
    counters: IbsOpCounters,
    /// Tags of one interval that accessed data, by CPU, and what they accessed. Reused.
    tags: Vec<Tag>,
    pages: Vec<u32>,
    addresses: Vec<u64>,
    reports: Vec<AccessReport>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    count: u64,
    cpu: u16,
    write: bool,
}

impl IbsOp {
    /// A sampler that starts counting at `now_ns`, each CPU somewhere within its first period.
    ///
    /// # Errors
    ///
    /// [`IbsOpError`].
    pub fn new(config: IbsOpConfig, now_ns: u64) -> Result<Self, IbsOpError> {
        let IbsOpConfig { cpus, period, rate_hz, data_share, .. } = config;
        if cpus == 0 {
            return Err(IbsOpError::Cpus);
        }
        if !(PERIOD_MIN..=PERIOD_MAX).contains(&period) || period % 16 != 0 {
            return Err(IbsOpError::Period(period));
        }
        if !(1..=1_000_000_000_000).contains(&rate_hz) {
            return Err(IbsOpError::Rate(rate_hz));
        }
        if !(data_share > 0.0 && data_share <= 1.0) {
            return Err(IbsOpError::DataShare(data_share));
        }
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let cpus = (0..cpus)
            .map(|_| {
                // Streams 2^128 draws apart: no two CPUs ever draw the same sequence.
                let mut random = stream.clone();
                stream.jump();
                let next_tag = random.next_u64() % period;
                Cpu { random, next_tag }
            })
            .collect();

        Ok(Self {
            config,
            cpus,
            started_ns: now_ns,
            counters: IbsOpCounters::default(),
            tags: Vec::new(),
            pages: Vec::new(),
            addresses: Vec::new(),
            reports: Vec::new(),
        })
    }

    /// CPUs sampled; each wants a lane of its own.
    pub fn cpus(&self) -> u16 {
        self.config.cpus
    }

    /// What was sampled so far.
    pub fn counters(&self) -> IbsOpCounters {
        self.counters
    }

    /// Samples all CPUs up to (not including) `until_ns`; CPU `n` reports to `lanes[n]`.
    ///
    /// # Panics
    ///
    /// If there are fewer lanes than CPUs.
    pub fn sample(&mut self, machine: &Machine, until_ns: u64, lanes: &[Producer]) {
        let elapsed_ns = u128::from(until_ns.saturating_sub(self.started_ns));
        let limit = (elapsed_ns * u128::from(self.config.rate_hz) / 1_000_000_000) as u64;
        self.tags.clear();
        for cpu in 0..self.config.cpus {
            self.tag(cpu, limit, machine.workload().store_share);
        }
        self.pages.clear();
        for tag in &self.tags {
            self.pages.push(machine.workload().page(&mut self.cpus[usize::from(tag.cpu)].random));
        }
        // In a loop of its own, so that the page table's cache misses overlap.
        self.addresses.clear();
        self.addresses.extend(self.pages.iter().map(|&page| machine.physical_address(page)));
        self.report(machine.workload().tgid, limit, until_ns, lanes);
    }

    /// Follows one CPU to count `limit`, keeping the tags that accessed data.
    fn tag(&mut self, cpu: u16, limit: u64, store_share: f64) {
        let Self { config, cpus, counters, tags, .. } = self;
        let Cpu { random, next_tag } = &mut cpus[usize::from(cpu)];
        let random_start = match config.counting {
            Counting::Cycles => 0,
            Counting::Ops => RANDOM_START_MAX,
        };
        let (data_below, write_below) = (threshold(config.data_share), threshold(store_share));
        let mut count = *next_tag;
        let first = tags.len();
        let most = limit.saturating_sub(count) / (config.period - random_start) + 2;
        tags.resize(first + most as usize, Tag::default());
        let (mut total, mut kept) = (0, first);
        while count < limit {
            // 16 bits for the random start, 24 for each question.
            let draw = random.next_u64();
            tags[kept] = Tag { count, cpu, write: (draw & 0xFF_FFFF) < write_below };
            // Always written, kept or not: a branch here would be mispredicted every other time.
            kept += usize::from((draw >> 24) & 0xFF_FFFF < data_below);
            total += 1;
            let start = (((draw >> 48) * random_start) >> 16) + u64::from(random_start != 0);
            count += config.period - start;
        }
        *next_tag = count;
        tags.truncate(kept);
        let reported = (kept - first) as u64;
        counters.samples_total += total;
        counters.samples_filtered += total - reported;
        counters.reported += reported;
    }

    /// What the handler does with the samples that have an address: one report each.
    fn report(&mut self, tgid: u32, limit: u64, until_ns: u64, lanes: &[Producer]) {
        let Self { config, tags, addresses, reports, .. } = self;
        // Nanoseconds per count in 1/2^32; counted back from the end, so that no error adds up.
        let ns_per_count = (u128::from(1_000_000_000u64) << 32) / u128::from(config.rate_hz);
        reports.clear();
        reports.extend(tags.iter().zip(&*addresses).map(|(tag, &address)| {
            let before_end = (u128::from(limit - tag.count) * ns_per_count) >> 32;
            AccessReport {
                address,
                time_ns: until_ns.saturating_sub(1 + before_end as u64),
                size: PAGE_SZ as u32,
                tid: tgid + u32::from(tag.cpu),
                tgid,
                cpu: tag.cpu,
                kind: AddressKind::Physical,
                write: tag.write,
            }
        }));
        for of_one_cpu in reports.chunk_by(|a, b| a.cpu == b.cpu) {
            lanes[usize::from(of_one_cpu[0].cpu)].push_batch(of_one_cpu);
        }
    }
}

/// The share as a bound on 24 random bits.
fn threshold(share: f64) -> u64 {
    (share * f64::from(1 << 24)).round() as u64
}
