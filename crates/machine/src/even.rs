//! The accesses of a workload that touches all pages alike: the usual demonstration.
//!
//! Any frame in use is then as likely as another, so an access is drawn without a look-up of its page,
//! which would miss the processor's caches.

use rand_core::Rng;

use crate::frames::FramesToDraw;
use crate::population::{TOGETHER, WORDS_TOGETHER};
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
        let store_share = self.even_store_share.filter(|_| self.running(cpu).is_some())?;
        Some(EvenAccesses::new(self.memory.frames.to_draw()?, store_share))
    }
}

impl<'a> EvenAccesses<'a> {
    #[inline(always)]
    fn new(frames: FramesToDraw<'a>, store_share: f64) -> Self {
        // By way of a signed number, for which CPUs have an instruction.
        Self { frames, stores: (store_share * 4_294_967_296.0) as i64 as u64 }
    }

    /// Draws an access for each bit of `ops` that is set, ascending, and tells how many there were
    /// before, which bit it is, and the physical address of the page with the bit [`STORE`] if it is
    /// one. What is told again of the same number replaces what was told before.
    ///
    /// `words` is to work in: random bits are asked for in columns of 64 bytes or a multiple, so that
    /// a generator of many lanes can fill them at once.
    #[inline(always)]
    pub fn draw(
        &self,
        random: &mut impl Rng,
        mut ops: u64,
        words: &mut [u64; TOGETHER],
        mut each: impl FnMut(usize, u32, u64),
    ) {
        let mut drawn = 0;
        while ops != 0 {
            let wanted = ops.count_ones() as usize;
            let words = &mut words[..wanted.next_multiple_of(WORDS_TOGETHER)];
            let Ok(()) = random.try_fill_bytes(bytemuck::cast_slice_mut(words));
            for word in &mut *words {
                *word = self.frames.place(*word);
            }
            for &place in &words[..wanted] {
                let (address, used) = self.frames.look(place);
                let is_store = place & 0xFFFF_FFFF < self.stores;
                each(drawn, ops.trailing_zeros(), address | if is_store { STORE } else { 0 });
                // No branch: which is in use is anyone's guess.
                drawn += usize::from(used);
                ops = if used { ops & (ops - 1) } else { ops };
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
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    const BLOCK_FRAMES: u32 = (BLOCK_SZ / PAGE_SZ) as u32;

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
        let even = EvenAccesses::new(frames.to_draw().unwrap(), 0.3);
        // By about 256 frames, not of the same sizes as anything else.
        let mut drawn = vec![[0.0f64; 2]; all.len().div_ceil(251)];
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        // 40 ops, not a multiple of anything a vector holds, and not all side by side.
        let ops = 0xA5A5_FFFF_0FF0_FFFF;
        let set: Vec<u32> = (0..64).filter(|op| ops >> op & 1 == 1).collect();
        let mut told = [(0, 0); TOGETHER];
        for _ in 0..25_000 {
            even.draw(&mut random, ops, &mut [0; TOGETHER], |number, op, access| {
                told[number] = (op, access);
            });
            for ((op, access), expected) in told.iter().zip(&set) {
                assert_eq!(op, expected);
                let at = all.binary_search(&((access / PAGE_SZ) as u32)).unwrap();
                drawn[at / 251][(access % PAGE_SZ) as usize] += 1.0;
            }
        }
        let each = 25e3 * set.len() as f64 / all.len() as f64;
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
