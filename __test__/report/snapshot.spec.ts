import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import { Snapshot } from '../../src/report/snapshot.ts';
import { snapshot } from './arbitrary.ts';
import { check } from './property.ts';
import { snapshotOf } from './sample.ts';

const TWO = snapshotOf([
  [0x1000n, 0x3000n, 141, 20, 3],
  [0x3000n, 0x4000n, 0.5, 0, 12],
]);

test('a snapshot hands out its regions in order', (t) => {
  t.is(TWO.length, 2);
  t.deepEqual(TWO.region(1), { start: 0x3000n, end: 0x4000n, nrAccesses: 0, age: 12, hits: 0.5 });
  t.deepEqual([...TWO], [TWO.region(0), TWO.region(1)]);
});

test('a region that does not exist is refused by its index', (t) => {
  for (const index of [-1, 2, 0.5]) {
    const error = t.throws(() => TWO.region(index), { instanceOf: DamonError });
    t.is(error.code, 'ERR_DAMON_SNAPSHOT_REGION');
    t.is(error.received, index);
  }
});

test('columns of different length are refused by name', (t) => {
  const error = t.throws(() => new Snapshot({ ...columnsOf(TWO), ages: Uint32Array.of(1) }), {
    instanceOf: DamonError,
  });
  t.is(error.message, 'Expected `ages.length` to be 2, the number of regions, got `1` (number)');
});

test('regions that are empty, unsorted or overlap are refused', (t) => {
  const cases: [bigint, bigint][][] = [
    [[1n, 1n]],
    [[2n, 1n]],
    // [0 .. 4)
    //     [3 .. 5)
    [
      [0n, 4n],
      [3n, 5n],
    ],
    [
      [4n, 5n],
      [0n, 1n],
    ],
  ];
  for (const regions of cases) {
    const code = 'ERR_DAMON_SNAPSHOT_COLUMNS';
    t.throws(() => snapshotOf(regions.map(([start, end]) => [start, end, 0])), { code });
  }
  t.throws(() => snapshotOf([], { intervalNs: -1n }), { code: 'ERR_DAMON_SNAPSHOT_COLUMNS' });
  t.notThrows(() => snapshotOf([]));
});

test('a line of JSON holds a time above 2^53 exactly', (t) => {
  const timeNs = 2n ** 53n + 1n;
  const late = new Snapshot({ ...columnsOf(TWO), timeNs });
  t.is(
    late.toNdjson(),
    '{"type":"snapshot","timeNs":9007199254740993,"regions":[' +
      '{"start":"0x1000","end":"0x3000","nrAccesses":20,"age":3,"hits":141},' +
      '{"start":"0x3000","end":"0x4000","nrAccesses":0,"age":12,"hits":0.5}]}',
  );
  t.is(late.toJSON().timeNs, '9007199254740993');
});

test('a line of JSON says the same as JSON.stringify and has no line break', (t) => {
  check(
    t,
    fc.property(snapshot(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })), (any) => {
      t.deepEqual(JSON.parse(any.toNdjson()), JSON.parse(JSON.stringify(any)));
      t.false(any.toNdjson().includes('\n'));
    }),
  );
});

function columnsOf({ ...columns }: Snapshot): ConstructorParameters<typeof Snapshot>[0] {
  return columns;
}

const PROCESSES = new Snapshot({
  ...columnsOf(
    snapshotOf([
      [0x1000n, 0x3000n, 4],
      [0x3000n, 0x4000n, 5],
      [0x5000n, 0x6000n, 6],
    ]),
  ),
  starts: BigUint64Array.of(0x1000n, 0x3000n, 0x2000n),
  ends: BigUint64Array.of(0x3000n, 0x4000n, 0x6000n),
  targets: [
    { tgid: 7, regions: 2 },
    { tgid: 8, regions: 0 },
    { tgid: 9, regions: 1 },
  ],
});

test('processes have regions of their own, which may overlap each other', (t) => {
  t.deepEqual(
    [...PROCESSES].map(({ tgid }) => tgid),
    [7, 7, 9],
  );
  t.false('tgid' in TWO.region(0), 'physical memory is nobody’s');
  const [seven, eight, nine] = [PROCESSES.of(7), PROCESSES.of(8), PROCESSES.of(9)];
  t.deepEqual([...seven], [PROCESSES.region(0), PROCESSES.region(1)]);
  t.is(eight.length, 0);
  t.deepEqual([...nine], [PROCESSES.region(2)]);
  t.is(nine.starts.buffer, PROCESSES.starts.buffer, 'a view, not a copy');
  t.is(nine.of(9).length, 1);
  for (const [other, tgid] of [
    [PROCESSES, 6],
    [TWO, 7],
    [nine, 7],
  ] as const) {
    t.throws(() => other.of(tgid), { code: 'ERR_DAMON_SNAPSHOT_TARGET' });
  }
});

test('a process may have several targets, each a part by itself', (t) => {
  const targets = [7, 8, 7].map((tgid, i) => ({
    tgid,
    regions: PROCESSES.targets[i]?.regions ?? 0,
  }));
  const twice = new Snapshot({ ...PROCESSES, targets });
  t.deepEqual([...twice.of(7)], [...PROCESSES.of(7)]);
  t.deepEqual([...twice.of(7, 0)], [...PROCESSES.of(7)]);
  t.deepEqual([...twice.of(7, 1)], [twice.region(2)]);
  t.is(twice.region(2).tgid, 7);
  for (const which of [2, -1, 0.5]) {
    const error = t.throws(() => twice.of(7, which), { code: 'ERR_DAMON_SNAPSHOT_TARGET' });
    t.like(error, { path: 'which' });
  }
});

test('JSON tells whose regions are whose', (t) => {
  const line = JSON.parse(PROCESSES.toNdjson()) as { regions: { tgid: number }[] };
  t.deepEqual(line, JSON.parse(JSON.stringify(PROCESSES)) as never);
  t.deepEqual(
    line.regions.map(({ tgid }) => tgid),
    [7, 7, 9],
  );
});

test('targets have all regions between them, and each its own in order', (t) => {
  const { starts, ends } = PROCESSES;
  const refused = { code: 'ERR_DAMON_SNAPSHOT_COLUMNS' };
  const wrong = [
    [{ tgid: 7, regions: 2 }],
    [{ tgid: 7, regions: 4 }],
    [{ tgid: 7, regions: 3 }],
    [],
  ];
  for (const targets of wrong) {
    const columns = columnsOf(PROCESSES);
    t.throws(() => new Snapshot({ ...columns, starts, ends, targets }), refused);
  }
});
