/**
 * The `proportional` tuner: as many bytes as the goal misses, and nothing for a miss too small to be
 * worth a migration. Ours, not the kernel's.
 *
 * `temporal` moves a whole size quota whenever a share is on the wrong side of its target, however
 * little it misses: a cycle of one quota up and down that never ends (`hardware-sampling.md` 9.5).
 * The metric knows how many bytes are missing, so one window can move just those. Then the share
 * rests inside the dead band and nothing is moved at all.
 *
 * Not here: how a kernel is told, which has no such tuner (see `holdShares`).
 */
import { BP } from '../arithmetic.ts';
import type { GoalReading } from '../goal.ts';
import type { Tuner, TunerInput } from './tuner.ts';

/**
 * Misses up to this many basis points are left alone. Twice the resolution of the kernel's metric at
 * either side would do; 10 keep 0.07 points of sampling noise (`hardware-sampling.md` 9.5) from
 * moving memory, and bound the offset by a tenth of a point.
 */
export const DEAD_BAND_BP = 10;

/** Least over the goals, as with the kernel's tuners the best-met goal decides. */
export const proportional: Tuner = ({ goals, szBytes }) => {
  const bytes = goals.map((reading) => missing(reading, szBytes));
  const least = bytes.reduce((a, b) => (b < a ? b : a), bytes[0] ?? 0n);
  return least * BP;
};

/** Bytes a goal misses: exactly where its metric counts bytes, else as that share of the size quota. */
function missing(reading: GoalReading, szBytes: TunerInput['szBytes']): bigint {
  const missed = missedBytes(reading);
  if (missed !== undefined) {
    return isNegligible(missed, reading.bytesTotal ?? 0) ? 0n : BigInt(Math.max(0, missed));
  }
  const missedBp = BP - BigInt(reading.scoreBp);
  return missedBp <= BigInt(DEAD_BAND_BP) ? 0n : (szBytes * missedBp) / BP;
}

/**
 * Bytes that a share lacks to its target, below 0 for too many; `undefined` where the metric counts
 * none.
 */
export function missedBytes({ goal, bytes, bytesTotal }: GoalReading): number | undefined {
  if (bytes === undefined || bytesTotal === undefined) return undefined;
  return Math.round((bytesTotal * goal.targetValue) / Number(BP)) - bytes;
}

/** Whether a miss is within the dead band. */
export function isNegligible(missed: number, bytesTotal: number): boolean {
  return Math.abs(missed) * Number(BP) <= bytesTotal * DEAD_BAND_BP;
}
