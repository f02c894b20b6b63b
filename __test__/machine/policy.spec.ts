import test from 'ava';

import { DamonError, type EmulationOptions, Kdamond, balance } from '../../src/index.ts';
import { policySchema } from '../../src/machine/policy.ts';
import { resolve } from '../../src/validate.ts';

/** 256 MiB of DRAM beside 1 GiB of CXL; 768 MiB in use, an eighth of it hot, all on CXL at first. */
const MACHINE: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { start: 0, end: '256 MiB' },
    { start: '256 MiB', end: '1280 MiB', kind: 'cxl' },
  ],
  processor: { cpus: 4 },
  workload: {
    type: 'hot_set',
    bytes: '768 MiB',
    hotBytes: '96 MiB',
    hotShare: 0.9,
    interleave: [0, 1],
  },
};
const demotion = { lowBytes: '8 MiB' } as const;

/** Ten seconds of it, seen by accessed bits. */
async function hotShareAfter(source: EmulationOptions): Promise<number> {
  using kdamond = new Kdamond({
    source,
    operations: 'paddr',
    schemes: [
      {
        action: 'stat',
        quota: { resetIntervalMs: '1 s', goals: [{ metric: 'user_input', targetValue: 1 }] },
      },
    ],
  });
  let hotBytes: readonly number[] = [];
  await kdamond.run({
    untilMs: '10 s',
    onTuning: (tuning) => (hotBytes = tuning.hotBytes ?? hotBytes),
  });
  const unbalanced = balance(kdamond.books).filter(({ offBy }) => offBy !== 0n);
  const names = unbalanced.map(({ equation }) => equation.name);
  if (names.length > 0) throw new Error(names.join('; '));
  const all = hotBytes.reduce((sum, bytes) => sum + bytes, 0);
  return (hotBytes[0] ?? 0) / all;
}

test('without a policy, and without schemes that move it, everything stays where it was', async (t) => {
  t.is(await hotShareAfter(MACHINE), 0);
});

test('the seer has all of the hot set on the fast node, hot page tracking nearly so', async (t) => {
  t.is(await hotShareAfter({ ...MACHINE, policy: { type: 'oracle', demotion } }), 1);
  t.true((await hotShareAfter({ ...MACHINE, policy: { type: 'pghot', demotion } })) > 0.7);
});

test('hint faults promote too, by their own sampler', async (t) => {
  const sampler = { type: 'hint_faults', nodes: [1] } as const;
  const policy = { type: 'numa_balancing', demotion } as const;
  t.true((await hotShareAfter({ ...MACHINE, sampler, policy })) > 0.7);
});

test("what the policy sees is not the monitor's to see", (t) => {
  const source: EmulationOptions = { ...MACHINE, policy: { type: 'pghot', demotion } };
  const error = t.throws(() => new Kdamond({ source, operations: 'paddr_ibs' }), {
    instanceOf: DamonError,
  });
  t.is(error.code, 'ERR_DAMON_CONFIG_OPERATIONS');
});

test('what is left open gets the documented defaults', (t) => {
  t.deepEqual(resolve(policySchema, { type: 'pghot' }, 'ERR'), {
    type: 'pghot',
    fastNid: 0,
    slowNid: 1,
    demotion: { lowBytes: 2 ** 30, highBytes: 2 ** 31 },
    threshold: 2,
    windowNs: 5e9,
    sleepNs: 1e8,
    rateLimitBytesPerS: 2 ** 36,
  });
});

const REFUSED: readonly (readonly [options: object, path: string])[] = [
  [{ type: 'damon' }, 'type'],
  [{ type: 'pghot', threshold: 0 }, 'threshold'],
  [{ type: 'pghot', threshold: 8 }, 'threshold'],
  [{ type: 'pghot', windowNs: '999 ms' }, 'windowNs'],
  [{ type: 'pghot', sleepNs: '49 ms' }, 'sleepNs'],
  [{ type: 'pghot', rateLimitBytesPerS: 4_095 }, 'rateLimitBytesPerS'],
  [{ type: 'oracle', share: 0 }, 'share'],
  [{ type: 'oracle', intervalNs: 0 }, 'intervalNs'],
  [{ type: 'oracle', demotion: { lowBytes: 2, highBytes: 1 } }, 'demotion.highBytes'],
  [{ type: 'numa_balancing', fastNid: -1 }, 'fastNid'],
  [{ type: 'numa_balancing', windowNs: '5 s' }, 'windowNs'],
];

for (const [options, path] of REFUSED) {
  test(`${JSON.stringify(options)} is refused at ${path}`, (t) => {
    const error = t.throws(() => resolve(policySchema, options, 'ERR'), { instanceOf: DamonError });
    t.is(error.path, path);
  });
}

test('nodes and sizes that the machine does not have are refused when it is built', (t) => {
  const refused = (policy: EmulationOptions['policy']): DamonError =>
    t.throws(
      () => new Kdamond({ source: { ...MACHINE, ...(policy && { policy }) }, operations: 'paddr' }),
      {
        instanceOf: DamonError,
      },
    );
  t.is(refused({ type: 'pghot', slowNid: 2, demotion }).path, 'source.policy.slowNid');
  t.is(refused({ type: 'pghot', slowNid: 0, demotion }).path, 'source.policy.slowNid');
  const error = refused({ type: 'pghot' });
  t.is(error.code, 'ERR_DAMON_CONFIG_POLICY');
  t.is(error.path, 'source.policy.demotion.highBytes');
});
