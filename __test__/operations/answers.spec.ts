import { readFile } from 'node:fs/promises';

import test from 'ava';

import {
  type Awaitable,
  DamonError,
  Kdamond,
  type KdamondOptions,
  type OperationsFailure,
  type OperationsJob,
  type OperationsSet,
  balance,
} from '../../src/index.ts';
import { collect } from '../support/small.ts';
import { QUICK, apart, toy } from '../support/toy.ts';

const STAT = { action: 'stat' } as const;

function monitorOf(set: OperationsSet, more: Partial<KdamondOptions> = {}): Kdamond {
  return new Kdamond({ source: { type: 'operations', set }, ...QUICK, ...more });
}

function counter({ books }: Kdamond, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], books.counters);
}

const isBalanced = ({ books }: Kdamond) => balance(books).every(({ offBy }) => offBy === 0n);

/** Never settles. */
const NEVER = new Promise<never>(() => {});
const later = <T>(value: T) =>
  new Promise<T>((resolve) => {
    setImmediate(resolve, value);
  });

/** Touches in 10 intervals from `from` on, by the toy's rule. */
function touches(page: number, from: number): number {
  return Array.from({ length: 10 }, (_, i) => (from + i) % (page + 1)).filter((rest) => rest === 0)
    .length;
}

const ANSWERED: readonly [string, OperationsSet][] = [
  ['at once', toy()],
  [
    'by promises',
    (() => {
      const set = toy();
      return toy({
        prepareAccessChecks: async (...args) => {
          await later(undefined);
          await set.prepareAccessChecks?.(...args);
        },
        checkAccesses: async (...args) => {
          await later(undefined);
          return set.checkAccesses?.(...args);
        },
      });
    })(),
  ],
  [
    'by an array of its own',
    (() => {
      const set = toy();
      return toy({
        prepareAccessChecks: (...args) => set.prepareAccessChecks?.(...args),
        checkAccesses: (target, addresses) => {
          const own = new Uint8Array(addresses.length);
          set.checkAccesses?.(target, addresses, own);
          return own.map((flag) => flag * 7);
        },
      });
    })(),
  ],
];

for (const [how, set] of ANSWERED) {
  test(`a set that answers ${how} gives the snapshots worked out by hand`, async (t) => {
    const kdamond = monitorOf(set);
    const snapshots = await collect(kdamond.snapshots({ untilMs: 200 }));
    t.is(snapshots.length, 4);
    snapshots.forEach((snapshot, window) => {
      t.is(snapshot.timeNs, BigInt(window + 1) * 50_000_000n);
      t.deepEqual(
        [...snapshot.starts].map(Number),
        apart(4).map(({ start }) => start),
      );
      t.deepEqual(
        [...snapshot.nrAccesses],
        [0, 1, 2, 3].map((page) => touches(page, window * 10)),
      );
    });
    // Two per interval, and the first of the interval that the run ended in.
    t.is(counter(kdamond, 'questions.asked'), 81);
    t.is(counter(kdamond, 'questions.answered'), 81);
    t.is(counter(kdamond, 'intervals.unobserved'), 0);
    t.is(kdamond.lastFailure, undefined);
    t.true(isBalanced(kdamond));
    kdamond.close();
  });
}

type Check = NonNullable<OperationsSet['checkAccesses']>;

const FAILURES: readonly [string, OperationsFailure['kind'], () => Awaitable<unknown>, RegExp][] = [
  [
    'throws',
    'threw',
    () => {
      throw new TypeError('no such page');
    },
    /`toy.checkAccesses` failed: no such page/,
  ],
  ['rejects', 'threw', () => Promise.reject(new Error('gone')), /failed: gone/],
  ['rejects with what is no error', 'threw', () => Promise.reject('why'), /failed: why/],
  ['answers a number', 'malformed', () => NaN, /Uint8Array of 4 elements, got `NaN`/],
  ['answers too few', 'malformed', () => new Uint8Array(3), /Uint8Array of 4 elements/],
  ['answers too many', 'malformed', () => later(new Uint8Array(5)), /Uint8Array of 4 elements/],
  ['answers late', 'late', () => NEVER, /no answer within 20 ms/],
];

for (const [what, kind, fail, message] of FAILURES) {
  test(`a check that ${what} leaves its interval unobserved, and the run goes on`, async (t) => {
    const set = toy();
    let checks = 0;
    const failing = toy({
      prepareAccessChecks: (...args) => set.prepareAccessChecks?.(...args),
      checkAccesses: ((...args: Parameters<Check>) => {
        set.checkAccesses?.(...args);
        // The fourth and the fifth interval.
        return [4, 5].includes((checks += 1)) ? fail() : undefined;
      }) as Check,
    });
    const failures: OperationsFailure[] = [];
    const kdamond = monitorOf(failing, { controlTimeoutMs: 20 });
    const onFailure = (failure: OperationsFailure) => void failures.push(failure);
    const snapshots = await collect(kdamond.snapshots({ untilMs: 60, onFailure }));

    t.is(failures.length, 2);
    for (const failure of failures) {
      const { error, ...rest } = failure;
      t.deepEqual(rest, { kind, set: 'toy', method: 'checkAccesses' });
      t.true(error instanceof DamonError);
      t.is(error.code, 'ERR_DAMON_OPERATIONS');
      t.regex(error.message, message);
    }
    t.is(kdamond.lastFailure, failures[1]);
    t.is(counter(kdamond, `questions.${kind}`), 2);
    t.is(counter(kdamond, 'intervals.unobserved'), 2);
    t.true(isBalanced(kdamond));
    // A window is ten intervals that were observed: 0 to 2 and 5 to 11, at the twelfth tick's time.
    t.is(snapshots.length, 1);
    t.is(snapshots[0]?.timeNs, 60_000_000n);
    const seen = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11];
    t.deepEqual(
      [...(snapshots[0]?.nrAccesses ?? [])],
      [1, 2, 3, 4].map((every) => seen.filter((k) => k % every === 0).length),
    );
    kdamond.close();
  });
}

test('if one target of several is not answered for, none is credited', async (t) => {
  const one = apart(2);
  const targets = [1, 2].map((tgid) => ({ tgid, regions: one }));
  let checks = 0;
  const set = toy({
    addresses: 'virtual',
    targets: () => targets,
    checkAccesses: ({ tgid }, _, accessed) => {
      checks += 1;
      if (tgid === 2 && checks <= 4) throw new Error('not yet');
      accessed.fill(1);
    },
  });
  const kdamond = monitorOf(set);
  const [snapshot] = await collect(kdamond.snapshots({ untilMs: 60 }));
  t.deepEqual([...(snapshot?.nrAccesses ?? [])], [10, 10, 10, 10]);
  t.deepEqual([...(snapshot?.hits ?? [])], [10, 10, 10, 10]);
  t.is(counter(kdamond, 'intervals.unobserved'), 2);
  kdamond.close();
});

test('a job says what, where and which pages; its answer is what took effect', async (t) => {
  const jobs: OperationsJob[] = [];
  const set = toy({
    apply: (job) => {
      jobs.push(job);
      return { appliedBytes: 4096, passedBytes: 4096, elapsedNs: 1_000 };
    },
  });
  const kdamond = monitorOf(set, {
    schemes: [
      {
        action: 'pageout',
        pattern: { nrAccesses: { max: 4 } },
        filters: [
          { type: 'memcg', memcg: '/a', matching: true, allow: true },
          { type: 'hugepage_size', szBytes: { min: 0, max: 4096 }, matching: true, allow: false },
        ],
      },
    ],
  });
  await kdamond.run({ untilMs: 50 });
  t.deepEqual(
    jobs.map(({ start, end }) => [start, end]),
    apart(4)
      .slice(2)
      .map(({ start, end }) => [BigInt(start), BigInt(end)]),
  );
  const [job] = jobs;
  t.is(job?.action, 'pageout');
  t.deepEqual(job?.filters, [
    { type: 'memcg', matching: true, allow: true, memcg: '/a' },
    { type: 'hugepage_size', matching: true, allow: false, szBytes: { min: 0n, max: 4096n } },
  ]);
  t.true(
    job?.passes(({ type }) => type === 'memcg'),
    'the first that hits decides',
  );
  t.false(job?.passes(({ type }) => type === 'hugepage_size'));
  t.true(
    job?.passes(() => false),
    'the opposite of what the last would have said',
  );
  t.is(counter(kdamond, 'schemes.0 pageout.szApplied'), 8192);
  t.is(counter(kdamond, 'schemes.0 pageout.szOpsFilterPassed'), 8192);
  kdamond.close();
});

const NO_APPLICATION: readonly [string, OperationsFailure['kind'], () => unknown][] = [
  ['NaN bytes', 'malformed', () => ({ appliedBytes: NaN })],
  ['more bytes than there are', 'malformed', () => ({ appliedBytes: 4097 })],
  ['negative bytes', 'malformed', () => ({ appliedBytes: -1 })],
  ['half a nanosecond', 'malformed', () => ({ appliedBytes: 0, elapsedNs: 0.5 })],
  ['nothing', 'malformed', () => undefined],
  ['never', 'late', () => NEVER],
  [
    'with an error',
    'threw',
    () => {
      throw new Error('full');
    },
  ],
];

for (const [what, kind, apply] of NO_APPLICATION) {
  test(`an action answered ${what} was tried and not applied`, async (t) => {
    const set = toy({ targets: () => [{ regions: apart(1) }], apply: apply as never });
    const kdamond = monitorOf(set, { schemes: [{ action: 'pageout' }], controlTimeoutMs: 20 });
    const [snapshot] = await collect(kdamond.snapshots({ untilMs: 50 }));
    t.deepEqual([...(snapshot?.nrAccesses ?? [])], [10], 'what was seen stays seen');
    t.is(counter(kdamond, 'schemes.0 pageout.nrTried'), 1);
    t.is(counter(kdamond, 'schemes.0 pageout.nrApplied'), 0);
    t.is(counter(kdamond, `questions.${kind}`), 1);
    t.is(counter(kdamond, 'intervals.unobserved'), 0);
    t.is(kdamond.lastFailure?.method, 'apply');
    t.true(isBalanced(kdamond));
    kdamond.close();
  });
}

test('a metric that is not answered steers nothing: the quota stays', async (t) => {
  let readings = 0;
  const set = toy({
    read: () => {
      if ((readings += 1) > 1) throw new Error('no meter');
      return { part: 25, total: 100 };
    },
  });
  const goal = { metric: 'node_mem_used_bp', targetValue: 5_000, nid: 0 } as const;
  const quota = { szBytes: '1 MiB', resetIntervalMs: 50, goals: [goal] };
  const source = { type: 'operations', set, nodes: [{ start: 0, end: '1 MiB' }] } as const;
  const kdamond = new Kdamond({ source, ...QUICK, schemes: [{ action: 'pageout', quota }] });
  const steps: [number | undefined, bigint, string | undefined][] = [];
  await kdamond.run({
    untilMs: 150,
    onTuning: ({ goals, goalBytes, failure }) =>
      steps.push([goals[0]?.currentValue, goalBytes, failure?.code]),
  });
  const [first, second, third] = steps;
  t.is(first?.[0], 2_500);
  t.is(first?.[2], undefined);
  t.deepEqual(second, [undefined, first?.[1] ?? -1n, 'ERR_DAMON_METRIC']);
  t.deepEqual(third, second);
  t.is(counter(kdamond, 'questions.threw'), 2);
  kdamond.close();
});

test('eligible memory is measured region by region, or not at all', async (t) => {
  const asked: [bigint, bigint, number][] = [];
  const set = toy({
    bytesOnNode: (start, end, nid) => {
      asked.push([start, end, nid]);
      if (asked.length > 4) return { part: 5000, total: 4096 };
      return { part: start === 0n ? 4096 : 0, total: 4096 };
    },
  });
  const goal = { metric: 'node_eligible_mem_bp', targetValue: 5_000, nid: 0 } as const;
  const quota = { szBytes: '1 MiB', resetIntervalMs: 50, goals: [goal] };
  const source = { type: 'operations', set, nodes: [{ start: 0, end: '1 MiB' }] } as const;
  const kdamond = new Kdamond({ source, ...QUICK, schemes: [{ ...STAT, quota }] });
  const values: (number | undefined)[] = [];
  await kdamond.run({
    untilMs: 100,
    onTuning: ({ goals }) => values.push(goals[0]?.currentValue),
  });
  t.deepEqual(values, [2_500, undefined]);
  t.deepEqual(
    asked.slice(0, 4),
    apart(4).map(({ start, end }) => [BigInt(start), BigInt(end), 0]),
  );
  kdamond.close();
});

test('a set that reports fills lanes; a report that fails leaves its interval unobserved', async (t) => {
  let calls = 0;
  const until: bigint[] = [];
  const set = toy({
    sees: 'reports',
    report: (untilNs, lanes) => {
      until.push(untilNs);
      const addresses = Float64Array.of(0, 0, 8192);
      lanes.lane(0).reportBatch({ addresses });
      if ((calls += 1) === 3) throw new Error('sampler lost');
      lanes.lane(1).report({ address: 16_384 });
    },
  });
  const kdamond = monitorOf(set);
  const [snapshot] = await collect(kdamond.snapshots({ untilMs: 55 }));
  t.deepEqual(
    until,
    Array.from({ length: 11 }, (_, i) => BigInt(i + 1) * 5_000_000n),
  );
  // What was reported before the failure counts in the interval that is still to be observed.
  t.deepEqual([...(snapshot?.hits ?? [])], [22, 11, 10, 0]);
  t.deepEqual([...(snapshot?.nrAccesses ?? [])], [10, 10, 10, 0]);
  t.is(counter(kdamond, 'intervals.unobserved'), 1);
  t.is(counter(kdamond, 'drain.credited'), 43);
  t.true(isBalanced(kdamond));
  kdamond.close();
});

test('processes that are gone end the monitor; one that is not answered for stays', async (t) => {
  let asked = 0;
  const set = toy({
    addresses: 'virtual',
    targets: () => [{ tgid: 7, regions: apart(2) }],
    isTargetValid: ({ tgid }) => {
      asked += 1;
      if (tgid !== 7) throw new Error('a process of nobody');
      if (asked === 2) throw new Error('not now');
      return asked < 30;
    },
  });
  const kdamond = monitorOf(set);
  await kdamond.run();
  t.is(counter(kdamond, 'questions.threw'), 1);
  t.true(kdamond.nowNs > 20_000_000n && kdamond.nowNs < 100_000_000n);
  kdamond.close();
});

test('regions of a process come from its mappings, and follow them', async (t) => {
  const mebi = 2 ** 20;
  let grown = 0;
  const set = toy({
    addresses: 'virtual',
    targets: () => [{ tgid: 7 }],
    checkAccesses: (_, __, accessed) => void accessed.fill(1),
    mappings: () => [
      { start: mebi, end: 2 * mebi },
      { start: 10 * mebi, end: (11 + grown) * mebi },
      { start: 100 * mebi, end: 101 * mebi },
    ],
  });
  const attrs = { ...QUICK.attrs, opsUpdateUs: '100 ms' };
  const kdamond = monitorOf(set, { attrs });
  const sizes: number[] = [];
  for await (const { starts, ends } of kdamond.snapshots({ untilMs: 300 })) {
    sizes.push(starts.reduce((sum, start, i) => sum + Number((ends[i] ?? 0n) - start), 0) / mebi);
    grown = 1;
  }
  t.deepEqual(sizes.slice(0, 2), [3, 3]);
  t.is(sizes.at(-1), 4);
  kdamond.close();
});

test('an abort ends the wait for an answer; the monitor goes on from there', async (t) => {
  const aborter = new AbortController();
  let hangs = true;
  const set = toy();
  const hanging = toy({
    prepareAccessChecks: (...args) => set.prepareAccessChecks?.(...args),
    checkAccesses: (...args) => {
      if (!hangs) return set.checkAccesses?.(...args);
      setImmediate(() => aborter.abort(new Error('enough')));
      return NEVER;
    },
  });
  const kdamond = monitorOf(hanging);
  await t.throwsAsync(kdamond.run({ signal: aborter.signal }), { message: 'enough' });
  t.is(counter(kdamond, 'questions.abandoned'), 1);
  t.is(kdamond.lastFailure, undefined, 'to be interrupted is no failure of the set');
  hangs = false;
  const snapshots = await collect(kdamond.snapshots({ untilMs: 60 }));
  t.is(snapshots.length, 1);
  t.true(isBalanced(kdamond));
  kdamond.close();
});

test('close from within a callback, and while one never answers, ends the run', async (t) => {
  for (const answer of [undefined, NEVER]) {
    const set = toy({
      checkAccesses: () => {
        kdamond.close();
        return answer;
      },
    });
    const kdamond = monitorOf(set);
    await t.throwsAsync(kdamond.run(), { code: 'ERR_DAMON_CLOSED' });
  }
});

test('a commit during a run does not disturb the question in progress', async (t) => {
  let committed: Promise<void> | undefined;
  const set = toy({
    checkAccesses: async (_, __, accessed) => {
      committed ??= kdamond.commit({ attrs: QUICK.attrs, schemes: [STAT] });
      await later(undefined);
      accessed.fill(1);
    },
  });
  const kdamond = monitorOf(set);
  await kdamond.run({ untilMs: 100 });
  await committed;
  t.is(counter(kdamond, 'questions.asked'), counter(kdamond, 'questions.answered'));
  t.deepEqual(
    kdamond.config.schemes.map(({ action }) => action),
    ['stat'],
  );
  t.true((counter(kdamond, 'schemes.0 stat.nrTried') as number) > 0);
  kdamond.close();
});

test('a listener that throws ends the run with what it threw', async (t) => {
  const set = toy({
    checkAccesses: () => {
      throw new Error('always');
    },
  });
  const kdamond = monitorOf(set);
  const onFailure = () => {
    throw new RangeError('listener');
  };
  await t.throwsAsync(kdamond.run({ untilMs: 1_000, onFailure }), { message: 'listener' });
  await kdamond.run({ untilMs: 20 });
  kdamond.close();
});

test('a lane out of order, or of a closed monitor, is refused', async (t) => {
  const errors: (string | undefined)[] = [];
  const set = toy({ sees: 'reports', report: (_, lanes) => void lanes.lane(3) });
  const kdamond = monitorOf(set);
  await kdamond.run({ untilMs: 10, onFailure: ({ error }) => errors.push(error.message) });
  t.is(errors.length, 2);
  t.regex(errors[0] ?? '', /lanes are taken in order/);
  kdamond.close();
});

test('two hundred monitors of own sets come and go, some of them in the middle of a run', async (t) => {
  const runs = Array.from({ length: 200 }, async (_, i) => {
    const kdamond = monitorOf(i % 3 === 0 ? toy({ checkAccesses: () => NEVER }) : toy());
    if (i % 3 === 2) {
      kdamond.close();
      kdamond.close();
      return 'closed';
    }
    const run = kdamond.run({ untilMs: 25 });
    if (i % 3 === 0) setTimeout(() => kdamond.close(), i % 7);
    const outcome = await run.then(
      () => 'ran',
      (error: DamonError) => error.code,
    );
    kdamond.close();
    return outcome;
  });
  const outcomes = await Promise.all(runs);
  t.deepEqual(
    outcomes,
    Array.from({ length: 200 }, (_, i) => ['ERR_DAMON_CLOSED', 'ran', 'closed'][i % 3]),
  );
});

test('watermarks that are not answered for leave a scheme as it is', async (t) => {
  // Permil of free memory by reading: active below 150, inactive above 200; then no answer.
  for (const [first, tried] of [
    [100, true],
    [900, false],
  ] as const) {
    let readings = 0;
    const set = toy({
      read: ({ type }) => {
        if (type !== 'free' || (readings += 1) > 1) throw new Error('no meter');
        return { part: first, total: 1_000 };
      },
    });
    const marks = { highPermil: 200, midPermil: 150, lowPermil: 50, intervalUs: '5 ms' };
    const watermarks = { metric: 'free_mem_rate', ...marks } as const;
    const kdamond = monitorOf(set, { schemes: [{ ...STAT, watermarks }] });
    await kdamond.run({ untilMs: 100 });
    t.is((counter(kdamond, 'schemes.0 stat.nrTried') as number) > 0, tried);
    t.true((counter(kdamond, 'questions.threw') as number) > 10);
    t.true(isBalanced(kdamond));
    kdamond.close();
  }
});

test('sets that wait for the pool of Node are not kept from it by their own monitors', async (t) => {
  // More monitors than the pool has threads.
  const runs = Array.from({ length: 6 }, async () => {
    const set = toy({ checkAccesses: async () => void (await readFile('package.json')) });
    const kdamond = monitorOf(set);
    await kdamond.run({ untilMs: 25 });
    t.is(kdamond.lastFailure, undefined);
    kdamond.close();
  });
  await Promise.all(runs);
});

test('what a set throws need not be an error, nor fit to be looked at', async (t) => {
  const odd: unknown[] = [
    undefined,
    Object.create(null),
    Symbol('odd'),
    {
      get message() {
        throw new Error('twice');
      },
    },
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('twice');
      },
    }),
  ];
  let at = 0;
  const set = toy({
    checkAccesses: () => {
      throw odd[(at += 1) - 1];
    },
  });
  const kdamond = monitorOf(set);
  const messages: string[] = [];
  await kdamond.run({ untilMs: 25, onFailure: ({ error }) => messages.push(error.message) });
  t.is(messages.length, odd.length);
  for (const message of messages) t.regex(message, /^`toy.checkAccesses` failed: ./);
  kdamond.close();
});

test('a thenable is a promise; one whose `then` cannot be read is a failure', async (t) => {
  let at = 0;
  const key: string = ['th', 'en'].join('');
  const set = toy({
    checkAccesses: ((_: unknown, __: unknown, accessed: Uint8Array) => {
      accessed.fill(1);
      if ((at += 1) > 1) return { [key]: (done: () => void) => done() };
      return Object.defineProperty({}, key, {
        get: () => {
          throw new Error('no then');
        },
      });
    }) as never,
  });
  const kdamond = monitorOf(set);
  const messages: string[] = [];
  await kdamond.run({ untilMs: 25, onFailure: ({ error }) => messages.push(error.message) });
  t.deepEqual(messages, ['`toy.checkAccesses` failed: no then']);
  t.is(counter(kdamond, 'intervals.unobserved'), 1);
  kdamond.close();
});
