/**
 * One monitor of the tree: a {@link Kdamond} for which time passes while nobody asks.
 *
 * Not here: what a context means (`context.ts`), or which errno an error is (`refusal.ts`).
 */
import type { SchemeBooks } from '../../../native/binding.cjs';
import type { Kdamond } from '../../kdamond.ts';
import type { ContextConfig } from '../../monitor/monitor-options.ts';
import { PROBES_MAX } from '../../monitor/probe.ts';
import type { TriedRegions } from '../../report/tried.ts';
import type {
  AdminContext,
  AdminGoal,
  AdminKdamond,
  AdminStats,
  AdminTriedRegions,
  AdminTunedIntervals,
} from '../engine.ts';
import { AdminError } from '../errno.ts';
import { goalsOf } from './context.ts';
import { effectiveBytes } from './numbers.ts';
import { type WallClock, beats } from './pace.ts';
import { type Asked, toAdminError } from './refusal.ts';
import { Turns } from './turns.ts';

/** How an {@link EngineKdamond} goes about it. */
export interface EngineKdamondInit {
  readonly kdamond: Kdamond;
  /** What it was started with. */
  readonly context: AdminContext;
  /** Simulated seconds per second; 0: time passes when it is stepped. */
  readonly speed: number;
  readonly clock: WallClock;
  /** What a commit makes of a context. */
  readonly translate: (
    context: AdminContext,
    hasTarget: boolean,
    before: AdminContext,
  ) => ContextConfig;
  /** Called once, with the error if it ended by one. */
  readonly onEnd: (error?: unknown) => void;
}

const NS_PER_MS = 1_000_000n;
/** Time that one run covers at the most: how long who asks has to wait. */
const SLICE_NS = 1_000_000_000n;
/** Of a timer that only has to be there. */
const ALIVE_MS = 60_000;

/** A monitor at work, from its start to its end. */
export class EngineKdamond implements AdminKdamond {
  readonly pid: number = process.pid;
  readonly #init: EngineKdamondInit;
  readonly #turns = new Turns();
  #context: AdminContext;
  /** What a commit in progress would make of it. */
  #wanted: AdminContext | undefined;
  #running = true;
  #stopping = false;
  /** Simulated time up to which it is to run. */
  #dueNs: bigint;
  /** Who waits for the next time that some has passed. */
  #waiting: (() => void)[] = [];

  constructor(init: EngineKdamondInit) {
    this.#init = init;
    this.#context = init.context;
    this.#dueNs = init.kdamond.nowNs;
    if (init.speed > 0) void this.#pace();
  }

  get running(): boolean {
    return this.#running;
  }

  /** Whether it samples by perf events, or is about to. */
  get usesPerf(): boolean {
    const contexts = [this.#context, ...(this.#wanted ? [this.#wanted] : [])];
    return contexts.some(({ sample }) => sample.perfEvents.length > 0);
  }

  /** Lets simulated time pass; what is due after the last whole sampling interval is kept. */
  async step(ms: number): Promise<void> {
    await this.#pass(BigInt(Math.round(ms * Number(NS_PER_MS))));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // Ends a run in progress, and cancels who waits for it.
    this.#kdamond.close();
    await this.#turns.take(() => this.#end());
  }

  async commit(context: AdminContext): Promise<void> {
    const hasTarget = this.#context.targets.some(({ obsolete }) => !obsolete);
    const config = this.#init.translate(context, hasTarget, this.#context);
    this.#wanted = context;
    try {
      await this.#ask(() => this.#kdamond.commitConfig(config), {
        schemes: context.schemes,
        noCgroup: 'ENOMEM',
      });
      this.#context = context;
    } finally {
      this.#wanted = undefined;
    }
    await this.#untilCommitted();
  }

  async commitGoals(goals: readonly (readonly AdminGoal[])[]): Promise<void> {
    const schemes = this.#context.schemes.map((scheme, i) => {
      const list = goals[i];
      return list ? { ...scheme, quota: { ...scheme.quota, goals: list } } : scheme;
    });
    const lists = schemes.map(({ quota }, i) => goalsOf(quota.goals, i));
    await this.#ask(() => this.#kdamond.commitGoalConfigs(lists), { schemes, noCgroup: 'EINVAL' });
    this.#context = { ...this.#context, schemes };
    await this.#untilCommitted();
  }

  async stats(): Promise<readonly AdminStats[]> {
    return (await this.#schemeBooks()).map((books) => ({
      nrTried: BigInt(books.nrTried),
      szTried: BigInt(books.szTried),
      nrApplied: BigInt(books.nrApplied),
      szApplied: BigInt(books.szApplied),
      szOpsFilterPassed: BigInt(books.szOpsFilterPassed),
      qtExceeds: BigInt(books.qtExceeds),
      nrSnapshots: BigInt(books.nrSnapshots),
    }));
  }

  async effectiveBytes(): Promise<readonly bigint[]> {
    const books = await this.#schemeBooks();
    return books.map(({ effectiveSzBytes }, i) =>
      effectiveBytes(effectiveSzBytes, this.#context.schemes[i]?.quota.bytes ?? 0n),
    );
  }

  async tunedIntervals(): Promise<AdminTunedIntervals> {
    const { sampleUs, aggregationUs } = await this.#ask(() => this.#kdamond.intervals);
    return { sampleUs: BigInt(sampleUs), aggregationUs: BigInt(aggregationUs) };
  }

  async triedRegions(): Promise<readonly AdminTriedRegions[]> {
    if (this.#context.schemes.length === 0) {
      throw new AdminError('ECANCELED', 'There are no schemes that could try regions');
    }
    let outcome: PromiseSettledResult<TriedRegions[]> | undefined;
    await this.#ask(() => {
      // Not waited for here: time has to pass first.
      void Promise.allSettled([this.#kdamond.triedRegions()]).then(([it]) => (outcome = it));
    });
    await this.#until(() => outcome !== undefined);
    if (outcome?.status === 'fulfilled') {
      const probes = this.#kdamond.config.probes.length;
      return outcome.value.map((tried) => triedOf(tried, probes));
    }
    throw toAdminError(outcome?.reason);
  }

  get #kdamond(): Kdamond {
    return this.#init.kdamond;
  }

  /** Between two runs. */
  async #ask<T>(question: () => T | Promise<T>, asked?: Asked): Promise<T> {
    try {
      return await this.#turns.take(question);
    } catch (error) {
      throw toAdminError(error, asked);
    }
  }

  async #schemeBooks(): Promise<SchemeBooks[]> {
    const { schemes } = await this.#ask(() => this.#kdamond.books.counters);
    return Object.values(schemes ?? {}) as unknown as SchemeBooks[];
  }

  /** A commit is done when it has taken effect. */
  async #untilCommitted(): Promise<void> {
    let committing = true;
    while (committing) {
      await this.#until(() => true);
      committing = this.#running && (await this.#ask(() => this.#kdamond.committing));
    }
  }

  /** Time passes until something is so: by itself, or, where nothing moves it, because of this. */
  async #until(isSo: () => boolean): Promise<void> {
    do {
      if (this.#init.speed > 0) await this.#beat();
      else await this.#pass(await this.#ask(() => this.#tickNs));
      if (!this.#running) throw new AdminError('ECANCELED', 'The monitor has stopped');
    } while (!isSo());
  }

  /** Until time has passed by itself. A process does not end while somebody waits for that. */
  async #beat(): Promise<void> {
    const alive = setInterval(() => undefined, ALIVE_MS);
    await new Promise<void>((passed) => this.#waiting.push(passed));
    clearInterval(alive);
  }

  get #tickNs(): bigint {
    return BigInt(this.#kdamond.intervals.sampleUs) * 1_000n;
  }

  async #pace(): Promise<void> {
    const { speed, clock } = this.#init;
    for await (const ns of beats(speed, clock)) {
      await this.#pass(ns);
      if (!this.#running) return;
    }
  }

  async #pass(ns: bigint): Promise<void> {
    this.#dueNs += ns;
    let done = false;
    while (!done && this.#running) done = await this.#turns.take(() => this.#run());
    this.#waiting.splice(0).forEach((passed) => passed());
  }

  /** One slice of what is due; true if that was all. */
  async #run(): Promise<boolean> {
    if (!this.#running || this.#stopping) return true;
    const kdamond = this.#kdamond;
    const [tickEnd, sliceEnd] = [kdamond.nextTickNs, kdamond.nowNs + SLICE_NS];
    if (tickEnd > this.#dueNs) return true;
    const stepEnd = sliceEnd > tickEnd ? sliceEnd : tickEnd;
    const endNs = stepEnd < this.#dueNs ? stepEnd : this.#dueNs;
    // A run is asked for in whole milliseconds, which a tick may be shorter than.
    const untilMs = (endNs - kdamond.startNs + NS_PER_MS - 1n) / NS_PER_MS;
    const untilNs = kdamond.startNs + untilMs * NS_PER_MS;
    try {
      await kdamond.run({ untilMs: Number(untilMs) });
      // Nothing is left to monitor where time did not get as far as it could.
      if (kdamond.nextTickNs <= untilNs) this.#end();
    } catch (error) {
      if (!this.#stopping) this.#end(error);
    }
    return false;
  }

  #end(error?: unknown): void {
    if (!this.#running) return;
    this.#running = false;
    this.#kdamond.close();
    this.#waiting.splice(0).forEach((passed) => passed());
    this.#init.onEnd(error);
  }
}

function triedOf(tried: TriedRegions, probes: number): AdminTriedRegions {
  const regions = [...tried.starts].map((start, i) => ({
    start,
    end: tried.ends[i] ?? start,
    nrAccesses: tried.nrAccesses[i] ?? 0,
    age: tried.ages[i] ?? 0,
    szFilterPassed: BigInt(tried.szFilterPassed[i] ?? 0),
    probeHits: [...tried.probeHits.subarray(i * PROBES_MAX, i * PROBES_MAX + probes)],
  }));
  return { totalBytes: regions.reduce((sum, { start, end }) => sum + end - start, 0n), regions };
}
