/**
 * Programs of the field as workloads: what they do to memory, by their own parameters.
 * `samplers.md` 8.
 */
import type { Bytes, Duration } from '../units.ts';
import type {
  AccessPatternOptions,
  AreaOptions,
  LineOptions,
  ProcessOptions,
  ProcessesOptions,
} from './process.ts';

/** How one of these programs is placed and run. */
export interface ProgramOptions
  extends Omit<ProcessOptions, 'areas' | 'phases' | 'repeats'>, Pick<AreaOptions, 'placement'> {
  /** @default "4 KiB" */
  readonly pageSize?: AreaOptions['pageSize'];
}

function program(
  name: string,
  bytes: Bytes,
  lines: readonly Omit<LineOptions, 'area'>[],
  { placement = 'local', pageSize = '4 KiB', ...process }: ProgramOptions,
): ProcessesOptions {
  const areas = [{ name, bytes, placement, pageSize }];
  const phases = [{ lines: lines.map((line) => ({ area: name, ...line })) }];
  return { type: 'processes', processes: [{ areas, phases, ...process }] };
}

/**
 * multichase's `multiload`: so many threads, each through memory of its own with `memcpy`, which
 * reads half and writes half of what it touches. 32 threads of 4 GiB are the RFC's configurations
 * A and B.
 *
 * @example
 * ```ts
 * import { CONFIGURATION_B, Kdamond, multiload } from 'node-damon';
 *
 * const workload = multiload({ threads: 4, bytesPerThread: 2 ** 28 });
 * using kdamond = new Kdamond({ source: { ...CONFIGURATION_B, workload }, operations: 'vaddr' });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export function multiload(
  options: ProgramOptions & { readonly threads?: number; readonly bytesPerThread?: number } = {},
): ProcessesOptions {
  const { threads = 32, bytesPerThread = 4 * 2 ** 30, ...rest } = options;
  const pattern = { type: 'stream', strideBytes: 64 } as const;
  return program('memory', threads * bytesPerThread, [{ pattern, storeShare: 0.5 }], rest);
}

/** YCSB's core workloads over a store of records: what share of operations writes. */
const YCSB = {
  A: { type: 'zipf', storeShare: 0.5 },
  B: { type: 'zipf', storeShare: 0.05 },
  C: { type: 'zipf', storeShare: 0 },
  /** Reads the latest: what was inserted last is hot, and the place where that is moves on. */
  D: { type: 'latest', storeShare: 0.05 },
  /** Scans of 50 records on average. */
  E: { type: 'scan', storeShare: 0.05 },
  /** Reads, and reads, modifies and writes as often. */
  F: { type: 'zipf', storeShare: 0.25 },
} as const;

/** Pages that a scan of 50 records of 1 KiB touches: so much longer is a page's turn. */
const SCAN_REUSE = 12;

/**
 * YCSB, by its letter: Zipf with theta 0.99, ranks scattered over all records; `D` reads what is
 * latest, here a hot tenth that moves through all records once in ten minutes.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, ycsb } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload: ycsb('B', { bytes: 2 ** 30 }) } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export function ycsb(
  letter: keyof typeof YCSB,
  options: ProgramOptions & { readonly bytes: number },
): ProcessesOptions {
  const { bytes, ...rest } = options;
  const { type, storeShare } = YCSB[letter];
  const page = rest.pageSize === '2 MiB' ? 2 ** 21 : 4096;
  const hotBytes = Math.max(page, Math.floor(bytes / 10 / page) * page);
  const latest: AccessPatternOptions = {
    type: 'hot_set',
    hotBytes,
    driftBytes: Math.floor(bytes / 600),
  };
  const pattern: AccessPatternOptions = type === 'latest' ? latest : { type: 'zipf' };
  const reuse = type === 'scan' ? { reuse: 16 * SCAN_REUSE } : {};
  return program('records', bytes, [{ pattern, storeShare, ...reuse }], rest);
}

/**
 * GUPS as Colloid's: 90 % of updates go to a hot part.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, gups } from 'node-damon';
 *
 * const workload = gups({ bytes: 2 ** 30, hotBytes: 2 ** 28 });
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export function gups(
  options: ProgramOptions & { readonly bytes?: number; readonly hotBytes?: number } = {},
): ProcessesOptions {
  const { bytes = 72 * 2 ** 30, hotBytes = 20 * 2 ** 30, ...rest } = options;
  const pattern = { type: 'hot_set', hotBytes } as const;
  // A read and a write of one line; eight updates on their way at once.
  const line = { pattern, storeShare: 0.5, reuse: 2, parallelism: 8 };
  return program('table', bytes, [line], rest);
}

/** One region of a masim configuration. */
export interface MasimRegion {
  readonly name: string;
  readonly bytes: Bytes;
}

/** One line of a masim phase: `name, random, stride, probability, read/write mode`. */
export interface MasimLine {
  readonly region: string;
  /** At random places, or by `strideBytes`. @default true */
  readonly random?: boolean;
  /** @default 64 */
  readonly strideBytes?: number;
  /** Relative to the other lines'. */
  readonly probability: number;
  /** @default "rw" */
  readonly mode?: 'ro' | 'wo' | 'rw';
}

/** What masim's configuration files say. */
export interface MasimOptions extends ProgramOptions {
  readonly regions: readonly MasimRegion[];
  readonly phases: readonly {
    readonly name?: string;
    readonly durationMs: Duration;
    readonly lines: readonly MasimLine[];
  }[];
  /** Whether the phases go round. @default false */
  readonly repeats?: boolean;
}

const MASIM_STORES = { ro: 0, wo: 1, rw: 0.5 } as const;

function masimLine({ region, random = true, ...line }: MasimLine): LineOptions {
  const { probability, strideBytes = 64, mode = 'rw' } = line;
  return {
    area: region,
    pattern: random ? { type: 'uniform' } : { type: 'stream', strideBytes },
    weight: probability,
    storeShare: MASIM_STORES[mode],
  };
}

/**
 * masim: phases that touch regions by probability.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, masim } from 'node-damon';
 *
 * const workload = masim({
 *   regions: [
 *     { name: 'a', bytes: '64 MiB' },
 *     { name: 'b', bytes: '64 MiB' },
 *   ],
 *   phases: [
 *     { durationMs: '500 ms', lines: [{ region: 'a', probability: 1 }] },
 *     { durationMs: '500 ms', lines: [{ region: 'b', probability: 1, mode: 'ro' }] },
 *   ],
 * });
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export function masim(options: MasimOptions): ProcessesOptions {
  const { regions, phases, placement = 'local', pageSize = '4 KiB', ...process } = options;
  const areas = regions.map(({ name, bytes }) => ({ name, bytes, placement, pageSize }));
  const steps = phases.map(({ durationMs, lines }) => ({
    durationMs,
    lines: lines.map(masimLine),
  }));
  return { type: 'processes', processes: [{ ...process, areas, phases: steps }] };
}

/**
 * masim's ready-made `stairs`: each of ten regions is hot in turn, ten seconds long.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, stairs } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload: stairs({ stepMs: '100 ms' }) } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export function stairs(
  options: ProgramOptions & { readonly bytes?: number; readonly stepMs?: Duration } = {},
): ProcessesOptions {
  const { bytes = 10 * 2 ** 20, stepMs = '10 s', ...rest } = options;
  const names = Array.from({ length: 10 }, (_, i) => `region ${i}`);
  return masim({
    ...rest,
    regions: names.map((name) => ({ name, bytes })),
    phases: names.map((region) => ({
      durationMs: stepMs,
      lines: [{ region, probability: 1 }],
    })),
  });
}
