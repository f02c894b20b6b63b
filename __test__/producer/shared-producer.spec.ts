import { spawnSync } from 'node:child_process';

import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import type { LiveKdamond } from '../../src/live/live-kdamond.ts';
import { WORD } from '../../src/live/shared-lane.ts';
import { SharedProducer } from '../../src/producer/shared-producer.ts';
import { balance } from '../../src/report/record.ts';
import { PRODUCER, count, hitsByRange, liveOf, rest } from '../support/live.ts';
import { holds } from '../support/property.ts';
import { MIB } from '../support/small.ts';

const codeOf = (code: string) => ({ instanceOf: DamonError, code });
const CORRUPT = codeOf('ERR_DAMON_LANE_CORRUPT');

/** A monitor's lane, its producer, and its words for whoever wants to write them. */
function laneOf(live: LiveKdamond, slots = 16) {
  const lane = live.sharedLane({ slots });
  return { lane, words: new Uint32Array(lane.buffer), producer: new SharedProducer(lane) };
}

test('every field of a report arrives', async (t) => {
  const address = 0x7f00_0000_0123;
  const regions = [{ start: '0x7f0000000000', end: '0x7f0000100000' }];
  const all = { address: BigInt(address), tid: 70_000, tgid: 7, cpu: 65_535 };
  const single = { ...all, size: 8, write: true, virtual: true };
  const sampleFilters = [
    { type: 'write' },
    { type: 'cpumask', cpus: [65_535] },
    { type: 'threads', tids: [70_000] },
  ] as const;
  const targets = [{ tgid: 7, regions }];
  using live = liveOf({ operations: 'fvaddr', targets, sampleFilters });
  const { producer } = laneOf(live);
  t.is(producer.report(single), 'queued');
  t.is(producer.report({ ...single, timeNs: live.nowNs }), 'queued');
  t.is(producer.report({ ...single, write: false }), 'queued');
  t.is(producer.report({ ...single, cpu: 65_534 }), 'queued');
  t.is(producer.report({ ...single, tid: 70_001 }), 'queued');
  t.is(producer.report({ ...single, tgid: 8 }), 'queued');
  t.is(producer.report({ ...single, virtual: false }), 'queued');
  t.is(producer.report({ ...single, address: 1n }), 'queued');
  await live.stop();
  t.like(live.books.counters['drain'], {
    credited: 2,
    filtered: 3,
    noTarget: 1,
    wrongKind: 1,
    noRegion: 1,
  });
});

test('every column of a batch arrives, and the batch goes round the end of the lane', async (t) => {
  const sampleFilters = [
    { type: 'write' },
    { type: 'cpumask', cpus: '3' },
    { type: 'threads', tids: [5] },
  ] as const;
  using live = liveOf({ sampleFilters });
  const { producer } = laneOf(live, 4);
  live.start();
  const columns = {
    addresses: Float64Array.of(0, 16 * MIB, 2 ** 40, 0),
    size: Uint32Array.of(1, 1, 1, 1),
    cpu: Uint16Array.of(3, 3, 3, 2),
    tid: Uint32Array.of(5, 5, 5, 5),
    tgid: 9,
    write: Uint8Array.of(1, 255, 1, 1),
    timeNs: new BigUint64Array(4).fill(2n ** 63n),
  };
  let queued = 0;
  while (queued < 3 * 4) {
    const wide = { ...columns, addresses: BigUint64Array.from(columns.addresses, BigInt) };
    if (producer.freeSlots < 4) await new Promise((resolve) => setTimeout(resolve, 1));
    else queued += producer.reportBatch(queued === 4 ? wide : columns).queued;
  }
  const snapshots = await rest(live);
  t.deepEqual(hitsByRange(snapshots).map(Math.round), [3, 3, 0, 0]);
  t.like(live.books.counters['drain'], { credited: 6, filtered: 3, noRegion: 3 });
});

test('a full lane drops and counts; a batch is queued as far as it fits', async (t) => {
  using live = liveOf();
  const { producer } = laneOf(live, 4);
  t.is(producer.freeSlots, 4);
  t.is(producer.report({ address: 0 }), 'queued');
  const outcome = { queued: 3, droppedFull: 2, droppedNested: 0, droppedClosed: 0 };
  t.deepEqual(producer.reportBatch({ addresses: new Float64Array(5) }), outcome);
  t.is(producer.freeSlots, 0);
  t.is(producer.report({ address: 0 }), 'full');
  t.like(producer.reportBatch({ addresses: new Float64Array(2) }), { droppedFull: 2 });
  await live.stop();
  t.like(live.books.counters['lanes'], { offered: 9, queued: 4, droppedFull: 5, drained: 4 });
  t.true(balance(live.books).every(({ offBy }) => offBy === 0n));
  t.is(producer.freeSlots, 4);
});

test('late reports are told that the monitor has stopped, and are counted', async (t) => {
  using live = liveOf();
  const { producer } = laneOf(live, 4);
  producer.report({ address: 0 });
  await live.stop();
  t.is(producer.report({ address: 0 }), 'closed');
  const batch = { addresses: new Float64Array(9) };
  t.like(producer.reportBatch(batch), { queued: 0, droppedFull: 0, droppedClosed: 9 });
  t.like(live.books.counters['lanes'], { offered: 11, queued: 1, droppedClosed: 10, drained: 1 });
  t.true(balance(live.books).every(({ offBy }) => offBy === 0n));
});

test('a lane has one producer', (t) => {
  using live = liveOf();
  const { lane, producer } = laneOf(live);
  t.throws(() => new SharedProducer(lane), codeOf('ERR_DAMON_LANE_BUSY'));
  producer.close();
  t.throws(() => new SharedProducer(lane), codeOf('ERR_DAMON_LANE_BUSY'), 'a lane is used once');
});

test('a closed producer takes nothing more; what its lane holds is drained', async (t) => {
  using live = liveOf();
  const { producer } = laneOf(live);
  producer.report({ address: 0 });
  {
    using inner = producer;
    inner.close();
  }
  const closed = codeOf('ERR_DAMON_CLOSED');
  t.throws(() => producer.report({ address: 0 }), closed);
  t.throws(() => producer.reportBatch({ addresses: new Float64Array(1) }), closed);
  t.throws(() => producer.freeSlots, closed);
  await live.stop();
  t.is(count(live, 'drain.credited'), 1);
  t.is(live.lanes.retired.credited, 1, 'the lane was given back');
});

test('a refused report or batch leaves the lane as it was', (t) => {
  using live = liveOf();
  const { producer, words } = laneOf(live);
  const before = words.slice();
  const refused = codeOf('ERR_DAMON_REPORT');
  t.throws(() => producer.report({ address: -1 }), refused);
  t.throws(() => producer.report({ address: 0, size: 0 }), refused);
  t.throws(() => producer.reportBatch({ addresses: Float64Array.of(1, 0.5) }), refused);
  t.throws(
    () => producer.reportBatch({ addresses: Float64Array.of(1), tid: new Uint32Array(2) }),
    refused,
  );
  t.deepEqual(words.slice(0, WORD.firstSlot), before.slice(0, WORD.firstSlot));
});

test('a head or tail that cannot be is refused, not believed', (t) => {
  using live = liveOf();
  for (const tail of [5, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    const { producer, words } = laneOf(live, 1);
    producer.report({ address: 0 });
    words[WORD.tail] = tail;
    t.throws(() => producer.report({ address: 0 }), CORRUPT, `tail ${tail}`);
    t.throws(() => producer.freeSlots, CORRUPT);
  }
  for (const head of [1, 2, 2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 - 1]) {
    const { producer, words } = laneOf(live, 4);
    words[WORD.head] = head;
    t.throws(() => producer.report({ address: 0 }), CORRUPT, `head ${head}`);
    t.throws(() => producer.reportBatch({ addresses: new Float64Array(2) }), CORRUPT);
    const lane = live.sharedLane({ slots: 4 });
    new Uint32Array(lane.buffer)[WORD.head] = head;
    // Heads that a tail of 0 allows are those of a producer before.
    if ((head & 0x7fff_ffff) > 4) t.throws(() => new SharedProducer(lane), CORRUPT);
  }
  const { producer, words } = laneOf(live);
  words[WORD.head] = 2 ** 31;
  t.is(producer.report({ address: 0 }), 'closed', 'this one a monitor writes');
});

test('whatever is scribbled over a lane, a push ends, and within the lane', (t) => {
  using live = liveOf();
  const scribble = fc.tuple(
    fc.constantFrom(0, 1, 2, 16, 17, 18, 19, 20, 32, 33),
    fc.nat(2 ** 32 - 1),
  );
  holds(t, [fc.array(scribble, { maxLength: 8 }), fc.nat(40)], (scribbles, length) => {
    const { producer, words } = laneOf(live, 8);
    for (const [word, value] of scribbles) words[word] = value;
    for (const push of [
      () => producer.report({ address: 1 }),
      () => producer.reportBatch({ addresses: new Float64Array(length) }),
    ]) {
      try {
        push();
      } catch (error) {
        if ((error as DamonError).code !== 'ERR_DAMON_LANE_CORRUPT') return false;
      }
    }
    return true;
  });
});

test('it loads neither the addon nor any dependency', (t) => {
  const code = `
    import { createRequire } from 'node:module';
    const { SharedProducer } = await import('${PRODUCER}');
    const { sharedObjects } = process.report.getReport();
    console.log(typeof SharedProducer, sharedObjects.filter((path) => /node-damon/.test(path)).length);
    console.log(Object.keys(createRequire('${PRODUCER}').cache).length);
  `;
  const args = ['--input-type=module', '--eval', code];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(stdout, 'function 0\n0\n', stderr);
});

test('a producer cannot be posted', (t) => {
  using live = liveOf();
  const { producer, lane } = laneOf(live);
  let said: unknown;
  try {
    structuredClone(producer);
  } catch (error) {
    said = (error as Error).message;
  }
  t.regex(String(said), /post its lane instead/);
  t.true(structuredClone(lane).buffer instanceof SharedArrayBuffer);
});
