/** How much a scheme may do, and which regions come first. `struct damos_quota`. */
import * as v from 'valibot';

import { type Goal, type GoalOptions, goalSchema } from '../goal/goal.ts';
import { type TunerName, type CustomTuner, tunerSchema } from '../goal/tuner/tuners.ts';
import type { Bytes, Duration } from '../units.ts';
import { type Schema, U32, integer, options, quantityOf } from '../validate.ts';

/** What makes a region come first, in permil of each other. */
export interface WeightsOptions {
  /**
   * The size. Has no effect in the kernel's formula, and none here. @default 0
   * @kernel weights/sz_permil
   */
  readonly szPermil?: number;
  /** The access count, up to 1000 permil. @default 0 @kernel weights/nr_accesses_permil */
  readonly nrAccessesPermil?: number;
  /** The age, up to 1000 permil. @default 0 @kernel weights/age_permil */
  readonly agePermil?: number;
}

/** What is charged for memory on which an action had no effect: a share of its size. */
export interface FailChargeOptions {
  /** What is charged of `denominator` bytes. @kernel quotas/fail_charge_num */
  readonly numerator: number;
  /** Of how many bytes. Minimum: 1. @kernel quotas/fail_charge_denom */
  readonly denominator: number;
}

/** How much a scheme may do: the least of its limits. */
export interface QuotaOptions {
  /** Time the action may take per window, 0 for no limit. @default 0 @kernel quotas/ms */
  readonly timeMs?: Duration;
  /**
   * Bytes the action may be tried on per window, 0 for no limit. Minimum when set: 4096. @default 0
   * @kernel quotas/bytes
   */
  readonly szBytes?: Bytes;
  /** Length of a window; 0 opens one at every round. @default 0 @kernel quotas/reset_interval_ms */
  readonly resetIntervalMs?: Duration;
  /** What makes a region come first. @default all 0: all regions alike @kernel quotas/weights */
  readonly weights?: WeightsOptions;
  /**
   * What failure costs. @default as much as success
   * @kernel quotas/fail_charge_num, quotas/fail_charge_denom
   */
  readonly failCharge?: FailChargeOptions;
  /** What the effective quota is tuned by. @default nothing @kernel quotas/goals */
  readonly goals?: readonly GoalOptions[];
  /** How it is tuned. @default "consist" @kernel quotas/goal_tuner */
  readonly tuner?: TunerName | CustomTuner;
}

/** {@link QuotaOptions}, every one given. */
export interface Quota {
  readonly timeMs: number;
  readonly szBytes: number;
  readonly resetIntervalMs: number;
  readonly weights: {
    readonly szPermil: number;
    readonly nrAccessesPermil: number;
    readonly agePermil: number;
  };
  readonly failCharge?: FailChargeOptions | undefined;
  readonly goals: readonly Goal[];
  readonly tuner: TunerName | CustomTuner;
}

const MIN_REGION_SZ = 4096;

/** Reads a quota. */
export const quotaSchema: Schema<Quota> = options({
  timeMs: v.optional(quantityOf('ms'), 0),
  szBytes: v.optional(
    v.pipe(
      quantityOf('bytes'),
      v.check((bytes) => bytes === 0 || bytes >= MIN_REGION_SZ, '0 or at least 4096 bytes'),
    ),
    0,
  ),
  resetIntervalMs: v.optional(quantityOf('ms'), 0),
  weights: v.optional(
    options({
      szPermil: v.optional(integer(0, 1000), 0),
      nrAccessesPermil: v.optional(integer(0, 1000), 0),
      agePermil: v.optional(integer(0, 1000), 0),
    }),
    {},
  ),
  failCharge: v.optional(options({ numerator: integer(0, U32), denominator: integer(1, U32) })),
  goals: v.optional(v.array(goalSchema), []),
  tuner: v.optional(tunerSchema, 'consist'),
});
