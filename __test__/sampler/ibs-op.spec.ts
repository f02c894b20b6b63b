import test from 'ava';

import { DamonError, Kdamond } from '../../src/index.ts';
import type { IbsOpOptions } from '../../src/sampler/ibs-op.ts';
import { balance } from '../../src/report/record.ts';
import { SMALL } from '../support/small.ts';

const RATED: IbsOpOptions = { type: 'ibs_op', rateHz: 2_557_000_000, dataShare: 0.41 };

/** Counters after two seconds of two CPUs. */
async function sampled(more: Partial<IbsOpOptions>) {
  using kdamond = new Kdamond({ source: { ...SMALL, sampler: { ...RATED, ...more } } });
  await kdamond.run({ untilMs: 2_000 });
  const { books } = kdamond;
  const { sampler, sources } = books.counters;
  if (sampler === undefined) throw new Error('no sampler');
  const { samplesTotal, samplesFiltered, ...rest } = sampler;
  const balanced = balance(books).every(({ offBy }) => offBy === 0n);
  return { total: samplesTotal, filtered: samplesFiltered, rest, sources, balanced };
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

test('a filter discards, an expensive handler throttles, and sources are told: all of it balances', async (t) => {
  const filtered = await sampled({ l3MissOnly: true, dataSource: true });
  t.true(filtered.balanced);
  t.assert((filtered.rest['discarded'] ?? 0) > 0.59 * (filtered.rest['selected'] ?? NaN));
  t.is(filtered.sources?.['l1'], 0);
  t.is(filtered.sources?.['none'], 0);
  const throttled = await sampled({
    period: 16_384,
    interrupts: { handlerNs: '5 us' },
  });
  t.true(throttled.balanced);
  t.assert((throttled.rest['throttles'] ?? 0) > 0);
  t.is(throttled.rest['overheadNs'], throttled.total * 5_000);
});

test('what its generation cannot do is refused', (t) => {
  const refused: readonly [Partial<IbsOpOptions>, string, string][] = [
    [{ generation: 'zen3', l3MissOnly: true }, 'source.sampler.l3MissOnly', 'zen3'],
    [{ generation: 'zen4', latencyMin: 256 }, 'source.sampler.latencyMin', 'zen4'],
    [{ generation: 'zen5', latencyMin: 256 }, 'source.sampler.latencyMin', '256'],
  ];
  for (const [more, path, received] of refused) {
    const sampler = { ...RATED, ...more };
    const error = t.throws(() => new Kdamond({ source: { ...SMALL, sampler } }), {
      instanceOf: DamonError,
      code: 'ERR_DAMON_CONFIG_SAMPLER',
    });
    t.is(error.path, path);
    t.is(error.received, received);
  }
  const { close } = new Kdamond({
    source: { ...SMALL, sampler: { ...RATED, generation: 'zen6', latencyMin: 256 } },
  });
  t.truthy(close);
});
