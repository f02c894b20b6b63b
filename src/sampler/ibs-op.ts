/** AMD IBS Op as a sampler of the emulated machine. `samplers.md` 1. */
import * as v from 'valibot';

import { type Schema, integer, oneOf, options, share } from '../validate.ts';

/** One IBS Op event on every CPU. */
export interface IbsOpOptions {
  readonly type: 'ibs_op';
  /** CPUs, each with a lane of its own. From 1 to 8192. @default 132 */
  readonly cpus?: number;
  /** Cycles or ops between tags: a multiple of 16 from 144 to 134217712. @default 262144 */
  readonly period?: number;
  /**
   * What the period counts: `cycles` (the RFC's setting, `config` 0) or dispatched `ops`, with the
   * hardware's random start of 1 to 127. @default "cycles"
   */
  readonly counting?: 'cycles' | 'ops';
  /** Cycles not halted, or ops dispatched, per second and CPU. @default 2557000000 */
  readonly rateHz?: number;
  /**
   * Share of tagged ops that access data and so have a physical address. @default 0.41, as a
   * kernel build in cycle mode (`samplers.md` 1.6)
   */
  readonly dataShare?: number;
}

/** {@link IbsOpOptions}, every one given. */
export interface IbsOp {
  readonly type: 'ibs_op';
  readonly cpus: number;
  readonly period: number;
  readonly counting: 'cycles' | 'ops';
  readonly rateHz: number;
  readonly dataShare: number;
}

/**
 * 262144 cycles at 2.557 GHz not halted are 9754 tags a second, of which 41 % carry an address:
 * the RFC's "about 4 K samples/s/core", read as valid samples (`hardware-sampling.md` 7.3).
 */
export const ibsOpSchema: Schema<IbsOp> = options({
  type: v.literal('ibs_op'),
  cpus: v.optional(integer(1, 8192), 132),
  period: v.optional(
    v.pipe(
      integer(144, 134_217_712),
      v.check((period) => period % 16 === 0, 'a multiple of 16 from 144 to 134217712'),
    ),
    262_144,
  ),
  counting: v.optional(oneOf(['cycles', 'ops'] as const), 'cycles'),
  rateHz: v.optional(integer(1, 1e12), 2_557_000_000),
  dataShare: v.optional(
    v.pipe(
      share(),
      v.check((value) => value > 0, 'a share above 0, at most 1'),
    ),
    0.41,
  ),
});
