/** The CPUs of the emulated machine. `samplers.md` 5.2 and 7.6. */
import * as v from 'valibot';

import type { Bandwidth, Bytes, Duration } from '../units.ts';
import {
  type Schema,
  U32,
  integer,
  oneOf,
  options,
  quantityOf,
  quantityWithin,
} from '../validate.ts';
import { type CpuRange, numberWithin } from './process.ts';

/** All CPUs, alike. A CPU is a hardware thread. */
export interface ProcessorOptions {
  /** Where the other defaults come from. @default "zen5" */
  readonly model?: 'zen4' | 'zen5';
  /** How many, from 1 to 8192, shared among the sockets as evenly as can be. @default 132 */
  readonly cpus?: number;
  /** How many, from 1 to 8. @default 1 */
  readonly sockets?: number;
  /** Cycles per second. @default 3.7e9 */
  readonly clockHz?: number;
  /** Nanoseconds that a socket's boundary adds to a memory access. @default 90 */
  readonly hopNs?: number;
  /**
   * What passes between two sockets, both ways together; the boundary adds more as that is reached.
   * @default "150 GB/s"
   */
  readonly hopBandwidthBytesPerS?: Bandwidth;
  /** Translations of the second-level data TLB, of any page size. @default 4096; zen4: 3072 */
  readonly tlbEntries?: number;
  /** Translations that the kernel and neighbours push out of it. @default 0 */
  readonly tlbEvictionsPerMs?: number;
  /** Cycles of a page walk. @default 40 */
  readonly walkCycles?: number;
  /** First-level data cache of a CPU. @default "48 KiB"; zen4: "32 KiB" */
  readonly l1Bytes?: Bytes;
  /** Second-level cache of a CPU. @default "1 MiB" */
  readonly l2Bytes?: Bytes;
  /** Third-level cache of the complex that a CPU is part of. @default "32 MiB" */
  readonly l3Bytes?: Bytes;
  /**
   * CPUs that go and come back, in order. A CPU that is away runs nothing and is not sampled; its
   * process goes on with the others, of which it keeps one at least. @default none
   */
  readonly hotplug?: readonly CpuChangeOptions[];
}

/** CPUs go, or come back. */
export interface CpuChangeOptions {
  /** When: this long after the start, above 0, not before the change before it. */
  readonly atMs: Duration;
  /** Which. */
  readonly cpus: CpuRange;
  /** Whether they are there from then on. */
  readonly online: boolean;
}

/** {@link CpuChangeOptions}, resolved. */
export interface CpuChange {
  readonly atMs: number;
  readonly cpus: CpuRange;
  readonly online: boolean;
}

/** {@link ProcessorOptions}, resolved. */
export interface Processor {
  readonly cpus: number;
  readonly sockets: number;
  readonly clockHz: number;
  readonly hopNs: number;
  readonly hopBandwidthBytesPerS: number;
  readonly tlbEntries: number;
  readonly tlbEvictionsPerMs: number;
  readonly walkCycles: number;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  readonly l3Bytes: number;
  readonly hotplug: readonly CpuChange[];
}

const KIB = 1024;
const ZEN5 = { tlbEntries: 4_096, l1Bytes: 48 * KIB };
const ZEN4 = { tlbEntries: 3_072, l1Bytes: 32 * KIB };

const cpuChangeSchema: Schema<CpuChange> = options({
  atMs: quantityWithin('ms', { min: 1, max: 1e9, expected: 'a time from 1 to 1e9 milliseconds' }),
  cpus: options({ start: integer(0, 8191), end: integer(1, 8192) }),
  online: v.boolean(),
});

/** Reads {@link ProcessorOptions}. */
export const processorSchema: Schema<Processor> = v.pipe(
  options({
    model: v.optional(oneOf(['zen4', 'zen5'] as const), 'zen5'),
    cpus: v.optional(integer(1, 8192), 132),
    sockets: v.optional(integer(1, 8), 1),
    clockHz: v.optional(numberWithin(1e6, 1e11), 3.7e9),
    hopNs: v.optional(numberWithin(0, 1e6), 90),
    hopBandwidthBytesPerS: v.optional(
      quantityWithin('bytesPerS', { min: 1e6, max: 1e15, expected: 'from 1 MB/s to 1000 TB/s' }),
      150e9,
    ),
    tlbEntries: v.optional(integer(1, U32)),
    tlbEvictionsPerMs: v.optional(numberWithin(0, 1e9), 0),
    walkCycles: v.optional(numberWithin(0, 1e6), 40),
    l1Bytes: v.optional(quantityOf('bytes')),
    l2Bytes: v.optional(quantityOf('bytes'), KIB ** 2),
    l3Bytes: v.optional(quantityOf('bytes'), 32 * KIB ** 2),
    hotplug: v.optional(v.array(cpuChangeSchema), []),
  }),
  v.transform(({ model, tlbEntries, l1Bytes, ...processor }) => {
    const usual = model === 'zen4' ? ZEN4 : ZEN5;
    return {
      ...processor,
      tlbEntries: tlbEntries ?? usual.tlbEntries,
      l1Bytes: l1Bytes ?? usual.l1Bytes,
    };
  }),
);
