//! Making room on the fast node: what the kernel's reclaim demotes.
//!
//! When less than the low watermark is free, a hand goes round the node's pages until the high one
//! is. A page that was accessed since the hand last came by gets another round; one that was not is
//! demoted (second chance).

use damon_machine::Machine;

use crate::{PolicyCounters, PolicyError};

/// Nanoseconds to look at a folio: `samplers.md` 5.3.
const LOOK_NS: u64 = 40;
/// Folios looked at per run at the most, so that one run does not stop the world: 128 MiB of them.
const LOOKS_MAX: u32 = 32_768;
/// A round of the hand takes at least so many nanoseconds, so that a page has time to be accessed
/// between two looks: ours.
const ROUND_NS: u64 = 1_000_000_000;

/// Watermarks of the fast node, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemotionConfig {
    /// Below so many free bytes pages are demoted.
    pub low_bytes: u64,
    /// Until so many are free, at least `low_bytes`; 0 for never.
    pub high_bytes: u64,
}

/// The hand.
#[derive(Debug)]
pub(crate) struct Demotion {
    config: DemotionConfig,
    /// Physical address at which the hand goes on; beyond all memory before its first round.
    hand: u64,
    /// When it may begin its next round.
    next_round_ns: u64,
    /// Free memory has been below `low_bytes` and not yet above `high_bytes`.
    is_short: bool,
}

impl Demotion {
    pub(crate) fn new(
        config: DemotionConfig,
        machine: &Machine,
        fast_nid: u32,
    ) -> Result<Self, PolicyError> {
        let bytes = machine.nodes().get(fast_nid).map_or(0, |node| node.bytes);
        let DemotionConfig { low_bytes, high_bytes } = config;
        if high_bytes < low_bytes {
            let expected = format!("at least lowBytes ({low_bytes})");
            return Err(PolicyError::new("demotion.highBytes", expected, high_bytes));
        }
        if high_bytes > bytes {
            let expected = format!("at most the fast node's {bytes}");
            return Err(PolicyError::new("demotion.highBytes", expected, high_bytes));
        }
        Ok(Self { config, hand: u64::MAX, next_round_ns: 0, is_short: false })
    }

    /// Demotes from the first to the second node.
    pub(crate) fn run(
        &mut self,
        machine: &mut Machine,
        (fast_nid, slow_nid): (u32, u32),
        counters: &mut PolicyCounters,
    ) {
        self.is_short |= machine.free_bytes(fast_nid) < self.config.low_bytes;
        let mut looks = 0;
        while self.is_short && looks < LOOKS_MAX {
            if machine.free_bytes(fast_nid) >= self.config.high_bytes {
                self.is_short = false;
                return;
            }
            let Some(folio) = machine.next_folio(fast_nid, self.hand) else {
                if machine.now_ns() < self.next_round_ns {
                    return;
                }
                self.next_round_ns = machine.now_ns() + ROUND_NS;
                self.hand = 0;
                looks += 1;
                continue;
            };
            self.hand = folio.address + u64::from(folio.pages) * damon_machine::PAGE_SZ;
            looks += 1;
            counters.looked_folios += 1;
            counters.busy_ns += LOOK_NS;
            if machine.look(folio.page) {
                continue;
            }
            if let Some(ns) = machine.move_page(folio.page, slow_nid) {
                counters.demoted_pages += u64::from(folio.pages);
                counters.reclaimed_pages += u64::from(folio.pages);
                counters.busy_ns += ns;
            }
        }
    }
}
