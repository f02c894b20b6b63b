/** Closed bounds of a value. */
import * as v from 'valibot';

import { type Schema, options } from '../validate.ts';

/** Closed bounds. */
export interface BoundsOptions<Value = number> {
  /** Smallest value that matches. @default 0 */
  readonly min?: Value;
  /** Largest value that matches. @default no bound */
  readonly max?: Value;
}

/** {@link BoundsOptions}, resolved; no `max` is no bound. */
export interface Bounds {
  readonly min: number;
  readonly max?: number | undefined;
}

/** Reads bounds of such values. */
export function bounds(value: Schema<number>): Schema<Bounds> {
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
