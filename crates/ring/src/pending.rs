//! Which lanes may hold something: one bit per lane, so that a drain of a thousand quiet lanes
//! reads sixteen words instead of a thousand heads.
//!
//! A set bit without a report is allowed (a spurious look); a report without a set bit is not.
//! Both sides use read-modify-writes on the same word, so one comes first in its modification
//! order. If the mark comes first, the take reads from it (Acquire from Release) and sees the
//! `head` published before it. If the take comes first, the bit is set afterwards and the next
//! drain finds it. Plain stores would need a full fence on both sides (hazard H1).

use crate::primitive::{AtomicU64, Ordering};

/// A lane's number, from 0 in the order in which lanes were added.
pub type LaneId = u32;

const BITS: usize = u64::BITS as usize;

pub(crate) struct Pending {
    words: Box<[AtomicU64]>,
}

impl Pending {
    pub(crate) fn new(lanes: usize) -> Self {
        Self { words: (0..lanes.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Producer, after publishing `head`.
    #[inline]
    pub(crate) fn mark(&self, lane: LaneId) {
        let lane = lane as usize;
        // Release: whoever takes this bit sees the `head` stored before it.
        self.words[lane / BITS].fetch_or(1 << (lane % BITS), Ordering::Release);
    }

    /// Consumer: clears all bits, then calls `each` for every lane that was marked, in ascending
    /// order. Clear before read: a report published after the clear marks its lane again.
    pub(crate) fn take(&self, mut each: impl FnMut(LaneId)) {
        for (index, word) in self.words.iter().enumerate() {
            // A look without the bus lock first: a quiet word costs one shared read. A mark that
            // this relaxed load misses is found by the next drain.
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            // Acquire: pairs with `mark`; must come before the loads of `head` below.
            let mut bits = word.swap(0, Ordering::AcqRel);
            while bits != 0 {
                each((index * BITS) as LaneId + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}
