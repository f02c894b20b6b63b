import test from 'ava';

import { bound, capped, effectiveBytes, nearest } from '../../../src/admin/engine/numbers.ts';

const SAFE = 2n ** 53n - 1n;
const U64_MAX = 2n ** 64n - 1n;

test('numbers are exact as far as they can be, and the largest beyond', (t) => {
  t.deepEqual([0n, 4_096n, SAFE - 1n].map(capped), [0, 4_096, Number(SAFE - 1n)]);
  t.deepEqual([SAFE, SAFE + 1n, U64_MAX].map(capped), Array(3).fill(Number(SAFE)));
});

test('an upper bound beyond is none', (t) => {
  t.deepEqual(bound(7n), { max: 7 });
  t.deepEqual([SAFE, U64_MAX].map(bound), [{}, {}]);
});

test('a size quota that was capped is shown as it was written', (t) => {
  t.is(effectiveBytes(4_096, U64_MAX), 4_096n);
  t.is(effectiveBytes(Number(SAFE), U64_MAX), U64_MAX);
  t.is(effectiveBytes(Number(SAFE), 4_096n), SAFE);
});

test('a number to be compared in proportion stays one of 64 bits', (t) => {
  t.deepEqual([0n, SAFE, 2n ** 63n].map(nearest), [0, Number(SAFE), 2 ** 63]);
  t.is(BigInt(nearest(U64_MAX)), U64_MAX - 2_047n);
});
