import test from 'ava';

import { DamonError } from '../../../src/errors.ts';
import { demoRows } from '../../../src/job/study/rows.ts';
import { sensitivity, type SensitivityOptions } from '../../../src/job/study/sensitivity.ts';
import { shares } from '../../../src/job/study/shares.ts';
import { type StudyOptions, study } from '../../../src/job/study/study.ts';
import type { Progress } from '../../../src/kdamond.ts';
import { summarize } from '../../../src/report/study.ts';
import { smallLoop, smallMachine } from '../../support/loop.ts';

const CASES = [
  { name: 'up', loop: smallLoop([6, 4], 6) },
  { name: 'up', loop: smallLoop([6, 4], 6, { controller: 'proportional' }) },
] as const;
const run = (more: Partial<StudyOptions> = {}) =>
  study({ title: 'small', cases: CASES, seeds: 3, ...more });

test('the result does not depend on how many threads there are', async (t) => {
  const [one, three] = [await run({ workers: 1 }), await run({ workers: 3 })];
  t.deepEqual(one.cases, three.cases);
  t.is(one.runsDone, 6);
  t.deepEqual(
    one.cases.map(({ controller, runs }) => [controller, runs.map(({ seed }) => seed)]),
    [
      ['temporal', [1, 2, 3]],
      ['proportional', [1, 2, 3]],
    ],
  );
  t.notDeepEqual(one.cases[0]?.runs[0], one.cases[0]?.runs[1], 'seeds matter');
  t.is(one.simulatedSeconds, 36);
});

test('progress counts the seconds of all runs', async (t) => {
  const all: Progress[] = [];
  await run({ seeds: 2, onProgress: (progress) => all.push(progress) });
  t.deepEqual(all.at(-1), { done: 24, total: 24, unit: 'seconds' });
});

test('a study that is ended early has what is done by then, the first seeds first, and nothing half done', async (t) => {
  const stop = new AbortController();
  const cases = [CASES[0], { name: 'long', loop: smallLoop([6, 4], 3_600) }];
  const record = await run({
    cases,
    seeds: 2,
    workers: 1,
    signal: stop.signal,
    // The first case is done when the second has begun.
    onProgress: ({ done }) => done > 7 && stop.abort(),
  });
  t.deepEqual([record.runsDone, record.runsPlanned], [1, 4]);
  t.deepEqual(
    record.cases.map(({ runs }) => runs.length),
    [1, 0],
  );
  t.is(record.simulatedSeconds, 6);
  const before = await run({ signal: AbortSignal.abort() });
  t.is(before.runsDone, 0);
});

test('a run that fails ends the study with its error', async (t) => {
  const cases = [CASES[0], { name: 'wrong', loop: smallLoop([1], 5, { source: smallMachine(2) }) }];
  const error = await t.throwsAsync(run({ cases }), { instanceOf: DamonError });
  t.like(error, { code: 'ERR_DAMON_CONFIG_SHARES', path: 'weights' });
});

test('the four rows are those of the RFC, with the live changes after what was held before', async (t) => {
  const record = await demoRows({
    minutes: 0.1,
    source: smallMachine(2),
    attrs: { maxNrRegions: 60 },
    szBytes: '2 MiB',
    controllers: ['proportional'],
  });
  t.deepEqual(
    record.cases.map(({ name, published, runs: [first] }) => [
      name,
      published?.mean,
      first?.fromSecond,
      first?.shares[0]?.length,
    ]),
    [
      ['70 %, cold start', 69.73, 0, 6],
      ['30 %, cold start', 31, 0, 6],
      ['90 %, from 70 %', 89.74, 60, 66],
      ['85 %, from 90 %', 84.61, 120, 126],
    ],
  );
  // Where the change begins, the share before was reached.
  const live = record.cases.slice(2).map(({ runs: [first] }) => first?.trueShares[0]);
  t.assert(Math.abs((live[0]?.[59] ?? NaN) - 70) < 0.5);
  t.assert(Math.abs((live[1]?.[119] ?? NaN) - 90) < 0.5);
});

test('shares over three nodes', async (t) => {
  const record = await shares({ minutes: 0.5, source: smallMachine(3), szBytes: '2 MiB' });
  const [summary] = summarize(record.cases);
  t.is(summary?.name, '5:3:2 over 3 nodes');
  t.is(summary?.nodes.length, 3);
  // A tiny machine's metric strays by more than the RFC's.
  for (const { offset } of summary?.nodes ?? []) {
    t.assert(Math.abs(offset.mean) < 1, `${offset.mean}`);
  }
});

test('sensitivity runs the loop as it is and with one parameter changed', async (t) => {
  const record = await sensitivity({ minutes: 0.1, parameters: ['quota'] });
  t.deepEqual(
    record.cases.map(({ name }) => name),
    ['as the RFC', 'quota: 128 MiB', 'quota: 256 MiB', 'quota: 1 GiB'],
  );
  const rise = record.cases.map(({ runs: [first] }) => (first?.shares[0]?.[5] ?? 0) - 50);
  // Five windows of 1/64 each, and of a quarter, a half and twice that.
  for (const [i, quota] of [1, 0.25, 0.5, 2].entries()) {
    t.assert(Math.abs((rise[i] ?? 0) - (quota * 500) / 64) < 0.2, `${rise[i]}`);
  }
});

const WRONG: readonly (readonly [() => Promise<unknown>, string])[] = [
  ...[0, -1, 1.5, NaN, 10_001].map((seeds) => [() => run({ seeds }), 'seeds'] as const),
  ...[-1, 0.5].map((seed) => [() => run({ seed }), 'seed'] as const),
  ...[0, 1.5, 2_000].map((workers) => [() => run({ workers }), 'workers'] as const),
  ...[0, -1, NaN, Infinity, 1_441].map(
    (minutes) => [() => demoRows({ minutes }), 'minutes'] as const,
  ),
  [() => shares({ weights: [1] }), 'weights'],
  [() => sensitivity({ minutes: 0 }), 'minutes'],
  ...[0, 100, NaN].map((target) => [() => sensitivity({ target }), 'target'] as const),
  [() => sensitivity({ parameters: ['luck'] } as unknown as SensitivityOptions), 'parameters[0]'],
];

test('what cannot be studied is refused by name', async (t) => {
  for (const [wrong, path] of WRONG) {
    const error = await t.throwsAsync(wrong, { instanceOf: DamonError });
    t.is(error?.code, 'ERR_DAMON_CONFIG_STUDY');
    t.is(error?.path, path);
  }
});
