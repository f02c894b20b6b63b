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

/** A scheme with its goals in force, and what they read before. */
interface Steered {
  readonly config: Scheme;
  /** By goal: the time stalled until the last evaluation. */
  readonly stallUs: (number | undefined)[];
  /** By goal: the most that its share was a share of lately. */
  readonly peakBytesTotal: (number | undefined)[];
}

function steered(config: Scheme): Steered {
  return { config, stallUs: [], peakBytesTotal: [] };
}

function withGoals(config: Scheme, goals: readonly Goal[]): Scheme {
  return { ...config, quota: { ...config.quota, goals } };
}

/** A window that opens, and the quota before it. */
interface Opening extends TuneMoment {
  readonly quotaBp: bigint;
}

/** A goal, and which it is. */
interface Placed {
  readonly scheme: number;
  readonly index: number;
  readonly goal: Goal;
}

const U53 = 'an integer from 0 to 2^53 - 1';

/** The goals and tuners of one monitor's schemes. */
export class GoalControl {
  /**
   * Replaced, never changed: a step in progress, which may wait for what the user wrote, goes on with
   * what was measured for it.
   */
  #steered: readonly Steered[] = [];
  /** By scheme: its tuner's last answer. */
  #quotasBp: bigint[] = [];
  /** Milliseconds to wait for what the user wrote. */
  readonly #timeoutMs: number;

  constructor(schemes: readonly Scheme[], timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.commit(schemes);
  }

  /** Takes other schemes: those of the same index keep their tuner's last answer. */
  commit(schemes: readonly Scheme[]): void {
    // What was stalled before is forgotten, as in the kernel; what was eligible may now not be.
    this.#steered = schemes.map(steered);
    this.#quotasBp = schemes.map((_, i) => this.#quotasBp[i] ?? 0n);
  }

  /** Takes other goals, by scheme; schemes beyond the list keep theirs. */
  commitGoals(goals: readonly (readonly Goal[])[]): void {
    this.#steered = this.#steered.map((one, i) => {
      const list = goals[i];
      return list ? steered(withGoals(one.config, list)) : one;
    });
  }

  /** The schemes with the goals in force. */
  get schemes(): readonly Scheme[] {
    return this.#steered.map(({ config }) => config);
  }

  /**
   * Changes a goal: its target, or the current value of a `user_input` goal. What is left out stays.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or it would measure
   *   something else
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void {
    const path = `schemes[${scheme}].quota.goals[${goal}]`;
    const code = 'ERR_DAMON_CONFIG_GOAL';
    const wanted = resolve(goalSchema, options, code, path);
    const one = this.#steered[scheme];
    const present = one?.config.quota.goals[goal];
    if (one === undefined || present === undefined) {
      throw refuse({ code, path, expected: 'a goal of the configuration', received: undefined });
    }
    const { metric, nid, memcg, complement, currentValue } = present;
    const { complement: turned = complement } = wanted;
    const isSame = metric === wanted.metric && nid === wanted.nid && memcg === wanted.memcg;
    if (!isSame || (turned ?? false) !== (complement ?? false)) {
      const expected = 'a goal with the metric, node and complement it has';
      throw refuse({ code, path, expected, received: options });
    }
    const isTold = 'currentValue' in options && options.currentValue !== undefined;
    const next: Goal = {
      ...wanted,
      ...(complement !== undefined && { complement }),
      ...(!isTold && currentValue !== undefined && { currentValue }),
    };
    const config = withGoals(one.config, one.config.quota.goals.with(goal, next));
    // What was read before goes on.
    this.#steered = this.#steered.with(scheme, { ...one, config });
  }

  /** Takes the tuners' steps for windows that opened. */
  async tune(calls: readonly TuneCall[], moment: TuneMoment): Promise<Tuned[]> {
    const inForce = this.#steered;
    const tuned: Tuned[] = [];
    for (const call of calls) {
      const one = inForce[call.scheme];
      // Committed away since the window opened.
      if (one === undefined || this.#quotasBp[call.scheme] === undefined) continue;
      tuned.push(await this.#step(one, call, moment));
    }
    return tuned;
  }

  async #step(one: Steered, call: TuneCall, moment: TuneMoment): Promise<Tuned> {
    const { scheme, openings } = call;
    const { quota } = one.config;
    const goals: GoalReading[] = [];
    let quotaBp = this.#quotasBp[scheme] ?? 0n;
    let failure: DamonError | undefined;
    let bytesBefore: bigint | undefined;
    try {
      for (let opening = 0; opening < openings; opening++) {
        if (opening > 0) bytesBefore = quotaBp / BP;
        goals.splice(0);
        await this.#measure(one, call, moment, goals);
        quotaBp = await this.#next(one, call, { ...moment, quotaBp }, goals);
      }
      // Unless it was committed away meanwhile.
      if (scheme < this.#quotasBp.length) this.#quotasBp[scheme] = quotaBp;
    } catch (error) {
      if (!(error instanceof DamonError)) throw error;
      failure = error;
      quotaBp = this.#quotasBp[scheme] ?? 0n;
    }
    const goalBytes = quotaBp / BP;
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
    one: Steered,
    call: TuneCall,
    moment: TuneMoment,
    into: GoalReading[],
  ): Promise<void> {
    for (const [i, goal] of one.config.quota.goals.entries()) {
      const placed = { scheme: call.scheme, index: i, goal };
      const currentValue = await this.#currentValue(one, placed, call, moment);
      const score = Number(goalScoreBp(currentValue, goal.targetValue));
      const counted = sizes(one, placed, call.metrics[i]);
      into.push({ goal, currentValue, scoreBp: score, ...counted });
    }
  }

  async #currentValue(
    one: Steered,
    placed: Placed,
    call: TuneCall,
    { timeNs }: TuneMoment,
  ): Promise<number> {
    const { scheme, index, goal } = placed;
    const { metric } = goal;
    const reading = call.metrics[index];
    const path = `schemes[${scheme}].quota.goals[${index}].metric`;
    if (typeof metric === 'object') {
      return answerOf(() => metric.measure({ timeNs, scheme, goal: index }), isCount, {
        code: 'ERR_DAMON_METRIC',
        path,
        expected: U53,
        timeoutMs: this.#timeoutMs,
      });
    }
    if (metric === 'user_input') return goal.currentValue ?? 0;
    if (reading?.stallUs !== undefined) {
      const stalledUs = stalled(one, placed, reading.stallUs, call.effectiveSzBytes);
      if (stalledUs !== undefined) return stalledUs;
      const message = `\`${path}\` was not measured: the time stalled became less`;
      throw new DamonError(message, { code: 'ERR_DAMON_METRIC', path });
    }
    const value = reading?.valueBp;
    if (value === undefined) {
      const message = `\`${path}\` was not measured: the operations set did not answer`;
      throw new DamonError(message, { code: 'ERR_DAMON_METRIC', path });
    }
    return goal.complement === true ? Math.max(0, Number(BP) - value) : value;
  }

  async #next(
    { config }: Steered,
    { scheme }: TuneCall,
    { timeNs, quotaBp }: Opening,
    goals: readonly GoalReading[],
  ): Promise<bigint> {
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

/** What a share is a share of, where the metric is one. */
function sizes(
  { peakBytesTotal: peaks }: Steered,
  { index, goal: { complement } }: Placed,
  reading: MetricReading | undefined,
): Pick<GoalReading, 'bytes' | 'bytesTotal' | 'peakBytesTotal'> {
  const { bytes, bytesTotal } = reading ?? {};
  if (bytes === undefined || bytesTotal === undefined) return {};
  const peak = peakBytesTotal(peaks[index], bytesTotal);
  peaks[index] = peak;
  return {
    bytes: complement === true ? bytesTotal - bytes : bytes,
    bytesTotal,
    peakBytesTotal: peak,
  };
}

/**
 * Time stalled since the evaluation before; at the first, what changes nothing: a scheme that `temporal`
 * let work, or that had a quota before it had the goal, works on. `undefined` where the total went back,
 * as it cannot.
 */
function stalled(
  { config, stallUs: totals }: Steered,
  { index, goal: { targetValue, complement } }: Placed,
  totalUs: number,
  effectiveSzBytes: number,
): number | undefined {
  const { tuner, resetIntervalMs } = config.quota;
  const before = totals[index];
  totals[index] = totalUs;
  if (before === undefined) return tuner === 'temporal' && effectiveSzBytes > 0 ? 0 : targetValue;
  const stalledUs = totalUs - before;
  if (stalledUs < 0) return undefined;
  return complement === true ? Math.max(0, resetIntervalMs * 1_000 - stalledUs) : stalledUs;
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
