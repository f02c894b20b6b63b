/** CXL hotness monitoring units as a sampler of the emulated machine. `samplers.md` 4. */
import * as v from 'valibot';

import type { Bytes, Duration } from '../units.ts';
import { type Schema, U32, integer, oneOf, options, quantityOf } from '../validate.ts';
import { durationNs } from './interrupts.ts';

/**
 * Counters in memory devices: each sees what the caches let through to its own device, and lists
 * the units of memory that were touched often enough in an epoch. It knows nothing of other nodes,
 * nor of who touched what, so it can say what to promote, not what to demote.
 */
export interface ChmuOptions {
  readonly type: 'chmu';
  /** The devices' nodes, each with a unit of its own. */
  readonly nodes: readonly number[];
  /** Memory that shares a counter: a power of two from 256 bytes to 4 KiB. @default "4 KiB" */
  readonly unitBytes?: Bytes;
  /**
   * `epoch`: at its end what reached the threshold is listed, and all counters are free again.
   * `always_on`: whatever reaches it is listed at once, as often as it does, and frees its counter;
   * a counter of memory that never gets so far is taken for good. @default "epoch"
   */
  readonly mode?: 'epoch' | 'always_on';
  /**
   * Length of an epoch, at whose end the list is read; if `always_on`, how often it is read. 1 to
   * 4095 times 100 us, 1 ms, 10 ms, 100 ms or 1 s. @default "100 ms"
   */
  readonly epochNs?: Duration;
  /** Lines that are read, written back, or both. @default "reads" */
  readonly traffic?: 'reads' | 'writes' | 'both';
  /** Of so many accesses one is counted, at random: a power of two up to 32768. @default 1 */
  readonly downSampling?: number;
  /**
   * Counters, from 1 to 1048576. The first units that are touched in an epoch get them; the others
   * are not counted, and nothing tells. @default 16384
   */
  readonly counters?: number;
  /** Bits of a counter, from 8 to 32; a count stays at its largest value. @default 16 */
  readonly counterBits?: number;
  /** Counts that make a unit hot, at most what a counter holds. @default 8 */
  readonly threshold?: number;
  /** Room in the list, up to 65535; what does not fit is lost. @default 1024 */
  readonly listEntries?: number;
  /** CPU time of a kernel thread to read an entry. At most 1 ms. @default 1000 */
  readonly readNs?: Duration;
}

/** {@link ChmuOptions}, every one given. */
export interface Chmu {
  readonly type: 'chmu';
  readonly nodes: readonly number[];
  readonly unitBytes: number;
  readonly mode: 'epoch' | 'always_on';
  readonly epochNs: number;
  readonly traffic: 'reads' | 'writes' | 'both';
  readonly downSampling: number;
  readonly counters: number;
  readonly counterBits: number;
  readonly threshold: number;
  readonly listEntries: number;
  readonly readNs: number;
}

const EPOCHS_NS = [1e5, 1e6, 1e7, 1e8, 1e9];
const EPOCHS = '1 to 4095 times 100 us, 1 ms, 10 ms, 100 ms or 1 s';

function powerOfTwo(schema: Schema<number>, min: number, max: number): Schema<number> {
  const expected = `a power of two from ${min} to ${max}`;
  return v.pipe(
    schema,
    v.check(
      (value) => min <= value && value <= max && Number.isInteger(Math.log2(value)),
      expected,
    ),
  );
}

/** Reads {@link ChmuOptions}. */
export const chmuSchema: Schema<Chmu> = v.pipe(
  options({
    type: v.literal('chmu'),
    nodes: v.pipe(v.array(integer(0, 65_535)), v.minLength(1, 'a list of at least one node')),
    unitBytes: v.optional(powerOfTwo(quantityOf('bytes'), 256, 4_096), 4_096),
    mode: v.optional(oneOf(['epoch', 'always_on'] as const), 'epoch'),
    epochNs: v.optional(
      v.pipe(
        quantityOf('ns'),
        v.check(
          (ns) => EPOCHS_NS.some((scale) => ns % scale === 0 && ns >= scale && ns / scale <= 4_095),
          EPOCHS,
        ),
      ),
      1e8,
    ),
    traffic: v.optional(oneOf(['reads', 'writes', 'both'] as const), 'reads'),
    downSampling: v.optional(powerOfTwo(integer(1, 32_768), 1, 32_768), 1),
    counters: v.optional(integer(1, 2 ** 20), 16_384),
    counterBits: v.optional(integer(8, 32), 16),
    threshold: v.optional(integer(1, U32), 8),
    listEntries: v.optional(integer(1, 65_535), 1_024),
    readNs: v.optional(durationNs(0, 1e6), 1_000),
  }),
  v.forward(
    v.check(
      ({ threshold, counterBits }) => threshold < 2 ** counterBits,
      ({ input }) => `at most 2^${input.counterBits} - 1, which a counter holds`,
    ),
    ['threshold'],
  ),
);
