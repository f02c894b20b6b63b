import test from 'ava';

import { programmed } from '../../../src/admin/engine/perf-event.ts';
import type { AdminPerfEvent } from '../../../src/admin/engine.ts';
import type { ErrnoName } from '../../../src/admin/errno.ts';
import { type IbsOp, ibsOpSchema } from '../../../src/sampler/ibs-op.ts';
import { resolve } from '../../../src/validate.ts';
import { answers } from '../tree-shell.ts';

const SAMPLER: IbsOp = resolve(ibsOpSchema, { type: 'ibs_op', dataShare: 0.41 }, 'ERR');
const RATE_HZ = 2_557_000_000;
const PMU = { type: 11, sampler: SAMPLER, rateHz: RATE_HZ };
const EVENT: AdminPerfEvent = {
  type: 11,
  config: 0n,
  config1: 0n,
  config2: 0n,
  samplePhysAddr: true,
  sampleWeightStruct: false,
  freq: false,
  sampleFreq: 0n,
  samplePeriod: 65_536n,
  wakeupEvents: 1,
  preciseIp: 2,
  excludeKernel: false,
  excludeHv: false,
};

function sampler(event: Partial<AdminPerfEvent>): IbsOp {
  return programmed({ ...EVENT, ...event }, PMU, 'perf_events/0');
}

test('a period is taken as it is, cycles or ops by bit 19, all else stays', (t) => {
  t.deepEqual(sampler({}), { ...SAMPLER, period: 65_536 });
  t.deepEqual(sampler({ config: 1n << 19n }), { ...SAMPLER, period: 65_536, counting: 'ops' });
});

test('without a period, config holds it: bits 15 to 0 in sixteens, 26 to 20 as they are', (t) => {
  t.is(sampler({ samplePeriod: 0n, config: 0x1000n }).period, 65_536);
  t.is(sampler({ samplePeriod: 0n, config: 0x07f0_ffffn }).period, 134_217_712);
});

test('a rate becomes the period that samples so often', (t) => {
  const { period } = sampler({ freq: true, sampleFreq: 5_003n });
  t.is(period % 16, 0);
  t.assert(Math.abs(RATE_HZ / period - 5_003) < 1);
});

const REFUSED: readonly [event: Partial<AdminPerfEvent>, errno: ErrnoName, file: string][] = [
  [{ type: 4 }, 'ENODEV', 'type'],
  [{ sampleWeightStruct: true }, 'EOPNOTSUPP', 'sample_weight_struct'],
  [{ excludeKernel: true }, 'EINVAL', 'exclude_kernel'],
  [{ excludeHv: true }, 'EINVAL', 'exclude_hv'],
  [{ config1: 1n }, 'EINVAL', 'config1'],
  [{ config2: 1n }, 'EINVAL', 'config2'],
  [{ config: 1n << 16n }, 'EINVAL', 'config'],
  [{ config: 0x1000n }, 'EINVAL', 'config'],
  [{ samplePeriod: 0n }, 'EINVAL', 'sample_period'],
  [{ samplePeriod: 128n }, 'EINVAL', 'sample_period'],
  [{ samplePeriod: 65_537n }, 'EINVAL', 'sample_period'],
  [{ samplePeriod: 134_217_728n }, 'EINVAL', 'sample_period'],
  [{ samplePeriod: 0n, config: 1n }, 'EINVAL', 'config'],
  [{ freq: true }, 'EINVAL', 'sample_freq'],
  [{ freq: true, sampleFreq: 1n }, 'EINVAL', 'sample_freq'],
  [{ freq: true, sampleFreq: 2n ** 64n - 1n }, 'EINVAL', 'sample_freq'],
  [{ freq: true, sampleFreq: 5_003n, config: 0x1000n }, 'EINVAL', 'config'],
];

test('what IBS Op does not take is refused by file', async (t) => {
  for (const [event, errno, file] of REFUSED) {
    await answers(t, errno, () => sampler(event), `perf_events/0/${file}`);
  }
});
