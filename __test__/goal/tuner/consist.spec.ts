import test from 'ava';
import fc from 'fast-check';

import { U64_MAX } from '../../../src/goal/arithmetic.ts';
import { consist, nextInput } from '../../../src/goal/tuner/consist.ts';
import { holds } from '../../support/property.ts';

const LEAST = 10_000n;

test("the feedback loop gives the kernel's numbers", (t) => {
  const steps: readonly [last: bigint, score: bigint, next: bigint][] = [
    [40_960_000n, 5_000n, 61_440_000n],
    [40_960_000n, 12_500n, 30_720_000n],
    [40_960_000n, 19_999n, LEAST],
    [40_960_000n, 20_000n, LEAST],
    [40_960_000n, U64_MAX, LEAST],
    [40_960_000n, 10_000n, 40_960_000n],
    [40_960_000n, 0n, 81_920_000n],
    [10_000n, 9_999n, 10_001n],
    [123_456_789n, 3_333n, 205_765_430n],
    [10_000n, 10_001n, LEAST],
    // Far above the least, over-achievement by half a percent takes half a percent.
    [1_000_000n, 10_050n, 995_000n],
  ];
  for (const [last, score, next] of steps) t.is(nextInput(last, score), next, `${last} ${score}`);
});

test('the feedback loop saturates instead of wrapping', (t) => {
  t.is(nextInput(U64_MAX, 0n), U64_MAX);
  t.is(nextInput(U64_MAX / 2n, 0n), U64_MAX - 1n);
  t.is(nextInput(U64_MAX / 2n + 1n, 0n), U64_MAX);
  t.is(nextInput(U64_MAX, 10_000n), U64_MAX);
});

/** Bytes per window, window after window, with one score throughout. */
function windows(count: number, scoreBp: bigint): bigint[] {
  let quotaBp = 0n;
  return Array.from({ length: count }, () => {
    quotaBp = consist({ quotaBp, scoreBp, szBytes: 0n });
    return quotaBp / 10_000n;
  });
}

test('a cold start doubles from 2 bytes: a page at the 12th window, 1 GiB at the 30th', (t) => {
  const bytes = windows(30, 0n);
  t.deepEqual(bytes.slice(0, 4), [2n, 4n, 8n, 16n]);
  t.is(
    bytes.findIndex((each) => each >= 4_096n),
    11,
  );
  t.is(bytes[11], 4_096n);
  t.is(bytes[29], 1n << 30n);
});

test('a start at the goal stays at one byte', (t) => {
  t.deepEqual(windows(3, 10_000n), [1n, 1n, 1n]);
});

test('the size quota does not hold the loop back: it goes on growing while capped', (t) => {
  t.is(consist({ quotaBp: 40_960_000n, scoreBp: 0n, szBytes: 4_096n }), 81_920_000n);
});

const QUOTA = fc.bigInt(LEAST, U64_MAX);
const SCORE = fc.oneof(fc.bigInt(0n, 30_000n), fc.bigInt(0n, U64_MAX));

test('a better score never gives more', (t) => {
  holds(t, [QUOTA, SCORE, SCORE], (last, a, b) => {
    const [worse, better] = a < b ? [a, b] : [b, a];
    return nextInput(last, worse) >= nextInput(last, better);
  });
});

test('a step never leaves the bounds and at most doubles', (t) => {
  holds(t, [QUOTA, SCORE], (last, score) => {
    const next = nextInput(last, score);
    return LEAST <= next && next <= U64_MAX && next <= 2n * last;
  });
});

test('a step goes towards the goal: up below it, down above it', (t) => {
  holds(t, [QUOTA, SCORE], (last, score) => {
    const next = nextInput(last, score);
    return score < 10_000n ? next >= last : next <= last;
  });
});
