/** The emulated machine as data: its nodes, what runs on it, and where that lies at first. */
import * as v from 'valibot';

import { type NodeMemory, type NodeOptions } from '../monitor/memory.ts';
import { type Sampler, type SamplerOptions, samplerSchema } from '../sampler/sampler.ts';
import type { Bandwidth, Bytes, Duration } from '../units.ts';
import {
  type Schema,
  address,
  choice,
  either,
  integer,
  oneOf,
  options,
  quantityOf,
  quantityWithin,
  share,
} from '../validate.ts';
import {
  type Processes,
  type ProcessesOptions,
  interleaveSchema,
  numberWithin,
  pages,
  processesSchema,
} from './process.ts';
import { type Policy, type PolicyOptions, policySchema } from './policy.ts';
import { type Processor, type ProcessorOptions, processorSchema } from './processor.ts';

/** The short form: a process on all CPUs that touches some of its pages more than the others. */
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

/** A node of the emulated machine. `samplers.md` 7. */
export interface EmulatedNodeOptions extends NodeOptions {
  /** Where the other defaults come from. @default "dram" */
  readonly kind?: 'dram' | 'cxl';
  /** Nanoseconds to the data when nobody else asks. @default 130; cxl: 270 */
  readonly idleLatencyNs?: number;
  /** Bytes per second that it sustains. @default "380 GB/s"; cxl: "26 GB/s" */
  readonly bandwidthBytesPerS?: Bandwidth;
  /** Share of the bandwidth up to which the latency stays idle, below 0.8. @default 0.4 */
  readonly flatShare?: number;
  /** The socket it is attached to. @default 0 */
  readonly socket?: number;
  /** Bytes kept free: nothing is placed below this watermark. @default 0 */
  readonly reserveBytes?: Bytes;
}

/** {@link EmulatedNodeOptions}, resolved. */
export interface EmulatedNode extends NodeMemory {
  readonly idleLatencyNs: number;
  readonly bandwidthBytesPerS: number;
  readonly flatShare: number;
  readonly socket: number;
  readonly reserveBytes: number;
}

/** What it takes to move memory, between nodes and to disk. `samplers.md` 7.5. */
export interface MigrationOptions {
  /** To migrate 4 KiB, in a batch. @default 1100 */
  readonly pageNs?: Duration;
  /** To migrate 2 MiB. @default 197000 */
  readonly hugePageNs?: Duration;
  /** To migrate 4 KiB alone, as NUMA balancing does in the thread that faulted. @default 7500 */
  readonly singlePageNs?: Duration;
  /** The same of 2 MiB. @default 263000 */
  readonly singleHugePageNs?: Duration;
  /** Share of folios that are busy and stay where they are. @default 0 */
  readonly busyShare?: number;
  /** To page 4 KiB out. @default 2000 */
  readonly pageOutNs?: Duration;
  /** For which an access waits for a page that is paged out. @default 100000 */
  readonly faultNs?: Duration;
}

/** {@link MigrationOptions}, resolved. */
export interface Migration {
  readonly pageNs: number;
  readonly hugePageNs: number;
  readonly singlePageNs: number;
  readonly singleHugePageNs: number;
  readonly busyShare: number;
  readonly pageOutNs: number;
  readonly faultNs: number;
}

/**
 * How late the monitor's thread is. Each sampling interval begins when the one before it is done with, so
 * that quota windows slip as the kernel's do, and what does not fit into the lanes meanwhile is dropped.
 */
export interface LatenessOptions {
  /**
   * Mean of how much later than asked for it wakes up: evenly from 0 to twice that. Up to 10 s.
   * @default 0
   */
  readonly wakeUpUs?: Duration;
  /**
   * It does the schemes' work itself, as a kdamond does, for as long as `migration` says; else that goes
   * on beside it. @default false
   */
  readonly works?: boolean;
}

/** {@link LatenessOptions}, resolved. */
export interface Lateness {
  readonly wakeUpUs: number;
  readonly works: boolean;
}

/** A machine, its workload, and the sampler that watches it. */
export interface EmulationOptions {
  readonly type: 'emulation';
  /** Its memory by node: whole blocks of 128 MiB, sorted, below 8 TiB. */
  readonly nodes: readonly EmulatedNodeOptions[];
  /**
   * How far each node is from each, in the firmware's units, 10 to 255; 10 from a node to itself.
   * Where a node is full, pages go to the nearest. @default by socket: 10, 32, 50, 60
   */
  readonly distances?: readonly (readonly number[])[];
  /** Its CPUs. @default 132 of Zen 5 */
  readonly processor?: ProcessorOptions;
  /** What runs on it. */
  readonly workload: WorkloadOptions | ProcessesOptions;
  /** What it takes to move memory. @default as measured, see each */
  readonly migration?: MigrationOptions;
  /** What watches its accesses. @default IBS Op as the RFC programs it */
  readonly sampler?: SamplerOptions;
  /**
   * Moves pages by what the sampler sees, which is then not the monitor's to see.
   * @default nobody but the schemes
   */
  readonly policy?: PolicyOptions;
  /** How late the monitor's thread is. @default never */
  readonly lateness?: LatenessOptions;
  /**
   * Threads that sample, from 1 to 64: one of them is the monitor's own, the others go ahead while
   * it drains. What they see does not depend on their number. 1 where several emulations run side
   * by side. @default 2, on a single processor 1
   */
  readonly threads?: number;
}

/** {@link EmulationOptions}, every one given. */
export interface Emulation {
  readonly type: 'emulation';
  readonly nodes: readonly EmulatedNode[];
  readonly distances: readonly (readonly number[])[];
  readonly processor: Processor;
  readonly workload: Workload | Processes;
  readonly migration: Migration;
  readonly sampler: Sampler;
  readonly policy?: Policy | undefined;
  readonly lateness?: Lateness | undefined;
  readonly threads?: number | undefined;
}

const hotSetSchema: Schema<Workload> = v.pipe(
  options({
    type: v.literal('hot_set'),
    bytes: pages(),
    hotBytes: v.optional(pages()),
    hotShare: v.optional(share(), 1),
    storeShare: v.optional(share(), 0.3),
    interleave: v.optional(interleaveSchema),
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

const WORKLOADS = ['hot_set', 'processes'] as const;

/** Refuses anything, at the field that should have told which workload it is. */
const unknownWorkload: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(either(WORKLOADS)) }, ({ path }) =>
    path ? either(WORKLOADS) : 'an object',
  ),
  v.transform(({ type }) => type),
);

const workloadSchema: Schema<Workload | Processes> = choice<Workload | Processes>(
  [hotSetSchema, processesSchema],
  (input) => {
    const { type } = (input ?? {}) as { type?: unknown };
    if (type === 'hot_set') return hotSetSchema;
    return type === 'processes' ? processesSchema : unknownWorkload;
  },
);

const TIMING = {
  dram: { idleLatencyNs: 130, bandwidthBytesPerS: 380e9 },
  cxl: { idleLatencyNs: 270, bandwidthBytesPerS: 26e9 },
} as const;

const emulatedNodesSchema: Schema<readonly EmulatedNode[]> = v.pipe(
  v.array(
    v.pipe(
      options({
        start: address(),
        end: address(),
        name: v.optional(v.string()),
        kind: v.optional(oneOf(['dram', 'cxl'] as const), 'dram'),
        idleLatencyNs: v.optional(numberWithin(1, 1e6)),
        bandwidthBytesPerS: v.optional(
          quantityWithin('bytesPerS', {
            min: 1e6,
            max: 1e15,
            expected: 'from 1 MB/s to 1000 TB/s',
          }),
        ),
        flatShare: v.optional(
          v.pipe(
            share(),
            v.check((value) => value < 0.8, 'a share from 0 to below 0.8'),
          ),
          0.4,
        ),
        socket: v.optional(integer(0, 7), 0),
        reserveBytes: v.optional(quantityOf('bytes'), 0),
      }),
      v.transform(({ kind, idleLatencyNs, bandwidthBytesPerS, ...node }) => ({
        ...node,
        idleLatencyNs: idleLatencyNs ?? TIMING[kind].idleLatencyNs,
        bandwidthBytesPerS: bandwidthBytesPerS ?? TIMING[kind].bandwidthBytesPerS,
      })),
      v.forward(
        v.check(({ start, end }) => start < end, 'above start'),
        ['end'],
      ),
    ),
  ),
  v.checkItems(
    (node, i, nodes) =>
      nodes.slice(0, i).every(({ start, end }) => node.end <= start || end <= node.start),
    'apart from the nodes before it',
  ),
  v.transform((nodes) =>
    nodes.map((node, id) => ({ ...node, id, name: node.name ?? `node ${id}` })),
  ),
);

const migrationSchema: Schema<Migration> = options({
  pageNs: v.optional(quantityOf('ns'), 1_100),
  hugePageNs: v.optional(quantityOf('ns'), 197_000),
  singlePageNs: v.optional(quantityOf('ns'), 7_500),
  singleHugePageNs: v.optional(quantityOf('ns'), 263_000),
  busyShare: v.optional(share(), 0),
  pageOutNs: v.optional(quantityOf('ns'), 2_000),
  faultNs: v.optional(quantityOf('ns'), 100_000),
});

/** What watches a machine that does not say. */
export const DEFAULT_SAMPLER: SamplerOptions & { readonly type: 'ibs_op' } = { type: 'ibs_op' };

const latenessSchema: Schema<Lateness> = options({
  wakeUpUs: v.optional(
    quantityWithin('us', { min: 0, max: 10_000_000, expected: 'at most 10 seconds' }),
    0,
  ),
  works: v.optional(v.boolean(), false),
});

/** Reads a machine. */
export const emulationSchema: Schema<Emulation> = options({
  type: v.literal('emulation'),
  nodes: emulatedNodesSchema,
  distances: v.optional(v.array(v.array(integer(0, 255))), []),
  processor: v.optional(processorSchema, {}),
  workload: workloadSchema,
  migration: v.optional(migrationSchema, {}),
  policy: v.optional(policySchema),
  lateness: v.optional(latenessSchema),
  sampler: v.optional(samplerSchema, DEFAULT_SAMPLER),
  threads: v.optional(integer(1, 64)),
});
