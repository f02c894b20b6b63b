/**
 * What many runs say about who places pages how well: the record of a study, and its statistics.
 *
 * A run has a stretch that is judged, which begins where the hot set moves. Not here: how it was run,
 * or how it is shown.
 */
import { type MeanInterval, meanInterval } from './interval.ts';

/** What one run leaves behind. All series have one value per second, `NaN` where there is none. */
export interface PlacementRun {
  readonly seed: number;
  /** First second of the stretch that is judged. */
  readonly fromSecond: number;
  /** Share of the hot memory on the fast node in percent, as the machine knows it late in each second. */
  readonly hotPercent: Float64Array;
  /** From the start of the stretch until half of it was there; `null` if it never was. */
  readonly halfSeconds: number | null;
  /** The same of 90 %. */
  readonly rampSeconds: number | null;
  /** Free memory of the fast node in percent. */
  readonly freePercent: Float64Array;
  /** Ops per second of all processes. */
  readonly opsHz: Float64Array;
  /** Bytes moved between nodes. */
  readonly movedBytes: Float64Array;
  /**
   * CPU nanoseconds of all CPUs that sampling took, schemes or a policy, and waiting for pages on their
   * way.
   */
  readonly overheadNs: Float64Array;
  /** The share in percent that a search for the best one ended at. */
  readonly foundPercent?: number;
  /** Equations of the books that did not hold: none, unless something was lost uncounted. */
  readonly unbalanced: readonly string[];
}

/** Who places pages, and its runs as far as they are done. */
export interface PlacementCase {
  /** Such as `IBS Op`. */
  readonly name: string;
  /** Cases of one group are compared with each other. */
  readonly group: string;
  /** In the order of their seeds. */
  readonly runs: readonly PlacementRun[];
}

/** A study as far as it is done. */
export interface PlacementRecord {
  readonly title: string;
  /** The machine, its workload and the settings in a few short phrases. */
  readonly machine: readonly string[];
  readonly cases: readonly PlacementCase[];
  /** By group: the case whose throughput is 100 %, of that group or another. */
  readonly baselines: Readonly<Record<string, string>>;
  /** The case of each group that its others are compared with, seed by seed. @default none */
  readonly reference?: string;
  /** Seeds of each case. */
  readonly seeds: readonly number[];
  readonly runsDone: number;
  readonly runsPlanned: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/** What the runs of a case say about the stretch that is judged. */
export interface PlacementSummary {
  readonly name: string;
  readonly group: string;
  readonly runs: number;
  /** Ops per second. */
  readonly opsHz: MeanInterval | undefined;
  /** That as a share of the baseline's in percent, seed by seed. */
  readonly opsPercent: MeanInterval | undefined;
  /** Seconds until half of the hot memory was on the fast node. */
  readonly halfSeconds: MeanInterval | undefined;
  /** Seconds until 90 % of it was: detection and ramp. */
  readonly rampSeconds: MeanInterval | undefined;
  /** Runs in which that never was; they count in no time and no deviation. */
  readonly notReached: number;
  /** Percent, in the second half of the stretch. */
  readonly hotPercent: MeanInterval | undefined;
  /** Standard deviation after the ramp within a run, in percentage points. */
  readonly hotStddev: MeanInterval | undefined;
  /** Percent, in the second half of the stretch. */
  readonly freePercent: MeanInterval | undefined;
  readonly movedBytesPerSecond: MeanInterval | undefined;
  /** CPU nanoseconds per second. */
  readonly overheadNsPerSecond: MeanInterval | undefined;
  readonly foundPercent: MeanInterval | undefined;
}

/** A case against another of its group: differences seed by seed, below 0 where it has less. */
export interface PlacementComparison {
  readonly name: string;
  readonly group: string;
  /** The other. */
  readonly reference: string;
  /** Runs, and in how many each of the two got 90 % of the hot memory to the fast node. */
  readonly runs: number;
  readonly reached: number;
  readonly referenceReached: number;
  /** Seconds of ramp; `undefined` where no seed had one in both, as below. */
  readonly rampSeconds: MeanInterval | undefined;
  /** Percentage points of the standard deviation after the ramp. */
  readonly hotStddev: MeanInterval | undefined;
  /** Ops per second, in percent of the other's. */
  readonly opsPercent: MeanInterval | undefined;
}

/** Of the hot memory on the fast node: what the detection lag lasts until. */
export const HALF_PERCENT = 50;
/** What the ramp lasts until. */
export const THERE_PERCENT = 90;

/**
 * What each case says.
 *
 * @example
 * ```ts
 * import { policies, summarizePlacement } from 'node-damon';
 *
 * const record = await policies({ policies: ['oracle'], seconds: 2 });
 * for (const summary of summarizePlacement(record)) console.log(summary.name);
 * ```
 */
export function summarizePlacement({ cases, baselines }: PlacementRecord): PlacementSummary[] {
  return cases.map((one) => {
    const base = cases.find(({ name }) => name === baselines[one.group]);
    return summarizeCase(one, base?.runs ?? []);
  });
}

/**
 * What each case does better or worse than the reference of its group; nothing without one.
 *
 * @example
 * ```ts
 * import { comparePlacement, primitives } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const record = await primitives({ primitives: ['ibs', 'accessed_bits'], signal });
 * for (const { name, opsPercent } of comparePlacement(record)) console.log(name, opsPercent);
 * ```
 */
export function comparePlacement({ cases, reference }: PlacementRecord): PlacementComparison[] {
  return cases.flatMap((one) => {
    const other = cases.find(({ name, group }) => name === reference && group === one.group);
    if (other === undefined || other === one) return [];
    const comparison = compareCases(one, other);
    return comparison.runs === 0 ? [] : [comparison];
  });
}

function compareCases(one: PlacementCase, other: PlacementCase): PlacementComparison {
  const pairs = one.runs.flatMap((run) => {
    const twin = other.runs.find(({ seed }) => seed === run.seed);
    return twin === undefined ? [] : [[run, twin] as const];
  });
  const of = (value: (run: PlacementRun) => number | null | undefined): MeanInterval | undefined =>
    meanInterval(
      pairs
        .map(([run, twin]) => (value(run) ?? NaN) - (value(twin) ?? NaN))
        .filter(Number.isFinite),
    );
  const reached = (place: 0 | 1): number =>
    pairs.filter((pair) => pair[place].rampSeconds !== null).length;
  return {
    name: one.name,
    group: one.group,
    reference: other.name,
    runs: pairs.length,
    reached: reached(0),
    referenceReached: reached(1),
    rampSeconds: of((run) => run.rampSeconds),
    hotStddev: of(stddevAfterRamp),
    opsPercent: meanInterval(pairs.map(([run, twin]) => (opsOf(run) / opsOf(twin) - 1) * 100)),
  };
}

function summarizeCase(
  { name, group, runs }: PlacementCase,
  base: readonly PlacementRun[],
): PlacementSummary {
  const of = (value: (run: PlacementRun) => number | null | undefined): MeanInterval | undefined =>
    meanInterval(runs.map((run) => value(run) ?? NaN).filter(Number.isFinite));
  return {
    name,
    group,
    runs: runs.length,
    opsHz: of(opsOf),
    opsPercent: of((run) => {
      const other = base.find(({ seed }) => seed === run.seed);
      return other && (opsOf(run) / opsOf(other)) * 100;
    }),
    halfSeconds: of((run) => run.halfSeconds),
    rampSeconds: of((run) => run.rampSeconds),
    notReached: runs.filter(({ rampSeconds }) => rampSeconds === null).length,
    hotPercent: of((run) => mean(laterHalf(run, run.hotPercent))),
    hotStddev: of(stddevAfterRamp),
    freePercent: of((run) => mean(laterHalf(run, run.freePercent))),
    movedBytesPerSecond: of((run) => mean(judged(run, run.movedBytes))),
    overheadNsPerSecond: of((run) => mean(judged(run, run.overheadNs))),
    foundPercent: of(({ foundPercent }) => foundPercent),
  };
}

function stddevAfterRamp(run: PlacementRun): number | undefined {
  if (run.rampSeconds === null) return undefined;
  const stretch = judged(run, run.hotPercent);
  const after = stretch.subarray(Math.floor(run.rampSeconds)).filter(Number.isFinite);
  const middle = mean(after);
  return Math.sqrt(after.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (after.length - 1));
}

function opsOf(run: PlacementRun): number {
  return mean(judged(run, run.opsHz));
}

function judged({ fromSecond }: PlacementRun, series: Float64Array): Float64Array {
  return series.subarray(fromSecond);
}

function laterHalf(run: PlacementRun, series: Float64Array): Float64Array {
  const stretch = judged(run, series);
  return stretch.subarray(Math.floor(stretch.length / 2));
}

function mean(values: Float64Array): number {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
