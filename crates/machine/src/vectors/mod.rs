//! Eight words at once, in the widest vectors that the CPU has.
//!
//! What is worth it is written once, over [`Vectors`], and compiled for each of them: the same source
//! and so the same results.

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use portable::Portable;

/// Methods of intrinsics, in an `impl` for a type that stands for a CPU that has them. Nothing in them
/// goes over parts of a row by a closure, which would be compiled for the narrowest vectors.
#[cfg(target_arch = "x86_64")]
macro_rules! of_intrinsics {
    ($(fn $name:ident $(<const $bits:ident: $kind:ty>)? ($($argument:ident: $type:ty),*) -> $result:ty
        { $($body:tt)* })*) => {
        $(
            #[inline(always)]
            fn $name$(<const $bits: $kind>)?(self, $($argument: $type),*) -> $result {
                // SAFETY: the CPU has them, as the type says.
                unsafe { $($body)* }
            }
        )*
    };
}
#[cfg(target_arch = "x86_64")]
use of_intrinsics;

/// Words in a row.
pub const LANES: usize = 8;

/// What is done to rows of words, lane by lane.
///
/// Compiled for wide vectors only where it is inlined into [`dispatch`]: whatever takes or makes rows is
/// `#[inline(always)]`, and so no closure.
pub trait Vectors: Copy {
    /// Eight words.
    type Row: Copy;

    /// The words of memory.
    fn load(self, words: &[u64; LANES]) -> Self::Row;
    /// Puts them there.
    fn store(self, row: Self::Row, words: &mut [u64; LANES]);
    /// The same word in each lane.
    fn splat(self, word: u64) -> Self::Row;
    /// The word of the first lane.
    fn first(self, row: Self::Row) -> u64;
    /// `a & b`.
    fn and(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a | b`.
    fn or(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a ^ b`.
    fn xor(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a + b`, wrapping.
    fn add(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a - b`, wrapping.
    fn sub(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a - b`, or 0 if that is less.
    fn saturating_sub(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `a * b`, wrapping.
    fn mul(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// The product of the low halves of `a` and `b`.
    fn mul_low(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// `row << BITS`.
    fn shl<const BITS: u32>(self, row: Self::Row) -> Self::Row;
    /// `row >> BITS`.
    fn shr<const BITS: u32>(self, row: Self::Row) -> Self::Row;
    /// Rotated to the left.
    fn rotate<const BITS: i32>(self, row: Self::Row) -> Self::Row;
    /// To each lane the word that lies so many lanes further, to the last ones those of the first.
    fn further<const BY: i32>(self, row: Self::Row) -> Self::Row;
    /// A bit for each lane: `a < b`.
    fn less(self, a: Self::Row, b: Self::Row) -> u8;
    /// All ones in lanes where `a < b`, 0 in others.
    fn below(self, a: Self::Row, b: Self::Row) -> Self::Row;
    /// A bit for each lane: bit `at % 64` of the word.
    fn bits(self, row: Self::Row, at: Self::Row) -> u8;
    /// All ones in lanes whose bit is set, 0 in others.
    fn ones(self, lanes: u8) -> Self::Row;
    /// Puts the words of lanes whose bit is set, one after the other, and anything behind them.
    fn compress(self, row: Self::Row, lanes: u8, words: &mut [u64; LANES]);
    /// The word of the table with each number; 0 behind its end.
    fn gather(self, table: &[u64], at: Self::Row) -> Self::Row;
    /// The first of `a`, the first of `b`, the second of `a` and so on.
    fn interleave(self, a: Self::Row, b: Self::Row) -> [Self::Row; 2];
}

/// A generator of random words that makes a row at a time.
pub trait RandomRows {
    /// The next row.
    fn row<V: Vectors>(&mut self, v: V) -> V::Row;
}

/// Something that is worth wide vectors. `run` and all that it calls is `#[inline(always)]`, or it is
/// compiled for the narrowest.
pub trait Work {
    /// Does it.
    fn run<V: Vectors>(self, v: V);
}

/// Vectors that the CPU may have.
#[cfg(target_arch = "x86_64")]
enum Width {
    Portable,
    Avx2,
    Avx512,
}

/// The widest that it has. Asked once: it is wanted for every CPU that is emulated, in every tick.
#[cfg(target_arch = "x86_64")]
static WIDEST: LazyLock<Width> = LazyLock::new(|| {
    // Every CPU with the first of them has the others; asked all the same.
    let has_bits = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt");
    let has_avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
    match (has_bits, has_avx512, is_x86_feature_detected!("avx2")) {
        (true, true, _) => Width::Avx512,
        (true, false, true) => Width::Avx2,
        _ => Width::Portable,
    }
});

/// Does it with the widest vectors that the CPU has.
#[inline]
pub fn dispatch(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    match *WIDEST {
        // SAFETY: the CPU has what it takes.
        Width::Avx512 => unsafe { for_avx512(work) },
        // SAFETY: as above.
        Width::Avx2 => unsafe { for_avx2(work) },
        Width::Portable => work.run(Portable),
    }
    #[cfg(not(target_arch = "x86_64"))]
    work.run(Portable);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,bmi1,bmi2,popcnt")]
fn for_avx512(work: impl Work) {
    // SAFETY: whoever called this has seen that the CPU has them.
    work.run(unsafe { Avx512::new() });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn for_avx2(work: impl Work) {
    // SAFETY: whoever called this has seen that the CPU has them.
    work.run(unsafe { Avx2::new() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    /// Everything that can be done, to random rows.
    struct Everything<'a>(&'a mut Vec<u64>);

    impl Work for Everything<'_> {
        #[inline(always)]
        fn run<V: Vectors>(self, v: V) {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
            let table: Vec<u64> = (0..100).map(|_| random.next_u64()).collect();
            for _ in 0..50 {
                let [a, mut b] = [(); 2].map(|()| [(); LANES].map(|()| random.next_u64()));
                // Some lanes equal.
                b[3] = a[3];
                let lanes = random.next_u64() as u8;
                let (a, b) = (v.load(&a), v.load(&b));
                let near = v.shr::<57>(a);
                let [even, odd] = v.interleave(a, b);
                for row in [
                    v.splat(v.first(a)),
                    v.and(a, b),
                    v.or(a, b),
                    v.xor(a, b),
                    v.add(a, b),
                    v.sub(a, b),
                    v.saturating_sub(a, b),
                    v.mul(a, b),
                    v.mul_low(a, b),
                    v.shl::<17>(a),
                    v.shr::<5>(a),
                    v.rotate::<23>(a),
                    v.further::<0>(a),
                    v.further::<1>(a),
                    v.further::<2>(a),
                    v.further::<3>(a),
                    v.further::<4>(a),
                    v.further::<5>(a),
                    v.further::<6>(a),
                    v.further::<7>(a),
                    v.ones(lanes),
                    v.ones(v.less(a, b)),
                    v.below(a, b),
                    v.ones(v.bits(a, b)),
                    v.gather(&table, near),
                    even,
                    odd,
                ] {
                    let mut words = [0; LANES];
                    v.store(row, &mut words);
                    self.0.extend(words);
                }
                let mut words = [0; LANES];
                v.compress(a, lanes, &mut words);
                self.0.extend(&words[..lanes.count_ones() as usize]);
            }
        }
    }

    #[test]
    fn every_width_gives_the_same() {
        let (mut narrow, mut widest) = (Vec::new(), Vec::new());
        Everything(&mut narrow).run(Portable);
        dispatch(Everything(&mut widest));
        assert_eq!(narrow, widest);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            let mut middle = Vec::new();
            // SAFETY: every CPU with AVX2 has the rest.
            unsafe { for_avx2(Everything(&mut middle)) };
            assert_eq!(narrow, middle);
        }
    }

    #[test]
    fn lanes_are_taken_as_their_methods_say() {
        let v = Portable;
        let row = [10, 11, 12, 13, 14, 15, 16, 17];
        assert_eq!(v.further::<3>(row), [13, 14, 15, 16, 17, 10, 11, 12]);
        let mut words = [0; LANES];
        v.compress(row, 0b1001_0110, &mut words);
        assert_eq!(words[..4], [11, 12, 14, 17]);
        assert_eq!(v.less(row, v.splat(13)), 0b111);
        assert_eq!(v.below(row, v.splat(13)), v.ones(0b111));
        assert_eq!(v.bits(v.splat(0b1001), [0, 1, 2, 3, 64, 65, 66, 67]), 0b1001_1001);
        assert_eq!(v.ones(0b10)[..3], [0, u64::MAX, 0]);
        assert_eq!(v.gather(&[5, 6], [0, 1, 2, u64::MAX, 0, 0, 0, 1]), [5, 6, 0, 0, 5, 5, 5, 6]);
        let [low, high] = v.interleave(row, v.splat(1));
        assert_eq!([low, high], [[10, 1, 11, 1, 12, 1, 13, 1], [14, 1, 15, 1, 16, 1, 17, 1]]);
    }
}
