/**
 * What a run leaves behind for its report: plain data, filled by the loop, read by the renderers.
 *
 * Not here: anything that renders, or that feeds back into monitoring.
 */

import { refuse } from '../errors.ts';
import type { Counters, MonitorCounters } from './counters.ts';
import type { ConvergenceRow, TargetStep } from './convergence.ts';
import type { StretchSeries } from './explanation.ts';
import type { Heatmap } from './heatmap.ts';
import type { HotRange, MemoryNode, WorkingSet } from './hot-ranges.ts';
import type { Snapshot } from './snapshot.ts';

/** Two sums over counters that must be equal when nothing was lost uncounted. */
export interface Equation {
  /** What the equation says, such as `every drained report is accounted for`. */
  readonly name: string;
  /** Paths of counters, such as `ring.drained`. */
  readonly left: readonly string[];
  /** Paths of counters. */
  readonly right: readonly string[];
}

/** What went in, what came out, and where the rest went. */
export interface Books<Counted extends Counters = Counters> {
  readonly counters: Counted;
  readonly equations: readonly Equation[];
}

/** An {@link Equation} with its numbers. */
export interface Balance {
  readonly equation: Equation;
  /** The counters that {@link Equation.left} names, in its order. */
  readonly left: readonly bigint[];
  readonly right: readonly bigint[];
  /** Left minus right: 0 when the equation holds. */
  readonly offBy: bigint;
}

/** What the schemes of a run did, and why no more. */
export interface Explained {
  /** Names of the schemes at the end. */
  readonly schemes: readonly string[];
  /** First and last time, on the source's clock. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** What each scheme did and why no more. */
  readonly explanation: StretchSeries;
  /** Rounds that had to make room before they could be explained. */
  readonly roundsDropped: number;
}

/** What the replay of a recording found. */
export interface ReplayRecord extends Explained {
  /** The recording, as a user would name it. */
  readonly source: string;
  readonly nodes: readonly MemoryNode[];
  readonly heatmap: Heatmap;
  /** The snapshot that `hotRanges` and `workingSet` describe: the last one, or the busiest. */
  readonly last: Snapshot;
  readonly hotRanges: readonly HotRange[];
  readonly workingSet: WorkingSet;
  readonly books: Books<MonitorCounters>;
  /** How long the replay took. */
  readonly durationMs: number;
  /** Samples replayed per second of that time. */
  readonly samplesPerSecond: number;
}

/** Something that became different in a run, or did not. */
export interface RunEvent {
  /**
   * `changed` as planned; `reloaded` from a file; `unchanged`, since that file says the same;
   * `missed`, because the source ended before.
   */
  readonly kind: 'changed' | 'reloaded' | 'unchanged' | 'missed';
  /** Since the start of monitoring. */
  readonly atMs: number;
}

/** What the run of a configuration found. */
export interface RunRecord extends Explained {
  /** The recording, as a user would name it, or the machine, its workload and settings in a few phrases. */
  readonly source: readonly string[];
  readonly nodes: readonly MemoryNode[];
  readonly heatmap: Heatmap;
  /** Of the last snapshot; none without one. */
  readonly hotRanges: readonly HotRange[];
  readonly workingSet?: WorkingSet;
  readonly events: readonly RunEvent[];
  readonly books: Books<MonitorCounters>;
  /** How long the run took. */
  readonly durationMs: number;
}

/** A result from the literature, to compare with. */
export interface PublishedResult {
  /** In percent. */
  readonly target: number;
  /** In percent. */
  readonly mean: number;
  /** In percentage points. */
  readonly stddev: number;
}

/** The effective quota of one scheme, one value per second. */
export interface QuotaSeries {
  /** What people call the scheme, such as `promote` or `demote`. */
  readonly name: string;
  readonly effectiveBytes: Float64Array;
}

/** What a closed-loop run on the simulated machine found. */
export interface DemoRecord extends Explained {
  readonly seed: number | bigint | string;
  /** The quota goal tuner, such as `consist`. */
  readonly tuner: string;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  /** The machine and its workload in a few short phrases. */
  readonly machine: readonly string[];
  /** The share in percent, one value per second, as the goal metric sees it. */
  readonly share: Float64Array;
  /** The same as the simulated machine knows it. */
  readonly trueShare: Float64Array;
  readonly targets: readonly TargetStep[];
  readonly rows: readonly ConvergenceRow[];
  readonly published: readonly PublishedResult[];
  readonly quotas?: readonly QuotaSeries[];
  readonly books: Books<MonitorCounters>;
  /** With `nodes`, where the workload was seen to go. */
  readonly heatmap?: Heatmap;
  readonly nodes?: readonly MemoryNode[];
}

/**
 * Works every equation of the books out.
 *
 * @example
 * ```ts
 * import { Kdamond, balance } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * await kdamond.run();
 * console.log(balance(kdamond.books).every(({ offBy }) => offBy === 0n)); // true
 * ```
 *
 * @throws DamonError `ERR_DAMON_BOOKS_COUNTER` when an equation names what is not a counter.
 */
export function balance({ counters, equations }: Books): Balance[] {
  return equations.map((equation) => {
    const left = equation.left.map((path) => counterAt(counters, path));
    const right = equation.right.map((path) => counterAt(counters, path));
    return { equation, left, right, offBy: sum(left) - sum(right) };
  });
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

function counterAt(counters: Counters, path: string): bigint {
  let at: Counters[string] = counters;
  for (const name of path.split('.')) {
    at = typeof at === 'object' && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  if (typeof at === 'bigint') return at;
  if (typeof at === 'number' && Number.isSafeInteger(at)) return BigInt(at);
  const expected = 'a counter with a whole number';
  throw refuse({ code: 'ERR_DAMON_BOOKS_COUNTER', path, expected, received: at });
}
