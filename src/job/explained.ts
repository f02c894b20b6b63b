/** Gathers what the schemes of a monitor do while it runs, for the record of a job. */
import type { Tuning } from '../goal/control.ts';
import type { Kdamond } from '../kdamond.ts';
import { StretchSeries } from '../report/explanation.ts';
import type { Explained } from '../report/record.ts';
import type { Round } from '../report/round.ts';

/** Who wants to know why schemes do what they do. */
export interface ExplainHooks {
  /** Called for each step of a tuner. */
  readonly onTuning?: (tuning: Tuning) => void;
  /** Called with the rounds since the call before, in order, and waited for. */
  readonly onRounds?: (rounds: readonly Round[]) => void | Promise<void>;
}

/** What is gathered of one monitor. */
export class Gathering {
  readonly #kdamond: Kdamond;
  readonly #hooks: ExplainHooks;
  readonly #explanation = new StretchSeries();

  constructor(kdamond: Kdamond, { onTuning, onRounds }: ExplainHooks) {
    this.#kdamond = kdamond;
    this.#hooks = { ...(onTuning && { onTuning }), ...(onRounds && { onRounds }) };
  }

  /** Takes a step of a tuner, before the rounds of its window. */
  readonly onTuning = (tuning: Tuning): void => {
    this.#explanation.addTuning(tuning);
    this.#hooks.onTuning?.(tuning);
  };

  /** Takes the rounds since the last call: between two steps of the monitor. */
  async takeRounds(): Promise<void> {
    const rounds = this.#kdamond.takeRounds();
    for (const round of rounds) this.#explanation.addRound(round);
    if (rounds.length > 0) await this.#hooks.onRounds?.(rounds);
  }

  /** What it comes to. */
  get explained(): Explained {
    const { config, startNs, nowNs: endNs, roundsDropped } = this.#kdamond;
    const schemes = config.schemes.map(({ name }) => name);
    return { schemes, startNs, endNs, explanation: this.#explanation, roundsDropped };
  }
}
