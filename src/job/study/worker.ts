/** What a thread of the study's pool does: one run of a job. */
import { DamonError, type DamonErrorJson } from '../../errors.ts';
import type { PlacementRun } from '../../report/placement.ts';
import type { LoopRun } from '../../report/study.ts';
import { type LoopOptions, type LoopRunOptions, runLoop } from './loop.ts';
import { type PlacementOptions, runPlacement } from './placement.ts';
import { DONE_SECONDS, STOP } from './shared.ts';

/** The kinds of job: what tells one, and what a run of it leaves behind. All plain data. */
export interface Jobs {
  readonly loop: { readonly options: LoopOptions; readonly run: LoopRun };
  readonly placement: { readonly options: PlacementOptions; readonly run: PlacementRun };
}

/** The name of a kind. */
export type JobKind = keyof Jobs;

/** A run, as it is handed to a thread. */
export interface Task<Kind extends JobKind = JobKind> {
  readonly kind: Kind;
  readonly options: Jobs[Kind]['options'];
  readonly seed: number;
  /** Shared with all threads; places as in `shared.ts`. */
  readonly state: Int32Array;
}

/** How a run ended. An error of ours is told as data: threads hand over only the message of one. */
export type Outcome<Kind extends JobKind = JobKind> =
  | { readonly kind: 'done'; readonly run: Jobs[Kind]['run'] }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused'; readonly error: DamonErrorJson };

const RUN: {
  readonly [Kind in JobKind]: (
    options: Jobs[Kind]['options'],
    how: LoopRunOptions,
  ) => Promise<Jobs[Kind]['run']>;
} = { loop: runLoop, placement: runPlacement };

/** Runs a job, unless it is told to stop. */
export default async function work<Kind extends JobKind>({
  kind,
  options,
  seed,
  state,
}: Task<Kind>): Promise<Outcome<Kind>> {
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
    return { kind: 'done', run: await RUN[kind](options, how) };
  } catch (error) {
    if (stop.signal.aborted) return { kind: 'stopped' };
    if (error instanceof DamonError) return { kind: 'refused', error: error.toJSON() };
    throw error;
  }
}
