/**
 * Numbers of 64 bits as the addon takes them: exact up to 2^53 - 1, and that for all beyond.
 *
 * No machine has an address, a size or a duration beyond, so nothing tells the two apart but a size
 * quota that is shown again: see {@link effectiveBytes}.
 */

const U32 = 2n ** 32n - 1n;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The number, or the largest there is. */
export function capped(value: bigint): number {
  return Number(value < SAFE ? value : SAFE);
}

/** The number, or the largest of 32 bits. */
export function capped32(value: bigint): number {
  return Number(value < U32 ? value : U32);
}

/** Largest number of 64 bits that a double is. */
const U64_DOUBLE_MAX = 2 ** 64 - 2 ** 11;

/**
 * The number nearest to it that still is one of 64 bits: where only what it is in proportion to another
 * counts, and 2^64 would be 0.
 */
export function nearest(value: bigint): number {
  return Math.min(Number(value), U64_DOUBLE_MAX);
}

/** An upper bound; none from the largest number on. */
export function bound(value: bigint): { max: number } | object {
  return value < SAFE ? { max: Number(value) } : {};
}

/** An effective size, of a scheme with that size quota. */
export function effectiveBytes(value: number, quotaBytes: bigint): bigint {
  return value === Number.MAX_SAFE_INTEGER && quotaBytes > SAFE ? quotaBytes : BigInt(value);
}
