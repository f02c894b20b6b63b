/**
 * The loop of the control plane: run, take the snapshot, tune, run on.
 *
 * Everything per access, per report and per region happens in the addon, on a thread of its own
 * pool; control comes back here once per interval. Not here: policy. A tuner decides how much, a
 * scheme what.
 */
import type { NativeMonitor, RunResult, VerdictInit } from '../native/binding.cjs';
import { closed } from './closed.ts';
import { DamonError, refuse } from './errors.ts';
import { Explainer } from './explainer.ts';
import { GoalControl, type Tuning, verdictsOf } from './goal/control.ts';
import type { Goal, GoalOptions } from './goal/goal.ts';
import {
  type CommitOptions,
  type KdamondConfig,
  type KdamondOptions,
  Resolved,
  type Source,
  resolveCommit,
  resolveGoals,
  resolveOptions,
} from './kdamond-options.ts';
import { toBooks } from './monitor/books.ts';
import type { ContextConfig } from './monitor/monitor-options.ts';
import type { Throughput } from './machine/throughput.ts';
import {
  contextInit,
  goalInit,
  openMonitor,
  openOwn,
  restartInit,
  toError,
  translating,
} from './native/init.ts';
import { Answers, type OperationsFailure } from './operations/answers.ts';
import { OperationsRegistry } from './operations/registry.ts';
import type { ExplainOptions, Explanation } from './report/explanation.ts';
import type { MemoryNode } from './report/hot-ranges.ts';
import type { MonitorCounters } from './report/counters.ts';
import type { Books } from './report/record.ts';
import type { Round } from './report/round.ts';
import {
  type Snapshot,
  type SnapshotColumnsOptions,
  between,
  givenColumns,
  snapshotTargets,
} from './report/snapshot.ts';
import { type TriedRegions, triedRegions } from './report/tried.ts';
import { type Duration, quantity } from './units.ts';

/** How far a run is. */
export interface Progress {
  readonly done: number;
  /** `undefined` where the end is not known. */
  readonly total: number | undefined;
  readonly unit: 'bytes' | 'seconds';
}

/** How long to run, and who wants to know. */
export interface RunOptions extends SnapshotColumnsOptions {
  /** Ends the run this long after the start of monitoring. @default when the source ends */
  readonly untilMs?: Duration;
  /** Called for each step of a tuner, before it takes effect. */
  readonly onTuning?: (tuning: Tuning) => void;
  /**
   * Called for each question that an operations set of your own did not answer, as it happens: what it
   * was for is left out, and the run goes on.
   */
  readonly onFailure?: (failure: OperationsFailure) => void;
  /** Called now and then, at most ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run with the signal's reason. The monitor stays usable. */
  readonly signal?: AbortSignal;
  /**
   * Runs on the calling thread, which does nothing else meanwhile, in steps of up to a second of the
   * source's clock: for workers, of which there may be more than the four threads of Node's pool.
   * Not for operations sets of your own, which answer on it. @default false
   */
  readonly onThisThread?: boolean;
}

/** Intervals in force, in microseconds. */
export interface Intervals {
  readonly sampleUs: number;
  readonly aggregationUs: number;
}

interface Asked {
  readonly act: () => void;
  readonly done: () => void;
  readonly reject: (error: unknown) => void;
}

/** Why a run came back, and it is not a failure. */
type Outcome = Exclude<RunResult, { readonly kind: 'failed' }>;
type OutcomeOf<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

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
 * import { Kdamond } from 'node-damon';
 *
 * const kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * for await (const snapshot of kdamond.snapshots()) console.log(snapshot.timeNs, snapshot.length);
 * kdamond.close();
 * ```
 */
export class Kdamond implements AsyncIterable<Snapshot>, Disposable, AsyncDisposable {
  #config: KdamondConfig;
  readonly #native: NativeMonitor;
  readonly #startNs: bigint;
  readonly #control: GoalControl;
  /** Of operations sets of the user's own. */
  readonly #answers: Answers;
  /** Answers to the last requests, for the next run. */
  #verdicts: VerdictInit[] = [];
  #running = false;
  /** Whether the addon is at work: between two steps it is not, though a run is in progress. */
  #stepping = false;
  #closed = false;
  /** What is to be done to the monitor between two steps. */
  readonly #asked: Asked[] = [];
  /** Who waits for the walk in progress. */
  #walk: { answer: (tried: TriedRegions[]) => void; reject: (error: unknown) => void } | undefined;
  readonly #explainer: Explainer;

  /**
   * Opens the source; nothing runs yet.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…` for options, `ERR_DAMON_TRACE_…` for a recording
   */
  constructor(options: KdamondOptions);
  /** @internal */
  constructor(resolved: Resolved);
  constructor(options: KdamondOptions | Resolved) {
    this.#config = options instanceof Resolved ? options.config : resolveOptions(options);
    const { source, controlTimeoutMs } = this.#config;
    this.#answers = new Answers(controlTimeoutMs);
    this.#native = this.#open(source);
    this.#startNs = this.#native.nowNs();
    this.#control = new GoalControl(this.#config.schemes, controlTimeoutMs);
    this.#explainer = new Explainer(() => translating(() => this.#native.takeRounds()));
  }

  /**
   * What it was told last, every option resolved, by whatever it was told: `commit`, `commitGoals`,
   * `setGoal`. Tuned {@link intervals} are not what it was told.
   */
  get config(): KdamondConfig {
    return this.#config;
  }

  /**
   * Runs and yields a snapshot per interval. Leaving the loop early leaves the monitor where it
   * is: a further call goes on from there.
   *
   * @throws DamonError what the source fails with; `ERR_DAMON_BUSY` while another run is in
   *   progress; `ERR_DAMON_CLOSED`
   */
  async *snapshots(options: RunOptions = {}): AsyncGenerator<Snapshot, void, void> {
    const { signal, onThisThread = false } = options;
    if (onThisThread && this.#config.source.type === 'operations') {
      const expected = 'false: the operations set answers on this thread';
      throw refuse({
        code: 'ERR_DAMON_CONFIG_RUN',
        path: 'onThisThread',
        expected,
        received: true,
      });
    }
    const untilNs = this.#untilNs(options.untilMs);
    const report = progressReporter(options.onProgress);
    this.#begin();
    this.#answers.onFailure = options.onFailure;
    // The flag in the addon is looked at every tick, so a long chunk ends at once; a question to a set
    // of the user's own is given up.
    const cancel = (): void => this.#native.interrupt();
    signal?.addEventListener('abort', cancel);
    try {
      for (;;) {
        signal?.throwIfAborted();
        this.#ask();
        const result = await this.#step(untilNs, onThisThread);
        // What was decided or taken is not lost to a signal: it is looked at before the next step.
        if (result.kind === 'tune') await this.#tune(result, options.onTuning);
        if (result.kind === 'tried') this.#answerWalk();
        if (result.kind === 'snapshot') yield this.#snapshot(result, options);
        if (this.#closed) throw closed('monitor');
        const ended = result.kind === 'ended' || this.#isAt(untilNs, result);
        report(() => this.#progress(untilNs), ended);
        if (ended) return;
      }
    } finally {
      this.#running = false;
      this.#answers.onFailure = undefined;
      signal?.removeEventListener('abort', cancel);
      this.#ask();
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
   * effect when the scheme's next quota window opens; everything else stays as it is, `complement` and
   * a value that is left out too.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or it would measure something
   *   else
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void {
    this.#control.setGoal(scheme, goal, options);
    this.#tellGoals();
  }

  /**
   * Changes everything at once, also while a run is in progress: what is left out gets its default.
   * Takes effect at the end of a sampling interval, after it was observed and before the schemes
   * act. Schemes and targets are paired by place: a pair keeps its regions, counts, ages, statistics,
   * quota and tuner state; the rest goes or comes. `damon_commit_ctx`, `damon-core.md` 8.1.
   *
   * @throws DamonError for what would be refused of a new monitor, too; `ERR_DAMON_BUSY` while the
   *   commit before is still to take effect, `ERR_DAMON_ENDED` when there is nothing left to
   *   monitor. Everything then stays as it is.
   */
  async commit(options: CommitOptions): Promise<void> {
    const { source, addresses } = this.#config;
    await this.commitConfig(resolveCommit(options, source, addresses));
  }

  /**
   * {@link commit} of what has been checked.
   * @internal
   */
  async commitConfig(context: ContextConfig): Promise<void> {
    const { source } = this.#config;
    await this.#between(() => {
      if (source.type === 'operations') {
        const inForce = translating(() => this.#native.state()).operations;
        this.#answers.use(source.registry.get(context.operations), inForce);
      }
      const { sampler, ...rest } = context;
      const restart = sampler && { sampler: restartInit(sampler, this.#config.seed) };
      translating(() => this.#native.commit({ ...contextInit(rest), ...restart }));
      // Targets that are left out are left to the source again.
      const { targets: _gone, ...kept } = this.#config;
      const sampled = sampler && source.type === 'emulation' ? { ...source, sampler } : source;
      this.#config = { ...kept, ...rest, source: sampled };
      this.#control.commit(context.schemes);
    });
  }

  /**
   * Whether the source would take a commit.
   * @internal
   */
  async checkCommit({ sampler, ...context }: ContextConfig): Promise<void> {
    await this.#between(() => {
      const restart = sampler && { sampler: restartInit(sampler, this.#config.seed) };
      translating(() => this.#native.checkCommit({ ...contextInit(context), ...restart }));
    });
  }

  /**
   * Changes goals and nothing else, as {@link commit} does: by scheme; schemes beyond the list keep
   * theirs. The tuners go on from where they are.
   */
  async commitGoals(schemes: readonly (readonly GoalOptions[])[]): Promise<void> {
    await this.commitGoalConfigs(resolveGoals(schemes));
  }

  /**
   * {@link commitGoals} of what has been checked.
   * @internal
   */
  async commitGoalConfigs(goals: readonly (readonly Goal[])[]): Promise<void> {
    await this.#between(() => {
      translating(() => this.#native.commitGoals(goals.map((list) => list.map(goalInit))));
      this.#control.commitGoals(goals);
      this.#tellGoals();
    });
  }

  /**
   * Which regions each scheme tries in its next round: answered by a run, in progress or to come,
   * once every scheme has done a round. `damon-core.md` 5.10.
   *
   * @throws DamonError `ERR_DAMON_BUSY` while another walk is in progress; `ERR_DAMON_CANCELED` when
   *   watermarks, a pause or the end of the monitor come first; `ERR_DAMON_ENDED` when there are no
   *   schemes, or nothing is left to monitor
   */
  async triedRegions(): Promise<TriedRegions[]> {
    await this.#between(() => translating(() => this.#native.walk()));
    return new Promise((answer, reject) => {
      this.#walk = { answer, reject };
    });
  }

  /**
   * The accounts of rounds since the last call, oldest first: what each scheme tried, what took
   * effect, and why the rest had to wait. At most 8192 wait; `roundsDropped` counts those that had
   * to make room.
   */
  takeRounds(): Round[] {
    return this.#explainer.takeRounds();
  }

  /** Accounts of rounds that had to make room until {@link takeRounds} was called last. */
  get roundsDropped(): number {
    return this.#explainer.roundsDropped;
  }

  /**
   * What tuners read and decided, and what became of each region in each round: the newest 8192
   * records of either kind. Takes nothing away: {@link takeRounds} gets its rounds all the same.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_SCHEME` for a scheme that there is not,
   *   `ERR_DAMON_CONFIG_UNIT` for a time that is none
   */
  explain(options: ExplainOptions = {}): Explanation {
    const schemes = this.config.schemes.map(({ name }) => name);
    return this.#explainer.explain(options, { schemes, startNs: this.#startNs });
  }

  /** The intervals in force: those of the configuration, or as tuned since. */
  get intervals(): Intervals {
    const { sampleUs, aggregationUs } = translating(() => this.#native.state());
    return { sampleUs, aggregationUs };
  }

  /** Whether a {@link commit} is still to take effect. */
  get committing(): boolean {
    return translating(() => this.#native.state()).committing;
  }

  /** The source's clock in nanoseconds: simulated time, or the recording's own. */
  get nowNs(): bigint {
    return translating(() => this.#native.nowNs());
  }

  /** When the sampling interval in progress ends, by the same clock. */
  get nextTickNs(): bigint {
    return translating(() => this.#native.nextTickNs());
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

  /**
   * How fast the emulated workload goes now, which follows from where its pages lie; `undefined` of
   * a recording.
   */
  get throughput(): Throughput | undefined {
    return translating(() => this.#native.throughput()) ?? undefined;
  }

  /** All counters so far, and what must balance. */
  get books(): Books<MonitorCounters> {
    return toBooks(
      translating(() => this.#native.books()),
      this.config.schemes,
    );
  }

  /** The last question that an operations set of your own did not answer; the books count them. */
  get lastFailure(): OperationsFailure | undefined {
    return this.#answers.lastFailure;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends a run in progress at its next tick and frees everything. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#native.close();
    this.#answers.close();
    this.#asked.splice(0).forEach(({ reject }) => reject(closed('monitor')));
    this.#walk?.reject(canceled());
    this.#walk = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #tellGoals(): void {
    this.#config = { ...this.#config, schemes: this.#control.schemes };
  }

  #open(source: Source): NativeMonitor {
    const config = this.#config;
    if (source.type !== 'operations') return openMonitor(config, source);
    this.#answers.use(source.registry.get(config.operations));
    const registry = OperationsRegistry.nativeOf(source.registry);
    const monitor = openOwn(config, source, { registry, ask: this.#answers.ask });
    this.#answers.answerTo(monitor);
    return monitor;
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

  /**
   * Does something to the monitor between two steps of the run in progress, or at once: within the
   * loop over the snapshots too, which may wait for it.
   */
  #between(act: () => void): Promise<void> {
    return new Promise((done, reject) => {
      this.#asked.push({ act, done, reject });
      if (this.#stepping) this.#native.cancel();
      else this.#ask();
    });
  }

  #ask(): void {
    for (const { act, done, reject } of this.#asked.splice(0)) {
      try {
        act();
        done();
      } catch (error) {
        reject(error);
      }
    }
  }

  #answerWalk(): void {
    const columns = translating(() => this.#native.tried());
    this.#walk?.answer(columns.map(triedRegions));
    this.#walk = undefined;
  }

  /** A walk that was begun and is no longer in progress was cancelled. */
  #missWalk(): void {
    if (this.#walk === undefined || translating(() => this.#native.isWalking())) return;
    this.#walk.reject(canceled());
    this.#walk = undefined;
  }

  #untilNs(untilMs: Duration | undefined): bigint {
    return untilMs === undefined ? U64_MAX : this.#timeNs(untilMs, 'untilMs');
  }

  /** A time since the start of monitoring, on the source's clock. */
  #timeNs(sinceStartMs: Duration, path: string): bigint {
    return this.#startNs + BigInt(quantity(sinceStartMs, 'ms', path)) * NS_PER_MS;
  }

  #run(untilNs: bigint, verdicts: VerdictInit[]): Promise<RunResult> {
    const native = this.#native;
    if (this.#config.source.type !== 'operations') return native.run(untilNs, verdicts);
    return new Promise((done) => {
      native.runApart(untilNs, verdicts, done);
    });
  }

  async #step(untilNs: bigint, onThisThread: boolean): Promise<Outcome> {
    // At least one tick, however long it is.
    const [chunkNs, tickEnd] = [this.nowNs + CHUNK_NS, this.nextTickNs];
    const chunkEnd = chunkNs > tickEnd ? chunkNs : tickEnd;
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    this.#stepping = true;
    try {
      const stepEnd = chunkEnd < untilNs ? chunkEnd : untilNs;
      const result = onThisThread
        ? this.#native.runHere(stepEnd, verdicts)
        : await this.#run(stepEnd, verdicts);
      this.#answers.rethrow();
      if (result.kind === 'failed') throw toError(result.failure);
      if (result.kind !== 'tried') this.#missWalk();
      return result;
    } finally {
      this.#stepping = false;
    }
  }

  /** Whether a chunk ended because the run as a whole did: the next tick lies beyond its end. */
  #isAt(untilNs: bigint, { kind }: Outcome): boolean {
    return kind === 'reached' && this.nextTickNs > untilNs;
  }

  #snapshot(
    { regions, targets: parts, nowNs, sinceNs }: OutcomeOf<'snapshot'>,
    options: SnapshotColumnsOptions,
  ): Snapshot {
    const columns = givenColumns(options, regions);
    const { starts, ends, nrAccesses, ages, hits } = columns;
    translating(() => this.#native.snapshotInto(starts, ends, nrAccesses, ages, hits));
    return between(columns, [0, regions], {
      targets: snapshotTargets(parts),
      timeNs: nowNs,
      intervalNs: nowNs - sinceNs,
      aggregationNs: BigInt(this.config.attrs.aggregationUs) * 1_000n,
    });
  }

  async #tune(
    { calls, nowNs, hotBytes }: OutcomeOf<'tune'>,
    onTuning: RunOptions['onTuning'],
  ): Promise<void> {
    const tuned = await this.#control.tune(calls, { timeNs: nowNs, hotBytes });
    this.#verdicts = verdictsOf(tuned);
    this.#explainer.addTunings(tuned.map(({ tuning }) => tuning));
    if (onTuning) tuned.forEach(({ tuning }) => onTuning(tuning));
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

function canceled(): DamonError {
  return new DamonError('The walk was canceled before every scheme had done a round', {
    code: 'ERR_DAMON_CANCELED',
    hint: 'watermarks, a pause, or the end of the monitor came first',
  });
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
