/** What a sampler's interrupts cost, and how much of that the kernel allows. `samplers.md` 1.8. */
import * as v from 'valibot';

import type { Duration } from '../units.ts';
import { type Schema, integer, options, quantityWithin } from '../validate.ts';

/** The interrupts of an event. */
export interface InterruptOptions {
  /** CPU time of one. At most 1 ms. @default 1270 */
  readonly handlerNs?: Duration;
  /**
   * Most samples per second and CPU, from 250: `kernel.perf_event_max_sample_rate`. An event that
   * interrupts more often within a tick of 4 ms is stopped until the next. @default 100000
   */
  readonly maxRateHz?: number;
  /**
   * Share of a CPU's time that handlers may take, in percent: `kernel.perf_cpu_time_max_percent`.
   * Handlers that take more on average lower the largest rate; 0 or 100 for no such rule.
   * @default 25, with which a handler may take 2500 ns
   */
  readonly cpuPercentMax?: number;
}

/** {@link InterruptOptions}, every one given. */
export interface Interrupts {
  readonly handlerNs: number;
  readonly maxRateHz: number;
  readonly cpuPercentMax: number;
}

/** Reads {@link InterruptOptions}. */
export const interruptsSchema: Schema<Interrupts> = options({
  handlerNs: v.optional(durationNs(0, 1e6), 1_270),
  maxRateHz: v.optional(integer(250, 1e9), 100_000),
  cpuPercentMax: v.optional(integer(0, 100), 25),
});

/** A time within closed bounds, in nanoseconds. */
export function durationNs(min: number, max: number): Schema<number> {
  return quantityWithin('ns', { min, max, expected: `a time from ${min} to ${max} ns` });
}
