import test from 'ava';
import fc from 'fast-check';

import { goalSchema, goalScoreBp, peakBytesTotal, scoreBp } from '../../src/goal/goal.ts';
import { resolve } from '../../src/validate.ts';
import { holds } from '../support/property.ts';

test('a goal scores what is reached of its target, rounded down', (t) => {
  const scores: readonly [current: number, target: number, score: bigint][] = [
    [0, 7_000, 0n],
    [3_500, 7_000, 5_000n],
    [6_999, 7_000, 9_998n],
    [7_000, 7_000, 10_000n],
    [7_001, 7_000, 10_001n],
    [10_000, 3_000, 33_333n],
    [1, 3, 3_333n],
    [Number.MAX_SAFE_INTEGER, 1, 90_071_992_547_409_910_000n % 2n ** 64n],
  ];
  for (const [current, target, score] of scores) t.is(goalScoreBp(current, target), score);
});

test('a goal is met exactly at its target', (t) => {
  const value = fc.integer({ min: 0, max: 10_000 });
  const target = fc.integer({ min: 1, max: 10_000 });
  holds(t, [value, target], (current, wanted) => {
    return goalScoreBp(current, wanted) >= 10_000n === current >= wanted;
  });
});

test('the best-met goal decides, so the least aggressive quota wins', (t) => {
  t.is(scoreBp([5_000n, 12_000n, 9_000n]), 12_000n);
  t.is(scoreBp([0n]), 0n);
  t.is(scoreBp([]), 0n);
});

test('a share is read with its unit, a value of the user with its default', (t) => {
  const share = { metric: 'node_eligible_mem_bp', nid: 1, targetValue: '70 %' };
  t.deepEqual(resolve(goalSchema, share, 'ERR'), {
    metric: 'node_eligible_mem_bp',
    nid: 1,
    targetValue: 7_000,
  });
  t.deepEqual(resolve(goalSchema, { metric: 'user_input', targetValue: 5 }, 'ERR'), {
    metric: 'user_input',
    targetValue: 5,
    currentValue: 0,
  });
});

test('a peak is what there was, sinks slowly, and is forgotten where much is gone', (t) => {
  t.is(peakBytesTotal(undefined, 5_000), 5_000);
  t.is(peakBytesTotal(5_000, 6_000), 6_000, 'more is seen');
  t.is(peakBytesTotal(512_512, 512_000), 512_000 + 511, 'by a 512th of what is missing');
  t.is(peakBytesTotal(64_000, 32_000), 32_000 + 160, 'at most a two-hundredth above');
  let peak = 64_300;
  for (let window = 0; window < 3_600; window++) peak = peakBytesTotal(peak, 64_000);
  t.is(peak, 64_000, 'and in the end it is what is read');
});
