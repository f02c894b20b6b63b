import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { type KdamondOptions, resolveOptions } from '../../src/kdamond-options.ts';
import { Kdamond } from '../../src/kdamond.ts';
import type { ProbeOptions } from '../../src/monitor/probe.ts';
import { LiveKdamond } from '../../src/live/live-kdamond.ts';
import { SMALL, recordingOf, rows } from '../support/small.ts';

const QUICK: KdamondOptions = {
  source: SMALL,
  operations: 'paddr',
  attrs: { sampleUs: '1 ms', aggregationUs: '10 ms' },
};
const ANON: ProbeOptions = { filters: [{ type: 'anon' }] };

test('what is left open of a probe gets the documented defaults', (t) => {
  const { probes } = resolveOptions({
    ...QUICK,
    probes: [{}, { weight: 3, preps: ['set_pgidle'], filters: [{ type: 'memcg', memcg: '/a' }] }],
  });
  t.deepEqual(probes, [
    { weight: 0, preps: [], filters: [] },
    {
      weight: 3,
      preps: ['set_pgidle'],
      filters: [{ type: 'memcg', memcg: '/a', matching: true, allow: true }],
    },
  ]);
});

const WRONG: readonly [path: string, probes: unknown][] = [
  ['probes', [{}, {}, {}, {}, {}]],
  ['probes[0].weight', [{ weight: -1 }]],
  ['probes[0].weight', [{ weight: 2 ** 32 }]],
  ['probes[0].preps[0]', [{ preps: ['clear'] }]],
  ['probes[0].filters[0].type', [{ filters: [{ type: 'young' }] }]],
  ['probes[0].filters[0].memcg', [{ filters: [{ type: 'memcg' }] }]],
  [
    'probes[0].filters[0].szBytes.min',
    [{ filters: [{ type: 'hugepage_size', szBytes: { min: 2, max: 1 } }] }],
  ],
];

for (const [path, probes] of WRONG) {
  test(`${path} of ${JSON.stringify(probes)} is refused`, (t) => {
    const error = t.throws(() => resolveOptions({ ...QUICK, probes: probes as never }), {
      instanceOf: DamonError,
      code: 'ERR_DAMON_CONFIG',
    }) as DamonError;
    t.is(error.path, path);
  });
}

test('weights are refused that cannot be summed, and windows that cannot be counted', (t) => {
  const weighted = (weight: number, aggregationUs: string): void => {
    const attrs = { sampleUs: '1 ms', aggregationUs };
    new Kdamond({ ...QUICK, attrs, probes: [{ ...ANON, weight }] }).close();
  };
  t.notThrows(() => weighted(1, '255 ms'));
  const window = t.throws(() => weighted(1, '256 ms'), { code: 'ERR_DAMON_CONFIG_PROBES' });
  t.is((window as DamonError).path, 'attrs.aggregationUs');
  const sum = t.throws(() => weighted(2 ** 32 - 1, '10 ms'), { code: 'ERR_DAMON_CONFIG_PROBES' });
  t.is((sum as DamonError).path, 'probes');
});

test('probes are refused where nobody knows pages', (t) => {
  const refused = { instanceOf: DamonError, code: 'ERR_DAMON_CONFIG_PROBES' };
  const source = { type: 'recording' as const, path: recordingOf(rows(10)) };
  t.throws(() => new Kdamond({ source, probes: [ANON] }), refused);
  t.throws(
    () => new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }], probes: [ANON] }),
    refused,
  );
});

test('regions are told by what their pages are, and schemes choose by it', async (t) => {
  // The workload's memory is anonymous; the rest of both nodes is free.
  using kdamond = new Kdamond({
    ...QUICK,
    probes: [
      { ...ANON, weight: 1 },
      { filters: [{ type: 'anon', matching: false }] },
      { weight: 2, preps: ['set_pgidle'], filters: [{ type: 'pgidle_unset' }] },
    ],
    schemes: [
      {
        action: 'stat',
        name: 'anonymous',
        filters: [{ type: 'probe_hits_wsum', hits: { min: 8 }, allow: true }],
      },
      { action: 'stat', name: 'all' },
    ],
  });
  await kdamond.run({ untilMs: '1 s' });
  const walk = kdamond.triedRegions();
  await kdamond.run({ untilMs: '2 s' });
  const [anonymous, all] = await walk;
  t.assert(anonymous && all);
  if (!anonymous || !all) return;
  t.assert(anonymous.starts.length > 0 && anonymous.starts.length < all.starts.length);
  t.is(all.probeHits.length, 4 * all.starts.length);
  for (let i = 0; i < all.starts.length; i++) {
    const [anon = NaN, not = NaN, accessed = NaN, none] = all.probeHits.subarray(4 * i, 4 * i + 4);
    t.is(anon + not, 10, 'one address in each of ten intervals is one or the other');
    t.assert(accessed <= anon, 'what nobody uses is not accessed');
    t.is(none, 0);
  }
  t.is(Math.max(...all.nrAccesses), 0, 'accesses are not looked for');
  const wsum = (i: number): number =>
    (anonymous.probeHits[4 * i] ?? NaN) + 2 * (anonymous.probeHits[4 * i + 2] ?? NaN);
  for (let i = 0; i < anonymous.starts.length; i++) t.assert(wsum(i) >= 8);
});
