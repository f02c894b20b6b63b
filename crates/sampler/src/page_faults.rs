//! Page faults: the software event `PERF_COUNT_SW_PAGE_FAULTS`, which perf counts without any help of
//! the hardware.
//!
//! What makes it itself: it sees the first access to a page that is not in memory, and none of those
//! that follow. So what stays in memory is never seen, however hot it is; what comes back after it was
//! paged out is. Every so many-th fault of a process gives a sample with its address.
//!
//! Simplified: all memory is there at first, so the only faults are of pages that come back; the
//! samples of a step of the machine are told with the next.

use damon_machine::{Machine, PAGE_SZ};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{SamplerError, within};
use crate::stream::{Output, Seen, Span, Stream};

/// One page-fault event for every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFaultsConfig {
    /// Faults between samples, 1..=2^32 - 1.
    pub period: u32,
    /// Addresses are physical, of the frame that the page came to.
    pub physical: bool,
    /// Nanoseconds that a sample costs whoever faulted, at most 1 ms.
    pub sample_ns: u32,
    /// Decides which CPU of a process faults, and which faults are stores.
    pub seed: u64,
}

impl PageFaultsConfig {
    /// One stream, and one lane, for each process.
    pub(crate) fn streams(&self, machine: &Machine) -> Result<Vec<Stream>, SamplerError> {
        within("period", u64::from(self.period), 1..=u64::from(u32::MAX))?;
        within("sampleNs", u64::from(self.sample_ns), 0..=1_000_000)?;
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let processes = (0..machine.tgids().count() as u16).map(|process| {
            let random = stream.clone();
            stream.jump();
            let left = self.period;
            Stream::PageFaults(Box::new(PageFaults { process, config: *self, random, left }))
        });
        Ok(processes.collect())
    }
}

/// The event of one process.
#[derive(Clone, Debug)]
pub(crate) struct PageFaults {
    process: u16,
    config: PageFaultsConfig,
    random: Xoshiro256PlusPlus,
    /// Faults up to the next sample.
    left: u32,
}

impl PageFaults {
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        let faults = machine.page_faults().iter().filter(|fault| fault.process == self.process);
        for fault in faults {
            self.left -= 1;
            if self.left > 0 {
                continue;
            }
            self.left = self.config.period;
            output.counters.selected += 1;
            output.counters.samples_total += 1;
            output.charge(u64::from(self.config.sample_ns));
            let address = if self.config.physical {
                machine.page_address(fault.page)
            } else {
                Some(machine.virtual_page(fault.page))
            };
            let Some(address) = address else {
                // Paged out again at once.
                output.counters.samples_filtered += 1;
                continue;
            };
            let draw = self.random.next_u64();
            let cpu = machine.cpu_of(self.process, (draw >> 32) as u32);
            let write = f64::from(draw as u32) < machine.store_share(cpu) * 4_294_967_296.0;
            let page = address - address % PAGE_SZ;
            output.see(Seen::new(page, write, fault.at_ns.min(span.last_ns())), cpu);
            output.counters.reported += 1;
        }
    }

    /// The CPU that is charged: what is charged to one is charged to its process.
    pub(crate) fn cpu(&self, machine: &Machine) -> u16 {
        machine.cpu_of(self.process, 0)
    }
}
