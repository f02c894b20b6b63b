/** DAMOS as data: which memory, what to do with it, how much of it and how often. `struct damos`. */
import * as v from 'valibot';

import type { Bytes, Duration } from '../units.ts';
import { SAFE, type Schema, U32, integer, options, quantityOf } from '../validate.ts';
import { type ActionName, actionSchema, migrates } from './action.ts';
import { type Bounds, type BoundsOptions, bounds } from './bounds.ts';
import { type Filter, type FilterOptions, filterSchema } from './filter.ts';
import { type Quota, type QuotaOptions, quotaSchema } from './quota.ts';
import { ALWAYS, type Watermarks, type WatermarksOptions, watermarksSchema } from './watermarks.ts';

/** Which regions a scheme is about; all three must match. */
export interface PatternOptions {
  /** Size of the region. @default any @kernel access_pattern/sz */
  readonly szBytes?: BoundsOptions<Bytes>;
  /**
   * Sampling intervals per aggregation in which the region was seen accessed. @default any
   * @kernel access_pattern/nr_accesses
   */
  readonly nrAccesses?: BoundsOptions;
  /**
   * Aggregations since the access pattern last changed. @default any
   * @kernel access_pattern/age
   */
  readonly age?: BoundsOptions;
}

/** One of several nodes to migrate to. */
export interface DestinationOptions {
  /** The node. @kernel dests/id */
  readonly nid: number;
  /** Its share of the pages, of the sum of all weights. @kernel dests/weight */
  readonly weight: number;
}

/** A scheme. */
export interface SchemeOptions {
  /** What people call it in reports. @default the action */
  readonly name?: string;
  /** What is done. @kernel schemes/action */
  readonly action: ActionName;
  /**
   * The node to migrate to; required by, and only for, the migrate actions, unless they have
   * `destinations`.
   * @default none
   * @kernel schemes/target_nid
   */
  readonly targetNid?: number;
  /**
   * The nodes to migrate to, by weight, at least one weight above 0: for virtual addresses, instead
   * of `targetNid`. Each page has its place by its address, so none is moved twice.
   * @default none
   * @kernel schemes/dests
   */
  readonly destinations?: readonly DestinationOptions[];
  /** Which regions. @default all @kernel access_pattern */
  readonly pattern?: PatternOptions;
  /**
   * How often the scheme is applied, 0 for once per aggregation. @default 0
   * @kernel schemes/apply_interval_us
   */
  readonly applyIntervalUs?: Duration;
  /** How much. @default no limit @kernel quotas */
  readonly quota?: QuotaOptions;
  /** When. @default always @kernel watermarks */
  readonly watermarks?: WatermarksOptions;
  /**
   * Which part of those regions. @default all
   * @kernel core_filters, ops_filters
   */
  readonly filters?: readonly FilterOptions[];
  /**
   * Rounds that reach the last region after which the scheme rests, 0 for no end. @default 0
   * @kernel stats/max_nr_snapshots
   */
  readonly maxNrSnapshots?: number;
}

/** {@link SchemeOptions}, every one given. */
export interface Scheme {
  readonly name: string;
  readonly action: ActionName;
  readonly targetNid?: number | undefined;
  readonly destinations: readonly DestinationOptions[];
  readonly pattern: { readonly szBytes: Bounds; readonly nrAccesses: Bounds; readonly age: Bounds };
  readonly applyIntervalUs: number;
  readonly quota: Quota;
  readonly watermarks: Watermarks;
  readonly filters: readonly Filter[];
  readonly maxNrSnapshots: number;
}

const WEIGHTS = 'at least one weight above 0';

const patternSchema = options({
  szBytes: v.optional(bounds(quantityOf('bytes')), {}),
  nrAccesses: v.optional(bounds(integer(0, U32)), {}),
  age: v.optional(bounds(integer(0, U32)), {}),
});

const destinationsSchema = v.pipe(
  v.array(options({ nid: integer(0, U32), weight: integer(0, U32) })),
  v.check((list) => list.length === 0 || list.some(({ weight }) => weight > 0), WEIGHTS),
);

/** Reads a scheme. */
export const schemeSchema: Schema<Scheme> = v.pipe(
  options({
    name: v.optional(v.string()),
    action: actionSchema,
    targetNid: v.optional(integer(0, U32)),
    destinations: v.optional(destinationsSchema, []),
    pattern: v.optional(patternSchema, {}),
    applyIntervalUs: v.optional(quantityOf('us'), 0),
    quota: v.optional(quotaSchema, {}),
    watermarks: v.optional(watermarksSchema, ALWAYS),
    filters: v.optional(v.array(filterSchema), []),
    maxNrSnapshots: v.optional(integer(0, SAFE), 0),
  }),
  v.forward(
    v.check(
      ({ action, destinations }) => migrates(action) || destinations.length === 0,
      'absent: only migrate_hot and migrate_cold move memory',
    ),
    ['destinations'],
  ),
  v.forward(
    v.check(
      ({ action, targetNid, destinations }) =>
        (targetNid !== undefined) === (migrates(action) && destinations.length === 0),
      'a node for migrate_hot and migrate_cold without destinations, absent otherwise',
    ),
    ['targetNid'],
  ),
  v.transform((scheme) => ({ ...scheme, name: scheme.name ?? scheme.action })),
);
