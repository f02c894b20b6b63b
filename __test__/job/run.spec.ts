import test from 'ava';

import { DamonError, Kdamond, type RunConfig, balance } from '../../src/index.ts';
import { type RunHandle, runConfig } from '../../src/job/run.ts';
import type { RunEvent } from '../../src/report/record.ts';
import type { Round } from '../../src/report/round.ts';
import { SMALL, recordingOf, rows, temporaryFile } from '../support/small.ts';

const STAT = { action: 'stat', pattern: { nrAccesses: { min: 1 } } } as const;
const STEERED = {
  name: 'steered',
  action: 'stat',
  quota: {
    szBytes: '1 MiB',
    resetIntervalMs: 100,
    goals: [{ metric: 'user_input', targetValue: 10 }],
    tuner: 'temporal',
  },
} as const;

const BASE: RunConfig = { source: SMALL, schemes: [STAT, STEERED], everyMs: 100, untilMs: '2 s' };

/** Four times as often as that of {@link SMALL}. */
const OFTEN = {
  type: 'ibs_op',
  period: 65_536,
  rateHz: 2_557_000_000,
  dataShare: 0.41,
} as const;

async function linesOf(config: RunConfig): Promise<string[]> {
  const lines: string[] = [];
  await runConfig(config, { onSnapshot: (snapshot) => void lines.push(snapshot.toNdjson()) });
  return lines;
}

test('a run is what a monitor with these options sees', async (t) => {
  const { untilMs: _until, ...options } = BASE;
  using kdamond = new Kdamond(options);
  const expected: string[] = [];
  for await (const snapshot of kdamond.snapshots({ untilMs: '2 s' })) {
    expected.push(snapshot.toNdjson());
  }
  t.deepEqual(await linesOf(BASE), expected);
  const record = await runConfig(BASE);
  t.deepEqual(record.books, kdamond.books);
  t.deepEqual(record.schemes, ['stat', 'steered']);
  t.true(balance(record.books).every(({ offBy }) => offBy === 0n));
  t.like(record, { startNs: kdamond.startNs, endNs: kdamond.nowNs, roundsDropped: 0, events: [] });
  t.is(record.explanation.total(0)?.rounds, 20);
});

test('a change programs the sampler anew, and only then', async (t) => {
  const sampled = async (changes: RunConfig['changes'] = []): Promise<number> => {
    const { books } = await runConfig({ ...BASE, changes });
    return Number(books.counters.sampler?.samplesTotal);
  };
  const [plain, changed] = [
    await sampled(),
    await sampled([
      { atMs: '1 s', commit: { sampler: OFTEN } },
      { atMs: '1500 ms', commit: { attrs: { minNrRegions: 20 } } },
    ]),
  ];
  // A second as before, and one of four times as many.
  t.assert(Math.abs(changed / plain - 2.5) < 0.05, `${changed} of ${plain}`);
});

test('changes come when they are planned, and no earlier', async (t) => {
  const scores: [number, number][] = [];
  const events: RunEvent[] = [];
  const rounds: Round[] = [];
  await runConfig(
    {
      ...BASE,
      changes: [
        { atMs: 0, setGoals: [{ scheme: 'steered', currentValue: 5 }] },
        { atMs: 500, setGoals: [{ scheme: 'steered', currentValue: 10 }] },
        { atMs: 1_000, commit: { schemes: [STAT] } },
        { atMs: 1_001, commit: { attrs: { aggregationUs: '200 ms' } } },
      ],
    },
    {
      onTuning: ({ timeNs, scoreBp }) => scores.push([Number(timeNs) / 1e6, scoreBp]),
      onEvent: (event) => events.push(event),
      onRounds: (some) => void rounds.push(...some),
    },
  );
  t.deepEqual(events, [
    { kind: 'changed', atMs: 0 },
    { kind: 'changed', atMs: 500 },
    { kind: 'changed', atMs: 1_000 },
    { kind: 'changed', atMs: 1_001 },
  ]);
  for (const [atMs, scoreBp] of scores) t.is(scoreBp, atMs <= 500 ? 5_000 : 10_000, `${atMs}`);
  t.is(scores.length, 10);
  // Committed away, and never seen again.
  t.true(rounds.every(({ scheme, timeNs }) => scheme === 0 || timeNs <= 1_000_000_000n));
  const late = rounds.filter(({ timeNs }) => timeNs > 1_100_000_000n).map(({ timeNs }) => timeNs);
  late.slice(1).forEach((timeNs, i) => t.is(timeNs - (late[i] ?? 0n), 200_000_000n));
  t.true(late.length >= 3);
});

test('a change that only the source can refuse is refused before anything runs', async (t) => {
  const moved = { action: 'migrate_hot', targetNid: 7 } as const;
  const changes = [
    { atMs: 500, setGoals: [{ scheme: 'steered', currentValue: 1 }] },
    { atMs: '1 s', commit: { schemes: [moved] } },
  ] as const;
  let snapshots = 0;
  const error = await t.throwsAsync(
    () => runConfig({ ...BASE, changes }, { onSnapshot: () => void snapshots++ }),
    { instanceOf: DamonError, code: 'ERR_DAMON_CONFIG_ACTION' },
  );
  t.is(error?.path, 'changes[1].commit.schemes[0].targetNid');
  t.is(snapshots, 0);
});

test('changes are looked at as things are by then', async (t) => {
  const virtual = { type: 'page_faults', period: 1, address: 'virtual' } as const;
  const processes = [{ tgid: 1, regions: [{ start: 0x7f00_0000_0000, end: 0x7f00_1000_0000 }] }];
  const { events } = await runConfig({
    ...BASE,
    source: { ...SMALL, sampler: virtual },
    operations: 'fvaddr',
    targets: processes,
    changes: [
      // Reports tell physical addresses from here on: only now there is `paddr_ibs`.
      {
        atMs: 500,
        commit: { sampler: OFTEN, operations: 'paddr_ibs', targets: [{ regions: [] }] },
      },
      { atMs: '1 s', commit: { paused: true } },
      // A target that goes has come before.
      { atMs: 1500, commit: { operations: 'fvaddr', targets: processes, sampler: virtual } },
      { atMs: 1700, commit: { targets: [...processes, ...processes] } },
      { atMs: 1900, commit: { targets: [...processes, { tgid: 1, regions: [], obsolete: true }] } },
    ],
  });
  t.deepEqual(
    events.map(({ kind }) => kind),
    Array(5).fill('changed'),
  );
});

test('a change that the source does not live to see is told', async (t) => {
  const source = { type: 'recording', path: recordingOf(rows(1_000)) } as const;
  const record = await runConfig({
    source,
    changes: [
      { atMs: '500 ms', commit: { paused: false } },
      { atMs: '1 h', commit: { paused: true } },
    ],
  });
  t.deepEqual(record.events, [
    { kind: 'changed', atMs: 500 },
    { kind: 'missed', atMs: 3_600_000 },
  ]);
  t.deepEqual(record.source, [source.path]);
});

test('an emulation without an end is refused before anything runs', async (t) => {
  const { untilMs: _until, ...endless } = BASE;
  const error = await t.throwsAsync(runConfig(endless), { instanceOf: DamonError });
  t.like(error, { code: 'ERR_DAMON_CONFIG', path: 'untilMs' });
});

/** Runs, and does something at the fifth snapshot. */
async function runAnd(
  act: (run: RunHandle) => Promise<void>,
  config = BASE,
): Promise<{ lines: string[]; events: readonly RunEvent[]; roundsAfter: Round[] }> {
  const lines: string[] = [];
  const roundsAfter: Round[] = [];
  let handle: RunHandle | undefined;
  const { events } = await runConfig(config, {
    onStart: (run) => {
      handle = run;
    },
    onSnapshot: async (snapshot) => {
      lines.push(snapshot.toNdjson());
      if (lines.length === 5 && handle) await act(handle);
    },
    onRounds: (rounds) => void (lines.length > 6 && roundsAfter.push(...rounds)),
  });
  return { lines, events, roundsAfter };
}

/** Files that a run does not go on by. */
const REFUSED: readonly [config: unknown, code: string, path: string][] = [
  [{ ...BASE, schemes: [{ action: 'migrat_hot' }] }, 'ERR_DAMON_CONFIG', 'schemes[0].action'],
  [{ ...BASE, seed: 2 }, 'ERR_DAMON_CONFIG_FIXED', 'seed'],
  [
    { ...BASE, source: { ...SMALL, workload: { type: 'hot_set', bytes: '32 MiB' } } },
    'ERR_DAMON_CONFIG_FIXED',
    'source',
  ],
  [
    { ...BASE, schemes: [{ action: 'migrate_hot', targetNid: 7 }] },
    'ERR_DAMON_CONFIG_ACTION',
    'schemes[0].targetNid',
  ],
  [{ ...BASE, untilMs: undefined }, 'ERR_DAMON_CONFIG', 'untilMs'],
  [
    { ...BASE, source: { ...SMALL, sampler: { type: 'chmu', nodes: [9] } } },
    'ERR_DAMON_CONFIG_SAMPLER',
    'source.sampler.nodes',
  ],
  [
    { ...BASE, changes: [{ atMs: 1, commit: { sampler: { type: 'chmu', nodes: [9] } } }] },
    'ERR_DAMON_CONFIG_SAMPLER',
    'changes[0].commit.sampler.nodes',
  ],
];

test('a reload that is refused leaves the run as it is, to the byte', async (t) => {
  const expected = await linesOf(BASE);
  for (const [config, code, path] of REFUSED) {
    const { lines, events } = await runAnd(async (run) => {
      const error = await t.throwsAsync(run.reload(config as RunConfig), {
        instanceOf: DamonError,
      });
      t.like(error, { code, path });
      t.true(error?.message.includes(`\`${path}\``), error?.message);
    });
    t.deepEqual(lines, expected, path);
    t.deepEqual(events, []);
  }
});

test('a reload is what a commit would be; its end and its changes to come are those from then on', async (t) => {
  const { lines, events, roundsAfter } = await runAnd(async (run) =>
    run.reload({
      ...BASE,
      schemes: [STAT],
      untilMs: '3 s',
      changes: [
        // Has passed: counts as made.
        { atMs: 1, commit: { attrs: { minNrRegions: 20 } } },
        { atMs: '2500 ms', commit: { schemes: [] } },
      ],
    }),
  );
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['reloaded', 'changed'],
  );
  t.true(lines.length >= 28, `${lines.length}`);
  t.deepEqual(new Set(roundsAfter.map(({ scheme }) => scheme)), new Set([0]));
  t.true(roundsAfter.every(({ timeNs }) => timeNs <= 2_500_000_000n));
});

test('a reload with another sampler samples by it from then on, wherever it is said', async (t) => {
  const sampled = async (...reloads: RunConfig[]): Promise<[number, string[]]> => {
    let handle: RunHandle | undefined;
    let snapshots = 0;
    const { books, events } = await runConfig(BASE, {
      onStart: (run) => {
        handle = run;
      },
      onSnapshot: async () => {
        snapshots += 1;
        if (snapshots !== 5) return;
        for (const config of reloads) await handle?.reload(config);
      },
    });
    t.true(balance(books).every(({ offBy }) => offBy === 0n));
    return [Number(books.counters.sampler?.samplesTotal), events.map(({ kind }) => kind)];
  };
  const inSource = { ...BASE, source: { ...SMALL, sampler: OFTEN } };
  const inChange = { ...BASE, changes: [{ atMs: 1, commit: { sampler: OFTEN } }] };
  const [plain] = await sampled();
  // Of two seconds a half as before, and the rest with four times as many.
  for (const [config, again] of [
    [inSource, inChange],
    [inChange, inSource],
  ] as const) {
    const [changed, events] = await sampled(config, again);
    t.assert(Math.abs(changed / plain - 3.25) < 0.05, `${changed} of ${plain}`);
    t.deepEqual(events, ['reloaded', 'unchanged']);
  }
  // One that needs other lanes, and another operations set.
  const sampler = { type: 'hint_faults', address: 'virtual' } as const;
  const faults = { ...BASE, operations: 'vaddr', source: { ...SMALL, sampler } } as const;
  t.deepEqual((await sampled(faults))[1], ['reloaded']);
});

test('a reload of what there is changes nothing', async (t) => {
  const { lines, events } = await runAnd(async (run) => run.reload({ ...BASE }));
  t.deepEqual(lines, await linesOf(BASE));
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['unchanged'],
  );
});

test('after the end there is nothing to reload', async (t) => {
  let handle: RunHandle | undefined;
  await runConfig(BASE, {
    onStart: (run) => {
      handle = run;
    },
  });
  await t.throwsAsync(async () => handle?.reload(BASE), { code: 'ERR_DAMON_ENDED' });
});

test('a run that is ended early resolves to what is done, and says what did not come', async (t) => {
  const config = {
    ...BASE,
    untilMs: '10000 h',
    changes: [
      { atMs: 300, commit: { paused: false } },
      { atMs: '1 h', commit: { paused: true } },
    ],
  };
  let handle: RunHandle | undefined;
  let snapshots = 0;
  const record = await runConfig(config, {
    onStart: (run) => {
      handle = run;
    },
    onSnapshot: () => {
      snapshots += 1;
      if (snapshots === 5) handle?.end();
    },
  });
  t.is(snapshots, 5);
  t.is(record.endNs - record.startNs, 500_000_000n);
  t.deepEqual(record.events, [
    { kind: 'changed', atMs: 300 },
    { kind: 'missed', atMs: 3_600_000 },
  ]);
  t.true(balance(record.books).every(({ offBy }) => offBy === 0n));
  t.true(record.hotRanges.length > 0);
});

test('what was run is told in a few phrases', async (t) => {
  const { source } = await runConfig({ ...BASE, untilMs: 100 });
  t.deepEqual(source, [
    'fast 128 MiB',
    'slow 128 MiB',
    'hot set 64 MiB',
    '2 CPUs, IBS Op every 262144 cycles',
    'monitored by paddr_ibs',
    'sampling 5 ms, aggregation 100 ms',
  ]);
  const areas = [{ name: 'a', bytes: '16 MiB' }];
  const phases = [{ lines: [{ area: 'a', pattern: { type: 'uniform' } }] }] as const;
  const processes = [0, 1].map((cpu) => ({ areas, phases, cpus: { start: cpu, end: cpu + 1 } }));
  const rival = await runConfig({
    source: {
      ...SMALL,
      workload: { type: 'processes', processes },
      sampler: { type: 'hint_faults' },
      policy: { type: 'numa_balancing', demotion: { lowBytes: 0 } },
    },
    operations: 'paddr',
    untilMs: 100,
  });
  t.deepEqual(rival.source.slice(2, 5), [
    '2 processes with 32 MiB',
    '2 CPUs, NUMA hint faults',
    'policy numa_balancing',
  ]);
});

test('a signal ends a run with its reason, and the books are told as they stand', async (t) => {
  const ending = new AbortController();
  const reason = new Error('enough');
  let isBalanced = false;
  const run = runConfig(
    { ...BASE, untilMs: '10000 h' },
    {
      signal: ending.signal,
      onSnapshot: () => ending.abort(reason),
      onFailure: (books) => {
        isBalanced = balance(books).every(({ offBy }) => offBy === 0n);
      },
    },
  );
  t.is(await run.catch((error: unknown) => error), reason as never);
  t.true(isBalanced);
});

test("a recording's nodes are read from the description beside it", async (t) => {
  const path = recordingOf(rows(100));
  const nodes = [{ name: 'all', start: 0, end: '1 GiB' }];
  const described = temporaryFile('', 'x.samples.csv');
  t.deepEqual((await runConfig({ source: { type: 'recording', path } })).nodes, []);
  const { writeFileSync, copyFileSync } = await import('node:fs');
  copyFileSync(path, described);
  writeFileSync(described.replace('.samples.csv', '.machine.json'), JSON.stringify({ nodes }));
  const record = await runConfig({ source: { type: 'recording', path: described } });
  t.like(record.nodes, [{ id: 0, name: 'all' }]);
});
