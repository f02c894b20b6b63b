/** DAMOS as data: which memory, what to do with it, how much of it and how often. */
import * as v from 'valibot';

import { type Goal, type GoalOptions, goalSchema } from '../goal/goal.ts';
import { TUNER_NAMES, type TunerName } from '../goal/tuner/tuners.ts';
import { type Range, type RangeOptions, rangeSchema } from '../monitor/memory.ts';
import type { Bytes, Duration } from '../units.ts';
import { type Schema, U32, integer, oneOf, options, quantityOf } from '../validate.ts';

/** The actions that this monitor knows, by their kernel names. */
export const ACTIONS = ['stat', 'migrate_hot', 'migrate_cold'] as const;

/** The name of an action. */
export type ActionName = (typeof ACTIONS)[number];

/** Closed bounds. */
export interface BoundsOptions<Value = number> {
  /** Smallest value that matches. @default 0 */
  readonly min?: Value;
  /** Largest value that matches. @default no bound */
  readonly max?: Value;
}

/** Which regions a scheme is about; all three must match. */
export interface PatternOptions {
  /** Size of the region. */
  readonly szBytes?: BoundsOptions<Bytes>;
  /** Sampling intervals per aggregation in which the region was seen accessed. */
  readonly nrAccesses?: BoundsOptions;
  /** Aggregations since the access pattern last changed. */
  readonly age?: BoundsOptions;
}

/** How much a scheme may do. */
export interface QuotaOptions {
  /** Bytes the action may be tried on per window, 0 for no limit. Minimum when set: 4096. @default 0 */
  readonly szBytes?: Bytes;
  /** Length of a window; 0 opens one at every round. @default 0 */
  readonly resetIntervalMs?: Duration;
  /** What makes a region come first, in permil of each other. @default both 0: all regions alike */
  readonly weights?: { readonly nrAccessesPermil?: number; readonly agePermil?: number };
  /** What the effective quota is tuned by. */
  readonly goals?: readonly GoalOptions[];
  /** How. @default "consist" */
  readonly tuner?: TunerName;
}

/** Memory that a scheme does or does not touch. Cuts regions at its edges. */
export interface FilterOptions {
  readonly type: 'addr';
  /** The addresses; both ends are rounded down to 4096 bytes. */
  readonly range: RangeOptions;
  /** Act on memory inside the range; `false`: on memory outside. @default true */
  readonly matching?: boolean;
  /** Let through what the filter acts on; `false`: reject it. @default false */
  readonly allow?: boolean;
}

/** A scheme. */
export interface SchemeOptions {
  /** What people call it in reports. @default the action */
  readonly name?: string;
  /** What is done. */
  readonly action: ActionName;
  /** The node to migrate to; required by, and only for, the migrate actions. */
  readonly targetNid?: number;
  /** Which regions. @default all */
  readonly pattern?: PatternOptions;
  /** How often the scheme is applied, 0 for once per aggregation. @default 0 */
  readonly applyIntervalUs?: Duration;
  /** How much. @default no limit */
  readonly quota?: QuotaOptions;
  /** In order, the first that hits decides; if none does, the opposite of the last one's `allow`. */
  readonly filters?: readonly FilterOptions[];
}

/** Closed bounds, resolved; no `max` is no bound. */
export interface Bounds {
  readonly min: number;
  readonly max?: number | undefined;
}

/** {@link SchemeOptions}, every one given. */
export interface Scheme {
  readonly name: string;
  readonly action: ActionName;
  readonly targetNid?: number | undefined;
  readonly pattern: { readonly szBytes: Bounds; readonly nrAccesses: Bounds; readonly age: Bounds };
  readonly applyIntervalUs: number;
  readonly quota: {
    readonly szBytes: number;
    readonly resetIntervalMs: number;
    readonly weights: { readonly nrAccessesPermil: number; readonly agePermil: number };
    readonly goals: readonly Goal[];
    readonly tuner: TunerName;
  };
  readonly filters: readonly {
    readonly type: 'addr';
    readonly range: Range;
    readonly matching: boolean;
    readonly allow: boolean;
  }[];
}

const MIN_REGION_SZ = 4096;

function bounds(value: Schema<number>): Schema<Bounds> {
  return v.pipe(
    options({ min: v.optional(value), max: v.optional(value) }),
    v.transform(({ min, max }) => ({ min: min ?? 0, max })),
    v.forward(
      v.check(
        ({ min, max }) => max === undefined || min <= max,
        ({ input }) => `at most max (${input.max})`,
      ),
      ['min'],
    ),
  );
}

const patternSchema = options({
  szBytes: v.optional(bounds(quantityOf('bytes')), {}),
  nrAccesses: v.optional(bounds(integer(0, U32)), {}),
  age: v.optional(bounds(integer(0, U32)), {}),
});

const quotaSchema = options({
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
      nrAccessesPermil: v.optional(integer(0, 1000), 0),
      agePermil: v.optional(integer(0, 1000), 0),
    }),
    {},
  ),
  goals: v.optional(v.array(goalSchema), []),
  tuner: v.optional(oneOf(TUNER_NAMES), 'consist'),
});

const filterSchema = options({
  type: oneOf(['addr'] as const),
  range: rangeSchema,
  matching: v.optional(v.boolean(), true),
  allow: v.optional(v.boolean(), false),
});

/** Reads a scheme. */
export const schemeSchema: Schema<Scheme> = v.pipe(
  options({
    name: v.optional(v.string()),
    action: oneOf(ACTIONS),
    targetNid: v.optional(integer(0, U32)),
    pattern: v.optional(patternSchema, {}),
    applyIntervalUs: v.optional(quantityOf('us'), 0),
    quota: v.optional(quotaSchema, {}),
    filters: v.optional(v.array(filterSchema), []),
  }),
  v.forward(
    v.check(
      ({ action, targetNid }) => (action === 'stat') === (targetNid === undefined),
      'a node for migrate_hot and migrate_cold, absent for stat',
    ),
    ['targetNid'],
  ),
  v.transform((scheme) => ({ ...scheme, name: scheme.name ?? scheme.action })),
);
