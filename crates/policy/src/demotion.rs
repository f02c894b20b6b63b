//! Making room on the fast node: what the kernel's reclaim demotes.
//!
//! The kernel keeps a node's pages on two lists in the order they came. When less than the low
//! watermark is free, or a promotion found no room above it, one thread wakes and works until the
//! high one is. It makes the oldest active pages inactive, their accessed bits cleared, accessed or
//! not; the oldest inactive ones it demotes, unless they were accessed since they became inactive:
//! those are active again (second chance). How long that was is up to the thread: the faster it must
//! go round, the more often a page must be accessed to stay.
//!
//! ```text
//!  active ...        | inactive ...        | active ...
//!                    ^ back                ^ front            -> over physical addresses, in a circle
//!          demotes or keeps            makes old
//! ```
//!
//! Two hands that go round the node's memory are the same as the two lists: what is between them is
//! inactive. A page that comes takes a frame that a page behind the back hand left.
//!
//! Simplified: the lists' order is that of the frames; the thread never gives up; what became
//! inactive in a run is judged in the next at the earliest, so runs should be short.

use damon_machine::{Machine, PAGE_SZ};

use crate::{PolicyCounters, PolicyError};

/// Nanoseconds to look at a folio by its reverse map: the middle of `samplers.md` 5.3, 0.3 to 1 us.
const LOOK_NS: u64 = 650;

/// Pages that are demoted together: as many as the kernel's reclaim takes off a list at a time.
const BATCH_PAGES: u64 = 32;

/// Watermarks of the fast node, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemotionConfig {
    /// Below so many free bytes pages are demoted, and none are promoted.
    pub low_bytes: u64,
    /// Until so many are free, at least `low_bytes`; 0 for never.
    pub high_bytes: u64,
}

/// The thread.
#[derive(Debug)]
pub(crate) struct Demotion {
    config: DemotionConfig,
    /// First byte of the node, and how many it has.
    start: u64,
    bytes: u64,
    /// Bytes between the hands when the inactive list is as long as it should be.
    gap: u64,
    /// How far the hands have come, in bytes of all rounds.
    front: u64,
    back: u64,
    /// Work is to be done: from low to high.
    is_awake: bool,
    /// Until when the thread is at work or asleep.
    until_ns: u64,
}

impl Demotion {
    pub(crate) fn new(
        config: DemotionConfig,
        machine: &Machine,
        fast_nid: u32,
    ) -> Result<Self, PolicyError> {
        let node = machine.nodes().get(fast_nid);
        let (start, bytes) = node.map_or((0, 0), |node| (node.start, node.bytes));
        let DemotionConfig { low_bytes, high_bytes } = config;
        if high_bytes < low_bytes {
            let expected = format!("at least lowBytes ({low_bytes})");
            return Err(PolicyError::new("demotion.highBytes", expected, high_bytes));
        }
        if high_bytes > bytes {
            let expected = format!("at most the fast node's {bytes}");
            return Err(PolicyError::new("demotion.highBytes", expected, high_bytes));
        }
        let gap = bytes / (1 + active_per_inactive(bytes));
        let (front, back) = (0, 0);
        Ok(Self { config, start, bytes, gap, front, back, is_awake: false, until_ns: 0 })
    }

    /// Bytes that may be promoted now.
    pub(crate) fn room(&self, free_bytes: u64) -> u64 {
        free_bytes.saturating_sub(self.config.low_bytes)
    }

    /// A promotion found no room.
    pub(crate) fn wake(&mut self) {
        self.is_awake = true;
    }

    /// Demotes from the first to the second node, for as long as has passed since the last run.
    pub(crate) fn run(
        &mut self,
        machine: &mut Machine,
        (fast_nid, slow_nid): (u32, u32),
        counters: &mut PolicyCounters,
    ) {
        let now_ns = machine.now_ns();
        self.is_awake |= machine.free_bytes(fast_nid) < self.config.low_bytes;
        let judged_to = self.front;
        while self.is_awake && self.until_ns < now_ns {
            if machine.free_bytes(fast_nid) >= self.config.high_bytes {
                self.is_awake = false;
                break;
            }
            let busy_ns = if self.front < self.back + self.gap {
                let Some(page) = self.next(machine, fast_nid, Hand::Front) else { continue };
                machine.look(page);
                LOOK_NS
            } else if self.back < judged_to {
                let Some(page) = self.next(machine, fast_nid, Hand::Back) else { continue };
                let is_young = machine.look(page);
                let moved_ns = if is_young { None } else { machine.move_page(page, slow_nid) };
                if moved_ns.is_some() {
                    let pages = u64::from(machine.folio_pages(page).1);
                    counters.demoted_pages += pages;
                    counters.reclaimed_pages += pages;
                    if counters.reclaimed_pages % BATCH_PAGES < pages {
                        machine.end_batch();
                    }
                }
                LOOK_NS + moved_ns.unwrap_or(0)
            } else {
                break;
            };
            counters.looked_folios += 1;
            counters.busy_ns += busy_ns;
            self.until_ns += busy_ns;
        }
        machine.end_batch();
        // Time that was not needed is not saved up.
        self.until_ns = self.until_ns.max(now_ns);
    }

    /// Moves a hand to the next folio, and beyond it; without one before its limit, to there.
    fn next(&mut self, machine: &Machine, nid: u32, hand: Hand) -> Option<u32> {
        let (at, limit) = match hand {
            Hand::Front => (&mut self.front, self.back + self.gap),
            Hand::Back => (&mut self.back, self.front),
        };
        let round = *at - *at % self.bytes;
        let limit = limit.min(round + self.bytes);
        let folio = machine.next_folio(nid, self.start + (*at - round));
        let place = folio.map(|folio| round + (folio.address - self.start));
        let (Some(folio), Some(place)) = (folio, place.filter(|place| *place < limit)) else {
            *at = limit;
            return None;
        };
        *at = place + u64::from(folio.pages) * PAGE_SZ;
        Some(folio.page)
    }
}

#[derive(Clone, Copy)]
enum Hand {
    Front,
    Back,
}

/// How much longer the kernel lets the active list be: the root of ten times the node's GiB.
fn active_per_inactive(bytes: u64) -> u64 {
    (10 * (bytes >> 30)).isqrt().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inactive_list_is_as_long_as_the_kernel_wants_it() {
        let ratios = [1 << 20, 1 << 30, 10 << 30, 100 << 30, 1 << 40].map(active_per_inactive);
        assert_eq!(ratios, [1, 3, 10, 31, 101]);
    }
}
