/**
 * The `temporal` tuner: all or nothing. Nothing once the goal is met, else the whole size quota.
 * `damos_goal_tune_esz_bp_temporal`; `damon-core.md` 6.4.
 */
import { BP, U64_MAX } from '../arithmetic.ts';
import type { ScoreInput, Tuner } from './tuner.ts';

/**
 * Without a size quota, "all" has no bound but that of the number.
 *
 * @example
 * ```ts
 * import { temporal } from 'node-damon';
 *
 * console.log(temporal({ quotaBp: 0n, scoreBp: 9_999n, szBytes: 4_096n })); // 40960000n
 * console.log(temporal({ quotaBp: 0n, scoreBp: 10_000n, szBytes: 4_096n })); // 0n
 * ```
 */
export const temporal: Tuner<ScoreInput> = ({ szBytes, scoreBp }) => {
  if (scoreBp >= BP) return 0n;
  const bounded = szBytes !== 0n && szBytes <= U64_MAX / BP;
  return bounded ? szBytes * BP : U64_MAX;
};
