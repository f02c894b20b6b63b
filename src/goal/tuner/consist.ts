/**
 * The `consist` tuner: a feedback loop that keeps a quota which just meets the goal.
 * `damos_goal_tune_esz_bp_consist`, `damon_feed_loop_next_input`; `damon-core.md` 6.3.
 */
import { BP, U64_MAX, multFrac } from '../arithmetic.ts';
import type { ScoreInput, Tuner } from './tuner.ts';

/** Smallest quota: 1 byte, in 1/10000. */
const LEAST = 10_000n;
const MET = BP;
const OVER = 2n * BP;

/**
 * Next input of the feedback loop: changes it by the share by which the score misses 10000, at
 * most doubling it, and to the least at twice the goal. Kernel `damon_feed_loop_next_input`.
 */
export function nextInput(last: bigint, score: bigint): bigint {
  if (score === MET) return last;
  if (score >= OVER) return LEAST;
  const missed = score > MET ? score - MET : MET - score;
  const change = multFrac(last, missed, BP);
  if (score > MET) return last > change + LEAST ? last - change : LEAST;
  return last >= U64_MAX - change ? U64_MAX : last + change;
}

/**
 * Starts at the least, so that a cold start takes 30 windows to 1 GiB.
 *
 * @example
 * ```ts
 * import { consist } from 'node-damon';
 *
 * // Half of the goal is met: half as much again.
 * console.log(consist({ quotaBp: 40_960_000n, scoreBp: 5_000n, szBytes: 0n })); // 61440000n
 * ```
 */
export const consist: Tuner<ScoreInput> = ({ quotaBp, scoreBp }) =>
  nextInput(quotaBp > LEAST ? quotaBp : LEAST, scoreBp);
