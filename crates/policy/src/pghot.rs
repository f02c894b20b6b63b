//! Hot page tracking by samples, and the thread that promotes: `kmigrated`. `hardware-sampling.md`
//! 11.1, precise mode.
//!
//! A page's samples in a window are counted, to at most 7; a gap longer than the window begins anew.
//! A page with enough of them is ready; every so often the thread promotes what is ready, as far as
//! a rate limit allows. Where the fast node has plenty of room, one sample is enough and nothing is
//! limited.

use std::collections::VecDeque;

use damon_machine::{Machine, PAGE_SZ};

use crate::{Move, PolicyError};

/// The count has three bits.
const COUNT_MAX: u32 = 7;
const COUNT_BITS: u32 = 3;
/// Units of the time of the last sample: 1 ms, in 28 bits.
const TICK_NS: u64 = 1_000_000;
const TICK_MASK: u32 = (1 << 28) - 1;
/// Set while a page is in the queue.
const READY: u32 = 1 << 31;

/// What counts as hot, and how fast it is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PghotConfig {
    /// Samples in the window, 1 to 7.
    pub threshold: u32,
    /// The window in nanoseconds, 1 s to 2 min.
    pub window_ns: u64,
    /// How long the thread sleeps between its rounds, 50 ms to 1 s.
    pub sleep_ns: u64,
    /// Bytes per second that are promoted at the most.
    pub rate_limit_bytes_hz: u64,
}

impl PghotConfig {
    /// What it starts with in precise mode.
    pub const DEFAULT: Self = Self {
        threshold: 2,
        window_ns: 5_000_000_000,
        sleep_ns: 100_000_000,
        rate_limit_bytes_hz: 65_536 << 20,
    };
}

/// The tracker and its thread.
#[derive(Debug)]
pub(crate) struct Pghot {
    config: PghotConfig,
    /// Per page: count, time of the last sample, [`READY`].
    pages: Vec<u32>,
    ready: VecDeque<u32>,
    /// When the thread is awake again.
    next_ns: u64,
    /// The running second, and the bytes promoted in it.
    second: u64,
    promoted: u64,
    /// The fast node has plenty of room, so that one sample is enough.
    is_roomy: bool,
}

impl Pghot {
    pub(crate) fn new(config: &PghotConfig, machine: &Machine) -> Result<Self, PolicyError> {
        let PghotConfig { threshold, window_ns, sleep_ns, rate_limit_bytes_hz } = *config;
        if !(1..=COUNT_MAX).contains(&threshold) {
            return Err(PolicyError::new("threshold", "from 1 to 7", threshold));
        }
        if !(1_000_000_000..=120_000_000_000).contains(&window_ns) {
            return Err(PolicyError::new("windowNs", "from 1 s to 2 min", window_ns));
        }
        if !(50_000_000..=1_000_000_000).contains(&sleep_ns) {
            return Err(PolicyError::new("sleepNs", "from 50 ms to 1 s", sleep_ns));
        }
        if rate_limit_bytes_hz < PAGE_SZ {
            let expected = "at least one page per second";
            return Err(PolicyError::new("rateLimitBytesHz", expected, rate_limit_bytes_hz));
        }
        Ok(Self {
            config: *config,
            pages: vec![0; machine.page_numbers() as usize],
            ready: VecDeque::new(),
            next_ns: sleep_ns,
            second: 0,
            promoted: 0,
            is_roomy: false,
        })
    }

    /// A sample of a page of the slow node.
    pub(crate) fn note(&mut self, page: u32, time_ns: u64) {
        let record = &mut self.pages[page as usize];
        let tick = (time_ns / TICK_NS) as u32 & TICK_MASK;
        let last = *record >> COUNT_BITS & TICK_MASK;
        let gap_ns = u64::from(tick.wrapping_sub(last) & TICK_MASK) * TICK_NS;
        let before = if gap_ns > self.config.window_ns { 0 } else { *record & COUNT_MAX };
        let count = (before + 1).min(COUNT_MAX);
        let queued = *record & READY;
        let is_ready = self.is_roomy || count >= self.config.threshold;
        *record = count | tick << COUNT_BITS | queued;
        if is_ready && queued == 0 {
            *record |= READY;
            self.ready.push_back(page);
        }
    }

    /// What the thread promotes now into so many bytes, if it is awake. Whether they were too few.
    pub(crate) fn ready(
        &mut self,
        machine: &Machine,
        fast_nid: u32,
        mut room: u64,
        moves: &mut Vec<Move>,
    ) -> bool {
        let now_ns = machine.now_ns();
        if now_ns < self.next_ns {
            return false;
        }
        self.next_ns = now_ns + self.config.sleep_ns;
        let node = machine.nodes().get(fast_nid);
        let plenty = node.map_or(0, |node| (node.bytes / 16).max(1 << 30));
        self.is_roomy = machine.free_bytes(fast_nid) > plenty;
        let second = now_ns / 1_000_000_000;
        if second != self.second {
            (self.second, self.promoted) = (second, 0);
        }
        while let Some(&page) = self.ready.front() {
            let bytes = u64::from(machine.folio_pages(page).1) * PAGE_SZ;
            let limited = self.promoted >= self.config.rate_limit_bytes_hz;
            if limited && !self.is_roomy {
                break;
            }
            if room < bytes {
                return true;
            }
            self.ready.pop_front();
            // It begins anew, wherever it lies then.
            self.pages[page as usize] = 0;
            moves.push(Move { page, to_nid: fast_nid });
            self.promoted += bytes;
            room -= bytes;
        }
        false
    }

    /// The thread sleeps that much later, for it was at work.
    pub(crate) fn worked(&mut self, moved_ns: u64) {
        self.next_ns += moved_ns;
    }
}
