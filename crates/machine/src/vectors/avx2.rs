//! For CPUs with AVX2.

use std::arch::x86_64::*;

use super::{LANES, Vectors, of_intrinsics};

const HALF: usize = LANES / 2;

/// By the set of words of a half that are wanted: where each 32-bit part of those comes from.
const WANTED: [[i32; LANES]; 1 << HALF] = {
    let mut wanted = [[0; LANES]; 1 << HALF];
    let mut set = 0;
    while set < wanted.len() {
        let (mut word, mut held) = (0, 0);
        while word < HALF {
            if set >> word & 1 == 1 {
                wanted[set][2 * held] = 2 * word as i32;
                wanted[set][2 * held + 1] = 2 * word as i32 + 1;
                held += 1;
            }
            word += 1;
        }
        set += 1;
    }
    wanted
};

/// 256-bit vectors, two for a row. Whoever has one has a CPU that has them.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Two halves.
type Row = [__m256i; 2];

impl Avx2 {
    /// # Safety
    ///
    /// The CPU has AVX2.
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn less_half(a: __m256i, b: __m256i) -> __m256i {
    // There is only a comparison with a sign.
    let sign = _mm256_set1_epi64x(i64::MIN);
    _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign))
}

#[inline]
#[target_feature(enable = "avx2")]
fn mul_half(a: __m256i, b: __m256i) -> __m256i {
    let (a_high, b_high) = (_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b));
    let across = _mm256_add_epi64(_mm256_mul_epu32(a_high, b), _mm256_mul_epu32(a, b_high));
    _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64::<32>(across))
}

#[inline]
#[target_feature(enable = "avx2")]
fn bit_to_sign(half: __m256i, at: __m256i) -> __m256i {
    _mm256_sllv_epi64(half, _mm256_andnot_si256(at, _mm256_set1_epi64x(63)))
}

/// A bit for each lane whose word has the highest bit.
#[inline]
#[target_feature(enable = "avx2")]
fn signs(row: Row) -> u8 {
    let low = _mm256_movemask_pd(_mm256_castsi256_pd(row[0]));
    (low | _mm256_movemask_pd(_mm256_castsi256_pd(row[1])) << HALF) as u8
}

#[inline]
#[target_feature(enable = "avx2")]
fn gather_half(table: &[u64], at: __m256i) -> __m256i {
    let within = less_half(at, _mm256_set1_epi64x(table.len() as i64));
    // SAFETY: reads words of the table and, where a number is not within it, nothing.
    unsafe {
        let none = _mm256_setzero_si256();
        _mm256_mask_i64gather_epi64::<8>(none, table.as_ptr().cast(), at, within)
    }
}

/// The wanted words, one after the other, and anything behind them.
#[inline]
#[target_feature(enable = "avx2")]
fn compress_half(half: __m256i, wanted: u8, words: &mut [u64; HALF]) {
    let from = &WANTED[usize::from(wanted) % WANTED.len()];
    // SAFETY: reads the eight numbers.
    let from = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
    let together = _mm256_permutevar8x32_epi32(half, from);
    // SAFETY: writes the four words.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), together) };
}

/// The half that begins `BY` words, less than a half, further than the first of two.
#[inline]
#[target_feature(enable = "avx2")]
fn further_half<const BY: i32>(half: __m256i, next: __m256i) -> __m256i {
    match BY {
        0 => half,
        1 => _mm256_permute4x64_epi64::<0b00_11_10_01>(_mm256_blend_epi32::<0x03>(half, next)),
        2 => _mm256_permute4x64_epi64::<0b01_00_11_10>(_mm256_blend_epi32::<0x0F>(half, next)),
        3 => _mm256_permute4x64_epi64::<0b10_01_00_11>(_mm256_blend_epi32::<0x3F>(half, next)),
        _ => unreachable!(),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn interleave_half(a: __m256i, b: __m256i) -> [__m256i; 2] {
    let (even, odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    [_mm256_permute2x128_si256::<0x20>(even, odd), _mm256_permute2x128_si256::<0x31>(even, odd)]
}

impl Vectors for Avx2 {
    type Row = Row;

    #[inline(always)]
    fn load(self, words: &[u64; LANES]) -> Row {
        let words: *const __m256i = words.as_ptr().cast();
        // SAFETY: the CPU has them, as `Avx2` says; reads the eight words.
        unsafe { [_mm256_loadu_si256(words), _mm256_loadu_si256(words.add(1))] }
    }

    #[inline(always)]
    fn store(self, row: Row, words: &mut [u64; LANES]) {
        let words: *mut __m256i = words.as_mut_ptr().cast();
        // SAFETY: the CPU has them, as `Avx2` says; writes the eight words.
        unsafe {
            _mm256_storeu_si256(words, row[0]);
            _mm256_storeu_si256(words.add(1), row[1]);
        }
    }

    #[inline(always)]
    fn compress(self, row: Row, lanes: u8, words: &mut [u64; LANES]) {
        let (low, high) = (lanes & 0xF, lanes >> HALF);
        let Some(first) = words.first_chunk_mut() else { unreachable!() };
        // SAFETY: the CPU has them, as `Avx2` says.
        unsafe { compress_half(row[0], low, first) };
        // Over what of the first half is not wanted.
        let rest = words[low.count_ones() as usize..].first_chunk_mut();
        let Some(second) = rest else { unreachable!() };
        // SAFETY: as above.
        unsafe { compress_half(row[1], high, second) };
    }

    of_intrinsics! {
        fn gather(table: &[u64], at: Row) -> Row {
            [gather_half(table, at[0]), gather_half(table, at[1])]
        }
        fn less(a: Row, b: Row) -> u8 {
            signs([less_half(a[0], b[0]), less_half(a[1], b[1])])
        }
        fn below(a: Row, b: Row) -> Row {
            [less_half(a[0], b[0]), less_half(a[1], b[1])]
        }
        fn further<const BY: i32>(row: Row) -> Row {
            let [low, high] = row;
            match BY {
                1 => [further_half::<1>(low, high), further_half::<1>(high, low)],
                2 => [further_half::<2>(low, high), further_half::<2>(high, low)],
                3 => [further_half::<3>(low, high), further_half::<3>(high, low)],
                4 => [high, low],
                5 => [further_half::<1>(high, low), further_half::<1>(low, high)],
                6 => [further_half::<2>(high, low), further_half::<2>(low, high)],
                7 => [further_half::<3>(high, low), further_half::<3>(low, high)],
                _ => row,
            }
        }
        fn splat(word: u64) -> Row { [_mm256_set1_epi64x(word as i64); 2] }
        fn first(row: Row) -> u64 { _mm256_extract_epi64::<0>(row[0]) as u64 }
        fn and(a: Row, b: Row) -> Row { [_mm256_and_si256(a[0], b[0]), _mm256_and_si256(a[1], b[1])] }
        fn or(a: Row, b: Row) -> Row { [_mm256_or_si256(a[0], b[0]), _mm256_or_si256(a[1], b[1])] }
        fn xor(a: Row, b: Row) -> Row { [_mm256_xor_si256(a[0], b[0]), _mm256_xor_si256(a[1], b[1])] }
        fn add(a: Row, b: Row) -> Row { [_mm256_add_epi64(a[0], b[0]), _mm256_add_epi64(a[1], b[1])] }
        fn sub(a: Row, b: Row) -> Row { [_mm256_sub_epi64(a[0], b[0]), _mm256_sub_epi64(a[1], b[1])] }
        fn saturating_sub(a: Row, b: Row) -> Row {
            [
                _mm256_andnot_si256(less_half(a[0], b[0]), _mm256_sub_epi64(a[0], b[0])),
                _mm256_andnot_si256(less_half(a[1], b[1]), _mm256_sub_epi64(a[1], b[1])),
            ]
        }
        fn mul(a: Row, b: Row) -> Row { [mul_half(a[0], b[0]), mul_half(a[1], b[1])] }
        fn mul_low(a: Row, b: Row) -> Row {
            [_mm256_mul_epu32(a[0], b[0]), _mm256_mul_epu32(a[1], b[1])]
        }
        fn shl<const BITS: u32>(row: Row) -> Row {
            let by = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_sll_epi64(row[0], by), _mm256_sll_epi64(row[1], by)]
        }
        fn shr<const BITS: u32>(row: Row) -> Row {
            let by = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_srl_epi64(row[0], by), _mm256_srl_epi64(row[1], by)]
        }
        fn rotate<const BITS: i32>(row: Row) -> Row {
            let (left, right) = (_mm_cvtsi32_si128(BITS), _mm_cvtsi32_si128(64 - BITS));
            [
                _mm256_or_si256(_mm256_sll_epi64(row[0], left), _mm256_srl_epi64(row[0], right)),
                _mm256_or_si256(_mm256_sll_epi64(row[1], left), _mm256_srl_epi64(row[1], right)),
            ]
        }
        fn bits(row: Row, at: Row) -> u8 {
            signs([bit_to_sign(row[0], at[0]), bit_to_sign(row[1], at[1])])
        }
        fn ones(lanes: u8) -> Row {
            let lanes = _mm256_set1_epi64x(i64::from(lanes));
            let (low, high) = (_mm256_setr_epi64x(1, 2, 4, 8), _mm256_setr_epi64x(16, 32, 64, 128));
            [
                _mm256_cmpeq_epi64(_mm256_and_si256(lanes, low), low),
                _mm256_cmpeq_epi64(_mm256_and_si256(lanes, high), high),
            ]
        }
        fn interleave(a: Row, b: Row) -> [Row; 2] {
            [interleave_half(a[0], b[0]), interleave_half(a[1], b[1])]
        }
    }
}
