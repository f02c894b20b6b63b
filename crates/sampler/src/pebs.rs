//! Intel PEBS: a counter counts one kind of event, and the hardware writes a record of every so
//! many-th into a buffer in memory. `samplers.md` 2.
//!
//! What makes it itself: the event is chosen, so every record is of use and none is thrown away, but
//! whoever counts loads that miss the caches knows nothing of stores, nor of pages whose lines stay
//! in a cache. Records carry a virtual address. They wait in the buffer until it is full or the
//! CPU switches to another task, so those of a large buffer come late, and are stale to a monitor
//! that looks more often.
//!
//! The record is not of the event at which the counter runs over but of one shortly after: what comes in
//! that shadow is neither recorded nor counted, so the true period is a little longer. How far it
//! reaches is unknown and so a parameter, `shadow_events`.
//!
//! Simplified: every load that is slow enough is eligible for a latency threshold, and all that a cache
//! or a node serves takes one latency.

use damon_machine::{Direction, Level, Machine, PAGE_SZ, Population, Reach};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::counter::Counter;
use crate::counters::SamplerCounters;
use crate::error::{SamplerError, within};
use crate::interrupts::{InterruptConfig, Interrupts};
use crate::stream::{Output, Seen, Span, Stream};

/// A counter has 48 bits, and counts up to its overflow from a negative number.
const PERIOD_MAX: u64 = (1 << 47) - 1;
/// Records of 192 bytes in 64 KiB.
const BUFFER_MAX: u32 = 340;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Retired loads that miss the third-level cache. `MEM_LOAD_RETIRED.L3_MISS`.
    L3MissLoads,
    /// Those of them that memory of these nodes serves. `MEM_LOAD_L3_MISS_RETIRED`.
    NodeLoads(Vec<u32>),
    /// All retired loads.
    Loads,
    /// Loads that take at least so many cycles. `mem-loads,ldlat=N`.
    SlowLoads {
        /// Cycles, 1..=65535.
        latency_min: u32,
    },
    /// All retired stores.
    Stores,
}

/// How often a record is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every so many events.
    Period(u64),
    /// So many a second and CPU: the kernel adapts the period.
    Frequency(u64),
}

/// One PEBS event on every CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct PebsConfig {
    /// What is counted.
    pub event: Event,
    /// How often a record is made.
    pub pace: Pace,
    /// The address is translated by a walk of the page table, in the interrupt.
    pub physical: bool,
    /// Records that the buffer holds before it interrupts, 1..=340. In frequency mode 1.
    pub buffer_records: u32,
    /// Events of the shadow: so many, at random from 0 on, pass between overflow and record; at most
    /// 65535.
    pub shadow_events: u32,
    /// Nanoseconds between switches to another task, which empty the buffer; above 0.
    pub switch_ns: u64,
    /// Nanoseconds of the CPU that a record costs.
    pub record_ns: u32,
    /// What an interrupt costs.
    pub interrupts: InterruptConfig,
    /// Decides phases and which accesses are sampled.
    pub seed: u64,
}

impl PebsConfig {
    fn check(&self, machine: &Machine) -> Result<(), SamplerError> {
        match self.pace {
            Pace::Period(period) => within("period", period, 1..=PERIOD_MAX)?,
            Pace::Frequency(hz) => {
                within("frequency", hz, 1..=u64::from(self.interrupts.max_rate_hz))?;
                if self.buffer_records != 1 {
                    let expected = "1 with a frequency: the kernel looks at each record";
                    return Err(SamplerError::new("bufferRecords", expected, self.buffer_records));
                }
            }
        }
        match &self.event {
            Event::SlowLoads { latency_min } => {
                within("latencyMin", u64::from(*latency_min), 1..=65_535)?;
            }
            Event::NodeLoads(nodes) => {
                let missing = nodes.iter().find(|nid| machine.nodes().get(**nid).is_none());
                if let Some(nid) = missing {
                    return Err(SamplerError::new("nodes", "nodes of the machine", nid));
                }
                if nodes.is_empty() {
                    return Err(SamplerError::new("nodes", "at least one", "none"));
                }
            }
            Event::L3MissLoads | Event::Loads | Event::Stores => {}
        }
        within("bufferRecords", u64::from(self.buffer_records), 1..=u64::from(BUFFER_MAX))?;
        within("shadowEvents", u64::from(self.shadow_events), 0..=65_535)?;
        within("switchNs", self.switch_ns, 1..=1_000_000_000_000)?;
        within("recordNs", u64::from(self.record_ns), 0..=1_000_000)?;
        self.interrupts.check()
    }

    /// One stream for each CPU, each somewhere within its first period.
    pub(crate) fn streams(
        &self,
        machine: &Machine,
        now_ns: u64,
    ) -> Result<Vec<Stream>, SamplerError> {
        self.check(machine)?;
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let cpus = (0..machine.cpus()).map(|cpu| {
            let mut random = stream.clone();
            stream.jump();
            Stream::Pebs(Box::new(PebsCpu {
                cpu,
                config: self.clone(),
                phase: random.next_u64(),
                next: None,
                random,
                counter: Counter::new(0, now_ns),
                interrupts: Interrupts::new(self.interrupts),
                buffer: Vec::new(),
            }))
        });
        Ok(cpus.collect())
    }
}

/// The sampler of one CPU.
#[derive(Clone, Debug)]
pub(crate) struct PebsCpu {
    cpu: u16,
    config: PebsConfig,
    random: Xoshiro256PlusPlus,
    /// Where in its first period it begins.
    phase: u64,
    /// Count at which the counter runs over next; none before it first ran.
    next: Option<u64>,
    counter: Counter,
    interrupts: Interrupts,
    buffer: Vec<Seen>,
}

impl PebsCpu {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        if machine.running(self.cpu).is_none() {
            // With the CPU its event goes, and the buffer is emptied; the next one is new.
            self.empty(output);
            if self.next.take().is_some() {
                self.phase = self.random.next_u64();
                self.interrupts = Interrupts::new(self.config.interrupts);
            }
            return;
        }
        let population = self.population(machine);
        self.counter.set_rate(population.hz() as u64, span.from_ns);
        let period = match self.config.pace {
            Pace::Period(period) => period,
            // The kernel measures: the period comes out shorter by what is in the shadow.
            Pace::Frequency(hz) => (population.hz() as u64 / hz)
                .saturating_sub(u64::from(self.config.shadow_events / 2))
                .max(1),
        };
        let now = self.counter.at(span.from_ns);
        let next = self.next.unwrap_or(now + self.phase % period);
        // A period that has become shorter counts from now on, not only after the one that runs.
        let shadow = u64::from(self.config.shadow_events);
        let mut next = next.min(now + period + shadow);
        let limit = self.counter.at(span.until_ns);
        while next < limit {
            let before_end_ns = self.counter.duration_ns(limit - next);
            let time_ns = span.until_ns.saturating_sub(1 + before_end_ns);
            self.empty_at_switches(time_ns, output);
            next += period + self.shadow();
            self.record(&population, machine, time_ns, output);
            if self.buffer.len() >= self.config.buffer_records as usize {
                self.empty(output);
                output.charge(self.interrupts.handler_ns());
                if let Some(resumes_ns) = self.interrupts.take(time_ns) {
                    output.counters.throttles += 1;
                    next = self.counter.at(resumes_ns) + period + self.shadow();
                }
            }
        }
        self.empty_at_switches(span.until_ns, output);
        self.next = Some(next);
    }

    /// Events of this record's shadow.
    fn shadow(&mut self) -> u64 {
        match u64::from(self.config.shadow_events) {
            0 => 0,
            most => ((self.random.next_u64() >> 32) * (most + 1)) >> 32,
        }
    }

    pub(crate) fn cpu(&self) -> u16 {
        self.cpu
    }

    /// The event is stopped in a span.
    pub(crate) fn skip(&mut self, span: Span, counters: &mut SamplerCounters) {
        self.abandon(counters);
        let missed = self.counter.at(span.until_ns) - self.counter.at(span.from_ns);
        self.next = self.next.map(|next| next + missed);
    }

    /// What this CPU's counter counts.
    fn population(&self, machine: &Machine) -> Population {
        let all_nodes = || (0..machine.nodes().len() as u32).collect::<Vec<_>>();
        let (reach, direction) = match &self.config.event {
            Event::L3MissLoads => (Reach::Nodes(all_nodes()), Direction::Loads),
            Event::NodeLoads(nodes) => (Reach::Nodes(nodes.clone()), Direction::Loads),
            Event::Loads => (Reach::All, Direction::Loads),
            Event::Stores => (Reach::All, Direction::Stores),
            Event::SlowLoads { latency_min } => {
                let slow = |level| machine.latency_cycles(self.cpu, level) >= *latency_min;
                let reach = if slow(Level::L1) {
                    Reach::All
                } else if slow(Level::L2) {
                    Reach::BeyondL1
                } else if slow(Level::L3) {
                    Reach::BeyondL2
                } else {
                    let mut nodes = all_nodes();
                    nodes.retain(|&nid| slow(Level::Memory { nid }));
                    Reach::Nodes(nodes)
                };
                (reach, Direction::Loads)
            }
        };
        machine.population(Some(self.cpu), &reach, direction)
    }

    fn record(
        &mut self,
        population: &Population,
        machine: &Machine,
        time_ns: u64,
        output: &mut Output,
    ) {
        output.charge(u64::from(self.config.record_ns));
        let access = population.draw(machine, &mut self.random).map(|(access, _)| access);
        let address = access.and_then(|access| {
            if self.config.physical {
                machine.physical_address(&access)
            } else {
                Some(machine.virtual_address(&access))
            }
        });
        match (access, address) {
            (Some(access), Some(address)) => {
                let page = address - address % PAGE_SZ;
                self.buffer.push(Seen::new(page, access.write, time_ns));
            }
            _ => {
                output.counters.selected += 1;
                output.counters.samples_total += 1;
                output.counters.samples_filtered += 1;
            }
        }
    }

    /// Empties the buffer if the CPU has switched to another task before `now_ns`.
    fn empty_at_switches(&mut self, now_ns: u64, output: &mut Output) {
        let switch_ns = self.config.switch_ns;
        if self.buffer.first().is_some_and(|first| first.time_ns / switch_ns < now_ns / switch_ns) {
            self.empty(output);
        }
    }

    /// Nobody reads the buffer any more.
    pub(crate) fn abandon(&mut self, counters: &mut SamplerCounters) {
        let records = self.buffer.drain(..).len() as u64;
        counters.selected += records;
        counters.lost += records;
    }

    /// Software is shown what is in the buffer: that is when it counts.
    fn empty(&mut self, output: &mut Output) {
        let records = self.buffer.len() as u64;
        output.counters.selected += records;
        output.counters.samples_total += records;
        output.counters.reported += records;
        self.buffer.drain(..).for_each(|seen| output.seen.push(seen));
    }
}
