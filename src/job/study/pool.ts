/**
 * Runs jobs on as many threads as there are cores.
 *
 * Each run depends on its options and seed alone, so neither the number of threads nor the order in
 * which they end changes a result. Not here: which runs, and what they mean.
 */
import { availableParallelism } from 'node:os';

import { DamonError } from '../../errors.ts';
import { DONE_SECONDS, PLACES, STOP } from './shared.ts';
import type { JobKind, Jobs, Outcome, Task } from './worker.ts';

/** How runs are shared out. */
export interface PoolOptions {
  /** Threads. @default one for each core */
  readonly workers?: number;
  /** Called now and then with the simulated seconds done, of all runs together. */
  readonly onProgress?: (seconds: number) => void;
  /** Ends what is being done: those runs have no result. */
  readonly signal?: AbortSignal;
}

/** A run to do. */
export interface PlannedRun<Kind extends JobKind> {
  readonly options: Jobs[Kind]['options'];
  readonly seed: number;
}

// Compiled, the worker lies beside this file under its other name.
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const WORKER = new URL(`./worker.${EXTENSION}`, import.meta.url).href;
const PROGRESS_EVERY_MS = 100;

/** Threads that a study has unless it is told otherwise. */
export function defaultWorkers(): number {
  return availableParallelism();
}

/**
 * Does all runs of a kind of job, as far as the signal lets it.
 *
 * @returns by run: what it left behind, `undefined` if it was not done
 * @throws what a run fails with; the others are then ended
 */
export async function runAll<Kind extends JobKind>(
  kind: Kind,
  planned: readonly PlannedRun<Kind>[],
  { workers = defaultWorkers(), onProgress, signal }: PoolOptions,
): Promise<(Jobs[Kind]['run'] | undefined)[]> {
  const state = new Int32Array(new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT));
  const threads = Math.max(1, Math.min(workers, planned.length));
  // Loaded by the first study: who only imports the library does not wait for it.
  const { Piscina } = await import('piscina');
  const pool = new Piscina<Task<Kind>, Outcome<Kind>>({
    filename: WORKER,
    minThreads: threads,
    maxThreads: threads,
    // A run is seconds of work: a thread that has ended one waits for the next in its own time.
    atomics: 'disabled',
  });
  const tell = (): void => onProgress?.(Atomics.load(state, DONE_SECONDS));
  const stop = (): void => void Atomics.store(state, STOP, 1);
  const ticking = setInterval(tell, PROGRESS_EVERY_MS);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    // One run in the pool for each thread, in the order given, which its queue does not keep: what is
    // done when it ends early should be the first, so that it can be compared.
    const runs = planned.map((): Jobs[Kind]['run'] | undefined => undefined);
    const queue = planned.entries();
    const work = async (): Promise<void> => {
      for (const [i, { options, seed }] of queue) {
        if (Atomics.load(state, STOP) !== 0) return;
        runs[i] = runOf(await pool.run({ kind, options, seed, state }));
      }
    };
    await Promise.all(Array.from({ length: threads }, work));
    return runs;
  } catch (error) {
    stop();
    throw error;
  } finally {
    clearInterval(ticking);
    signal?.removeEventListener('abort', stop);
    await pool.close();
    tell();
  }
}

function runOf<Kind extends JobKind>(outcome: Outcome<Kind>): Jobs[Kind]['run'] | undefined {
  if (outcome.kind === 'refused') throw new DamonError(outcome.error.message, outcome.error);
  return outcome.kind === 'done' ? outcome.run : undefined;
}
