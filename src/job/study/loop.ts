/**
 * One closed loop: a machine whose hot memory is to lie on its nodes in given shares, for given times.
 *
 * Told by plain data, so that a worker can be; leaves plain data behind. Not here: how many of them,
 * on which threads, or what they mean.
 */
import type { GoalOptions } from '../../goal/goal.ts';
import { missedByNode } from '../../goal/transfer.ts';
import type { Tuning } from '../../goal/control.ts';
import type { Phase } from '../../goal/tuner/proportional.ts';
import { TUNER_NAMES, type TunerName } from '../../goal/tuner/tuners.ts';
import { Kdamond } from '../../kdamond.ts';
import type { EmulationOptions } from '../../machine/machine.ts';
import { RFC_MACHINE } from '../../machine/preset.ts';
import type { AttrsOptions } from '../../monitor/attrs.ts';
import { type Convergence, convergence, leastRampSeconds } from '../../report/convergence.ts';
import { balance } from '../../report/record.ts';
import {
  HOT,
  type ShareNode,
  holdShares,
  sharesBp,
  sharesPhase,
} from '../../scheme/hold-shares.ts';
import type { SchemeOptions } from '../../scheme/scheme.ts';
import { type Bytes, type Duration, quantity } from '../../units.ts';
import type { LoopRun } from '../../report/study.ts';

/**
 * Who decides how much is moved: a tuner, or user space, which commits size quotas and `user_input`
 * goals once per window as it would to a kernel.
 */
export type Controller = TunerName | 'user_input';

/** All of them. */
export const CONTROLLERS: readonly Controller[] = [...TUNER_NAMES, 'user_input'];

/** Shares to hold, for how long. */
export interface LoopStep {
  /** By node; in percent, or any other unit: only their ratios count. */
  readonly weights: readonly number[];
  readonly seconds: number;
}

/** A closed loop. */
export interface LoopOptions {
  /** @default the RFC's */
  readonly source?: EmulationOptions;
  readonly attrs?: AttrsOptions;
  /** @default "temporal", as the RFC */
  readonly controller?: Controller;
  /** Bytes each scheme may move per window. @default "512 MiB" */
  readonly szBytes?: Bytes;
  /** Length of a window. @default "1 s" */
  readonly resetIntervalMs?: Duration;
  /** One after the other, as live changes; the last is the one that is judged. */
  readonly steps: readonly LoopStep[];
}

/** How a loop is run. */
export interface LoopRunOptions {
  /** Decides every random draw. */
  readonly seed: number;
  /** See {@link Kdamond}. @default false */
  readonly onThisThread?: boolean;
  /** Called with the simulated seconds done. */
  readonly onProgress?: (seconds: number) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a loop to its end.
 *
 * @throws DamonError for options that cannot be
 */
export async function runLoop(options: LoopOptions, how: LoopRunOptions): Promise<LoopRun> {
  using loop = new Loop(options, how.seed);
  await loop.run(how);
  return loop.result(how.seed);
}

class Loop implements Disposable {
  readonly #options: LoopOptions;
  readonly #nodes: readonly ShareNode[];
  readonly #kdamond: Kdamond;
  readonly #windowMs: number;
  readonly #szBytes: number;
  /** Of all nodes, as read last. */
  #hotBytes = 0;
  readonly #seconds: number;
  /** By node, then by second: share of the hot memory in percent, as the metric reads it. */
  readonly #readings: Readings;
  /** By node: the last window with a reading. */
  readonly #read: number[];
  /** The same as the machine knows it, when a window was last opened. */
  readonly #trueShares: readonly Float64Array[];
  readonly #movedBytes: Float64Array;
  /** By node: what lay there when user space last looked. */
  #heldBytes: number[];
  #phase: Phase = 'resting';

  constructor(options: LoopOptions, seed: number) {
    const { source = RFC_MACHINE, attrs, steps } = options;
    this.#options = options;
    this.#nodes = source.nodes.map(({ start, end, name }, id) => ({
      id,
      start,
      end,
      ...(name !== undefined && { name }),
    }));
    this.#heldBytes = this.#nodes.map(() => 0);
    this.#windowMs = quantity(options.resetIntervalMs ?? '1 s', 'ms', 'resetIntervalMs');
    this.#szBytes = quantity(options.szBytes ?? '512 MiB', 'bytes', 'szBytes');
    this.#seconds = steps.reduce((sum, { seconds }) => sum + seconds, 0);
    this.#readings = new Readings(this.#nodes.length, this.#seconds);
    this.#read = this.#nodes.map(() => -1);
    this.#trueShares = this.#nodes.map(() => new Float64Array(this.#seconds).fill(NaN));
    this.#movedBytes = new Float64Array(this.#seconds);
    this.#kdamond = new Kdamond({
      // Several runs go on side by side.
      source: { ...source, threads: 1 },
      seed,
      everyMs: this.#windowMs,
      ...(attrs && { attrs }),
      schemes: this.#schemes(steps[0]),
    });
  }

  async run({ signal, onProgress, onThisThread = false }: LoopRunOptions): Promise<void> {
    const kdamond = this.#kdamond;
    let until = 0;
    // Taken between two steps of the run: who waits for it inside the loop waits for ever.
    let committed = Promise.resolve();
    for (const stretch of this.#options.steps) {
      if (until > 0 && !this.#isSteeredByUser) this.#retarget(stretch);
      until += stretch.seconds;
      const run = kdamond.snapshots({
        untilMs: until * 1_000,
        onThisThread,
        onTuning: (tuning) => this.#note(tuning),
        ...(signal && { signal }),
      });
      for await (const { timeNs } of run) {
        await committed;
        this.#account();
        const second = Number(timeNs) / 1e9;
        onProgress?.(second);
        const step = this.#isSteeredByUser ? this.#stepAt(second) : undefined;
        if (step !== undefined) committed = this.#commit(step);
      }
      await committed;
    }
    this.#account();
  }

  result(seed: number): LoopRun {
    const { books } = this.#kdamond;
    const last = this.#options.steps.at(-1);
    const fromSecond = this.#seconds - (last?.seconds ?? 0);
    const targets = sharesBp(last?.weights ?? []).map((bp) => bp / 100);
    const within = (this.#szBytes / this.#hotBytes) * 100;
    const judged = (shares: readonly Float64Array[]): Convergence[] =>
      targets.map((target, node) => {
        const samples = shares[node]?.subarray(fromSecond) ?? new Float64Array();
        return convergence({ target, samples, within });
      });
    const nodes = judged(this.#readings.shares);
    // Of nodes that get there at different times, the loop has converged with the last.
    const ramps = nodes.map(({ rampSeconds }) => rampSeconds);
    const rampSeconds = ramps.some((ramp) => ramp === null)
      ? null
      : Math.max(...(ramps as number[]));
    const settled = rampSeconds === null ? undefined : fromSecond + rampSeconds;
    return {
      seed,
      fromSecond,
      shares: this.#readings.shares,
      trueShares: this.#trueShares,
      movedBytes: this.#movedBytes,
      nodes,
      trueNodes: judged(this.#trueShares),
      rampSeconds,
      leastRampSeconds: this.#leastRamp(fromSecond, targets, this.#hotBytes),
      movedAfterRamp:
        settled === undefined
          ? null
          : this.#movedBytes.subarray(settled).reduce((sum, bytes) => sum + bytes, 0),
      settledSeconds: settled === undefined ? 0 : this.#seconds - settled,
      unbalanced: balance(books)
        .filter(({ offBy }) => offBy !== 0n)
        .map(({ equation }) => equation.name),
    };
  }

  [Symbol.dispose](): void {
    this.#kdamond.close();
  }

  get #isSteeredByUser(): boolean {
    return this.#options.controller === 'user_input';
  }

  #schemes(step: LoopStep | undefined): SchemeOptions[] {
    const { controller = 'temporal', szBytes, resetIntervalMs } = this.#options;
    const shares = {
      nodes: this.#nodes,
      weights: step?.weights ?? [],
      ...(szBytes !== undefined && { szBytes }),
      ...(resetIntervalMs !== undefined && { resetIntervalMs }),
    };
    if (controller !== 'user_input') return holdShares({ ...shares, tuner: controller });
    const heldBytes = this.#heldBytes;
    this.#phase = sharesPhase({ ...shares, heldBytes }, this.#phase);
    const steering = { heldBytes, phase: this.#phase };
    return [...holdShares({ ...shares, ...steering }), this.#meter()];
  }

  /** Moves nothing: what user space looks at, in each round. */
  #meter(): SchemeOptions {
    const goals = this.#nodes.map(({ id: nid }): GoalOptions => ({
      metric: 'node_eligible_mem_bp',
      nid,
      targetValue: 1,
    }));
    return { name: 'meter', action: 'stat', pattern: HOT, quota: { goals } };
  }

  /** A live change: goals, and nothing else. */
  #retarget(step: LoopStep): void {
    this.#schemes(step).forEach(({ quota }, scheme) =>
      quota?.goals?.forEach((goal, i) => this.#kdamond.setGoal(scheme, i, goal)),
    );
  }

  /** What user space writes once per window: size quotas and `user_input` goals. */
  #commit(step: LoopStep): Promise<void> {
    const { attrs } = this.#options;
    return this.#kdamond.commit({ schemes: this.#schemes(step), ...(attrs && { attrs }) });
  }

  #stepAt(second: number): LoopStep | undefined {
    let until = 0;
    return this.#options.steps.find(({ seconds }) => second < (until += seconds));
  }

  #note({ timeNs, goals, hotBytes }: Tuning): void {
    const ms = Number(timeNs) / 1e6;
    const second = Math.floor(ms / 1_000);
    if (second >= this.#seconds) return;
    const window = Math.floor(ms / this.#windowMs);
    for (const { goal, currentValue, bytes } of goals) {
      const node = this.#nodes.findIndex(({ id }) => id === goal.nid);
      if (node < 0 || goal.complement === true) continue;
      if (this.#isSteeredByUser) this.#heldBytes[node] = bytes ?? 0;
      // The first reading of a window is the one that decides about it.
      if (this.#read[node] === window) continue;
      this.#read[node] = window;
      this.#readings.add(node, second, currentValue / 100);
    }
    const total = hotBytes?.reduce((sum, bytes) => sum + bytes, 0) ?? 0;
    this.#hotBytes = total;
    this.#trueShares.forEach((series, node) => {
      if (total > 0) series[second] = ((hotBytes?.[node] ?? 0) / total) * 100;
    });
  }

  #account(): void {
    for (const { timeNs, applied } of this.#kdamond.takeRounds()) {
      const second = Math.floor(Number(timeNs) / 1e9);
      if (second >= this.#seconds) continue;
      this.#movedBytes[second] = (this.#movedBytes[second] ?? 0) + applied.bytes;
    }
  }

  #leastRamp(fromSecond: number, targets: readonly number[], total: number): number {
    const held = this.#readings.shares.map((series) => {
      const first = series.subarray(fromSecond).find(Number.isFinite) ?? NaN;
      return (first / 100) * total;
    });
    const missed = missedByNode(
      held,
      targets.map((percent) => percent * 100),
    );
    return leastRampSeconds({
      missed,
      withinBytes: this.#szBytes,
      szBytes: this.#szBytes,
      windowSeconds: this.#windowMs / 1_000,
    });
  }
}

/** Means of readings by node and second; `NaN` where there are none. */
class Readings {
  readonly shares: readonly Float64Array[];
  readonly #counts: readonly Uint32Array[];

  constructor(nodes: number, seconds: number) {
    this.shares = Array.from({ length: nodes }, () => new Float64Array(seconds).fill(NaN));
    this.#counts = this.shares.map(({ length }) => new Uint32Array(length));
  }

  add(node: number, second: number, value: number): void {
    const [mean, counts] = [this.shares[node], this.#counts[node]];
    if (mean === undefined || counts === undefined) return;
    const count = (counts[second] ?? 0) + 1;
    counts[second] = count;
    const before = count === 1 ? value : (mean[second] ?? value);
    mean[second] = before + (value - before) / count;
  }
}
