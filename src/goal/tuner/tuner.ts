/** What a tuner is: a function from where the quota stands to where it goes. */
import type { GoalReading } from '../goal.ts';

/** Where a scheme's quota stands when a window opens: all that a tuner of the kernel's sees. */
export interface ScoreInput {
  /** The tuner's last answer, 0 at first: bytes per window, times 10000. */
  readonly quotaBp: bigint;
  /** How well the goals are met: 10000 when they are. */
  readonly scoreBp: bigint;
  /** The scheme's size quota in bytes, 0 for none. */
  readonly szBytes: bigint;
}

/** {@link ScoreInput}, and what the goals' metrics read. */
export interface TunerInput extends ScoreInput {
  /** Each goal: what its metric read. */
  readonly goals: readonly GoalReading[];
}

/** Gives the bytes that the goals allow in the window that opens, times 10000. */
export type Tuner<Input = TunerInput> = (input: Input) => bigint;

/** What a {@link CustomTuner} is told. */
export interface CustomTunerInput {
  /** When the window opens, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** The tuner's last answer, 0 at first: bytes per window. */
  readonly bytes: number;
  /** Each goal: what its metric read. */
  readonly goals: readonly GoalReading[];
  /** How well the best-met goal is met: 10000 when it is. */
  readonly scoreBp: number;
  /** The scheme's size quota in bytes, 0 for none. */
  readonly szBytes: number;
  /** Length of a window. */
  readonly resetIntervalMs: number;
}

/** A tuner of the user's own. */
export interface CustomTuner {
  /** What people call it. */
  readonly name: string;
  /**
   * Gives the bytes that the goals allow in the window that opens: an integer of at least 0. May be
   * a promise, which the schemes then wait for in simulated time. One that throws, gives something
   * else or does not settle leaves the quota as it is, and the `Tuning` says so.
   */
  readonly step: (input: CustomTunerInput) => number | Promise<number>;
}
