//! A seer: knows how often each page is accessed, and has the hottest on the fast node.
//!
//! Every interval it finds the rate above which pages fit the fast node, or above which they make the
//! share of all accesses that is wanted there, and moves what is on the wrong side of it, a part of
//! memory at a time. No real policy can do better on where pages lie; it says what there is to gain.

use damon_machine::{Machine, PAGE_SZ};

use crate::{Move, PolicyError};

/// Folios looked at per run at the most.
const LOOKS_MAX: u32 = 262_144;
/// Rates are sums of floating-point numbers: two of one class differ by less than this.
const SAME: f64 = 1e-9;

/// How good it is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OracleConfig {
    /// Share of the accesses that the fast node is to serve, above 0 up to 1, as far as its pages
    /// fit.
    pub share: f64,
    /// Nanoseconds between two looks at the whole.
    pub interval_ns: u64,
    /// Bytes of the fast node that stay free.
    pub reserve_bytes: u64,
}

/// The seer at work.
#[derive(Debug)]
pub(crate) struct Oracle {
    config: OracleConfig,
    next_ns: u64,
    /// Pages that are accessed more often belong on the fast node, those at this rate in part.
    cut_hz: f64,
    /// Bytes of pages at the rate of the cut that are still to go up, or, below 0, down.
    short_bytes: i64,
    /// Physical address at which each of the nodes, the fast one first, is looked at; none when all
    /// of it was.
    hands: [Option<u64>; 2],
}

impl Oracle {
    pub(crate) fn new(config: &OracleConfig) -> Result<Self, PolicyError> {
        if !(config.share > 0.0 && config.share <= 1.0) {
            return Err(PolicyError::new("share", "above 0, at most 1", config.share));
        }
        if config.interval_ns == 0 {
            return Err(PolicyError::new("intervalNs", "above 0", 0));
        }
        Ok(Self { config: *config, next_ns: 0, cut_hz: 0.0, short_bytes: 0, hands: [None; 2] })
    }

    /// What is to move now: down first, so that there is room.
    pub(crate) fn moves(
        &mut self,
        machine: &mut Machine,
        (fast_nid, slow_nid): (u32, u32),
        moves: &mut Vec<Move>,
    ) {
        if machine.now_ns() >= self.next_ns {
            self.next_ns = machine.now_ns() + self.config.interval_ns;
            self.cut(machine, fast_nid);
            self.hands = [Some(0); 2];
        }
        let mut looks = 0;
        for (hand, nid) in [(0, fast_nid), (1, slow_nid)] {
            while let Some(address) = self.hands[hand]
                && looks < LOOKS_MAX
            {
                looks += 1;
                let Some(folio) = machine.next_folio(nid, address) else {
                    self.hands[hand] = None;
                    break;
                };
                let bytes = u64::from(folio.pages) * PAGE_SZ;
                self.hands[hand] = Some(folio.address + bytes);
                let hz = machine.page_hz(folio.page);
                if nid == slow_nid && self.goes_up(hz, bytes) {
                    moves.push(Move { page: folio.page, to_nid: fast_nid });
                } else if nid == fast_nid && self.goes_down(hz, bytes) {
                    moves.push(Move { page: folio.page, to_nid: slow_nid });
                }
            }
        }
    }

    fn goes_up(&mut self, hz: f64, bytes: u64) -> bool {
        let at_the_cut = (hz / self.cut_hz - 1.0).abs() < SAME;
        if at_the_cut && self.short_bytes >= bytes as i64 {
            self.short_bytes -= bytes as i64;
            return true;
        }
        !at_the_cut && hz > self.cut_hz
    }

    fn goes_down(&mut self, hz: f64, bytes: u64) -> bool {
        let at_the_cut = (hz / self.cut_hz - 1.0).abs() < SAME;
        if at_the_cut && -self.short_bytes >= bytes as i64 {
            self.short_bytes += bytes as i64;
            return true;
        }
        !at_the_cut && hz < self.cut_hz
    }

    /// The hottest classes of pages fill the fast node, or make the wanted share; the last of them in
    /// part.
    fn cut(&mut self, machine: &mut Machine, fast_nid: u32) {
        let node = machine.nodes().get(fast_nid);
        let mut room = node.map_or(0, |node| node.bytes).saturating_sub(self.config.reserve_bytes);
        let mut heat = machine.heat();
        heat.retain(|class| class.pages > 0 && class.page_hz > 0.0);
        heat.sort_by(|a, b| b.page_hz.total_cmp(&a.page_hz));
        let all_hz: f64 = heat.iter().map(|class| class.page_hz * class.pages as f64).sum();
        let mut wanted_hz = all_hz * self.config.share;
        (self.cut_hz, self.short_bytes) = (0.0, 0);
        for class in heat {
            let pages = (wanted_hz / class.page_hz).min((room / PAGE_SZ) as f64);
            if pages < class.pages as f64 {
                let here = class.resident.get(fast_nid as usize).copied().unwrap_or(0);
                self.cut_hz = class.page_hz;
                self.short_bytes = (pages as i64 - here as i64) * PAGE_SZ as i64;
                return;
            }
            room -= class.pages * PAGE_SZ;
            wanted_hz -= class.page_hz * class.pages as f64;
        }
    }
}
