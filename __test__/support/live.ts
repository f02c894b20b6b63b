/** Live monitors, and threads and processes that feed them. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import type { ExecutionContext } from 'ava';

import type { LiveKdamondOptions } from '../../src/live/live-kdamond-options.ts';
import { LiveKdamond } from '../../src/live/live-kdamond.ts';
import type { Snapshot } from '../../src/report/snapshot.ts';
import { MIB, collect } from './small.ts';

/** The library as users get it: what a worker or a process loads in a few milliseconds. */
export const DIST: string = new URL('../../dist/index.js', import.meta.url).href;
export const PRODUCER: string = new URL('../../dist/producer/index.js', import.meta.url).href;

/** Four ranges of 1 MiB, each 16 MiB after the one before: no region is cut across them. */
export const RANGES: readonly { readonly start: number; readonly end: number }[] = [0, 1, 2, 3].map(
  (i) => ({ start: i * 16 * MIB, end: i * 16 * MIB + MIB }),
);

/** A monitor of {@link RANGES} whose only snapshot is the one at the stop. */
export function liveOf(more: LiveKdamondOptions = {}): LiveKdamond {
  const watched = more.operations === 'fvaddr' ? {} : { regions: RANGES };
  const attrs = { sampleUs: '1 ms', aggregationUs: '10 ms' };
  return new LiveKdamond({ ...watched, attrs, everyMs: '1 h', ...more });
}

/** Opens a lane for the length of a test: intervals are observed while there is one. */
export function holdLane(t: ExecutionContext, live: LiveKdamond): void {
  const lane = live.lane();
  t.teardown(() => lane.close());
}

/** Stops a monitor; answers with the snapshots that wait. */
export async function rest(live: LiveKdamond): Promise<Snapshot[]> {
  await live.stop();
  return collect(live);
}

/** Hits within each of {@link RANGES}. */
export function hitsByRange(snapshots: readonly Snapshot[]): number[] {
  const regions = snapshots.flatMap((snapshot) => [...snapshot]);
  return RANGES.map(({ start, end }) =>
    regions
      .filter((region) => start <= region.start && region.end <= end)
      .reduce((sum, { hits }) => sum + hits, 0),
  );
}

/** A counter of the books. */
export function count({ books }: LiveKdamond, path: string): number {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], books.counters) as number;
}

const PATIENCE_MS = 60_000;

/** Waits until something is so, and complains when it never is. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/**
 * A worker that runs the body of an async function. It finds `workerData`, `parentPort`, and the
 * modules `damon` and `producer`.
 */
export function workerOf(body: string, workerData?: unknown): Worker {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    (async () => {
      const producer = await import('${PRODUCER}');
      const damon = async () => import('${DIST}');
      ${body}
    })();
  `;
  return new Worker(code, { eval: true, workerData, execArgv: [] });
}

/** The next message of a worker. A worker that fails instead rejects. */
export async function message(worker: Worker): Promise<unknown> {
  const [first] = (await once(worker, 'message')) as [unknown];
  return first;
}

/** Waits for a worker's end of its own; answers with its exit code. */
export async function exitOf(worker: Worker): Promise<number> {
  const [code] = (await once(worker, 'exit')) as [number];
  return code;
}

/** What a process left behind. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a module as a process of its own, to its end. It finds the library as `damon`. */
export function runModule(body: string, ...flags: string[]): Ended {
  const code = `import * as damon from '${DIST}';\n${body}`;
  const args = [...flags, '--input-type=module', '--eval', code];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  return { code: status, signal, stdout, stderr };
}
