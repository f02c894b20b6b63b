//! AMD IBS Op: every so many cycles or micro-ops, the next micro-op is tagged and followed.
//!
//! What makes it itself (`samplers.md` 1): the period is a multiple of 16; in op counting the
//! counter restarts at a random 1..=127, in cycle counting at 0; a tagged op that accesses no data
//! still gives a sample, without an address, so that only some 41 % of samples are of use; the
//! handler drops those that lack a valid physical address and reports the others with their page. An
//! op that a filter does not let through is thrown away without a word, and the count restarts at a
//! random 1..=127: so the period is one between tags, not between samples.
//!
//! Cycles also pass while a CPU waits for memory, so cycle counting prefers the op that follows a wait:
//! how often that is an op about the same page is unknown and so a parameter, `stall_share`.
//!
//! Simplified: but for that, the ops between two tags are independent of each other; no op is tagged
//! that never retires; what a cache or a node serves takes one latency, the node's under its load; of a
//! CPU's dead time only the handler's is missing, which its process pays.

use damon_machine::vectors::{LANES, Vectors, Work, dispatch};
use damon_machine::{EvenAccesses, Level, Machine, NOWHERE, Population};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use crate::coins::Bias;
use crate::counter::{Counter, CountsBefore};
use crate::error::{SamplerError, within};
use crate::interrupts::{InterruptConfig, Interrupts};
use crate::sources::Source;
use crate::stream::{Output, ROOM, Rooms, Seen, Span, Stream, TOGETHER, row_mut};
use crate::wide::Wide;

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
    /// In cycle counting: how often the op that is tagged after a wait for memory is about the page
    /// that was waited for, 0 to 1. `samplers.md` 1.7.
    pub stall_share: f64,
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
            stall_share: 0.0,
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
        if !(0.0..=1.0).contains(&self.stall_share) {
            return Err(SamplerError::new("stallShare", "0 to 1", self.stall_share));
        }
        if self.stall_share > 0.0 && self.counting == Counting::Ops {
            let expected = "0 where ops are counted: none are dispatched in a wait";
            return Err(SamplerError::new("stallShare", expected, self.stall_share));
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
        let mut seeds = SplitMix64::seed_from_u64(self.seed);
        let cpus = (0..cpus).map(|cpu| {
            let mut random = Wide::new(&mut seeds);
            Stream::IbsOp(IbsOpCpu {
                cpu,
                config: *self,
                next_tag: random.next_u64() % self.period,
                counter: Counter::new(self.rate_hz.unwrap_or(0), now_ns),
                interrupts: Interrupts::new(self.interrupts),
                is_stopped: false,
                random,
            })
        });
        Ok(cpus.collect())
    }

    /// Whether every op that is tagged gives a sample, and nobody asks for more than its page.
    fn is_plain(&self) -> bool {
        !self.l3_miss_only
            && self.latency_min.is_none()
            && self.stall_share == 0.0
            && !self.data_source
    }
}

/// The sampler of one CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IbsOpCpu {
    cpu: u16,
    config: IbsOpConfig,
    random: Wide,
    /// Count at which the next op is tagged.
    next_tag: u64,
    counter: Counter,
    interrupts: Interrupts,
    /// Its CPU was idle, or away.
    is_stopped: bool,
}

/// What an op is followed with.
struct Following<'a> {
    machine: &'a Machine,
    span: Span,
    /// Count at which the span ends.
    limit: u64,
    /// Whether a tagged op accesses data.
    data: Bias,
    /// What draws its page, if the workload allows it.
    even: Option<&'a EvenAccesses<'a>>,
    /// Whether the count runs out in a wait, and for which page.
    stalls: Option<(Bias, Population)>,
}

impl IbsOpCpu {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        // A CPU without a process is halted: neither its cycles nor its ops go on.
        if machine.running(self.cpu).is_none() {
            self.skip(span);
            self.is_stopped = true;
            return;
        }
        if std::mem::take(&mut self.is_stopped) {
            self.begin(span.from_ns);
        }
        let data_share = self.keep_pace(machine, span);
        let even = machine.even_accesses(self.cpu);
        let following = Following {
            machine,
            span,
            limit: self.counter.at(span.until_ns),
            data: Bias::new(data_share),
            even: even.as_ref(),
            stalls: self.stalls(machine),
        };
        let samples_before = output.counters.samples_total;
        let gap_ns = self.counter.duration_ns(self.config.period - RANDOM_START_MAX);
        if self.config.is_plain() && self.interrupts.never_bind(gap_ns) {
            dispatch(Plain { sampler: self, following: &following, output });
        } else {
            while self.next_tag < following.limit {
                self.follow_one(&following, output);
            }
        }
        let interrupts = output.counters.samples_total - samples_before;
        output.charge(interrupts * self.interrupts.handler_ns());
    }

    /// A new event, somewhere within its first period: the CPU is there again.
    fn begin(&mut self, now_ns: u64) {
        self.next_tag = self.counter.at(now_ns) + self.random.next_u64() % self.config.period;
        self.interrupts = Interrupts::new(self.config.interrupts);
    }

    /// Of the cycles that pass, those in which the CPU waits, where the tag tells of what it waits for.
    fn stalls(&self, machine: &Machine) -> Option<(Bias, Population)> {
        if self.config.stall_share == 0.0 {
            return None;
        }
        let stalls = machine.stalls(self.cpu);
        let share = stalls.hz() / machine.pace(self.cpu).cycles_hz;
        Some((Bias::new(share * self.config.stall_share), stalls))
    }

    /// Goes as fast as what runs there, if nothing else was said; the share of ops with data.
    fn keep_pace(&mut self, machine: &Machine, span: Span) -> f64 {
        let Self { cpu, config, .. } = *self;
        let rate_hz = config.rate_hz.unwrap_or_else(|| {
            let pace = machine.pace(cpu);
            let rate_hz = match config.counting {
                Counting::Cycles => pace.cycles_hz,
                Counting::Ops => pace.ops_hz,
            };
            rate_hz as u64
        });
        self.counter.set_rate(rate_hz, span.from_ns);
        config.data_share.unwrap_or_else(|| {
            let pace = machine.pace(cpu);
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

    /// Follows its next tag through the filters.
    fn follow_one(&mut self, following: &Following<'_>, output: &mut Output) {
        let Following { machine, span, limit, data, .. } = *following;
        let count = self.next_tag;
        // Counted back from the end of the span, so that no error adds up.
        let now_ns = span.last_ns().saturating_sub(self.counter.duration_ns(limit - count));
        output.counters.selected += 1;
        let waited_for = match &following.stalls {
            Some((bias, stalls)) if bias.toss_one(&mut self.random) => {
                stalls.draw(machine, &mut self.random)
            }
            _ => None,
        };
        let access = match waited_for {
            Some((access, _)) => Some(access),
            None if data.toss_one(&mut self.random) => machine.draw(self.cpu, &mut self.random),
            None => None,
        };
        let level = access.as_ref().map(|access| machine.level(access, &mut self.random));
        let load_cycles = match (&access, level) {
            (Some(access), Some(level)) if !access.write => self.miss_cycles(machine, level),
            _ => None,
        };
        if self.is_discarded(level, load_cycles) {
            output.counters.discarded += 1;
            self.next_tag += self.config.period - random_start(&mut self.random);
            return;
        }
        let random_start = match self.config.counting {
            Counting::Cycles => 0,
            Counting::Ops => random_start(&mut self.random),
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
                output.seen.push(Seen::new(page, write, now_ns));
                output.counters.reported += 1;
            }
            _ => output.counters.samples_filtered += 1,
        }
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

/// A CPU of which every tag is a sample that nobody asks more of than its page: followed over many
/// tags at once.
struct Plain<'a> {
    sampler: &'a mut IbsOpCpu,
    following: &'a Following<'a>,
    output: &'a mut Output,
}

impl Work for Plain<'_> {
    #[inline(always)]
    fn run<V: Vectors>(self, v: V) {
        let Self { sampler, following, output } = self;
        while sampler.next_tag < following.limit {
            sampler.follow_some(v, following, output);
        }
    }
}

impl IbsOpCpu {
    /// Follows it over its next tags, or up to the count that ends the span.
    #[inline(always)]
    fn follow_some<V: Vectors>(&mut self, v: V, following: &Following<'_>, output: &mut Output) {
        let longest = following.limit - self.next_tag;
        let period = self.config.period;
        match self.config.counting {
            Counting::Cycles => {
                let tagged = longest.div_ceil(period).min(TOGETHER as u64);
                self.next_tag += tagged * period;
                self.draw_some(v, following, tagged as usize, &Evenly { longest, period }, output);
            }
            Counting::Ops => {
                let mut before_limit = [0; TOGETHER];
                let tagged = self.tag_unevenly(following.limit, &mut before_limit);
                let counts = Unevenly { longest, before_limit: &before_limit };
                self.draw_some(v, following, tagged, &counts, output);
            }
        }
    }

    /// Tags ops that are a period less a random start of 1..=127 apart; returns how many are before
    /// the limit, at least one, and tells how far.
    #[inline(always)]
    fn tag_unevenly(&mut self, limit: u64, before_limit: &mut [u64; TOGETHER]) -> usize {
        let Self { config: IbsOpConfig { period, .. }, random, next_tag, .. } = self;
        // 16 bits for each start.
        let mut starts = [0u16; TOGETHER];
        random.fill_bytes(bytemuck::cast_slice_mut(&mut starts));
        for (tagged, (before, start)) in before_limit.iter_mut().zip(starts).enumerate() {
            if *next_tag >= limit {
                return tagged;
            }
            *before = limit - *next_tag;
            *next_tag += *period - 1 - ((u64::from(start) * RANDOM_START_MAX) >> 16);
        }
        TOGETHER
    }

    /// Draws what the first ops access that were tagged together.
    #[inline(always)]
    fn draw_some<V: Vectors>(
        &mut self,
        v: V,
        following: &Following<'_>,
        tagged: usize,
        counts: &impl CountsBefore,
        output: &mut Output,
    ) {
        let Following { machine, span, data, even, .. } = following;
        let Self { cpu, counter, random, .. } = self;
        let Output { seen, rooms: Rooms { places, times, accesses }, counters, .. } = output;
        // Without a valid physical address there is nothing to report.
        let with_data = data.toss(v, random) & (u64::MAX >> (TOGETHER - tagged));
        let mut reported = places_of(v, with_data, tagged, places);
        // Counted back from the end of the span, so that no error adds up.
        counter.times(
            v,
            span.last_ns(),
            counts,
            &places[..reported.next_multiple_of(LANES)],
            times,
        );
        let room = seen.room();
        if let Some(even) = even {
            even.draw(v, random, reported, accesses);
            for at in (0..reported).step_by(LANES) {
                let accesses = v.load(row_mut(accesses, at));
                let [low, high] = v.interleave(accesses, v.load(row_mut(times, at)));
                let words = bytemuck::cast_slice_mut(row_mut(room, at)).as_chunks_mut().0;
                v.store(low, &mut words[0]);
                v.store(high, &mut words[1]);
            }
        } else {
            let pages = &mut accesses[..reported];
            machine.draw_pages(*cpu, random, pages);
            reported = 0;
            for (&page, &time_ns) in pages.iter().zip(&*times) {
                room[reported] = Seen::of(page, time_ns);
                reported += usize::from(page != NOWHERE);
            }
        }
        seen.keep(reported);
        let (tagged, reported) = (tagged as u64, reported as u64);
        counters.selected += tagged;
        counters.samples_total += tagged;
        counters.samples_filtered += tagged - reported;
        counters.reported += reported;
    }
}

/// The numbers of the bits that are set, of the first so many, one after the other; how many they are.
#[inline(always)]
fn places_of<V: Vectors>(v: V, set: u64, bits: usize, places: &mut [u64; ROOM]) -> usize {
    let (mut rest, mut held) = (set, 0);
    let mut row = v.load(&[0, 1, 2, 3, 4, 5, 6, 7]);
    for _ in 0..bits.div_ceil(LANES) {
        v.compress(row, rest as u8, row_mut(places, held));
        held += (rest as u8).count_ones() as usize;
        rest >>= LANES;
        row = v.add(row, v.splat(LANES as u64));
    }
    held
}

/// Ops that are tagged a period apart.
struct Evenly {
    longest: u64,
    period: u64,
}

impl CountsBefore for Evenly {
    fn most(&self) -> u64 {
        self.longest
    }

    #[inline(always)]
    fn of<V: Vectors>(&self, v: V, places: V::Row) -> V::Row {
        // Both are below 2^32.
        v.sub(v.splat(self.longest), v.mul_low(places, v.splat(self.period)))
    }
}

/// Ops of which each says where it is.
struct Unevenly<'a> {
    longest: u64,
    before_limit: &'a [u64; TOGETHER],
}

impl CountsBefore for Unevenly<'_> {
    fn most(&self) -> u64 {
        self.longest
    }

    #[inline(always)]
    fn of<V: Vectors>(&self, v: V, places: V::Row) -> V::Row {
        v.gather(self.before_limit, places)
    }
}
