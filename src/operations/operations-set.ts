/**
 * An operations set of your own: an address space, how its accesses are seen, and how actions are
 * carried out on it. Kernel `struct damon_operations`, `damon-core.md` 10 and 11.
 *
 * Columns where there are many, one call each where there is one. Every method may answer at once or
 * by a promise. Not here: what becomes of a failure; see {@link OperationsFailure}.
 */
import type { Lane } from '../live/lane.ts';
import type { Addresses } from '../monitor/operations.ts';
import type { RangeOptions } from '../monitor/memory.ts';
import type { TargetOptions } from '../monitor/target.ts';
import type { ActionName } from '../scheme/action.ts';

/** An answer, now or later. */
export type Awaitable<T> = T | Promise<T>;

/** How a set sees accesses: `reports` are pushed into lanes; `access_checks` looks at addresses. */
export type Sees = 'reports' | 'access_checks';

/** Whose addresses they are: a process, or physical memory if there is none. */
export interface OperationsTarget {
  readonly tgid?: number;
}

/** A filter that pages must pass, in the order of the scheme. */
export interface OperationsFilter {
  readonly type: 'anon' | 'active' | 'memcg' | 'young' | 'hugepage_size' | 'unmapped';
  /** Acts on pages that are so; else on those that are not. */
  readonly matching: boolean;
  /** Lets those it acts on through; else rejects them. */
  readonly allow: boolean;
  /** Of `memcg`: its path from the root of the hierarchy. */
  readonly memcg?: string;
  /** Of `hugepage_size`: the bounds of a folio's bytes. */
  readonly szBytes?: { readonly min: bigint; readonly max: bigint };
}

/** What a scheme wants done to a region. */
export interface OperationsJob extends OperationsTarget {
  /** First byte. */
  readonly start: bigint;
  /** One past the last byte. */
  readonly end: bigint;
  readonly action: ActionName;
  /** The node to migrate to, if there are no destinations. */
  readonly targetNid?: number;
  /** The nodes to migrate to, by weight: virtual addresses only. */
  readonly destinations: readonly { readonly nid: number; readonly weight: number }[];
  readonly filters: readonly OperationsFilter[];
  /**
   * Whether a page passes the filters, of which `is` tells what it is: the first filter that acts on
   * it decides; if none does, the opposite of what the last would have said.
   */
  readonly passes: (is: (filter: OperationsFilter) => boolean) => boolean;
}

/** What became of a job. */
export interface OperationsApplied {
  /** Bytes on which the action took effect, from 0 to the region's. */
  readonly appliedBytes: number;
  /** Bytes that passed the filters, likewise. @default 0 */
  readonly passedBytes?: number;
  /** How long it took, which a time quota is charged. @default 0 */
  readonly elapsedNs?: number;
}

/** Something about all memory that a goal or a watermark asks for. */
export type OperationsGauge =
  /** Bytes in use of a node's. */
  | { readonly type: 'node_used'; readonly nid: number }
  /** Bytes that a control group uses of a node's. */
  | { readonly type: 'node_memcg_used'; readonly nid: number; readonly memcg: string }
  /** Bytes on the active lists; in huge pages; free: each of all. */
  | { readonly type: 'active' | 'huge' | 'free' }
  /** Microseconds in which some task waited for memory, since the start; `total` is the time. */
  | { readonly type: 'some_memory_stall' };

/** A part of a whole: integers from 0. */
export interface OperationsReading {
  readonly part: number;
  readonly total: number;
}

/** Where a set that reports pushes what it saw. */
export interface OperationsLanes {
  /**
   * The lane of that number, taken at the first use: what does not fit before the next drain, of
   * `laneSlots`, is dropped and counted. Reports without a time are of this sampling interval.
   *
   * @param number from 0; one for each CPU, or whatever reports by itself. @default 0
   */
  readonly lane: (number?: number) => Lane;
}

/**
 * An operations set.
 *
 * @example
 * ```ts
 * import { Kdamond, type OperationsSet } from 'node-damon';
 *
 * const touched = new Set<bigint>(); // pages, filled by whoever makes accesses
 * const toy: OperationsSet = {
 *   name: 'toy',
 *   addresses: 'physical',
 *   sees: 'access_checks',
 *   targets: () => [{ regions: [{ start: 0, end: '1 GiB' }] }],
 *   prepareAccessChecks: (_, addresses) => addresses.forEach((at) => touched.delete(at >> 12n)),
 *   checkAccesses: (_, addresses, accessed) =>
 *     addresses.forEach((at, i) => (accessed[i] = touched.has(at >> 12n) ? 1 : 0)),
 *   apply: () => ({ appliedBytes: 0 }),
 * };
 * using kdamond = new Kdamond({ source: { type: 'operations', set: toy } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export interface OperationsSet {
  /**
   * 1 to 31 letters, digits, `_` and `-`. One of the kernel's four names stands for a set of its
   * kind, with its rules: `vaddr` then wants targets with regions.
   */
  readonly name: string;
  /** Decides what can be a target, which actions there are, and what comes first under a quota. */
  readonly addresses: Addresses;
  readonly sees: Sees;
  /** What to monitor unless the monitor is told; asked as it is made, so not by a promise. */
  targets?(): readonly TargetOptions[];
  /** Makes the page of each address old. Once per target and sampling interval. */
  prepareAccessChecks?(target: OperationsTarget, addresses: BigUint64Array): Awaitable<void>;
  /**
   * Sets `accessed[i]` to 1 if the page of `addresses[i]` was accessed since it was made old, one
   * address of each region; or returns another array of that length. Once per target and sampling
   * interval, of sets that see by `access_checks`.
   */
  checkAccesses?(
    target: OperationsTarget,
    addresses: BigUint64Array,
    accessed: Uint8Array,
  ): Awaitable<Uint8Array | void>;
  /** Reports all accesses before `untilNs` that it has not yet reported. Of sets that see `reports`. */
  report?(untilNs: bigint, lanes: OperationsLanes): Awaitable<void>;
  /** Carries out a job, once per region tried. */
  apply(job: OperationsJob): Awaitable<OperationsApplied>;
  /** Bytes in use of a physical range that lie on a node, and on any: for `node_eligible_mem_bp`. */
  bytesOnNode?(start: bigint, end: bigint, nid: number): Awaitable<OperationsReading>;
  /** Reads a gauge: for goals about nodes and lists, and for watermarks. */
  read?(gauge: OperationsGauge): Awaitable<OperationsReading>;
  /** Whether a process is there. @default always */
  isTargetValid?(target: OperationsTarget): Awaitable<boolean>;
  /**
   * The mappings of a process, ascending and disjoint: every `opsUpdateUs` its regions follow them, and
   * come from them if it has none. Nothing if the process is gone.
   */
  mappings?(target: OperationsTarget): Awaitable<readonly RangeOptions[] | undefined>;
}
