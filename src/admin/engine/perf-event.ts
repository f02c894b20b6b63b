/**
 * The emulated machine's sampler, programmed by a perf event: IBS Op, PEBS by raw events, or the page
 * faults that perf counts by itself.
 *
 * `hardware-sampling.md` 8.1 to 8.6, `samplers.md` 1 and 2. Not here: who owns it.
 */
import type { IbsOp } from '../../sampler/ibs-op.ts';
import type { PageFaults } from '../../sampler/page-faults.ts';
import type { Pebs } from '../../sampler/pebs.ts';
import type { AdminPerfEvent } from '../engine.ts';
import { type AdminError, type ErrnoName, refused } from '../errno.ts';

/** Bit 19 of `config`, `CntCtl`: dispatched ops are counted instead of cycles. */
const COUNT_OPS = 1n << 19n;
/** Bits of `config` that hold the period in units of 16: 15 to 0, and 26 to 20. */
const PERIOD_BITS = 0x07f0_ffffn;
const PERIOD_UNIT = 16n;
/** What the counter holds. */
const PERIOD_MIN = 144n;
const PERIOD_MAX = 134_217_712n;
/** `PERF_TYPE_SOFTWARE`, and its events of page faults: all, and those that read a page in. */
const SOFTWARE = 1;
const PAGE_FAULTS: ReadonlySet<bigint> = new Set([2n, 6n]);
/** `PERF_TYPE_RAW`: an event of the CPU's own counters. */
const RAW = 4;
/** A counter of 48 bits, counting up from a negative number. */
const PEBS_PERIOD_MAX = 2n ** 47n - 1n;
/** `mem-loads`, whose `config1` holds the least latency. */
const SLOW_LOADS = 0x1cdn;
const LATENCY_MAX = 65_535n;
/** Other raw events that PEBS knows, umask and event. */
const PEBS_EVENTS: ReadonlyMap<bigint, Pebs['event']> = new Map<bigint, Pebs['event']>([
  [0x20d1n, 'l3_miss_loads'],
  [0x81d0n, 'loads'],
  [0x82d0n, 'stores'],
]);

/** What the emulated machine has to offer to perf. */
export interface Pmu {
  /** The number of its PMU `ibs_op`. */
  readonly type: number;
  readonly sampler: IbsOp;
  /** Cycles, or ops, per second and CPU: by which a rate of samples becomes a period. */
  readonly rateHz: number;
}

/** Refuses the value of a file of an event. */
type Refuse = (errno: ErrnoName, file: keyof typeof FILES, expected: string) => AdminError;

const FILES = {
  type: 'type',
  config: 'config',
  config1: 'config1',
  config2: 'config2',
  sampleWeightStruct: 'sample_weight_struct',
  sampleFreq: 'sample_freq',
  samplePeriod: 'sample_period',
  preciseIp: 'precise_ip',
  excludeKernel: 'exclude_kernel',
  excludeHv: 'exclude_hv',
} as const;

function refusing(event: AdminPerfEvent, path: string): Refuse {
  return (errno, file, expected) =>
    refused(errno, { path: `${path}/${FILES[file]}`, expected, received: event[file] });
}

/** Whether perf counts an event by itself, on any machine. */
export function isSoftware({ type }: AdminPerfEvent): boolean {
  return type === SOFTWARE;
}

/**
 * Page faults as a perf event counts them: an event of every process.
 *
 * @param path of the event's directory
 * @throws AdminError `EINVAL` for an event that tells no address, or a rate: `EOPNOTSUPP`
 */
export function softwareEvent(event: AdminPerfEvent, path: string): PageFaults {
  const refuse = refusing(event, path);
  if (!PAGE_FAULTS.has(event.config)) {
    throw refuse('EINVAL', 'config', '2 or 6, page faults: others tell no address');
  }
  if (event.freq) throw refuse('EOPNOTSUPP', 'sampleFreq', 'a period: `freq` 0');
  const period = inRange(event.samplePeriod, 2n ** 32n - 1n, 'samplePeriod', refuse);
  const address = event.samplePhysAddr ? 'physical' : 'virtual';
  return { type: 'page_faults', period, address, sampleNs: 500 };
}

/**
 * PEBS as a raw perf event programs it.
 *
 * @param path of the event's directory
 * @throws AdminError `ENODEV` for another PMU; `EINVAL` for an event that PEBS does not know
 */
export function pebsEvent(event: AdminPerfEvent, sampler: Pebs, path: string): Pebs {
  const refuse = refusing(event, path);
  if (event.type !== RAW) throw refuse('ENODEV', 'type', `0x${RAW}, raw events of the CPU`);
  if (event.config2 !== 0n) throw refuse('EINVAL', 'config2', '0 for PEBS');
  if (event.preciseIp === 0) throw refuse('EINVAL', 'preciseIp', '1 to 3: PEBS is precise');
  const isSlow = event.config === SLOW_LOADS;
  const name = isSlow ? 'slow_loads' : PEBS_EVENTS.get(event.config);
  if (name === undefined) {
    const known = [...PEBS_EVENTS.keys(), SLOW_LOADS].map((config) => `0x${config.toString(16)}`);
    throw refuse('EINVAL', 'config', `one of ${known.join(', ')}`);
  }
  if (!isSlow && event.config1 !== 0n) throw refuse('EINVAL', 'config1', '0 for this event');
  const { period: _period, frequency: _frequency, ...rest } = sampler;
  const { maxRateHz } = sampler.interrupts;
  return {
    ...rest,
    event: name,
    nodes: [],
    latencyMin: isSlow ? inRange(event.config1, LATENCY_MAX, 'config1', refuse) : 1,
    ...(event.freq
      ? { frequency: inRange(event.sampleFreq, BigInt(maxRateHz), 'sampleFreq', refuse) }
      : { period: inRange(event.samplePeriod, PEBS_PERIOD_MAX, 'samplePeriod', refuse) }),
    // One record at a time where a rate is kept; level 3 leaves no shadow.
    ...(event.freq && { bufferRecords: 1 }),
    ...(event.preciseIp === 3 && { shadowEvents: 0 }),
    address: event.samplePhysAddr ? 'physical' : 'virtual',
  };
}

function inRange(value: bigint, most: bigint, file: keyof typeof FILES, refuse: Refuse): number {
  if (1n <= value && value <= most) return Number(value);
  throw refuse('EINVAL', file, `from 1 to ${most}`);
}

/**
 * IBS Op as a perf event programs it.
 *
 * @param path of the event's directory
 * @throws AdminError `ENODEV` for another PMU; `EINVAL` for what IBS Op does not take; `EOPNOTSUPP`
 *   for latencies, which it does not measure
 */
export function ibsOpEvent(event: AdminPerfEvent, pmu: Pmu, path: string): IbsOp {
  const { type, sampler } = pmu;
  const refuse = refusing(event, path);
  if (event.type !== type) {
    throw refuse('ENODEV', 'type', `0x${type.toString(16)}, the PMU ibs_op of the machine`);
  }
  if (event.sampleWeightStruct) throw refuse('EOPNOTSUPP', 'sampleWeightStruct', '0 for IBS Op');
  for (const file of ['excludeKernel', 'excludeHv'] as const) {
    if (event[file]) throw refuse('EINVAL', file, '0, as IBS Op cannot tell');
  }
  for (const file of ['config1', 'config2'] as const) {
    if (event[file] !== 0n) throw refuse('EINVAL', file, '0 for IBS Op');
  }
  if ((event.config & ~(COUNT_OPS | PERIOD_BITS)) !== 0n) {
    const expected = 'of the period in bits 15 to 0 and 26 to 20, and of bit 19 to count ops';
    throw refuse('EINVAL', 'config', expected);
  }
  const counting = (event.config & COUNT_OPS) === 0n ? 'cycles' : 'ops';
  const period = Number(periodOf(event, pmu, refuse));
  // Where ops are counted, no wait comes into it.
  return { ...sampler, counting, period, ...(counting === 'ops' && { stallShare: 0 }) };
}

/** By number of events, by rate, or else as `config` says: the way of the kernel's driver. */
function periodOf(event: AdminPerfEvent, { rateHz }: Pmu, refuse: Refuse): bigint {
  const configured = event.config & PERIOD_BITS;
  if (event.freq) {
    if (event.sampleFreq === 0n) {
      throw refuse('EINVAL', 'sampleFreq', 'more than 0: nothing would be sampled');
    }
    if (configured !== 0n) throw refuse('EINVAL', 'config', 'without a period beside a rate');
    const units = BigInt(Math.round(rateHz)) / event.sampleFreq / PERIOD_UNIT;
    return checked(units * PERIOD_UNIT, 'sampleFreq', refuse);
  }
  if (event.samplePeriod !== 0n) {
    if (configured !== 0n) throw refuse('EINVAL', 'config', 'without a period beside another');
    return checked(event.samplePeriod, 'samplePeriod', refuse);
  }
  if (configured === 0n) {
    throw refuse('EINVAL', 'samplePeriod', 'more than 0: nothing would be sampled');
  }
  // Bits 15 to 0 count 16s; bits 26 to 20 are the period's own.
  const period = ((configured & 0xffffn) * PERIOD_UNIT) | (configured & ~0xffffn);
  return checked(period, 'config', refuse);
}

function checked(period: bigint, file: keyof typeof FILES, refuse: Refuse): bigint {
  if (PERIOD_MIN <= period && period <= PERIOD_MAX && period % PERIOD_UNIT === 0n) return period;
  const expected = `such that the period is a multiple of 16 from ${PERIOD_MIN} to ${PERIOD_MAX}`;
  throw refuse('EINVAL', file, expected);
}
