import test from 'ava';

import { U64_MAX } from '../../../src/goal/arithmetic.ts';
import { temporal } from '../../../src/goal/tuner/temporal.ts';

const bytes = (scoreBp: bigint, szBytes: bigint, quotaBp = 0n) =>
  temporal({ quotaBp, scoreBp, szBytes }) / 10_000n;

test('all of the size quota below the goal, nothing from the goal on', (t) => {
  const quota = 512n << 20n;
  t.is(bytes(0n, quota), quota);
  t.is(bytes(9_999n, quota), quota);
  t.is(bytes(10_000n, quota), 0n);
  t.is(bytes(U64_MAX, quota), 0n);
});

test('without a size quota all is as much as the number holds', (t) => {
  t.is(bytes(9_999n, 0n), 1_844_674_407_370_955n);
  t.is(bytes(10_000n, 0n), 0n);
});

test('a size quota too large to be counted in basis points is no bound', (t) => {
  const largest = U64_MAX / 10_000n;
  t.is(temporal({ quotaBp: 0n, scoreBp: 0n, szBytes: largest }), largest * 10_000n);
  t.is(temporal({ quotaBp: 0n, scoreBp: 0n, szBytes: largest + 1n }), U64_MAX);
});

test('what was allowed before does not matter', (t) => {
  t.is(bytes(9_999n, 4_096n, 0n), bytes(9_999n, 4_096n, 123_456_789n));
});
