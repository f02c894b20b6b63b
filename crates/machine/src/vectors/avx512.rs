//! For CPUs with AVX-512.

use std::arch::x86_64::*;

use super::{LANES, Vectors, of_intrinsics};

/// 512-bit vectors. Whoever has one has a CPU that has them.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// # Safety
    ///
    /// The CPU has AVX-512F and AVX-512DQ.
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

impl Vectors for Avx512 {
    type Row = __m512i;

    #[inline(always)]
    fn load(self, words: &[u64; LANES]) -> __m512i {
        // SAFETY: the CPU has them, as `Avx512` says; reads the eight words.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, row: __m512i, words: &mut [u64; LANES]) {
        // SAFETY: the CPU has them, as `Avx512` says; writes the eight words.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), row) }
    }

    #[inline(always)]
    fn compress(self, row: __m512i, lanes: u8, words: &mut [u64; LANES]) {
        // Not to memory at once: that is microcoded on some CPUs.
        // SAFETY: the CPU has them, as `Avx512` says.
        self.store(unsafe { _mm512_maskz_compress_epi64(lanes, row) }, words);
    }

    #[inline(always)]
    fn gather(self, table: &[u64], at: __m512i) -> __m512i {
        let end = self.splat(table.len() as u64);
        let within = self.less(at, end);
        // SAFETY: the CPU has them, as `Avx512` says; reads words of the table and, where a number
        // is not within it, nothing.
        unsafe {
            let none = _mm512_setzero_si512();
            _mm512_mask_i64gather_epi64::<8>(none, within, at, table.as_ptr().cast())
        }
    }

    of_intrinsics! {
        fn splat(word: u64) -> __m512i { _mm512_set1_epi64(word as i64) }
        fn first(row: __m512i) -> u64 { _mm_cvtsi128_si64(_mm512_castsi512_si128(row)) as u64 }
        fn and(a: __m512i, b: __m512i) -> __m512i { _mm512_and_si512(a, b) }
        fn or(a: __m512i, b: __m512i) -> __m512i { _mm512_or_si512(a, b) }
        fn xor(a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
        fn add(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi64(a, b) }
        fn sub(a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi64(a, b) }
        fn saturating_sub(a: __m512i, b: __m512i) -> __m512i {
            _mm512_sub_epi64(_mm512_max_epu64(a, b), b)
        }
        fn mul(a: __m512i, b: __m512i) -> __m512i { _mm512_mullo_epi64(a, b) }
        fn mul_low(a: __m512i, b: __m512i) -> __m512i { _mm512_mul_epu32(a, b) }
        fn shl<const BITS: u32>(row: __m512i) -> __m512i { _mm512_slli_epi64::<BITS>(row) }
        fn shr<const BITS: u32>(row: __m512i) -> __m512i { _mm512_srli_epi64::<BITS>(row) }
        fn rotate<const BITS: i32>(row: __m512i) -> __m512i { _mm512_rol_epi64::<BITS>(row) }
        fn further<const BY: i32>(row: __m512i) -> __m512i {
            _mm512_alignr_epi64::<BY>(row, row)
        }
        fn less(a: __m512i, b: __m512i) -> u8 { _mm512_cmplt_epu64_mask(a, b) }
        fn below(a: __m512i, b: __m512i) -> __m512i {
            _mm512_movm_epi64(_mm512_cmplt_epu64_mask(a, b))
        }
        fn bits(row: __m512i, at: __m512i) -> u8 {
            let at = _mm512_and_si512(at, _mm512_set1_epi64(63));
            _mm512_test_epi64_mask(row, _mm512_sllv_epi64(_mm512_set1_epi64(1), at))
        }
        fn ones(lanes: u8) -> __m512i { _mm512_movm_epi64(lanes) }
        fn interleave(a: __m512i, b: __m512i) -> [__m512i; 2] {
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            [_mm512_permutex2var_epi64(a, low, b), _mm512_permutex2var_epi64(a, high, b)]
        }
    }
}
