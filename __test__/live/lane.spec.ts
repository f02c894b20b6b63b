import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import { Lane } from '../../src/live/lane.ts';
import type { LiveKdamond } from '../../src/live/live-kdamond.ts';
import type { AccessReport, ReportColumns } from '../../src/live/report.ts';
import { balance } from '../../src/report/record.ts';
import { RANGES, count, hitsByRange, liveOf, rest } from '../support/live.ts';
import { MIB } from '../support/small.ts';

const codeOf = (code: string) => ({ instanceOf: DamonError, code });

/** What each range should be hit, and how often none is. */
function expected(addresses: readonly number[]): { hits: number[]; outside: number } {
  const within = (address: number) =>
    RANGES.findIndex(({ start, end }) => start <= address && address < end);
  return {
    hits: RANGES.map((_, i) => addresses.filter((address) => within(address) === i).length),
    outside: addresses.filter((address) => within(address) === -1).length,
  };
}

async function creditedAsExpected(
  t: ExecutionContext,
  live: LiveKdamond,
  addresses: readonly number[],
): Promise<void> {
  const { hits, outside } = expected(addresses);
  const seen = hitsByRange(await rest(live));
  // Regions are cut and joined: their hits are sums of shares.
  seen.forEach((sum, i) => t.true(Math.abs(sum - (hits[i] ?? NaN)) < 1e-6, `${seen}, ${hits}`));
  t.is(count(live, 'drain.noRegion'), outside);
  t.is(count(live, 'lanes.offered'), addresses.length);
  for (const { equation, offBy } of balance(live.books)) t.is(offBy, 0n, equation.name);
}

const addressesIn = fc.array(fc.integer({ min: 0, max: 64 * MIB }), { maxLength: 256 });

for (const started of [false, true]) {
  const when = started ? 'a running monitor' : 'a monitor that was never started';
  test(`each report to ${when} is credited to the region it lies in`, async (t) => {
    for (const addresses of fc.sample(addressesIn, 10)) {
      using live = liveOf();
      if (started) live.start();
      using lane = live.lane();
      for (const address of addresses) t.is(lane.report({ address }), 'queued');
      await creditedAsExpected(t, live, addresses);
    }
  });

  test(`each report of a batch to ${when} is credited to the region it lies in`, async (t) => {
    for (const addresses of fc.sample(addressesIn, 10)) {
      for (const column of [Float64Array.from(addresses), BigUint64Array.from(addresses, BigInt)]) {
        using live = liveOf();
        if (started) live.start();
        using lane = live.lane();
        t.is(lane.reportBatch({ addresses: column }).queued, addresses.length);
        await creditedAsExpected(t, live, addresses);
      }
    }
  });
}

test('a report that is too old is stale, one without a time never', async (t) => {
  using live = liveOf();
  using lane = live.start().lane();
  lane.report({ address: 0, timeNs: 0n });
  lane.report({ address: 0 });
  lane.reportBatch({ addresses: Float64Array.of(0, 0), timeNs: 1n });
  lane.reportBatch({ addresses: Float64Array.of(0, 0), timeNs: 2n ** 64n - 1n });
  lane.reportBatch({ addresses: Float64Array.of(0, 0), timeNs: BigUint64Array.of(0n, live.nowNs) });
  await live.stop();
  t.is(count(live, 'drain.stale') + count(live, 'drain.credited'), 8);
  t.assert(count(live, 'drain.stale') >= 4);
  t.assert(count(live, 'drain.credited') >= 3);
});

test('a full lane drops and counts; a batch is queued as far as it fits', async (t) => {
  using live = liveOf({ laneSlots: 4 });
  using lane = live.lane();
  t.is(lane.freeSlots, 4);
  t.is(lane.report({ address: 0 }), 'queued');
  t.is(lane.freeSlots, 3);
  const outcome = { queued: 3, droppedFull: 2, droppedNested: 0, droppedClosed: 0 };
  t.deepEqual(lane.reportBatch({ addresses: new Float64Array(5) }), outcome);
  t.is(lane.report({ address: 0 }), 'full');
  await live.stop();
  t.like(live.books.counters['lanes'], { offered: 7, queued: 4, droppedFull: 3, drained: 4 });
  t.is(lane.freeSlots, 4);
});

test('a refused report or batch leaves the lane as it was', (t) => {
  using live = liveOf();
  using lane = live.lane();
  const wrong: readonly [path: string, report: unknown][] = [
    ['address', { address: -1 }],
    ['address', { address: 2 ** 60 }],
    ['address', { address: 1.5 }],
    ['cpu', { address: 1, cpu: 65_536 }],
    ['timeNs', { address: 1, timeNs: 1 }],
  ];
  for (const [path, report] of wrong) {
    const error = t.throws(
      () => lane.report(report as AccessReport),
      codeOf('ERR_DAMON_REPORT'),
    ) as DamonError;
    t.is(error?.path, path);
  }
  const addresses = Float64Array.of(1, 2, 3);
  const wrongColumns: readonly [path: string, columns: unknown][] = [
    ['addresses', { addresses: [1] }],
    ['addresses[1]', { addresses: Float64Array.of(1, -1) }],
    ['addresses[0]', { addresses: Float64Array.of(0.5) }],
    ['addresses[2]', { addresses: Float64Array.of(1, 2, NaN) }],
    ['addresses[0]', { addresses: Float64Array.of(2 ** 53) }],
    ['size[1]', { addresses, size: Uint32Array.of(1, 0, 1) }],
    ['tid.length', { addresses, tid: Uint32Array.of(1) }],
    ['write.length', { addresses, write: new Uint8Array(4) }],
    ['size', { addresses, size: 2 ** 32 }],
    ['timeNs', { addresses, timeNs: 2n ** 64n }],
  ];
  for (const [path, columns] of wrongColumns) {
    const error = t.throws(
      () => lane.reportBatch(columns as ReportColumns),
      codeOf('ERR_DAMON_REPORT'),
    ) as DamonError;
    t.is(error?.path, path);
  }
  t.is(count(live, 'lanes.offered'), 0);
  t.is(lane.freeSlots, live.config.laneSlots);
});

test('a batch of nothing is a batch', (t) => {
  using live = liveOf();
  using lane = live.lane();
  const none = { queued: 0, droppedFull: 0, droppedNested: 0, droppedClosed: 0 };
  t.deepEqual(lane.reportBatch({ addresses: new Float64Array(0) }), none);
  t.deepEqual(
    lane.reportBatch({ addresses: new BigUint64Array(0), size: new Uint32Array(0) }),
    none,
  );
});

test('columns may lie anywhere: in one buffer, at an offset, in shared memory', async (t) => {
  using live = liveOf();
  using lane = live.lane();
  const buffer = new ArrayBuffer(64);
  const addresses = new BigUint64Array(buffer, 8, 3);
  addresses.set([1n, 2n, BigInt(16 * MIB)]);
  const tid = new Uint32Array(buffer, 36, 3);
  t.is(lane.reportBatch({ addresses, tid }).queued, 3);
  const shared = new Float64Array(new SharedArrayBuffer(32));
  shared.set([1, 2, 3, 32 * MIB]);
  t.is(lane.reportBatch({ addresses: shared.subarray(1) }).queued, 3);
  t.deepEqual(hitsByRange(await rest(live)).map(Math.round), [4, 1, 1, 0]);
});

test('a closed lane takes nothing more; what it holds is drained', async (t) => {
  using live = liveOf();
  const lane = live.lane();
  lane.report({ address: 0 });
  lane.close();
  lane.close();
  t.throws(() => lane.report({ address: 0 }), codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => lane.reportBatch({ addresses: new Float64Array(1) }), codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => lane.freeSlots, codeOf('ERR_DAMON_CLOSED'));
  await live.stop();
  t.is(count(live, 'drain.credited'), 1);
});

test('late reports are told that the monitor has stopped, and are counted', async (t) => {
  using live = liveOf();
  using lane = live.start().lane();
  lane.report({ address: 0 });
  await live.stop();
  t.is(lane.report({ address: 0 }), 'closed');
  const late = { queued: 0, droppedFull: 0, droppedNested: 0, droppedClosed: 3 };
  t.deepEqual(lane.reportBatch({ addresses: new Float64Array(3) }), late);
  t.like(live.books.counters['lanes'], { offered: 5, queued: 1, droppedClosed: 4, drained: 1 });
  for (const { equation, offBy } of balance(live.books)) t.is(offBy, 0n, equation.name);
});

test('a lane outlives its monitor and says so', (t) => {
  const live = liveOf().start();
  const lane = live.lane();
  live.close();
  t.is(lane.report({ address: 0 }), 'closed');
  t.notThrows(() => lane.close());
});

test('there is no lane of a monitor that has stopped, is closed, or never was', async (t) => {
  const live = liveOf();
  await live.stop();
  t.throws(() => Lane.attach(live.token), codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => live.lane(), codeOf('ERR_DAMON_CLOSED'));
  live.close();
  t.throws(() => Lane.attach(live.token), codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => live.lane(), codeOf('ERR_DAMON_CLOSED'));
  const unknown = { code: 'ERR_DAMON_CLOSED', message: /^No monitor of this token is open/ };
  t.throws(() => Lane.attach('damon-0123456789abcdef'), unknown);
  for (const token of ['', 'damon-', 'x', 5, null, undefined, {}]) {
    const error = t.throws(() => Lane.attach(token as string), codeOf('ERR_DAMON_TOKEN'));
    t.like(error, { path: 'token', received: token });
  }
});

test('each lane has a number of its own and counters of its own', (t) => {
  using live = liveOf();
  using first = live.lane();
  using second = Lane.attach(live.token);
  t.not(first.id, second.id);
  first.report({ address: 0 });
  second.reportBatch({ addresses: new Float64Array(2) });
  t.is(count(live, 'lanes.offered'), 3, 'also of lanes that no drain has seen');
});

test('what became of the reports of each lane adds up to what became of all', async (t) => {
  using live = liveOf();
  const lanes = [live.lane(), live.lane(), live.lane()];
  // Lane i: 2 in a region, 10 * (i + 1) in none, one too old.
  for (const [i, lane] of lanes.entries()) {
    lane.reportBatch({ addresses: Float64Array.of(0, 16 * MIB) });
    lane.reportBatch({ addresses: new Float64Array(10 * (i + 1)).fill(8 * MIB) });
    lane.report({ address: 0, timeNs: 0n });
  }
  await live.stop();
  const readings = live.lanes.inUse;
  for (const [i, { counters }] of readings.entries()) {
    const noRegion = 10 * (i + 1);
    t.like(counters, { drained: noRegion + 3, credited: 2, noRegion, stale: 1 });
  }
  lanes[0]?.close();
  const causes = ['stale', 'filtered', 'wrongKind', 'noTarget', 'noRegion', 'straddling'] as const;
  const all = [...live.lanes.inUse.map(({ counters }) => counters), live.lanes.retired];
  for (const cause of [...causes, 'drained', 'credited'] as const) {
    const sum = all.reduce((total, counters) => total + counters[cause], 0);
    t.is(sum, count(live, `drain.${cause}`), cause);
  }
});

test('what stays on its thread cannot be posted, and says what to do instead', (t) => {
  using live = liveOf();
  using lane = live.lane();
  for (const object of [live, lane]) {
    // A DOMException, which ava does not take for an error.
    let said: unknown;
    try {
      structuredClone(object);
    } catch (error) {
      said = (error as Error).message;
    }
    t.regex(String(said), /stays on its thread: post .* Lane\.attach\(token\) there/);
  }
});
