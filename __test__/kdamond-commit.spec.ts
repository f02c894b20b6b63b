import test from 'ava';

import {
  type CommitOptions,
  DamonError,
  Kdamond,
  type KdamondOptions,
  type SchemeOptions,
  type Tuning,
  balance,
} from '../src/index.ts';
import { MIB, SMALL, collect, recordingOf, rows } from './support/small.ts';
import { QUICK, toy } from './support/toy.ts';

const STAT: SchemeOptions = { action: 'stat', pattern: { nrAccesses: { min: 1 } } };
const INPUT = { metric: 'user_input', targetValue: 10 } as const;

/** 1 MiB per 100 ms at the most, steered by a value of the user's. */
const STEERED: SchemeOptions = {
  action: 'stat',
  quota: { szBytes: '1 MiB', resetIntervalMs: 100, goals: [INPUT], tuner: 'consist' },
};

const OPTIONS: KdamondOptions = { source: SMALL, schemes: [STAT, STEERED], everyMs: 100 };

function kdamondOf(more: Partial<KdamondOptions> = {}): Kdamond {
  return new Kdamond({ ...OPTIONS, ...more });
}

/** All that can be seen of a monitor, run on until then. */
async function seen(kdamond: Kdamond, untilMs: number): Promise<unknown> {
  const tunings: Tuning[] = [];
  const run = kdamond.snapshots({ untilMs, onTuning: (tuning) => tunings.push(tuning) });
  const lines = (await collect(run)).map((snapshot) => snapshot.toNdjson());
  const { books, intervals, nowNs, config } = kdamond;
  return { lines, tunings, rounds: kdamond.takeRounds(), books, intervals, nowNs, config };
}

/** Has a monitor go through something, and expects it to go on like a twin that did not. */
async function expectUntouched(
  assert: (mine: unknown, twins: unknown) => void,
  disturb: (kdamond: Kdamond) => Promise<unknown>,
): Promise<void> {
  using twin = kdamondOf();
  using mine = kdamondOf();
  await Promise.all([twin.run({ untilMs: 500 }), mine.run({ untilMs: 500 })]);
  await disturb(mine);
  assert(await seen(mine, 1_500), await seen(twin, 1_500));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof DamonError ? error.code : `not refused: ${String(error)}`;
}

const REFUSED: readonly [commit: unknown, code: string][] = [
  [{ scheme: [] }, 'ERR_DAMON_CONFIG'],
  [{ attrs: { sampleUs: '200 ms' } }, 'ERR_DAMON_CONFIG'],
  [{ attrs: { minNrRegions: 11, maxNrRegions: 10 } }, 'ERR_DAMON_CONFIG'],
  [{ schemes: [STAT, { ...STEERED, quota: { szBytes: 12 } }] }, 'ERR_DAMON_CONFIG'],
  [{ schemes: [{ action: 'lru_prio' }], operations: 'vaddr' }, 'ERR_DAMON_CONFIG_ACTION'],
  [{ operations: 'paddr_pebs' }, 'ERR_DAMON_CONFIG'],
  [{ probes: [{ weight: 2 ** 32 - 1 }] }, 'ERR_DAMON_CONFIG_PROBES'],
  [{ schemes: [{ action: 'migrate_hot', targetNid: 9 }] }, 'ERR_DAMON_CONFIG_ACTION'],
  [
    {
      schemes: [
        {
          action: 'stat',
          quota: { goals: [{ metric: 'node_eligible_mem_bp', nid: 9, targetValue: 1 }] },
        },
      ],
    },
    'ERR_DAMON_CONFIG_NODE',
  ],
  [{ operations: 'vaddr', targets: [{ tgid: 1 }, { tgid: 99 }] }, 'ERR_DAMON_CONFIG_TARGETS'],
  [null, 'ERR_DAMON_CONFIG'],
  [{ sampler: { type: 'ibs_op', period: 17 } }, 'ERR_DAMON_CONFIG'],
  [
    { sampler: { type: 'ibs_op', l3MissOnly: true, generation: 'zen3' } },
    'ERR_DAMON_CONFIG_SAMPLER',
  ],
  // Its addresses are virtual, and the set's are not.
  [{ sampler: { type: 'pebs' } }, 'ERR_DAMON_CONFIG_OPERATIONS'],
  [{ sampler: { type: 'chmu', nodes: [9] } }, 'ERR_DAMON_CONFIG_SAMPLER'],
];

test('a refused commit leaves the monitor as it is, to the byte', async (t) => {
  for (const [commit, code] of REFUSED) {
    await expectUntouched(
      (mine, twins) => t.deepEqual(mine, twins, JSON.stringify(commit)),
      async (kdamond) => t.is(await codeOf(kdamond.commit(commit as never)), code),
    );
  }
});

test('a refused commit in the middle of a run changes nothing of it', async (t) => {
  using twin = kdamondOf();
  using mine = kdamondOf();
  const expected = await seen(twin, 1_500);
  const running = seen(mine, 1_500);
  const codes = REFUSED.map(async ([commit]) => codeOf(mine.commit(commit as never)));
  t.deepEqual(
    await Promise.all(codes),
    REFUSED.map(([, code]) => code),
  );
  t.deepEqual(await running, expected);
});

test('a commit while the one before is still to take effect is refused, and changes nothing', async (t) => {
  const commit: CommitOptions = { schemes: [STAT] };
  using twin = kdamondOf();
  using mine = kdamondOf();
  for (const kdamond of [twin, mine]) {
    await kdamond.run({ untilMs: 500 });
    await kdamond.commit(commit);
  }
  t.is(await codeOf(mine.commit({ paused: true })), 'ERR_DAMON_BUSY');
  t.is(await codeOf(mine.commitGoals([[INPUT]])), 'ERR_DAMON_BUSY');
  t.deepEqual(await seen(mine, 1_500), await seen(twin, 1_500));
  t.is(mine.config.paused, false);
  await t.notThrowsAsync(mine.commit({}));
});

test('a commit of what there is goes unnoticed', async (t) => {
  const { schemes = [] } = OPTIONS;
  await expectUntouched(
    (mine, twins) => t.deepEqual(mine, twins),
    async (kdamond) => kdamond.commit({ schemes }),
  );
});

test('a commit keeps the pairs of schemes, and makes or forgets the rest', async (t) => {
  using kdamond = kdamondOf();
  await kdamond.run({ untilMs: 1_000 });
  const before = kdamond.books.counters['schemes'] as Record<
    string,
    { nrTried: number; nrSnapshots: number }
  >;
  await kdamond.commit({ schemes: [STAT, STEERED, { ...STAT, name: 'new' }] });
  await kdamond.run({ untilMs: 2_000 });
  const grown = kdamond.books.counters['schemes'] as typeof before;
  t.deepEqual(Object.keys(grown), ['0 stat', '1 stat', '2 new']);
  t.true((grown['0 stat']?.nrTried ?? 0) > (before['0 stat']?.nrTried ?? 0));
  // The new one's rounds are counted from the commit, which is taken a sampling interval after 1 s.
  t.deepEqual([grown['0 stat']?.nrSnapshots, grown['2 new']?.nrSnapshots], [20, 9]);
  await kdamond.commit({ schemes: [STAT] });
  await kdamond.run({ untilMs: 3_000 });
  const shrunk = kdamond.books.counters['schemes'] as typeof before;
  t.deepEqual(Object.keys(shrunk), ['0 stat']);
  t.true((shrunk['0 stat']?.nrTried ?? 0) > (grown['0 stat']?.nrTried ?? 0));
  t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
  await kdamond.commit({});
  await kdamond.run({ untilMs: 4_000 });
  t.deepEqual(kdamond.books.counters['schemes'], {});
});

test('a pair goes on with the quota that its tuner had come to', async (t) => {
  const bytesOf = async (kdamond: Kdamond, untilMs: number): Promise<bigint[]> => {
    const bytes: bigint[] = [];
    await kdamond.run({ untilMs, onTuning: ({ goalBytes }) => bytes.push(goalBytes) });
    return bytes;
  };
  using kdamond = kdamondOf({ schemes: [STEERED] });
  const before = (await bytesOf(kdamond, 1_000)).at(-1);
  await kdamond.commit({ schemes: [STEERED] });
  const [after] = await bytesOf(kdamond, 1_200);
  t.is(after, (before ?? 0n) * 2n);
});

test('attributes that are committed hold from then on', async (t) => {
  using kdamond = kdamondOf();
  await kdamond.run({ untilMs: 1_000 });
  await kdamond.commit({
    attrs: { sampleUs: '10 ms', aggregationUs: '50 ms', minNrRegions: 100, maxNrRegions: 200 },
    schemes: [STAT],
  });
  await kdamond.run({ untilMs: 2_000 });
  t.deepEqual(kdamond.intervals, { sampleUs: 10_000, aggregationUs: 50_000 });
  kdamond.takeRounds();
  const snapshots = await collect(kdamond.snapshots({ untilMs: 3_000 }));
  t.true(snapshots.length > 0);
  for (const { length } of snapshots) t.true(length >= 50 && length <= 200, `${length}`);
  t.is(kdamond.takeRounds().length, 20);
});

test('goals that are committed leave everything else as it is', async (t) => {
  using twin = kdamondOf();
  using mine = kdamondOf();
  await Promise.all([twin.run({ untilMs: 500 }), mine.run({ untilMs: 500 })]);
  await mine.commitGoals([[], [{ ...INPUT, currentValue: 10 }]]);
  t.like(mine.config.schemes[1]?.quota.goals[0], { currentValue: 10 });
  twin.setGoal(1, 0, { ...INPUT, currentValue: 10 });
  t.deepEqual(await seen(mine, 1_500), await seen(twin, 1_500));
  // Met: the quota stays where it is.
  const { tunings } = mine.explain({ scheme: 1, fromMs: 1_000 });
  t.is(new Set(tunings.map(({ goalBytes }) => goalBytes)).size, 1);
  t.is(
    await codeOf(mine.commitGoals([[], [{ ...INPUT, targetValue: 0 }]])),
    'ERR_DAMON_CONFIG_GOAL',
  );
});

test('targets that are committed are what is monitored', async (t) => {
  using kdamond = kdamondOf({ schemes: [] });
  await kdamond.run({ untilMs: 500 });
  const regions = [{ start: 16 * MIB, end: 32 * MIB }];
  await kdamond.commit({ targets: [{ regions }] });
  await kdamond.run({ untilMs: 1_000 });
  const snapshots = await collect(kdamond.snapshots({ untilMs: 1_500 }));
  t.true(snapshots.length > 0);
  for (const snapshot of snapshots) {
    const all = [...snapshot];
    t.is(all[0]?.start, BigInt(16 * MIB));
    t.is(all.at(-1)?.end, BigInt(32 * MIB));
  }
  t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
});

test('a pause stops the counting and the schemes, not the clock; a commit ends it', async (t) => {
  using kdamond = kdamondOf();
  await kdamond.run({ untilMs: 500 });
  await kdamond.commit({ schemes: [STAT], paused: true });
  await kdamond.run({ untilMs: 1_000 });
  kdamond.takeRounds();
  await kdamond.run({ untilMs: 2_000 });
  t.is(kdamond.nowNs, 2_000_000_000n);
  t.deepEqual(kdamond.takeRounds(), []);
  await kdamond.commit({ schemes: [STAT] });
  await kdamond.run({ untilMs: 3_000 });
  t.true(kdamond.takeRounds().length > 5);
  t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
});

test('a commit from within a run takes effect in it', async (t) => {
  using kdamond = kdamondOf();
  const lengths: number[] = [];
  for await (const snapshot of kdamond.snapshots({ untilMs: 2_000 })) {
    lengths.push(snapshot.length);
    if (lengths.length === 5) void kdamond.commit({ attrs: { minNrRegions: 100 } });
  }
  // The aggregation in progress begins anew.
  t.true(lengths.length >= 18, `${lengths.length}`);
  t.true((lengths.at(-1) ?? 0) > 2 * (lengths[4] ?? 0));
});

test('a commit does not wait for more than the sampling interval in progress', async (t) => {
  let asked = 0;
  let taken: number | undefined;
  const set = toy({
    prepareAccessChecks: () => {
      asked += 1;
      if (asked !== 3) return;
      void kdamond.commit({ schemes: [STAT] }).then(() => (taken = asked));
    },
  });
  using kdamond = new Kdamond({ ...QUICK, source: { type: 'operations', set }, everyMs: '10 s' });
  // One step of a run, unless it is canceled.
  await kdamond.run({ untilMs: 900 });
  t.true(taken !== undefined && taken <= 4, `${taken}`);
});

test('a loop over the snapshots can wait for its commit', async (t) => {
  using kdamond = kdamondOf();
  let count = 0;
  for await (const snapshot of kdamond.snapshots({ untilMs: 1_000 })) {
    count += 1;
    if (count === 1) await kdamond.commit({ attrs: { minNrRegions: 100 } });
    if (count === 5) t.true(snapshot.length >= 50, `${snapshot.length}`);
  }
  t.true(count >= 5);
});

test('a walk waits for a round of every scheme; another meanwhile is refused', async (t) => {
  using kdamond = kdamondOf();
  await kdamond.run({ untilMs: 500 });
  const walk = kdamond.triedRegions();
  t.is(await codeOf(kdamond.triedRegions()), 'ERR_DAMON_BUSY');
  await kdamond.run({ untilMs: 700 });
  const [stat, steered] = await walk;
  t.true((stat?.totalBytes ?? 0n) > 0n);
  t.true((steered?.totalBytes ?? 0n) <= BigInt(MIB));
  t.is(stat?.starts.length, stat?.ends.length);
});

test('a walk ends with the pause, or the end, that comes before its answer', async (t) => {
  {
    using kdamond = kdamondOf();
    await kdamond.run({ untilMs: 500 });
    const walk = codeOf(kdamond.triedRegions());
    await kdamond.commit({ schemes: [STAT], paused: true });
    await kdamond.run({ untilMs: 1_000 });
    t.is(await walk, 'ERR_DAMON_CANCELED');
  }
  const kdamond = kdamondOf();
  const walk = codeOf(kdamond.triedRegions());
  // Begun, and closed before it is answered.
  await new Promise(setImmediate);
  kdamond.close();
  t.is(await walk, 'ERR_DAMON_CANCELED');
});

test('nothing is changed of what has ended or is closed', async (t) => {
  const recording = new Kdamond({ source: { type: 'recording', path: recordingOf(rows(500)) } });
  await recording.run();
  t.is(await codeOf(recording.commit({})), 'ERR_DAMON_ENDED');
  t.is(await codeOf(recording.triedRegions()), 'ERR_DAMON_ENDED');
  recording.close();
  t.is(await codeOf(recording.commit({})), 'ERR_DAMON_CLOSED');
  t.is(await codeOf(recording.commitGoals([])), 'ERR_DAMON_CLOSED');
});

/** Answers for a while, then fails in some way. */
const FAILURES: readonly [name: string, fail: () => unknown, message: RegExp][] = [
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    /failed: no idea/,
  ],
  ['rejects', () => Promise.reject(new Error('no answer')), /failed: no answer/],
  ['gives NaN', () => NaN, /got `NaN`/],
  ['gives less than nothing', () => -1, /got `-1`/],
  ['gives a text', () => '4096', /got `'4096'`/],
  ['gives nothing', () => undefined, /got `undefined`/],
  ['never settles', () => new Promise(() => undefined), /no answer within 5 ms/],
];

for (const [name, fail, message] of FAILURES) {
  for (const part of ['tuner', 'metric'] as const) {
    test(`a ${part} that ${name} leaves the quota as it was, and the run says so`, async (t) => {
      let asked = 0;
      const answer = (): never => ((asked += 1) <= 3 ? 5 * 4096 : fail()) as never;
      const quota =
        part === 'tuner'
          ? { goals: [INPUT], tuner: { name: 'mine', step: answer } }
          : {
              goals: [{ metric: { name: 'mine', measure: answer }, targetValue: 5 * 4096 }],
              tuner: { name: 'as measured', step: () => 5 * 4096 },
            };
      using kdamond = kdamondOf({
        schemes: [
          { action: 'stat', quota: { szBytes: '1 MiB', resetIntervalMs: 100, ...quota } },
          STEERED,
        ],
        controlTimeoutMs: 5,
      });
      await kdamond.run({ untilMs: 1_000 });
      const { tunings, rounds } = kdamond.explain({ scheme: 0 });
      t.is(asked, 10);
      t.deepEqual(
        tunings.map(({ failure }) => failure?.code),
        Array.from({ length: 10 }, (_, i) =>
          i < 3 ? undefined : `ERR_DAMON_${part.toUpperCase()}`,
        ),
      );
      t.regex(tunings.at(-1)?.failure?.message ?? '', message);
      t.deepEqual(
        new Set(rounds.map(({ effectiveSzBytes }) => effectiveSzBytes)),
        new Set([20_480]),
      );
      // The other scheme's tuner goes on.
      const others = kdamond.explain({ scheme: 1 }).tunings;
      t.is(others.length, 10);
      t.true(others.every(({ failure }) => failure === undefined));
      t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
    });
  }
}

test('another sampler samples from the commit on, in the same lanes, and the counters go on', async (t) => {
  using kdamond = kdamondOf();
  const sampled = (): Record<string, number> => kdamond.books.counters.sampler ?? {};
  await kdamond.run({ untilMs: 1_000 });
  const before = sampled();
  const sampler = {
    type: 'ibs_op',
    period: 65_536,
    rateHz: 2_557_000_000,
    dataShare: 0.41,
  } as const;
  await kdamond.commit({ schemes: [STAT, STEERED], sampler });
  await kdamond.run({ untilMs: 2_000 });
  const between = sampled();
  const rate =
    (Number(between['samplesTotal']) - Number(before['samplesTotal'])) /
    Number(before['samplesTotal']);
  t.assert(rate > 3.9 && rate < 4.1, `${rate}`);
  t.like(kdamond.config.source, { sampler: { period: 65_536 } });
  // A commit without one leaves it as it is.
  await kdamond.commit({ schemes: [STAT, STEERED] });
  await kdamond.run({ untilMs: 3_000 });
  const after = sampled();
  const more = Number(after['samplesTotal']) - Number(between['samplesTotal']);
  t.assert(more > 3.9 * Number(before['samplesTotal']), `${more}`);
  t.true(balance(kdamond.books).every(({ offBy }) => offBy === 0n));
});

test('a recording has no sampler to change', async (t) => {
  const source = { type: 'recording', path: recordingOf(rows(100)) } as const;
  using kdamond = new Kdamond({ source });
  const error = await t.throwsAsync(kdamond.commit({ sampler: { type: 'ibs_op' } }), {
    instanceOf: DamonError,
  });
  t.like(error, { code: 'ERR_DAMON_CONFIG_SAMPLER', path: 'sampler' });
});
