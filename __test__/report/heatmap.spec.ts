import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import { Heatmap, type HeatmapGrid } from '../../src/report/heatmap.ts';
import { item } from '../../src/report/item.ts';
import type { Snapshot } from '../../src/report/snapshot.ts';
import { series } from './arbitrary.ts';
import { check } from './property.ts';
import { GIB, NODES, sampleSnapshots, SECOND, snapshotOf } from './sample.ts';

const PAGE = 4096n;

const SIZES = fc.record({
  columns: fc.integer({ min: 2, max: 9 }),
  rows: fc.integer({ min: 2, max: 9 }),
});
const SMALLER = fc.record({
  columns: fc.integer({ min: 1, max: 9 }),
  rows: fc.integer({ min: 1, max: 9 }),
});

test('every hit is in exactly one cell, at the stored size and at every other', (t) => {
  check(
    t,
    fc.property(SIZES, SMALLER, series(), (size, smaller, snapshots) => {
      const heatmap = collect(snapshots, size);
      const total = snapshots.reduce((hits, snapshot) => hits + sum(snapshot.hits), 0);
      t.is(heatmap.totalHits, total);
      for (const grid of [heatmap.read(), heatmap.read(smaller)]) t.is(sum(grid.hits), total);
    }),
  );
});

test('weights that are not whole numbers are conserved up to rounding', (t) => {
  const weight = fc.double({ min: 0, max: 1e6, noNaN: true });
  check(
    t,
    fc.property(SIZES, SMALLER, series(weight), (size, smaller, snapshots) => {
      const { hits } = collect(snapshots, size).read(smaller);
      const total = snapshots.reduce((count, snapshot) => count + sum(snapshot.hits), 0);
      t.true(Math.abs(sum(hits) - total) <= 1e-9 * total);
      t.true(hits.every((count) => count >= 0));
    }),
  );
});

test('rows are sorted, disjoint, and cover all memory that was monitored', (t) => {
  check(
    t,
    fc.property(SIZES, SMALLER, series(), (size, smaller, snapshots) => {
      const heatmap = collect(snapshots, size);
      for (const grid of [heatmap.read(), heatmap.read(smaller)]) {
        let previous = 0n;
        for (let row = 0; row < grid.rows; row++) {
          const [start, end] = [item(grid.rowStarts, row), item(grid.rowEnds, row)];
          t.true(previous <= start && start < end);
          t.is(grid.breaks.includes(row), row > 0 && previous < start);
          previous = end;
        }
        for (const { start, end } of snapshots.flatMap((snapshot) => [...snapshot])) {
          t.true(covers(grid, start) && covers(grid, end - 1n));
        }
      }
    }),
  );
});

test('the matrix stays within its limits and readouts within theirs', (t) => {
  check(
    t,
    fc.property(SIZES, SMALLER, series(), (size, smaller, snapshots) => {
      const heatmap = collect(snapshots, size);
      const grid = heatmap.read(smaller);
      t.true(heatmap.columns <= size.columns && heatmap.rows <= size.rows);
      t.true(grid.columns <= smaller.columns && grid.rows <= smaller.rows);
      t.is(grid.edgesNs.length, grid.columns + 1);
      t.is(grid.edgesNs[0], heatmap.startNs);
      t.is(grid.edgesNs.at(-1), heatmap.endNs);
    }),
  );
});

test('a cell is the rate of what was monitored: 1 MiB, 8 s, 80 hits', (t) => {
  const heatmap = new Heatmap();
  heatmap.add(snapshotOf([[0n, 1n << 20n, 80]], { timeNs: 8n * SECOND, intervalNs: 8n * SECOND }));
  const { hits, rates } = heatmap.read({ rows: 1, columns: 1 });
  t.deepEqual([...hits], [80]);
  t.deepEqual([...rates], [10]);
});

test('columns are added up pairwise when there are too many', (t) => {
  // 1 s each:  1 2 | 3 4 | 5
  const heatmap = new Heatmap({ columns: 4, rows: 2 });
  for (let i = 1n; i <= 5n; i++) {
    heatmap.add(snapshotOf([[0n, PAGE, Number(i)]], { timeNs: i * SECOND }));
  }
  const grid = heatmap.read();
  t.deepEqual([...grid.hits], [3, 7, 5]);
  t.deepEqual(grid.edgesNs, [0n, 2n * SECOND, 4n * SECOND, 5n * SECOND]);
  // The last column is half as long, so its rate is not half of what it was.
  t.is(item(grid.rates, 2), 5 * 256);
});

test('rows are added up pairwise when there are too many', (t) => {
  const heatmap = new Heatmap({ columns: 2, rows: 4 });
  const pages = Array.from({ length: 6 }, (_, i): [bigint, bigint, number] => [
    BigInt(i) * PAGE,
    BigInt(i + 1) * PAGE,
    10 ** i,
  ]);
  heatmap.add(snapshotOf(pages));
  t.deepEqual([...heatmap.read().hits], [11, 1100, 110000]);
});

test('memory that turns up later gets rows below, between and above', (t) => {
  const heatmap = new Heatmap();
  heatmap.add(snapshotOf([[8n * PAGE, 9n * PAGE, 1]]));
  const later: [bigint, bigint, number][] = [
    [0n, PAGE, 2],
    [8n * PAGE, 9n * PAGE, 3],
    [16n * PAGE, 17n * PAGE, 4],
  ];
  heatmap.add(snapshotOf(later, { timeNs: 2n * SECOND }));
  const grid = heatmap.read();
  t.deepEqual([...grid.rowStarts], [0n, 8n * PAGE, 16n * PAGE]);
  t.deepEqual([...grid.hits], [0, 2, 1, 3, 0, 4]);
  t.deepEqual(grid.breaks, [1, 2]);
  // Nothing is known of them before: not the same as no hits.
  t.deepEqual([...grid.rates].map(Number.isNaN), [true, false, false, false, true, false]);
});

test('a hole of 892 GiB costs no row', (t) => {
  const heatmap = collect(sampleSnapshots(30, 1), { columns: 8, rows: 64 });
  const grid = heatmap.read({ rows: 12, cuts: NODES.map(({ start }) => start) });
  t.is(grid.rows, 12);
  t.is(grid.breaks.length, 1);
  const border = item(grid.breaks, 0);
  t.is(item(grid.rowEnds, border - 1), 132n * GIB);
  t.is(item(grid.rowStarts, border), 1024n * GIB);
  // 128 of 384 GiB.
  t.is(border, 4);
});

test('no row straddles a cut between two nodes that touch', (t) => {
  const heatmap = new Heatmap();
  heatmap.add(snapshotOf([[0n, 8n * GIB, 1]]));
  const grid = heatmap.read({ rows: 3, cuts: [2n * GIB] });
  t.deepEqual([...grid.rowStarts], [0n, 2n * GIB, 5n * GIB]);
  t.deepEqual(grid.breaks, []);
});

test('time that nobody watched is empty, not cold', (t) => {
  const heatmap = new Heatmap();
  heatmap.add(snapshotOf([[0n, PAGE, 1]]));
  heatmap.add(snapshotOf([[0n, PAGE, 1]], { timeNs: 3n * SECOND }));
  t.deepEqual([...heatmap.read().rates].map(Number.isNaN), [false, true, false]);
});

test('an interval of no length keeps its hits', (t) => {
  const heatmap = new Heatmap({ columns: 2, rows: 2 });
  heatmap.add(snapshotOf([[0n, PAGE, 1]]));
  heatmap.add(snapshotOf([[0n, PAGE, 2]], { intervalNs: 0n }));
  heatmap.add(snapshotOf([[0n, PAGE, 4]], { timeNs: 7n * SECOND, intervalNs: 0n }));
  t.is(sum(heatmap.read().hits), 7);
});

test('an empty heatmap reads as nothing', (t) => {
  const grid = new Heatmap().read({ rows: 10, columns: 10 });
  t.deepEqual([grid.rows, grid.columns, grid.hits.length], [0, 0, 0]);
});

test('sizes that make no sense and snapshots from before the start are refused', (t) => {
  for (const columns of [1, 2.5, Infinity]) {
    t.throws(() => new Heatmap({ columns }), { code: 'ERR_DAMON_HEATMAP_SIZE' });
  }
  t.throws(() => new Heatmap().read({ rows: 0 }), { code: 'ERR_DAMON_HEATMAP_SIZE' });
  const heatmap = new Heatmap();
  heatmap.add(snapshotOf([], { timeNs: 5n * SECOND }));
  const error = t.throws(() => heatmap.add(snapshotOf([], { timeNs: 4n * SECOND })), {
    instanceOf: DamonError,
  });
  t.is(error.code, 'ERR_DAMON_HEATMAP_TIME');
});

function collect(snapshots: readonly Snapshot[], size: { columns: number; rows: number }): Heatmap {
  const heatmap = new Heatmap(size);
  for (const snapshot of snapshots) heatmap.add(snapshot);
  return heatmap;
}

function covers({ rowStarts, rowEnds }: HeatmapGrid, address: bigint): boolean {
  return rowStarts.some((start, row) => start <= address && address < item(rowEnds, row));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
