//! AMD IBS Op: every so many cycles or micro-ops, the next micro-op is tagged and followed.
//!
//! What makes it itself (`samplers.md` 1): the period is a multiple of 16; in op counting the
//! counter restarts at a random 1..=127, in cycle counting at 0; a tagged op that accesses no data
//! still gives a sample, without an address, so that only some 41 % of samples are of use; the
//! handler drops those that lack a valid physical address and reports the others with their page. An
//! op that a filter does not let through is thrown away without a word, and the count restarts at a
//! random 1..=127: so the period is one between tags, not between samples.
//!
//! Simplified: the ops between two tags are independent of each other, so cycle counting does not
//! prefer what follows a stall of its own CPU; no op is tagged that never retires.

use damon_machine::{Level, Machine, NOWHERE};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::coins::Bias;
use crate::counter::Counter;
use crate::error::{SamplerError, within};
use crate::interrupts::{InterruptConfig, Interrupts};
use crate::sources::Source;
use crate::stream::{Output, Seen, Span, Stream};

/// Largest period with the OpCntExt capability: 27 bits, the low 4 not stored.
const PERIOD_MAX: u64 = 0x7FF_FFF0;
/// Smallest period Linux accepts for IBS Op since 6.15.
const PERIOD_MIN: u64 = 0x90;
/// The counter restarts at 1..=127 in op counting, and after an op that was thrown away.
const RANDOM_START_MAX: u64 = 127;
/// The hardware's threshold is in steps of so many cycles; the driver drops the rest.
const LATENCY_STEP: u32 = 128;

/// What the counter counts. `IbsOpCntCtl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Core clock cycles while not halted; no random start. What `config` 0 selects.
    Cycles,
    /// Dispatched micro-ops; random start.
    Ops,
}

/// Which filters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// None.
    Zen3,
    /// Misses of the third-level cache.
    Zen4,
    /// And loads of at least some latency, together with the other one only (erratum 1606).
    Zen5,
    /// Either, or both.
    Zen6,
}

/// One IBS Op event on every CPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IbsOpConfig {
    /// The hardware.
    pub generation: Generation,
    /// Cycles or ops between tags: a multiple of 16 in 144..=134217712.
    pub period: u64,
    /// What the period counts.
    pub counting: Counting,
    /// Only ops that miss the third-level cache.
    pub l3_miss_only: bool,
    /// Only loads that take at least so many cycles, 128..=2048.
    pub latency_min: Option<u32>,
    /// Cycles or ops a CPU goes through per second, instead of those of what runs there.
    pub rate_hz: Option<u64>,
    /// Share of tagged ops that access data, above 0 up to 1, instead of that of what runs there.
    pub data_share: Option<f64>,
    /// Samples are counted by what served them. Costs time.
    pub data_source: bool,
    /// What an interrupt costs.
    pub interrupts: InterruptConfig,
    /// Decides random starts, phases and which accesses are tagged.
    pub seed: u64,
}

impl Default for IbsOpConfig {
    /// As the RFC programs it.
    fn default() -> Self {
        Self {
            generation: Generation::Zen5,
            period: 262_144,
            counting: Counting::Cycles,
            l3_miss_only: false,
            latency_min: None,
            rate_hz: None,
            data_share: None,
            data_source: false,
            interrupts: InterruptConfig::default(),
            seed: 1,
        }
    }
}

impl IbsOpConfig {
    fn check(&self) -> Result<(), SamplerError> {
        let period = self.period;
        if !(PERIOD_MIN..=PERIOD_MAX).contains(&period) || !period.is_multiple_of(16) {
            let expected = "a multiple of 16 from 144 to 134217712";
            return Err(SamplerError::new("period", expected, period));
        }
        if let Some(rate_hz) = self.rate_hz {
            within("rateHz", rate_hz, 1..=1_000_000_000_000)?;
        }
        if let Some(share) = self.data_share
            && !(share > 0.0 && share <= 1.0)
        {
            return Err(SamplerError::new("dataShare", "above 0, at most 1", share));
        }
        if self.l3_miss_only && self.generation < Generation::Zen4 {
            return Err(SamplerError::new("l3MissOnly", "zen4 or later", "zen3"));
        }
        if let Some(latency_min) = self.latency_min {
            within("latencyMin", u64::from(latency_min), 128..=2048)?;
            match self.generation {
                Generation::Zen3 | Generation::Zen4 => {
                    let received = format!("{:?}", self.generation).to_lowercase();
                    return Err(SamplerError::new("latencyMin", "zen5 or later", received));
                }
                Generation::Zen5 if !self.l3_miss_only => {
                    let expected = "l3MissOnly too, on zen5 (erratum 1606)";
                    return Err(SamplerError::new("latencyMin", expected, latency_min));
                }
                Generation::Zen5 | Generation::Zen6 => {}
            }
        }
        self.interrupts.check()
    }

    /// One stream for each CPU, each somewhere within its first period.
    pub(crate) fn streams(&self, cpus: u16, now_ns: u64) -> Result<Vec<Stream>, SamplerError> {
        self.check()?;
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let cpus = (0..cpus).map(|cpu| {
            // Streams 2^128 draws apart: no two CPUs ever draw the same sequence.
            let mut random = stream.clone();
            stream.jump();
            Stream::IbsOp(IbsOpCpu {
                cpu,
                config: *self,
                next_tag: random.next_u64() % self.period,
                counter: Counter::new(self.rate_hz.unwrap_or(0), now_ns),
                interrupts: Interrupts::new(self.interrupts),
                random,
            })
        });
        Ok(cpus.collect())
    }

    /// Whether every op that is tagged gives a sample, and nobody asks for more than its page.
    fn is_plain(&self) -> bool {
        !self.l3_miss_only && self.latency_min.is_none() && !self.data_source
    }
}

/// The sampler of one CPU.
#[derive(Clone, Debug)]
pub(crate) struct IbsOpCpu {
    cpu: u16,
    config: IbsOpConfig,
    random: Xoshiro256PlusPlus,
    /// Count at which the next op is tagged.
    next_tag: u64,
    counter: Counter,
    interrupts: Interrupts,
}

/// What an op is followed with.
struct Following<'a> {
    machine: &'a Machine,
    span: Span,
    /// Count at which the span ends.
    limit: u64,
    /// Whether a tagged op accesses data.
    data: Bias,
    /// Whether an access is a store.
    stores: Bias,
}

impl IbsOpCpu {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        // A CPU without a process is halted: neither its cycles nor its ops go on.
        if machine.running(self.cpu).is_none() {
            self.skip(span);
            return;
        }
        let data_share = self.keep_pace(machine, span);
        let following = Following {
            machine,
            span,
            limit: self.counter.at(span.until_ns),
            data: Bias::new(data_share),
            stores: Bias::new(machine.store_share(self.cpu)),
        };
        // Apart from `self`, so that its words stay in registers.
        let mut random = self.random.clone();
        let samples_before = output.counters.samples_total;
        let gap_ns = self.counter.duration_ns(self.config.period - RANDOM_START_MAX);
        if self.config.is_plain() && self.interrupts.never_bind(gap_ns) {
            while self.next_tag < following.limit {
                self.follow_some(&following, &mut random, output);
            }
        } else {
            while self.next_tag < following.limit {
                self.follow_one(&following, &mut random, output);
            }
        }
        self.random = random;
        let interrupts = output.counters.samples_total - samples_before;
        output.charge(interrupts * self.interrupts.handler_ns());
    }

    /// Goes as fast as what runs there, if nothing else was said; the share of ops with data.
    fn keep_pace(&mut self, machine: &Machine, span: Span) -> f64 {
        let pace = machine.pace(self.cpu);
        let rate_hz = self.config.rate_hz.unwrap_or_else(|| {
            let rate_hz = match self.config.counting {
                Counting::Cycles => pace.cycles_hz,
                Counting::Ops => pace.ops_hz,
            };
            rate_hz as u64
        });
        self.counter.set_rate(rate_hz, span.from_ns);
        self.config.data_share.unwrap_or_else(|| {
            if pace.ops_hz > 0.0 { pace.memory_ops_hz / pace.ops_hz } else { 0.0 }
        })
    }

    pub(crate) fn cpu(&self) -> u16 {
        self.cpu
    }

    /// The event is stopped in a span: nothing is counted.
    pub(crate) fn skip(&mut self, span: Span) {
        let missed = self.counter.at(span.until_ns) - self.counter.at(span.from_ns);
        self.next_tag += missed;
    }

    /// Follows it over its next 64 tags, or up to the count that ends the span.
    #[inline]
    fn follow_some(
        &mut self,
        following: &Following<'_>,
        random: &mut Xoshiro256PlusPlus,
        output: &mut Output,
    ) {
        let Following { machine, span, limit, data, stores } = *following;
        let period = self.config.period;
        let mut counts = [0; 64];
        let tagged = match self.config.counting {
            Counting::Cycles => evenly(&mut counts, &mut self.next_tag, limit, period),
            Counting::Ops => unevenly(&mut counts, &mut self.next_tag, limit, period, random),
        };
        // Without a valid physical address there is nothing to report.
        let mut with_data = data.toss(random) & (u64::MAX >> (64 - tagged));
        let writes = stores.toss(random);
        let mut pages = [0; 64];
        let pages = &mut pages[..with_data.count_ones() as usize];
        machine.draw_pages(self.cpu, random, pages);
        let Output { seen, counters, .. } = output;
        let before = seen.len();
        let (cpu, counter) = (self.cpu, self.counter);
        let all = pages.iter().map(|&page| {
            let tag = with_data.trailing_zeros();
            with_data &= with_data - 1;
            // Counted back from the end of the span, so that no error adds up.
            let before_end_ns = counter.duration_ns(limit - counts[tag as usize & 63]);
            Seen::new(span, page, writes >> tag & 1 == 1, before_end_ns).by(cpu)
        });
        // Of known length, so that there is room for all before the first.
        seen.extend(all);
        if pages.contains(&NOWHERE) {
            let mut at = 0;
            seen.retain(|_| {
                at += 1;
                at <= before || pages[at - 1 - before] != NOWHERE
            });
        }
        let reported = (seen.len() - before) as u64;
        counters.selected += tagged as u64;
        counters.samples_total += tagged as u64;
        counters.samples_filtered += tagged as u64 - reported;
        counters.reported += reported;
    }

    /// Follows its next tag through the filters.
    fn follow_one(
        &mut self,
        following: &Following<'_>,
        random: &mut Xoshiro256PlusPlus,
        output: &mut Output,
    ) {
        let Following { machine, span, limit, data, .. } = *following;
        let count = self.next_tag;
        let before_end_ns = self.counter.duration_ns(limit - count);
        output.counters.selected += 1;
        let access = if data.toss_one(random) { machine.draw(self.cpu, random) } else { None };
        let level = access.as_ref().map(|access| machine.level(access, random));
        let load_cycles = match (&access, level) {
            (Some(access), Some(level)) if !access.write => self.miss_cycles(machine, level),
            _ => None,
        };
        if self.is_discarded(level, load_cycles) {
            output.counters.discarded += 1;
            self.next_tag += self.config.period - random_start(random);
            return;
        }
        let random_start = match self.config.counting {
            Counting::Cycles => 0,
            Counting::Ops => random_start(random),
        };
        self.next_tag += self.config.period - random_start;
        output.counters.samples_total += 1;
        if self.config.data_source {
            output.sources.count(Source::of(access.as_ref(), level));
        }
        // Of latencies below the one asked for the driver drops what the hardware's steps let pass.
        let slow_enough = self.config.latency_min.is_none_or(|least| load_cycles >= Some(least));
        match access.and_then(|access| Some((machine.physical_address(&access)?, access.write))) {
            Some((address, write)) if slow_enough => {
                let page = address - address % damon_machine::PAGE_SZ;
                let seen = Seen::new(span, page, write, before_end_ns).by(self.cpu);
                output.seen.push(seen);
                output.counters.reported += 1;
            }
            _ => output.counters.samples_filtered += 1,
        }
        let now_ns = span.until_ns.saturating_sub(1 + before_end_ns);
        if let Some(resumes_ns) = self.interrupts.take(now_ns) {
            output.counters.throttles += 1;
            self.next_tag = self.counter.at(resumes_ns) + self.config.period - random_start;
        }
    }

    /// Cycles that a load waited for a miss of the first-level cache: the latency IBS reports.
    fn miss_cycles(&self, machine: &Machine, level: Level) -> Option<u32> {
        (level != Level::L1).then(|| machine.latency_cycles(self.cpu, level))
    }

    fn is_discarded(&self, level: Option<Level>, load_cycles: Option<u32>) -> bool {
        let missed = matches!(level, Some(Level::Memory { .. }));
        let least = self.config.latency_min.map(|least| least / LATENCY_STEP * LATENCY_STEP);
        (self.config.l3_miss_only && !missed)
            || least.is_some_and(|least| load_cycles < Some(least))
    }
}

/// 1..=127.
fn random_start(random: &mut impl Rng) -> u64 {
    1 + (((random.next_u64() >> 48) * RANDOM_START_MAX) >> 16)
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
