/**
 * What steers the quotas of a monitor: its goals as they stand now, and each scheme's tuner.
 *
 * Shared by every monitor. Not here: when a quota window opens, which the core knows, or how the
 * answer gets back to it.
 */
import type { TuneCall, VerdictInit } from '../../native/binding.cjs';
import { refuse } from '../errors.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { resolve } from '../validate.ts';
import { BP } from './arithmetic.ts';
import {
  type Goal,
  type GoalOptions,
  type GoalReading,
  goalSchema,
  goalScoreBp,
  scoreBp,
} from './goal.ts';
import { TUNERS, type TunerName } from './tuner/tuners.ts';

/** A step of a scheme's tuner: what was measured, what followed from it. */
export interface Tuning {
  /** When, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  readonly tuner: TunerName;
  /** Each goal: what its metric read. */
  readonly goals: readonly GoalReading[];
  /** The best-met goal's score: 10000 when it is met. */
  readonly scoreBp: number;
  /** Bytes that the goals allow in the window that opens. */
  readonly goalBytes: bigint;
  /** Bytes the scheme may try in the window: the smaller of that and its size quota. */
  readonly effectiveBytes: number;
  /** Bytes of the workload's hot set on each node, where the source knows: the emulation. */
  readonly hotBytes?: readonly number[];
}

/** When the windows opened, and what the source knows besides. */
export interface TuneMoment {
  readonly timeNs: bigint;
  readonly hotBytes?: readonly number[] | undefined;
}

/** The goals and tuners of one monitor's schemes. */
export class GoalControl {
  readonly #schemes: readonly Scheme[];
  /** The goals in force: the configuration's until changed. */
  readonly #goals: Goal[][];
  /** Each tuner's last answer. */
  readonly #quotaBp: bigint[];

  constructor(schemes: readonly Scheme[]) {
    this.#schemes = schemes;
    this.#goals = schemes.map(({ quota }) => [...quota.goals]);
    this.#quotaBp = schemes.map(() => 0n);
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
    const same =
      present.metric === wanted.metric &&
      (present.metric === 'user_input' ||
        (wanted.metric !== 'user_input' && present.nid === wanted.nid));
    if (!same) {
      const expected = 'a goal with the metric and node it has';
      throw refuse({ code, path, expected, received: options });
    }
    goals[goal] = wanted;
  }

  /** Takes the tuners' steps for windows that opened. */
  tune(calls: readonly TuneCall[], moment: TuneMoment): Tuning[] {
    return calls.map((call) => this.#step(call, moment));
  }

  #step({ scheme, openings, metrics }: TuneCall, { timeNs, hotBytes }: TuneMoment): Tuning {
    const quota = this.#schemes[scheme]?.quota;
    const goals = this.#goals[scheme] ?? [];
    if (quota === undefined) throw new RangeError(`scheme ${scheme} is not configured`);
    const scores = goals.map((goal, i) => {
      const currentValue =
        goal.metric === 'user_input' ? goal.currentValue : (metrics[i]?.valueBp ?? 0);
      return { goal, currentValue, score: goalScoreBp(currentValue, goal.targetValue) };
    });
    const score = scoreBp(scores.map((one) => one.score));
    let quotaBp = this.#quotaBp[scheme] ?? 0n;
    for (let opening = 0; opening < openings; opening++) {
      const szBytes = BigInt(quota.szBytes);
      quotaBp = TUNERS[quota.tuner]({ quotaBp, scoreBp: score, szBytes });
    }
    this.#quotaBp[scheme] = quotaBp;
    const goalBytes = quotaBp / BP;
    const effective =
      quota.szBytes === 0 ? Number(goalBytes) : Math.min(Number(goalBytes), quota.szBytes);
    return {
      timeNs,
      scheme,
      tuner: quota.tuner,
      goals: scores.map((one) => ({
        goal: one.goal,
        currentValue: one.currentValue,
        scoreBp: Number(one.score),
      })),
      scoreBp: Number(score),
      goalBytes,
      effectiveBytes: effective,
      ...(hotBytes && { hotBytes }),
    };
  }
}

/** The answers as the addon takes them. */
export function verdictsOf(tunings: readonly Tuning[]): VerdictInit[] {
  return tunings.map(({ scheme, goalBytes }) => ({ scheme, bytes: Number(goalBytes) }));
}
