import test from 'ava';
import { expectTypeOf } from 'expect-type';

import type {
  DrainBooks,
  IntervalBooks,
  LaneBooks,
  AccessCheckBooks,
  MachineBooks,
  MonitorBooks,
  PolicyBooks,
  QuestionBooks,
  QueueBooks,
  RowBooks,
  SamplerBooks,
  SchemeBooks,
} from '../../native/binding.cjs';
import { lateQuantileNs, toBooks, toLiveBooks } from '../../src/monitor/books.ts';
import type * as counters from '../../src/report/counters.ts';
import { balance } from '../../src/report/record.ts';
import { schemeSchema } from '../../src/scheme/scheme.ts';
import { resolve } from '../../src/validate.ts';

const SCHEME = {
  nrTried: 1,
  szTried: 2,
  nrApplied: 3,
  szApplied: 4,
  qtExceeds: 5,
  nrSnapshots: 6,
  effectiveSzBytes: 7,
  szOpsFilterPassed: 8,
  chargedSzBytes: 9,
  totalChargedSzBytes: 10,
  totalChargedNs: 11,
};
const LANES = {
  offered: 15,
  queued: 9,
  droppedFull: 2,
  droppedNested: 1,
  droppedClosed: 3,
  corrupt: 1,
  drained: 7,
  pending: 2,
  occupancyMax: 4,
};
const DRAIN = {
  drained: 7,
  credited: 1,
  stale: 1,
  filtered: 1,
  wrongKind: 1,
  noTarget: 1,
  noRegion: 1,
  straddling: 1,
};
const ROWS = {
  read: 15,
  accepted: 10,
  malformed: 1,
  timeBackwards: 1,
  timeGap: 1,
  cpuBeyondLanes: 1,
  addressOutOfRange: 1,
  bytesRead: 99,
  bytesTotal: 100,
};
const SAMPLER = {
  selected: 42,
  discarded: 8,
  lost: 4,
  samplesTotal: 30,
  samplesFiltered: 15,
  reported: 15,
  throttles: 1,
  overheadNs: 38_100,
};
const MONITOR = { lanes: LANES, drain: DRAIN, schemes: [] };

/** Names of the equations that a change of one counter breaks. */
function broken(books: MonitorBooks): string[] {
  return balance(toBooks(books, []))
    .filter(({ offBy }) => offBy !== 0n)
    .map(({ equation }) => equation.name);
}

test('every counter of rows, lanes and drain stands in an equation that notices it', (t) => {
  const recording: MonitorBooks = { ...MONITOR, rows: ROWS };
  t.deepEqual(broken(recording), []);
  const { bytesRead: _read, bytesTotal: _total, ...rowCounters } = ROWS;
  // Not counts of reports.
  const { occupancyMax: _most, corrupt: _corrupt, ...laneCounters } = LANES;
  const groups = { rows: rowCounters, lanes: laneCounters, drain: DRAIN };
  for (const [group, counters] of Object.entries(groups)) {
    for (const [name, count] of Object.entries(counters)) {
      const changed = { ...recording[group as keyof MonitorBooks], [name]: count + 1 };
      t.not(broken({ ...recording, [group]: changed }).length, 0, `${group}.${name}`);
    }
  }
});

test('every sample of an emulation stands in an equation that notices it', (t) => {
  const emulation: MonitorBooks = { ...MONITOR, sampler: SAMPLER };
  t.deepEqual(broken(emulation), []);
  // Not samples: stops of the event, and time.
  const { throttles: _stops, overheadNs: _time, ...samples } = SAMPLER;
  for (const name of Object.keys(samples) as (keyof typeof samples)[]) {
    const sampler = { ...SAMPLER, [name]: SAMPLER[name] + 1 };
    t.not(broken({ ...emulation, sampler }).length, 0, name);
  }
});

test('samples told apart by source add up to all of them', (t) => {
  const sources = { none: 11, l1: 9, l2: 1, l3: 2, memory: [3, 2], store: 2 };
  const emulation: MonitorBooks = { ...MONITOR, sampler: SAMPLER, sources };
  t.deepEqual(broken(emulation), []);
  t.like(toBooks(emulation, []).counters['sources'], { memory: 5, memoryOfNode1: 2 });
  for (const name of ['none', 'l1', 'l2', 'l3', 'store'] as const) {
    const changed = { ...sources, [name]: sources[name] + 1 };
    t.not(broken({ ...emulation, sources: changed }).length, 0, name);
  }
  const elsewhere = { ...sources, memory: [3, 3] };
  t.not(broken({ ...emulation, sources: elsewhere }).length, 0);
});

test('every page of a machine stands in an equation that notices it', (t) => {
  const machine = {
    askedPages: 15,
    migratedPages: 1,
    therePages: 2,
    busyPages: 3,
    fullPages: 4,
    nowherePages: 5,
    pagedOutPages: 9,
    returnedPages: 7,
    outPages: 2,
    faultsWithoutRoom: 3,
    waitedNs: 8,
  };
  t.deepEqual(broken({ ...MONITOR, machine }), []);
  // Not pages: the same fault may be tried again and again; and what it takes to wait for them.
  const { faultsWithoutRoom: _tries, waitedNs: _time, ...pages } = machine;
  for (const [name, count] of Object.entries(pages)) {
    const changed = { ...machine, [name]: count + 1 };
    t.not(broken({ ...MONITOR, machine: changed }).length, 0, name);
  }
});

test('a source has its own counters only, without how far a file is read', (t) => {
  const { counters } = toBooks({ ...MONITOR, rows: ROWS }, []);
  t.deepEqual(Object.keys(counters), ['rows', 'lanes', 'drain', 'schemes']);
  t.false('bytesRead' in (counters['rows'] as object));
  t.deepEqual(Object.keys(toBooks({ ...MONITOR, sampler: SAMPLER }, []).counters)[0], 'sampler');
});

test('schemes of one name keep counters of their own', (t) => {
  const schemes = ['a.b', 'a.b'].map((name) =>
    resolve(schemeSchema, { action: 'stat', name }, 'ERR'),
  );
  const { counters } = toBooks({ ...MONITOR, rows: ROWS, schemes: [SCHEME, SCHEME] }, schemes);
  // A dot would divide a path in an equation.
  t.deepEqual(counters['schemes'], { '0 a b': SCHEME, '1 a b': SCHEME });
});

test('a live monitor adds its intervals and snapshots, which balance', (t) => {
  const live = {
    monitor: MONITOR,
    byLane: [],
    retiredLanes: {
      lane: LANES,
      stale: 0,
      filtered: 0,
      wrongKind: 0,
      noTarget: 0,
      noRegion: 0,
      straddling: 0,
      credited: LANES.drained,
    },
    intervals: { observed: 9, unobserved: 1, lateMaxNs: 900, lateNsByPowerOfTwo: [8, 0, 1] },
    snapshots: { offered: 6, taken: 3, dropped: 2, waiting: 1 },
  };
  const books = toLiveBooks(live, []);
  t.deepEqual(Object.keys(books.counters), ['lanes', 'drain', 'intervals', 'snapshots', 'schemes']);
  t.deepEqual(books.counters['intervals'], {
    observed: 9,
    unobserved: 1,
    lateP50Ns: 2,
    lateP99Ns: 8,
    lateMaxNs: 900,
  });
  // Each counter of the addon's has a documented name, and no other has.
  expectTypeOf<keyof LaneBooks>().toEqualTypeOf<keyof counters.LanesCounters>();
  expectTypeOf<keyof DrainBooks>().toEqualTypeOf<keyof counters.DrainCounters>();
  expectTypeOf<keyof SchemeBooks>().toEqualTypeOf<keyof counters.SchemeCounters>();
  expectTypeOf<keyof SamplerBooks>().toEqualTypeOf<keyof counters.SamplerCounters>();
  expectTypeOf<keyof AccessCheckBooks>().toEqualTypeOf<keyof counters.AccessCheckCounters>();
  expectTypeOf<keyof MachineBooks>().toEqualTypeOf<keyof counters.MachineCounters>();
  expectTypeOf<keyof PolicyBooks>().toEqualTypeOf<keyof counters.PolicyCounters>();
  expectTypeOf<keyof QueueBooks>().toEqualTypeOf<keyof counters.SnapshotCounters>();
  expectTypeOf<Exclude<keyof RowBooks, 'bytesRead' | 'bytesTotal'>>().toEqualTypeOf<
    keyof counters.RowCounters
  >();
  expectTypeOf<Exclude<keyof QuestionBooks, 'unobserved'>>().toEqualTypeOf<
    keyof counters.QuestionCounters
  >();
  expectTypeOf<
    Exclude<keyof IntervalBooks, 'lateNsByPowerOfTwo'> | 'lateP50Ns' | 'lateP99Ns'
  >().toEqualTypeOf<keyof counters.IntervalCounters>();
  t.true(balance(books).every(({ offBy }) => offBy === 0n));
  for (const name of ['offered', 'taken', 'dropped', 'waiting'] as const) {
    const snapshots = { ...live.snapshots, [name]: 99 };
    const changed = balance(toLiveBooks({ ...live, snapshots }, []));
    t.true(
      changed.some(({ offBy }) => offBy !== 0n),
      name,
    );
  }
});

test('a quantile of lateness is an upper bound within a factor of two', (t) => {
  const buckets = Array.from({ length: 32 }, () => 0);
  t.is(lateQuantileNs(buckets, 0.99, 0), 0, 'nothing was late');
  buckets[10] = 99;
  buckets[20] = 1;
  t.is(lateQuantileNs(buckets, 0.5, 2e6), 2 ** 11);
  t.is(lateQuantileNs(buckets, 0.99, 2e6), 2 ** 11);
  t.is(lateQuantileNs(buckets, 0.995, 2e6), 2e6, 'never more than the latest');
});
