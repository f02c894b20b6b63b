/**
 * A study: loops, each run with several seeds.
 *
 * The same seeds for every loop, so that two of them can be compared pair by pair. Not here: which
 * loops are worth it (see `rows.ts`, `sensitivity.ts` and `shares.ts`).
 */
import { refuse } from '../../errors.ts';
import { resolveOptions } from '../../kdamond-options.ts';
import type { Progress } from '../../kdamond.ts';
import { RFC_MACHINE } from '../../machine/preset.ts';
import { formatBytes } from '../../report/format.ts';
import type { PublishedResult } from '../../report/record.ts';
import type { LoopRun, StudyCase, StudyRecord } from '../../report/study.ts';
import { describeNodes, describeWatching } from '../described.ts';
import type { Controller, LoopOptions } from './loop.ts';
import { defaultWorkers, runAll } from './pool.ts';
import type { JobKind, Jobs } from './worker.ts';

/** A loop with a name. */
export interface CaseOptions {
  /** What is held. Cases of one name are compared with the first. */
  readonly name: string;
  readonly loop: LoopOptions;
  /** What others measured, for the first node. */
  readonly published?: PublishedResult;
}

/** How a study is run. */
export interface StudyRunOptions {
  /** How many seeds. From 1 to 10000. @default 1 */
  readonly seeds?: number;
  /** The first; the others follow it. @default 1 */
  readonly seed?: number;
  /** Threads. @default one for each core */
  readonly workers?: number;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the study; what is done by then is its result. */
  readonly signal?: AbortSignal;
}

/** A study, before it is run. */
export interface StudyOptions extends StudyRunOptions {
  readonly title: string;
  readonly cases: readonly CaseOptions[];
}

const CODE = 'ERR_DAMON_CONFIG_STUDY';
const SEEDS_MAX = 10_000;
const WORKERS_MAX = 1_024;

/** A job that is run with several seeds, and how long each run is. */
interface SeededJob<Kind extends JobKind> {
  readonly options: Jobs[Kind]['options'];
  readonly seconds: number;
}

/** What the runs of several jobs left behind, and what it took. */
export interface SeededRuns<Kind extends JobKind> {
  /** By job, in the order of their seeds: the runs that are done. */
  readonly byJob: readonly (readonly Jobs[Kind]['run'][])[];
  readonly seeds: readonly number[];
  readonly runsDone: number;
  readonly runsPlanned: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/**
 * Runs each job with each seed.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, and what a run would be refused for
 */
export async function runSeeds<Kind extends JobKind>(
  kind: Kind,
  jobs: readonly SeededJob<Kind>[],
  { seeds = 1, seed = 1, workers = defaultWorkers(), onProgress, signal }: StudyRunOptions,
): Promise<SeededRuns<Kind>> {
  expectInteger('seeds', seeds, 1, SEEDS_MAX);
  expectInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER - seeds);
  expectInteger('workers', workers, 1, WORKERS_MAX);
  const started = performance.now();
  const all = Array.from({ length: seeds }, (_, i) => seed + i);
  // Seed by seed, so that what is done when it ends early can be compared.
  const planned = all.flatMap((each) => jobs.map(({ options }) => ({ options, seed: each })));
  const secondsAt = (i: number): number => jobs[i % jobs.length]?.seconds ?? 0;
  const total = planned.reduce((sum, _, i) => sum + secondsAt(i), 0);
  const runs = await runAll(kind, planned, {
    workers,
    ...(onProgress && {
      onProgress: (done: number) => onProgress({ done, total, unit: 'seconds' }),
    }),
    ...(signal && { signal }),
  });
  const isDone = (run: Jobs[Kind]['run'] | undefined): run is Jobs[Kind]['run'] =>
    run !== undefined;
  return {
    byJob: jobs.map((_, job) => runs.filter((__, i) => i % jobs.length === job).filter(isDone)),
    seeds: all,
    runsDone: runs.filter(isDone).length,
    runsPlanned: planned.length,
    simulatedSeconds: runs.reduce((sum, run, i) => sum + (isDone(run) ? secondsAt(i) : 0), 0),
    wallSeconds: (performance.now() - started) / 1_000,
    workers,
  };
}

/**
 * Runs each case with each seed.
 *
 * @example
 * ```ts
 * import { RFC_MACHINE, study } from 'node-damon';
 *
 * const steps = [{ weights: [7, 3], seconds: 3 }];
 * const { cases } = await study({
 *   title: 'Two tuners',
 *   cases: (['temporal', 'proportional'] as const).map((controller) => ({
 *     name: '70 %',
 *     loop: { source: RFC_MACHINE, steps, controller },
 *   })),
 * });
 * console.log(cases.map(({ controller }) => controller).join(', ')); // temporal, proportional
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, and what a run would be refused for
 */
export async function study({ title, cases, ...how }: StudyOptions): Promise<StudyRecord> {
  const jobs = cases.map(({ loop }) => ({ options: loop, seconds: secondsOf(loop) }));
  const { byJob, ...record } = await runSeeds('loop', jobs, how);
  return {
    title,
    machine: describe(cases.map(({ loop }) => loop)),
    cases: cases.map((one, i) => studyCase(one, byJob[i] ?? [])),
    ...record,
  };
}

function studyCase({ name, loop, published }: CaseOptions, runs: readonly LoopRun[]): StudyCase {
  const { nodes } = loop.source ?? RFC_MACHINE;
  return {
    name,
    controller: loop.controller ?? 'temporal',
    runs,
    nodeNames: nodes.map((node, id) => node.name ?? `node ${id}`),
    ...(published && { published }),
  };
}

function secondsOf({ steps }: LoopOptions): number {
  return steps.reduce((sum, { seconds }) => sum + seconds, 0);
}

function describe(loops: readonly LoopOptions[]): string[] {
  const {
    source = RFC_MACHINE,
    attrs,
    szBytes = '512 MiB',
    resetIntervalMs = '1 s',
  } = loops[0] ?? {};
  const config = resolveOptions({ source, ...(attrs && { attrs }) });
  if (config.source.type !== 'emulation') return [];
  const { workload } = config.source;
  return [
    ...describeNodes(config.source),
    ...(workload.type === 'hot_set' ? [`hot set ${formatBytes(workload.hotBytes)}`] : []),
    describeWatching(config.source),
    `quota ${szBytes} per ${resetIntervalMs} and scheme`,
    `sampling ${config.attrs.sampleUs / 1_000} ms`,
    ...aggregations(loops),
  ];
}

/** By controller, where they have different ones. */
function aggregations(loops: readonly LoopOptions[]): string[] {
  const byController = new Map<Controller, number>();
  for (const { controller = 'temporal', source = RFC_MACHINE, attrs } of loops) {
    if (byController.has(controller)) continue;
    const config = resolveOptions({ source, ...(attrs && { attrs }) });
    byController.set(controller, config.attrs.aggregationUs / 1_000);
  }
  const isOne = new Set(byController.values()).size === 1;
  return [...byController]
    .slice(0, isOne ? 1 : undefined)
    .map(([controller, ms]) => `aggregation ${ms} ms${isOne ? '' : ` under ${controller}`}`);
}

function expectInteger(path: string, received: number, min: number, max: number): void {
  if (Number.isSafeInteger(received) && min <= received && received <= max) return;
  const expected = `an integer from ${min} to ${max}`;
  throw refuse({ code: CODE, path, expected, received });
}
