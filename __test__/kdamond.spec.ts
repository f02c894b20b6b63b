import test from 'ava';

import { DamonError } from '../src/errors.ts';
import type { Tuning } from '../src/goal/control.ts';
import { Kdamond, type Progress, type RunOptions } from '../src/kdamond.ts';
import type { KdamondOptions } from '../src/kdamond-options.ts';
import { balance } from '../src/report/record.ts';
import { type Snapshot, columnsFor } from '../src/report/snapshot.ts';
import { pullPush } from '../src/scheme/pull-push.ts';
import { HEADER, MIB, SMALL, collect, hitsOf, recordingOf, row, rows } from './support/small.ts';

const [FAST, SLOW] = [
  { id: 0, start: 0, end: '128 MiB' },
  { id: 1, start: '128 MiB', end: '256 MiB' },
];

/** PULL and PUSH on the small machine, a snapshot per 100 ms. */
function closedLoop(more: Partial<KdamondOptions> = {}): Kdamond {
  const schemes = pullPush({
    fast: FAST,
    slow: SLOW,
    targetBp: 7_000,
    szBytes: '2 MiB',
    resetIntervalMs: 100,
  });
  return new Kdamond({ source: SMALL, schemes, everyMs: 100, ...more });
}

function replayOf(lines: readonly string[], more: Partial<KdamondOptions> = {}): Kdamond {
  const source = { type: 'recording', path: recordingOf(lines) } as const;
  return new Kdamond({ source, everyMs: 100, ...more });
}

const text = (snapshots: readonly Snapshot[]) => snapshots.map((one) => one.toNdjson());
const codeOf = (code: string) => ({ instanceOf: DamonError, code });

function counter({ books }: Kdamond, path: string): number {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], books.counters) as number;
}

const SOURCES: readonly [name: string, open: () => Kdamond, bytes: number][] = [
  ['an emulation', () => closedLoop(), 256 * MIB],
  ['a recording', () => replayOf(rows(1_234)), 128 * MIB],
  [
    'a part of a recording',
    () => {
      const regions = [
        { start: 0, end: '16 MiB' },
        { start: '32 MiB', end: '64 MiB' },
      ];
      const path = recordingOf(rows(1_234));
      const source = { type: 'recording', path, regions, badRows: 'count' } as const;
      return new Kdamond({ source, everyMs: 0 });
    },
    48 * MIB,
  ],
];

for (const [name, open, bytes] of SOURCES) {
  test(`${name}: every byte is in one region, every report in one snapshot`, async (t) => {
    using kdamond = open();
    const snapshots = await collect(kdamond.snapshots({ untilMs: 2_000 }));
    t.assert(snapshots.length > 10);
    for (const { starts, ends } of snapshots) {
      const sizes = [...starts].map((start, i) => Number((ends[i] ?? 0n) - start));
      t.is(
        sizes.reduce((sum, size) => sum + size, 0),
        bytes,
      );
      t.true([...starts].every((start, i) => i === 0 || (ends[i - 1] ?? start) <= start));
    }
    const credited = counter(kdamond, 'drain.credited');
    t.assert(credited > 500);
    // Regions are cut and joined between the reports; their hits are neither lost nor doubled.
    t.assert(Math.abs(hitsOf(snapshots) / credited - 1) < 1e-9);
    for (const { equation, offBy } of balance(kdamond.books)) t.is(offBy, 0n, equation.name);
  });
}

test('snapshots follow each other without a gap, on the clock of the source', async (t) => {
  using kdamond = replayOf([row(5e9, 0, 0), row(6e9, 0, 0)]);
  t.is(kdamond.startNs, 5_000_000_000n);
  const snapshots = await collect(kdamond);
  t.is(snapshots[0]?.intervalNs, (snapshots[0]?.timeNs ?? 0n) - kdamond.startNs);
  for (const [i, { timeNs, intervalNs }] of snapshots.entries()) {
    t.true(timeNs - intervalNs === (snapshots[i - 1]?.timeNs ?? kdamond.startNs));
  }
  t.true(kdamond.nowNs === snapshots.at(-1)?.timeNs);
  t.deepEqual(await collect(kdamond), [], 'the end is the end');
});

test('a count never exceeds the samples of an aggregation', async (t) => {
  using kdamond = closedLoop({ attrs: { sampleUs: '5 ms', aggregationUs: '50 ms' } });
  const snapshots = await collect(kdamond.snapshots({ untilMs: 1_000 }));
  const counts = snapshots.flatMap(({ nrAccesses }) => Array.from(nrAccesses));
  t.assert(counts.every((count) => count <= 10));
  t.assert(counts.some((count) => count > 0));
});

test('the same options and seed give the same bytes, another seed others', async (t) => {
  const run = async (seed: number) => {
    using kdamond = closedLoop({ seed });
    return text(await collect(kdamond.snapshots({ untilMs: 1_500 })));
  };
  const [first, again, other] = [await run(7), await run(7), await run(8)];
  t.deepEqual(first, again);
  t.notDeepEqual(first, other);
});

test('a run in pieces is the run in one', async (t) => {
  using whole = closedLoop();
  const expected = text(await collect(whole.snapshots({ untilMs: 1_500 })));

  using pieces = closedLoop();
  const snapshots: Snapshot[] = [];
  for (const untilMs of [333, 700, 1_500]) {
    for await (const snapshot of pieces.snapshots({ untilMs })) {
      snapshots.push(snapshot);
      // Leaves early, and goes on from there below.
      if (snapshots.length % 2 === 0) break;
    }
    for await (const snapshot of pieces.snapshots({ untilMs })) snapshots.push(snapshot);
  }
  t.deepEqual(text(snapshots), expected);
  t.deepEqual(pieces.books, whole.books);
});

test('a run that is aborted again and again loses no window and no snapshot', async (t) => {
  using whole = closedLoop();
  const expected = text(await collect(whole.snapshots({ untilMs: 1_500 })));

  using pieces = closedLoop();
  const snapshots: Snapshot[] = [];
  let aborted = 0;
  const goOn = async (again: number): Promise<void> => {
    const controller = new AbortController();
    let tunings = 0;
    const onTuning = () => void ((tunings += 1) > again % 3 && controller.abort('enough'));
    // From outside too, at any point of the run.
    if (again % 2 === 0) setTimeout(() => controller.abort('enough'), again % 5);
    const run = pieces.snapshots({ untilMs: 1_500, signal: controller.signal, onTuning });
    try {
      for await (const snapshot of run) snapshots.push(snapshot);
    } catch (error) {
      t.is(error, 'enough');
      aborted += 1;
      await goOn(again + 1);
    }
  };
  await goOn(0);
  t.assert(aborted > 3);
  t.deepEqual(text(snapshots), expected);
  t.deepEqual(pieces.books, whole.books);
});

test('a signal ends a run that has no end, with its reason', async (t) => {
  using kdamond = closedLoop();
  const reason = new RangeError('enough');
  const before = kdamond.nowNs;
  const aborted = kdamond.run({ signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(aborted, { any: true }), reason);
  t.is(kdamond.nowNs, before, 'nothing ran');

  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  t.is(await t.throwsAsync(kdamond.run({ signal: controller.signal }), { any: true }), reason);
  t.assert(kdamond.nowNs > before);

  const more = await collect(kdamond.snapshots({ untilMs: Number(kdamond.nowNs) / 1e6 + 1_000 }));
  t.assert(more.length >= 9);
});

test('a signal that has done its work is let go', async (t) => {
  using kdamond = closedLoop();
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
  await kdamond.run({ untilMs: 100, signal });
  for await (const _ of kdamond.snapshots({ untilMs: 300, signal })) break;
  t.deepEqual(listeners, { added: 2, removed: 2 });
});

test('one run at a time: another is refused and the first goes on', async (t) => {
  using kdamond = closedLoop();
  const first = collect(kdamond.snapshots({ untilMs: 1_000 }));
  const error = await t.throwsAsync(kdamond.run(), codeOf('ERR_DAMON_BUSY'));
  t.regex((error as DamonError).hint ?? '', /wait/);
  t.is((await first).length, 10);
  await t.notThrowsAsync(kdamond.run({ untilMs: 1_100 }));
});

test('a run waits to be taken: making its iterator does not make the monitor busy', async (t) => {
  using kdamond = closedLoop();
  void kdamond.snapshots();
  await t.notThrowsAsync(kdamond.run({ untilMs: 100 }));
});

test('closing twice is closing once, and nothing goes on after that', async (t) => {
  const kdamond = closedLoop();
  t.false(kdamond.closed);
  kdamond.close();
  kdamond.close();
  t.true(kdamond.closed);
  await t.throwsAsync(kdamond.run(), codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => kdamond.books, codeOf('ERR_DAMON_CLOSED'));
  t.throws(() => kdamond.nowNs, codeOf('ERR_DAMON_CLOSED'));
  t.is(kdamond.startNs, 0n);
});

test('closing ends a run in progress', async (t) => {
  const kdamond = closedLoop();
  const run = kdamond.run();
  setTimeout(() => kdamond.close(), 10);
  await t.throwsAsync(run, codeOf('ERR_DAMON_CLOSED'));
});

const CLOSERS: readonly [where: string, options: (close: () => void) => RunOptions][] = [
  ['onTuning', (close) => ({ onTuning: close })],
  ['onProgress', (close) => ({ onProgress: close })],
];

test('closing from within a run ends it with the same error, wherever it is done', async (t) => {
  for (const [where, options] of CLOSERS) {
    const kdamond = closedLoop();
    const run = kdamond.run({ untilMs: 2_000, ...options(() => kdamond.close()) });
    await t.throwsAsync(run, codeOf('ERR_DAMON_CLOSED'), where);
  }
  const kdamond = closedLoop();
  const run = async () => {
    for await (const _ of kdamond) kdamond.close();
  };
  await t.throwsAsync(run, codeOf('ERR_DAMON_CLOSED'), 'loop');
});

test('`using` closes', async (t) => {
  const kdamond = closedLoop();
  {
    using inner = kdamond;
    t.false(inner.closed);
  }
  t.true(kdamond.closed);
  const other = closedLoop();
  {
    await using inner = other;
    t.false(inner.closed);
  }
  t.true(other.closed);
});

test('an error thrown by a callback or by the loop leaves the monitor usable', async (t) => {
  using kdamond = closedLoop();
  const error = new Error('mine');
  const fail = () => {
    throw error;
  };
  t.is(await t.throwsAsync(kdamond.run({ onTuning: fail })), error);
  t.is(await t.throwsAsync(kdamond.run({ onProgress: fail })), error);
  const loop = async () => {
    for await (const _ of kdamond) fail();
  };
  t.is(await t.throwsAsync(loop()), error);
  const end = Number(kdamond.nowNs) / 1e6 + 1_000;
  t.is((await collect(kdamond.snapshots({ untilMs: end }))).length, 10);
  for (const { offBy } of balance(kdamond.books)) t.is(offBy, 0n);
});

test('a time to run until is read with its unit and refused by its name', async (t) => {
  using kdamond = closedLoop();
  t.is((await collect(kdamond.snapshots({ untilMs: '0.5 s' }))).length, 5);
  t.is((await collect(kdamond.snapshots({ untilMs: '0.5 s' }))).length, 0, 'it is that time');
  const error = await t.throwsAsync(kdamond.run({ untilMs: '5' }), { instanceOf: DamonError });
  t.is(error?.path, 'untilMs');
  t.is(error?.code, 'ERR_DAMON_CONFIG_UNIT');
});

/** Runs to `untilMs`, answers with PULL's records. */
async function pulls(kdamond: Kdamond, untilMs: number): Promise<Tuning[]> {
  const tunings: Tuning[] = [];
  await kdamond.run({ untilMs, onTuning: (tuning) => tunings.push(tuning) });
  return tunings.filter(({ scheme }) => scheme === 0);
}

const shareOf = (tuning: Tuning | undefined) => {
  const [fast = NaN, slow = NaN] = tuning?.hotBytes ?? [];
  return fast / (fast + slow);
};

test('each step of a tuner is told: what was read, what followed', async (t) => {
  using kdamond = closedLoop();
  const tunings = await pulls(kdamond, 2_000);
  t.is(tunings.length, 20, 'one per window of 100 ms');
  t.is(shareOf(tunings[0]), 0.5);
  for (const { tuner, goals, scoreBp, goalBytes, effectiveBytes } of tunings) {
    const [reading] = goals;
    t.is(tuner, 'temporal');
    t.like(reading?.goal, { metric: 'node_eligible_mem_bp', nid: 0, targetValue: 7_000 });
    t.is(scoreBp, Math.floor(((reading?.currentValue ?? NaN) * 10_000) / 7_000));
    t.is(reading?.scoreBp, scoreBp);
    t.is(goalBytes, scoreBp >= 10_000 ? 0n : BigInt(2 * MIB));
    t.is(effectiveBytes, Number(goalBytes));
  }
});

test('a target changed while running moves the share', async (t) => {
  using kdamond = closedLoop();
  // 2 MiB per 100 ms of 64 MiB: 20 points take some 0.7 s.
  const before = shareOf((await pulls(kdamond, 3_000)).at(-1));
  t.assert(Math.abs(before - 0.7) < 0.1, `${before}`);
  const metric = 'node_eligible_mem_bp' as const;
  kdamond.setGoal(0, 0, { metric, nid: 0, targetValue: '30 %' });
  kdamond.setGoal(1, 0, { metric, nid: 1, targetValue: '70 %' });
  const after = await pulls(kdamond, 7_000);
  t.is(after[0]?.goals[0]?.goal.targetValue, 3_000);
  t.assert(Math.abs(shareOf(after.at(-1)) - 0.3) < 0.1, `${shareOf(after.at(-1))}`);
  t.like(kdamond.config.schemes[0]?.quota.goals[0], { targetValue: 3_000 }, 'what is in force');
});

test('a value of the user steers a scheme', async (t) => {
  const goal = { metric: 'user_input', targetValue: 100 } as const;
  const quota = {
    szBytes: '1 MiB',
    resetIntervalMs: 100,
    goals: [goal],
    tuner: 'temporal',
  } as const;
  using kdamond = new Kdamond({ source: SMALL, schemes: [{ action: 'stat', quota }] });
  const tried = () => counter(kdamond, 'schemes.0 stat.szTried');
  t.true((await pulls(kdamond, 1_000)).every(({ effectiveBytes }) => effectiveBytes === MIB));
  const below = tried();
  t.assert(below > 5 * MIB, `${below}`);

  kdamond.setGoal(0, 0, { ...goal, currentValue: 100 });
  const [met] = (await pulls(kdamond, 2_000)).slice(-1);
  t.like(met, { scoreBp: 10_000, goalBytes: 0n, effectiveBytes: 0 });
  t.is(tried(), below, 'nothing is tried while the goal is met');

  kdamond.setGoal(0, 0, { ...goal, currentValue: 99 });
  await pulls(kdamond, 3_000);
  t.assert(tried() > below);
});

test('consist starts at 2 bytes and doubles while its goal is missed', async (t) => {
  const goal = { metric: 'user_input', targetValue: 1 } as const;
  const quota = { resetIntervalMs: 100, szBytes: '8 KiB', goals: [goal] };
  using kdamond = new Kdamond({ source: SMALL, schemes: [{ action: 'stat', quota }] });
  const tunings = await pulls(kdamond, 1_500);
  t.deepEqual(
    tunings.map(({ goalBytes }) => goalBytes),
    tunings.map((_, i) => 2n ** BigInt(i + 1)),
  );
  // The size quota caps what is tried, not the loop.
  t.is(tunings.at(-1)?.effectiveBytes, 8_192);
  t.assert(Number(tunings.at(-1)?.goalBytes) > 8_192);
});

test('a goal can change its value, not what it measures, and must be there', (t) => {
  using kdamond = closedLoop();
  const goal = { metric: 'node_eligible_mem_bp', nid: 0, targetValue: 1 } as const;
  const wrong: readonly [scheme: number, goal: number, options: unknown, path: string][] = [
    [2, 0, goal, 'schemes[2].quota.goals[0]'],
    [0, 1, goal, 'schemes[0].quota.goals[1]'],
    [-1, 0, goal, 'schemes[-1].quota.goals[0]'],
    [0, 0, { metric: 'user_input', targetValue: 1 }, 'schemes[0].quota.goals[0]'],
    [0, 0, { ...goal, nid: 1 }, 'schemes[0].quota.goals[0]'],
    [0, 0, { ...goal, targetValue: 0 }, 'schemes[0].quota.goals[0].targetValue'],
    [0, 0, { ...goal, nope: 0 }, 'schemes[0].quota.goals[0].nope'],
    [0, 0, undefined, 'schemes[0].quota.goals[0]'],
  ];
  for (const [scheme, index, options, path] of wrong) {
    const error = t.throws(() => kdamond.setGoal(scheme, index, options as never), {
      ...codeOf('ERR_DAMON_CONFIG_GOAL'),
    });
    t.is((error as DamonError).path, path);
  }
  t.notThrows(() => kdamond.setGoal(0, 0, goal));
});

test('progress ends at the end, in bytes of the file or in simulated seconds', async (t) => {
  const progress = async (kdamond: Kdamond, options: RunOptions) => {
    const all: Progress[] = [];
    await kdamond.run({ ...options, onProgress: (one) => all.push(one) });
    kdamond.close();
    t.true(all.every(({ done }, i) => i === 0 || (all[i - 1]?.done ?? 0) <= done));
    return all.at(-1);
  };
  const lines = rows(1_000);
  const bytes = [HEADER, ...lines, ''].join('\n').length;
  t.deepEqual(await progress(replayOf(lines), {}), { done: bytes, total: bytes, unit: 'bytes' });
  t.deepEqual(await progress(closedLoop(), { untilMs: 3_000 }), {
    done: 3,
    total: 3,
    unit: 'seconds',
  });
});

test('a recording that fails half way rejects; what came before is in balanced books', async (t) => {
  using kdamond = replayOf([...rows(1_000), 'nonsense', ...rows(5)]);
  const error = await t.throwsAsync(kdamond.run(), codeOf('ERR_DAMON_TRACE_ROW'));
  t.regex((error as DamonError).path ?? '', /row 1001/);
  t.is(counter(kdamond, 'rows.accepted'), 1_000);
  t.is(counter(kdamond, 'rows.malformed'), 1);
  for (const { equation, offBy } of balance(kdamond.books)) t.is(offBy, 0n, equation.name);
  t.deepEqual(await collect(kdamond), [], 'the recording has ended');
});

test('bad rows are counted by cause on request, and the rest is replayed', async (t) => {
  const lines = [...rows(100), 'nonsense', row(1, 0, 0), row(99e6, 9, 0), row(99e6, 0, 2 ** 50)];
  const path = recordingOf(lines);
  const regions = [{ start: 0, end: '64 MiB' }];
  const source = { type: 'recording', path, cpus: 2, badRows: 'count', regions } as const;
  using kdamond = new Kdamond({ source });
  await kdamond.run();
  t.like(kdamond.books.counters['rows'], {
    read: 104,
    accepted: 100,
    malformed: 1,
    timeBackwards: 1,
    cpuBeyondLanes: 1,
    addressOutOfRange: 1,
  });
});

test('a snapshot is copied into the columns that one gives, which may be longer and the same again', async (t) => {
  using whole = closedLoop();
  const expected = text(await collect(whole.snapshots({ untilMs: 1_500 })));
  const columns = columnsFor(1_000);
  const asked: number[] = [];
  const seen: string[] = [];
  using kdamond = closedLoop();
  const give = (regions: number) => {
    asked.push(regions);
    return columns;
  };
  for await (const snapshot of kdamond.snapshots({ untilMs: 1_500, columnsFor: give })) {
    t.is(snapshot.starts.buffer, columns.starts.buffer);
    t.is(asked.at(-1), snapshot.length);
    seen.push(snapshot.toNdjson());
  }
  t.deepEqual(seen, expected);
  using other = closedLoop();
  const short = { ...columns, ages: new Uint32Array(2) };
  await t.throwsAsync(other.run({ columnsFor: () => short }), {
    ...codeOf('ERR_DAMON_COLUMNS'),
    message: /columnsFor\(\d+\)\.ages.*at least \d+ elements long.*2/,
  });
  // What only says that it is an array.
  const claimed = { length: 1_000, [Symbol.toStringTag]: 'Uint32Array' } as unknown as Uint32Array;
  await t.throwsAsync(other.run({ columnsFor: () => ({ ...columns, ages: claimed }) }), {
    ...codeOf('ERR_DAMON_COLUMNS'),
    message: /columnsFor\(\d+\)\.ages/,
  });
  // A recording, too.
  const source = { type: 'recording', path: recordingOf(rows(2_000)) } as const;
  using replayed = new Kdamond({ source });
  using again = new Kdamond({ source });
  const replays = text(await collect(again));
  const copies: string[] = [];
  for await (const snapshot of replayed.snapshots({ columnsFor: () => columns })) {
    copies.push(snapshot.toNdjson());
  }
  t.deepEqual(copies, replays);
});

test('a process that is two targets is counted in each, and once in the books', async (t) => {
  const source = { ...SMALL, sampler: { type: 'pebs' } } as const;
  const options = {
    source,
    operations: 'vaddr',
    attrs: { minNrRegions: 10 },
    everyMs: 500,
  } as const;
  const hitsIn = (snapshot: Snapshot): number => snapshot.hits.reduce((sum, hits) => sum + hits, 0);
  using once = new Kdamond({ ...options, targets: [{ tgid: 1 }] });
  using twice = new Kdamond({ ...options, targets: [{ tgid: 1 }, { tgid: 1 }] });
  const [single] = await collect(once.snapshots({ untilMs: 500 }));
  const [double] = await collect(twice.snapshots({ untilMs: 500 }));
  t.assert(single !== undefined && hitsIn(single) > 100);
  t.deepEqual(
    double && [hitsIn(double.of(1)), hitsIn(double.of(1, 1))],
    single && [hitsIn(single), hitsIn(single)],
  );
  t.deepEqual(twice.books.counters['drain'], once.books.counters['drain']);
  t.true(balance(twice.books).every(({ offBy }) => offBy === 0n));
});

test('columns are for a number of regions', (t) => {
  t.is(columnsFor(0).hits.length, 0);
  for (const regions of [-1, 0.5, 2 ** 32, NaN, '7' as never]) {
    t.throws(() => columnsFor(regions), codeOf('ERR_DAMON_COLUMNS'));
  }
});

test('memory stays flat over ten thousand monitors', (t) => {
  const tiny: KdamondOptions = {
    source: {
      type: 'emulation',
      nodes: [{ start: 0, end: '128 MiB' }],
      workload: { type: 'hot_set', bytes: 4096 },
      processor: { cpus: 1 },
    },
    laneSlots: 1,
  };
  const open = (count: number) => {
    for (let i = 0; i < count; i++) new Kdamond(tiny).close();
    return process.memoryUsage().rss;
  };
  const warm = open(1_000);
  const grown = (open(10_000) - warm) / MIB;
  t.log(`${grown.toFixed(1)} MiB more`);
  t.assert(grown < 64);
});

test('a complement is what a metric leaves of the whole', async (t) => {
  const goal = { metric: 'node_mem_used_bp', nid: 0, targetValue: 5_000 } as const;
  const schemes = [goal, { ...goal, complement: true }].map((one) => ({
    action: 'stat' as const,
    quota: { szBytes: '1 MiB', resetIntervalMs: 100, goals: [one] },
  }));
  using kdamond = new Kdamond({ source: SMALL, schemes });
  const values: number[] = [];
  await kdamond.run({
    untilMs: 300,
    onTuning: ({ goals }) => values.push(goals[0]?.currentValue ?? NaN),
  });
  const [used = NaN, free = NaN] = values;
  t.true(used > 0 && used !== free, `${used}`);
  t.is(used + free, 10_000);
});
