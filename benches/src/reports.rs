//! The memory that is monitored and the addresses at which it is accessed, from fixed seeds.
//!
//! Physical memory of adjacent regions of 1 to 64 pages. An access covers one page, so every report
//! is credited: losses are the tests' affair.

use damon_core::region::Range;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const PAGE: u64 = 4096;

const PAGES_MAX: u64 = 64;

/// What is monitored: adjacent regions from address 0.
pub(crate) struct Memory {
    pub(crate) regions: Vec<Range>,
}

/// Where accesses fall.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    /// Every page alike.
    Uniform,
    /// 90 % in the pages of the middle tenth of the regions, the rest anywhere.
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
    pub(crate) fn with_regions(count: usize) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(count as u64);
        let mut start = 0;
        let regions = (0..count)
            .map(|_| {
                let end = start + (1 + below(&mut random, PAGES_MAX)) * PAGE;
                Range { start: std::mem::replace(&mut start, end), end }
            })
            .collect();
        Self { regions }
    }

    pub(crate) fn addresses(&self, spread: Spread, seed: u64) -> Addresses {
        let regions = &self.regions;
        let tenth = regions.len().div_ceil(10);
        let first = (regions.len() - tenth) / 2;
        let span = |first: usize, last: usize| Range {
            start: regions[first].start,
            end: regions[last].end,
        };
        Addresses {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            all: span(0, regions.len() - 1),
            hot: match spread {
                Spread::Uniform => None,
                Spread::Clustered => Some(span(first, first + tenth - 1)),
            },
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
