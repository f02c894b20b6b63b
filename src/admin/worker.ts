/**
 * The monitor behind one directory `kdamonds/K`: started, stopped, asked, and refreshed.
 *
 * `damon-core.md` 8.2. Not here: the words for it (`state.ts`).
 */
import { whatOf } from '../untrusted.ts';
import type { Every } from './clock.ts';
import { AdminError } from './errno.ts';
import type { AdminContext, AdminEngine, AdminKdamond } from './engine.ts';
import type { Lock } from './lock.ts';
import type { Dir } from './node.ts';
import { type Results, showEffectiveBytes, showIntervals, showStats } from './results.ts';

/** What workers share. */
export interface WorkerHost {
  readonly engine: AdminEngine;
  readonly every: Every;
  readonly lock: Lock;
}

/** The monitor of one directory, if it was ever started. */
export class Worker {
  /** The directory `kdamonds/K`. */
  readonly dir: Dir;
  readonly #host: WorkerHost;
  /** None: never started, or not since the last try. */
  #kdamond: AdminKdamond | undefined;
  #cancel: (() => void) | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(dir: Dir, host: WorkerHost) {
    this.dir = dir;
    this.#host = host;
  }

  get running(): boolean {
    return this.#kdamond?.running ?? false;
  }

  /** Names of the operations sets there are. */
  get operations(): readonly string[] {
    return this.#host.engine.operations;
  }

  /** -1 while it does not run. */
  get pid(): number {
    return this.#kdamond?.running ? this.#kdamond.pid : -1;
  }

  /** The context, which every word but `off` needs. */
  context(): Dir {
    const contexts = this.dir.dir('contexts');
    if (contexts.count === 1) return contexts.at(0);
    const [path, count] = [contexts.pathOf('nr_contexts'), contexts.count];
    throw new AdminError('EINVAL', `Expected one context, got ${count}`, { path, received: count });
  }

  /** @throws AdminError `EBUSY` while it runs */
  async start(build: () => AdminContext): Promise<void> {
    if (this.running) throw this.#error('EBUSY', 'is running already');
    // As in the kernel, what was stopped is gone from here on, even if nothing can be started.
    this.#kdamond = undefined;
    const context = build();
    this.#kdamond = await this.#asked(() => this.#host.engine.start(context));
    this.schedule();
  }

  /** @throws AdminError `EINVAL` if it was never started */
  async stop(): Promise<void> {
    const kdamond = this.started();
    this.#unschedule();
    try {
      await this.#refreshed();
      if (kdamond.running) await this.#asked(() => kdamond.stop());
    } finally {
      this.schedule();
    }
  }

  /** @throws AdminError `EINVAL` if it was never started */
  started(): AdminKdamond {
    if (this.#kdamond) return this.#kdamond;
    throw this.#error('EINVAL', 'was never started');
  }

  /**
   * Asks a monitor that runs.
   *
   * @throws AdminError `EINVAL` if it was never started, `ECANCELED` if it has stopped
   */
  async ask<T>(request: (kdamond: AdminKdamond) => Promise<T>): Promise<T> {
    const kdamond = this.started();
    // At once where it can be: files written after this do not count.
    if (this.#refreshing) await this.#refreshed();
    if (!kdamond.running) throw this.#error('ECANCELED', 'has stopped');
    return this.#asked(() => request(kdamond));
  }

  /** Refreshes as `refresh_ms` says, from now on. */
  schedule(): void {
    this.#unschedule();
    const ms = this.dir.number('refresh_ms');
    if (ms > 0 && this.running) this.#cancel = this.#host.every(ms, () => this.#tick());
  }

  #unschedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #tick(): void | Promise<void> {
    if (!this.running) return this.#unschedule();
    if (!this.#refreshing && this.#refreshable()) {
      this.#refreshing = this.#refresh().finally(() => (this.#refreshing = undefined));
    }
    return this.#refreshing;
  }

  /** A refresh is not seen from outside, but an engine is asked one thing at a time. */
  async #refreshed(): Promise<void> {
    while (this.#refreshing) await this.#refreshing;
  }

  #refreshable(): boolean {
    return !this.#host.lock.held && this.dir.dir('contexts').count === 1;
  }

  /** Asks first and copies in one go, so that nobody finds the lock taken because of this. */
  async #refresh(): Promise<void> {
    const kdamond = this.started();
    let results: Results;
    try {
      results = {
        intervals: await kdamond.tunedIntervals(),
        stats: await kdamond.stats(),
        effectiveBytes: await kdamond.effectiveBytes(),
      };
    } catch {
      // Nobody waits for an answer; who asks with a word of their own is told.
      return;
    }
    if (this.#kdamond !== kdamond || !this.#refreshable()) return;
    const context = this.context();
    showIntervals(context, results.intervals);
    showStats(context, results.stats);
    showEffectiveBytes(context, results.effectiveBytes);
  }

  /** What an engine answers, its errors as ours. */
  async #asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      if (cause instanceof AdminError) throw this.#placed(cause);
      throw new AdminError('EINVAL', whatOf(cause), { path: this.dir.pathOf('state'), cause });
    }
  }

  /** An engine knows paths below its context; the tree's own refusals are in their place. */
  #placed(error: AdminError): AdminError {
    const { errnoName, message, path, expected, hint, cause = error } = error;
    if (path === undefined || path.startsWith(`${this.dir.path}/`)) return error;
    const details = { path: this.context().pathOf(path), expected, hint, cause };
    const received = 'received' in error ? { received: error.received } : {};
    return new AdminError(errnoName, message, { ...details, ...received });
  }

  #error(errno: 'EBUSY' | 'ECANCELED' | 'EINVAL', what: string): AdminError {
    const { path } = this.dir;
    return new AdminError(errno, `\`${path}\` ${what}`, { path: this.dir.pathOf('state') });
  }
}
