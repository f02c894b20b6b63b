/** What a tuner is: a pure function from where the quota stands to where it goes. */

/** Where a scheme's quota stands when a window opens. */
export interface TunerInput {
  /** The tuner's last answer, 0 at first: bytes per window, times 10000. */
  readonly quotaBp: bigint;
  /** How well the goals are met: 10000 when they are. */
  readonly scoreBp: bigint;
  /** The scheme's size quota in bytes, 0 for none. */
  readonly szBytes: bigint;
}

/** Gives the bytes that the goals allow in the window that opens, times 10000. */
export type Tuner = (input: TunerInput) => bigint;
