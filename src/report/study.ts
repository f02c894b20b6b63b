/**
 * What many runs of closed loops say together: the record of a study, and its statistics.
 *
 * A case is a loop that was run with several seeds. Not here: how it was run, or how it is shown.
 */
import type { Convergence } from './convergence.ts';
import { type Band, type MeanInterval, meanBand, meanInterval } from './interval.ts';
import { item } from './item.ts';
import type { PublishedResult } from './record.ts';

/** What one run of a loop leaves behind. */
export interface LoopRun {
  readonly seed: number;
  /** First second of the stretch that is judged. */
  readonly fromSecond: number;
  /** By node: share of the hot memory in percent, one value per second, as the metric reads it. */
  readonly shares: readonly Float64Array[];
  /** The same as the machine knows it. */
  readonly trueShares: readonly Float64Array[];
  /** Bytes migrated in each second. */
  readonly movedBytes: Float64Array;
  /** By node: how its share followed its target. A ramp ends one size quota away from the target. */
  readonly nodes: readonly Convergence[];
  /** The same by what the machine knows: what the metric's own noise adds is not in it. */
  readonly trueNodes: readonly Convergence[];
  /** Until all nodes were there; `null` if one never was. */
  readonly rampSeconds: number | null;
  /** What the size quotas alone make of the way, where nothing moves twice. */
  readonly leastRampSeconds: number;
  /** Bytes migrated after the ramp, in `settledSeconds`. */
  readonly movedAfterRamp: number | null;
  readonly settledSeconds: number;
  /** Equations of the books that did not hold: none, unless something was lost uncounted. */
  readonly unbalanced: readonly string[];
}

/** A case, and its runs as far as they are done. */
export interface StudyCase {
  /** What is held, such as `70 % of 32 GiB on DRAM`. */
  readonly name: string;
  /** Who decides how much is moved, such as `temporal`. */
  readonly controller: string;
  /** By node. */
  readonly nodeNames: readonly string[];
  /** In the order of their seeds. */
  readonly runs: readonly LoopRun[];
  /** What others measured, for the first node. */
  readonly published?: PublishedResult;
}

/** A study as far as it is done. */
export interface StudyRecord {
  readonly title: string;
  /** The machine, its workload and the settings in a few short phrases. */
  readonly machine: readonly string[];
  readonly cases: readonly StudyCase[];
  /** Seeds of each case. */
  readonly seeds: readonly number[];
  readonly runsDone: number;
  readonly runsPlanned: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/** What the runs of a case say about one node. Percent, and percentage points. */
export interface NodeSummary {
  readonly name: string;
  readonly target: number;
  readonly mean: MeanInterval;
  readonly offset: MeanInterval;
  readonly stddev: MeanInterval | undefined;
  readonly overshoot: MeanInterval;
  readonly overshootMax: number;
  /** The largest by what the machine knows: memory that really went past the target. */
  readonly trueOvershootMax: number;
}

/** A case against the first of the same name, seed by seed. */
export interface Versus {
  readonly controller: string;
  /** Bytes migrated per second after the ramp: this case's of the other's. */
  readonly movedRatio: MeanInterval | undefined;
  /** Standard deviation of the first node: this case's less the other's, in percentage points. */
  readonly stddevLess: MeanInterval | undefined;
}

/** What the runs of a case say. */
export interface CaseSummary {
  readonly name: string;
  readonly controller: string;
  readonly runs: number;
  /** Runs in which a node never reached its target; they count in nothing else. */
  readonly notReached: number;
  /** Of two nodes only the first: the other mirrors it. Empty while no run has reached the target. */
  readonly nodes: readonly NodeSummary[];
  readonly rampSeconds: MeanInterval | undefined;
  readonly leastRampSeconds: MeanInterval | undefined;
  /** Bytes migrated per second after the ramp. */
  readonly movedPerSecond: MeanInterval | undefined;
  readonly published?: PublishedResult;
  readonly versus?: Versus;
}

/** The mean share over the runs of a case and its 95 % interval, second by second. */
export type ShareBand = Band;

/**
 * What each case of a study says; later controllers are compared with the first of the same name.
 *
 * @example
 * ```ts
 * import { shares, summarize } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * for (const { controller, nodes } of summarize(record.cases)) console.log(controller, nodes[0]?.mean);
 * ```
 */
export function summarize(cases: readonly StudyCase[]): CaseSummary[] {
  return cases.map((one) => {
    const first = cases.find(({ name }) => name === one.name);
    const summary = summarizeCase(one);
    return first === undefined || first === one
      ? summary
      : { ...summary, versus: versus(one, first) };
  });
}

function summarizeCase({ name, controller, nodeNames, runs, published }: StudyCase): CaseSummary {
  const settled = runs.filter(({ rampSeconds }) => rampSeconds !== null);
  const shown = nodeNames.length === 2 ? nodeNames.slice(0, 1) : nodeNames;
  return {
    name,
    controller,
    runs: runs.length,
    notReached: runs.length - settled.length,
    nodes:
      settled.length === 0 ? [] : shown.map((label, node) => summarizeNode(label, node, settled)),
    rampSeconds: meanInterval(numbers(settled.map(({ rampSeconds }) => rampSeconds))),
    leastRampSeconds: meanInterval(settled.map((run) => run.leastRampSeconds)),
    movedPerSecond: meanInterval(settled.map(movedPerSecond)),
    ...(published && { published }),
  };
}

function summarizeNode(name: string, node: number, runs: readonly LoopRun[]): NodeSummary {
  const results = runs.map(({ nodes }) => item(nodes, node));
  const of = (key: 'mean' | 'offset' | 'overshoot'): MeanInterval => {
    const interval = meanInterval(numbers(results.map((result) => result[key])));
    if (interval === undefined) throw new RangeError('a run that reached its target has a mean');
    return interval;
  };
  return {
    name,
    target: item(results, 0).target,
    mean: of('mean'),
    offset: of('offset'),
    overshoot: of('overshoot'),
    stddev: meanInterval(numbers(results.map(({ stddev }) => stddev))),
    overshootMax: Math.max(...numbers(results.map(({ overshoot }) => overshoot))),
    trueOvershootMax: Math.max(
      ...numbers(runs.map(({ trueNodes }) => item(trueNodes, node).overshoot)),
    ),
  };
}

function versus(one: StudyCase, other: StudyCase): Versus {
  const pairs = one.runs.flatMap((run) => {
    const match = other.runs.find(({ seed }) => seed === run.seed);
    return match && run.rampSeconds !== null && match.rampSeconds !== null
      ? [[run, match] as const]
      : [];
  });
  const ratios = pairs.map(([mine, theirs]) => movedPerSecond(mine) / movedPerSecond(theirs));
  const less = pairs.map(([mine, theirs]) => spread(mine) - spread(theirs));
  return {
    controller: other.controller,
    movedRatio: meanInterval(ratios.filter(Number.isFinite)),
    stddevLess: meanInterval(less.filter(Number.isFinite)),
  };
}

function movedPerSecond({ movedAfterRamp, settledSeconds }: LoopRun): number {
  return (movedAfterRamp ?? NaN) / settledSeconds;
}

function spread({ nodes }: LoopRun): number {
  return nodes[0]?.stddev ?? NaN;
}

function numbers(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/**
 * The band of a node's share over all runs of a case; `NaN` where no run has a value.
 *
 * @example
 * ```ts
 * import { shareBand, shares } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * for (const one of record.cases) console.log(one.controller, shareBand(one, 0).mean.at(-1));
 * ```
 */
export function shareBand({ runs }: StudyCase, node: number): ShareBand {
  return meanBand(runs.map(({ shares }) => shares[node] ?? new Float64Array()));
}
