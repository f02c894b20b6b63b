import test from 'ava';
import fc from 'fast-check';

import { U64_MAX, multFrac } from '../../src/goal/arithmetic.ts';
import { holds } from '../support/property.ts';

test('multFrac rounds down, as mult_frac does', (t) => {
  t.is(multFrac(1n, 1n, 3n), 0n);
  t.is(multFrac(2n, 10_000n, 3n), 6_666n);
  t.is(multFrac(123_456_789n, 6_667n, 10_000n), 82_308_641n);
  t.is(multFrac(0n, 10_000n, 1n), 0n);
});

test('multFrac wraps at 64 bits', (t) => {
  t.is(multFrac(U64_MAX, 1n, 1n), U64_MAX);
  t.is(multFrac(U64_MAX, 2n, 1n), U64_MAX - 1n);
  // The product of the rest too: half of the largest target is nothing to Linux 6.12.
  t.is(multFrac(U64_MAX / 2n, 10_000n, U64_MAX), 0n);
});

test('multFrac is the exact quotient wherever that and what it is made of fit', (t) => {
  const u64 = fc.bigInt(0n, U64_MAX);
  holds(t, [u64, fc.bigInt(0n, 10_000n), fc.bigInt(1n, U64_MAX)], (x, n, d) => {
    const exact = (x * n) / d;
    return exact > U64_MAX || (x % d) * n > U64_MAX || multFrac(x, n, d) === exact;
  });
});
