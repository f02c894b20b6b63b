import test from 'ava';

import { ibsOpEvent, pebsEvent, softwareEvent } from '../../../src/admin/engine/perf-event.ts';
import type { AdminPerfEvent } from '../../../src/admin/engine.ts';
import type { ErrnoName } from '../../../src/admin/errno.ts';
import { type IbsOp, ibsOpSchema } from '../../../src/sampler/ibs-op.ts';
import { type Pebs, pebsSchema } from '../../../src/sampler/pebs.ts';
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
  return ibsOpEvent({ ...EVENT, ...event }, PMU, 'perf_events/0');
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

const PEBS: Pebs = resolve(pebsSchema, { type: 'pebs', shadowEvents: 4 }, 'ERR');
/** The RFC's configuration B. */
const RAW: AdminPerfEvent = {
  ...EVENT,
  type: 4,
  config: 0x20d1n,
  samplePhysAddr: false,
  freq: true,
  sampleFreq: 5_003n,
  samplePeriod: 0n,
};

function pebs(event: Partial<AdminPerfEvent>): Pebs {
  return pebsEvent({ ...RAW, ...event }, PEBS, 'perf_events/0');
}

test('a raw event programs PEBS: by rate or period, precise or with a shadow, either kind of address', (t) => {
  t.deepEqual(pebs({}), { ...PEBS, frequency: 5_003 });
  t.like(pebs({ preciseIp: 3 }), { shadowEvents: 0 });
  const period = { freq: false, samplePeriod: 10_007n } as const;
  t.like(pebs({ ...period, config: 0x82d0n }), { event: 'stores', period: 10_007 });
  t.false('frequency' in pebs(period));
  t.like(pebs({ config: 0x1cdn, config1: 300n }), { event: 'slow_loads', latencyMin: 300 });
  t.like(pebs({ samplePhysAddr: true, config: 0x81d0n }), { address: 'physical', event: 'loads' });
});

test('what PEBS does not take is refused by file', async (t) => {
  const refused: readonly [event: Partial<AdminPerfEvent>, errno: ErrnoName, file: string][] = [
    [{ type: 11 }, 'ENODEV', 'type'],
    [{ config: 0x1d3n }, 'EINVAL', 'config'],
    [{ config1: 3n }, 'EINVAL', 'config1'],
    [{ config: 0x1cdn }, 'EINVAL', 'config1'],
    [{ config2: 3n }, 'EINVAL', 'config2'],
    [{ preciseIp: 0 }, 'EINVAL', 'precise_ip'],
    [{ sampleFreq: 0n }, 'EINVAL', 'sample_freq'],
    [{ sampleFreq: 100_001n }, 'EINVAL', 'sample_freq'],
    [{ freq: false }, 'EINVAL', 'sample_period'],
    [{ freq: false, samplePeriod: 2n ** 47n }, 'EINVAL', 'sample_period'],
  ];
  for (const [event, errno, file] of refused) {
    await answers(t, errno, () => pebs(event), `perf_events/0/${file}`);
  }
});

test('the software event counts page faults by period, and nothing that has no address', async (t) => {
  const of = (event: Partial<AdminPerfEvent>) =>
    softwareEvent({ ...EVENT, type: 1, config: 2n, samplePeriod: 3n, ...event }, 'perf_events/0');
  t.like(of({}), { type: 'page_faults', period: 3, address: 'physical' });
  t.like(of({ config: 6n, samplePhysAddr: false }), { address: 'virtual' });
  await answers(t, 'EINVAL', () => of({ config: 0n }), 'perf_events/0/config');
  await answers(t, 'EINVAL', () => of({ samplePeriod: 0n }), 'perf_events/0/sample_period');
  await answers(t, 'EOPNOTSUPP', () => of({ freq: true }), 'perf_events/0/sample_freq');
});
