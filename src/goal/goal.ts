/** Quota goals: a metric and the value it should reach. Kernel `struct damos_quota_goal`. */
import * as v from 'valibot';

import { multFrac } from './arithmetic.ts';
import type { Ratio } from '../units.ts';
import { SAFE, type Schema, U32, either, integer, options, quantityOf } from '../validate.ts';

/** What a scheme's quota is steered by. */
export type GoalOptions = NodeEligibleGoalOptions | UserInputGoalOptions;

/** The share of eligible memory on a node. Physical operations sets only. */
export interface NodeEligibleGoalOptions {
  readonly metric: 'node_eligible_mem_bp';
  /** The node. */
  readonly nid: number;
  /** The share to reach: basis points, or a text such as `"70 %"`. From 1 to 10000. */
  readonly targetValue: Ratio;
}

/** A value of the user's own. */
export interface UserInputGoalOptions {
  readonly metric: 'user_input';
  /** The value to reach. Minimum: 1. */
  readonly targetValue: number;
  /** The value now; see `Kdamond.setGoal`. @default 0 */
  readonly currentValue?: number;
}

/** A goal, resolved. */
export type Goal =
  | { readonly metric: 'node_eligible_mem_bp'; readonly nid: number; readonly targetValue: number }
  | {
      readonly metric: 'user_input';
      readonly targetValue: number;
      readonly currentValue: number;
    };

const SHARE = 'more than 0 and at most 10000 basis points (100 %)';

/** Reads a goal. A target of 0 can never be evaluated and is refused, as the kernel's commit does. */
export const goalSchema: Schema<Goal> = v.variant(
  'metric',
  [
    options({
      metric: v.literal('node_eligible_mem_bp'),
      nid: integer(0, U32),
      targetValue: v.pipe(
        quantityOf('bp'),
        v.check((bp) => 1 <= bp && bp <= 10_000, SHARE),
      ),
    }),
    options({
      metric: v.literal('user_input'),
      targetValue: integer(1, SAFE),
      currentValue: v.optional(integer(0, SAFE), 0),
    }),
  ],
  ({ path }) => (path ? either(['node_eligible_mem_bp', 'user_input']) : 'an object'),
);

/** What a goal's metric reads, and how that compares with its target. */
export interface GoalReading {
  readonly goal: Goal;
  /** In the metric's unit. */
  readonly currentValue: number;
  /** `currentValue` in basis points of the target: 10000 when the goal is met. */
  readonly scoreBp: number;
}

/** Score of one goal: `mult_frac(current, 10000, target)`. `damos_quota_score`. */
export function goalScoreBp(currentValue: number, targetValue: number): bigint {
  return multFrac(BigInt(currentValue), 10_000n, BigInt(targetValue));
}

/** Score of a scheme: its best-met goal's, so the least aggressive quota wins; 0 without goals. */
export function scoreBp(scores: readonly bigint[]): bigint {
  return scores.reduce((best, score) => (score > best ? score : best), 0n);
}
