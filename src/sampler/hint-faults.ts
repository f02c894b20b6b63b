/** NUMA hint faults as a sampler of the emulated machine. `samplers.md` 6. */
import * as v from 'valibot';

import type { Bandwidth, Bytes, Duration } from '../units.ts';
import { type Schema, integer, oneOf, options, quantityOf } from '../validate.ts';
import { durationNs } from './interrupts.ts';

/**
 * The kernel's NUMA balancing scanner: part of each process's memory is made inaccessible every now
 * and then; the first access to each page of it faults, once, and is reported if it came soon.
 */
export interface HintFaultsOptions {
  readonly type: 'hint_faults';
  /** Memory of a scan, in whole pages. @default "256 MiB" */
  readonly scanBytes?: Bytes;
  /** Time from one scan of a process to the next, from 1 ms to 60 s. @default "1 s" */
  readonly scanPeriodNs?: Duration;
  /** Time until the first. At most an hour. @default "1 s" */
  readonly startDelayNs?: Duration;
  /** Only memory on these nodes is scanned, as in memory-tiering mode. @default all nodes */
  readonly nodes?: readonly number[];
  /**
   * A page is hot whose fault comes within that time of its scan. Adapts to the rate limit once a
   * minute, in steps of an eighth, up to twice this. At most an hour. @default "1 s"
   */
  readonly hotThresholdNs?: Duration;
  /** Memory per second whose faults may be reported. @default "65536 MiB" */
  readonly rateLimitBytesPerS?: Bandwidth;
  /** Addresses of its reports: `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "physical" */
  readonly address?: 'virtual' | 'physical';
  /** CPU time of a fault. At most 1 s. @default 1500 */
  readonly faultNs?: Duration;
  /** CPU time of the scanner per page table entry. At most 1 ms. @default 7 */
  readonly scanEntryNs?: Duration;
}

/** {@link HintFaultsOptions}, every one given. */
export interface HintFaults {
  readonly type: 'hint_faults';
  readonly scanBytes: number;
  readonly scanPeriodNs: number;
  readonly startDelayNs: number;
  readonly nodes: readonly number[];
  readonly hotThresholdNs: number;
  readonly rateLimitBytesPerS: number;
  readonly address: 'virtual' | 'physical';
  readonly faultNs: number;
  readonly scanEntryNs: number;
}

const PAGE = 4096;
const HOUR_NS = 3.6e12;

/** Reads {@link HintFaultsOptions}. */
export const hintFaultsSchema: Schema<HintFaults> = options({
  type: v.literal('hint_faults'),
  scanBytes: v.optional(
    v.pipe(
      quantityOf('bytes'),
      v.check(
        (bytes) => bytes >= PAGE && bytes % PAGE === 0,
        'whole pages of 4096 bytes, at least one',
      ),
    ),
    2 ** 28,
  ),
  scanPeriodNs: v.optional(durationNs(1e6, 6e10), 1e9),
  startDelayNs: v.optional(durationNs(0, HOUR_NS), 1e9),
  nodes: v.optional(v.array(integer(0, 65_535)), []),
  hotThresholdNs: v.optional(durationNs(16, HOUR_NS), 1e9),
  rateLimitBytesPerS: v.optional(
    v.pipe(
      quantityOf('bytesPerS'),
      v.check((bytes) => PAGE <= bytes && bytes <= 2 ** 50, 'from 4096 bytes to 1024 TiB'),
    ),
    2 ** 36,
  ),
  address: v.optional(oneOf(['virtual', 'physical'] as const), 'physical'),
  faultNs: v.optional(durationNs(0, 1e9), 1_500),
  scanEntryNs: v.optional(durationNs(0, 1e6), 7),
});
