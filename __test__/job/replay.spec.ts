import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { replay, replayAttrs } from '../../src/job/replay.ts';
import { type Books, balance } from '../../src/report/record.ts';
import type { Snapshot } from '../../src/report/snapshot.ts';
import { readMachineFile } from '../../src/trace/recording.ts';
import { recordingOf, row, rows } from '../support/small.ts';

const REDIS = 'examples/redis-linux-6.12.samples.csv.zst';

test('the bundled recording is replayed to its last row', async (t) => {
  const record = await replay({ path: REDIS, nodes: readMachineFile(REDIS) });
  const { rows: counters } = record.books.counters as { rows: Record<string, number> };
  t.is(counters['accepted'], 1_289_216);
  t.is(counters['read'], 1_289_216);
  for (const { equation, offBy } of balance(record.books)) t.is(offBy, 0n, equation.name);
  t.is(record.source, REDIS);
  t.is(Math.floor(Number(record.endNs - record.startNs) / 1e9), 102);
  t.assert(record.samplesPerSecond > 0 && record.durationMs > 0);
  t.is(record.heatmap.endNs, record.endNs);
  t.assert(record.heatmap.totalHits > 1_000_000);
});

test('hot ranges and working set describe the last snapshot, by node', async (t) => {
  const snapshots: Snapshot[] = [];
  const onSnapshot = (snapshot: Snapshot) => void snapshots.push(snapshot);
  const nodes = [
    { name: 'low', start: 0, end: '16 MiB' },
    { start: '16 MiB', end: '1 GiB' },
  ];
  const record = await replay({ path: recordingOf(rows(3_000)), nodes, onSnapshot });
  t.is<Snapshot | undefined, Snapshot | undefined>(record.last, snapshots.at(-1));
  t.is(snapshots.length, 3);
  t.deepEqual(record.nodes, [
    { id: 0, name: 'low', start: 0n, end: 2n ** 24n },
    { id: 1, start: 2n ** 24n, end: 2n ** 30n },
  ]);
  t.assert(record.hotRanges.length > 1);
  for (const { node, start, end } of record.hotRanges) {
    t.is(node?.id, start < 2n ** 24n ? 0 : 1);
    t.assert(end <= 2n ** 24n || start >= 2n ** 24n);
  }
  t.is(record.workingSet.monitoredBytes, 2 ** 27);
});

test('attributes for recordings divide the time between snapshots', (t) => {
  const aggregations: readonly [everyMs: number, aggregationUs: number][] = [
    [0, 500_000],
    [1_000, 500_000],
    [500, 500_000],
    [600, 300_000],
    [100, 100_000],
    [10_000, 500_000],
    [7, 5_000],
    [1, 5_000],
  ];
  for (const [everyMs, aggregationUs] of aggregations) {
    const attrs = { sampleUs: 5_000, aggregationUs, minNrRegions: 500, maxNrRegions: 1_000 };
    t.deepEqual(replayAttrs(everyMs), attrs, `${everyMs}`);
  }
});

test('a snapshot is waited for, so that a slow reader holds the replay up', async (t) => {
  let reading = 0;
  await replay({
    path: recordingOf(rows(3_000)),
    onSnapshot: async () => {
      t.is((reading += 1), 1);
      await new Promise((resolve) => setTimeout(resolve, 150));
      reading -= 1;
    },
  });
});

test('a single row is a recording', async (t) => {
  const record = await replay({ path: recordingOf([row(5, 0, 4_096)]) });
  t.is(record.workingSet.hits, 1);
});

test('a failure hands out the books before it rejects', async (t) => {
  let books: Books | undefined;
  const path = recordingOf([...rows(10), 'nonsense']);
  await t.throwsAsync(replay({ path, onFailure: (at) => void (books = at) }), {
    instanceOf: DamonError,
    code: 'ERR_DAMON_TRACE_ROW',
  });
  t.like(books?.counters['rows'], { accepted: 10, malformed: 1 });
});

test('a signal ends a replay with its reason', async (t) => {
  const controller = new AbortController();
  const onSnapshot = () => controller.abort('enough');
  const run = replay({ path: recordingOf(rows(3_000)), onSnapshot, signal: controller.signal });
  t.is(await run.catch((reason: unknown) => reason), 'enough');
});

test('options are refused by the names they have here', async (t) => {
  const path = recordingOf(rows(1));
  const wrong: readonly [options: object, path: string][] = [
    [{ everyMs: 'soon' }, 'everyMs'],
    [{ path: '' }, 'source.path'],
    [{ cpus: 0 }, 'source.cpus'],
    [{ seed: -1 }, 'seed'],
    [{ attrs: { minNrRegions: 1 } }, 'attrs.minNrRegions'],
    [{ typo: 1 }, 'source.typo'],
  ];
  for (const [options, at] of wrong) {
    const error = await t.throwsAsync(replay({ path, ...options }), { instanceOf: DamonError });
    t.is(error?.path, at);
    t.regex(error?.code ?? '', /^ERR_DAMON_CONFIG/);
  }
});
