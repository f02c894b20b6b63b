//! The kernel's integer arithmetic.

/// Basis points in one.
pub const BP: u64 = 10_000;

/// Smallest region, and the alignment of every cut, in bytes: a page. In core address units it is
/// `damon_ctx.min_region_sz`.
pub const MIN_REGION_SZ: u64 = 4096;

/// `x * n / d` without forming the product: `(x / d) * n + (x % d) * n / d`. Kernel `mult_frac`.
///
/// # Panics
///
/// If `d` is 0.
#[inline]
pub fn mult_frac(x: u64, n: u64, d: u64) -> u64 {
    match x.checked_mul(n) {
        // The same with one division, where there is a product.
        Some(product) => product / d,
        None => (x / d).wrapping_mul(n).wrapping_add((x % d).wrapping_mul(n) / d),
    }
}

/// [`mult_frac`] as the kernel computes it for counts: in 32 bits.
///
/// # Panics
///
/// If `d` is 0.
pub fn mult_frac_u32(x: u32, n: u32, d: u32) -> u32 {
    (x / d).wrapping_mul(n).wrapping_add((x % d).wrapping_mul(n) / d)
}

const FEED_LOOP_LEAST: u64 = 10_000;

/// The next input of a feedback loop whose last one scored `score` of [`BP`]: changed by the share by
/// which the score misses, at most doubled, and the least at twice the score wanted.
/// `damon_feed_loop_next_input`, `damon-core.md` 6.3.
pub fn feed_loop_next_input(last: u64, score: u64) -> u64 {
    if score == BP {
        return last;
    }
    if score >= 2 * BP {
        return FEED_LOOP_LEAST;
    }
    let change = mult_frac(last, score.abs_diff(BP), BP);
    if score > BP {
        last.saturating_sub(change).max(FEED_LOOP_LEAST)
    } else {
        last.saturating_add(change)
    }
}

/// Largest multiple of `a`, a power of two, that is at most `x`.
#[inline]
pub fn align_down(x: u64, a: u64) -> u64 {
    x & !(a - 1)
}

/// Smallest multiple of `a`, a power of two, that is at least `x`; saturates at the top.
pub fn align_up(x: u64, a: u64) -> u64 {
    align_down(x.saturating_add(a - 1), a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mult_frac_is_floor_of_the_exact_product() {
        for (x, n, d) in
            [(10u64, 3u64, 4u64), (u64::MAX / 2 - 1, 3, 7), (1 << 40, 10_000, 3), (0, 5, 2)]
        {
            let exact = u128::from(x) * u128::from(n) / u128::from(d);
            if let Ok(exact) = u64::try_from(exact) {
                assert_eq!(mult_frac(x, n, d), exact);
            }
        }
    }

    #[test]
    fn the_feed_loop_follows_the_published_examples() {
        // damon-core.md 6.3: (last, score) -> next
        for (last, score, next) in [
            (40_960_000, 5_000, 61_440_000),
            (40_960_000, 12_500, 30_720_000),
            (40_960_000, 19_999, 10_000),
            (40_960_000, 20_000, 10_000),
            (40_960_000, 10_000, 40_960_000),
            (10_000, 9_999, 10_001),
            (123_456_789, 3_333, 205_765_430),
            (10_000, 10_001, 10_000),
            (u64::MAX - 1, 0, u64::MAX),
            // 2^20 * 2^61 is a multiple of 2^64, which must not read as no change.
            (1 << 20, (1 << 61) + 10_000, 10_000),
        ] {
            assert_eq!(feed_loop_next_input(last, score), next, "{last} {score}");
        }
    }

    #[test]
    fn alignment_does_not_wrap_at_the_top_of_the_address_space() {
        assert_eq!(align_down(8191, 4096), 4096);
        assert_eq!(align_up(4097, 4096), 8192);
        assert_eq!(align_up(u64::MAX, 4096), !4095);
    }

    #[test]
    fn counts_are_scaled_in_32_bits_and_wrap_as_in_the_kernel() {
        // damon-core.md 0.2: the remainder's product wraps above 429496 * 10000
        for (x, n, d, expected) in [
            (7, 100, 20, 35),
            (63, 10_000, 64, 9_843),
            (429_496, 10_000, 500_000, 8_589),
            // 4294970000 - 2^32 = 2704
            (429_497, 10_000, 500_000, 0),
            // 2 * 10000 + 4294970000 mod 2^32 / 500000
            (1_429_497, 10_000, 500_000, 20_000),
        ] {
            assert_eq!(mult_frac_u32(x, n, d), expected, "{x} * {n} / {d}");
        }
    }
}
