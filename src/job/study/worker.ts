/** What a thread of the study's pool does: one run of a loop. */
import { DamonError, type DamonErrorJson } from '../../errors.ts';
import type { LoopRun } from '../../report/study.ts';
import { type LoopOptions, runLoop } from './loop.ts';
import { DONE_SECONDS, STOP } from './shared.ts';

/** A run, as it is handed to a thread. */
export interface Task {
  readonly loop: LoopOptions;
  readonly seed: number;
  /** Shared with all threads; places as in `shared.ts`. */
  readonly state: Int32Array;
}

/** How a run ended. An error of ours is told as data: threads hand over only the message of one. */
export type Outcome =
  | { readonly kind: 'done'; readonly run: LoopRun }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused'; readonly error: DamonErrorJson };

/** Runs a loop, unless it is told to stop. */
export default async function work({ loop, seed, state }: Task): Promise<Outcome> {
  const isStopped = (): boolean => Atomics.load(state, STOP) !== 0;
  if (isStopped()) return { kind: 'stopped' };
  const stop = new AbortController();
  let done = 0;
  const onProgress = (seconds: number): void => {
    Atomics.add(state, DONE_SECONDS, Math.floor(seconds) - done);
    done = Math.floor(seconds);
    if (isStopped()) stop.abort();
  };
  try {
    const how = { seed, onThisThread: true, onProgress, signal: stop.signal };
    return { kind: 'done', run: await runLoop(loop, how) };
  } catch (error) {
    if (stop.signal.aborted) return { kind: 'stopped' };
    if (error instanceof DamonError) return { kind: 'refused', error: error.toJSON() };
    throw error;
  }
}
