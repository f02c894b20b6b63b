//! What samplers count.

/// What became of all that a sampler selected, and what it cost:
///
/// - `selected = discarded + lost + samples_total`
/// - `samples_total = samples_filtered + reported`
///
/// `selected` and `discarded` are the emulation's own knowledge: no software on the machine that is
/// emulated could read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SamplerCounters {
    /// What the hardware chose to look at: tagged ops, overflows of a counter, hot units, faults.
    /// Records of a buffer count when it is emptied.
    pub selected: u64,
    /// Of these, what a filter of the hardware threw away without a word.
    pub discarded: u64,
    /// Of these, what found no room in the hardware's own list, or was in its buffer when the event
    /// was stopped.
    pub lost: u64,
    /// Of these, what software was shown: one record each.
    pub samples_total: u64,
    /// Records that software dropped, such as those without a valid address.
    pub samples_filtered: u64,
    /// Records that were reported: what the lanes were offered.
    pub reported: u64,
    /// Times that the kernel stopped an event until its next tick.
    pub throttles: u64,
    /// CPU nanoseconds that sampling took from the workload.
    pub overhead_ns: u64,
}

impl SamplerCounters {
    pub(crate) fn add(&mut self, more: &Self) {
        self.selected += more.selected;
        self.discarded += more.discarded;
        self.lost += more.lost;
        self.samples_total += more.samples_total;
        self.samples_filtered += more.samples_filtered;
        self.reported += more.reported;
        self.throttles += more.throttles;
        self.overhead_ns += more.overhead_ns;
    }
}
