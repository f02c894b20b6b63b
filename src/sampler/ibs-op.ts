/** AMD IBS Op as a sampler of the emulated machine. `samplers.md` 1. */
import * as v from 'valibot';

import { type Schema, integer, oneOf, options, share } from '../validate.ts';
import { type InterruptOptions, type Interrupts, interruptsSchema } from './interrupts.ts';

/**
 * One IBS Op event on every CPU: every so many cycles or micro-ops one op is tagged, whatever it
 * does; those that access data are reported with the physical address of their page.
 */
export interface IbsOpOptions {
  readonly type: 'ibs_op';
  /** Which filters the hardware has. @default "zen5" */
  readonly generation?: 'zen3' | 'zen4' | 'zen5' | 'zen6';
  /** Cycles or ops between tags: a multiple of 16 from 144 to 134217712. @default 262144 */
  readonly period?: number;
  /**
   * What the period counts: `cycles` (the RFC's setting, `config` 0) or dispatched `ops`, with the
   * hardware's random start of 1 to 127. @default "cycles"
   */
  readonly counting?: 'cycles' | 'ops';
  /**
   * Only ops that miss the third-level cache; the hardware throws the others away without a word,
   * so the period is one between tags, not between samples. From zen4 on. @default false
   */
  readonly l3MissOnly?: boolean;
  /**
   * Only loads that take at least so many cycles, from 128 to 2048. From zen5 on, which needs
   * `l3MissOnly` too. What a node serves takes one latency, that under its load: all of it passes, or
   * nothing. @default no such filter
   */
  readonly latencyMin?: number;
  /**
   * Cycles not halted, or ops dispatched, per second and CPU. @default as the workload makes them
   */
  readonly rateHz?: number;
  /**
   * Share of tagged ops that access data and so have a physical address, above 0.
   * @default the workload's
   */
  readonly dataShare?: number;
  /**
   * With `cycles`, which also pass while a CPU waits for memory: how often the op that is tagged after
   * a wait is about the page that was waited for, from 0 to 1. Nobody has measured it. @default 0
   */
  readonly stallShare?: number;
  /** Counts samples by what served them, in `books.counters.sources`. Costs time. @default false */
  readonly dataSource?: boolean;
  /** What its interrupts cost, and how many the kernel allows. @default as measured, see each */
  readonly interrupts?: InterruptOptions;
}

/** {@link IbsOpOptions}, resolved. */
export interface IbsOp {
  readonly type: 'ibs_op';
  readonly generation: 'zen3' | 'zen4' | 'zen5' | 'zen6';
  readonly period: number;
  readonly counting: 'cycles' | 'ops';
  readonly l3MissOnly: boolean;
  readonly latencyMin?: number | undefined;
  readonly rateHz?: number | undefined;
  readonly dataShare?: number | undefined;
  readonly stallShare: number;
  readonly dataSource: boolean;
  readonly interrupts: Interrupts;
}

/** Reads {@link IbsOpOptions}. What a generation has is the addon's to know. */
export const ibsOpSchema: Schema<IbsOp> = v.pipe(
  options({
    type: v.literal('ibs_op'),
    generation: v.optional(oneOf(['zen3', 'zen4', 'zen5', 'zen6'] as const), 'zen5'),
    period: v.optional(
      v.pipe(
        integer(144, 134_217_712),
        v.check((period) => period % 16 === 0, 'a multiple of 16 from 144 to 134217712'),
      ),
      262_144,
    ),
    counting: v.optional(oneOf(['cycles', 'ops'] as const), 'cycles'),
    l3MissOnly: v.optional(v.boolean(), false),
    latencyMin: v.optional(integer(128, 2_048)),
    rateHz: v.optional(integer(1, 1e12)),
    dataShare: v.optional(
      v.pipe(
        share(),
        v.check((value) => value > 0, 'a share above 0, at most 1'),
      ),
    ),
    stallShare: v.optional(share(), 0),
    dataSource: v.optional(v.boolean(), false),
    interrupts: v.optional(interruptsSchema, {}),
  }),
  v.forward(
    v.check(
      ({ counting, stallShare }) => counting === 'cycles' || stallShare === 0,
      '0 where ops are counted: none are dispatched in a wait',
    ),
    ['stallShare'],
  ),
);
