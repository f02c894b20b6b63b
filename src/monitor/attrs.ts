/** Monitoring attributes: how often to look, and how finely. Kernel `struct damon_attrs`. */
import * as v from 'valibot';

import type { Duration, Ratio } from '../units.ts';
import { SAFE, type Schema, integer, options, quantityOf, quantityWithin } from '../validate.ts';

/**
 * By what the intervals are tuned: so that an aggregation sees a share of all access events that it
 * could. `damon-core.md` 7.
 */
export interface IntervalsGoalOptions {
  /** The share, from 1 to 10000 basis points. @kernel intervals_goal/access_bp */
  readonly accessBp: Ratio;
  /** Aggregations between tunings. Minimum: 1. @kernel intervals_goal/aggrs */
  readonly aggregations: number;
  /** Least sampling interval. Minimum: 1 us. @kernel intervals_goal/min_sample_us */
  readonly minSampleUs: Duration;
  /** Largest sampling interval. Minimum: `minSampleUs`. @kernel intervals_goal/max_sample_us */
  readonly maxSampleUs: Duration;
}

/** How often the monitor looks, and into how many regions it divides memory. */
export interface AttrsOptions {
  /**
   * Sampling interval: accesses are observed once per interval. Minimum: 1 us. @default "5 ms"
   * @kernel intervals/sample_us
   */
  readonly sampleUs?: Duration;
  /**
   * Aggregation interval: regions are merged, aged and split once per interval. Minimum: the
   * sampling interval. @default "100 ms"
   * @kernel intervals/aggr_us
   */
  readonly aggregationUs?: Duration;
  /** How often `vaddr` looks for changed mappings. @default "60 s" @kernel intervals/update_us */
  readonly opsUpdateUs?: Duration;
  /**
   * Tunes the sampling and the aggregation interval, in proportion. @default no tuning
   * @kernel intervals/intervals_goal
   */
  readonly intervalsGoal?: IntervalsGoalOptions;
  /** Regions adaptation aims at as the least. Minimum: 3. @default 10 @kernel nr_regions/min */
  readonly minNrRegions?: number;
  /**
   * Regions adaptation aims at as the most. Minimum: `minNrRegions`. @default 1000
   * @kernel nr_regions/max
   */
  readonly maxNrRegions?: number;
}

/** {@link IntervalsGoalOptions}, resolved; 0 aggregations is no tuning. */
export interface IntervalsGoal {
  readonly accessBp: number;
  readonly aggregations: number;
  readonly minSampleUs: number;
  readonly maxSampleUs: number;
}

/** {@link AttrsOptions}, every one given. */
export interface Attrs {
  /** Microseconds. */
  readonly sampleUs: number;
  /** Microseconds. */
  readonly aggregationUs: number;
  /** Microseconds. */
  readonly opsUpdateUs: number;
  readonly intervalsGoal: IntervalsGoal;
  readonly minNrRegions: number;
  readonly maxNrRegions: number;
}

/** Intervals that stay as they are. */
export const NO_TUNING: IntervalsGoal = {
  accessBp: 0,
  aggregations: 0,
  minSampleUs: 0,
  maxSampleUs: 0,
};

/** What the kernel starts with. */
export const ATTRS_DEFAULT: Attrs = {
  sampleUs: 5_000,
  aggregationUs: 100_000,
  opsUpdateUs: 60_000_000,
  intervalsGoal: NO_TUNING,
  minNrRegions: 10,
  maxNrRegions: 1_000,
};

const AT_LEAST_ONE = { min: 1, max: SAFE, expected: 'at least 1 microsecond' };

const intervalsGoalSchema: Schema<IntervalsGoal> = v.pipe(
  options({
    accessBp: quantityWithin('bp', {
      min: 1,
      max: 10_000,
      expected: 'more than 0 and at most 10000 basis points',
    }),
    aggregations: integer(1, SAFE),
    minSampleUs: quantityWithin('us', AT_LEAST_ONE),
    maxSampleUs: quantityOf('us'),
  }),
  v.forward(
    v.check(
      ({ minSampleUs, maxSampleUs }) => minSampleUs <= maxSampleUs,
      ({ input }) => `at most maxSampleUs (${input.maxSampleUs})`,
    ),
    ['minSampleUs'],
  ),
);

/** Reads {@link AttrsOptions}; the checks are those of `damon_set_attrs`. */
export const attrsSchema: Schema<Attrs> = v.pipe(
  options({
    sampleUs: v.optional(quantityWithin('us', AT_LEAST_ONE), ATTRS_DEFAULT.sampleUs),
    aggregationUs: v.optional(quantityOf('us'), ATTRS_DEFAULT.aggregationUs),
    opsUpdateUs: v.optional(quantityOf('us'), ATTRS_DEFAULT.opsUpdateUs),
    intervalsGoal: v.optional(intervalsGoalSchema),
    minNrRegions: v.optional(integer(3, SAFE), ATTRS_DEFAULT.minNrRegions),
    maxNrRegions: v.optional(integer(3, SAFE), ATTRS_DEFAULT.maxNrRegions),
  }),
  v.transform((attrs) => ({ ...attrs, intervalsGoal: attrs.intervalsGoal ?? NO_TUNING })),
  v.forward(
    v.check(
      ({ sampleUs, intervalsGoal: { aggregations, minSampleUs, maxSampleUs } }) =>
        aggregations === 0 || (minSampleUs <= sampleUs && sampleUs <= maxSampleUs),
      ({ input: { intervalsGoal: goal } }) =>
        `from ${goal.minSampleUs} to ${goal.maxSampleUs} us, as intervalsGoal says`,
    ),
    ['sampleUs'],
  ),
  v.forward(
    v.check(
      ({ sampleUs, aggregationUs }) => sampleUs <= aggregationUs,
      ({ input }) => `at most aggregationUs (${input.aggregationUs})`,
    ),
    ['sampleUs'],
  ),
  v.forward(
    v.check(
      ({ minNrRegions, maxNrRegions }) => minNrRegions <= maxNrRegions,
      ({ input }) => `at most maxNrRegions (${input.maxNrRegions})`,
    ),
    ['minNrRegions'],
  ),
);
