/**
 * What steers the quotas of a monitor: its goals as they stand now, and each scheme's tuner.
 *
 * Shared by every monitor. Not here: when a quota window opens, which the core knows, or how the
 * answer gets back to it.
 */
import type { MetricReading, TuneCall, VerdictInit } from '../../native/binding.cjs';
import { DamonError, refuse } from '../errors.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { resolve } from '../validate.ts';
import { BP } from './arithmetic.ts';
import {
  type Goal,
  type GoalOptions,
  type GoalReading,
  goalSchema,
  goalScoreBp,
  peakBytesTotal,
  scoreBp,
} from './goal.ts';
import { answerOf } from './settle.ts';
import { type CustomTuner, TUNERS } from './tuner/tuners.ts';

/** A step of a scheme's tuner: what was measured, what followed from it. */
export interface Tuning {
  /** When, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** The tuner's name. */
  readonly tuner: string;
  /** Each goal: what its metric read. Without those after one that failed. */
  readonly goals: readonly GoalReading[];
  /** The best-met goal's score: 10000 when it is met. */
  readonly scoreBp: number;
  /** Bytes that the goals allow in the window that opens. */
  readonly goalBytes: bigint;
  /**
   * Bytes the scheme may try in the window: the smaller of that and its size quota. A time quota may
   * allow less: the round's account tells.
   */
  readonly effectiveBytes: number;
  /** Bytes of the workload's hot set on each node, where the source knows: the emulation. */
  readonly hotBytes?: readonly number[];
  /**
   * Why there is no answer: a metric or a tuner of the user's own failed. The quota then stays as it
   * was. `ERR_DAMON_METRIC` or `ERR_DAMON_TUNER`.
   */
  readonly failure?: DamonError;
}

/** When the windows opened, and what the source knows besides. */
export interface TuneMoment {
  readonly timeNs: bigint;
  readonly hotBytes?: readonly number[] | undefined;
}

/** What one scheme's tuner carries from window to window. */
interface TunerState {
  /** Its last answer. */
  quotaBp: bigint;
  /** By goal: the time stalled until the last evaluation. */
  readonly stallUs: (number | undefined)[];
  /** By goal: the most that its share was a share of lately. */
  readonly peakBytesTotal: (number | undefined)[];
}

const U53 = 'an integer from 0 to 2^53 - 1';

/** The goals and tuners of one monitor's schemes. */
export class GoalControl {
  #schemes: readonly Scheme[] = [];
  /** The goals in force: the configuration's until changed. */
  #goals: Goal[][] = [];
  #states: TunerState[] = [];
  /** Milliseconds to wait for what the user wrote. */
  readonly #timeoutMs: number;

  constructor(schemes: readonly Scheme[], timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.commit(schemes);
  }

  /** Takes other schemes: those of the same index keep their tuner's last answer. */
  commit(schemes: readonly Scheme[]): void {
    this.#schemes = schemes;
    this.#goals = schemes.map(({ quota }) => [...quota.goals]);
    // What was stalled before is forgotten, as in the kernel; what was eligible may now not be.
    this.#states = schemes.map((_, i) => ({
      quotaBp: this.#states[i]?.quotaBp ?? 0n,
      stallUs: [],
      peakBytesTotal: [],
    }));
  }

  /** Takes other goals, by scheme; schemes beyond the list keep theirs. */
  commitGoals(goals: readonly (readonly Goal[])[]): void {
    goals.slice(0, this.#schemes.length).forEach((list, i) => {
      this.#goals[i] = [...list];
      this.#states[i]?.stallUs.splice(0);
      this.#states[i]?.peakBytesTotal.splice(0);
    });
  }

  /**
   * Changes a goal: its target, or the current value of a `user_input` goal.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or its metric would change
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void {
    const path = `schemes[${scheme}].quota.goals[${goal}]`;
    const code = 'ERR_DAMON_CONFIG_GOAL';
    const wanted = resolve(goalSchema, options, code, path);
    const goals = this.#goals[scheme];
    const present = goals?.[goal];
    if (goals === undefined || present === undefined) {
      throw refuse({ code, path, expected: 'a goal of the configuration', received: undefined });
    }
    const { metric, nid, memcg } = present;
    if (metric !== wanted.metric || nid !== wanted.nid || memcg !== wanted.memcg) {
      const expected = 'a goal with the metric and node it has';
      throw refuse({ code, path, expected, received: options });
    }
    goals[goal] = wanted;
  }

  /** Takes the tuners' steps for windows that opened. */
  async tune(calls: readonly TuneCall[], moment: TuneMoment): Promise<Tuned[]> {
    const tuned: Tuned[] = [];
    for (const call of calls) {
      const one = await this.#step(call, moment);
      if (one !== undefined) tuned.push(one);
    }
    return tuned;
  }

  async #step(call: TuneCall, moment: TuneMoment): Promise<Tuned | undefined> {
    const { scheme, openings } = call;
    const config = this.#schemes[scheme];
    const state = this.#states[scheme];
    // Committed away since the window opened.
    if (config === undefined || state === undefined) return undefined;
    const { quota } = config;
    const goals: GoalReading[] = [];
    let failure: DamonError | undefined;
    let bytesBefore: bigint | undefined;
    try {
      for (let opening = 0; opening < openings; opening++) {
        if (opening > 0) bytesBefore = state.quotaBp / BP;
        goals.splice(0);
        await this.#measure(call, moment, goals);
        state.quotaBp = await this.#next(scheme, moment, goals);
      }
    } catch (error) {
      if (!(error instanceof DamonError)) throw error;
      failure = error;
    }
    const goalBytes = state.quotaBp / BP;
    const tuning: Tuning = {
      timeNs: moment.timeNs,
      scheme,
      tuner: tunerName(quota.tuner),
      goals,
      scoreBp: Number(best(goals)),
      goalBytes,
      effectiveBytes:
        quota.szBytes === 0 ? Number(goalBytes) : Math.min(Number(goalBytes), quota.szBytes),
      ...(moment.hotBytes && { hotBytes: moment.hotBytes }),
      ...(failure && { failure }),
    };
    return { tuning, bytesBefore };
  }

  async #measure(
    { scheme, metrics }: TuneCall,
    moment: TuneMoment,
    into: GoalReading[],
  ): Promise<void> {
    for (const [i, goal] of (this.#goals[scheme] ?? []).entries()) {
      const currentValue = await this.#currentValue(scheme, i, goal, metrics[i], moment);
      const score = goalScoreBp(currentValue, goal.targetValue);
      const bytes = this.#bytes(scheme, i, goal, metrics[i]);
      into.push({ goal, currentValue, scoreBp: Number(score), ...bytes });
    }
  }

  async #currentValue(
    scheme: number,
    index: number,
    goal: Goal,
    reading: MetricReading | undefined,
    { timeNs }: TuneMoment,
  ): Promise<number> {
    const { metric } = goal;
    if (typeof metric === 'object') {
      return answerOf(() => metric.measure({ timeNs, scheme, goal: index }), isCount, {
        code: 'ERR_DAMON_METRIC',
        path: `schemes[${scheme}].quota.goals[${index}].metric`,
        expected: U53,
        timeoutMs: this.#timeoutMs,
      });
    }
    if (metric === 'user_input') return goal.currentValue ?? 0;
    if (reading?.stallUs !== undefined) return this.#stalled(scheme, index, goal, reading.stallUs);
    const value = reading?.valueBp;
    if (value === undefined) {
      const path = `schemes[${scheme}].quota.goals[${index}].metric`;
      const message = `\`${path}\` was not measured: the operations set did not answer`;
      throw new DamonError(message, { code: 'ERR_DAMON_METRIC', path });
    }
    return goal.complement === true ? Math.max(0, Number(BP) - value) : value;
  }

  /** What a share is a share of, where the metric is one. */
  #bytes(
    scheme: number,
    index: number,
    { complement }: Goal,
    reading: MetricReading | undefined,
  ): Pick<GoalReading, 'bytes' | 'bytesTotal' | 'peakBytesTotal'> {
    const { bytes, bytesTotal } = reading ?? {};
    if (bytes === undefined || bytesTotal === undefined) return {};
    const peaks = this.#states[scheme]?.peakBytesTotal ?? [];
    const peak = peakBytesTotal(peaks[index], bytesTotal);
    peaks[index] = peak;
    return {
      bytes: complement === true ? bytesTotal - bytes : bytes,
      bytesTotal,
      peakBytesTotal: peak,
    };
  }

  /** Time stalled since the evaluation before; at the first, what changes nothing. */
  #stalled(scheme: number, index: number, goal: Goal, stallUs: number): number {
    const state = this.#states[scheme];
    const quota = this.#schemes[scheme]?.quota;
    const before = state?.stallUs[index];
    if (state) state.stallUs[index] = stallUs;
    if (before === undefined) {
      const idle = state === undefined || state.quotaBp < BP;
      return quota?.tuner === 'temporal' && !idle ? 0 : goal.targetValue;
    }
    const stalled = stallUs - before;
    if (goal.complement !== true) return stalled;
    return Math.max(0, (quota?.resetIntervalMs ?? 0) * 1_000 - stalled);
  }

  async #next(
    scheme: number,
    { timeNs }: TuneMoment,
    goals: readonly GoalReading[],
  ): Promise<bigint> {
    const config = this.#schemes[scheme];
    const quotaBp = this.#states[scheme]?.quotaBp ?? 0n;
    if (config === undefined) return quotaBp;
    const { tuner, szBytes, resetIntervalMs } = config.quota;
    const score = best(goals);
    if (typeof tuner === 'string') {
      return TUNERS[tuner]({ quotaBp, scoreBp: score, szBytes: BigInt(szBytes), goals });
    }
    const bytes = Number(quotaBp / BP);
    const input = {
      timeNs,
      scheme,
      bytes,
      goals,
      scoreBp: Number(score),
      szBytes,
      resetIntervalMs,
    };
    const next = await answerOf(() => tuner.step(input), isCount, {
      code: 'ERR_DAMON_TUNER',
      path: `schemes[${scheme}].quota.tuner`,
      expected: U53,
      timeoutMs: this.#timeoutMs,
    });
    return BigInt(next) * BP;
  }
}

/** A step, and what it takes to answer the core. */
export interface Tuned {
  readonly tuning: Tuning;
  /** Of two openings at once: what the first of them allowed. */
  readonly bytesBefore?: bigint | undefined;
}

function best(goals: readonly GoalReading[]): bigint {
  return scoreBp(goals.map((goal) => BigInt(goal.scoreBp)));
}

function isCount(answer: number): boolean {
  return Number.isSafeInteger(answer) && answer >= 0;
}

function tunerName(tuner: string | CustomTuner): string {
  return typeof tuner === 'string' ? tuner : tuner.name;
}

/** The answers as the addon takes them; a step that failed has none. */
export function verdictsOf(tuned: readonly Tuned[]): VerdictInit[] {
  return tuned.filter(({ tuning }) => tuning.failure === undefined).map(verdictOf);
}

function verdictOf({ tuning: { scheme, goalBytes }, bytesBefore }: Tuned): VerdictInit {
  const verdict: VerdictInit = { scheme, bytes: Number(goalBytes) };
  if (bytesBefore !== undefined) verdict.bytesBefore = Number(bytesBefore);
  return verdict;
}
