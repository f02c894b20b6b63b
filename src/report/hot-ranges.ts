/**
 * What a snapshot means to someone who places memory: hot ranges and the working set.
 *
 * The monitor splits and merges regions for its own ends. Here neighbours that are about equally
 * hot become one range, none of which spans two nodes, because a range is something to move.
 * Not here: history (see `heatmap.ts`), or a decision to move anything (see schemes).
 */

import { MIB } from './format.ts';
import { type Region, type Snapshot, checkOneSpace } from './snapshot.ts';

/** A NUMA node and the memory it owns, `[start, end)`. A node with two ranges is listed twice. */
export interface MemoryNode {
  readonly id: number;
  /** What people call it, such as `DRAM` or `CXL`. */
  readonly name?: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** Contiguous memory of one node with about the same access rate throughout. */
export interface HotRange {
  readonly start: bigint;
  /** First address after the range. */
  readonly end: bigint;
  readonly szBytes: number;
  /** The node that owns the range; `null` when no listed node does. */
  readonly node: MemoryNode | null;
  /** Access reports credited to the range in the interval of the snapshot. */
  readonly hits: number;
  /** Hits per second per MiB: the access rate. */
  readonly rate: number;
  /** Mean `nrAccesses` of the regions, weighted by size. */
  readonly nrAccesses: number;
  /** How long the access rate has been about the same: mean of the regions, weighted by size. */
  readonly ageSeconds: number;
  /** Share of all hits of the snapshot, 0 to 1; 0 when there are none. */
  readonly share: number;
}

/** How {@link hotRanges} merges and what it returns. */
export interface HotRangesOptions {
  /** Boundaries that no range may span, and names for them. @default [] */
  readonly nodes?: readonly MemoryNode[];
  /** Most ranges to return. @default 10 */
  readonly top?: number;
  /** Neighbours merge while the faster has at most this many times the rate of the slower. @default 2 */
  readonly ratio?: number;
  /**
   * Smallest piece looked at, a power of two: what lies in one aligned piece is added up before
   * neighbours merge. 2 MiB, a huge page, hides single hot pages that nobody would move by
   * themselves. @default 4096: regions as they are
   */
  readonly grainBytes?: number;
}

/** The smallest region there is. */
const PAGE = 4096;

/** Standard errors by which two rates must differ before they count as different. */
const STANDARD_ERRORS = 3;

/** Of all hits, what a sum of many may be off by. */
const ROUNDING = 1e-12;

/** The whole of a region, or the part of it that lies in one node. */
interface Part extends Region {
  readonly node: MemoryNode | null;
}

/** A range that may still grow upwards. Sums are weighted by bytes. */
interface Growing {
  readonly start: bigint;
  end: bigint;
  readonly node: MemoryNode | null;
  bytes: number;
  hits: number;
  accesses: number;
  age: number;
}

/**
 * The hottest ranges of a snapshot, hottest first.
 *
 * Neighbours merge when their rates are within `ratio`, or when their hits are too few to tell the
 * rates apart. All ranges together (`top: Infinity`) are exactly the memory of the snapshot.
 *
 * @example
 * ```ts
 * import { Kdamond, hotRanges } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * for await (const snapshot of kdamond.snapshots()) {
 *   const [hottest] = hotRanges(snapshot, { nodes: [{ id: 0, name: 'DRAM', start: 0n, end: 1n << 37n }] });
 *   console.log(hottest?.start, hottest?.szBytes, hottest?.rate);
 * }
 * ```
 *
 * @throws DamonError `ERR_DAMON_SNAPSHOT_TARGET` when the snapshot has several processes.
 */
export function hotRanges(snapshot: Snapshot, options: HotRangesOptions = {}): HotRange[] {
  const { nodes = [], top = 10, ratio = 2, grainBytes = PAGE } = options;
  checkOneSpace(snapshot);
  const ranges: Growing[] = [];
  for (const grain of grains(partsByNode(snapshot, nodes), BigInt(grainBytes))) {
    const previous = ranges.at(-1);
    if (previous && adjoins(previous, grain) && similar(previous, grain, ratio)) {
      join(previous, grain);
    } else {
      ranges.push(grain);
    }
  }
  const seconds = Number(snapshot.intervalNs) / 1e9;
  const aggregationSeconds = Number(snapshot.aggregationNs) / 1e9;
  const allHits = total(snapshot.hits);
  return ranges
    .map(({ start, end, node, bytes, hits, accesses, age }): HotRange => ({
      start,
      end,
      szBytes: bytes,
      node,
      hits,
      rate: seconds > 0 ? hits / seconds / (bytes / MIB) : 0,
      nrAccesses: accesses / bytes,
      ageSeconds: (age / bytes) * aggregationSeconds,
      share: allHits > 0 ? hits / allHits : 0,
    }))
    .toSorted(
      (a, b) =>
        b.rate - a.rate ||
        b.nrAccesses - a.nrAccesses ||
        b.szBytes - a.szBytes ||
        Number(a.start - b.start),
    )
    .slice(0, top);
}

/** How much memory takes the given share of the hits. */
export interface WorkingSetShare {
  /** Of all hits, from 0 to 100. */
  readonly percent: number;
  /** Fewest bytes that took that share. */
  readonly szBytes: number;
}

/** How much memory was in use. */
export interface WorkingSet {
  /** Bytes of all regions. */
  readonly monitoredBytes: number;
  /** Bytes of regions that were seen accessed. */
  readonly accessedBytes: number;
  /** Hits of all regions. */
  readonly hits: number;
  readonly shares: readonly WorkingSetShare[];
}

/**
 * Working set of a snapshot: the bytes that were accessed at all, and the fewest bytes that take
 * the given shares of the hits. Regions are taken by hits per byte, the last one in part.
 *
 * @example
 * ```ts
 * import { replay, workingSet } from 'node-damon';
 *
 * const { last } = await replay({ path: 'redis.samples.csv.zst' });
 * for (const { percent, szBytes } of workingSet(last, [50, 90]).shares) console.log(percent, szBytes);
 * ```
 */
export function workingSet(
  snapshot: Snapshot,
  percents: readonly number[] = [50, 90, 99],
): WorkingSet {
  const regions = Array.from(snapshot, (region) => ({
    bytes: Number(region.end - region.start),
    hits: region.hits,
    accessed: region.hits > 0 || region.nrAccesses > 0,
  }));
  const hits = total(snapshot.hits);
  const densest = regions
    .filter((region) => region.hits > 0)
    .toSorted((a, b) => b.hits / b.bytes - a.hits / a.bytes);
  return {
    monitoredBytes: regions.reduce((sum, { bytes }) => sum + bytes, 0),
    accessedBytes: regions.reduce((sum, { bytes, accessed }) => sum + (accessed ? bytes : 0), 0),
    hits,
    shares: percents.map((percent) => {
      let wanted = (hits * percent) / 100;
      let szBytes = 0;
      for (const region of densest) {
        if (wanted <= hits * ROUNDING) break;
        const part = Math.min(1, wanted / region.hits);
        szBytes += Math.ceil(region.bytes * part);
        wanted -= region.hits;
      }
      return { percent, szBytes };
    }),
  };
}

/** The node that owns an address, if one does. */
export function nodeOf(nodes: readonly MemoryNode[], address: bigint): MemoryNode | null {
  return nodes.find(({ start, end }) => start <= address && address < end) ?? null;
}

/** What to call a node: `node 1 CXL`, or `node 1`. */
export function nodeLabel({ id, name }: MemoryNode): string {
  return name ? `node ${id} ${name}` : `node ${id}`;
}

/** Regions in order of address, divided at the ends of nodes; hits are divided by bytes. */
function* partsByNode(snapshot: Snapshot, nodes: readonly MemoryNode[]): Generator<Part> {
  const cuts = nodes.flatMap(({ start, end }) => [start, end]).toSorted(compareBigints);
  for (const region of snapshot) {
    let { start, hits } = region;
    const inside = cuts.filter(
      (cut, i) => region.start < cut && cut < region.end && cut !== cuts[i - 1],
    );
    for (const cut of inside) {
      const share = region.hits * (Number(cut - start) / Number(region.end - region.start));
      yield { ...region, start, end: cut, hits: share, node: nodeOf(nodes, start) };
      start = cut;
      hits -= share;
    }
    yield { ...region, start, hits: Math.max(0, hits), node: nodeOf(nodes, start) };
  }
}

/** Adds up what lies in one aligned piece of memory; whole pieces of one region stay together. */
function* grains(parts: Iterable<Part>, grain: bigint): Generator<Growing> {
  let pending: Growing | undefined;
  for (const part of parts) {
    for (let start = part.start; start < part.end;) {
      const block = start - (start % grain);
      const whole = part.end - (part.end % grain);
      const isWhole = start === block && whole > start;
      const end = isWhole ? whole : smaller(part.end, block + grain);
      const piece = grow({ ...part, start, end, hits: part.hits * shareOf(part, start, end) });
      if (!isWhole && pending && pending.end > block && adjoins(pending, piece)) {
        join(pending, piece);
      } else {
        if (pending) yield pending;
        pending = piece;
      }
      start = end;
    }
  }
  if (pending) yield pending;
}

function shareOf(part: Part, start: bigint, end: bigint): number {
  return Number(end - start) / Number(part.end - part.start);
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function adjoins(a: Growing, b: Growing): boolean {
  return a.end === b.start && a.node === b.node;
}

function join(into: Growing, next: Growing): void {
  into.end = next.end;
  for (const sum of ['bytes', 'hits', 'accesses', 'age'] as const) into[sum] += next[sum];
}

function grow({ start, end, node, hits, nrAccesses, age }: Part): Growing {
  const bytes = Number(end - start);
  return { start, end, node, bytes, hits, accesses: nrAccesses * bytes, age: age * bytes };
}

/**
 * Whether two stretches are about equally hot. Hits are counts of independent events, so under one
 * common rate those of `a` are binomial among those of both, with `a`'s share of the bytes.
 */
function similar(a: Growing, b: Growing, ratio: number): boolean {
  const both = a.hits + b.hits;
  // Where nothing was hit the monitor's own count decides: it looks back further.
  if (both === 0) return within(ratio, a.accesses / a.bytes, b.accesses / b.bytes);
  if (within(ratio, a.hits / a.bytes, b.hits / b.bytes)) return true;
  const chance = a.bytes / (a.bytes + b.bytes);
  const standardError = Math.sqrt(both * chance * (1 - chance));
  return Math.abs(a.hits - both * chance) <= STANDARD_ERRORS * standardError;
}

function within(ratio: number, a: number, b: number): boolean {
  return Math.max(a, b) <= Math.min(a, b) * ratio;
}

function total(hits: Float64Array): number {
  return hits.reduce((sum, count) => sum + count, 0);
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
