import test from 'ava';

import type { MonitorBooks } from '../../native/binding.cjs';
import { toBooks } from '../../src/monitor/books.ts';
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
};
const LANES = {
  offered: 10,
  queued: 7,
  droppedFull: 2,
  droppedNested: 1,
  pending: 2,
  occupancyMax: 4,
};
const DRAIN = { drained: 5, credited: 1, stale: 1, wrongKind: 1, noRegion: 1, straddling: 1 };
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
  samplesTotal: 30,
  samplesFiltered: 20,
  reported: 10,
  migratedPages: 1,
  failedPages: 0,
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
  const { occupancyMax: _most, ...laneCounters } = LANES;
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
  for (const name of ['samplesTotal', 'samplesFiltered', 'reported'] as const) {
    const sampler = { ...SAMPLER, [name]: SAMPLER[name] + 1 };
    t.not(broken({ ...emulation, sampler }).length, 0, name);
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
