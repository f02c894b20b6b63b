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
import { describeSampler } from '../../sampler/sampler.ts';
import type { PublishedResult } from '../../report/record.ts';
import type { LoopRun, StudyCase, StudyRecord } from '../../report/study.ts';
import type { LoopOptions } from './loop.ts';
import { defaultWorkers, runAll } from './pool.ts';

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

/**
 * Runs each case with each seed.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, and what a run would be refused for
 */
export async function study(options: StudyOptions): Promise<StudyRecord> {
  const {
    title,
    cases,
    seeds = 1,
    seed = 1,
    workers = defaultWorkers(),
    onProgress,
    signal,
  } = options;
  expectInteger('seeds', seeds, 1, SEEDS_MAX);
  expectInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER - seeds);
  expectInteger('workers', workers, 1, WORKERS_MAX);
  const started = performance.now();
  const all = Array.from({ length: seeds }, (_, i) => seed + i);
  // Seed by seed, so that what is done when it ends early can be compared.
  const planned = all.flatMap((each) => cases.map(({ loop }) => ({ loop, seed: each })));
  const total = planned.reduce((sum, { loop }) => sum + secondsOf(loop), 0);
  const runs = await runAll(planned, {
    workers,
    ...(onProgress && {
      onProgress: (done: number) => onProgress({ done, total, unit: 'seconds' }),
    }),
    ...(signal && { signal }),
  });
  const ofCase = (index: number): LoopRun[] =>
    runs.filter((run, i): run is LoopRun => i % cases.length === index && run !== undefined);
  const done = runs.filter((run) => run !== undefined);
  return {
    title,
    machine: describe(cases[0]?.loop),
    cases: cases.map((one, index) => studyCase(one, ofCase(index))),
    seeds: all,
    runsDone: done.length,
    runsPlanned: planned.length,
    simulatedSeconds: done.reduce((sum, { movedBytes }) => sum + movedBytes.length, 0),
    wallSeconds: (performance.now() - started) / 1_000,
    workers,
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

function describe(loop: LoopOptions | undefined): string[] {
  const { source = RFC_MACHINE, attrs, szBytes = '512 MiB', resetIntervalMs = '1 s' } = loop ?? {};
  const config = resolveOptions({ source, ...(attrs && { attrs }) });
  if (config.source.type !== 'emulation') return [];
  const { nodes, processor, workload, sampler } = config.source;
  return [
    ...nodes.map(({ name, start, end }) => `${name} ${formatBytes(end - start)}`),
    ...(workload.type === 'hot_set' ? [`hot set ${formatBytes(workload.hotBytes)}`] : []),
    `${processor.cpus} CPUs, ${describeSampler(sampler)}`,
    `quota ${szBytes} per ${resetIntervalMs} and scheme`,
    `sampling ${config.attrs.sampleUs / 1_000} ms, aggregation ${config.attrs.aggregationUs / 1_000} ms`,
  ];
}

function expectInteger(path: string, received: number, min: number, max: number): void {
  if (Number.isSafeInteger(received) && min <= received && received <= max) return;
  const expected = `an integer from ${min} to ${max}`;
  throw refuse({ code: CODE, path, expected, received });
}
