/** Intel PEBS as a sampler of the emulated machine. `samplers.md` 2. */
import * as v from 'valibot';

import type { Duration } from '../units.ts';
import { type Schema, integer, oneOf, options } from '../validate.ts';
import {
  type InterruptOptions,
  type Interrupts,
  durationNs,
  interruptsSchema,
} from './interrupts.ts';

const EVENTS = ['l3_miss_loads', 'node_loads', 'loads', 'slow_loads', 'stores'] as const;
/** A counter of 48 bits, counting up from a negative number. */
const PERIOD_MAX = 2 ** 47 - 1;

/** What a PEBS counter counts. */
export type PebsEvent = (typeof EVENTS)[number];

/**
 * One PEBS event on every CPU: of the events of one kind, every so many-th is recorded with its
 * virtual address. The defaults are those of the RFC's configuration B.
 */
export interface PebsOptions {
  readonly type: 'pebs';
  /**
   * `l3_miss_loads`: loads that miss the third-level cache; `node_loads`: those of them that
   * `nodes` serve; `loads` and `stores`: all of them; `slow_loads`: those of at least `latencyMin`
   * cycles. @default "l3_miss_loads"
   */
  readonly event?: PebsEvent;
  /** Of `node_loads`: which nodes. @default none, but `node_loads` needs some */
  readonly nodes?: readonly number[];
  /**
   * Of `slow_loads`: cycles, from 1 to 65535. What a cache or a node serves takes one latency: all of it
   * passes, or nothing. @default none, but `slow_loads` needs one
   */
  readonly latencyMin?: number;
  /** Events between records, from 1 to 2^47 - 1, instead of a frequency. @default as `frequency` says */
  readonly period?: number;
  /** Records per second and CPU, to which the kernel adapts the period. @default 5003 */
  readonly frequency?: number;
  /**
   * Records carry virtual addresses; for physical ones the page table is walked in the interrupt.
   * `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "virtual"
   */
  readonly address?: 'virtual' | 'physical';
  /**
   * Records that the buffer holds before it interrupts, from 1 to 340; with a frequency 1. Those of
   * a larger one wait, and are stale to a monitor that looks more often. @default 1
   */
  readonly bufferRecords?: number;
  /**
   * Events in the shadow of an overflow, up to 65535: so many, at random from 0 on, pass unrecorded
   * and uncounted before the record. Nobody has measured it. @default 0
   */
  readonly shadowEvents?: number;
  /** Time between switches to another task, which empty the buffer. @default "4 ms" */
  readonly switchNs?: Duration;
  /** CPU time of a record. At most 1 ms. @default 250 */
  readonly recordNs?: Duration;
  /** What its interrupts cost, and how many the kernel allows. @default as measured, see each */
  readonly interrupts?: InterruptOptions;
}

/** {@link PebsOptions}, resolved. */
export interface Pebs {
  readonly type: 'pebs';
  readonly event: PebsEvent;
  readonly nodes: readonly number[];
  readonly latencyMin: number;
  /** Exactly one of these two is given. */
  readonly period?: number | undefined;
  readonly frequency?: number | undefined;
  readonly address: 'virtual' | 'physical';
  readonly bufferRecords: number;
  readonly shadowEvents: number;
  readonly switchNs: number;
  readonly recordNs: number;
  readonly interrupts: Interrupts;
}

/** Reads {@link PebsOptions}. */
export const pebsSchema: Schema<Pebs> = v.pipe(
  options({
    type: v.literal('pebs'),
    event: v.optional(oneOf(EVENTS), 'l3_miss_loads'),
    nodes: v.optional(v.array(integer(0, 65_535)), []),
    latencyMin: v.optional(integer(1, 65_535)),
    period: v.optional(integer(1, PERIOD_MAX)),
    frequency: v.optional(integer(1, 1e9)),
    address: v.optional(oneOf(['virtual', 'physical'] as const), 'virtual'),
    bufferRecords: v.optional(integer(1, 340), 1),
    shadowEvents: v.optional(integer(0, 65_535), 0),
    switchNs: v.optional(durationNs(1, 1e12), 4_000_000),
    recordNs: v.optional(durationNs(0, 1e6), 250),
    interrupts: v.optional(interruptsSchema, {}),
  }),
  v.forward(
    v.check(
      ({ period, frequency }) => period === undefined || frequency === undefined,
      'absent when there is a frequency',
    ),
    ['period'],
  ),
  v.forward(
    v.check(
      ({ event, latencyMin }) => (event === 'slow_loads') === (latencyMin !== undefined),
      'given for `slow_loads`, and for nothing else',
    ),
    ['latencyMin'],
  ),
  v.forward(
    v.check(
      ({ event, nodes }) => (event === 'node_loads') === nodes.length > 0,
      'given for `node_loads`, and for nothing else',
    ),
    ['nodes'],
  ),
  v.transform(({ period, frequency, latencyMin, ...pebs }) => ({
    ...pebs,
    latencyMin: latencyMin ?? 1,
    ...(period === undefined ? { frequency: frequency ?? 5_003 } : { period }),
  })),
);
