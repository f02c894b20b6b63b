import test from 'ava';

import type { Tuning } from '../../src/goal/control.ts';
import { Kdamond } from '../../src/kdamond.ts';
import { balance } from '../../src/report/record.ts';
import { smallWith } from '../support/small.ts';
import type { EmulationOptions, WorkloadOptions } from '../../src/machine/machine.ts';
import { DamonError } from '../../src/errors.ts';
import type { CpuChangeOptions } from '../../src/machine/processor.ts';
import { SMALL } from '../support/small.ts';

const MIB = 2 ** 20;

/** Bytes of the hot set on each node at the start. */
async function placed(workload: Partial<WorkloadOptions>): Promise<readonly number[]> {
  const goals = [{ metric: 'user_input' as const, targetValue: 1 }];
  using kdamond = new Kdamond({
    source: smallWith(workload),
    schemes: [{ action: 'stat', quota: { goals, szBytes: '1 MiB' } }],
  });
  const tunings: Tuning[] = [];
  await kdamond.run({ untilMs: 200, onTuning: (tuning) => tunings.push(tuning) });
  return tunings[0]?.hotBytes ?? [];
}

test('pages are placed on the nodes in turn, by weight', async (t) => {
  t.deepEqual(await placed({}), [32 * MIB, 32 * MIB]);
  t.deepEqual(await placed({ interleave: [3, 1] }), [48 * MIB, 16 * MIB]);
  t.deepEqual(await placed({ interleave: [0, 1] }), [0, 64 * MIB]);
  t.deepEqual(await placed({ interleave: [1] }), [64 * MIB, 0]);
});

test('only the hot part counts as hot', async (t) => {
  t.deepEqual(await placed({ hotBytes: '16 MiB', hotShare: 0.9 }), [8 * MIB, 8 * MIB]);
});

function withHotplug(hotplug: readonly CpuChangeOptions[]): EmulationOptions {
  return { ...SMALL, processor: { cpus: 4, hotplug } };
}

test('a CPU that is away works for nobody and is not sampled; its lane keeps its books', async (t) => {
  const cpus = { start: 1, end: 4 };
  using kdamond = new Kdamond({
    source: withHotplug([
      { atMs: '1 s', cpus, online: false },
      { atMs: '2 s', cpus, online: true },
    ]),
  });
  const second = async (untilMs: number): Promise<[opsHz: number, reported: number]> => {
    await kdamond.run({ untilMs: untilMs - 100 });
    const opsHz = kdamond.throughput?.processes[0]?.opsHz ?? NaN;
    await kdamond.run({ untilMs });
    const { sampler } = kdamond.books.counters;
    return [opsHz, Number(sampler?.reported)];
  };
  const [all, first] = await second(1_000);
  const [one, until] = await second(2_000);
  const [back, last] = await second(3_000);
  t.assert(one < 0.35 * all && one > 0.2 * all, `${one} of ${all}`);
  t.assert(Math.abs(back / all - 1) < 0.05, `${back} of ${all}`);
  const share = (until - first) / first;
  t.assert(share > 0.24 && share < 0.26, `${share}`);
  t.assert(Math.abs((last - until) / first - 1) < 0.02, `${last - until}`);
  t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
});

test('what cannot be of CPUs that come and go is refused', (t) => {
  const away = { atMs: 5, cpus: { start: 0, end: 4 }, online: false };
  const cases: readonly [CpuChangeOptions[], string][] = [
    [[away], '[0].cpus'],
    [[{ ...away, cpus: { start: 2, end: 2 } }], '[0].cpus'],
    [[{ ...away, cpus: { start: 2, end: 5 } }], '[0].cpus'],
    [[{ ...away, atMs: 0 }], '[0].atMs'],
    [
      [
        { ...away, cpus: { start: 0, end: 1 } },
        { ...away, atMs: 4 },
      ],
      '[1].atMs',
    ],
  ];
  for (const [hotplug, field] of cases) {
    const error = t.throws(() => new Kdamond({ source: withHotplug(hotplug) }), {
      instanceOf: DamonError,
    });
    t.is(error?.path, `source.processor.hotplug${field}`);
  }
});
