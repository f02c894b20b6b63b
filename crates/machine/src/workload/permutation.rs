//! A shuffle of `0..n` that needs no table: a Feistel network over the next power of two, repeated
//! until it falls below `n`. The same seed gives the same shuffle; both directions cost alike.

/// A shuffle of `0..len`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    len: u32,
    low_bits: u32,
    high_bits: u32,
    keys: [u64; ROUNDS],
}

/// Four rounds make a Feistel network of good functions a pseudo-random permutation (Luby, Rackoff).
const ROUNDS: usize = 4;

impl Permutation {
    /// `len` is at least 1.
    pub(crate) fn new(len: u32, seed: u64) -> Self {
        let bits = (u32::BITS - (len - 1).leading_zeros()).max(2);
        let low_bits = bits / 2;
        let keys = [1, 2, 3, 4].map(|round: u64| mix(seed.wrapping_add(round << 56)));
        Self { len, low_bits, high_bits: bits - low_bits, keys }
    }

    /// Where `index` goes.
    pub(crate) fn forward(&self, index: u32) -> u32 {
        let mut value = index;
        loop {
            for round in 0..ROUNDS {
                value = self.round(value, round);
            }
            if value < self.len {
                return value;
            }
        }
    }

    /// Where `index` comes from.
    pub(crate) fn backward(&self, index: u32) -> u32 {
        let mut value = index;
        loop {
            for round in (0..ROUNDS).rev() {
                value = self.round(value, round);
            }
            if value < self.len {
                return value;
            }
        }
    }

    /// Changes one half by a function of the other: its own inverse.
    fn round(&self, value: u32, round: usize) -> u32 {
        let low_mask = (1u64 << self.low_bits) - 1;
        let value = u64::from(value);
        let changed = if round.is_multiple_of(2) {
            let high = value >> self.low_bits;
            value ^ (mix(high ^ self.keys[round]) & low_mask)
        } else {
            let high_mask = (1u64 << self.high_bits) - 1;
            value ^ ((mix((value & low_mask) ^ self.keys[round]) & high_mask) << self.low_bits)
        };
        changed as u32
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood): every input bit changes half the output's.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_taken_once_and_the_way_back_is_known() {
        for len in (1..70).chain([4095, 4096, 4097, 10_000]) {
            let shuffle = Permutation::new(len, 7);
            let mut seen = vec![false; len as usize];
            for index in 0..len {
                let to = shuffle.forward(index);
                assert!(!std::mem::replace(&mut seen[to as usize], true), "{len} {index}");
                assert_eq!(shuffle.backward(to), index);
            }
        }
    }

    #[test]
    fn neighbours_are_scattered_and_the_seed_matters() {
        let (one, other) = (Permutation::new(1 << 20, 1), Permutation::new(1 << 20, 2));
        let far = (0..1000).filter(|&i| one.forward(i).abs_diff(one.forward(i + 1)) > 10_000);
        assert!(far.count() > 950);
        assert!((0..1000).filter(|&i| one.forward(i) == other.forward(i)).count() < 5);
    }
}
