/** What a thread of the study's pool does: one run of a loop. */
import { type LoopOptions, runLoop } from './loop.ts';
import { DONE_SECONDS, STOP } from './shared.ts';
import type { LoopRun } from '../../report/study.ts';

/** A run, as it is handed to a thread. */
export interface Task {
  readonly loop: LoopOptions;
  readonly seed: number;
  /** Shared with all threads; places as in `shared.ts`. */
  readonly state: Int32Array;
}

/** Runs a loop; `undefined` when it was told to stop on the way. */
export default async function work({ loop, seed, state }: Task): Promise<LoopRun | undefined> {
  const stop = new AbortController();
  let done = 0;
  const onProgress = (seconds: number): void => {
    Atomics.add(state, DONE_SECONDS, Math.floor(seconds) - done);
    done = Math.floor(seconds);
    if (Atomics.load(state, STOP) !== 0) stop.abort();
  };
  try {
    return await runLoop(loop, { seed, onThisThread: true, onProgress, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    throw error;
  }
}
