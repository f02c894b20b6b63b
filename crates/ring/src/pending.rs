//! Which quiet lanes have something again: one bit per place, so that a drain need not look at each.
//!
//! A busy lane has no use for a bit: a drain looks at its `head`, and its pushes are spared the
//! atomic read-modify-write on a word that 64 producers share, which is most of what a push of the
//! RFC costs. Only when many lanes have been empty for long are they *parked*: their pushes mark a
//! bit, and drains look at nothing else of them until it is set.
//!
//! A set bit without a report is allowed (a spurious look); a report of a parked lane without a
//! set bit is not. The producer says that it pushes and then looks whether it is parked; the consumer
//! says that it is and then looks once more for a push: with [`Fences`](crate::asymmetric::Fences)
//! between, at least one sees the other. A bit once set is taken by a swap, which reads from the
//! mark (Acquire from Release) and so sees the `head` stored before it.

use crate::primitive::{AtomicU64, Ordering};

const BITS: usize = u64::BITS as usize;

pub(crate) struct Pending {
    words: Box<[AtomicU64]>,
}

impl Pending {
    pub(crate) fn new(places: usize) -> Self {
        Self { words: (0..places.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Producer of a parked lane, after publishing `head`.
    pub(crate) fn mark(&self, place: u32) {
        let place = place as usize;
        // Every place has a word; asked this way, a push has no branch that could panic.
        if let Some(word) = self.words.get(place / BITS) {
            // Release: whoever takes this bit sees the `head` stored before it.
            word.fetch_or(1 << (place % BITS), Ordering::Release);
        }
    }

    /// Consumer: clears all bits and names their places. Before it reads any `head`.
    pub(crate) fn take(&self, mut each: impl FnMut(u32)) {
        for (index, word) in self.words.iter().enumerate() {
            // A look without the bus lock first. A mark that this relaxed load misses is found by
            // the next drain.
            if word.load(Ordering::Relaxed) != 0 {
                // Acquire: pairs with `mark`; must come before the loads of `head`.
                bits(index, word.swap(0, Ordering::AcqRel), |place| each(place as u32));
            }
        }
    }
}

/// The numbers of the bits set in word number `index`, ascending.
fn bits(index: usize, mut word: u64, mut each: impl FnMut(usize)) {
    while word != 0 {
        each(index * BITS + word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

/// A set of small numbers, iterated in ascending order.
#[derive(Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// Makes it all numbers below `len`.
    pub(crate) fn fill(&mut self, len: usize) {
        self.words.clear();
        self.words.resize(len / BITS, u64::MAX);
        if !len.is_multiple_of(BITS) {
            self.words.push((1 << (len % BITS)) - 1);
        }
    }

    pub(crate) fn insert(&mut self, number: usize) {
        self.words[number / BITS] |= 1 << (number % BITS);
    }

    pub(crate) fn remove(&mut self, number: usize) {
        self.words[number / BITS] &= !(1 << (number % BITS));
    }

    pub(crate) fn for_each(&self, mut each: impl FnMut(usize)) {
        self.words.iter().enumerate().for_each(|(index, &word)| bits(index, word, &mut each));
    }
}
