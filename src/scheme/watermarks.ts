/** Watermarks: a scheme rests while there is much free memory, or too little. */
import * as v from 'valibot';

import type { Duration } from '../units.ts';
import { type Schema, integer, oneOf, options, quantityOf } from '../validate.ts';

/** When a scheme is active. `struct damos_watermarks`, `damon-core.md` 2.3. */
export interface WatermarksOptions {
  /**
   * `free_mem_rate`: free memory in permil of all; `none`: the scheme is always active.
   * @kernel watermarks/metric
   */
  readonly metric: 'none' | 'free_mem_rate';
  /** How often a resting scheme looks again. @default "5 s" @kernel watermarks/interval_us */
  readonly intervalUs?: Duration;
  /**
   * Above it the scheme rests. Permil, from `midPermil` to 1000. @default 1000
   * @kernel watermarks/high
   */
  readonly highPermil?: number;
  /**
   * From here up to `highPermil` the scheme stays as it is. Permil. @default `lowPermil`
   * @kernel watermarks/mid
   */
  readonly midPermil?: number;
  /** Below it the scheme rests. Permil. @default 0 @kernel watermarks/low */
  readonly lowPermil?: number;
}

/** {@link WatermarksOptions}, every one given. */
export interface Watermarks {
  readonly metric: 'none' | 'free_mem_rate';
  readonly intervalUs: number;
  readonly highPermil: number;
  readonly midPermil: number;
  readonly lowPermil: number;
}

/** A scheme that is always active. */
export const ALWAYS: Watermarks = {
  metric: 'none',
  intervalUs: 0,
  highPermil: 0,
  midPermil: 0,
  lowPermil: 0,
};

const PERMIL = 1_000;

/** Reads watermarks. */
export const watermarksSchema: Schema<Watermarks> = v.pipe(
  options({
    metric: oneOf(['none', 'free_mem_rate']),
    intervalUs: v.optional(quantityOf('us'), 5_000_000),
    highPermil: v.optional(integer(0, PERMIL), PERMIL),
    midPermil: v.optional(integer(0, PERMIL)),
    lowPermil: v.optional(integer(0, PERMIL), 0),
  }),
  v.transform((marks) => ({ ...marks, midPermil: marks.midPermil ?? marks.lowPermil })),
  v.forward(
    v.check(
      ({ midPermil, highPermil }) => midPermil <= highPermil,
      ({ input }) => `at most highPermil (${input.highPermil})`,
    ),
    ['midPermil'],
  ),
  v.forward(
    v.check(
      ({ lowPermil, midPermil }) => lowPermil <= midPermil,
      ({ input }) => `at most midPermil (${input.midPermil})`,
    ),
    ['lowPermil'],
  ),
);
