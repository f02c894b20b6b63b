/**
 * The third job: a configuration, from its start to its end, with all that it changes on the way.
 *
 * What is asked for while it runs (a reload) goes the same way as what was planned: all of it or
 * nothing, between two sampling intervals.
 */
import { isDeepStrictEqual } from 'node:util';

import {
  type PlanStep,
  type RunConfig,
  type RunPlan,
  contextOf,
  fixedOf,
  resolveRun,
  withSampler,
} from '../config/config.ts';
import { DamonError, atPath, refuse } from '../errors.ts';
import { Kdamond, type Progress } from '../kdamond.ts';
import type { CommitOptions, KdamondOptions } from '../kdamond-options.ts';
import { DEFAULT_SAMPLER } from '../machine/machine.ts';
import { Heatmap } from '../report/heatmap.ts';
import { hotRanges, workingSet } from '../report/hot-ranges.ts';
import type { MonitorCounters } from '../report/counters.ts';
import type { Books, RunEvent, RunRecord } from '../report/record.ts';
import type { Snapshot } from '../report/snapshot.ts';
import { type SamplerOptions, samplerSchema } from '../sampler/sampler.ts';
import { readMachineFile } from '../trace/recording.ts';
import { resolve } from '../validate.ts';
import { describeEmulation } from './described.ts';
import { type ExplainHooks, Gathering } from './explained.ts';

/** A run in progress. */
export interface RunHandle {
  /**
   * Goes on by another configuration: its schemes, its attributes, its sampler, its changes to come,
   * its end. What has become different counts as changed now; another sampler begins anew.
   *
   * @throws DamonError for one that would be refused at the start, `ERR_DAMON_CONFIG_FIXED` for one
   *   that needs another monitor, `ERR_DAMON_BUSY` while the reload before is still to take effect,
   *   `ERR_DAMON_ENDED` after the end. The run then goes on as it was.
   */
  readonly reload: (config: RunConfig) => Promise<void>;
  /** Ends the run where it is: it resolves to what is done so far. Changes that were to come are missed. */
  readonly end: () => void;
}

/** Who wants to know. */
export interface RunHooks extends ExplainHooks {
  /** Called when everything is open, before anything runs. */
  readonly onStart?: (run: RunHandle) => void;
  /** Called for each snapshot, in order, and waited for; may keep it. */
  readonly onSnapshot?: (snapshot: Snapshot) => void | Promise<void>;
  /** Called for each change, planned or reloaded. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with the books as they stand when the run fails, before it rejects. */
  readonly onFailure?: (books: Books<MonitorCounters>) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Half as much again as any view shows. */
const HEATMAP = { columns: 256, rows: 256 };
/** What a range is made of: the least that is worth moving. */
const HUGE_PAGE = 2 ** 21;
const NS_PER_MS = 1e6;

/**
 * Runs a configuration.
 *
 * @example
 * ```ts
 * import { loadConfig, runConfig } from 'node-damon';
 *
 * const config = { ...(await loadConfig('pull-push.yaml')), untilMs: '3 s', changes: [] };
 * const { hotRanges } = await runConfig(config, {
 *   onTuning: ({ scheme, goals }) => console.log(scheme, goals[0]?.currentValue),
 * });
 * console.log(hotRanges[0]?.start);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG…` for the configuration, what the source fails with
 */
export async function runConfig(config: RunConfig, hooks: RunHooks = {}): Promise<RunRecord> {
  const plan = resolveRun(config);
  expectEnd(plan);
  const monitor = withNodes(plan.monitor);
  using kdamond = new Kdamond(monitor);
  await expectChanges(kdamond, plan.steps);
  const run = new Run(kdamond, plan, monitor, hooks);
  hooks.onStart?.({ reload: async (next) => run.reload(next), end: () => run.endEarly() });
  try {
    await run.toEnd();
    return run.record();
  } catch (error) {
    hooks.onFailure?.(kdamond.books);
    throw error;
  } finally {
    run.end();
  }
}

/**
 * Opens what a configuration is about, for what only the source can refuse of it and of its changes.
 *
 * @throws DamonError as {@link runConfig}
 */
export async function tryRun(config: RunConfig): Promise<void> {
  const { monitor, steps } = resolveRun(config);
  using kdamond = new Kdamond(withNodes(monitor));
  await expectChanges(kdamond, steps);
}

/** Has the source look at changes to come after so long. */
async function expectChanges(
  kdamond: Kdamond,
  steps: readonly PlanStep[],
  afterMs = -1,
): Promise<void> {
  for (const [i, { atMs, commit }] of steps.entries()) {
    if (commit === undefined || atMs <= afterMs) continue;
    // What samples by then says which operations sets there are; targets that go are there by then.
    const sampler = steps.slice(0, i + 1).findLast((step) => step.commit?.sampler)?.commit?.sampler;
    const isPhysical = commit.addresses === 'physical';
    const targets = commit.targets?.filter(({ obsolete }) => isPhysical || !obsolete);
    try {
      await kdamond.checkCommit({ ...commit, targets, sampler });
    } catch (error) {
      if (!(error instanceof DamonError)) throw error;
      throw atPath(error, `changes[${i}].commit.${error.path}`);
    }
  }
}

function describeSource({ source, attrs, operations }: Kdamond['config']): readonly string[] {
  const intervals = `sampling ${attrs.sampleUs / 1_000} ms, aggregation ${attrs.aggregationUs / 1_000} ms`;
  switch (source.type) {
    case 'recording':
      return [source.path];
    case 'operations':
      return [`operations set ${source.name}`, intervals];
    case 'emulation':
      return [...describeEmulation(source), `monitored by ${operations}`, intervals];
  }
}

function expectEnd({ monitor, untilMs }: RunPlan): void {
  if (untilMs !== undefined || monitor.source.type === 'recording') return;
  throw refuse({
    code: 'ERR_DAMON_CONFIG',
    path: 'untilMs',
    expected: 'given for a source that has no end',
    received: undefined,
    hint: 'such as `untilMs: 15 min`, or `--until "15 min"`',
  });
}

/** A recording's nodes, unless told: from the description beside it. */
function withNodes(monitor: KdamondOptions): KdamondOptions {
  const { source } = monitor;
  if (source.type !== 'recording' || source.nodes !== undefined) return monitor;
  return { ...monitor, source: { ...source, nodes: readMachineFile(source.path) } };
}

/** A sampler, and where in a configuration it is said. */
interface SaidSampler {
  readonly options: SamplerOptions;
  readonly path: string;
}

/** Has what is refused of a commit's sampler tell where that is said. */
async function withSamplerAt(path: string | undefined, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (path === undefined || !(error instanceof DamonError)) throw error;
    const [first, ...rest] = (error.path ?? '').split('.');
    if (first !== 'sampler') throw error;
    throw atPath(error, [path, ...rest].join('.'));
  }
}

/** One run: where its plan stands, and what it has gathered. */
class Run {
  readonly #kdamond: Kdamond;
  readonly #hooks: RunHooks;
  readonly #fixed: Partial<KdamondOptions>;
  readonly #started = performance.now();
  readonly #heatmap = new Heatmap(HEATMAP);
  readonly #gathering: Gathering;
  readonly #events: RunEvent[] = [];
  #last: Snapshot | undefined;
  #plan: RunPlan;
  #context: CommitOptions;
  /** Changes up to this time have been made. */
  #doneMs = -1;
  /** When a commit was handed over last: it takes effect in the sampling interval after. */
  #committedNs: bigint | undefined;
  /** Ends the stretch in progress, to look at the plan again. */
  #interrupt = new AbortController();
  #ended = false;
  /** It is to end where it is. */
  #endsEarly = false;

  constructor(kdamond: Kdamond, plan: RunPlan, monitor: KdamondOptions, hooks: RunHooks) {
    this.#kdamond = kdamond;
    this.#plan = plan;
    this.#context = contextOf(monitor);
    this.#fixed = fixedOf(monitor);
    this.#hooks = hooks;
    this.#gathering = new Gathering(kdamond, hooks);
  }

  get #elapsedMs(): number {
    return Number(this.#kdamond.nowNs - this.#kdamond.startNs) / NS_PER_MS;
  }

  /** Runs from change to change. */
  async toEnd(): Promise<void> {
    while (!this.#endsEarly) {
      const due = this.#plan.steps.find(({ atMs }) => atMs > this.#doneMs);
      const untilMs = due?.atMs ?? this.#plan.untilMs;
      const reached = await this.#stretch(untilMs);
      if (reached === 'interrupted') continue;
      if (due === undefined || reached === 'ended') break;
      await this.#change(due.atMs);
    }
    await this.#gathering.takeRounds();
    const missed = this.#plan.steps.filter(({ atMs }) => atMs > this.#doneMs);
    for (const { atMs } of missed) this.#tell({ kind: 'missed', atMs });
  }

  async reload(config: RunConfig): Promise<void> {
    if (this.#ended) {
      throw refuse({
        code: 'ERR_DAMON_ENDED',
        path: 'reload',
        expected: 'asked of a run in progress',
        received: undefined,
      });
    }
    const plan = resolveRun(config);
    expectEnd(plan);
    const monitor = withNodes(plan.monitor);
    this.#expectFixed(monitor);
    const nowMs = this.#elapsedMs;
    const passed = plan.steps.filter(({ atMs }) => atMs <= nowMs);
    const context = passed.at(-1)?.context ?? contextOf(monitor);
    const sampler = this.#otherSampler(monitor, passed);
    await expectChanges(this.#kdamond, plan.steps, nowMs);
    const isSame = sampler === undefined && isDeepStrictEqual(context, this.#context);
    if (!isSame) await withSamplerAt(sampler?.path, () => this.#commit(context, sampler?.options));
    this.#plan = plan;
    this.#doneMs = nowMs;
    this.#interrupt.abort();
    this.#tell({ kind: isSame ? 'unchanged' : 'reloaded', atMs: nowMs });
  }

  #expectFixed(monitor: KdamondOptions): void {
    const fixed = fixedOf(monitor);
    const keys = new Set([...Object.keys(this.#fixed), ...Object.keys(fixed)]);
    for (const key of keys as Set<keyof KdamondOptions>) {
      if (isDeepStrictEqual(this.#fixed[key], fixed[key])) continue;
      throw refuse({
        code: 'ERR_DAMON_CONFIG_FIXED',
        path: key,
        expected: 'as it was when the run began',
        received: fixed[key],
        hint: 'end the run and start it again',
      });
    }
  }

  /** The sampler that a monitor has after such changes, and where it is said; unless it is at work. */
  #otherSampler({ source }: KdamondOptions, passed: readonly PlanStep[]): SaidSampler | undefined {
    const running = this.#kdamond.config.source;
    if (source.type !== 'emulation' || running.type !== 'emulation') return undefined;
    const change = passed.findLastIndex((step) => step.sampler !== undefined);
    const options = passed[change]?.sampler ?? source.sampler ?? DEFAULT_SAMPLER;
    const wanted = resolve(samplerSchema, options, 'ERR_DAMON_CONFIG', 'source.sampler');
    if (isDeepStrictEqual(wanted, running.sampler)) return undefined;
    return { options, path: change < 0 ? 'source.sampler' : `changes[${change}].commit.sampler` };
  }

  endEarly(): void {
    this.#endsEarly = true;
    this.#interrupt.abort();
  }

  /** From now on, nothing can be changed. */
  end(): void {
    this.#ended = true;
  }

  record(): RunRecord {
    const { books, nodes, config } = this.#kdamond;
    const last = this.#last;
    return {
      source: describeSource(config),
      ...this.#gathering.explained,
      nodes,
      heatmap: this.#heatmap,
      hotRanges: last ? hotRanges(last, { nodes, grainBytes: HUGE_PAGE }) : [],
      ...(last && { workingSet: workingSet(last) }),
      events: this.#events,
      books,
      durationMs: performance.now() - this.#started,
    };
  }

  async #stretch(untilMs: number | undefined): Promise<'reached' | 'ended' | 'interrupted'> {
    const { onSnapshot, onProgress, signal } = this.#hooks;
    this.#interrupt = new AbortController();
    const interrupted = this.#interrupt.signal;
    try {
      const run = this.#kdamond.snapshots({
        ...(untilMs !== undefined && { untilMs }),
        ...(onProgress && { onProgress: (progress) => onProgress(this.#whole(progress)) }),
        onTuning: this.#gathering.onTuning,
        signal: signal ? AbortSignal.any([signal, interrupted]) : interrupted,
      });
      for await (const snapshot of run) {
        this.#heatmap.add(snapshot);
        this.#last = snapshot;
        await onSnapshot?.(snapshot);
        await this.#gathering.takeRounds();
      }
    } catch (error) {
      if (error === interrupted.reason && signal?.aborted !== true) return 'interrupted';
      throw error;
    }
    const tickMs = this.#kdamond.intervals.sampleUs / 1_000;
    return untilMs !== undefined && this.#elapsedMs + tickMs > untilMs ? 'reached' : 'ended';
  }

  /** Progress towards the end of the run, not of the stretch. */
  #whole(progress: Progress): Progress {
    const { untilMs } = this.#plan;
    if (progress.unit === 'bytes' || untilMs === undefined) return progress;
    return { ...progress, total: untilMs / 1_000 };
  }

  /** Makes the changes of a moment. */
  async #change(atMs: number): Promise<void> {
    const steps = this.#plan.steps.filter((step) => this.#doneMs < step.atMs && step.atMs <= atMs);
    const context = steps.at(-1)?.context ?? this.#context;
    if (steps.some(({ commit }) => commit !== undefined)) {
      const { nowNs, nextTickNs, startNs } = this.#kdamond;
      // Two commits need a sampling interval between them.
      if (this.#committedNs === nowNs) {
        const untilMs = Math.ceil(Number(nextTickNs - startNs) / NS_PER_MS);
        // By then another plan may hold.
        if ((await this.#stretch(untilMs)) === 'interrupted') return;
      }
      const sampler = steps.findLast((step) => step.sampler !== undefined)?.sampler;
      await this.#commit(context, sampler);
    } else {
      this.#setGoals(steps);
      this.#context = context;
    }
    this.#doneMs = atMs;
    this.#tell({ kind: 'changed', atMs });
  }

  async #commit(context: CommitOptions, sampler?: SamplerOptions): Promise<void> {
    await this.#kdamond.commit(withSampler(context, sampler));
    this.#committedNs = this.#kdamond.nowNs;
    this.#context = context;
  }

  #setGoals(steps: readonly PlanStep[]): void {
    for (const { scheme, goal, options } of steps.flatMap(({ goals }) => goals)) {
      this.#kdamond.setGoal(scheme, goal, options);
    }
  }

  #tell(event: RunEvent): void {
    this.#events.push(event);
    this.#hooks.onEvent?.(event);
  }
}
