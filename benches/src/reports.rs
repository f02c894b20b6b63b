//! The memory that is monitored and the addresses at which it is accessed, from fixed seeds.
//!
//! Physical memory of adjacent regions. An access covers one page, so every report is credited:
//! losses are the tests' affair.

use damon_core::region::Range;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const PAGE: u64 = 4096;

/// What is monitored, and where it is accessed.
pub(crate) struct Memory {
    /// Adjacent, from address 0.
    pub(crate) regions: Vec<Range>,
    /// Where 9 of 10 accesses fall; the rest, and all if there is none, may fall anywhere.
    hot: Option<Range>,
}

/// Where accesses fall, and how regions have adapted to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    /// Every page alike, regions of 1 to 64 pages.
    Uniform,
    /// 90 % in one tenth of the regions, the fourth. Those are small, of 1 to 4 pages, as regions
    /// are where splitting found differences; the others are of 1 to 4096 pages, small ones as
    /// often as large ones.
    Clustered,
}

impl Spread {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Clustered => "clustered",
        }
    }
}

/// A sequence of page addresses that begins anew for each seed.
pub(crate) struct Addresses {
    random: Xoshiro256PlusPlus,
    all: Range,
    hot: Option<Range>,
}

impl Memory {
    pub(crate) fn with_regions(count: usize, spread: Spread) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(count as u64);
        let tenth = count.div_ceil(10);
        // Not the middle, where a search by halving looks first.
        let hot = count * 3 / 10..count * 3 / 10 + tenth;
        let mut start = 0;
        let regions: Vec<Range> = (0..count)
            .map(|index| {
                let pages = match spread {
                    Spread::Uniform => 1 + below(&mut random, 64),
                    Spread::Clustered if hot.contains(&index) => 1 + below(&mut random, 4),
                    Spread::Clustered => 1 << below(&mut random, 13),
                };
                let end = start + pages * PAGE;
                Range { start: std::mem::replace(&mut start, end), end }
            })
            .collect();
        let hot = match spread {
            Spread::Uniform => None,
            Spread::Clustered => {
                Some(Range { start: regions[hot.start].start, end: regions[hot.end - 1].end })
            }
        };
        Self { regions, hot }
    }

    /// One stretch, every page of it alike.
    pub(crate) fn of(all: Range) -> Self {
        Self { regions: vec![all], hot: None }
    }

    pub(crate) fn addresses(&self, seed: u64) -> Addresses {
        let end = self.regions.last().map_or(0, |region| region.end);
        Addresses {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            all: Range { start: 0, end },
            hot: self.hot,
        }
    }
}

impl Iterator for Addresses {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let hot = self.hot.filter(|_| below(&mut self.random, 10) < 9);
        let within = hot.unwrap_or(self.all);
        Some(within.start + below(&mut self.random, within.size() / PAGE) * PAGE)
    }
}

/// 0 to `limit` - 1; the bias of a multiply is below `limit` / 2^64.
fn below(random: &mut Xoshiro256PlusPlus, limit: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(limit)) >> 64) as u64
}
