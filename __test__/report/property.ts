/** Runs a property. A failure logs its seed, and `SEED=` takes it back. */

import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

export function check<T>(t: ExecutionContext, property: fc.IPropertyWithHooks<T>): void {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  try {
    fc.assert(property, { seed });
  } catch (error) {
    t.log(`SEED=${seed}`);
    throw error;
  }
}
