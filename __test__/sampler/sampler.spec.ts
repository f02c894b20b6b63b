import test from 'ava';

import { DamonError, Kdamond, type SamplerOptions } from '../../src/index.ts';
import type { KdamondOptions } from '../../src/kdamond-options.ts';
import { balance } from '../../src/report/record.ts';
import { MIB, SMALL, hitsOf, collect, smallWith } from '../support/small.ts';

/** A second of a sampler. */
async function watched(sampler: SamplerOptions, more: Partial<KdamondOptions> = {}) {
  using kdamond = new Kdamond({ source: { ...SMALL, sampler }, laneSlots: 65_536, ...more });
  const hits = hitsOf(await collect(kdamond.snapshots({ untilMs: 1_000 })));
  const { books } = kdamond;
  const { sampler: counted, drain } = books.counters;
  const balanced = balance(books).every(({ offBy }) => offBy === 0n);
  const overheadNs = kdamond.throughput?.processes[0]?.overheadNs ?? NaN;
  return {
    hits,
    sampler: (counted ?? {}) as Record<string, number>,
    drain,
    balanced,
    overheadNs,
  };
}

const SAMPLERS: readonly [SamplerOptions, Partial<KdamondOptions>][] = [
  [{ type: 'ibs_op' }, {}],
  [{ type: 'pebs', frequency: 1_000 }, { operations: 'fvaddr' }],
  [{ type: 'pebs', event: 'stores', period: 100_003, address: 'physical' }, {}],
  [{ type: 'chmu', nodes: [1], threshold: 1, listEntries: 65_535 }, {}],
  [{ type: 'hint_faults', startDelayNs: 0, scanPeriodNs: '100 ms' }, {}],
  [{ type: 'ibs_op', stallShare: 1 }, {}],
  [{ type: 'pebs', period: 30_011, shadowEvents: 5, address: 'physical' }, {}],
  [{ type: 'chmu', nodes: [1], mode: 'always_on', threshold: 1, listEntries: 65_535 }, {}],
];

for (const [sampler, more] of SAMPLERS) {
  const name = `${JSON.stringify(sampler)} ${more.operations ?? 'paddr_ibs'}`;
  test(`${name}: what it sees reaches regions, its cost the workload, and the books balance`, async (t) => {
    const seen = await watched(sampler, more);
    t.true(seen.balanced);
    t.assert((seen.sampler['reported'] ?? 0) > 500, JSON.stringify(seen.sampler));
    t.is(seen.drain?.['credited'], seen.hits);
    t.is(seen.sampler['reported'], seen.hits);
    // What was charged in the last 50 ms may not have been booked.
    const cost = seen.sampler['overheadNs'] ?? NaN;
    t.assert(
      seen.overheadNs <= cost && seen.overheadNs >= 0.9 * cost,
      `${seen.overheadNs}, ${cost}`,
    );
    t.deepEqual(await watched(sampler, more), seen, 'the same again');
  });
}

test('page faults tell of what comes back after it was paged out, and of nothing else', async (t) => {
  const sampler = { type: 'page_faults', address: 'physical' } as const;
  const idle = await watched(sampler);
  t.is(idle.sampler['selected'], 0);
  // What was not touched between two rounds goes, and is missed some time later.
  const source = { ...smallWith({ hotBytes: '8 MiB', hotShare: 0.9999 }), sampler };
  const seen = await watched(sampler, { source, schemes: [{ action: 'pageout' }] });
  const faults = seen.sampler['reported'] ?? NaN;
  t.assert(faults > 100 && seen.balanced, JSON.stringify(seen.sampler));
  t.is(seen.sampler['overheadNs'], faults * 500);
});

test('how many threads sample does not show', async (t) => {
  const often: SamplerOptions = { type: 'ibs_op', period: 4_096, interrupts: { maxRateHz: 1e6 } };
  const of = async (threads: number) =>
    await watched(often, { source: { ...SMALL, processor: { cpus: 8 }, sampler: often, threads } });
  const alone = await of(1);
  t.assert((alone.sampler['reported'] ?? 0) > 200 * 500, 'enough for a thread');
  t.deepEqual(await of(2), alone);
});

test('what a sampler cannot be is refused, with the field', (t) => {
  const cases: readonly [object, string, RegExp][] = [
    [{ type: 'pebs', period: 2 ** 47 }, 'period', /from 1 to 140737488355327/],
    [{ type: 'pebs', period: 5, frequency: 5 }, 'period', /absent when there is a frequency/],
    [{ type: 'pebs', frequency: 100_001 }, 'frequency', /1 to 100000/],
    [{ type: 'pebs', event: 'slow_loads' }, 'latencyMin', /given for `slow_loads`/],
    [{ type: 'pebs', event: 'node_loads', nodes: [7] }, 'nodes', /nodes of the machine/],
    [{ type: 'pebs', bufferRecords: 2 }, 'bufferRecords', /1 with a frequency/],
    [{ type: 'pebs', period: 5, bufferRecords: 341 }, 'bufferRecords', /from 1 to 340/],
    [{ type: 'chmu' }, 'nodes', /a list/],
    [{ type: 'chmu', nodes: [] }, 'nodes', /at least one/],
    [{ type: 'chmu', nodes: [2] }, 'nodes', /nodes of the machine/],
    [{ type: 'chmu', nodes: [1], unitBytes: 8192 }, 'unitBytes', /a power of two from 256 to 4096/],
    [{ type: 'chmu', nodes: [1], epochNs: '150 us' }, 'epochNs', /1 to 4095 times/],
    [{ type: 'chmu', nodes: [1], counterBits: 8, threshold: 256 }, 'threshold', /2\^8 - 1/],
    [{ type: 'chmu', nodes: [1], downSampling: 3 }, 'downSampling', /a power of two/],
    [{ type: 'hint_faults', scanBytes: 5_000 }, 'scanBytes', /whole pages/],
    [{ type: 'hint_faults', scanPeriodNs: '2 min' }, 'scanPeriodNs', /a time from/],
    [{ type: 'hint_faults', nodes: [3] }, 'nodes', /nodes of the machine/],
    [{ type: 'hint_faults', rateLimitBytesPerS: 0 }, 'rateLimitBytesPerS', /from 4096 bytes/],
    [{ type: 'ibs_op', interrupts: { handlerNs: '2 ms' } }, 'interrupts.handlerNs', /a time from/],
    [{ type: 'ibs_op', interrupts: { maxRateHz: 249 } }, 'interrupts.maxRateHz', /from 250/],
    [{ type: 'ibs_op', counting: 'ops', stallShare: 0.5 }, 'stallShare', /0 where ops are counted/],
    [{ type: 'pebs', shadowEvents: 65_536 }, 'shadowEvents', /at most 65535|0 to 65535/],
    [{ type: 'chmu', nodes: [1], mode: 'sometimes' }, 'mode', /epoch/],
    [{ type: 'page_faults', period: 0 }, 'period', /from 1/],
    [{ type: 'page_faults', sampleNs: '2 ms' }, 'sampleNs', /a time from/],
  ];
  for (const [sampler, field, expected] of cases) {
    const source = { ...SMALL, sampler } as KdamondOptions['source'];
    const error = t.throws(() => new Kdamond({ source }), { instanceOf: DamonError }, field);
    t.is(error?.path, `source.sampler.${field}`);
    t.regex(error?.expected ?? '', expected);
    t.regex(error?.code ?? '', /^ERR_DAMON_CONFIG/);
  }
});

test('a hot set within the reach of the TLB is seen by samples, and hardly by accessed bits', async (t) => {
  // samplers.md 11 (d): 8 MiB of small pages are half of what 4,096 translations reach.
  const hotBytes = 8 * MIB;
  const source = {
    ...SMALL,
    workload: { type: 'hot_set', bytes: '64 MiB', hotBytes, hotShare: 0.999 },
    sampler: { type: 'ibs_op', period: 16_384 },
  } as const;
  const recall = async (operations: 'paddr' | 'paddr_ibs') => {
    using kdamond = new Kdamond({
      source: { ...source, workload: { ...source.workload, interleave: [1, 0] } },
      operations,
      attrs: { minNrRegions: 1_000, maxNrRegions: 1_000, aggregationUs: '200 ms' },
      laneSlots: 1_024,
    });
    const [snapshot] = (await collect(kdamond.snapshots({ untilMs: 1_000 }))).slice(-1);
    let seen = 0;
    for (const { start, end, nrAccesses } of snapshot ?? []) {
      // Memory fills from the bottom: the hot pages are the first.
      const hot = Math.max(0, Math.min(Number(end), hotBytes) - Number(start));
      if (nrAccesses > 0) seen += hot;
    }
    return seen / hotBytes;
  };
  const [bits, samples] = [await recall('paddr'), await recall('paddr_ibs')];
  t.assert(samples > 0.9, `samples ${samples}`);
  t.assert(bits < 0.2, `bits ${bits}`);
});
