/**
 * A monitor of what is happening now: a thread of its own, fed by lanes, on the machine's clock.
 *
 * The thread drains, counts, and hands snapshots over; this side reads them when someone asks, and
 * runs the tuners whenever a quota window has opened, whether or not anyone reads.
 */
import type { LaneEntry, LaneReadingBooks, LiveMail, NativeLive } from '../../native/binding.cjs';
import { closed } from '../closed.ts';
import { DamonError } from '../errors.ts';
import { Explainer } from '../explainer.ts';
import { GoalControl, type Tuned, type Tuning, verdictsOf } from '../goal/control.ts';
import type { GoalOptions } from '../goal/goal.ts';
import { toLiveBooks } from '../monitor/books.ts';
import { openLive, toError, translating } from '../native/init.ts';
import type { ExplainOptions, Explanation } from '../report/explanation.ts';
import type { LiveCounters } from '../report/counters.ts';
import type { Books } from '../report/record.ts';
import type { Round } from '../report/round.ts';
import {
  NO_COLUMNS,
  type Snapshot,
  type SnapshotColumnsOptions,
  between,
  givenColumns,
  snapshotTargets,
} from '../report/snapshot.ts';
import { warnForgotten } from './forgotten.ts';
import { Lane } from './lane.ts';
import {
  type LiveKdamondConfig,
  type LiveKdamondOptions,
  type SharedLaneOptions,
  resolveLiveOptions,
  resolveSlots,
} from './live-kdamond-options.ts';
import { type SharedLane, allocateLane, releaseLane } from './shared-lane.ts';
import { refuseClones } from './uncloneable.ts';

/**
 * Where a live monitor stands. `ready`: lanes can be had, nothing is drained yet. `stopped`:
 * drained for the last time. `failed`: its thread met a bug of ours. `closed`: everything is freed.
 */
export type LiveState = 'ready' | 'running' | 'stopped' | 'failed' | 'closed';

/** How to read snapshots. */
export interface LiveRunOptions extends SnapshotColumnsOptions {
  /** Called for each step of a tuner that is taken while this reads. */
  readonly onTuning?: (tuning: Tuning) => void;
  /** Ends the reading with the signal's reason. The monitor goes on. */
  readonly signal?: AbortSignal;
}

/** What became of the reports given to one lane, or to several. */
export interface LaneCounters {
  /** Reports given to it. */
  readonly offered: number;
  /** Reports stored. */
  readonly queued: number;
  /** Reports lost because it was full. */
  readonly droppedFull: number;
  /** Reports lost because their push interrupted another. */
  readonly droppedNested: number;
  /** Reports lost because the monitor had stopped. */
  readonly droppedClosed: number;
  /** Times a shared lane's memory said what cannot be; what it held then is gone, uncounted. */
  readonly corrupt: number;
  /** Reports handed to the drain. */
  readonly drained: number;
  /** Reports stored and not yet drained. */
  readonly pending: number;
  /** Most reports found waiting in one lane. */
  readonly occupancyMax: number;
  /** Reports drained, but older than the drain before the last. */
  readonly stale: number;
  /** Reports drained, but rejected by a sample filter. */
  readonly filtered: number;
  /** Reports drained, but with virtual addresses for physical memory, or the other way round. */
  readonly wrongKind: number;
  /** Reports drained, but of a process that is no target. */
  readonly noTarget: number;
  /** Reports drained, but of an address in no region. */
  readonly noRegion: number;
  /** Reports drained, but across the end of their region. */
  readonly straddling: number;
  /** Reports drained and credited to a region: all others. */
  readonly credited: number;
}

/** One lane in use. */
export interface LaneReading {
  /** See {@link Lane.id}. */
  readonly id: number;
  readonly counters: LaneCounters;
}

/** Every lane there has been. */
export interface LaneReadings {
  /** Those whose producers live, and that were drained once; by number. */
  readonly inUse: readonly LaneReading[];
  /** The sum of the others. */
  readonly retired: LaneCounters;
}

/** Somebody who reads snapshots. */
interface Reader {
  readonly onTuning: LiveRunOptions['onTuning'];
  /** What `onTuning` threw. */
  thrown?: { readonly error: unknown };
  /** Ends its wait; absent while it does not wait. */
  wake?: (() => void) | undefined;
}

/** So rarely that it costs nothing; the timer is there to keep Node alive. */
const KEEP_ALIVE_MS = 2 ** 30;

const forgotten = new FinalizationRegistry((token: string) => {
  warnForgotten(
    `The live monitor ${token} was forgotten, and is stopped now`,
    'Call close() on every LiveKdamond, or declare it with `using`.',
  );
});

/**
 * One live monitor. Whoever sees accesses, on any thread of the process, takes a {@link Lane} and
 * reports them; the monitor's own thread counts them by region once per sampling interval and hands
 * over snapshots. Its clock is `CLOCK_MONOTONIC`, which `process.hrtime.bigint()` reads.
 *
 * A running monitor does not keep Node alive, unless {@link ref} says so or a snapshot is awaited.
 *
 * @example
 * ```ts
 * import { LiveKdamond } from 'node-damon';
 *
 * using live = new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }], everyMs: '200 ms' }).start();
 * using lane = live.lane();
 * const reporting = setInterval(() => lane.report({ address: 0x1000 }), 1);
 * for await (const snapshot of live) {
 *   console.log(snapshot.timeNs, snapshot.hits);
 *   break;
 * }
 * clearInterval(reporting);
 * ```
 */
export class LiveKdamond implements AsyncIterable<Snapshot>, Disposable, AsyncDisposable {
  /**
   * Names the monitor within this process, for {@link Lane.attach} on other threads: a text such as
   * `damon-0123456789abcdef`.
   */
  readonly token: string;
  #config: LiveKdamondConfig;
  readonly #native: NativeLive;
  readonly #control: GoalControl;
  readonly #explainer: Explainer;
  #startNs = 0n;
  /** Steps of tuners in progress; does not fail. */
  #tuning: Promise<void> = Promise.resolve();
  #state: LiveState = 'ready';
  #failure: DamonError | undefined;
  #reader: Reader | undefined;
  /** Called once when the thread has ended. */
  #onEnd: (() => void)[] = [];
  #isRef = false;
  #keepAlive: NodeJS.Timeout | undefined;

  /**
   * Sets the monitor up. Lanes can be had from now on; {@link start} begins to drain them.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…`
   */
  constructor(options: LiveKdamondOptions) {
    this.#config = resolveLiveOptions(options);
    const { schemes, controlTimeoutMs } = this.#config;
    this.#control = new GoalControl(schemes, controlTimeoutMs);
    // Weakly: the addon holds the function, so it would hold the monitor, and none were forgotten.
    this.#native = openLive(this.#config, LiveKdamond.#waker(new WeakRef(this)));
    this.#explainer = new Explainer(() => translating(() => this.#native.takeRounds()));
    this.token = this.#native.token;
    forgotten.register(this, this.token, this);
    refuseClones(
      this,
      'a LiveKdamond stays on its thread: post its token and call Lane.attach(token) there',
    );
  }

  /** What it was told last, every option resolved, by `setGoal` too. */
  get config(): LiveKdamondConfig {
    return this.#config;
  }

  // Apart from the constructor, so that what it captures is the reference and nothing else.
  static #waker(monitor: WeakRef<LiveKdamond>): () => void {
    return () => {
      const live = monitor.deref();
      if (live) live.#readMail();
    };
  }

  /**
   * Starts the thread; does nothing while it runs.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, also when it has stopped: a monitor runs once
   */
  start(): this {
    if (this.#state === 'running') return this;
    if (this.#state === 'failed') throw this.#failed();
    if (this.#state !== 'ready') throw closed('monitor');
    this.#startNs = this.nowNs;
    translating(() => this.#native.start());
    this.#state = 'running';
    this.#updateKeepAlive();
    return this;
  }

  /**
   * Stops: no more reports are taken, those in the lanes are drained, and what was seen since the
   * last snapshot becomes the last one. Resolves when the thread has ended; what waits can still be
   * read. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_INTERNAL` when the thread failed
   */
  async stop(): Promise<void> {
    if (this.#state === 'ready' || this.#state === 'running') {
      translating(() => this.#native.stop());
      // A monitor that was never started has stopped by now.
      this.#readMail();
    }
    if (this.#state === 'running') {
      await new Promise<void>((resolve) => {
        this.#onEnd.push(resolve);
        this.#updateKeepAlive();
      });
    }
    if (this.#failure) throw this.#failed();
  }

  /** Stops, waits for the step in progress, and frees everything. Idempotent. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    forgotten.unregister(this);
    this.#native.close();
    this.#ended();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      this.close();
    }
  }

  /** Keeps Node alive while it runs. */
  ref(): this {
    this.#isRef = true;
    this.#updateKeepAlive();
    return this;
  }

  /** Lets Node exit while it runs, unless a snapshot or the stop is awaited: the default. */
  unref(): this {
    this.#isRef = false;
    this.#updateKeepAlive();
    return this;
  }

  /** Where it stands; a change of its thread's own shows in a later turn of the event loop. */
  get state(): LiveState {
    return this.#state;
  }

  /**
   * Yields snapshots as they come, oldest first; ends once the monitor has stopped, with what the
   * last drain saw. One reader at a time. Leaving the loop early leaves the monitor running: a
   * further call goes on with what waits, of which there are at most `highWaterMark`. What was
   * dropped for want of room is in the {@link books}.
   *
   * @throws DamonError `ERR_DAMON_BUSY` while another reader is at it; `ERR_DAMON_CLOSED`;
   *   `ERR_DAMON_INTERNAL` when the thread failed
   */
  async *snapshots(options: LiveRunOptions = {}): AsyncGenerator<Snapshot, void, void> {
    const { signal, onTuning } = options;
    const reader: Reader = { onTuning };
    const wake = (): void => reader.wake?.();
    signal?.throwIfAborted();
    this.#begin(reader);
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        signal?.throwIfAborted();
        if (this.#state === 'closed') throw closed('monitor');
        if (reader.thrown) throw reader.thrown.error;
        const snapshot = this.#take(options);
        if (snapshot) yield snapshot;
        else if (this.#failure) throw this.#failed();
        else if (this.#state === 'stopped') return;
        else await this.#news(reader);
      }
    } finally {
      this.#reader = undefined;
      signal?.removeEventListener('abort', wake);
    }
  }

  /** {@link snapshots} until the monitor stops. */
  [Symbol.asyncIterator](): AsyncGenerator<Snapshot, void, void> {
    return this.snapshots();
  }

  /**
   * A lane for reports from this thread: `Lane.attach(live.token)`. Keep it: an interval is
   * observed while there is a lane, and the garbage collector closes one that nobody keeps.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, also when it has stopped; `ERR_DAMON_LANES`
   */
  lane(): Lane {
    if (this.#state === 'closed') throw closed('monitor');
    return Lane.attach(this.token);
  }

  /**
   * A lane in shared memory, for one {@link SharedProducer} on any thread: pass it by `workerData`
   * or `postMessage`.
   *
   * @throws DamonError `ERR_DAMON_CONFIG`; as {@link lane}
   */
  sharedLane(options: SharedLaneOptions = {}): SharedLane {
    const slots = resolveSlots(options) ?? this.config.laneSlots;
    if (this.#state === 'closed') throw closed('monitor');
    const lane = allocateLane(slots);
    translating(() => this.#native.addSharedLane(new Int32Array(lane.buffer)));
    return lane;
  }

  /**
   * Takes a shared lane back whose producer ended without closing it, as a terminated worker does.
   * What it published is still drained; a producer that lives on after all is told that the lane is
   * closed. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_LANE_CORRUPT` for what is no lane
   */
  releaseSharedLane(lane: SharedLane): void {
    releaseLane(lane);
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
    this.#config = { ...this.#config, schemes: this.#control.schemes };
  }

  /**
   * The accounts of rounds since the last call, oldest first: what each scheme tried, and why the
   * rest had to wait. At most 8192 wait; `roundsDropped` counts those that had to make room.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  takeRounds(): Round[] {
    return this.#explainer.takeRounds();
  }

  /** Accounts of rounds that had to make room until {@link takeRounds} was called last. */
  get roundsDropped(): number {
    return this.#explainer.roundsDropped;
  }

  /**
   * What tuners read and decided, whether or not anyone read snapshots, and what became of each
   * region in each round: the newest 8192 records of either kind. Takes nothing away.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_SCHEME` for a scheme that there is not,
   *   `ERR_DAMON_CONFIG_UNIT` for a time that is none, `ERR_DAMON_CLOSED`
   */
  explain(options: ExplainOptions = {}): Explanation {
    const schemes = this.config.schemes.map(({ name }) => name);
    return this.#explainer.explain(options, { schemes, startNs: this.#startNs });
  }

  /**
   * The monitor's clock in nanoseconds, which is `process.hrtime.bigint()`'s.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get nowNs(): bigint {
    return translating(() => this.#native.nowNs());
  }

  /**
   * All counters so far, and what must balance. `lanes` sums up all lanes there have been.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get books(): Books<LiveCounters> {
    return toLiveBooks(
      translating(() => this.#native.books()),
      this.config.schemes,
    );
  }

  /**
   * The counters of each lane.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get lanes(): LaneReadings {
    const { byLane, retiredLanes } = translating(() => this.#native.books());
    return { inUse: byLane.map(laneReading), retired: laneCounters(retiredLanes) };
  }

  #begin(reader: Reader): void {
    if (this.#state === 'closed') throw closed('monitor');
    if (this.#reader) {
      throw new DamonError('The snapshots are being read already: one reader at a time', {
        code: 'ERR_DAMON_BUSY',
        hint: 'leave the loop over the snapshots first',
      });
    }
    this.#reader = reader;
  }

  /** Waits for something to look at. */
  #news(reader: Reader): Promise<void> {
    return new Promise((resolve) => {
      reader.wake = () => {
        reader.wake = undefined;
        this.#updateKeepAlive();
        resolve();
      };
      this.#updateKeepAlive();
    });
  }

  #readMail(): void {
    if (this.#state === 'closed') return;
    const mail = this.#native.mail();
    this.#state = mail.state as LiveState;
    if (mail.failure) this.#failure = toError(mail.failure);
    this.#tune(mail);
    if (this.#state === 'stopped' || this.#state === 'failed') this.#ended();
    else this.#reader?.wake?.();
  }

  #tune({ calls, callsNs }: LiveMail): void {
    if (calls.length === 0) return;
    // One after the other, however long a tuner of the user's own thinks.
    this.#tuning = this.#tuning
      .then(() => this.#control.tune(calls, { timeNs: callsNs }))
      .then((tuned) => this.#decide(tuned));
  }

  #decide(tuned: readonly Tuned[]): void {
    if (this.#state === 'closed') return;
    // First: whatever a callback does, the decision stands.
    this.#native.decide(verdictsOf(tuned));
    this.#explainer.addTunings(tuned.map(({ tuning }) => tuning));
    const reader = this.#reader;
    if (!reader?.onTuning) return;
    try {
      for (const { tuning } of tuned) reader.onTuning(tuning);
    } catch (error) {
      reader.thrown ??= { error };
      reader.wake?.();
    }
  }

  /** The thread has ended: whoever waits, waits for nothing more. */
  #ended(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = [];
    onEnd.forEach((resolve) => resolve());
    this.#reader?.wake?.();
    this.#updateKeepAlive();
  }

  /** The snapshot that has waited longest. */
  #take(options: SnapshotColumnsOptions): Snapshot | undefined {
    let columns = NO_COLUMNS;
    for (;;) {
      const { starts, ends, nrAccesses, ages, hits } = columns;
      const header = translating(() => this.#native.take(starts, ends, nrAccesses, ages, hits));
      if (header === null) return undefined;
      const { regions, nowNs, sinceNs, taken } = header;
      if (!taken) {
        columns = givenColumns(options, regions);
        continue;
      }
      // Between the look and the taking another may have come to the front: a shorter one.
      return between(columns, [0, regions], {
        targets: snapshotTargets(header.targets),
        timeNs: nowNs,
        intervalNs: nowNs - sinceNs,
        aggregationNs: BigInt(this.config.attrs.aggregationUs) * 1_000n,
      });
    }
  }

  #updateKeepAlive(): void {
    const isAwaited = this.#reader?.wake !== undefined || this.#onEnd.length > 0;
    const isWanted = this.#state === 'running' && (this.#isRef || isAwaited);
    if (isWanted === (this.#keepAlive !== undefined)) return;
    if (isWanted) {
      // Holds the monitor: one that keeps Node alive, or is waited for, is not forgotten.
      this.#keepAlive = setInterval(() => this.#readMail(), KEEP_ALIVE_MS);
    } else {
      clearInterval(this.#keepAlive);
      this.#keepAlive = undefined;
    }
  }

  /** The thread's failure, with a stack of whoever is told. */
  #failed(): DamonError {
    const failure = this.#failure;
    const { code, message } = failure ?? { code: 'ERR_DAMON_INTERNAL', message: 'unknown' };
    return new DamonError(message, { code, cause: failure });
  }
}

function laneReading({ id, counters }: LaneEntry): LaneReading {
  return { id, counters: laneCounters(counters) };
}

function laneCounters({ lane, ...losses }: LaneReadingBooks): LaneCounters {
  return { ...lane, ...losses };
}
