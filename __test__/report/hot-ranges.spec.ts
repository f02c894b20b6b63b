import test from 'ava';
import fc from 'fast-check';

import { hotRanges, workingSet, type HotRange } from '../../src/report/hot-ranges.ts';
import { item } from '../../src/report/item.ts';
import { snapshot } from './arbitrary.ts';
import { check } from './property.ts';
import { GIB, NODES, sampleSnapshots, snapshotOf } from './sample.ts';

const MIB = 1n << 20n;

test('all ranges together are the memory and the hits of the snapshot', (t) => {
  const cut = fc.bigInt(0n, 1n << 50n);
  check(
    t,
    fc.property(snapshot(), cut, cut, (any, low, span) => {
      const nodes = [{ id: 7, start: low, end: low + span + 1n }];
      const ranges = hotRanges(any, { nodes, top: Infinity });
      const regions = [...any];
      t.is(bytes(ranges), bytes(regions));
      t.true(
        regions.every(({ start }) =>
          ranges.some((range) => range.start <= start && start < range.end),
        ),
      );
      const hits = regions.reduce((sum, region) => sum + region.hits, 0);
      t.true(Math.abs(ranges.reduce((sum, range) => sum + range.hits, 0) - hits) <= 1e-9 * hits);
      const share = ranges.reduce((sum, range) => sum + range.share, 0);
      t.true(Math.abs(share - (hits > 0 ? 1 : 0)) < 1e-9);
    }),
  );
});

test('no range spans the border of a node', (t) => {
  check(
    t,
    fc.property(snapshot(), fc.bigInt(1n, 1n << 40n), (any, border) => {
      const nodes = [
        { id: 0, start: 0n, end: border },
        { id: 1, start: border, end: 1n << 60n },
      ];
      for (const { start, end, node } of hotRanges(any, { nodes, top: Infinity })) {
        t.is(node?.id, start < border ? 0 : 1);
        t.true(end <= border || border <= start);
      }
    }),
  );
});

test('the hottest range comes first, and no more come than were asked for', (t) => {
  check(
    t,
    fc.property(snapshot(), fc.nat(5), (any, top) => {
      const ranges = hotRanges(any, { top });
      t.true(ranges.length <= top);
      t.true(ranges.every((range, i) => i === 0 || item(ranges, i - 1).rate >= range.rate));
    }),
  );
});

test('a range knows its rate, its share and its age', (t) => {
  // 2 s, 4 MiB: 800 hits; the other 200 are elsewhere.
  const any = snapshotOf(
    [
      [0n, 4n * MIB, 800, 18, 40],
      [64n * MIB, 96n * MIB, 200, 2, 5],
    ],
    { intervalNs: 2_000_000_000n, timeNs: 2_000_000_000n },
  );
  t.deepEqual(hotRanges(any, { top: 1 }), [
    {
      start: 0n,
      end: 4n * MIB,
      szBytes: 4 * 2 ** 20,
      node: null,
      hits: 800,
      rate: 100,
      nrAccesses: 18,
      ageSeconds: 4,
      share: 0.8,
    },
  ]);
});

test('neighbours about equally hot become one, weighted by size', (t) => {
  const any = snapshotOf([
    [0n, 3n * MIB, 3000, 20, 10],
    [3n * MIB, 4n * MIB, 1500, 12, 2],
    [4n * MIB, 8n * MIB, 40, 1, 1],
  ]);
  const [hot, cold] = hotRanges(any);
  t.deepEqual([hot?.end, hot?.hits, hot?.nrAccesses, hot?.ageSeconds], [4n * MIB, 4500, 18, 0.8]);
  t.is(cold?.start, 4n * MIB);
});

test('neighbours do not become one across a hole', (t) => {
  const any = snapshotOf([
    [0n, MIB, 100],
    [2n * MIB, 3n * MIB, 100],
  ]);
  t.is(hotRanges(any).length, 2);
});

test('a few hits more or less do not make a border, many do', (t) => {
  const rates = (left: number, right: number): number =>
    hotRanges(
      snapshotOf([
        [0n, MIB, left],
        [MIB, 2n * MIB, right],
      ]),
    ).length;
  t.is(rates(1, 5), 1);
  t.is(rates(100, 500), 2);
  t.is(rates(100, 190), 1);
});

test('without hits the counts of the monitor decide', (t) => {
  const any = snapshotOf([
    [0n, MIB, 0, 12],
    [MIB, 2n * MIB, 0, 10],
    [2n * MIB, 3n * MIB, 0, 0],
  ]);
  const ranges = hotRanges(any);
  t.deepEqual(
    ranges.map(({ nrAccesses }) => nrAccesses),
    [11, 0],
  );
  t.deepEqual(
    ranges.map(({ share }) => share),
    [0, 0],
  );
});

test('the three hot ranges of the sample are found where they were put', (t) => {
  const last = item(sampleSnapshots(60, 3), 59);
  const found = hotRanges(last, { nodes: NODES, top: 3 });
  t.deepEqual(
    found.map(({ start, end, node }) => [start / GIB, end / GIB, node?.name]),
    [
      [120n, 121n, 'DRAM'],
      [90n, 114n, 'DRAM'],
      [1208n, 1240n, 'CXL'],
    ],
  );
});

test('the working set takes the densest memory first and the last region in part', (t) => {
  const any = snapshotOf([
    [0n, 100n, 90],
    [100n, 1100n, 10],
    [1100n, 9100n, 0],
  ]);
  t.deepEqual(workingSet(any, [45, 90, 99, 100]), {
    monitoredBytes: 9100,
    accessedBytes: 1100,
    hits: 100,
    shares: [
      { percent: 45, szBytes: 50 },
      { percent: 90, szBytes: 100 },
      { percent: 99, szBytes: 1000 },
      { percent: 100, szBytes: 1100 },
    ],
  });
});

test('a larger share of the hits takes at least as much memory, and never more than was accessed', (t) => {
  check(
    t,
    fc.property(snapshot(), (any) => {
      const set = workingSet(any, [1, 50, 90, 99, 100]);
      t.true(
        set.shares.every(({ szBytes }, i) => i === 0 || item(set.shares, i - 1).szBytes <= szBytes),
      );
      t.true(set.shares.every(({ szBytes }) => szBytes <= set.accessedBytes));
      t.true(set.accessedBytes <= set.monitoredBytes);
    }),
  );
});

test('no choice of whole regions takes a share of the hits in fewer bytes', (t) => {
  check(
    t,
    fc.property(snapshot(), fc.integer({ min: 1, max: 99 }), (any, percent) => {
      const regions = [...any].slice(0, 8);
      const some = snapshotOf(regions.map(({ start, end, hits }) => [start, end, hits]));
      const set = workingSet(some, [percent]);
      // The oracle: every subset that takes the share.
      for (let subset = 0; subset < 1 << regions.length; subset++) {
        const chosen = regions.filter((_, i) => subset & (1 << i));
        const hits = chosen.reduce((sum, region) => sum + region.hits, 0);
        if (hits * 100 >= set.hits * percent) {
          t.true(item(set.shares, 0).szBytes <= Number(bytes(chosen)));
        }
      }
    }),
  );
});

function bytes(ranges: readonly Pick<HotRange, 'start' | 'end'>[]): bigint {
  return ranges.reduce((sum, { start, end }) => sum + (end - start), 0n);
}

test('a grain adds up what lies in one aligned piece, and keeps every byte and hit', (t) => {
  // One hot page in a lukewarm block, then three whole blocks, then half of one.
  const any = snapshotOf([
    [0n, MIB, 10, 1, 1],
    [MIB, MIB + 4096n, 1000, 20, 1],
    [MIB + 4096n, 8n * MIB, 10, 1, 1],
    [8n * MIB, 9n * MIB, 500, 20, 1],
  ]);
  const ranges = hotRanges(any, { grainBytes: 2 * 2 ** 20, ratio: 2 });
  t.deepEqual(
    ranges.map(({ start, end }) => [start, end]),
    [
      [0n, 2n * MIB],
      [8n * MIB, 9n * MIB],
      [2n * MIB, 8n * MIB],
    ],
  );
  check(
    t,
    fc.property(snapshot(), fc.integer({ min: 12, max: 40 }), (each, power) => {
      const coarse = hotRanges(each, { grainBytes: 2 ** power, top: Infinity });
      t.is(bytes(coarse), bytes([...each]));
      const hits = [...each].reduce((sum, region) => sum + region.hits, 0);
      t.true(Math.abs(coarse.reduce((sum, range) => sum + range.hits, 0) - hits) <= 1e-9 * hits);
    }),
  );
});
