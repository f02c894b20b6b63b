//! A CXL hotness monitoring unit: counters in a memory device, and a list of what they found hot.
//! `samplers.md` 4.
//!
//! What makes it itself: it sees what the caches let through to its own device, and nothing of other
//! nodes, of processes or of virtual addresses. There are fewer counters than units of memory: a
//! unit that finds none free in an epoch is not counted. At the end of the epoch the units whose
//! count reached the threshold enter the list, as far as there is room; software reads and reports
//! them. Counts stop at the counter's largest value. A unit that is always on has no epochs: it lists a
//! unit of memory whenever its count reaches the threshold, and frees the counter; a counter of a unit
//! that never gets so far is never free again.
//!
//! Nobody makes all the accesses: they are drawn until the counters are taken, or four times as many
//! as there are counters, by when all but the coldest units have shown up; each counter then gets
//! what is left of the epoch from a Poisson distribution. So an epoch costs as much as there are
//! counters.
//!
//! Simplified: an epoch's traffic is taken to be what it is at its end; the device's addresses are
//! the host's; nothing is prefetched.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use damon_machine::{Direction, Machine, PAGE_SZ, Population, Reach};
use rand_core::SeedableRng;
use rand_distr::{Distribution, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{SamplerError, within};
use crate::stream::{NO_CPU, Output, Seen, Span, Stream};

/// Accesses that are drawn one by one in an epoch, per counter.
const DRAWS_PER_COUNTER: u64 = 4;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Lines that are read: loads, and stores that fetch their line first.
    Reads,
    /// Lines that are written back.
    Writes,
    /// Both.
    Both,
}

/// When counts are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At the end of an epoch, when all counters are free again.
    Epoch,
    /// Whenever one has changed.
    AlwaysOn,
}

/// One hotness unit for each of some devices.
#[derive(Clone, Debug, PartialEq)]
pub struct ChmuConfig {
    /// The devices, as nodes of the machine: one unit, and one lane, for each.
    pub nodes: Vec<u32>,
    /// Bytes of a unit: a power of two, 256..=4096.
    pub unit_bytes: u32,
    /// When counts are looked at.
    pub mode: Mode,
    /// Nanoseconds of an epoch, after which the list is read; of a unit that is always on, from one
    /// reading to the next. 1..=4095 times 100 us, 1 ms, 10 ms, 100 ms or 1 s.
    pub epoch_ns: u64,
    /// What is counted.
    pub traffic: Traffic,
    /// Of so many accesses one is counted, at random: a power of two, 1..=32768.
    pub down_sampling: u32,
    /// Counters, 1..=1048576.
    pub counters: u32,
    /// Bits of a counter, 8..=32.
    pub counter_bits: u32,
    /// A unit is hot from so many counts on; at least 1, at most what a counter holds.
    pub threshold: u32,
    /// Entries of the list, 1..=65535.
    pub list_entries: u32,
    /// Nanoseconds of a CPU to read an entry.
    pub read_ns: u32,
    /// Decides which accesses are counted.
    pub seed: u64,
}

impl ChmuConfig {
    fn check(&self, machine: &Machine) -> Result<(), SamplerError> {
        if self.nodes.is_empty() {
            return Err(SamplerError::new("nodes", "at least one", "none"));
        }
        if let Some(nid) = self.nodes.iter().find(|nid| machine.nodes().get(**nid).is_none()) {
            return Err(SamplerError::new("nodes", "nodes of the machine", nid));
        }
        power_of_two("unitBytes", self.unit_bytes, 256..=4_096)?;
        power_of_two("downSampling", self.down_sampling, 1..=32_768)?;
        let epochs = [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000u64];
        let fits = |scale: &u64| {
            self.epoch_ns.is_multiple_of(*scale) && (1..=4_095).contains(&(self.epoch_ns / scale))
        };
        if !epochs.iter().any(fits) {
            let expected = "1 to 4095 times 100 us, 1 ms, 10 ms, 100 ms or 1 s";
            return Err(SamplerError::new("epochNs", expected, self.epoch_ns));
        }
        within("counters", u64::from(self.counters), 1..=1 << 20)?;
        within("counterBits", u64::from(self.counter_bits), 8..=32)?;
        within("threshold", u64::from(self.threshold), 1..=self.count_max())?;
        within("listEntries", u64::from(self.list_entries), 1..=65_535)?;
        within("readNs", u64::from(self.read_ns), 0..=1_000_000)
    }

    fn count_max(&self) -> u64 {
        (1 << self.counter_bits) - 1
    }

    pub(crate) fn streams(
        &self,
        machine: &Machine,
        now_ns: u64,
    ) -> Result<Vec<Stream>, SamplerError> {
        self.check(machine)?;
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let units = self.nodes.iter().map(|&nid| {
            let random = stream.clone();
            stream.jump();
            Stream::Chmu(Box::new(Chmu {
                nid,
                config: self.clone(),
                random,
                epoch_ends_ns: now_ns + self.epoch_ns,
                places: HashMap::new(),
                counters: Vec::new(),
            }))
        });
        Ok(units.collect())
    }
}

fn power_of_two(
    path: &'static str,
    received: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<(), SamplerError> {
    if received.is_power_of_two() && range.contains(&received) {
        return Ok(());
    }
    let expected = format!("a power of two from {} to {}", range.start(), range.end());
    Err(SamplerError::new(path, expected, received))
}

/// A counter that was taken.
#[derive(Clone, Copy, Debug)]
struct Counted {
    /// Physical address / unit size.
    unit: u64,
    count: u64,
    /// What is to be expected of it in a whole epoch.
    expected: f64,
    /// Of a unit that is always on: it has just been listed, and nothing was counted since.
    is_free: bool,
}

/// The unit of one device.
#[derive(Clone, Debug)]
pub(crate) struct Chmu {
    nid: u32,
    config: ChmuConfig,
    random: Xoshiro256PlusPlus,
    epoch_ends_ns: u64,
    /// Counter of each unit that has one. Reused, like the counters.
    places: HashMap<u64, usize>,
    counters: Vec<Counted>,
}

impl Chmu {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        while self.epoch_ends_ns < span.until_ns {
            self.count(machine);
            let hot = match self.config.mode {
                Mode::Epoch => self.hot(output),
                Mode::AlwaysOn => self.crossings(output),
            };
            self.read(&hot, self.epoch_ends_ns, span, output);
            self.epoch_ends_ns += self.config.epoch_ns;
        }
    }

    /// The unit is stopped in a span: it begins anew afterwards.
    pub(crate) fn skip(&mut self, span: Span) {
        self.places.clear();
        self.counters.clear();
        self.epoch_ends_ns = span.until_ns + self.config.epoch_ns;
    }

    /// What reaches the device, and how many lines of it each access is on average.
    fn traffic(&self, machine: &Machine) -> (Population, f64) {
        let reach = Reach::Nodes(vec![self.nid]);
        match self.config.traffic {
            Traffic::Reads => (machine.population(None, &reach, Direction::Both), 1.0),
            Traffic::Writes => (machine.population(None, &reach, Direction::Stores), 1.0),
            Traffic::Both => {
                let reads = machine.population(None, &reach, Direction::Both);
                let writes_hz = machine.population(None, &reach, Direction::Stores).hz();
                let lines = if reads.hz() > 0.0 { 1.0 + writes_hz / reads.hz() } else { 1.0 };
                (reads, lines)
            }
        }
    }

    /// Counts an epoch.
    fn count(&mut self, machine: &Machine) {
        let (population, lines) = self.traffic(machine);
        let Self { config, random, places, counters, .. } = self;
        if config.mode == Mode::Epoch {
            places.clear();
            counters.clear();
        }
        let unit_bytes = u64::from(config.unit_bytes);
        let per_hz = lines * config.epoch_ns as f64 / 1e9 / f64::from(config.down_sampling);
        let expected_of = |page_hz: f64| page_hz * per_hz * unit_bytes as f64 / PAGE_SZ as f64;
        // What has a counter already is expected to go on as its memory is touched now.
        for counted in &mut *counters {
            let folio = machine.folio_at_address(counted.unit * unit_bytes);
            let page = folio.map(|folio| {
                folio.page + ((counted.unit * unit_bytes - folio.address) / PAGE_SZ) as u32
            });
            counted.expected =
                page.map_or(0.0, |page| expected_of(population.page_hz(machine, page)));
        }
        let accesses = poisson(population.hz() * per_hz, random);
        let most = accesses.min(u64::from(config.counters) * DRAWS_PER_COUNTER);
        let mut drawn = 0;
        while drawn < most && counters.len() < config.counters as usize {
            drawn += 1;
            let Some((access, page_hz)) = population.draw(machine, random) else { break };
            let Some(address) = machine.physical_address(&access) else { continue };
            let unit = address / unit_bytes;
            let expected = expected_of(page_hz);
            let place = *places.entry(unit).or_insert_with(|| {
                counters.push(Counted { unit, count: 0, expected, is_free: false });
                counters.len() - 1
            });
            counters[place].count += 1;
        }
        let left = (accesses - drawn) as f64 / accesses.max(1) as f64;
        for counted in counters {
            counted.count += poisson(counted.expected * left, random);
            if config.mode == Mode::Epoch {
                counted.count = counted.count.min(config.count_max());
            }
        }
    }

    /// Units whose count has reached the threshold at the end of an epoch, as far as the list holds
    /// them.
    fn hot(&mut self, output: &mut Output) -> Vec<u64> {
        let threshold = u64::from(self.config.threshold);
        let counters = self.counters.iter().filter(|counted| counted.count >= threshold);
        let mut hot: Vec<_> = counters.map(|counted| counted.unit).collect();
        hot.sort_unstable();
        output.counters.selected += hot.len() as u64;
        let listed = hot.len().min(self.config.list_entries as usize);
        output.counters.lost += (hot.len() - listed) as u64;
        hot.truncate(listed);
        hot
    }

    /// Units as often as their count reached the threshold, in the order in which that was, as far
    /// as the list holds them. Counters that did are free, but for what has been counted since.
    fn crossings(&mut self, output: &mut Output) -> Vec<u64> {
        let Self { config, counters, places, .. } = self;
        let threshold = u64::from(config.threshold);
        // When each unit reaches it next, as a share of the time; ties by unit.
        let mut next = BinaryHeap::new();
        for counted in &mut *counters {
            let crossings = counted.count / threshold;
            output.counters.selected += crossings;
            if crossings > 0 {
                let step = u64::MAX / counted.count * threshold;
                next.push(Reverse((step, counted.unit, step, crossings)));
                counted.count %= threshold;
                counted.is_free = counted.count == 0;
            }
        }
        let mut listed = Vec::new();
        while listed.len() < config.list_entries as usize
            && let Some(Reverse((at, unit, step, left))) = next.pop()
        {
            listed.push(unit);
            if left > 1 {
                next.push(Reverse((at.saturating_add(step), unit, step, left - 1)));
            }
        }
        let lost = next.iter().map(|Reverse((.., left))| left).sum::<u64>();
        output.counters.lost += lost;
        counters.retain(|counted| !counted.is_free);
        places.clear();
        places.extend(counters.iter().enumerate().map(|(place, counted)| (counted.unit, place)));
        listed
    }

    /// Software reads the list, and reports what is there.
    fn read(&self, listed: &[u64], now_ns: u64, span: Span, output: &mut Output) {
        output.counters.samples_total += listed.len() as u64;
        output.counters.reported += listed.len() as u64;
        output.charge(listed.len() as u64 * u64::from(self.config.read_ns));
        let time_ns = now_ns.min(span.last_ns());
        for unit in listed {
            let address = unit * u64::from(self.config.unit_bytes);
            output.see(Seen::new(address - address % PAGE_SZ, false, time_ns), NO_CPU);
        }
    }
}

/// So many events where `mean` are expected.
fn poisson(mean: f64, random: &mut Xoshiro256PlusPlus) -> u64 {
    // Refused for what has no distribution: nothing is expected then.
    Poisson::new(mean).map_or(0, |poisson| poisson.sample(random) as u64)
}
