/**
 * What the monitor knew at one instant, as columns.
 *
 * A snapshot is the one thing that crosses from the monitor to the views, once per interval. It
 * keeps the typed arrays it is given, and builds a {@link Region} only when someone asks for one.
 * Not here: what a count means for placement (see `hot-ranges.ts`), or history (see `heatmap.ts`).
 */

import { types } from 'node:util';

import { refuse } from '../errors.ts';
import { item } from './item.ts';

/** One region of memory and what was seen of it. */
export interface Region {
  /** First address, in bytes. */
  readonly start: bigint;
  /** First address after the region: the range is `[start, end)`. */
  readonly end: bigint;
  /** Sampling intervals of the last aggregation in which the region was seen accessed. */
  readonly nrAccesses: number;
  /** Aggregations for which the access rate has stayed about the same. */
  readonly age: number;
  /** Access reports credited to the region since the previous snapshot: a weight, not an integer. */
  readonly hits: number;
  /** The process whose addresses these are; absent for physical ones. */
  readonly tgid?: number;
}

/** One process's part of a {@link Snapshot}. */
export interface SnapshotTarget {
  /** The process. */
  readonly tgid: number;
  /** How many regions, following on those of the target before. */
  readonly regions: number;
}

/** The columns of a {@link Snapshot}: all of one length; each target's regions sorted by start, disjoint. */
export interface SnapshotInit {
  /** When the snapshot was taken, on the clock of the monitor. */
  readonly timeNs: bigint;
  /** Time since the previous snapshot: what `hits` covers. Minimum: 0. */
  readonly intervalNs: bigint;
  /** Length of an aggregation: the unit of `ages`. */
  readonly aggregationNs: bigint;
  /** First address of each region. */
  readonly starts: BigUint64Array;
  /** First address after each region. */
  readonly ends: BigUint64Array;
  /** See {@link Region.nrAccesses}. */
  readonly nrAccesses: Uint32Array;
  /** See {@link Region.age}. */
  readonly ages: Uint32Array;
  /** See {@link Region.hits}. */
  readonly hits: Float64Array;
  /** The processes, in order; none for physical memory. @default [] */
  readonly targets?: readonly SnapshotTarget[];
}

/** The columns alone. */
export type SnapshotColumns = Pick<
  SnapshotInit,
  'starts' | 'ends' | 'nrAccesses' | 'ages' | 'hits'
>;

/** More than any monitor has. */
const REGIONS_MAX = 2 ** 32 - 1;

/** For a look at how long a snapshot is, which copies nothing. */
export const NO_COLUMNS: SnapshotColumns = columnsFor(0);

/** What each column is; of another realm, such as a vm context, too. */
const COLUMN_TYPES = [
  ['starts', 'BigUint64Array', types.isBigUint64Array],
  ['ends', 'BigUint64Array', types.isBigUint64Array],
  ['nrAccesses', 'Uint32Array', types.isUint32Array],
  ['ages', 'Uint32Array', types.isUint32Array],
  ['hits', 'Float64Array', types.isFloat64Array],
] as const;

/** A region as `JSON.stringify` writes it: addresses in hexadecimal text, so that none is rounded. */
export interface RegionJson {
  readonly start: string;
  readonly end: string;
  readonly nrAccesses: number;
  readonly age: number;
  readonly hits: number;
  readonly tgid?: number;
}

/** A snapshot as `JSON.stringify` writes it. */
export interface SnapshotJson {
  readonly type: 'snapshot';
  /** A number where that is exact (up to 2^53), decimal text above. */
  readonly timeNs: number | string;
  readonly regions: readonly RegionJson[];
}

/**
 * What the monitor knew at one instant; columns of equal length, regions sorted by start,
 * disjoint, half-open `[start, end)`. Where processes are monitored, that holds for each of them,
 * and {@link Snapshot.of} gives one by itself, as the views want it.
 *
 * The columns are kept, not copied: whoever made them must not write into them afterwards.
 *
 * @example
 * ```ts
 * import { Snapshot } from 'node-damon';
 *
 * const snapshot = new Snapshot({
 *   timeNs: 100_000_000n,
 *   intervalNs: 100_000_000n,
 *   aggregationNs: 100_000_000n,
 *   starts: BigUint64Array.of(0x1000n, 0x3000n),
 *   ends: BigUint64Array.of(0x3000n, 0x4000n),
 *   nrAccesses: Uint32Array.of(20, 0),
 *   ages: Uint32Array.of(3, 12),
 *   hits: Float64Array.of(141, 0),
 * });
 * for (const { start, hits } of snapshot) console.log(start, hits);
 * ```
 */
export class Snapshot implements Iterable<Region> {
  readonly timeNs: bigint;
  readonly intervalNs: bigint;
  readonly aggregationNs: bigint;
  readonly starts: BigUint64Array;
  readonly ends: BigUint64Array;
  readonly nrAccesses: Uint32Array;
  readonly ages: Uint32Array;
  readonly hits: Float64Array;
  /** The processes, in order; none for physical memory. */
  readonly targets: readonly SnapshotTarget[];

  /**
   * @throws DamonError `ERR_DAMON_SNAPSHOT_COLUMNS` when the columns differ in length, or regions
   * are empty, unsorted or overlap.
   */
  constructor(init: SnapshotInit);
  /**
   * Of columns that a monitor filled: a look at each region costs many times what copying it does.
   * @internal
   */
  constructor(init: SnapshotInit, from: 'monitor');
  constructor(init: SnapshotInit, from?: 'monitor') {
    if (from === undefined) checkColumns(init);
    this.timeNs = init.timeNs;
    this.intervalNs = init.intervalNs;
    this.aggregationNs = init.aggregationNs;
    this.starts = init.starts;
    this.ends = init.ends;
    this.nrAccesses = init.nrAccesses;
    this.ages = init.ages;
    this.hits = init.hits;
    this.targets = init.targets ?? [];
  }

  /** Number of regions. */
  get length(): number {
    return this.starts.length;
  }

  /**
   * The region at index `i`, in order of address.
   * @throws DamonError `ERR_DAMON_SNAPSHOT_REGION` when there is none.
   */
  region(i: number): Region {
    const start = this.starts[i];
    if (start === undefined) {
      throw refuse({
        code: 'ERR_DAMON_SNAPSHOT_REGION',
        path: 'i',
        expected: `an integer from 0 to ${this.length - 1}`,
        received: i,
      });
    }
    const tgid = this.#tgidOf(i);
    return {
      start,
      end: item(this.ends, i),
      nrAccesses: item(this.nrAccesses, i),
      age: item(this.ages, i),
      hits: item(this.hits, i),
      ...(tgid !== undefined && { tgid }),
    };
  }

  /**
   * One process by itself: views of the same columns.
   *
   * @param which of its targets, from 0, where it has several
   * @throws DamonError `ERR_DAMON_SNAPSHOT_TARGET` when it is not among the targets.
   */
  of(tgid: number, which = 0): Snapshot {
    let from = 0;
    let others = which;
    for (const target of this.targets) {
      const to = from + target.regions;
      if (target.tgid === tgid && others-- === 0) {
        const { timeNs, intervalNs, aggregationNs } = this;
        const targets = [target];
        return between(this, [from, to], { timeNs, intervalNs, aggregationNs, targets });
      }
      from = to;
    }
    const code = 'ERR_DAMON_SNAPSHOT_TARGET';
    const its = this.targets.filter((target) => target.tgid === tgid).length;
    if (its > 0) {
      throw refuse({
        code,
        path: 'which',
        expected: `below ${its}, the targets it has`,
        received: which,
      });
    }
    const among = this.targets.map((target) => target.tgid).join(', ');
    throw refuse({
      code,
      path: 'tgid',
      expected: among === '' ? 'absent: this is physical memory' : `one of ${among}`,
      received: tgid,
    });
  }

  #tgidOf(i: number): number | undefined {
    let to = 0;
    return this.targets.find(({ regions }) => i < (to += regions))?.tgid;
  }

  *[Symbol.iterator](): Iterator<Region> {
    for (let i = 0; i < this.length; i++) yield this.region(i);
  }

  /** What `JSON.stringify` writes. For a stream of snapshots prefer {@link toNdjson}. */
  toJSON(): SnapshotJson {
    const timeNs = Number(this.timeNs);
    return {
      type: 'snapshot',
      timeNs: Number.isSafeInteger(timeNs) ? timeNs : this.timeNs.toString(),
      regions: Array.from(this, regionToJson),
    };
  }

  /** One line of newline-delimited JSON, without the newline; `timeNs` is an exact integer at any size. */
  toNdjson(): string {
    const { starts, ends, nrAccesses, ages, hits } = this;
    const tgids = this.targets.flatMap(({ tgid, regions }) =>
      Array.from({ length: regions }, () => `,"tgid":${tgid}`),
    );
    // Numbers and hexadecimal digits need no escaping, so this is what JSON.stringify would write,
    // in a fraction of the time.
    const regions = Array.from(
      starts,
      (start, i) =>
        `{"start":"0x${start.toString(16)}","end":"0x${ends[i]?.toString(16)}",` +
        `"nrAccesses":${nrAccesses[i]},"age":${ages[i]},"hits":${hits[i]}${tgids[i] ?? ''}}`,
    );
    return `{"type":"snapshot","timeNs":${this.timeNs},"regions":[${regions.join(',')}]}`;
  }
}

/** Whose columns snapshots are copied into. */
export interface SnapshotColumnsOptions {
  /**
   * Gives the columns that the next snapshot, of so many regions, is copied into. They may be longer,
   * and the same ones as before: the snapshots made of them are then good until the next is taken.
   * @default {@link columnsFor}: new ones for each snapshot
   */
  readonly columnsFor?: (regions: number) => SnapshotColumns;
}

/**
 * Columns for that many regions, zeroed.
 *
 * @example
 * ```ts
 * import { Kdamond, columnsFor } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * let columns = columnsFor(1_000);
 * const reused = (regions: number) => {
 *   if (regions > columns.starts.length) columns = columnsFor(2 * regions);
 *   return columns;
 * };
 * for await (const { length } of kdamond.snapshots({ columnsFor: reused })) console.log(length);
 * ```
 *
 * @throws DamonError `ERR_DAMON_COLUMNS` for what is no number of regions
 */
export function columnsFor(regions: number): SnapshotColumns {
  if (!Number.isInteger(regions) || regions < 0 || regions > REGIONS_MAX) {
    const expected = `an integer from 0 to ${REGIONS_MAX}`;
    throw refuse({ code: 'ERR_DAMON_COLUMNS', path: 'regions', expected, received: regions });
  }
  return {
    starts: new BigUint64Array(regions),
    ends: new BigUint64Array(regions),
    nrAccesses: new Uint32Array(regions),
    ages: new Uint32Array(regions),
    hits: new Float64Array(regions),
  };
}

/**
 * The columns that somebody gives for so many regions.
 *
 * @throws DamonError `ERR_DAMON_COLUMNS` for what they do not fit into, or what are no columns
 */
export function givenColumns(
  { columnsFor: give = columnsFor }: SnapshotColumnsOptions,
  regions: number,
): SnapshotColumns {
  const columns = give(regions);
  for (const [key, name, isOne] of COLUMN_TYPES) {
    const column: unknown = (columns as SnapshotColumns | undefined)?.[key];
    const length = isOne(column) ? column.length : undefined;
    if (length !== undefined && length >= regions) continue;
    throw refuse({
      code: 'ERR_DAMON_COLUMNS',
      path: `columnsFor(${regions}).${key}`,
      expected: `a ${name} at least ${regions} elements long`,
      received: length ?? column,
    });
  }
  return columns;
}

/** A snapshot of the columns that a monitor filled, from one index up to another: views, not copies. */
export function between(
  columns: SnapshotColumns,
  [from, to]: readonly [from: number, to: number],
  { timeNs, intervalNs, aggregationNs, targets = [] }: Omit<SnapshotInit, keyof SnapshotColumns>,
): Snapshot {
  // Written out: an object spread into another takes longer than a thousand regions do.
  const init = {
    timeNs,
    intervalNs,
    aggregationNs,
    targets,
    starts: columns.starts.subarray(from, to),
    ends: columns.ends.subarray(from, to),
    nrAccesses: columns.nrAccesses.subarray(from, to),
    ages: columns.ages.subarray(from, to),
    hits: columns.hits.subarray(from, to),
  };
  return new Snapshot(init, 'monitor');
}

/**
 * Makes sure that a snapshot's addresses mean one thing, as the views need it.
 * @throws DamonError `ERR_DAMON_SNAPSHOT_TARGET` when it has several processes.
 */
export function checkOneSpace({ targets }: Snapshot): void {
  if (targets.length < 2) return;
  throw refuse({
    code: 'ERR_DAMON_SNAPSHOT_TARGET',
    path: 'snapshot.targets',
    expected: 'one process: pass `snapshot.of(tgid)`',
    received: targets.map(({ tgid }) => tgid),
  });
}

function regionToJson({ start, end, ...rest }: Region): RegionJson {
  return { start: `0x${start.toString(16)}`, end: `0x${end.toString(16)}`, ...rest };
}

function checkColumns(init: SnapshotInit): void {
  const code = 'ERR_DAMON_SNAPSHOT_COLUMNS';
  const { starts, ends, intervalNs } = init;
  for (const column of ['ends', 'nrAccesses', 'ages', 'hits'] as const) {
    const received = init[column].length;
    if (received !== starts.length) {
      const expected = `${starts.length}, the number of regions`;
      throw refuse({ code, path: `${column}.length`, expected, received });
    }
  }
  if (intervalNs < 0n) {
    throw refuse({ code, path: 'intervalNs', expected: 'at least 0', received: intervalNs });
  }
  const firsts = firstRegions(init);
  let previousEnd = 0n;
  starts.forEach((start, i) => {
    const end = item(ends, i);
    if (firsts.has(i)) previousEnd = 0n;
    if (start < previousEnd) {
      const expected = `at least ${previousEnd}, where the region before it ends`;
      throw refuse({ code, path: `starts[${i}]`, expected, received: start });
    }
    if (end <= start) {
      const expected = `more than ${start}, where the region starts`;
      throw refuse({ code, path: `ends[${i}]`, expected, received: end });
    }
    previousEnd = end;
  });
}

/** The processes of a snapshot; none of physical memory. */
export function snapshotTargets(
  parts: readonly { readonly tgid?: number; readonly regions: number }[],
): SnapshotTarget[] {
  return parts.flatMap(({ tgid, regions }) => (tgid === undefined ? [] : [{ tgid, regions }]));
}

/** Indices of the targets' first regions. */
function firstRegions({ starts, targets = [] }: SnapshotInit): ReadonlySet<number> {
  const firsts = new Set<number>();
  let regions = 0;
  for (const target of targets) {
    firsts.add(regions);
    regions += target.regions;
  }
  if (targets.length > 0 && regions !== starts.length) {
    throw refuse({
      code: 'ERR_DAMON_SNAPSHOT_COLUMNS',
      path: 'targets',
      expected: `targets of ${starts.length} regions together`,
      received: regions,
    });
  }
  return firsts;
}
