//! A stream: what one CPU's sampler, or one device's, sees of the machine over time.
//!
//! Streams know nothing of each other and have a random generator each, so they can be followed in
//! any order and on any thread with the same result.

use damon_machine::vectors::LANES;
use damon_machine::{Machine, PAGE_SZ, STORE};

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
}

impl Span {
    pub(crate) fn new(from_ns: u64, until_ns: u64) -> Self {
        Self { from_ns, until_ns: until_ns.max(from_ns) }
    }

    pub(crate) fn length_ns(self) -> u64 {
        self.until_ns - self.from_ns
    }

    /// The last moment of it.
    #[inline]
    pub(crate) fn last_ns(self) -> u64 {
        self.until_ns.saturating_sub(1)
    }
}

/// One access that a sampler reports. 16 bytes, because they cross from one processor's cache to
/// another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Seen {
    /// First byte of the page, with the bit [`STORE`] for a store.
    access: u64,
    pub(crate) time_ns: u64,
}

// As a lane's producer wants it.
const _: () = assert!(STORE == 1);

// SAFETY: all zeros are two words.
unsafe impl bytemuck::Zeroable for Seen {}
// SAFETY: two words, of which all values are valid, with nothing between them.
unsafe impl bytemuck::Pod for Seen {}

/// Nobody knows who made the access.
pub(crate) const NO_CPU: u16 = u16::MAX;

impl Seen {
    /// `page` is the first byte of one.
    #[inline]
    pub(crate) fn new(page: u64, write: bool, time_ns: u64) -> Self {
        Self::of(page | if write { STORE } else { 0 }, time_ns)
    }

    /// `access` is the first byte of a page, with the bit [`STORE`] for a store.
    #[inline]
    pub(crate) fn of(access: u64, time_ns: u64) -> Self {
        Self { access, time_ns }
    }

    #[inline]
    pub(crate) fn page(&self) -> u64 {
        // All that is below a page, so that whoever reports it sees that it begins one.
        self.access & !(PAGE_SZ - 1)
    }

    #[inline]
    pub(crate) fn write(&self) -> bool {
        self.access & STORE != 0
    }
}

/// Samples taken together.
pub(crate) const TOGETHER: usize = 64;
/// Room for them where whole rows are written, of which not all counts.
pub(crate) const ROOM: usize = TOGETHER + LANES;

/// A row of such a room, from number `at` on, below [`TOGETHER`] or that.
#[inline(always)]
pub(crate) fn row_mut<T>(room: &mut [T; ROOM], at: usize) -> &mut [T; LANES] {
    let Some(row) = room[at..].first_chunk_mut() else { unreachable!() };
    row
}

/// Accesses, one after the other, with room at the end that is written without a look at whether it
/// is there.
#[derive(Debug, Default)]
pub(crate) struct SeenBuffer {
    /// Those, then anything.
    slots: Vec<Seen>,
    len: usize,
}

impl SeenBuffer {
    /// Room for [`TOGETHER`] more, to [keep](Self::keep) some of.
    #[inline]
    pub(crate) fn room(&mut self) -> &mut [Seen; ROOM] {
        if self.slots.len() < self.len + ROOM {
            self.slots.resize(2 * (self.len + ROOM), Seen::of(0, 0));
        }
        let Some(room) = self.slots[self.len..].first_chunk_mut() else { unreachable!() };
        room
    }

    /// The first so many that were written to the [room](Self::room) count.
    #[inline]
    pub(crate) fn keep(&mut self, seen: usize) {
        debug_assert!(seen <= TOGETHER);
        self.len += seen;
    }

    pub(crate) fn push(&mut self, seen: Seen) {
        self.room()[0] = seen;
        self.keep(1);
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Seen] {
        &self.slots[..self.len]
    }
}

/// Of samples taken together, those that are reported, in rows.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Rooms {
    /// Which of them.
    pub(crate) places: [u64; ROOM],
    /// When they were taken.
    pub(crate) times: [u64; ROOM],
    /// The page of each, with the bit [`STORE`] for a store.
    pub(crate) accesses: [u64; ROOM],
}

impl Default for Rooms {
    fn default() -> Self {
        Self { places: [0; ROOM], times: [0; ROOM], accesses: [0; ROOM] }
    }
}

/// What streams tell of a span.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// What they report, stream by stream, each oldest first.
    pub(crate) seen: SeenBuffer,
    /// The CPU that made each, or [`NO_CPU`], of streams that see more than
    /// [one CPU's](Stream::only_cpu).
    pub(crate) cpus: Vec<u16>,
    pub(crate) counters: SamplerCounters,
    pub(crate) sources: SourceCounts,
    /// Reused.
    pub(crate) rooms: Rooms,
}

impl Output {
    /// Empties it for another span.
    pub(crate) fn begin(&mut self) {
        self.forget();
        self.counters = SamplerCounters::default();
        self.sources = SourceCounts::default();
    }

    /// Forgets what was seen, which counts nevertheless.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
        self.cpus.clear();
    }

    /// Reports an access of some CPU, or of [`NO_CPU`].
    pub(crate) fn see(&mut self, seen: Seen, cpu: u16) {
        self.seen.push(seen);
        self.cpus.push(cpu);
    }

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
    pub(crate) fn skip(&mut self, span: Span, counters: &mut SamplerCounters) {
        match self {
            Self::IbsOp(cpu) => cpu.skip(span),
            Self::Pebs(cpu) => cpu.skip(span, counters),
            Self::Chmu(device) => device.skip(span),
            Self::HintFaults(process) => process.skip(span),
            // Faults are not counted then.
            Self::PageFaults(_) => {}
        }
    }

    /// It is not followed any more: counts what only it still holds.
    pub(crate) fn abandon(&mut self, counters: &mut SamplerCounters) {
        if let Self::Pebs(cpu) = self {
            cpu.abandon(counters);
        }
    }

    /// The CPU that pays for it; none where a thread of the kernel does the work, wherever that runs.
    pub(crate) fn cpu(&self, machine: &Machine) -> Option<u16> {
        match self {
            Self::IbsOp(cpu) => Some(cpu.cpu()),
            Self::Pebs(cpu) => Some(cpu.cpu()),
            Self::Chmu(_) => None,
            Self::HintFaults(process) => Some(process.cpu(machine)),
            Self::PageFaults(process) => Some(process.cpu(machine)),
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
    fn what_is_kept_stays_in_order_while_the_room_grows_and_what_is_not_is_written_over() {
        let mut seen = SeenBuffer::default();
        let mut expected = Vec::new();
        for batch in 0..40 {
            let room = seen.room();
            for (slot, time_ns) in room.iter_mut().zip(1_000 * batch..) {
                *slot = Seen::new(4096, batch % 2 == 0, time_ns);
            }
            let kept = (7 * batch as usize) % (TOGETHER + 1);
            expected.extend_from_slice(&room[..kept]);
            seen.keep(kept);
            seen.push(Seen::of(8192, batch));
            expected.push(Seen::new(8192, false, batch));
        }
        assert_eq!(seen.as_slice(), expected);
        assert_eq!(seen.len(), expected.len());
        assert!(expected[0].page() == 8192 && expected[1].page() == 4096 && !expected[1].write());
        seen.clear();
        assert_eq!(seen.as_slice(), []);
    }
}
