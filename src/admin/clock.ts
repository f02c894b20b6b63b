/** Repeated calls, as an argument: who steps time decides when they come. */

/**
 * Calls back every so many milliseconds, until the function it returns is called. Who steps time waits
 * for what is called.
 */
export type Every = (ms: number, call: () => void | Promise<void>) => () => void;

/** Longest interval of the runtime's timers. Longer ones would fire at once. */
const MAX_MS = 2 ** 31 - 1;

/** On the machine's clock, without keeping the process alive. */
export const everyOfTheClock: Every = (ms, call) => {
  const timer = setInterval(() => void call(), Math.min(ms, MAX_MS));
  timer.unref();
  return () => clearInterval(timer);
};

interface Timer {
  readonly ms: number;
  readonly call: () => void | Promise<void>;
  dueMs: number;
}

/** Time that passes when it is stepped, and calls that come with it. */
export class SteppedClock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  readonly every: Every = (ms, call) => {
    const timer = { ms, call, dueMs: this.#nowMs + ms };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /**
   * Lets time pass, from call to call.
   *
   * @param pass has so many milliseconds pass for whoever else goes by this time
   */
  async step(ms: number, pass: (ms: number) => Promise<void>): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      const nextMs = Math.min(endMs, ...[...this.#timers].map(({ dueMs }) => dueMs));
      await pass(nextMs - this.#nowMs);
      this.#nowMs = nextMs;
      for (const timer of [...this.#timers].filter(({ dueMs }) => dueMs <= nextMs)) {
        timer.dueMs += timer.ms;
        await timer.call();
      }
    }
  }
}
