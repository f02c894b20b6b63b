import test from 'ava';

import { type EmulationOptions, Kdamond, multiload, readMachineFile } from '../../src/index.ts';
import { SMALL, recordingOf, rows } from '../support/small.ts';

const GIB = 2 ** 30;

/** 128 CPUs that copy 2 GiB, on 72 GB/s of DRAM and 26 of CXL. */
function machine(interleave: readonly number[]): EmulationOptions {
  return {
    type: 'emulation',
    nodes: [
      { name: 'DRAM', start: 0, end: '4 GiB', bandwidthBytesPerS: '72 GB/s' },
      { name: 'CXL', start: '4 GiB', end: '8 GiB', kind: 'cxl' },
    ],
    processor: { cpus: 128 },
    workload: multiload({ threads: 1, bytesPerThread: 2 * GIB, placement: { interleave } }),
  };
}

function opsHz(source: EmulationOptions): number {
  using kdamond = new Kdamond({ source });
  return kdamond.throughput?.processes[0]?.opsHz ?? NaN;
}

test('interleaving by bandwidth gains what is published', (t) => {
  // samplers.md 11 (f): (72 + 26) / 72 = 1.361 at best; 1.353 measured.
  const gain = opsHz(machine([3, 1])) / opsHz(machine([1, 0]));
  t.true(1.33 <= gain && gain <= 1.36, `${gain}`);
});

test('a scheme that moves pages to the right mix makes the workload faster', async (t) => {
  using kdamond = new Kdamond({
    source: machine([1, 0]),
    operations: 'vaddr',
    schemes: [
      {
        action: 'migrate_hot',
        pattern: { nrAccesses: { min: 1 } },
        destinations: [
          { nid: 0, weight: 3 },
          { nid: 1, weight: 1 },
        ],
      },
    ],
  });
  const before = kdamond.throughput?.processes[0]?.opsHz ?? NaN;
  await kdamond.run({ untilMs: '5 s' });
  const now = kdamond.throughput;
  const gain = (now?.processes[0]?.opsHz ?? NaN) / before;
  t.true(1.25 < gain && gain < 1.37, `${gain}`);
  t.true((now?.processes[0]?.ops ?? 0) > before * 4);
  for (const { utilisation } of now?.nodes ?? []) t.true(utilisation < 1.01);
});

test('who looks at accessed bits has the workload pay for it, and says how much', async (t) => {
  const run = async (sampleUs: number): Promise<{ opsHz: number; overheadNs: number }> => {
    using kdamond = new Kdamond({
      source: { ...SMALL, sampler: { type: 'page_faults', period: 1 } },
      operations: 'paddr',
      attrs: { sampleUs, minNrRegions: 500 },
    });
    await kdamond.run({ untilMs: '2 s' });
    const { accessChecks } = kdamond.books.counters;
    // At least 500 regions, at 650 ns, of two CPUs.
    const least = 500 * (2e6 / sampleUs);
    t.true((accessChecks?.checked ?? 0) >= least && (accessChecks?.checked ?? 0) < 2 * least);
    t.is(accessChecks?.overheadNs, (accessChecks?.checked ?? 0) * 650);
    const [process] = kdamond.throughput?.processes ?? [];
    t.is(process?.overheadNs, accessChecks?.overheadNs);
    return { opsHz: process?.opsHz ?? NaN, overheadNs: accessChecks?.overheadNs ?? NaN };
  };
  const [often, rarely] = [await run(5_000), await run(100_000)];
  const lost = (often.overheadNs - rarely.overheadNs) / (2 * 2e9);
  t.true(lost > 0.03, `${lost}`);
  t.true(Math.abs(1 - often.opsHz / rarely.opsHz - lost) < 0.01, `${often.opsHz} ${lost}`);
  using reported = new Kdamond({ source: SMALL });
  await reported.run({ untilMs: '1 s' });
  t.is(reported.books.counters.accessChecks, undefined);
});

test('a recording has no throughput', (t) => {
  const path = recordingOf(rows(2));
  using kdamond = new Kdamond({ source: { type: 'recording', path } });
  t.is(kdamond.throughput, undefined);
  t.deepEqual(readMachineFile(path), []);
});
