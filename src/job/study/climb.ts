/**
 * Hill climbing over a share: goes on while it helps, turns round with half the step when it does not.
 *
 * Pure; asked once per step. Not here: what is measured, or what a share means.
 */

/** Where a climb begins, and how far it steps. Basis points. */
export interface ClimbOptions {
  /** Above 0 and below 10000. */
  readonly startBp: number;
  /** Below 0 to begin downwards. */
  readonly stepBp: number;
  /** The climb ends with steps smaller than this. Minimum: 1. */
  readonly leastStepBp: number;
}

const SHARE_MIN_BP = 100;
const SHARE_MAX_BP = 9_900;

/** A climb: where it stands, and the best place it has seen. */
export class Climb {
  readonly #leastStepBp: number;
  #stepBp: number;
  #atBp: number;
  #bestBp: number;
  #bestValue = -Infinity;

  constructor({ startBp, stepBp, leastStepBp }: ClimbOptions) {
    this.#leastStepBp = leastStepBp;
    this.#stepBp = stepBp;
    this.#atBp = startBp;
    this.#bestBp = startBp;
  }

  /** The best place seen. */
  get best(): number {
    return this.#bestBp;
  }

  /** Takes what was measured where the climb stands; gives where to go. */
  next(value: number): number {
    if (value > this.#bestValue) {
      this.#bestValue = value;
      this.#bestBp = this.#atBp;
    } else if (Math.abs(this.#stepBp) >= this.#leastStepBp) {
      this.#stepBp = -Math.trunc(this.#stepBp / 2);
    }
    const isDone = Math.abs(this.#stepBp) < this.#leastStepBp;
    const wanted = isDone ? this.#bestBp : this.#bestBp + this.#stepBp;
    this.#atBp = Math.min(SHARE_MAX_BP, Math.max(SHARE_MIN_BP, wanted));
    return this.#atBp;
  }
}
