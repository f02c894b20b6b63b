/**
 * Page placement by others than DAMON, on the same machine: what schemes are compared with.
 *
 * The sampler feeds the policy, so a monitor beside it looks on by accessed bits: `paddr`, `vaddr` or
 * `fvaddr`. Sources: `hardware-sampling.md` 11, `samplers.md` 6.
 */
import * as v from 'valibot';

import { durationNs } from '../sampler/interrupts.ts';
import type { Bandwidth, Bytes, Duration } from '../units.ts';
import {
  type Schema,
  U32,
  choice,
  either,
  integer,
  options,
  quantityOf,
  share,
} from '../validate.ts';

/** Between which nodes, and how the fast one gets room. */
export interface TieringOptions {
  /** The node that pages are promoted to. @default 0 */
  readonly fastNid?: number;
  /** The node that they are promoted from and demoted to. @default 1 */
  readonly slowNid?: number;
  /**
   * When the kernel's reclaim demotes inactive pages of the fast node that were not accessed since
   * they became inactive.
   * @default see each
   */
  readonly demotion?: {
    /** Below so much free memory, where nothing is promoted. @default "1 GiB" */
    readonly lowBytes?: Bytes;
    /** Until so much is free, at least `lowBytes`. @default twice `lowBytes` */
    readonly highBytes?: Bytes;
  };
}

/**
 * NUMA balancing in memory-tiering mode: what the sampler reports is promoted at once. Its sampler
 * is `hint_faults` on the slow node, which holds threshold and rate limit.
 */
export interface NumaBalancingOptions extends TieringOptions {
  readonly type: 'numa_balancing';
}

/** Hot page tracking as proposed for the kernel, `pghot` in precise mode, fed by any sampler. */
export interface PghotOptions extends TieringOptions {
  readonly type: 'pghot';
  /** Samples in the window that make a page hot, from 1 to 7. @default 2 */
  readonly threshold?: number;
  /** The window, from 1 s to 2 min. @default "5 s" */
  readonly windowNs?: Duration;
  /** How long `kmigrated` sleeps between its rounds, from 50 ms to 1 s. @default "100 ms" */
  readonly sleepNs?: Duration;
  /** Memory per second that is promoted at the most. Minimum: 4096 bytes. @default "65536 MiB" */
  readonly rateLimitBytesPerS?: Bandwidth;
}

/** A seer, which knows how often each page is accessed: the bound of what placement can do. */
export interface OracleOptions extends TieringOptions {
  readonly type: 'oracle';
  /** Share of the accesses that the fast node is to serve, above 0. @default 1 */
  readonly share?: number;
  /** Time between two looks at all pages. @default "1 s" */
  readonly intervalNs?: Duration;
  /** Memory of the fast node that stays free. @default 0 */
  readonly reserveBytes?: Bytes;
}

/** Any policy. */
export type PolicyOptions = NumaBalancingOptions | PghotOptions | OracleOptions;

interface Tiering {
  readonly fastNid: number;
  readonly slowNid: number;
  readonly demotion: { readonly lowBytes: number; readonly highBytes: number };
}

/** {@link PolicyOptions}, every one given. */
export type Policy = Tiering &
  (
    | { readonly type: 'numa_balancing' }
    | {
        readonly type: 'pghot';
        readonly threshold: number;
        readonly windowNs: number;
        readonly sleepNs: number;
        readonly rateLimitBytesPerS: number;
      }
    | {
        readonly type: 'oracle';
        readonly share: number;
        readonly intervalNs: number;
        readonly reserveBytes: number;
      }
  );

const PAGE = 4096;

const demotionSchema = v.pipe(
  options({
    lowBytes: v.optional(quantityOf('bytes'), 2 ** 30),
    highBytes: v.optional(quantityOf('bytes')),
  }),
  v.transform(({ lowBytes, highBytes = 2 * lowBytes }) => ({ lowBytes, highBytes })),
  v.forward(
    v.check(
      ({ lowBytes, highBytes }) => lowBytes <= highBytes,
      ({ input }) => `at least lowBytes (${input.lowBytes})`,
    ),
    ['highBytes'],
  ),
);

const tiering = {
  fastNid: v.optional(integer(0, U32), 0),
  slowNid: v.optional(integer(0, U32), 1),
  demotion: v.optional(demotionSchema, {}),
} as const;

const SCHEMAS: ReadonlyMap<unknown, Schema<Policy>> = new Map<unknown, Schema<Policy>>([
  ['numa_balancing', options({ type: v.literal('numa_balancing'), ...tiering })],
  [
    'pghot',
    options({
      type: v.literal('pghot'),
      ...tiering,
      threshold: v.optional(integer(1, 7), 2),
      windowNs: v.optional(durationNs(1e9, 1.2e11), 5e9),
      sleepNs: v.optional(durationNs(5e7, 1e9), 1e8),
      rateLimitBytesPerS: v.optional(
        v.pipe(
          quantityOf('bytesPerS'),
          v.check((bytes) => bytes >= PAGE, 'at least 4096 bytes'),
        ),
        2 ** 36,
      ),
    }),
  ],
  [
    'oracle',
    options({
      type: v.literal('oracle'),
      ...tiering,
      share: v.optional(
        v.pipe(
          share(),
          v.check((value) => value > 0, 'a share above 0, at most 1'),
        ),
        1,
      ),
      intervalNs: v.optional(durationNs(1, 3.6e12), 1e9),
      reserveBytes: v.optional(quantityOf('bytes'), 0),
    }),
  ],
]);
const TYPES = either([...SCHEMAS.keys()].map(String));

/** Refuses anything, at the field that should have told which policy it is. */
const unknownPolicy: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(TYPES) }, ({ path }) => (path ? TYPES : 'an object')),
  v.transform(({ type }) => type),
);

/** Reads {@link PolicyOptions}. */
export const policySchema: Schema<Policy> = choice<Policy>([...SCHEMAS.values()], (input) => {
  const { type } = (input ?? {}) as { type?: unknown };
  return SCHEMAS.get(type) ?? unknownPolicy;
});
