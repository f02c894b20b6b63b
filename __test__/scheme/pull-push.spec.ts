import test from 'ava';

import { resolveOptions } from '../../src/kdamond-options.ts';
import { pullPush } from '../../src/scheme/pull-push.ts';
import { SMALL } from '../support/small.ts';

const FAST = { id: 0, start: 0, end: '128 MiB' };
const SLOW = { id: 1, start: '128 MiB', end: '256 MiB' };

test("PULL and PUSH are the RFC's schemes, mirrored", (t) => {
  const [pull, push] = pullPush({ fast: FAST, slow: SLOW, targetBp: 6_000 });
  t.deepEqual(pull, {
    name: 'PULL',
    action: 'migrate_hot',
    targetNid: 0,
    pattern: { nrAccesses: { min: 1 } },
    quota: {
      szBytes: '512 MiB',
      resetIntervalMs: '1 s',
      weights: { nrAccessesPermil: 1000, agePermil: 1000 },
      goals: [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: 6_000 }],
      tuner: 'temporal',
    },
    filters: [
      { type: 'addr', range: { start: '128 MiB', end: '256 MiB' }, matching: true, allow: true },
    ],
  });
  t.like(push, {
    name: 'PUSH',
    targetNid: 1,
    quota: { goals: [{ metric: 'node_eligible_mem_bp', nid: 1, targetValue: 4_000 }] },
    filters: [{ range: { start: 0, end: '128 MiB' } }],
  });
});

test('each moves memory that lies where the other moves it', (t) => {
  const [pull, push] = pullPush({
    fast: { ...SLOW, id: 1 },
    slow: { ...FAST, id: 0 },
    targetBp: 1,
    szBytes: 4096,
    resetIntervalMs: 10,
    tuner: 'consist',
  });
  t.like(pull, { targetNid: 1, quota: { szBytes: 4096, resetIntervalMs: 10, tuner: 'consist' } });
  t.like(push, { targetNid: 0, quota: { szBytes: 4096, resetIntervalMs: 10, tuner: 'consist' } });
  t.like(pull.filters?.[0], { range: { start: 0, end: '128 MiB' } });
  t.like(push.filters?.[0], { range: { start: '128 MiB', end: '256 MiB' } });
  t.is(push.quota?.goals?.[0]?.targetValue, 9_999);
});

test('the pair is taken by a monitor, for every share it can hold', (t) => {
  const schemes = (targetBp: number) => pullPush({ fast: FAST, slow: SLOW, targetBp });
  for (const targetBp of [1, 5_000, 9_999]) {
    t.is(resolveOptions({ source: SMALL, schemes: schemes(targetBp) }).schemes.length, 2);
  }
  for (const targetBp of [0, 10_000, -1, 1.5]) {
    t.throws(() => resolveOptions({ source: SMALL, schemes: schemes(targetBp) }), {
      code: 'ERR_DAMON_CONFIG',
    });
  }
});
