import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import type { Tuning } from '../../src/goal/control.ts';
import type { LiveKdamond } from '../../src/live/live-kdamond.ts';
import type { LiveKdamondOptions } from '../../src/live/live-kdamond-options.ts';
import { Heatmap } from '../../src/report/heatmap.ts';
import { hotRanges } from '../../src/report/hot-ranges.ts';
import { balance } from '../../src/report/record.ts';
import { type Snapshot, type SnapshotColumns, columnsFor } from '../../src/report/snapshot.ts';
import { RANGES, count, hitsByRange, holdLane, liveOf, rest, until } from '../support/live.ts';
import { MIB, collect, hitsOf } from '../support/small.ts';

const codeOf = (code: string) => ({ instanceOf: DamonError, code });
const CLOSED = codeOf('ERR_DAMON_CLOSED');

/** Snapshots as fast as they come. */
function quick(more: LiveKdamondOptions = {}): LiveKdamond {
  return liveOf({ attrs: { sampleUs: '1 ms', aggregationUs: '2 ms' }, everyMs: 0, ...more });
}

function balanced(live: LiveKdamond): boolean {
  return balance(live.books).every(({ offBy }) => offBy === 0n);
}

test('a monitor goes from ready over running and stopped to closed', async (t) => {
  const live = liveOf();
  t.is(live.state, 'ready');
  t.is(live.start(), live);
  t.is(live.state, 'running');
  t.is(live.start(), live, 'it runs already');
  await live.stop();
  t.is(live.state, 'stopped');
  t.throws(() => live.start(), CLOSED, 'a monitor runs once');
  live.close();
  t.is(live.state, 'closed');
  t.throws(() => live.start(), CLOSED);
});

test('stopping twice, before the start, or after the end is stopping', async (t) => {
  const never = liveOf();
  const both = [never.stop(), never.stop()];
  t.is(never.state, 'stopped', 'there is no thread to wait for');
  await Promise.all(both);
  never.close();
  await never.stop();
  const live = liveOf().start();
  await Promise.all([live.stop(), live.stop()]);
  await live.stop();
  t.is(live.state, 'stopped');
  live.close();
});

test('closing while a stop is awaited ends the wait', async (t) => {
  const live = liveOf().start();
  const stopped = live.stop();
  live.close();
  await t.notThrowsAsync(stopped);
});

test('closing twice is closing once, and nothing goes on after that', async (t) => {
  const live = liveOf().start();
  live.close();
  live.close();
  t.throws(() => live.books, CLOSED);
  t.throws(() => live.lanes, CLOSED);
  t.throws(() => live.nowNs, CLOSED);
  t.throws(() => live.lane(), CLOSED);
  t.throws(() => live.sharedLane(), CLOSED);
  await t.throwsAsync(collect(live), CLOSED);
  t.regex(live.token, /^damon-[0-9a-f]{16}$/);
});

test('`using` closes, and `await using` stops before', async (t) => {
  const first = liveOf().start();
  {
    using inner = first;
    t.is(inner.state, 'running');
  }
  t.is(first.state, 'closed');
  const second = liveOf();
  {
    await using inner = second;
    inner.start();
  }
  t.is(second.state, 'closed');
});

test('the clock is the one of process.hrtime', (t) => {
  using live = liveOf();
  const before = process.hrtime.bigint();
  const { nowNs } = live;
  t.true(before <= nowNs && nowNs <= process.hrtime.bigint());
});

test('snapshots follow each other without a gap, and every report is in one of them', async (t) => {
  using live = quick({ highWaterMark: 1_000 });
  using lane = live.start().lane();
  const snapshots: Snapshot[] = [];
  for await (const snapshot of live) {
    snapshots.push(snapshot);
    lane.report({ address: 5 });
    if (snapshots.length === 20) void live.stop();
  }
  t.is(live.state, 'stopped');
  const aggregation = BigInt(live.config.attrs.aggregationUs) * 1_000n;
  for (const [i, { timeNs, intervalNs, aggregationNs }] of snapshots.entries()) {
    if (i > 0) t.true(timeNs - intervalNs === snapshots[i - 1]?.timeNs);
    t.is(aggregationNs, aggregation);
  }
  t.assert(Math.abs(hitsOf(snapshots) - count(live, 'drain.credited')) < 1e-6);
  t.assert(count(live, 'drain.credited') >= 20);
  t.true(balanced(live));
});

test('the last snapshot is what the last drain saw, and then there is no more', async (t) => {
  using live = liveOf();
  using lane = live.start().lane();
  lane.reportBatch({ addresses: Float64Array.of(0, 0, 16 * MIB) });
  const snapshots = await rest(live);
  t.is(snapshots.length, 1);
  t.deepEqual(hitsByRange(snapshots).map(Math.round), [2, 1, 0, 0]);
  t.deepEqual(await collect(live), []);
});

test('a reader who waits is told of the stop', async (t) => {
  using live = liveOf().start();
  const reading = collect(live);
  await live.stop();
  t.is((await reading).length, 1);
});

test('one reader at a time: another is refused and the first goes on', async (t) => {
  using live = quick().start();
  holdLane(t, live);
  const first = live.snapshots();
  await first.next();
  await t.throwsAsync(live.snapshots().next(), codeOf('ERR_DAMON_BUSY'));
  t.false((await first.next()).done);
  await first.return();
  const again = live.snapshots();
  t.false((await again.next()).done);
  await again.return();
});

test('leaving the loop leaves the monitor running, and the next loop goes on', async (t) => {
  using live = quick({ highWaterMark: 1_000 }).start();
  holdLane(t, live);
  const times: bigint[] = [];
  for (let loop = 0; loop < 3; loop++) {
    for await (const { timeNs, intervalNs } of live) {
      const previous = times.at(-1);
      if (previous !== undefined) t.is(timeNs - intervalNs, previous, 'none was lost in between');
      times.push(timeNs);
      if (times.length % 3 === 0) break;
    }
    t.is(live.state, 'running');
  }
  t.is(times.length, 9);
});

test('a signal ends the reading with its reason and nothing else', async (t) => {
  using live = liveOf().start();
  const reason = new RangeError('enough');
  const before = live.snapshots({ signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(before.next(), { any: true }), reason);

  const controller = new AbortController();
  const waiting = collect(live.snapshots({ signal: controller.signal }));
  setTimeout(() => controller.abort(reason), 5);
  t.is(await t.throwsAsync(waiting, { any: true }), reason);
  t.is(live.state, 'running');

  const after = new AbortController();
  const reading = live.snapshots({ signal: after.signal });
  const last = collect(reading);
  await live.stop();
  t.is((await last).length, 1);
  after.abort();
  t.true((await reading.next()).done);
});

test('a signal that has done its work is let go', async (t) => {
  using live = quick().start();
  holdLane(t, live);
  const { signal } = new AbortController();
  const listeners = { added: 0, removed: 0 };
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.added += 1;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.removed += 1;
    remove.apply(signal, args);
  };
  for await (const _ of live.snapshots({ signal })) break;
  await live.stop();
  await collect(live.snapshots({ signal }));
  t.deepEqual(listeners, { added: 2, removed: 2 });
});

test('closing ends a reader with an error, wherever it is done', async (t) => {
  const waiting = liveOf().start();
  const reading = collect(waiting);
  setTimeout(() => waiting.close(), 5);
  await t.throwsAsync(reading, CLOSED);

  const looping = quick().start();
  holdLane(t, looping);
  const loop = async () => {
    for await (const _ of looping) looping.close();
  };
  await t.throwsAsync(loop(), CLOSED);

  const tuned = steered().start();
  holdLane(t, tuned);
  await t.throwsAsync(collect(tuned.snapshots({ onTuning: () => tuned.close() })), CLOSED);
});

for (const overflow of ['dropOldest', 'dropNewest'] as const) {
  test(`nobody reads: ${overflow}, counted, and the monitor goes on`, async (t) => {
    using live = quick({ highWaterMark: 2, overflow });
    const begun = live.start().nowNs;
    holdLane(t, live);
    await until('snapshots were dropped', () => count(live, 'snapshots.dropped') >= 5);
    t.is(count(live, 'snapshots.waiting'), 2);
    t.true(balanced(live));
    const snapshots = await rest(live);
    t.is(snapshots.length, 2);
    t.like(live.books.counters['snapshots'], { taken: 2, waiting: 0 });
    t.true(balanced(live));
    const [first, second] = snapshots;
    t.true((second?.timeNs ?? 0n) - (second?.intervalNs ?? 0n) === first?.timeNs);
    const isFirst = (first?.timeNs ?? 0n) - (first?.intervalNs ?? 0n) <= begun;
    t.is(isFirst, overflow === 'dropNewest');
  });
}

test('intervals in which no lane is open are not held to be idle, and are counted', async (t) => {
  using live = quick().start();
  await until('intervals passed', () => count(live, 'intervals.unobserved') >= 5);
  t.is(count(live, 'intervals.observed'), 0);
  t.is(count(live, 'snapshots.offered'), 0);
  holdLane(t, live);
  await until('intervals were seen', () => count(live, 'intervals.observed') >= 5);
  t.assert(count(live, 'intervals.lateP50Ns') <= count(live, 'intervals.lateP99Ns'));
  t.assert(count(live, 'intervals.lateP99Ns') <= count(live, 'intervals.lateMaxNs'));
});

test('lanes are listed by number while in use, and summed up when they are gone', async (t) => {
  using live = liveOf();
  const [first, second] = [live.lane(), live.lane()];
  first.reportBatch({ addresses: new Float64Array(3) });
  second.report({ address: 0 });
  live.start();
  await until('both were drained', () => count(live, 'drain.drained') === 4);
  t.like(live.lanes, {
    inUse: [
      { id: first.id, counters: { queued: 3 } },
      { id: second.id, counters: { queued: 1 } },
    ],
    retired: { queued: 0 },
  });
  first.close();
  await until('one is gone', () => live.lanes.inUse.length === 1);
  t.is(live.lanes.retired.queued, 3);
  t.is(count(live, 'lanes.queued'), 4);
  second.close();
  await until('both are gone', () => live.lanes.inUse.length === 0);
  t.is(live.lanes.retired.queued, 4);
  t.true(balanced(live));
});

test('two monitors see their own reports only', async (t) => {
  using ours = liveOf().start();
  using theirs = liveOf().start();
  t.not(ours.token, theirs.token);
  using ourLane = ours.lane();
  using theirLane = theirs.lane();
  ourLane.reportBatch({ addresses: new Float64Array(3) });
  theirLane.reportBatch({ addresses: new Float64Array(5).fill(16 * MIB) });
  t.deepEqual(hitsByRange(await rest(ours)).map(Math.round), [3, 0, 0, 0]);
  t.is(theirs.state, 'running', 'the end of one is not the end of the other');
  ours.close();
  theirLane.report({ address: 16 * MIB });
  t.deepEqual(hitsByRange(await rest(theirs)).map(Math.round), [0, 6, 0, 0]);
});

const FILTERED: readonly [
  name: string,
  filters: NonNullable<LiveKdamondOptions['sampleFilters']>,
  hits: number,
][] = [
  ['none', [], 8],
  ['stores', [{ type: 'write' }], 4],
  ['loads', [{ type: 'write', allow: false }], 4],
  ['loads, said otherwise', [{ type: 'write', matching: false }], 4],
  ['two CPUs', [{ type: 'cpumask', cpus: '2-3' }], 2],
  ['all CPUs but two', [{ type: 'cpumask', cpus: [2, 3], allow: false }], 6],
  ['a thread', [{ type: 'threads', tids: [101, 999] }], 1],
  ['stores of two CPUs', [{ type: 'write' }, { type: 'cpumask', cpus: '1-2' }], 1],
];

for (const [name, sampleFilters, hits] of FILTERED) {
  test(`sample filters: ${name}`, async (t) => {
    using live = liveOf({ sampleFilters });
    using lane = live.lane();
    // CPUs 0 to 7, threads 100 to 107; odd ones store.
    const index = [0, 1, 2, 3, 4, 5, 6, 7];
    const report = (cpu: number) =>
      lane.report({ address: 0, cpu, tid: 100 + cpu, write: cpu % 2 === 1 });
    index.slice(0, 4).forEach((cpu) => report(cpu));
    lane.reportBatch({
      addresses: new Float64Array(4),
      cpu: Uint16Array.of(4, 5, 6, 7),
      tid: Uint32Array.of(104, 105, 106, 107),
      write: Uint8Array.of(0, 1, 0, 255),
    });
    const snapshots = await rest(live);
    t.is(Math.round(hitsOf(snapshots)), hits);
    t.is(count(live, 'drain.filtered'), 8 - hits);
    t.is(live.lanes.inUse[0]?.counters.filtered, 8 - hits, 'and by lane');
    t.true(balanced(live));
  });
}

test('processes are told apart though their addresses are the same', async (t) => {
  const regions = [{ start: '0x7f0000000000', end: '0x7f0000100000' }];
  const targets = [7, 8].map((tgid) => ({ tgid, regions }));
  using live = liveOf({ operations: 'fvaddr', targets });
  using lane = live.lane();
  const address = 0x7f00_0000_0000;
  lane.report({ address, tgid: 7, virtual: true });
  const addresses = new Float64Array(6).fill(address);
  const tgid = Uint32Array.of(8, 8, 8, 8, 7, 9);
  lane.reportBatch({ addresses, tgid, virtual: true });
  lane.report({ address, tgid: 7 });
  const [snapshot] = await rest(live);
  t.truthy(snapshot);
  if (!snapshot) return;
  t.like(live.books.counters['drain'], { credited: 6, noTarget: 1, wrongKind: 1 });
  t.deepEqual(
    snapshot.targets.map((target) => target.tgid),
    [7, 8],
  );
  t.is(Math.round(hitsOf([snapshot.of(7)])), 2);
  t.is(Math.round(hitsOf([snapshot.of(8)])), 4);
  t.is(snapshot.of(7).length + snapshot.of(8).length, snapshot.length);
  t.deepEqual(new Set([...snapshot].map((region) => region.tgid)), new Set([7, 8]));

  const several = codeOf('ERR_DAMON_SNAPSHOT_TARGET');
  t.throws(() => hotRanges(snapshot), several);
  t.throws(() => new Heatmap().add(snapshot), several);
  t.throws(() => snapshot.of(9), several);
  t.is(hotRanges(snapshot.of(8)).at(0)?.start, BigInt(address));
});

/** A scheme that a value of the user steers, with a window per 5 ms. */
function steered(more: LiveKdamondOptions = {}): LiveKdamond {
  const quota = {
    szBytes: '1 MiB',
    resetIntervalMs: 5,
    goals: [{ metric: 'user_input', targetValue: 100 }],
    tuner: 'temporal',
  } as const;
  return quick({ schemes: [{ action: 'stat', quota }], ...more });
}

test('a value of the user steers a scheme, though nobody reads', async (t) => {
  using live = steered().start();
  holdLane(t, live);
  const effective = () => count(live, 'schemes.0 stat.effectiveSzBytes');
  await until('the quota is open', () => effective() === MIB);
  live.setGoal(0, 0, { metric: 'user_input', targetValue: 100, currentValue: 100 });
  await until('the goal is met', () => effective() === 0);
  live.setGoal(0, 0, { metric: 'user_input', targetValue: 100, currentValue: 99 });
  await until('the quota is open again', () => effective() === MIB);
  t.like(live.config.schemes[0]?.quota.goals[0], { currentValue: 99 });
  t.throws(
    () => live.setGoal(0, 1, { metric: 'user_input', targetValue: 1 }),
    codeOf('ERR_DAMON_CONFIG_GOAL'),
  );
});

test('a reader is told of each step of a tuner', async (t) => {
  using live = steered().start();
  holdLane(t, live);
  const tunings: Tuning[] = [];
  for await (const _ of live.snapshots({ onTuning: (tuning) => tunings.push(tuning) })) {
    if (tunings.length >= 3) break;
  }
  for (const tuning of tunings) {
    t.like(tuning, { scheme: 0, tuner: 'temporal', scoreBp: 0, effectiveBytes: MIB });
  }
  t.true(tunings.every(({ timeNs }, i) => i === 0 || (tunings[i - 1]?.timeNs ?? 0n) < timeNs));
});

test('it tells why its schemes did what they did, whether or not anyone reads', async (t) => {
  using live = steered().start();
  holdLane(t, live);
  await until('a window was tuned and worked through', () => {
    const { tunings, rounds } = live.explain();
    return tunings.length > 1 && rounds.length > 1;
  });
  await live.stop();
  const { tunings, rounds, dropped } = live.explain({ scheme: 'stat' });
  t.like(tunings[0], { scheme: 0, tuner: 'temporal', effectiveBytes: MIB });
  t.deepEqual(dropped, { tunings: 0, rounds: 0 });
  t.true(rounds.every(({ timeNs }, i) => i === 0 || (rounds[i - 1]?.timeNs ?? 0n) < timeNs));
  t.is(live.takeRounds().length, rounds.length);
  t.deepEqual([live.takeRounds(), live.roundsDropped], [[], 0]);
  t.deepEqual(live.explain({ toMs: 0 }).rounds, []);
  t.throws(() => live.explain({ scheme: 'stats' }), codeOf('ERR_DAMON_CONFIG_SCHEME'));
  live.close();
  t.throws(() => live.explain(), CLOSED);
});

test('an error thrown by a callback ends the reading; the decision stands', async (t) => {
  using live = steered().start();
  holdLane(t, live);
  const error = new Error('mine');
  const fail = () => {
    throw error;
  };
  t.is(await t.throwsAsync(collect(live.snapshots({ onTuning: fail }))), error);
  t.is(live.state, 'running');
  await until('it took effect', () => count(live, 'schemes.0 stat.effectiveSzBytes') === MIB);
  for await (const _ of live) break;
});

test('shared lanes have their own size, and are refused when the monitor has stopped', async (t) => {
  using live = liveOf({ laneSlots: 16 });
  t.is(live.sharedLane().buffer.byteLength, 256 + 16 * 32);
  t.is(live.sharedLane({ slots: 1 }).buffer.byteLength, 256 + 32);
  const error = t.throws(() => live.sharedLane({ slots: 3 }), codeOf('ERR_DAMON_CONFIG'));
  t.is((error as DamonError).path, 'slots');
  await live.stop();
  t.throws(() => live.sharedLane(), CLOSED);
});

test('memory that is watched is covered by regions, every byte once', async (t) => {
  using live = quick({ highWaterMark: 100 }).start();
  using lane = live.lane();
  lane.reportBatch({ addresses: new Float64Array(100).map((_, i) => i * 4096) });
  let seen = 0;
  for await (const { starts, ends } of live) {
    const bytes = [...starts].map((start, i) => Number((ends[i] ?? 0n) - start));
    t.is(
      bytes.reduce((sum, size) => sum + size, 0),
      RANGES.length * MIB,
    );
    if ((seen += 1) === 10) break;
  }
});

test('snapshots are copied into the columns that one gives, and none is lost to columns that are too short', async (t) => {
  using live = liveOf().start();
  using lane = live.lane();
  for (let i = 0; i < 4; i++) lane.report({ address: i * 16 * MIB });
  await until('they are drained', () => count(live, 'drain.credited') === 4);
  await live.stop();
  const short = (regions: number) => ({ ...columnsFor(regions), ages: new Uint32Array(1) });
  const wrong = { ...columnsFor(64), hits: new Float32Array(64) } as unknown as SnapshotColumns;
  for (const [give, path] of [
    [short, /^columnsFor\(\d+\)\.ages$/],
    [() => wrong, /^columnsFor\(\d+\)\.hits$/],
    [() => undefined as unknown as SnapshotColumns, /^columnsFor\(\d+\)\.starts$/],
  ] as const) {
    const error = await t.throwsAsync(
      collect(live.snapshots({ columnsFor: give })),
      codeOf('ERR_DAMON_COLUMNS'),
    );
    t.regex(error.path ?? '', path);
  }
  const columns = columnsFor(1_000);
  const asked: number[] = [];
  const give = (regions: number) => {
    asked.push(regions);
    return columns;
  };
  const snapshots = await collect(live.snapshots({ columnsFor: give }));
  t.deepEqual(hitsByRange(snapshots), [1, 1, 1, 1]);
  t.deepEqual(
    asked,
    snapshots.map(({ length }) => length),
  );
  t.true(snapshots.every(({ starts }) => starts.buffer === columns.starts.buffer));
});

test('a process that is several targets is credited in each, and its reports are counted once', async (t) => {
  const targets = [1, 2].map((ranges) => ({ tgid: 7, regions: RANGES.slice(0, ranges) }));
  const live = liveOf({ operations: 'fvaddr', targets }).start();
  const lane = live.lane();
  t.teardown(() => lane.close());
  for (const range of [0, 0, 1]) {
    lane.report({ address: RANGES[range]?.start ?? -1, tgid: 7, virtual: true });
  }
  const snapshots = await rest(live);
  const hits = (which: number) => hitsOf(snapshots.map((snapshot) => snapshot.of(7, which)));
  t.deepEqual([hits(0), hits(1)], [2, 3]);
  t.is(count(live, 'drain.credited'), 3);
  t.true(balanced(live));
});
