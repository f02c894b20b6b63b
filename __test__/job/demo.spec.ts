import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { type DemoOptions, PUBLISHED, demo } from '../../src/job/demo.ts';
import type { Progress } from '../../src/kdamond.ts';
import { balance } from '../../src/report/record.ts';

test('a minute holds 70 % after the least possible ramp', async (t) => {
  const record = await demo({ minutes: 1 });
  const [row] = record.rows;
  t.is(record.rows.length, 1);
  t.assert(Math.abs(row?.offset ?? NaN) < 1, `${row?.mean}`);
  // 20 points of 32 GiB at 512 MiB a second: 12.8 windows.
  t.is(row?.rampSeconds, 13);
  t.is(row?.samples, 60 - 13);
  t.is(record.simulatedSeconds, 60);
  t.is(record.share.length, 60);
  t.deepEqual(record.published, PUBLISHED.slice(0, 1));
  for (const { equation, offBy } of balance(record.books)) t.is(offBy, 0n, equation.name);
});

test('what the goal reads is what the machine knows', async (t) => {
  const { share, trueShare } = await demo({ minutes: 0.5 });
  t.is(trueShare[0], 50);
  for (const [second, read] of share.entries()) {
    if (second === 0) continue;
    const off = Math.abs(read - (trueShare[second] ?? NaN));
    t.assert(off < 2, `second ${second}: ${read} for ${trueShare[second]}`);
  }
});

test('a later target is a live change in the same run', async (t) => {
  const { rows, targets, quotas, published } = await demo({ targets: [60, 55.5], minutes: 0.5 });
  t.deepEqual(targets, [
    { fromSecond: 0, target: 60 },
    { fromSecond: 30, target: 55.5 },
  ]);
  t.deepEqual(
    rows.map(({ rampSeconds }) => rampSeconds),
    [7, 3],
  );
  for (const { mean, target } of rows) t.assert(Math.abs((mean ?? NaN) - target) < 1.5, `${mean}`);
  // Which of the two schemes works tells which way the share has to go.
  const [pull, push] = quotas ?? [];
  t.assert((pull?.effectiveBytes[1] ?? 0) > 0 && push?.effectiveBytes[1] === 0);
  t.assert((push?.effectiveBytes[31] ?? 0) > 0 && pull?.effectiveBytes[31] === 0);
  // The two goals add up to all: never do both schemes work, against each other.
  const work = (second: number) =>
    [pull, push].filter((one) => (one?.effectiveBytes[second] ?? 0) > 0);
  for (let second = 0; second < 60; second++) t.assert(work(second).length <= 1, `${second}`);
  t.deepEqual(published, []);
});

test('the same seed gives the same run, another seed another', async (t) => {
  const run = async (seed: number) => {
    const { share, trueShare, quotas, books } = await demo({ minutes: 0.25, seed });
    return { share, trueShare, quotas, books };
  };
  const [first, again, other] = [await run(5), await run(5), await run(6)];
  t.deepEqual(first, again);
  t.notDeepEqual(first.books, other.books);
});

test('progress counts the seconds of all targets', async (t) => {
  const all: Progress[] = [];
  const onProgress = (progress: Progress) => void all.push(progress);
  await demo({ targets: [52, 51], minutes: 0.05, onProgress });
  t.deepEqual(all.at(-1), { done: 6, total: 6, unit: 'seconds' });
});

test('a signal ends a demonstration with its reason', async (t) => {
  const controller = new AbortController();
  const run = demo({ signal: controller.signal, onProgress: () => controller.abort('enough') });
  t.is(await run.catch((reason: unknown) => reason), 'enough');
});

test('targets in steps of a hundredth of a percent are taken, whatever their binary fraction', async (t) => {
  // 70.1 * 100 is 7009.999999999999.
  for (const target of [70.1, 0.07, 99.99, 0.01]) {
    const { rows } = await demo({ targets: [target], minutes: 1 / 60 });
    t.is(rows[0]?.target, target);
  }
});

const WRONG: readonly (DemoOptions & { path: string; expected: RegExp })[] = [
  ...[0, 100, 101, -1, NaN, Infinity, 70.001].map((target) => ({
    targets: [50, target],
    path: 'targets[1]',
    expected: /above 0 and below 100/,
  })),
  { targets: [], path: 'targets', expected: /at least one/ },
  ...[0, -1, NaN, Infinity, 0.001, 1_441].map((minutes) => ({
    minutes,
    path: 'minutes',
    expected: /at least one simulated second/,
  })),
];

test('a share or a time that cannot be is refused before anything runs', async (t) => {
  for (const { path, expected, ...options } of WRONG) {
    const error = await t.throwsAsync(demo(options), { instanceOf: DamonError });
    t.is(error?.code, 'ERR_DAMON_CONFIG_DEMO');
    t.is(error?.path, path);
    t.regex(error?.expected ?? '', expected);
  }
  const error = await t.throwsAsync(demo({ seed: 0.5 }), { instanceOf: DamonError });
  t.is(error?.path, 'seed');
});
