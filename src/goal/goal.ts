/** Quota goals: a metric and the value it should reach. Kernel `struct damos_quota_goal`. */
import * as v from 'valibot';

import type { Duration, Ratio } from '../units.ts';
import {
  SAFE,
  type Schema,
  U32,
  choice,
  either,
  integer,
  options,
  ownObject,
  quantityWithin,
} from '../validate.ts';
import { multFrac } from './arithmetic.ts';
import { type CustomMetric, METRIC_NAMES, type MetricName } from './metric.ts';

/** Turns a goal round. */
export interface ComplementOptions {
  /**
   * Steers by what is missing: 10000 basis points less the share, or the quota's window less the
   * time stalled. @default false
   */
  readonly complement?: boolean;
}

/** A share of a node's memory. */
export interface NodeGoalOptions extends ComplementOptions {
  /**
   * What is in use, what is free, or, of all memory in regions that match the scheme's pattern, what
   * lies there: `node_eligible_mem_bp`, of physical operations sets only.
   * @kernel goals/target_metric
   */
  readonly metric: 'node_mem_used_bp' | 'node_mem_free_bp' | 'node_eligible_mem_bp';
  /** The node. @kernel goals/nid */
  readonly nid: number;
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** The share of a node's memory that a control group uses, or does not use. */
export interface MemcgGoalOptions extends ComplementOptions {
  /** What of it: in use, or not. @kernel goals/target_metric */
  readonly metric: 'node_memcg_used_bp' | 'node_memcg_free_bp';
  /** The node. @kernel goals/nid */
  readonly nid: number;
  /** The control group's path from the root of the hierarchy. @kernel goals/path */
  readonly memcg: string;
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** A share of the whole machine's memory. */
export interface ShareGoalOptions extends ComplementOptions {
  /**
   * What is on the active lists, or the inactive ones, of those on all; or what is in huge pages.
   * @kernel goals/target_metric
   */
  readonly metric: 'active_mem_bp' | 'inactive_mem_bp' | 'hugepage_mem_bp';
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** Time in which some task waited for memory. */
export interface StallGoalOptions extends ComplementOptions {
  /** Time in which some task waited for memory. @kernel goals/target_metric */
  readonly metric: 'some_mem_psi_us';
  /** The time to reach per window. Minimum: 1 us. @kernel goals/target_value */
  readonly targetValue: Duration;
}

/** A value of the user's own, told by `Kdamond.setGoal`. */
export interface UserInputGoalOptions {
  /** A value of the user's own, told. @kernel goals/target_metric */
  readonly metric: 'user_input';
  /** The value to reach. Minimum: 1. @kernel goals/target_value */
  readonly targetValue: number;
  /** The value now. @default 0 @kernel goals/current_value */
  readonly currentValue?: number;
}

/** A value of the user's own, asked for. */
export interface CustomGoalOptions {
  readonly metric: CustomMetric;
  /** The value to reach. Minimum: 1. @kernel goals/target_value */
  readonly targetValue: number;
}

/** What a scheme's quota is steered by. */
export type GoalOptions =
  | NodeGoalOptions
  | MemcgGoalOptions
  | ShareGoalOptions
  | StallGoalOptions
  | UserInputGoalOptions
  | CustomGoalOptions;

/** A goal, resolved. */
export interface Goal {
  readonly metric: MetricName | CustomMetric;
  readonly nid?: number | undefined;
  readonly memcg?: string | undefined;
  readonly targetValue: number;
  /** Of `user_input`. */
  readonly currentValue?: number | undefined;
  readonly complement?: boolean | undefined;
}

const SHARE = 'more than 0 and at most 10000 basis points (100 %)';
const METRICS = `${either(METRIC_NAMES)}, or a metric of your own`;

const shareValue = quantityWithin('bp', { min: 1, max: 10_000, expected: SHARE });
const complement = v.optional(v.boolean());

const namedGoalSchema: Schema<Goal> = v.variant(
  'metric',
  [
    options({
      metric: v.picklist(['node_mem_used_bp', 'node_mem_free_bp', 'node_eligible_mem_bp']),
      nid: integer(0, U32),
      targetValue: shareValue,
      complement,
    }),
    options({
      metric: v.picklist(['node_memcg_used_bp', 'node_memcg_free_bp']),
      nid: integer(0, U32),
      memcg: v.string(),
      targetValue: shareValue,
      complement,
    }),
    options({
      metric: v.picklist(['active_mem_bp', 'inactive_mem_bp', 'hugepage_mem_bp']),
      targetValue: shareValue,
      complement,
    }),
    options({
      metric: v.literal('some_mem_psi_us'),
      targetValue: quantityWithin('us', {
        min: 1,
        max: SAFE,
        expected: 'at least 1 microsecond',
      }),
      complement,
    }),
    options({
      metric: v.literal('user_input'),
      targetValue: integer(1, SAFE),
      currentValue: v.optional(integer(0, SAFE), 0),
    }),
  ],
  ({ path }) => (path ? METRICS : 'an object'),
);

const customGoalSchema: Schema<Goal> = options({
  metric: ownObject<CustomMetric>({
    name: v.string(),
    measure: v.custom<CustomMetric['measure']>(
      (input) => typeof input === 'function',
      'a function that measures',
    ),
  }),
  targetValue: integer(1, SAFE),
});

/** Reads a goal. A target of 0 can never be evaluated and is refused, as the kernel's commit does. */
export const goalSchema: Schema<Goal> = choice([namedGoalSchema], (input) => {
  const { metric } = (input ?? {}) as { metric?: unknown };
  return typeof metric === 'object' && metric !== null ? customGoalSchema : namedGoalSchema;
});

/** What a goal's metric reads, and how that compares with its target. */
export interface GoalReading {
  readonly goal: Goal;
  /** In the metric's unit, after `complement`. */
  readonly currentValue: number;
  /** `currentValue` in basis points of the target: 10000 when the goal is met. */
  readonly scoreBp: number;
  /** Of shares: the bytes that `currentValue` is the share of, after `complement`, and of how many. */
  readonly bytes?: number;
  readonly bytesTotal?: number;
  /**
   * The most that `bytesTotal` was lately, at most a two-hundredth above it. Memory in a region so small
   * that no sample fell on it is missing in both, and nobody knows on which node: the difference is how
   * far either may err.
   */
  readonly peakBytesTotal?: number;
}

/** A peak sinks by this part of what it stands above the reading, each window. */
const PEAK_SINKS_BY = 1 / 512;
/** Further below the peak than regions go unseen, it is the workload that became smaller. */
const PEAK_ABOVE = 1 / 200;

/** {@link GoalReading.peakBytesTotal} after a reading. */
export function peakBytesTotal(before: number | undefined, bytesTotal: number): number {
  if (before === undefined || before <= bytesTotal) return bytesTotal;
  const above = Math.min((before - bytesTotal) * (1 - PEAK_SINKS_BY), bytesTotal * PEAK_ABOVE);
  return bytesTotal + Math.floor(above);
}

/** Score of one goal: `mult_frac(current, 10000, target)`. `damos_quota_score`. */
export function goalScoreBp(currentValue: number, targetValue: number): bigint {
  return multFrac(BigInt(currentValue), 10_000n, BigInt(targetValue));
}

/** Score of a scheme: its best-met goal's, so the least aggressive quota wins; 0 without goals. */
export function scoreBp(scores: readonly bigint[]): bigint {
  return scores.reduce((best, score) => (score > best ? score : best), 0n);
}
