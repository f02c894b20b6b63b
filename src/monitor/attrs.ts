/** Monitoring attributes: how often to look, and how finely. Kernel `struct damon_attrs`. */
import * as v from 'valibot';

import type { Duration } from '../units.ts';
import { SAFE, type Schema, integer, options, quantityOf } from '../validate.ts';

/** How often the monitor looks, and into how many regions it divides memory. */
export interface AttrsOptions {
  /** Sampling interval: the lanes are drained once per interval. Minimum: 1. @default "5 ms" */
  readonly sampleUs?: Duration;
  /**
   * Aggregation interval: regions are merged, aged and split once per interval. Minimum: the
   * sampling interval. @default "100 ms"
   */
  readonly aggregationUs?: Duration;
  /** Regions adaptation aims at as the least. Minimum: 3. @default 10 */
  readonly minNrRegions?: number;
  /** Regions adaptation aims at as the most. Minimum: `minNrRegions`. @default 1000 */
  readonly maxNrRegions?: number;
}

/** {@link AttrsOptions}, every one given. */
export interface Attrs {
  /** Microseconds. */
  readonly sampleUs: number;
  /** Microseconds. */
  readonly aggregationUs: number;
  readonly minNrRegions: number;
  readonly maxNrRegions: number;
}

/** What the kernel starts with. */
export const ATTRS_DEFAULT: Attrs = {
  sampleUs: 5_000,
  aggregationUs: 100_000,
  minNrRegions: 10,
  maxNrRegions: 1_000,
};

/** Reads {@link AttrsOptions}; the checks are those of `damon_set_attrs`. */
export const attrsSchema: Schema<Attrs> = v.pipe(
  options({
    sampleUs: v.optional(quantityOf('us'), ATTRS_DEFAULT.sampleUs),
    aggregationUs: v.optional(quantityOf('us'), ATTRS_DEFAULT.aggregationUs),
    minNrRegions: v.optional(integer(3, SAFE), ATTRS_DEFAULT.minNrRegions),
    maxNrRegions: v.optional(integer(3, SAFE), ATTRS_DEFAULT.maxNrRegions),
  }),
  v.forward(
    v.check(({ sampleUs }) => sampleUs >= 1, 'at least 1 microsecond'),
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
