//! What a round of a scheme did, and why it did no more: for whoever wants it explained.

use std::ops::{AddAssign, Sub};

/// Regions and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub regions: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Share {
    #[inline]
    pub(crate) fn add(&mut self, bytes: u64) {
        self.regions += 1;
        self.bytes += bytes;
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.regions += other.regions;
        self.bytes += other.bytes;
    }
}

impl Sub for Share {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self { regions: self.regions - part.regions, bytes: self.bytes - part.bytes }
    }
}

/// One scheme's part in one round. Each region that the round came to is in exactly one of the
/// shares; a region that was cut counts as its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// When, in nanoseconds of the monitor's clock.
    pub time_ns: u64,
    /// In which tick.
    pub tick: u64,
    /// Index of the scheme.
    pub scheme: usize,
    /// Whether a quota window opened.
    pub opened: bool,
    /// Bytes the scheme may try in the window; of no meaning without a quota.
    pub effective_sz: u64,
    /// Bytes charged in the window before the round.
    pub charged_before: u64,
    /// Bytes charged in the window after it.
    pub charged_after: u64,
    /// Regions below this score had to wait.
    pub score_min: u32,
    /// How long the operations set took.
    pub elapsed_ns: u64,
    /// Handed to the operations set.
    pub tried: Share,
    /// Of those: on which the action had an effect, by the bytes of the effect.
    pub applied: Share,
    /// Bytes of those that passed the page filters, as far as the operations set tells.
    pub ops_passed_bytes: u64,
    /// Not what the scheme is about.
    pub no_match: Share,
    /// Matched, but others come first.
    pub low_score: Share,
    /// Matched, but a core filter objected.
    pub filtered: Share,
    /// The quota was used up.
    pub quota_full: Share,
    /// Had their turn before the last full window ended.
    pub served_before: Share,
    /// The scheme has done as many snapshots as it may.
    pub snapshots_done: Share,
}
