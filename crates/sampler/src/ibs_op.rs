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

use crate::coins::Bias;

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
    /// Whether a tagged op accesses data.
    data: Bias,
    cpus: Vec<Cpu>,
    started_ns: u64,
    counters: IbsOpCounters,
    /// Nanoseconds per cycle or op, in 1/2^32.
    ns_per_count: u128,
    /// Of one CPU and interval. Reused.
    reports: Vec<AccessReport>,
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
            data: Bias::new(data_share),
            cpus,
            started_ns: now_ns,
            counters: IbsOpCounters::default(),
            ns_per_count: (u128::from(1_000_000_000u64) << 32) / u128::from(rate_hz),
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
        let limit = self.limit(until_ns);
        for cpu in 0..self.config.cpus {
            // A CPU without a process is halted: neither its cycles nor its ops go on.
            let Some((process, thread)) = machine.running(cpu) else { continue };
            let stores = Bias::new(machine.store_share(cpu));
            let tgid = machine.tgid(process);
            let runs = Runs { cpu, tgid, tid: tgid + u32::from(thread), stores };
            self.reports.clear();
            while self.cpus[usize::from(cpu)].next_tag < limit {
                self.follow(runs, machine, limit, until_ns);
            }
            lanes[usize::from(cpu)].push_batch(self.reports.iter().copied());
        }
    }

    /// Nobody wants samples up to (not including) `until_ns`: the event is disabled, nothing counted.
    pub fn skip(&mut self, until_ns: u64) {
        let limit = self.limit(until_ns);
        for Cpu { next_tag, .. } in &mut self.cpus {
            let periods = limit.saturating_sub(*next_tag).div_ceil(self.config.period);
            *next_tag += periods * self.config.period;
        }
    }

    /// Cycles or ops that a CPU has gone through until then.
    fn limit(&self, until_ns: u64) -> u64 {
        let elapsed_ns = u128::from(until_ns.saturating_sub(self.started_ns));
        (elapsed_ns * u128::from(self.config.rate_hz) / 1_000_000_000) as u64
    }

    /// Follows one CPU over its next 64 tags, or to count `limit`: what the handler makes of each.
    fn follow(&mut self, runs: Runs, machine: &Machine, limit: u64, until_ns: u64) {
        let Runs { cpu, tgid, tid, stores } = runs;
        let Self { config, data, cpus, counters, ns_per_count, reports, .. } = self;
        let Cpu { random, next_tag } = &mut cpus[usize::from(cpu)];
        let mut counts = [0; 64];
        let tagged = match config.counting {
            Counting::Cycles => evenly(&mut counts, next_tag, limit, config.period),
            Counting::Ops => unevenly(&mut counts, next_tag, limit, config.period, random),
        };
        // Without a valid physical address there is nothing to report.
        let mut with_data = data.toss(random) & (u64::MAX >> (64 - tagged));
        let writes = stores.toss(random);
        counters.samples_total += tagged as u64;
        counters.reported += u64::from(with_data.count_ones());
        counters.samples_filtered += tagged as u64 - u64::from(with_data.count_ones());
        while with_data != 0 {
            let tag = with_data.trailing_zeros() as usize;
            with_data &= with_data - 1;
            // Counted back from the end of the interval, so that no error adds up.
            let before_end = (u128::from(limit - counts[tag]) * *ns_per_count) >> 32;
            let Some(address) = machine.draw_page_address(cpu, random) else {
                counters.reported -= 1;
                counters.samples_filtered += 1;
                continue;
            };
            reports.push(AccessReport {
                address,
                time_ns: until_ns.saturating_sub(1 + before_end as u64),
                size: PAGE_SZ as u32,
                tid,
                tgid,
                cpu,
                kind: AddressKind::Physical,
                write: writes >> tag & 1 == 1,
            });
        }
    }
}

/// What a CPU runs.
#[derive(Clone, Copy)]
struct Runs {
    cpu: u16,
    tgid: u32,
    tid: u32,
    /// Whether an access is a store.
    stores: Bias,
}

/// Counts at which up to 64 ops are tagged, a period apart; returns how many. At least one.
fn evenly(counts: &mut [u64; 64], next: &mut u64, limit: u64, period: u64) -> usize {
    let tagged = ((limit - *next).div_ceil(period)).min(64) as usize;
    for count in &mut counts[..tagged] {
        *count = *next;
        *next += period;
    }
    tagged
}

/// As [`evenly`], but each gap is shorter by a random start of 1..=127.
fn unevenly(
    counts: &mut [u64; 64],
    next: &mut u64,
    limit: u64,
    period: u64,
    random: &mut impl Rng,
) -> usize {
    let mut draw = 0;
    for (tagged, count) in counts.iter_mut().enumerate() {
        if *next >= limit {
            return tagged;
        }
        // 16 bits for each start.
        draw = if tagged % 4 == 0 { random.next_u64() } else { draw >> 16 };
        *count = *next;
        *next += period - 1 - (((draw & 0xFFFF) * RANDOM_START_MAX) >> 16);
    }
    counts.len()
}
