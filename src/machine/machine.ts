/** The emulated machine as data: its nodes, what runs on it, and where that lies at first. */
import * as v from 'valibot';

import { type NodeMemory, type NodeOptions, nodesSchema } from '../monitor/memory.ts';
import { type IbsOp, type IbsOpOptions, ibsOpSchema } from '../sampler/ibs-op.ts';
import type { Bytes } from '../units.ts';
import { type Schema, integer, options, quantityOf, share } from '../validate.ts';

/** A process that touches some of its pages, the hot set, more than the others. */
export interface WorkloadOptions {
  readonly type: 'hot_set';
  /** All its memory. */
  readonly bytes: Bytes;
  /** The part that is hot. @default all */
  readonly hotBytes?: Bytes;
  /** Share of accesses that go to the hot part. @default 1 */
  readonly hotShare?: number;
  /** Share of accesses that are stores. @default 0.3 */
  readonly storeShare?: number;
  /**
   * Pages placed on each node in turn at the start, by node id. Each from 0 to 1000, not all 0.
   * @default 1 on each node
   */
  readonly interleave?: readonly number[];
}

/** {@link WorkloadOptions}, every one given. */
export interface Workload {
  readonly type: 'hot_set';
  readonly bytes: number;
  readonly hotBytes: number;
  readonly hotShare: number;
  readonly storeShare: number;
  readonly interleave?: readonly number[] | undefined;
}

/** A machine, its workload, and the sampler that watches it. */
export interface EmulationOptions {
  readonly type: 'emulation';
  /** In whole memory blocks of 128 MiB, sorted, below 8 TiB. */
  readonly nodes: readonly NodeOptions[];
  readonly workload: WorkloadOptions;
  /** @default IBS Op as the RFC programs it */
  readonly sampler?: IbsOpOptions;
}

/** {@link EmulationOptions}, every one given. */
export interface Emulation {
  readonly type: 'emulation';
  readonly nodes: readonly NodeMemory[];
  readonly workload: Workload;
  readonly sampler: IbsOp;
}

const PAGE = 4096;
/** The addon writes one whole turn over the nodes out. */
const INTERLEAVE_MAX = 1_000;
const WHOLE_PAGES = 'whole pages of 4096 bytes, at least one';

function pages(): Schema<number> {
  return v.pipe(
    quantityOf('bytes'),
    v.check((bytes) => bytes >= PAGE && bytes % PAGE === 0, WHOLE_PAGES),
  );
}

const workloadSchema: Schema<Workload> = v.pipe(
  options({
    type: v.literal('hot_set'),
    bytes: pages(),
    hotBytes: v.optional(pages()),
    hotShare: v.optional(share(), 1),
    storeShare: v.optional(share(), 0.3),
    interleave: v.optional(
      v.pipe(
        v.array(integer(0, INTERLEAVE_MAX)),
        v.check((weights) => weights.some((weight) => weight > 0), 'at least one weight above 0'),
      ),
    ),
  }),
  v.transform((workload) => ({ ...workload, hotBytes: workload.hotBytes ?? workload.bytes })),
  v.forward(
    v.check(
      ({ bytes, hotBytes }) => hotBytes <= bytes,
      ({ input }) => `at most bytes (${input.bytes})`,
    ),
    ['hotBytes'],
  ),
  v.forward(
    v.check(
      ({ bytes, hotBytes, hotShare }) => hotBytes < bytes || hotShare === 1,
      '1 when all memory is hot',
    ),
    ['hotShare'],
  ),
);

/** Reads a machine. */
export const emulationSchema: Schema<Emulation> = options({
  type: v.literal('emulation'),
  nodes: nodesSchema,
  workload: workloadSchema,
  sampler: v.optional(ibsOpSchema, { type: 'ibs_op' }),
});
