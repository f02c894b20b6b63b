import test from 'ava';

import {
  CONFIGURATION_B,
  Kdamond,
  type ProcessesOptions,
  TWO_SOCKETS,
  gups,
  masim,
  multiload,
  stairs,
  ycsb,
} from '../../src/index.ts';

const MIB = 2 ** 20;
const CPUS = { cpus: { start: 0, end: 4 } } as const;

const PROGRAMS: Readonly<Record<string, ProcessesOptions>> = {
  multiload: multiload({ ...CPUS, threads: 4, bytesPerThread: 16 * MIB }),
  gups: gups({ ...CPUS, bytes: 64 * MIB, hotBytes: 16 * MIB }),
  stairs: stairs({ ...CPUS, bytes: 4 * MIB, stepMs: 100 }),
  masim: masim({
    regions: [
      { name: 'a', bytes: '32 MiB' },
      { name: 'b', bytes: '32 MiB' },
    ],
    phases: [
      {
        durationMs: 500,
        lines: [
          { region: 'a', probability: 9, mode: 'ro' },
          { region: 'b', probability: 1, random: false, strideBytes: 4096, mode: 'wo' },
        ],
      },
      { durationMs: 500, lines: [{ region: 'b', probability: 1 }] },
    ],
  }),
  ...Object.fromEntries(
    (['A', 'B', 'C', 'D', 'E', 'F'] as const).map((letter) => [
      `ycsb ${letter}`,
      ycsb(letter, { ...CPUS, bytes: 64 * MIB, pageSize: '2 MiB' }),
    ]),
  ),
};

for (const [name, workload] of Object.entries(PROGRAMS)) {
  test(`${name} runs on a machine of two sockets and is seen`, async (t) => {
    using kdamond = new Kdamond({
      source: {
        ...TWO_SOCKETS,
        workload,
        processor: { cpus: 4, sockets: 2 },
        sampler: { type: 'ibs_op', period: 65_536 },
      },
    });
    await kdamond.run({ untilMs: '1 s' });
    const { sampler } = kdamond.books.counters;
    t.true((sampler?.reported ?? 0) > 1_000);
    const [process] = kdamond.throughput?.processes ?? [];
    t.true((process?.ops ?? 0) > 1e8, `${process?.ops}`);
  });
}

test('the machine of configuration B is one', (t) => {
  // Of its workload, a gigabyte: the whole takes seconds to place.
  const workload = multiload({ threads: 4, bytesPerThread: 256 * MIB });
  using kdamond = new Kdamond({
    source: { ...CONFIGURATION_B, workload },
    operations: 'vaddr',
  });
  t.like(kdamond.config.source, { processor: { cpus: 144 } });
  t.is(CONFIGURATION_B.workload.type, 'processes');
});
