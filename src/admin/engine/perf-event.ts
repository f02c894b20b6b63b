/**
 * The emulated machine's sampler, programmed by a perf event as IBS Op is.
 *
 * `hardware-sampling.md` 8.1 to 8.3, `samplers.md` 1. Not here: who owns it.
 */
import type { IbsOp } from '../../sampler/ibs-op.ts';
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
  excludeKernel: 'exclude_kernel',
  excludeHv: 'exclude_hv',
} as const;

/**
 * The sampler as a perf event programs it.
 *
 * @param path of the event's directory
 * @throws AdminError `ENODEV` for another PMU; `EINVAL` for what IBS Op does not take; `EOPNOTSUPP`
 *   for latencies, which it does not measure
 */
export function programmed(event: AdminPerfEvent, pmu: Pmu, path: string): IbsOp {
  const { type, sampler } = pmu;
  const refuse: Refuse = (errno, file, expected) =>
    refused(errno, { path: `${path}/${FILES[file]}`, expected, received: event[file] });
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
  return { ...sampler, counting, period: Number(periodOf(event, pmu, refuse)) };
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
