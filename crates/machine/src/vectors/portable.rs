//! For every CPU.

use super::{LANES, Vectors};

/// For every CPU: what the compiler makes of it.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Portable {
    #[inline(always)]
    fn each(self, f: impl Fn(usize) -> u64) -> [u64; LANES] {
        let mut row = [0; LANES];
        for (lane, word) in row.iter_mut().enumerate() {
            *word = f(lane);
        }
        row
    }

    #[inline(always)]
    fn lanes(self, f: impl Fn(usize) -> bool) -> u8 {
        (0..LANES).fold(0, |lanes, lane| lanes | u8::from(f(lane)) << lane)
    }
}

impl Vectors for Portable {
    type Row = [u64; LANES];

    #[inline(always)]
    fn load(self, words: &[u64; LANES]) -> Self::Row {
        *words
    }

    #[inline(always)]
    fn store(self, row: Self::Row, words: &mut [u64; LANES]) {
        *words = row;
    }

    #[inline(always)]
    fn splat(self, word: u64) -> Self::Row {
        [word; LANES]
    }

    #[inline(always)]
    fn first(self, row: Self::Row) -> u64 {
        row[0]
    }

    #[inline(always)]
    fn and(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane] & b[lane])
    }

    #[inline(always)]
    fn or(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane] | b[lane])
    }

    #[inline(always)]
    fn xor(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane] ^ b[lane])
    }

    #[inline(always)]
    fn add(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    fn sub(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane].wrapping_sub(b[lane]))
    }

    #[inline(always)]
    fn saturating_sub(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane].saturating_sub(b[lane]))
    }

    #[inline(always)]
    fn mul(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| a[lane].wrapping_mul(b[lane]))
    }

    #[inline(always)]
    fn mul_low(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| (a[lane] & 0xFFFF_FFFF) * (b[lane] & 0xFFFF_FFFF))
    }

    #[inline(always)]
    fn shl<const BITS: u32>(self, row: Self::Row) -> Self::Row {
        self.each(|lane| row[lane] << BITS)
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self, row: Self::Row) -> Self::Row {
        self.each(|lane| row[lane] >> BITS)
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self, row: Self::Row) -> Self::Row {
        self.each(|lane| row[lane].rotate_left(BITS as u32))
    }

    #[inline(always)]
    fn further<const BY: i32>(self, row: Self::Row) -> Self::Row {
        self.each(|lane| row[(lane + BY as usize) % LANES])
    }

    #[inline(always)]
    fn less(self, a: Self::Row, b: Self::Row) -> u8 {
        self.lanes(|lane| a[lane] < b[lane])
    }

    #[inline(always)]
    fn below(self, a: Self::Row, b: Self::Row) -> Self::Row {
        self.each(|lane| u64::from(a[lane] < b[lane]).wrapping_neg())
    }

    #[inline(always)]
    fn bits(self, row: Self::Row, at: Self::Row) -> u8 {
        self.lanes(|lane| row[lane] >> (at[lane] % 64) & 1 == 1)
    }

    #[inline(always)]
    fn ones(self, lanes: u8) -> Self::Row {
        self.each(|lane| u64::from(lanes >> lane & 1).wrapping_neg())
    }

    #[inline(always)]
    fn compress(self, row: Self::Row, lanes: u8, words: &mut [u64; LANES]) {
        let mut held = 0;
        for (lane, word) in row.into_iter().enumerate() {
            words[held] = word;
            // No branch: which are set is anyone's guess. Never beyond the lane.
            held = (held + usize::from(lanes >> lane & 1)) % LANES;
        }
    }

    #[inline(always)]
    fn gather(self, table: &[u64], at: Self::Row) -> Self::Row {
        self.each(|lane| table.get(at[lane] as usize).copied().unwrap_or(0))
    }

    #[inline(always)]
    fn interleave(self, a: Self::Row, b: Self::Row) -> [Self::Row; 2] {
        [0, LANES / 2].map(|half| {
            self.each(|lane| if lane % 2 == 0 { a[half + lane / 2] } else { b[half + lane / 2] })
        })
    }
}
