/** Asserts a property that answers true or false. */
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

import { check } from '../report/property.ts';

export function holds<T extends [unknown, ...unknown[]]>(
  t: ExecutionContext,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  isTrue: (...values: T) => boolean,
): void {
  check(t, fc.property<T>(...arbitraries, isTrue));
  t.pass();
}
