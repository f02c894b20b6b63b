/**
 * The loop of the control plane: run, take the snapshot, tune, run on.
 *
 * Everything per access, per report and per region happens in the addon, on a thread of its own
 * pool; control comes back here once per interval. Not here: policy. A tuner decides how much, a
 * scheme what.
 */
import type { NativeMonitor, RunResult, VerdictInit } from '../native/binding.cjs';
import { closed } from './closed.ts';
import { DamonError } from './errors.ts';
import { GoalControl, type Tuning, verdictsOf } from './goal/control.ts';
import type { GoalOptions } from './goal/goal.ts';
import { type KdamondConfig, type KdamondOptions, resolveOptions } from './kdamond-options.ts';
import { toBooks } from './monitor/books.ts';
import { openMonitor, toError, translating } from './native/init.ts';
import type { MemoryNode } from './report/hot-ranges.ts';
import type { Books } from './report/record.ts';
import { Snapshot, columnsFor } from './report/snapshot.ts';
import { type Duration, quantity } from './units.ts';

/** How far a run is. */
export interface Progress {
  readonly done: number;
  /** `undefined` where the end is not known. */
  readonly total: number | undefined;
  readonly unit: 'bytes' | 'seconds';
}

/** How long to run, and who wants to know. */
export interface RunOptions {
  /** Ends the run this long after the start of monitoring. @default when the source ends */
  readonly untilMs?: Duration;
  /** Called for each step of a tuner, before it takes effect. */
  readonly onTuning?: (tuning: Tuning) => void;
  /** Called now and then, at most ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run with the signal's reason. The monitor stays usable. */
  readonly signal?: AbortSignal;
}

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000;
const U64_MAX = 2n ** 64n - 1n;
/** Time of the source's clock that one crossing covers at the most: the grain of progress. */
const CHUNK_NS = 1_000_000_000n;
const PROGRESS_EVERY_MS = 100;

/**
 * One monitor: a source of accesses, the regions they fall in, and the schemes that act on those.
 *
 * @example
 * ```ts
 * const kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * for await (const snapshot of kdamond.snapshots()) console.log(snapshot.timeNs, snapshot.length);
 * kdamond.close();
 * ```
 */
export class Kdamond implements AsyncIterable<Snapshot>, Disposable, AsyncDisposable {
  /** What it was told, every option resolved. */
  readonly config: KdamondConfig;
  readonly #native: NativeMonitor;
  readonly #startNs: bigint;
  readonly #control: GoalControl;
  /** Answers to the last requests, for the next run. */
  #verdicts: VerdictInit[] = [];
  #running = false;
  #closed = false;

  /**
   * Opens the source; nothing runs yet.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…` for options, `ERR_DAMON_TRACE_…` for a recording
   */
  constructor(options: KdamondOptions) {
    this.config = resolveOptions(options);
    this.#native = openMonitor(this.config);
    this.#startNs = this.#native.nowNs();
    this.#control = new GoalControl(this.config.schemes);
  }

  /**
   * Runs and yields a snapshot per interval. Leaving the loop early leaves the monitor where it
   * is: a further call goes on from there.
   *
   * @throws DamonError what the source fails with; `ERR_DAMON_BUSY` while another run is in
   *   progress; `ERR_DAMON_CLOSED`
   */
  async *snapshots(options: RunOptions = {}): AsyncGenerator<Snapshot, void, void> {
    const { signal } = options;
    const untilNs = this.#untilNs(options.untilMs);
    const report = progressReporter(options.onProgress);
    this.#begin();
    // The flag in the addon is looked at every tick, so a long chunk ends at once.
    const cancel = (): void => this.#native.cancel();
    signal?.addEventListener('abort', cancel);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const result = await this.#step(untilNs);
        // What was decided or taken is not lost to a signal: it is looked at before the next step.
        if (result.kind === 'tune') this.#tune(result, options.onTuning);
        if (result.kind === 'snapshot') yield this.#snapshot(result);
        if (this.#closed) throw closed('monitor');
        const ended = result.kind === 'ended' || this.#isAt(untilNs, result);
        report(() => this.#progress(untilNs), ended);
        if (ended) return;
      }
    } finally {
      this.#running = false;
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** {@link snapshots} to the end of the source. */
  [Symbol.asyncIterator](): AsyncGenerator<Snapshot, void, void> {
    return this.snapshots();
  }

  /** Runs without looking at the snapshots. */
  async run(options: RunOptions = {}): Promise<void> {
    for await (const _ of this.snapshots(options)) {
      // Each is freed as the next is taken.
    }
  }

  /**
   * Changes a goal of a scheme: its target, or the current value of a `user_input` goal. Takes
   * effect when the scheme's next quota window opens; everything else stays as it is.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or its metric would change
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void {
    this.#control.setGoal(scheme, goal, options);
  }

  /** The source's clock in nanoseconds: simulated time, or the recording's own. */
  get nowNs(): bigint {
    return translating(() => this.#native.nowNs());
  }

  /** When monitoring started, on the source's clock. */
  get startNs(): bigint {
    return this.#startNs;
  }

  /** The source's nodes, as the views take them. */
  get nodes(): MemoryNode[] {
    return this.config.source.nodes.map(({ id, name, start, end }) => {
      const memory = { id, start: BigInt(start), end: BigInt(end) };
      return name === `node ${id}` ? memory : { ...memory, name };
    });
  }

  /** All counters so far, and what must balance. */
  get books(): Books {
    return toBooks(
      translating(() => this.#native.books()),
      this.config.schemes,
    );
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends a run in progress at its next tick and frees everything. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #begin(): void {
    if (this.#closed) throw closed('monitor');
    if (this.#running) {
      throw new DamonError('The monitor is already running: one run at a time', {
        code: 'ERR_DAMON_BUSY',
        hint: 'leave the loop over the snapshots, or wait for the run to end',
      });
    }
    this.#running = true;
  }

  get #tickNs(): bigint {
    return BigInt(this.config.attrs.sampleUs) * 1_000n;
  }

  #untilNs(untilMs: Duration | undefined): bigint {
    if (untilMs === undefined) return U64_MAX;
    return this.#startNs + BigInt(quantity(untilMs, 'ms', 'untilMs')) * NS_PER_MS;
  }

  async #step(untilNs: bigint): Promise<RunResult> {
    // At least one tick, however long it is.
    const tickNs = this.#tickNs;
    const chunkEnd = this.nowNs + (CHUNK_NS > tickNs ? CHUNK_NS : tickNs);
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    const result = await this.#native.run(chunkEnd < untilNs ? chunkEnd : untilNs, verdicts);
    if (result.failure) throw toError(result.failure);
    return result;
  }

  /** Whether a chunk ended because the run as a whole did: the next tick lies beyond its end. */
  #isAt(untilNs: bigint, { kind, nowNs }: RunResult): boolean {
    return kind === 'reached' && nowNs + this.#tickNs > untilNs;
  }

  #snapshot({ regions, nowNs, sinceNs }: RunResult): Snapshot {
    const columns = columnsFor(regions);
    translating(() => this.#native.snapshotInto(columns));
    const aggregationNs = BigInt(this.config.attrs.aggregationUs) * 1_000n;
    return new Snapshot({ ...columns, timeNs: nowNs, intervalNs: nowNs - sinceNs, aggregationNs });
  }

  #tune({ calls, nowNs, hotBytes }: RunResult, onTuning: RunOptions['onTuning']): void {
    const tunings = this.#control.tune(calls, { timeNs: nowNs, hotBytes });
    this.#verdicts = verdictsOf(tunings);
    if (onTuning) tunings.forEach((tuning) => onTuning(tuning));
  }

  #progress(untilNs: bigint): Progress {
    const { rows } = translating(() => this.#native.books());
    if (rows) return { done: rows.bytesRead, total: rows.bytesTotal, unit: 'bytes' };
    const seconds = (ns: bigint): number => Number(ns - this.#startNs) / NS_PER_S;
    return {
      done: seconds(this.nowNs),
      total: untilNs === U64_MAX ? undefined : seconds(untilNs),
      unit: 'seconds',
    };
  }
}

/** Calls back at most ten times a second, and at the end. */
function progressReporter(
  onProgress: RunOptions['onProgress'],
): (progress: () => Progress, ended: boolean) => void {
  let next = 0;
  return (progress, ended) => {
    if (!onProgress || (!ended && performance.now() < next)) return;
    next = performance.now() + PROGRESS_EVERY_MS;
    onProgress(progress());
  };
}
