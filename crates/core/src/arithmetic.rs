//! The kernel's integer arithmetic.

/// Basis points in one.
pub const BP: u64 = 10_000;

/// Smallest region, and the alignment of every cut, in bytes. `damon_ctx.min_region_sz`.
pub const MIN_REGION_SZ: u64 = 4096;

/// `x * n / d` without forming the product: `(x / d) * n + (x % d) * n / d`. Kernel `mult_frac`.
///
/// # Panics
///
/// If `d` is 0.
pub fn mult_frac(x: u64, n: u64, d: u64) -> u64 {
    (x / d).wrapping_mul(n).wrapping_add((x % d).wrapping_mul(n) / d)
}

/// Largest multiple of `a`, a power of two, that is at most `x`.
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
            [(10u64, 3u64, 4u64), (u64::MAX / 2, 3, 7), (1 << 40, 10_000, 3), (0, 5, 2)]
        {
            let exact = u128::from(x) * u128::from(n) / u128::from(d);
            if let Ok(exact) = u64::try_from(exact) {
                assert_eq!(mult_frac(x, n, d), exact);
            }
        }
    }

    #[test]
    fn alignment_does_not_wrap_at_the_top_of_the_address_space() {
        assert_eq!(align_down(8191, 4096), 4096);
        assert_eq!(align_up(4097, 4096), 8192);
        assert_eq!(align_up(u64::MAX, 4096), !4095);
    }
}
