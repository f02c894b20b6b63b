/** Page faults as a sampler of the emulated machine: perf's software event. */
import * as v from 'valibot';

import type { Duration } from '../units.ts';
import { type Schema, U32, integer, oneOf, options } from '../validate.ts';
import { durationNs } from './interrupts.ts';

/**
 * `PERF_COUNT_SW_PAGE_FAULTS` of every process: of the pages that come back after they were paged out
 * every so many-th is reported. What stays in memory is never seen, however hot it is.
 */
export interface PageFaultsOptions {
  readonly type: 'page_faults';
  /** Faults of a process between samples, from 1 to 4294967295. @default 1 */
  readonly period?: number;
  /** `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "virtual" */
  readonly address?: 'virtual' | 'physical';
  /** CPU time of a sample. At most 1 ms. @default 500 */
  readonly sampleNs?: Duration;
}

/** {@link PageFaultsOptions}, every one given. */
export interface PageFaults {
  readonly type: 'page_faults';
  readonly period: number;
  readonly address: 'virtual' | 'physical';
  readonly sampleNs: number;
}

/** Reads {@link PageFaultsOptions}. */
export const pageFaultsSchema: Schema<PageFaults> = options({
  type: v.literal('page_faults'),
  period: v.optional(integer(1, U32), 1),
  address: v.optional(oneOf(['virtual', 'physical'] as const), 'virtual'),
  sampleNs: v.optional(durationNs(0, 1e6), 500),
});
