/** Repeated calls, as an argument: who steps time decides when they come. */

/** Calls back every so many milliseconds, until the function it returns is called. */
export type Every = (ms: number, call: () => void) => () => void;

/** Longest interval of the runtime's timers. Longer ones would fire at once. */
const MAX_MS = 2 ** 31 - 1;

/** On the machine's clock, without keeping the process alive. */
export const everyOfTheClock: Every = (ms, call) => {
  const timer = setInterval(call, Math.min(ms, MAX_MS));
  timer.unref();
  return () => clearInterval(timer);
};
