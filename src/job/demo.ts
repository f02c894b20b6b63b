/**
 * The second job: the RFC's demonstration. Two schemes, PULL and PUSH, hold a share of the hot
 * memory on DRAM beside CXL, on the emulated machine.
 */
import type { Tuning } from '../goal/control.ts';
import { Kdamond, type Progress } from '../kdamond.ts';
import type { TunerName } from '../goal/tuner/tuners.ts';
import { RFC_MACHINE } from '../machine/preset.ts';
import { convergenceRows, type TargetStep } from '../report/convergence.ts';
import { formatBytes, formatDuration } from '../report/format.ts';
import { Heatmap } from '../report/heatmap.ts';
import type { DemoRecord, PublishedResult } from '../report/record.ts';
import { pullPush } from '../scheme/pull-push.ts';
import { refuse } from '../errors.ts';
import { describeNodes, describeWatching } from './described.ts';
import { type ExplainHooks, Gathering } from './explained.ts';
import { secondsOfMinutes } from './minutes.ts';

/** What to hold, for how long. */
export interface DemoOptions extends ExplainHooks {
  /** Shares of hot memory on DRAM in percent, each above 0 and below 100, one after the other. @default [70] */
  readonly targets?: readonly number[];
  /** Simulated minutes for each target. Above 0, at most 1440. @default 15, the least of the RFC's runs */
  readonly minutes?: number;
  /** Decides every random draw. @default 1 */
  readonly seed?: number;
  /** @default "temporal", as the RFC */
  readonly tuner?: TunerName;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The RFC's closed-loop results, in percent. `hardware-sampling.md` 13.1. */
export const PUBLISHED: readonly PublishedResult[] = [
  { target: 70, mean: 69.73, stddev: 0.7 },
  { target: 30, mean: 31.0, stddev: 1.28 },
  { target: 90, mean: 89.74, stddev: 0.64 },
  { target: 85, mean: 84.61, stddev: 0.6 },
];

/** Half as much again as any view shows. */
const HEATMAP = { columns: 256, rows: 256 };
const CODE = 'ERR_DAMON_CONFIG_DEMO';
const PULL = 0;
const PUSH = 1;

/**
 * Runs the demonstration.
 *
 * @example
 * ```ts
 * import { demo } from 'node-damon';
 *
 * const { rows } = await demo({ targets: [70, 90], minutes: 0.05 });
 * for (const { target, mean } of rows) console.log(target, mean);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_DEMO` for a target or a time that cannot be
 */
export async function demo(options: DemoOptions = {}): Promise<DemoRecord> {
  const {
    targets = [70],
    minutes = 15,
    seed = 1,
    tuner = 'temporal',
    onProgress,
    signal,
  } = options;
  check(targets);
  const secondsPerTarget = secondsOfMinutes(minutes, CODE);
  const [dram, cxl] = RFC_MACHINE.nodes;
  if (dram === undefined || cxl === undefined) throw new RangeError('the RFC has two nodes');
  const started = performance.now();
  using kdamond = new Kdamond({
    source: RFC_MACHINE,
    schemes: pullPush({
      fast: { id: 0, ...range(dram) },
      slow: { id: 1, ...range(cxl) },
      targetBp: toBp(targets[0] ?? 70),
      tuner,
    }),
    seed,
    everyMs: '10 s',
  });

  const seconds = secondsPerTarget * targets.length;
  const share = new Float64Array(seconds).fill(NaN);
  const trueShare = new Float64Array(seconds).fill(NaN);
  const quotas = [new Float64Array(seconds), new Float64Array(seconds)];
  const gathering = new Gathering(kdamond, options);
  const onTuning = (tuning: Tuning): void => {
    gathering.onTuning(tuning);
    // A window opens once per second, at the first aggregation in it.
    const second = Math.floor(Number(tuning.timeNs) / 1e9);
    if (second >= seconds) return;
    const series = quotas[tuning.scheme];
    if (series) series[second] = tuning.effectiveBytes;
    if (tuning.scheme !== PULL) return;
    share[second] = (tuning.goals[0]?.currentValue ?? NaN) / 100;
    trueShare[second] = onDram(tuning.hotBytes);
  };

  const heatmap = new Heatmap(HEATMAP);
  for (const [i, target] of targets.entries()) {
    if (i > 0) retarget(kdamond, toBp(target));
    const run = kdamond.snapshots({
      untilMs: (i + 1) * secondsPerTarget * 1_000,
      onTuning,
      ...(onProgress && {
        onProgress: ({ done, unit }: Progress) => onProgress({ done, total: seconds, unit }),
      }),
      ...(signal && { signal }),
    });
    for await (const snapshot of run) {
      heatmap.add(snapshot);
      await gathering.takeRounds();
    }
  }
  await gathering.takeRounds();

  const steps: TargetStep[] = targets.map((target, i) => ({
    fromSecond: i * secondsPerTarget,
    target,
  }));
  return {
    ...gathering.explained,
    seed,
    tuner,
    simulatedSeconds: seconds,
    wallSeconds: (performance.now() - started) / 1_000,
    machine: describe(kdamond),
    share,
    trueShare,
    targets: steps,
    rows: convergenceRows(share, steps),
    published: PUBLISHED.filter(({ target }) => targets.includes(target)),
    quotas: [
      { name: 'PULL', effectiveBytes: quotas[PULL] ?? new Float64Array() },
      { name: 'PUSH', effectiveBytes: quotas[PUSH] ?? new Float64Array() },
    ],
    books: kdamond.books,
    heatmap,
    nodes: kdamond.nodes,
  };
}

function check(targets: readonly number[]): void {
  if (targets.length === 0) {
    throw refuse({
      code: CODE,
      path: 'targets',
      expected: 'at least one share',
      received: targets,
    });
  }
  targets.forEach((target, i) => {
    // 70.1 * 100 is not quite 7010: what counts is that the share is that number of basis points.
    if (target > 0 && target < 100 && toBp(target) / 100 === target) return;
    const expected = 'a percentage above 0 and below 100, in steps of 0.01';
    throw refuse({ code: CODE, path: `targets[${i}]`, expected, received: target });
  });
}

function toBp(percent: number): number {
  return Math.round(percent * 100);
}

function range({
  start,
  end,
}: (typeof RFC_MACHINE.nodes)[number]): Pick<(typeof RFC_MACHINE.nodes)[number], 'start' | 'end'> {
  return { start, end };
}

/** A live change of the target: both schemes' goals, nothing else. */
function retarget(kdamond: Kdamond, targetBp: number): void {
  const metric = 'node_eligible_mem_bp';
  kdamond.setGoal(PULL, 0, { metric, nid: 0, targetValue: targetBp });
  kdamond.setGoal(PUSH, 0, { metric, nid: 1, targetValue: 10_000 - targetBp });
}

function onDram(hotBytes: readonly number[] | undefined): number {
  const total = hotBytes?.reduce((sum, bytes) => sum + bytes, 0) ?? 0;
  return total === 0 ? NaN : ((hotBytes?.[0] ?? 0) / total) * 100;
}

function describe({ config: { source, schemes, attrs } }: Kdamond): string[] {
  if (source.type !== 'emulation') return [];
  const { workload } = source;
  const quota = schemes[PULL]?.quota;
  return [
    ...describeNodes(source),
    ...(workload.type === 'hot_set'
      ? [`hot set ${formatBytes(workload.hotBytes)}, half on each node`]
      : []),
    describeWatching(source),
    `quota ${formatBytes(quota?.szBytes ?? 0)} per ${formatDuration((quota?.resetIntervalMs ?? 0) / 1_000)} and scheme`,
    `sampling ${attrs.sampleUs / 1_000} ms, aggregation ${attrs.aggregationUs / 1_000} ms`,
  ];
}
