//! What a subject must be able to do, so that one scenario measures them all.
//!
//! - [`Channel`]: carries addresses from producers to one consumer, at most [`SLOTS`] per lane.
//! - [`Monitor`]: the same with regions behind it, which are credited.

use crate::measure::Side;

/// Slots per lane: the RFC's, of which it uses [`USABLE`].
pub(crate) const SLOTS: u32 = 256;

/// What every subject can hold in a lane: a full lane for the purposes of comparison.
pub(crate) const USABLE: usize = 255;

/// What every report says of its time, in the unit of the subject: always in time.
pub(crate) const NOW: u64 = 1;

/// Lanes, one producer each, and their consumer.
pub(crate) trait Channel {
    const NAME: &'static str;
    const SIDE: Side = Side::Rival;
    type Sender: Sender;
    type Receiver: Receiver;

    fn open(lanes: usize) -> (Vec<Self::Sender>, Self::Receiver);
}

/// The writing end of one lane.
pub(crate) trait Sender: Send {
    /// Makes a report of each address and sends it, in order, until one finds no room. Returns how
    /// many were sent.
    fn send(&mut self, addresses: &[u64]) -> usize;
}

/// The reading end of all lanes.
pub(crate) trait Receiver {
    /// Takes what waits, lane by lane, each oldest first. Returns how many.
    fn drain(&mut self, each: impl FnMut(u64)) -> u64;
}

/// Lanes and regions.
pub(crate) trait Monitor {
    /// Sends to one lane, which must have room.
    fn fill(&mut self, lane: usize, addresses: &[u64]);

    /// The regions may have changed since the last drain; whatever was derived of them is stale.
    fn regions_changed(&mut self);

    /// One sampling interval: takes all that waits, credits regions.
    fn drain(&mut self);

    /// Intervals in which each region was seen accessed, summed with the region's place as weight.
    fn answer(&self) -> u64;
}

/// The [`Monitor::answer`] of these counts, which are in the order of the regions.
pub(crate) fn weighted(counts: impl Iterator<Item = u32>) -> u64 {
    counts.zip(1u64..).fold(0, |sum, (count, place)| sum.wrapping_add(u64::from(count) * place))
}
