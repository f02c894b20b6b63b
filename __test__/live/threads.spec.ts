import test from 'ava';

import type { SharedLane } from '../../src/live/shared-lane.ts';
import { balance } from '../../src/report/record.ts';
import {
  count,
  exitOf,
  hitsByRange,
  liveOf,
  message,
  rest,
  until,
  workerOf,
} from '../support/live.ts';

const balanced = (live: ReturnType<typeof liveOf>) =>
  balance(live.books).every(({ offBy }) => offBy === 0n);

test('each worker attaches and owns a lane; all reports arrive', async (t) => {
  using live = liveOf({ laneSlots: 1024 }).start();
  const exits = [0, 1, 2, 3].map((i) => {
    const body = `
      const { Lane } = await damon();
      const lane = Lane.attach(workerData.token);
      for (let i = 0; i < 500; i++) lane.report({ address: workerData.address });
      lane.reportBatch({ addresses: new Float64Array(500).fill(workerData.address) });
      lane.close();
    `;
    return exitOf(workerOf(body, { token: live.token, address: i * 16 * 2 ** 20 }));
  });
  t.deepEqual(await Promise.all(exits), [0, 0, 0, 0]);
  const snapshots = await rest(live);
  const lanes = live.books.counters['lanes'] as Record<string, number>;
  t.is(lanes['offered'], 4_000);
  const hits = hitsByRange(snapshots).reduce((sum, one) => sum + one, 0);
  t.is(Math.round(hits), lanes['queued'] ?? NaN);
  t.true(balanced(live));
});

test('a token of another process, or of a closed monitor, is refused in a worker too', async (t) => {
  const live = liveOf();
  live.close();
  const body = `
    const { Lane } = await damon();
    try { Lane.attach(workerData); } catch (error) { parentPort.postMessage(error.code); }
  `;
  t.is(await message(workerOf(body, live.token)), 'ERR_DAMON_CLOSED');
});

test('lanes of workers that end, or are ended, are given back', async (t) => {
  using live = liveOf().start();
  const body = `
    const { Lane } = await damon();
    const lane = Lane.attach(workerData);
    const outcomes = new Set();
    for (let i = 0; i < 100; i++) outcomes.add(lane.report({ address: 0 }));
    parentPort.postMessage([...outcomes]);
    setInterval(() => {}, 1000);
  `;
  const rounds = 4;
  for (let round = 0; round < rounds; round++) {
    const workers = Array.from({ length: 8 }, () => workerOf(body, live.token));
    const outcomes = await Promise.all(workers.map(message));
    for (const outcome of outcomes) t.deepEqual(outcome, ['queued']);
    await Promise.all(workers.map((worker) => worker.terminate()));
    await until('all lanes are back', () => live.lanes.inUse.length === 0);
  }
  t.is(live.lanes.retired.queued, rounds * 8 * 100);
  await live.stop();
  t.is(count(live, 'drain.drained'), rounds * 8 * 100);
  t.true(balanced(live));
});

test('a worker with a shared lane, and no addon, reports', async (t) => {
  using live = liveOf({ laneSlots: 4096 }).start();
  const body = `
    const lane = new producer.SharedProducer(workerData);
    lane.report({ address: 0 });
    lane.reportBatch({ addresses: new Float64Array(99) });
    lane.close();
  `;
  const worker = workerOf(body, live.sharedLane());
  t.is(await exitOf(worker), 0);
  await until('the lane is back', () => live.lanes.retired.queued === 100);
  t.deepEqual(hitsByRange(await rest(live)).map(Math.round), [100, 0, 0, 0]);
});

/** Pushes singly and in batches for ever; tells when it has begun. */
const PUSHING = `
  const lane = new producer.SharedProducer(workerData.lane ?? workerData);
  const addresses = new Float64Array(7);
  lane.report({ address: 0 });
  parentPort.postMessage('begun');
  for (;;) {
    lane.report({ address: 0, size: 1 });
    lane.reportBatch({ addresses });
  }
`;

test('a worker terminated in the middle of a push loses what it had not published', async (t) => {
  using live = liveOf({ laneSlots: 16 }).start();
  for (let round = 0; round < 6; round++) {
    const lane = live.sharedLane();
    const worker = workerOf(PUSHING, lane);
    await message(worker);
    const seen = count(live, 'drain.drained');
    await until('more was drained', () => count(live, 'drain.drained') > seen);
    await worker.terminate();
    live.releaseSharedLane(lane);
    await until('the lane is back', () => live.lanes.inUse.length === 0);
    t.is(live.lanes.retired.pending, 0);
    t.is(live.lanes.retired.corrupt, 0);
    t.true(balanced(live));
  }
  // All that was drained was whole: addresses of the first page, of one byte.
  const drain = live.books.counters['drain'] as Record<string, number>;
  t.is(drain['credited'], drain['drained']);
});

test('the monitor stops under workers that push: nothing is lost uncounted', async (t) => {
  using live = liveOf({ laneSlots: 64 }).start();
  const lanes = [live.sharedLane(), live.sharedLane()];
  const workers = lanes.map((lane) => workerOf(PUSHING, lane));
  const native = workerOf(
    `
      const { Lane } = await damon();
      const lane = Lane.attach(workerData);
      lane.report({ address: 0 });
      parentPort.postMessage('begun');
      for (;;) lane.report({ address: 0 });
    `,
    live.token,
  );
  await Promise.all([...workers, native].map(message));
  await until('much was drained', () => count(live, 'drain.drained') > 1_000);
  await live.stop();
  const drained = count(live, 'drain.drained');
  await until('late reports were counted', () => count(live, 'lanes.droppedClosed') > 1_000);
  t.is(count(live, 'lanes.pending'), 0);
  t.is(count(live, 'drain.drained'), drained);
  t.true(balanced(live));
  await Promise.all([...workers, native].map((worker) => worker.terminate()));
});

test('the monitor closes under workers that push: nothing crashes', async (t) => {
  for (let round = 0; round < 4; round++) {
    const live = liveOf({ laneSlots: 64 }).start();
    const worker = workerOf(PUSHING, live.sharedLane());
    await message(worker);
    live.close();
    await worker.terminate();
  }
  t.pass();
});

test('a hostile thread writes a lane full of nonsense: the monitor goes on', async (t) => {
  using live = liveOf({ laneSlots: 16 }).start();
  using honest = live.lane();
  const lane = live.sharedLane();
  const body = `
    const words = new Uint32Array(workerData.buffer);
    let random = 1;
    parentPort.postMessage('begun');
    for (;;) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      words[random % words.length] = random;
      // Above all the words that both sides use.
      words[[16, 17, 18, 19, 20, 32][random % 6]] = (Math.imul(random, 48271) >>> 0) % 64;
    }
  `;
  const worker = workerOf(body, lane satisfies SharedLane);
  await message(worker);
  for (let i = 0; i < 50; i++) {
    const observed = count(live, 'intervals.observed');
    t.is(honest.report({ address: 16 * 2 ** 20 }), 'queued');
    await until('it goes on', () => count(live, 'intervals.observed') > observed);
  }
  const snapshots = await rest(live);
  await worker.terminate();
  t.is(live.state, 'stopped');
  t.assert((hitsByRange(snapshots)[1] ?? 0) >= 49);
});

test('a worker that is terminated takes its running monitors with it', async (t) => {
  const body = `
    const { LiveKdamond } = await damon();
    const open = () => new LiveKdamond({ regions: [{ start: 0, end: 4096 }], attrs: { sampleUs: 100 } });
    globalThis.kept = Array.from({ length: 4 }, () => open().start().ref());
    globalThis.lanes = kept.map((live) => live.lane());
    globalThis.shared = kept.map((live) => new producer.SharedProducer(live.sharedLane()));
    parentPort.postMessage(kept.map(({ token }) => token));
    for (;;) for (const lane of [...lanes, ...shared]) lane.report({ address: 0 });
  `;
  using live = liveOf();
  for (let round = 0; round < 3; round++) {
    const workers = Array.from({ length: 4 }, () => workerOf(body));
    const tokens = (await Promise.all(workers.map(message))).flat();
    t.is(new Set(tokens).size, 16);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  t.notThrows(() => live.lane().close());
});
