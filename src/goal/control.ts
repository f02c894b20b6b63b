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

/** A scheme, its goals in force, and what they read before. */
interface Steered {
  readonly config: Scheme;
  readonly goals: Goal[];
  /** By goal: the time stalled until the last evaluation. */
  readonly stallUs: (number | undefined)[];
  /** By goal: the most that its share was a share of lately. */
  readonly peakBytesTotal: (number | undefined)[];
}

function steered(config: Scheme, goals: readonly Goal[]): Steered {
  return { config, goals: [...goals], stallUs: [], peakBytesTotal: [] };
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
   * Replaced by a commit, never changed: a step in progress, which may wait for what the user wrote,
   * goes on with what was measured for it.
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
    this.#steered = schemes.map((scheme) => steered(scheme, scheme.quota.goals));
    this.#quotasBp = schemes.map((_, i) => this.#quotasBp[i] ?? 0n);
  }

  /** Takes other goals, by scheme; schemes beyond the list keep theirs. */
  commitGoals(goals: readonly (readonly Goal[])[]): void {
    this.#steered = this.#steered.map((one, i) => {
      const list = goals[i];
      return list ? steered(one.config, list) : one;
    });
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
    const goals = this.#steered[scheme]?.goals;
    const present = goals?.[goal];
    if (goals === undefined || present === undefined) {
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
    goals[goal] = {
      ...wanted,
      ...(complement !== undefined && { complement }),
      ...(!isTold && currentValue !== undefined && { currentValue }),
    };
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
        await this.#measure(one, call, { ...moment, quotaBp }, goals);
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
    { scheme, metrics }: TuneCall,
    moment: Opening,
    into: GoalReading[],
  ): Promise<void> {
    for (const [i, goal] of one.goals.entries()) {
      const reading = metrics[i];
      const placed = { scheme, index: i, goal };
      const currentValue = await this.#currentValue(one, placed, reading, moment);
      const score = goalScoreBp(currentValue, goal.targetValue);
      into.push({ goal, currentValue, scoreBp: Number(score), ...sizes(one, placed, reading) });
    }
  }

  async #currentValue(
    one: Steered,
    placed: Placed,
    reading: MetricReading | undefined,
    moment: Opening,
  ): Promise<number> {
    const { scheme, index, goal } = placed;
    const { metric } = goal;
    const path = `schemes[${scheme}].quota.goals[${index}].metric`;
    if (typeof metric === 'object') {
      const { timeNs } = moment;
      return answerOf(() => metric.measure({ timeNs, scheme, goal: index }), isCount, {
        code: 'ERR_DAMON_METRIC',
        path,
        expected: U53,
        timeoutMs: this.#timeoutMs,
      });
    }
    if (metric === 'user_input') return goal.currentValue ?? 0;
    if (reading?.stallUs !== undefined) {
      const stalledUs = stalled(one, placed, reading.stallUs, moment.quotaBp);
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
 * Time stalled since the evaluation before; at the first, what changes nothing. `undefined` where the
 * total went back, as it cannot.
 */
function stalled(
  { config, stallUs: totals }: Steered,
  { index, goal: { targetValue, complement } }: Placed,
  totalUs: number,
  quotaBp: bigint,
): number | undefined {
  const { tuner, resetIntervalMs } = config.quota;
  const before = totals[index];
  totals[index] = totalUs;
  if (before === undefined) return tuner === 'temporal' && quotaBp >= BP ? 0 : targetValue;
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
