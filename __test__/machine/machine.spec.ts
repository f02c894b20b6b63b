import test from 'ava';

import type { Tuning } from '../../src/goal/control.ts';
import { Kdamond } from '../../src/kdamond.ts';
import { smallWith } from '../support/small.ts';
import type { WorkloadOptions } from '../../src/machine/machine.ts';

const MIB = 2 ** 20;

/** Bytes of the hot set on each node at the start. */
async function placed(workload: Partial<WorkloadOptions>): Promise<readonly number[]> {
  const goals = [{ metric: 'user_input' as const, targetValue: 1 }];
  using kdamond = new Kdamond({
    source: smallWith(workload),
    schemes: [{ action: 'stat', quota: { goals, szBytes: '1 MiB' } }],
  });
  const tunings: Tuning[] = [];
  await kdamond.run({ untilMs: 200, onTuning: (tuning) => tunings.push(tuning) });
  return tunings[0]?.hotBytes ?? [];
}

test('pages are placed on the nodes in turn, by weight', async (t) => {
  t.deepEqual(await placed({}), [32 * MIB, 32 * MIB]);
  t.deepEqual(await placed({ interleave: [3, 1] }), [48 * MIB, 16 * MIB]);
  t.deepEqual(await placed({ interleave: [0, 1] }), [0, 64 * MIB]);
  t.deepEqual(await placed({ interleave: [1] }), [64 * MIB, 0]);
});

test('only the hot part counts as hot', async (t) => {
  t.deepEqual(await placed({ hotBytes: '16 MiB', hotShare: 0.9 }), [8 * MIB, 8 * MIB]);
});
