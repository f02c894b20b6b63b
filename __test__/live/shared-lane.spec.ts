import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { INDEX, WORD, allocateLane, laneWords, releaseLane } from '../../src/live/shared-lane.ts';
import { SharedProducer } from '../../src/producer/shared-producer.ts';
import { count, holdLane, liveOf, until } from '../support/live.ts';

const CORRUPT = { instanceOf: DamonError, code: 'ERR_DAMON_LANE_CORRUPT' };

const growable = Reflect.construct(SharedArrayBuffer, [512, { maxByteLength: 1024 }]) as object;

const NO_LANES: readonly [path: string, lane: unknown][] = [
  ['lane.buffer', undefined],
  ['lane.buffer', null],
  ['lane.buffer', 5],
  ['lane.buffer', {}],
  ['lane.buffer', { buffer: new ArrayBuffer(512) }],
  ['lane.buffer', { buffer: new Uint8Array(512) }],
  ['lane.buffer', { buffer: Object.create(SharedArrayBuffer.prototype) as unknown }],
  ['lane.buffer.byteLength', { buffer: new SharedArrayBuffer(0) }],
  ['lane.buffer.byteLength', { buffer: new SharedArrayBuffer(256) }],
  ['lane.buffer.byteLength', { buffer: new SharedArrayBuffer(257) }],
  ['lane.buffer.byteLength', { buffer: new SharedArrayBuffer(256 + 3 * 32) }],
  ['lane.buffer.byteLength', { buffer: new SharedArrayBuffer(256 + 131_072 * 32) }],
  ['lane.magic', { buffer: growable }],
  ['lane.magic', allocateLane(8)],
];

test('what is no lane is refused, by what is wrong with it', (t) => {
  for (const [path, lane] of NO_LANES) {
    for (const use of [laneWords, releaseLane, (one: never) => new SharedProducer(one)]) {
      const error = t.throws(() => use(lane as never), CORRUPT) as DamonError;
      t.is(error?.path, path);
      t.truthy(error?.hint);
    }
  }
});

test('each word that a monitor writes first is checked', (t) => {
  using live = liveOf();
  for (const name of ['magic', 'version', 'slots'] as const) {
    const lane = live.sharedLane();
    const words = new Uint32Array(lane.buffer);
    const was = words[WORD[name]] ?? 0;
    for (const wrong of [0, was + 1, 2 ** 32 - 1]) {
      words[WORD[name]] = wrong;
      const error = t.throws(() => laneWords(lane), CORRUPT) as DamonError;
      t.is(error?.path, `lane.${name}`);
    }
  }
});

test('a lane whose producer ended without a word is taken back', async (t) => {
  using live = liveOf({ laneSlots: 8 });
  const lane = live.sharedLane();
  const producer = new SharedProducer(lane);
  producer.report({ address: 0 });
  live.start();
  await until('it was drained', () => count(live, 'drain.drained') === 1);
  t.is(live.lanes.inUse.length, 1);
  live.releaseSharedLane(lane);
  live.releaseSharedLane(lane);
  t.is(producer.report({ address: 0 }), 'closed', 'it lives on after all');
  await until('it is gone', () => live.lanes.inUse.length === 0);
  t.is(live.lanes.retired.queued, 1);
});

test('a lane that is released before anybody takes it is given back', async (t) => {
  using live = liveOf();
  const lane = live.sharedLane();
  releaseLane(lane);
  live.start();
  holdLane(t, live);
  await until('it is gone', () => live.lanes.inUse.length === 1);
  t.is(Atomics.load(new Uint32Array(lane.buffer), WORD.head) & INDEX, 0);
});
