/**
 * The `proportional` tuner: as many bytes as the goal misses, and nothing for a miss too small to be
 * worth a migration. Ours, not the kernel's.
 *
 * `temporal` moves a whole size quota whenever a share is on the wrong side of its target, however
 * little it misses: a cycle of one quota up and down that never ends (`hardware-sampling.md` 9.5).
 * The metric knows how many bytes are missing, so one window can move just those. Then the share
 * rests inside a dead band and nothing is moved at all.
 *
 * Not here: how a kernel is told, which has no such tuner (see `holdShares`).
 */
import { BP } from '../arithmetic.ts';
import type { GoalReading } from '../goal.ts';
import type { Tuner } from './tuner.ts';

/**
 * Where the tuner stands. `armed` has seen a miss worth a migration once, and waits for it to be seen
 * again: the metric strays by some tenths of a point, because a region with few pages may not be sampled
 * in an aggregation, and straying twice in a row is rare.
 */
export type Phase = 'resting' | 'armed' | 'moving';

/** Misses in basis points above which a window is worth it. */
export const BAND_BP: Readonly<Record<Phase | 'certain', number>> = {
  /** Just above what the metric of the RFC's machine strays by. */
  resting: 20,
  armed: 20,
  /** Who works, works to the end: a window does less than it may where part of a region is free. */
  moving: 5,
  /** No noise is that large. */
  certain: 100,
};

/** The phase of a window that opens with such a miss, in basis points. */
export function phaseAfter(before: Phase, missedBp: number): Phase {
  if (missedBp <= BAND_BP[before]) return 'resting';
  return before === 'resting' && missedBp <= BAND_BP.certain ? 'armed' : 'moving';
}

/** What an armed tuner asks for: too little for a page, so nothing moves, but not nothing. */
export const ARMED_BYTES = 1;
const PAGE = 4096;

/** The phase of a tuner that gave so many bytes for the window before. */
export function phaseOf(bytes: number | bigint): Phase {
  if (bytes < ARMED_BYTES) return 'resting';
  return bytes < PAGE ? 'armed' : 'moving';
}

/** Bytes to allow in a phase. */
export function bytesIn(phase: Phase, wanted: number): number {
  if (phase === 'moving') return wanted;
  return phase === 'armed' ? ARMED_BYTES : 0;
}

/**
 * As with the kernel's tuners the best-met goal decides.
 *
 * @example
 * ```ts
 * import { proportional } from 'node-damon';
 *
 * // A fifth of 10 GiB is to lie on the node, and a tenth does: the missing tenth is allowed.
 * const goal = { metric: 'node_eligible_mem_bp', nid: 0, targetValue: 2_000 } as const;
 * const [bytes, bytesTotal] = [2 ** 30, 10 * 2 ** 30];
 * const goals = [{ goal, currentValue: 1_000, scoreBp: 5_000, bytes, bytesTotal }];
 * const quotaBp = proportional({ quotaBp: 0n, scoreBp: 5_000n, szBytes: 2n ** 34n, goals });
 * console.log(quotaBp / 10_000n); // 1073741824n
 * ```
 */
export const proportional: Tuner = ({ goals, szBytes, quotaBp }) => {
  const before = phaseOf(quotaBp / BP);
  const bytes = goals.map((reading) => allowed(reading, Number(szBytes), before));
  return BigInt(bytes.length === 0 ? 0 : Math.min(...bytes)) * BP;
};

/** What a goal misses: exactly where its metric counts bytes, else as that share of the size quota. */
function allowed(reading: GoalReading, szBytes: number, before: Phase): number {
  const missed = missedBytes(reading);
  if (missed === undefined) {
    const missedBp = Math.max(0, Number(BP) - reading.scoreBp);
    return bytesIn(phaseAfter(before, missedBp), Math.floor((szBytes * missedBp) / Number(BP)));
  }
  const lacking = Math.max(0, missed);
  return bytesIn(phaseAfter(before, shareBp(lacking, reading.bytesTotal ?? 0)), lacking);
}

/**
 * Bytes that a share lacks to its target, below 0 for too many; `undefined` where the metric counts
 * none.
 *
 * Never more than is sure. Memory goes unseen where regions are small, and none is ever seen twice: so
 * a share has too much only if that is seen, and lacks only what is seen elsewhere beyond what is to be
 * there, both of the most that was there lately. Otherwise noise moves memory past the target.
 */
export function missedBytes(reading: GoalReading): number | undefined {
  const { goal, bytes, bytesTotal, peakBytesTotal = bytesTotal } = reading;
  if (bytes === undefined || bytesTotal === undefined || peakBytesTotal === undefined) {
    return undefined;
  }
  const part = goal.targetValue / Number(BP);
  const missed = Math.round(bytesTotal * part) - bytes;
  const unseen = peakBytesTotal - bytesTotal;
  return missed > 0
    ? Math.max(0, Math.floor(missed - unseen * (1 - part)))
    : Math.min(0, Math.ceil(missed + unseen * part));
}

/** So many bytes of a total in basis points, unrounded; 0 of nothing. */
export function shareBp(bytes: number, total: number): number {
  return total === 0 ? 0 : (bytes * Number(BP)) / total;
}
