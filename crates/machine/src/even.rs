//! The accesses of a workload that touches all pages alike: the usual demonstration.
//!
//! Any frame in use is then as likely as another, so an access is drawn without a look-up of its page,
//! which would miss the processor's caches.

use crate::frames::FramesToDraw;
use crate::vectors::{LANES, RandomRows, Vectors};
use crate::{Machine, STORE};

/// What draws them.
#[derive(Clone, Copy, Debug)]
pub struct EvenAccesses<'a> {
    frames: FramesToDraw<'a>,
    /// Of 2^32 accesses.
    stores: u64,
}

impl Machine {
    /// What draws the accesses of a CPU, if all pages that there are are touched alike.
    #[inline(always)]
    pub fn even_accesses(&self, cpu: u16) -> Option<EvenAccesses<'_>> {
        let stores = self.even_stores.filter(|_| self.running(cpu).is_some())?;
        Some(EvenAccesses { frames: self.memory.frames.to_draw()?, stores })
    }
}

impl EvenAccesses<'_> {
    /// Draws so many accesses, by rows of random words: the physical addresses of their pages, with the
    /// bit [`STORE`] for those that are one. Behind them there is room for a row, of anything.
    #[inline(always)]
    pub fn draw<V: Vectors>(
        &self,
        v: V,
        random: &mut impl RandomRows,
        wanted: usize,
        accesses: &mut [u64],
    ) {
        let mut drawn = 0;
        while drawn < wanted {
            let mut words = wanted - drawn;
            while words > 0 {
                let places = self.frames.place(v, random.row(v));
                let (addresses, used) = self.frames.look(v, places);
                let fraction = v.and(places, v.splat(0xFFFF_FFFF));
                let stores = v.below(fraction, v.splat(self.stores));
                // Words of the last row that are not wanted are lost.
                let used = used & (u8::MAX >> LANES.saturating_sub(words));
                let Some(row) = accesses[drawn..].first_chunk_mut() else { unreachable!() };
                v.compress(v.or(addresses, v.and(stores, v.splat(STORE))), used, row);
                drawn += used.count_ones() as usize;
                words = words.saturating_sub(LANES);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE_SZ;
    use crate::frames::Frames;
    use crate::node::{BLOCK_SZ, NodeConfig, Nodes};
    use crate::vectors::Portable;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    const BLOCK_FRAMES: u32 = (BLOCK_SZ / PAGE_SZ) as u32;

    struct OneByOne(Xoshiro256PlusPlus);

    impl RandomRows for OneByOne {
        fn row<V: Vectors>(&mut self, v: V) -> V::Row {
            v.load(&[(); LANES].map(|()| self.0.next_u64()))
        }
    }

    #[test]
    fn frames_are_drawn_alike_and_stores_know_nothing_of_them() {
        let nodes = Nodes::new(&[NodeConfig::dram(0, 4 * BLOCK_SZ)]).unwrap();
        let mut frames = Frames::new(&nodes);
        // Of four blocks the first is gone, the second full, the third has holes, the last has hardly
        // begun.
        for _ in 0..3 * BLOCK_FRAMES + 10 {
            frames.allocate(&nodes, 0).unwrap();
        }
        let hole = |frame: &u32| *frame < BLOCK_FRAMES || (*frame / 100).is_multiple_of(3);
        frames.free_all(
            (0..3 * BLOCK_FRAMES).filter(|frame| *frame / BLOCK_FRAMES != 1).filter(hole),
        );
        let all: Vec<u32> =
            (0..4 * BLOCK_FRAMES).filter(|&frame| frames.page_at(frame).is_some()).collect();
        assert!(all.len() > BLOCK_FRAMES as usize * 3 / 2 && all.len() < 2 * BLOCK_FRAMES as usize);
        let frames_to_draw = frames.to_draw().unwrap();
        let even = EvenAccesses { frames: frames_to_draw, stores: (0.3 * 4_294_967_296.0) as u64 };
        // By about 256 frames, not of the same sizes as anything else.
        let mut drawn = vec![[0.0f64; 2]; all.len().div_ceil(251)];
        let mut random = OneByOne(Xoshiro256PlusPlus::seed_from_u64(1));
        // Not a multiple of anything a vector holds.
        const WANTED: usize = 43;
        let mut accesses = [0; WANTED + LANES];
        for _ in 0..25_000 {
            even.draw(Portable, &mut random, WANTED, &mut accesses);
            for access in &accesses[..WANTED] {
                let at = all.binary_search(&((access / PAGE_SZ) as u32)).unwrap();
                drawn[at / 251][(access % PAGE_SZ) as usize] += 1.0;
            }
        }
        let each = 25e3 * WANTED as f64 / all.len() as f64;
        let chi_square: f64 = drawn
            .iter()
            .zip(all.chunks(251))
            .map(|(drawn, frames)| {
                let expected = [0.7, 0.3].map(|share| share * each * frames.len() as f64);
                (0..2).map(|i| (drawn[i] - expected[i]).powi(2) / expected[i]).sum::<f64>()
            })
            .sum();
        // Of so many degrees of freedom, five standard deviations.
        let freedom = 2.0 * drawn.len() as f64 - 1.0;
        assert!(
            (chi_square - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(),
            "{chi_square} of {freedom}"
        );
    }
}
