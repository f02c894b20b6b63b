//! The RFC's rings: 256 slots of which 255 are used, a nesting counter, one bitmap for all CPUs.
//!
//! The description asks for a full barrier between publishing `head` and setting the bit, and
//! between clearing the bit and reading `head`. On some CPUs, x86 among them, an atomic
//! read-modify-write is such a barrier by itself and a kernel leaves the extra one out. Which of
//! the two the RFC's source does is not known here, so both compete: [`Fenced`] pays for a barrier
//! beside the atomic, [`Folded`] does not.
//!
//! One difference: `tail` is published with Release and read with Acquire, as Rust's memory model
//! demands and no published version does. On x86 that costs nothing.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, compiler_fence, fence};

use crate::reports::PAGE;
use crate::subject::{Channel, NOW, Receiver, SLOTS, Sender, USABLE};

const MASK: u32 = SLOTS - 1;
const _: () = assert!(USABLE == MASK as usize, "one slot stays empty");

const BITS: usize = u64::BITS as usize;

/// One access. 48 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    pub(super) paddr: u64,
    pub(super) vaddr: u64,
    pub(super) size: u64,
    pub(super) cpu: u32,
    pub(super) tid: u32,
    pub(super) tgid: u32,
    pub(super) is_write: bool,
    pub(super) report_jiffies: u64,
}

/// Bytes of a record, all of which lie together.
pub(crate) const RECORD: usize = size_of::<Record>();

const _: () = assert!(RECORD == 48, "as large as the RFC's");

/// How the pending bit and `head` are kept in order.
pub(crate) trait Barriers: Send + Sync + 'static {
    const NAME: &'static str;

    /// After `head` is published.
    fn set(word: &AtomicU64, bit: u64);

    /// Before `head` is read.
    fn clear(word: &AtomicU64, bit: u64);
}

/// A full barrier beside each atomic.
pub(crate) struct Fenced;

/// The atomic is the barrier.
pub(crate) struct Folded;

impl Barriers for Fenced {
    const NAME: &'static str = "rfc";

    fn set(word: &AtomicU64, bit: u64) {
        fence(SeqCst);
        word.fetch_or(bit, Relaxed);
    }

    fn clear(word: &AtomicU64, bit: u64) {
        word.fetch_and(!bit, Relaxed);
        fence(SeqCst);
    }
}

impl Barriers for Folded {
    const NAME: &'static str = "rfc-folded";

    fn set(word: &AtomicU64, bit: u64) {
        word.fetch_or(bit, Release);
    }

    fn clear(word: &AtomicU64, bit: u64) {
        word.fetch_and(!bit, AcqRel);
    }
}

/// Begins a cache line, as the kernel aligns.
#[repr(align(64))]
struct Line<T>(T);

struct Owned {
    /// Next slot to write, 0 to 255.
    head: AtomicU32,
    /// Producers inside each other on this CPU.
    busy: AtomicU32,
}

struct Ring {
    producer: Line<Owned>,
    /// Next slot to read, 0 to 255.
    tail: Line<AtomicU32>,
    slots: Line<[UnsafeCell<MaybeUninit<Record>>; SLOTS as usize]>,
}

struct Rings<B> {
    rings: Box<[Ring]>,
    pending: Box<[AtomicU64]>,
    jiffies: AtomicU64,
    barriers: PhantomData<B>,
}

// SAFETY: a slot is touched by the one `Producer` of its ring while it lies outside tail..head, and
// by the one `Consumer` while it lies inside; `head` and `tail` hand it over with Release/Acquire.
unsafe impl<B: Barriers> Sync for Rings<B> {}

pub(crate) struct Producer<B> {
    rings: Arc<Rings<B>>,
    cpu: u32,
}

pub(crate) struct Consumer<B> {
    rings: Arc<Rings<B>>,
}

/// The channel of `B`.
pub(crate) struct Rfc<B>(PhantomData<B>);

impl<B: Barriers> Channel for Rfc<B> {
    const NAME: &'static str = B::NAME;
    type Sender = Producer<B>;
    type Receiver = Consumer<B>;

    fn open(lanes: usize) -> (Vec<Producer<B>>, Consumer<B>) {
        let ring = |_| Ring {
            producer: Line(Owned { head: AtomicU32::new(0), busy: AtomicU32::new(0) }),
            tail: Line(AtomicU32::new(0)),
            slots: Line([const { UnsafeCell::new(MaybeUninit::uninit()) }; SLOTS as usize]),
        };
        let rings = Arc::new(Rings {
            rings: (0..lanes).map(ring).collect(),
            pending: (0..lanes.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect(),
            jiffies: AtomicU64::new(NOW),
            barriers: PhantomData,
        });
        let producers = (0..lanes as u32).map(|cpu| Producer { rings: Arc::clone(&rings), cpu });
        (producers.collect(), Consumer { rings })
    }
}

impl<B: Barriers> Producer<B> {
    /// Copies the record into this CPU's ring; false if it was dropped.
    fn report(&mut self, record: &Record) -> bool {
        let busy = &self.rings.rings[self.cpu as usize].producer.0.busy;
        // Only this CPU writes it: a plain increment, which the kernel has for per-CPU variables.
        let depth = busy.load(Relaxed) + 1;
        busy.store(depth, Relaxed);
        compiler_fence(SeqCst);
        let queued = depth == 1 && self.queue(record);
        compiler_fence(SeqCst);
        busy.store(depth - 1, Relaxed);
        queued
    }

    fn queue(&self, record: &Record) -> bool {
        let Rings { rings, pending, jiffies, .. } = &*self.rings;
        let ring = &rings[self.cpu as usize];
        let head = ring.producer.0.head.load(Relaxed);
        let next = (head + 1) & MASK;
        if next == ring.tail.0.load(Acquire) {
            return false;
        }
        let stamped = Record { report_jiffies: jiffies.load(Relaxed), ..*record };
        // SAFETY: `head` lies outside tail..head (not full, above), so the consumer leaves this
        // slot alone, and this is the ring's only producer: `&mut self`, and `busy` was 0.
        unsafe { (*ring.slots.0[(head & MASK) as usize].get()).write(stamped) };
        ring.producer.0.head.store(next, Release);
        let cpu = self.cpu as usize;
        B::set(&pending[cpu / BITS], 1 << (cpu % BITS));
        true
    }
}

impl<B: Barriers> Sender for Producer<B> {
    fn send(&mut self, addresses: &[u64]) -> usize {
        let full = addresses.iter().position(|&paddr| {
            !self.report(&Record {
                paddr,
                vaddr: 0,
                size: PAGE,
                cpu: self.cpu,
                tid: 0,
                tgid: 0,
                is_write: false,
                report_jiffies: 0,
            })
        });
        full.unwrap_or(addresses.len())
    }
}

impl<B: Barriers> Consumer<B> {
    pub(super) fn jiffies(&self) -> u64 {
        self.rings.jiffies.load(Relaxed)
    }

    /// Empties the rings whose bit is set, CPUs ascending; each record is read where it lies.
    pub(super) fn drain_records(&mut self, mut each: impl FnMut(&Record)) -> u64 {
        let Rings { rings, pending, .. } = &*self.rings;
        let mut drained = 0;
        for (index, word) in pending.iter().enumerate() {
            let mut bits = word.load(Relaxed);
            while bits != 0 {
                let bit = bits & bits.wrapping_neg();
                bits ^= bit;
                B::clear(word, bit);
                let ring = &rings[index * BITS + bit.trailing_zeros() as usize];
                let head = ring.producer.0.head.load(Acquire);
                let mut tail = ring.tail.0.load(Relaxed);
                while tail != head {
                    // SAFETY: the slot lies inside tail..head: it was written before `head` was
                    // published past it, and its producer waits for `tail`.
                    each(unsafe {
                        (*ring.slots.0[(tail & MASK) as usize].get()).assume_init_ref()
                    });
                    tail = (tail + 1) & MASK;
                    drained += 1;
                }
                ring.tail.0.store(tail, Release);
            }
        }
        drained
    }
}

impl<B: Barriers> Receiver for Consumer<B> {
    fn drain(&mut self, mut each: impl FnMut(u64)) -> u64 {
        self.drain_records(|record| each(record.paddr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_256th_report_is_refused_and_a_drain_restores_the_room() {
        let (mut producers, mut consumer) = Rfc::<Folded>::open(1);
        for begin in [0, 1_000] {
            let addresses: Vec<u64> = (begin..begin + 257).collect();
            assert_eq!(producers[0].send(&addresses), USABLE);
            let mut seen = Vec::new();
            assert_eq!(consumer.drain(|address| seen.push(address)), USABLE as u64);
            assert_eq!(seen, addresses[..USABLE]);
        }
    }
}
