/**
 * Workloads as data: processes with areas of memory, and in each phase lines that say how an area is
 * touched. `samplers.md` 8.
 */
import * as v from 'valibot';

import type { Bytes, Duration } from '../units.ts';
import {
  type Schema,
  U32,
  asJson,
  choice,
  either,
  integer,
  oneOf,
  options,
  quantityOf,
  share,
} from '../validate.ts';

/** Some pages in a row get most accesses, all of them alike; the others get the rest. */
export interface HotSetPattern {
  readonly type: 'hot_set';
  /** The part that is hot, whole pages. */
  readonly hotBytes: Bytes;
  /** Share of accesses that go there. @default 0.9 */
  readonly hotShare?: number;
  /** Where it begins, whole pages. @default 0 */
  readonly offsetBytes?: Bytes;
  /** How fast it moves on, per second; it goes round. @default 0 */
  readonly driftBytes?: Bytes;
}

/** The page of rank r is touched in proportion to r^-theta. */
export interface ZipfPattern {
  readonly type: 'zipf';
  /** From 0, uniform, to 10. @default 0.99, as YCSB has it */
  readonly theta?: number;
  /** Ranks lie all over the area, the same in all phases; else in order. @default true */
  readonly scattered?: boolean;
}

/** From end to end, again and again, every thread at its own place. */
export interface StreamPattern {
  readonly type: 'stream';
  /** Bytes from one access to the next, 1 to 4096. @default 8 */
  readonly strideBytes?: number;
}

/**
 * All pages alike: `uniform` at random places, `chase` where each access waits for the one before,
 * `gups` to read, modify and write.
 */
export interface EvenPattern {
  readonly type: 'uniform' | 'chase' | 'gups';
}

/** Which pages of an area are touched, how often. */
export type AccessPatternOptions = HotSetPattern | ZipfPattern | StreamPattern | EvenPattern;

/** How an area is touched. */
export interface LineOptions {
  /** The area's name. */
  readonly area: string;
  /** Which of its pages, how often. */
  readonly pattern: AccessPatternOptions;
  /** Its share of the process's accesses, of the sum of all weights. @default 1 */
  readonly weight?: number;
  /** Share of its accesses that are stores. @default 0.3 */
  readonly storeShare?: number;
  /** Accesses to a cache line in a row, 1 to 1e6. @default the pattern's: 16 of hot sets and zipf */
  readonly reuse?: number;
  /** Misses on their way at once, 1 to 1e6. @default the pattern's: 1 of chases, 16 of streams */
  readonly parallelism?: number;
}

/** What a process does for a while. */
export interface PhaseOptions {
  /** For how long. @default for ever */
  readonly durationMs?: Duration;
  /** How its areas are touched meanwhile. At least one. */
  readonly lines: readonly LineOptions[];
}

/** A stretch of memory of a process. */
export interface AreaOptions {
  /** What lines call it: no two areas of a process have the same. */
  readonly name: string;
  /** Its size: whole pages of its page size. */
  readonly bytes: Bytes;
  /** What it holds: a `page_cache` file is mapped by nobody. @default "anon" */
  readonly kind?: 'anon' | 'file' | 'page_cache';
  /** Size of its pages. @default "4 KiB" */
  readonly pageSize?: '4 KiB' | '2 MiB';
  /**
   * Where its pages lie at first: on the nodes of the CPUs that run the process (`local`), on a node
   * as long as there is room, or by weights of the nodes, by id, and nowhere else. @default "local"
   */
  readonly placement?: 'local' | PreferredPlacement | InterleavedPlacement;
}

/** On one node, as long as there is room. */
export interface PreferredPlacement {
  /** The node. */
  readonly preferred: number;
}

/** On several nodes, page by page. */
export interface InterleavedPlacement {
  /** Pages placed on each in turn, by node id. Each from 0 to 1000, not all 0. */
  readonly interleave: readonly number[];
}

/** Some CPUs in a row. */
export interface CpuRange {
  /** The first. */
  readonly start: number;
  /** One past the last. At most 8192. */
  readonly end: number;
}

/** One process: threads alike on all of its CPUs. */
export interface ProcessOptions {
  /** Its process id, from 1. @default its place in the list, from 1 */
  readonly tgid?: number;
  /** Its control group's path. @default "/" */
  readonly memcg?: string;
  /** The CPUs it runs on. @default all, of one process only */
  readonly cpus?: CpuRange;
  /** Its memory. At least one. */
  readonly areas: readonly AreaOptions[];
  /** What it does, in order. At least one. */
  readonly phases: readonly PhaseOptions[];
  /** Whether the first phase follows the last; else that one stays. @default false */
  readonly repeats?: boolean;
  /** Share of its ops that access data. @default 0.41, as a kernel build */
  readonly memoryShare?: number;
  /** Cycles an op takes when all data is in the first-level cache. @default 0.4 */
  readonly cyclesPerOp?: number;
}

/** Several processes, each with areas and phases of its own. */
export interface ProcessesOptions {
  readonly type: 'processes';
  /** What runs side by side. At least one. */
  readonly processes: readonly ProcessOptions[];
}

/** {@link LineOptions}, resolved: the area by its place. */
export interface Line {
  readonly area: number;
  readonly pattern: AccessPattern;
  readonly weight: number;
  readonly storeShare: number;
  readonly reuse?: number | undefined;
  readonly parallelism?: number | undefined;
}

/** {@link AccessPatternOptions}, resolved. */
export type AccessPattern =
  | {
      readonly type: 'hot_set';
      readonly hotBytes: number;
      readonly hotShare: number;
      readonly offsetBytes: number;
      readonly driftBytes: number;
    }
  | { readonly type: 'zipf'; readonly theta: number; readonly scattered: boolean }
  | { readonly type: 'stream'; readonly strideBytes: number }
  | { readonly type: 'uniform' | 'chase' | 'gups' };

/** {@link AreaOptions}, resolved. */
export interface Area {
  readonly name: string;
  readonly bytes: number;
  readonly kind: 'anon' | 'file' | 'page_cache';
  readonly pageSize: '4 KiB' | '2 MiB';
  readonly placement: 'local' | PreferredPlacement | InterleavedPlacement;
}

/** {@link ProcessOptions}, resolved. */
export interface Process {
  readonly tgid: number;
  readonly memcg: string;
  readonly cpus?: CpuRange | undefined;
  readonly areas: readonly Area[];
  readonly phases: readonly {
    readonly durationMs?: number | undefined;
    readonly lines: readonly Line[];
  }[];
  readonly repeats: boolean;
  readonly memoryShare: number;
  readonly cyclesPerOp: number;
}

/** {@link ProcessesOptions}, resolved. */
export interface Processes {
  readonly type: 'processes';
  readonly processes: readonly Process[];
}

const PAGE = 4096;
/** The addon writes one whole turn over the nodes out. */
const INTERLEAVE_MAX = 1_000;
const CPUS_MAX = 8192;
const WHOLE_PAGES = 'whole pages of 4096 bytes, at least one';

/** Bytes in whole pages, at least one. */
export function pages(): Schema<number> {
  return v.pipe(
    quantityOf('bytes'),
    v.check((bytes) => bytes >= PAGE && bytes % PAGE === 0, WHOLE_PAGES),
  );
}

/** Weights of the nodes, by id. */
export const interleaveSchema: Schema<readonly number[]> = v.pipe(
  v.array(integer(0, INTERLEAVE_MAX)),
  v.check((weights) => weights.some((weight) => weight > 0), 'at least one weight above 0'),
);

/** A number within closed bounds. */
export function numberWithin(min: number, max: number): Schema<number> {
  const expected = `a number from ${min} to ${max}`;
  return v.pipe(
    v.number(expected),
    asJson({ minimum: min, maximum: max }),
    v.check((value) => min <= value && value <= max, expected),
  );
}

const PATTERNS = ['hot_set', 'zipf', 'uniform', 'stream', 'chase', 'gups'] as const;

const hotSetSchema: Schema<AccessPattern> = options({
  type: v.literal('hot_set'),
  hotBytes: pages(),
  hotShare: v.optional(share(), 0.9),
  offsetBytes: v.optional(quantityOf('bytes'), 0),
  driftBytes: v.optional(quantityOf('bytes'), 0),
});

const zipfSchema: Schema<AccessPattern> = options({
  type: v.literal('zipf'),
  theta: v.optional(numberWithin(0, 10), 0.99),
  scattered: v.optional(v.boolean(), true),
});

const streamSchema: Schema<AccessPattern> = options({
  type: v.literal('stream'),
  strideBytes: v.optional(integer(1, PAGE), 8),
});

const evenSchema: Schema<AccessPattern> = options({
  type: v.picklist(['uniform', 'chase', 'gups'], either(PATTERNS)),
});

const patternSchema: Schema<AccessPattern> = choice<AccessPattern>(
  [hotSetSchema, zipfSchema, streamSchema, evenSchema],
  (input) => {
    const { type } = (input ?? {}) as { type?: unknown };
    if (type === 'hot_set') return hotSetSchema;
    if (type === 'zipf') return zipfSchema;
    return type === 'stream' ? streamSchema : evenSchema;
  },
);

const lineEntries = {
  area: v.string(),
  pattern: patternSchema,
  weight: v.optional(numberWithin(0, 1e9), 1),
  storeShare: v.optional(share(), 0.3),
  reuse: v.optional(numberWithin(1, 1e6)),
  parallelism: v.optional(numberWithin(1, 1e6)),
};

const phaseSchema = options({
  durationMs: v.optional(
    v.pipe(
      quantityOf('ms'),
      v.check((ms) => ms > 0, 'above 0'),
    ),
  ),
  lines: v.pipe(v.array(options(lineEntries)), v.nonEmpty('at least one line')),
});

const localSchema = oneOf(['local'] as const);
const preferredSchema = options({ preferred: integer(0, U32) });
const interleavedSchema = options({ interleave: interleaveSchema });

const placementSchema: Schema<Area['placement']> = choice<Area['placement']>(
  [localSchema, preferredSchema, interleavedSchema],
  (input) => {
    if (typeof input === 'string') return localSchema;
    const isPreferred = typeof input === 'object' && input !== null && 'preferred' in input;
    return isPreferred ? preferredSchema : interleavedSchema;
  },
);

const areaSchema: Schema<Area> = options({
  name: v.string(),
  bytes: pages(),
  kind: v.optional(oneOf(['anon', 'file', 'page_cache'] as const), 'anon'),
  pageSize: v.optional(oneOf(['4 KiB', '2 MiB'] as const), '4 KiB'),
  placement: v.optional(placementSchema, 'local'),
});

const processSchema = v.pipe(
  options({
    tgid: v.optional(integer(1, U32)),
    memcg: v.optional(v.string(), '/'),
    cpus: v.optional(
      v.pipe(
        options({ start: integer(0, CPUS_MAX), end: integer(0, CPUS_MAX) }),
        v.forward(
          v.check(({ start, end }) => start < end, 'above start'),
          ['end'],
        ),
      ),
    ),
    areas: v.pipe(
      v.array(areaSchema),
      v.nonEmpty('at least one area'),
      v.checkItems(
        ({ name }, i, areas) => areas.findIndex((area) => area.name === name) === i,
        'named otherwise than the areas before it',
      ),
    ),
    phases: v.pipe(v.array(phaseSchema), v.nonEmpty('at least one phase')),
    repeats: v.optional(v.boolean(), false),
    memoryShare: v.optional(
      v.pipe(
        share(),
        v.check((value) => value > 0, 'a share above 0, at most 1'),
      ),
      0.41,
    ),
    cyclesPerOp: v.optional(numberWithin(0.05, 1_000), 0.4),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const process = dataset.value;
    const places = new Map(process.areas.map(({ name }, place) => [name, place]));
    const known = process.areas.map(({ name }) => `\`${name}\``).join(', ');
    let refused = false;
    const phases = process.phases.map(({ durationMs, lines }, phase) => ({
      durationMs,
      lines: lines.map(({ area, ...line }, at) => {
        const place = places.get(area);
        if (place === undefined) {
          refused = true;
          const path = ['phases', phase, 'lines', at, 'area'].map((key) => ({
            type: 'unknown' as const,
            origin: 'value' as const,
            input: process,
            key,
            value: area,
          }));
          addIssue({
            message: `the name of an area: ${known}`,
            input: area,
            path: path as unknown as [v.IssuePathItem, ...v.IssuePathItem[]],
          });
        }
        return { ...line, area: place ?? 0 };
      }),
    }));
    return refused ? NEVER : { ...process, phases };
  }),
);

/** Reads {@link ProcessesOptions}. */
export const processesSchema: Schema<Processes> = options({
  type: v.literal('processes'),
  processes: v.pipe(
    v.array(processSchema),
    v.nonEmpty('at least one process'),
    v.transform((processes) =>
      processes.map(({ tgid, ...process }, i) => ({ ...process, tgid: tgid ?? i + 1 })),
    ),
  ),
});
