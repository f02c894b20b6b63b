//! NUMA hint faults: a scanner makes part of a process's memory inaccessible every now and then, and
//! the first access to each page of it faults. `samplers.md` 6.
//!
//! What makes it itself: one fault per page and scan, however often the page is touched afterwards;
//! what tells hot from cold is how soon it came. Faults that came sooner than a threshold, as many
//! as a rate limit lets pass, are reported; the threshold follows the limit, in steps of an eighth
//! of its start. A whole pass takes as long as the process is large, and it is the threads that touch
//! memory who pay.
//!
//! Simplified: how often a page is touched is taken from the moment it is scanned; the period of the
//! scans stays.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use damon_machine::{Machine, PAGE_SZ};
use rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{SamplerError, within};
use crate::stream::{Output, Seen, Span, Stream};

/// How often the threshold is looked at: the longest scan period.
const ADJUST_NS: u64 = 60_000_000_000;
/// The threshold moves by its start over half of this, up to twice its start.
const STEPS: u64 = 16;
/// Pages of a huge one that are asked for how often the whole is touched: every 64th.
const HUGE_STRIDE: u32 = 64;

/// Hint faults of every process.
#[derive(Clone, Debug, PartialEq)]
pub struct HintFaultsConfig {
    /// Bytes of a scan, in whole pages, at least one.
    pub scan_bytes: u64,
    /// Nanoseconds from one to the next, 1 ms to 60 s.
    pub scan_period_ns: u64,
    /// Nanoseconds until the first.
    pub start_delay_ns: u64,
    /// Only pages on these nodes are scanned, as in memory-tiering mode; all if empty.
    pub nodes: Vec<u32>,
    /// A page is hot whose fault comes within so many nanoseconds, at first; at least 16.
    pub hot_threshold_ns: u64,
    /// Bytes per second that may be reported.
    pub rate_limit_bytes_hz: u64,
    /// Addresses are physical, of the frame that the page is in.
    pub physical: bool,
    /// Nanoseconds that a fault costs whoever touched the page.
    pub fault_ns: u32,
    /// Nanoseconds that the scanner spends on a page table entry.
    pub scan_entry_ns: u32,
    /// Decides when faults come.
    pub seed: u64,
}

impl HintFaultsConfig {
    fn check(&self, machine: &Machine) -> Result<(), SamplerError> {
        if self.scan_bytes == 0 || !self.scan_bytes.is_multiple_of(PAGE_SZ) {
            let expected = "whole pages of 4096 bytes, at least one";
            return Err(SamplerError::new("scanBytes", expected, self.scan_bytes));
        }
        within("scanPeriodNs", self.scan_period_ns, 1_000_000..=60_000_000_000)?;
        within("startDelayNs", self.start_delay_ns, 0..=3_600_000_000_000)?;
        if let Some(nid) = self.nodes.iter().find(|nid| machine.nodes().get(**nid).is_none()) {
            return Err(SamplerError::new("nodes", "nodes of the machine", nid));
        }
        within("hotThresholdNs", self.hot_threshold_ns, STEPS..=3_600_000_000_000)?;
        within("rateLimitBytesPerS", self.rate_limit_bytes_hz, PAGE_SZ..=1 << 50)?;
        within("faultNs", u64::from(self.fault_ns), 0..=1_000_000_000)?;
        within("scanEntryNs", u64::from(self.scan_entry_ns), 0..=1_000_000)
    }

    /// One stream, and one lane, for each process.
    pub(crate) fn streams(
        &self,
        machine: &Machine,
        now_ns: u64,
    ) -> Result<Vec<Stream>, SamplerError> {
        self.check(machine)?;
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let processes = (0..machine.tgids().count() as u16).map(|process| {
            let random = stream.clone();
            stream.jump();
            Stream::HintFaults(Box::new(HintFaults {
                process,
                config: self.clone(),
                random,
                next_scan_ns: now_ns + self.start_delay_ns,
                cursor: 0,
                unmapped: vec![0; machine.pages().div_ceil(64) as usize],
                faults: BinaryHeap::new(),
                limit: Limit::new(self, now_ns),
            }))
        });
        Ok(processes.collect())
    }
}

/// Which faults are reported.
#[derive(Clone, Debug)]
struct Limit {
    threshold_ns: u64,
    start_ns: u64,
    bytes_hz: u64,
    /// Bytes of pages that were soon enough, reported or not, since the threshold was adjusted.
    candidates: u64,
    adjust_at_ns: u64,
    /// The running second, and the bytes reported in it.
    second: u64,
    reported: u64,
}

impl Limit {
    fn new(config: &HintFaultsConfig, now_ns: u64) -> Self {
        Self {
            threshold_ns: config.hot_threshold_ns,
            start_ns: config.hot_threshold_ns,
            bytes_hz: config.rate_limit_bytes_hz,
            candidates: 0,
            adjust_at_ns: now_ns + ADJUST_NS,
            second: 0,
            reported: 0,
        }
    }

    /// Whether a fault that came so late after the scan is reported.
    fn passes(&mut self, now_ns: u64, latency_ns: u64, bytes: u64) -> bool {
        while now_ns >= self.adjust_at_ns {
            self.adjust();
        }
        if latency_ns >= self.threshold_ns {
            return false;
        }
        self.candidates += bytes;
        let second = now_ns / 1_000_000_000;
        if second != self.second {
            (self.second, self.reported) = (second, 0);
        }
        let passes = self.reported < self.bytes_hz;
        if passes {
            self.reported += bytes;
        }
        passes
    }

    /// More candidates than the limit lets pass, by a tenth: be stricter; fewer by a tenth: less so.
    fn adjust(&mut self) {
        let reference = u128::from(self.bytes_hz) * u128::from(ADJUST_NS / 1_000_000_000);
        let step_ns = self.start_ns * 2 / STEPS;
        let candidates = u128::from(self.candidates) * 100;
        if candidates > reference * 110 {
            self.threshold_ns = self.threshold_ns.saturating_sub(step_ns).max(step_ns);
        } else if candidates < reference * 90 {
            self.threshold_ns = (self.threshold_ns + step_ns).min(self.start_ns * 2);
        }
        self.candidates = 0;
        self.adjust_at_ns += ADJUST_NS;
    }
}

/// A page that will be touched: when, its number, and when it was scanned. Ordered by when.
type Fault = (u64, u32, u64);

/// Hint faults of one process.
#[derive(Clone, Debug)]
pub(crate) struct HintFaults {
    process: u16,
    config: HintFaultsConfig,
    random: Xoshiro256PlusPlus,
    next_scan_ns: u64,
    /// Page at which the next scan goes on.
    cursor: u32,
    /// Per page: it is inaccessible.
    unmapped: Vec<u64>,
    faults: BinaryHeap<Reverse<Fault>>,
    limit: Limit,
}

impl HintFaults {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        while self.next_scan_ns < span.until_ns {
            let now_ns = self.next_scan_ns;
            self.fault_until(now_ns, machine, span, output);
            self.scan(now_ns, machine, output);
            self.next_scan_ns += self.config.scan_period_ns;
        }
        self.fault_until(span.until_ns, machine, span, output);
    }

    /// Nobody scans in a span; what faults in it tells nobody.
    pub(crate) fn skip(&mut self, span: Span) {
        while self.faults.peek().is_some_and(|Reverse((at_ns, ..))| *at_ns < span.until_ns) {
            if let Some(Reverse((_, page, _))) = self.faults.pop() {
                self.set_unmapped(page, false);
            }
        }
        self.next_scan_ns = self.next_scan_ns.max(span.until_ns);
    }

    /// Makes the next part of the process's memory inaccessible; at its end the scan is over.
    fn scan(&mut self, now_ns: u64, machine: &Machine, output: &mut Output) {
        let mut left = self.config.scan_bytes / PAGE_SZ;
        let (mut entries, mut page) = (0, 0);
        for pages in machine.mapped_pages(self.process) {
            page = self.cursor.max(pages.start);
            while page < pages.end && left > 0 {
                let (first, len) = machine.folio_pages(page);
                left = left.saturating_sub(u64::from(len));
                entries += 1;
                self.unmap(first, len, now_ns, machine);
                page = first + len;
            }
            if page < pages.end {
                break;
            }
        }
        let end = machine.mapped_pages(self.process).last().map_or(0, |pages| pages.end);
        self.cursor = if page < end { page } else { 0 };
        output.charge(entries * u64::from(self.config.scan_entry_ns));
    }

    fn unmap(&mut self, page: u32, pages: u32, now_ns: u64, machine: &Machine) {
        let Some(nid) = machine.node_of_page(page) else { return };
        let nodes = &self.config.nodes;
        if self.is_unmapped(page) || !(nodes.is_empty() || nodes.contains(&nid)) {
            return;
        }
        self.set_unmapped(page, true);
        let hz = if pages == 1 {
            machine.page_hz(page)
        } else {
            let some = (page..page + pages).step_by(HUGE_STRIDE as usize);
            some.map(|page| machine.page_hz(page)).sum::<f64>() * f64::from(HUGE_STRIDE)
        };
        if hz > 0.0 {
            let latency: f64 = Exp1.sample(&mut self.random);
            let at_ns = now_ns.saturating_add((latency / hz * 1e9) as u64);
            self.faults.push(Reverse((at_ns, page, now_ns)));
        }
    }

    fn fault_until(&mut self, until_ns: u64, machine: &Machine, span: Span, output: &mut Output) {
        while let Some(&Reverse((at_ns, page, scanned_ns))) = self.faults.peek()
            && at_ns < until_ns
        {
            self.faults.pop();
            self.set_unmapped(page, false);
            self.fault((at_ns, page, scanned_ns), machine, span, output);
        }
    }

    fn fault(
        &mut self,
        (at_ns, page, scanned_ns): Fault,
        machine: &Machine,
        span: Span,
        output: &mut Output,
    ) {
        output.counters.selected += 1;
        output.counters.samples_total += 1;
        output.charge(u64::from(self.config.fault_ns));
        let (_, pages) = machine.folio_pages(page);
        let address = if self.config.physical {
            machine.page_address(page)
        } else {
            Some(machine.virtual_page(page))
        };
        let passes = self.limit.passes(at_ns, at_ns - scanned_ns, u64::from(pages) * PAGE_SZ);
        let (Some(address), true) = (address, passes) else {
            output.counters.samples_filtered += 1;
            return;
        };
        let draw = self.random.next_u64();
        let cpu = machine.cpu_of(self.process, (draw >> 32) as u32);
        let write = f64::from(draw as u32) < machine.store_share(cpu) * 4_294_967_296.0;
        output.see(Seen::new(address, write, at_ns.min(span.last_ns())), cpu);
        output.counters.reported += 1;
    }

    fn is_unmapped(&self, page: u32) -> bool {
        self.unmapped[page as usize / 64] >> (page % 64) & 1 == 1
    }

    fn set_unmapped(&mut self, page: u32, unmapped: bool) {
        let word = &mut self.unmapped[page as usize / 64];
        if unmapped { *word |= 1 << (page % 64) } else { *word &= !(1 << (page % 64)) }
    }

    /// The CPU that is charged: what is charged to one is charged to its process.
    pub(crate) fn cpu(&self, machine: &Machine) -> u16 {
        machine.cpu_of(self.process, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: HintFaultsConfig = HintFaultsConfig {
        scan_bytes: 256 << 20,
        scan_period_ns: 1_000_000_000,
        start_delay_ns: 0,
        nodes: vec![],
        hot_threshold_ns: 1_000_000_000,
        rate_limit_bytes_hz: 1 << 20,
        physical: true,
        fault_ns: 1_500,
        scan_entry_ns: 7,
        seed: 1,
    };

    #[test]
    fn the_threshold_moves_by_125_ms_between_125_ms_and_2_s() {
        let mut limit = Limit::new(&DEFAULT, 0);
        let minutes = |limit: &mut Limit, bytes: u64| -> Vec<u64> {
            (0..20)
                .map(|_| {
                    limit.candidates = bytes;
                    limit.adjust();
                    limit.threshold_ns / 1_000_000
                })
                .collect()
        };
        let all: u64 = 60 << 20;
        assert_eq!(minutes(&mut limit, all)[19], 1_000, "on the mark it stays");
        assert_eq!(minutes(&mut limit, all * 108 / 100)[19], 1_000, "and within a tenth of it");
        let stricter = minutes(&mut limit, all * 112 / 100);
        assert_eq!((stricter[0], stricter[1], stricter[19]), (875, 750, 125));
        let looser = minutes(&mut limit, all * 88 / 100);
        assert_eq!((looser[0], looser[19]), (250, 2_000));
    }

    #[test]
    fn within_a_second_no_more_is_reported_than_the_limit() {
        let mut limit = Limit::new(&DEFAULT, 0);
        let passed = (0..1_000).filter(|n| limit.passes(n * 1_000_000, 10, 4096)).count();
        assert_eq!(passed, 256, "1 MiB of pages");
        assert!(!limit.passes(1_500_000_000, 1_000_000_000, 4096), "too late");
        assert!(limit.passes(1_500_000_000, 999_999_999, 4096));
    }
}
