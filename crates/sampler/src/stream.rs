//! A stream: what one CPU's sampler, or one device's, sees of the machine over time.
//!
//! Streams know nothing of each other and have a random generator each, so they can be followed in
//! any order and on any thread with the same result.

use damon_machine::{Machine, PAGE_SZ};

use crate::chmu::Chmu;
use crate::counters::SamplerCounters;
use crate::hint_faults::HintFaults;
use crate::ibs_op::IbsOpCpu;
use crate::page_faults::PageFaults;
use crate::pebs::PebsCpu;
use crate::sources::SourceCounts;

/// A stretch of time: from `from_ns`, up to but not including `until_ns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ns: u64,
    pub(crate) until_ns: u64,
    /// Bits that a distance from the end has beyond 32: none up to 4.29 seconds.
    excess_bits: u32,
}

impl Span {
    pub(crate) fn new(from_ns: u64, until_ns: u64) -> Self {
        let until_ns = until_ns.max(from_ns);
        let bits = u64::BITS - (until_ns - from_ns).leading_zeros();
        Self { from_ns, until_ns, excess_bits: bits.saturating_sub(u32::BITS) }
    }

    pub(crate) fn length_ns(self) -> u64 {
        self.until_ns - self.from_ns
    }

    /// The moment at which an access was seen.
    #[inline]
    pub(crate) fn time_ns(self, seen: &Seen) -> u64 {
        let before_end_ns = u64::from(seen.before_end) << self.excess_bits;
        self.until_ns.saturating_sub(1 + before_end_ns)
    }
}

/// One access that a sampler reports. 16 bytes, because they cross from one processor's cache to
/// another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// First byte of the page; bit 0 tells a store.
    page: u64,
    /// Nanoseconds before the last of the span, but for the span's excess bits.
    before_end: u32,
    /// The CPU that made the access, or [`NO_CPU`].
    pub(crate) cpu: u16,
}

const WRITE: u64 = 1;
/// Nobody knows who made the access.
pub(crate) const NO_CPU: u16 = u16::MAX;

impl Seen {
    /// `page` is the first byte of one.
    #[inline]
    pub(crate) fn new(span: Span, page: u64, write: bool, before_end_ns: u64) -> Self {
        let before_end = before_end_ns >> span.excess_bits;
        // What was seen more than four seconds before the span is as stale as four seconds.
        let before_end = before_end.min(u64::from(u32::MAX)) as u32;
        Self { page: page | u64::from(write), before_end, cpu: NO_CPU }
    }

    pub(crate) fn by(self, cpu: u16) -> Self {
        Self { cpu, ..self }
    }

    pub(crate) fn page(&self) -> u64 {
        // All that is below a page, so that whoever reports it sees that it begins one.
        self.page & !(PAGE_SZ - 1)
    }

    pub(crate) fn write(&self) -> bool {
        self.page & WRITE != 0
    }
}

/// What streams tell of a span.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// What they report, stream by stream, each oldest first.
    pub(crate) seen: Vec<Seen>,
    pub(crate) counters: SamplerCounters,
    pub(crate) sources: SourceCounts,
}

impl Output {
    /// Takes time from the CPU that is watched.
    pub(crate) fn charge(&mut self, ns: u64) {
        self.counters.overhead_ns += ns;
    }
}

/// One CPU, device or process under a sampler. CPUs lie side by side: they are followed every tick.
#[expect(clippy::large_enum_variant, reason = "a sampler has streams of one kind")]
#[derive(Debug)]
pub(crate) enum Stream {
    IbsOp(IbsOpCpu),
    Pebs(Box<PebsCpu>),
    Chmu(Box<Chmu>),
    HintFaults(Box<HintFaults>),
    PageFaults(Box<PageFaults>),
}

impl Clone for Stream {
    fn clone(&self) -> Self {
        match self {
            Self::IbsOp(cpu) => Self::IbsOp(*cpu),
            Self::Pebs(cpu) => Self::Pebs(cpu.clone()),
            Self::Chmu(device) => Self::Chmu(device.clone()),
            Self::HintFaults(process) => Self::HintFaults(process.clone()),
            Self::PageFaults(process) => Self::PageFaults(process.clone()),
        }
    }

    /// In place: streams are remembered in every tick.
    fn clone_from(&mut self, source: &Self) {
        match (self, source) {
            (Self::IbsOp(cpu), Self::IbsOp(source)) => *cpu = *source,
            (Self::Pebs(cpu), Self::Pebs(source)) => cpu.clone_from(source),
            (stream, source) => *stream = source.clone(),
        }
    }
}

impl Stream {
    /// Follows it through a span, which begins where the last one ended.
    pub(crate) fn follow(&mut self, machine: &Machine, span: Span, output: &mut Output) {
        match self {
            Self::IbsOp(cpu) => cpu.follow(machine, span, output),
            Self::Pebs(cpu) => cpu.follow(machine, span, output),
            Self::Chmu(device) => device.follow(machine, span, output),
            Self::HintFaults(process) => process.follow(machine, span, output),
            Self::PageFaults(process) => process.follow(machine, span, output),
        }
    }

    /// Nobody samples in a span, which begins where the last one ended.
    pub(crate) fn skip(&mut self, span: Span) {
        match self {
            Self::IbsOp(cpu) => cpu.skip(span),
            Self::Pebs(cpu) => cpu.skip(span),
            Self::Chmu(device) => device.skip(span),
            Self::HintFaults(process) => process.skip(span),
            // Faults are not counted then.
            Self::PageFaults(_) => {}
        }
    }

    /// The CPU that pays for it.
    pub(crate) fn cpu(&self, machine: &Machine) -> u16 {
        match self {
            Self::IbsOp(cpu) => cpu.cpu(),
            Self::Pebs(cpu) => cpu.cpu(),
            // Whoever polls the list: the first that is there.
            Self::Chmu(_) => {
                let mut cpus = 0..machine.cpus();
                cpus.find(|&cpu| machine.running(cpu).is_some()).unwrap_or(0)
            }
            Self::HintFaults(process) => process.cpu(machine),
            Self::PageFaults(process) => process.cpu(machine),
        }
    }

    /// The CPU that makes all accesses it sees, if they are one CPU's.
    pub(crate) fn only_cpu(&self) -> Option<u16> {
        match self {
            Self::IbsOp(cpu) => Some(cpu.cpu()),
            Self::Pebs(cpu) => Some(cpu.cpu()),
            Self::Chmu(_) | Self::HintFaults(_) | Self::PageFaults(_) => None,
        }
    }

    /// Whether it is cheap to remember what it was, so that it can be sent ahead.
    pub(crate) fn is_small(&self) -> bool {
        matches!(self, Self::IbsOp(_) | Self::Pebs(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_exact_up_to_four_seconds_and_within_the_span_beyond() {
        let long = Span::new(7, 7 + u64::from(u32::MAX));
        for before_end_ns in [0, 1, 4_999_999, u64::from(u32::MAX) - 1] {
            let seen = Seen::new(long, 4096, true, before_end_ns).by(4);
            assert_eq!(long.time_ns(&seen), long.until_ns - 1 - before_end_ns);
            assert_eq!((seen.page(), seen.write(), seen.cpu), (4096, true, 4));
        }
        let hours = Span::new(5, 5 + 4_000_000_000_000);
        for before_end_ns in [0, 12_345_678_901, 3_999_999_999_999] {
            let time_ns = hours.time_ns(&Seen::new(hours, 0, false, before_end_ns));
            let exact_ns = hours.until_ns - 1 - before_end_ns;
            assert!((exact_ns..exact_ns + 1024).contains(&time_ns));
        }
    }
}
