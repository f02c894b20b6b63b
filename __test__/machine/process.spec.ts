import test from 'ava';

import {
  type AccessPatternOptions,
  type EmulationOptions,
  Kdamond,
  type KdamondOptions,
  type ProcessOptions,
  balance,
} from '../../src/index.ts';
import { DamonError } from '../../src/errors.ts';
import { SMALL, collect } from '../support/small.ts';

const MIB = 2 ** 20;

const AREA = { name: 'heap', bytes: '32 MiB' } as const;
const LINE = { area: 'heap', pattern: { type: 'uniform' } } as const;
const PROCESS: ProcessOptions = { areas: [AREA], phases: [{ lines: [LINE] }] };

const of = (...processes: readonly object[]): EmulationOptions => ({
  ...SMALL,
  workload: { type: 'processes', processes: processes as ProcessOptions[] },
});
const line = (more: object) => of({ ...PROCESS, phases: [{ lines: [{ ...LINE, ...more }] }] });
const area = (more: object) => of({ ...PROCESS, areas: [{ ...AREA, ...more }] });
const pattern = (given: object) => line({ pattern: given });

const P = 'source.workload.processes[0]';

test('what cannot run is refused by path, expected and received, before anything runs', (t) => {
  const hotSet = { type: 'hot_set', hotBytes: '1 MiB' };
  const refusals: readonly [source: object, path: string, expected: RegExp][] = [
    [of(), 'source.workload.processes', /at least one process/],
    [of({ ...PROCESS, areas: [] }), `${P}.areas`, /at least one area/],
    [of({ ...PROCESS, phases: [] }), `${P}.phases`, /at least one phase/],
    [of({ ...PROCESS, phases: [{ lines: [] }] }), `${P}.phases[0].lines`, /at least one line/],
    [
      of({ ...PROCESS, phases: [{ durationMs: 0, lines: [LINE] }] }),
      `${P}.phases[0].durationMs`,
      /above 0/,
    ],
    [line({ weight: 0 }), `${P}.phases[0].lines`, /weights whose sum is above 0/],
    [line({ weight: -1 }), `${P}.phases[0].lines[0].weight`, /a number from 0/],
    [line({ area: 'stack' }), `${P}.phases[0].lines[0].area`, /the name of an area: `heap`/],
    [line({ reuse: 0 }), `${P}.phases[0].lines[0].reuse`, /from 1/],
    [pattern({ type: 'pareto' }), `${P}.phases[0].lines[0].pattern.type`, /`hot_set`, `zipf`/],
    [
      pattern({ ...hotSet, hotBytes: '33 MiB' }),
      `${P}.phases[0].lines[0].pattern.hotBytes`,
      /to the area's 33554432/,
    ],
    [
      pattern({ ...hotSet, offsetBytes: 5 }),
      `${P}.phases[0].lines[0].pattern.offsetBytes`,
      /whole pages/,
    ],
    [pattern({ type: 'zipf', theta: 11 }), `${P}.phases[0].lines[0].pattern.theta`, /0 to 10/],
    [area({ bytes: 4097 }), `${P}.areas[0].bytes`, /whole pages/],
    [area({ bytes: '1 MiB', pageSize: '2 MiB' }), `${P}.areas[0].bytes`, /pages of 2097152/],
    [area({ bytes: '300 MiB' }), `${P}.areas[0].bytes`, /small enough for node/],
    [area({ placement: { preferred: 2 } }), `${P}.areas[0].placement.preferred`, /a node below 2/],
    [
      area({ placement: { interleave: [0, 0] } }),
      `${P}.areas[0].placement.interleave`,
      /one weight above 0/,
    ],
    [
      area({ placement: { interleave: [1, 1, 1] } }),
      `${P}.areas[0].placement.interleave`,
      /weights of nodes below 2/,
    ],
    [of({ ...PROCESS, areas: [AREA, AREA] }), `${P}.areas[1]`, /named otherwise/],
    [of(PROCESS, PROCESS), 'source.workload.processes[1].cpus', /no process before it runs/],
    [of({ ...PROCESS, cpus: { start: 0, end: 3 } }), `${P}.cpus`, /CPUs below 2/],
    [
      of(
        { ...PROCESS, cpus: { start: 0, end: 1 } },
        { ...PROCESS, tgid: 1, cpus: { start: 1, end: 2 } },
      ),
      'source.workload.processes[1].tgid',
      /no other process's/,
    ],
    [{ ...SMALL, distances: [[10, 20]] }, 'source.distances', /a square matrix of 2 rows/],
    [{ ...SMALL, distances: [[10, 20], [20]] }, 'source.distances[1]', /a square matrix/],
    [
      {
        ...SMALL,
        distances: [
          [10, 20],
          [20, 20],
        ],
      },
      'source.distances[1]',
      /10 from a node/,
    ],
    [
      { ...SMALL, processor: { cpus: 2, sockets: 3 } },
      'source.processor.sockets',
      /at most one a CPU/,
    ],
    [{ ...SMALL, processor: { l1Bytes: '2 MiB' } }, 'source.processor.l2Bytes', /level below/],
    [{ ...SMALL, migration: { busyShare: 2 } }, 'source.migration.busyShare', /a share/],
    [
      { ...SMALL, nodes: [{ ...SMALL.nodes[0], socket: 1 }] },
      'source.nodes[0].socket',
      /a socket below 1/,
    ],
    [
      { ...SMALL, nodes: [{ ...SMALL.nodes[0], reserveBytes: '1 GiB' }] },
      'source.nodes[0].reserveBytes',
      /at most the node's bytes/,
    ],
  ];
  for (const [source, path, expected] of refusals) {
    const error = t.throws(() => new Kdamond({ source } as KdamondOptions), {
      instanceOf: DamonError,
    });
    t.is(error?.path, path);
    t.regex(error?.expected ?? '', expected);
    t.true(error !== undefined && 'received' in error, path);
  }
});

/** The start of the hottest quarter of what a run saw, as an offset into the heap. */
async function hottest(
  given: AccessPatternOptions,
  untilMs: number | string,
): Promise<{ offset: number; share: number }> {
  using kdamond = new Kdamond({
    source: {
      ...pattern(given),
      processor: { cpus: 2 },
      sampler: { type: 'ibs_op', period: 65_536 },
    } as EmulationOptions,
    attrs: { minNrRegions: 64, maxNrRegions: 64 },
    targets: [{ regions: [{ start: 0, end: '32 MiB' }] }],
  });
  const snapshots = await collect(kdamond.snapshots({ untilMs }));
  const last = snapshots.at(-1);
  const bins = new Float64Array(4);
  let sum = 0;
  for (const { start, end, hits } of last ?? []) {
    const bin = Math.min(3, Math.floor(Number(start + end) / 2 / (8 * MIB)));
    bins[bin] = (bins[bin] ?? 0) + hits;
    sum += hits;
  }
  const at = bins.indexOf(Math.max(...bins));
  return { offset: at * 8 * MIB, share: (bins[at] ?? 0) / sum };
}

test('a hot set lies where it begins, and drifts', async (t) => {
  const hotSet = {
    type: 'hot_set',
    hotBytes: '8 MiB',
    hotShare: 0.9,
    offsetBytes: '8 MiB',
  } as const;
  const still = await hottest(hotSet, '3 s');
  t.is(still.offset, 8 * MIB);
  t.true(still.share > 0.8, `${still.share}`);
  // 7.5 to 9 MiB in the third second.
  const moved = await hottest({ ...hotSet, driftBytes: '3 MiB' }, '3 s');
  t.is(moved.offset, 16 * MIB);
});

test('zipf in order is hottest at its first pages', async (t) => {
  const inOrder = await hottest({ type: 'zipf', scattered: false }, '2 s');
  t.is(inOrder.offset, 0);
  t.true(inOrder.share > 0.7, `${inOrder.share}`);
  const scattered = await hottest({ type: 'zipf' }, '2 s');
  t.true(scattered.share < 0.6, `${scattered.share}`);
});

test('phases follow each other and go round; processes keep to their CPUs', async (t) => {
  const areas = [
    { name: 'a', bytes: '16 MiB', placement: { interleave: [1] } },
    { name: 'b', bytes: '16 MiB', placement: { interleave: [0, 1] } },
  ] as const;
  const phase = (name: string) => ({
    durationMs: '1 s',
    lines: [{ area: name, pattern: { type: 'uniform' } as const }],
  });
  using kdamond = new Kdamond({
    source: of(
      { areas, phases: [phase('a'), phase('b')], repeats: true, cpus: { start: 0, end: 1 } },
      { ...PROCESS, memcg: '/other', cpus: { start: 1, end: 2 } },
    ),
    sampleFilters: [{ type: 'cpumask', cpus: [0], matching: true, allow: true }],
  });
  const byNode: number[] = [];
  for await (const snapshot of kdamond.snapshots({ untilMs: '4 s' })) {
    let onNode1 = 0;
    let sum = 0;
    for (const { start, hits } of snapshot) {
      if (start >= 128n * 2n ** 20n) onNode1 += hits;
      sum += hits;
    }
    byNode.push(Math.round(onNode1 / sum));
  }
  t.deepEqual(byNode, [0, 1, 0, 1]);
  t.is(kdamond.throughput?.processes.length, 2);
});

for (const operations of ['vaddr', 'fvaddr', 'paddr', 'paddr_ibs'] as const) {
  test(`${operations} works on the machine: what is not touched is paged out, and the books balance`, async (t) => {
    using kdamond = new Kdamond({
      // 24 of 32 MiB are never touched; 8 MiB are more than 512 translations reach.
      source: {
        ...pattern({ type: 'hot_set', hotBytes: '8 MiB', hotShare: 1 }),
        processor: { tlbEntries: 512 },
      } as EmulationOptions,
      operations,
      attrs: { minNrRegions: 100, maxNrRegions: 200 },
      schemes: [{ action: 'pageout', pattern: { nrAccesses: { max: 0 }, age: { min: 5 } } }],
    });
    await kdamond.run({ untilMs: '10 s' });
    const { machine } = kdamond.books.counters;
    t.true((machine?.pagedOutPages ?? 0) > 4_000, JSON.stringify(machine));
    t.true((machine?.outPages ?? 0) > 4_000, JSON.stringify(machine));
    t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
  });
}
