import test from 'ava';

import { Kdamond } from '../../src/kdamond.ts';
import type { IbsOpOptions } from '../../src/sampler/ibs-op.ts';
import { SMALL } from '../support/small.ts';

/** Samples in two seconds of two CPUs. */
async function sampled(more: Partial<IbsOpOptions>) {
  const sampler: IbsOpOptions = { type: 'ibs_op', cpus: 2, ...more };
  using kdamond = new Kdamond({ source: { ...SMALL, sampler } });
  await kdamond.run({ untilMs: 2_000 });
  const { samplesTotal, samplesFiltered } = kdamond.books.counters['sampler'] as Record<
    'samplesTotal' | 'samplesFiltered',
    number
  >;
  return { total: samplesTotal, filtered: samplesFiltered };
}

test('an op is tagged every period of cycles, on each CPU', async (t) => {
  const { total } = await sampled({});
  const expected = (rateHz: number, period: number) => (2 * 2 * rateHz) / period;
  t.assert(Math.abs(total / expected(2_557_000_000, 262_144) - 1) < 0.001, `${total}`);
  const faster = await sampled({ period: 131_072 });
  t.assert(Math.abs(faster.total / total - 2) < 0.002, `${faster.total}`);
  const slower = await sampled({ rateHz: 1_278_500_000 });
  t.assert(Math.abs(slower.total / total - 0.5) < 0.001, `${slower.total}`);
});

test('a random start of 1 to 127 shortens a period of ops by 64 on average', async (t) => {
  const [cycles, ops] = [
    await sampled({ period: 1_600, rateHz: 10_000_000 }),
    await sampled({ period: 1_600, rateHz: 10_000_000, counting: 'ops' }),
  ];
  t.assert(Math.abs(ops.total / cycles.total - 1_600 / 1_536) < 0.003, `${ops.total}`);
});

test('ops that access no data are counted and not reported', async (t) => {
  t.is((await sampled({ dataShare: 1 })).filtered, 0);
  const { total, filtered } = await sampled({ dataShare: 0.25 });
  // Five standard errors of a share of 39,000.
  t.assert(Math.abs(filtered / total - 0.75) < 0.011, `${filtered / total}`);
});
