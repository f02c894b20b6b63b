/** The kernel's 64-bit arithmetic, on bigints. */

/** Largest unsigned 64-bit number. */
export const U64_MAX: bigint = 2n ** 64n - 1n;

/** Basis points in one. */
export const BP = 10_000n;

/**
 * `x * n / d` as the kernel's `mult_frac` computes it: `(x / d) * n + (x % d) * n / d`, every
 * product and the sum wrapping at 64 bits.
 */
export function multFrac(x: bigint, n: bigint, d: bigint): bigint {
  return wrapped((x / d) * n + wrapped((x % d) * n) / d);
}

function wrapped(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
