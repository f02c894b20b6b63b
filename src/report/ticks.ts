/**
 * Where to put the labels of a time axis.
 */

/** Steps people count time in, in seconds. */
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/** Round times from 0 up to `seconds`, at most `limit` of them (and at least the 0). */
export function timeTicks(seconds: number, limit: number): number[] {
  const least = seconds / Math.max(1, limit - 1);
  const step = STEPS.find((candidate) => candidate >= least && least > 0.5) ?? decimalStep(least);
  const count = seconds > 0 ? Math.floor(seconds / step + 1e-9) : 0;
  return Array.from({ length: Math.min(count + 1, Math.max(1, limit)) }, (_, i) => i * step);
}

/** The smallest 1, 2 or 5 times a power of ten that is not below `least`. */
function decimalStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  // 10 is found at the latest; rounding must not skip the digit that fits exactly.
  const digit = [1, 2, 5].find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return digit * power;
}
