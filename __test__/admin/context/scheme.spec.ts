import test from 'ava';

import type { ErrnoName } from '../../../src/admin/errno.ts';
import { CONTEXT, STATE, answers, contextShell } from '../tree-shell.ts';
import { built, refuses } from './built.ts';

const N = 'monitoring_attrs/nr_regions';
const P = 'monitoring_attrs/probes';

test('an untouched scheme matches nothing and does nothing', async (t) => {
  const { schemes } = await built('echo 1 > schemes/nr_schemes');
  const none = { min: 0, max: 0 };
  t.deepEqual(schemes, [
    {
      action: 'stat',
      applyIntervalUs: 0n,
      targetNid: -1,
      pattern: { szBytes: { min: 0n, max: 0n }, nrAccesses: none, age: none },
      quota: {
        ms: 0n,
        bytes: 0n,
        resetIntervalMs: 0n,
        goals: [],
        tuner: 'consist',
        failChargeNum: 0,
        failChargeDenom: 0,
        weights: { sz: 0, nrAccesses: 0, age: 0 },
      },
      watermarks: { metric: 'none', intervalUs: 0n, high: 0n, mid: 0n, low: 0n },
      coreFilters: [],
      opsFilters: [],
      dests: [],
      maxNrSnapshots: 0n,
    },
  ]);
});

function scheme(script: string): string {
  return `
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${script}
    cd ${CONTEXT}
  `;
}

test('a scheme is taken with all that it holds', async (t) => {
  const { schemes } = await built(
    scheme(`
    echo migrate_cold > action
    echo 7 > apply_interval_us
    echo 1 > target_nid
    echo 4096 > access_pattern/sz/min
    echo 18446744073709551615 > access_pattern/sz/max
    echo 1 > access_pattern/nr_accesses/min
    echo 4294967295 > access_pattern/nr_accesses/max
    echo 3 > access_pattern/age/min
    echo 4 > access_pattern/age/max
    echo 10 > quotas/ms
    echo 11 > quotas/bytes
    echo 12 > quotas/reset_interval_ms
    echo temporal > quotas/goal_tuner
    echo 13 > quotas/fail_charge_num
    echo 14 > quotas/fail_charge_denom
    echo 15 > quotas/weights/sz_permil
    echo 16 > quotas/weights/nr_accesses_permil
    echo 17 > quotas/weights/age_permil
    echo 1 > quotas/goals/nr_goals
    echo node_memcg_free_bp > quotas/goals/0/target_metric
    echo 18 > quotas/goals/0/target_value
    echo 19 > quotas/goals/0/current_value
    echo -2 > quotas/goals/0/nid
    echo /g > quotas/goals/0/path
    echo free_mem_rate > watermarks/metric
    echo 20 > watermarks/interval_us
    echo 23 > watermarks/high
    echo 22 > watermarks/mid
    echo 21 > watermarks/low
    echo 2 > dests/nr_dests
    echo 2 > dests/1/id
    echo 30 > dests/1/weight
    echo 31 > stats/max_nr_snapshots
  `),
  );
  t.deepEqual(schemes[0], {
    action: 'migrate_cold',
    applyIntervalUs: 7n,
    targetNid: 1,
    pattern: {
      szBytes: { min: 4096n, max: 2n ** 64n - 1n },
      nrAccesses: { min: 1, max: 2 ** 32 - 1 },
      age: { min: 3, max: 4 },
    },
    quota: {
      ms: 10n,
      bytes: 11n,
      resetIntervalMs: 12n,
      goals: [
        {
          metric: 'node_memcg_free_bp',
          targetValue: 18n,
          currentValue: 19n,
          nid: -2,
          path: '/g',
        },
      ],
      tuner: 'temporal',
      failChargeNum: 13,
      failChargeDenom: 14,
      weights: { sz: 15, nrAccesses: 16, age: 17 },
    },
    watermarks: { metric: 'free_mem_rate', intervalUs: 20n, high: 23n, mid: 22n, low: 21n },
    coreFilters: [],
    opsFilters: [],
    dests: [
      { id: 0, weight: 0 },
      { id: 2, weight: 30 },
    ],
    maxNrSnapshots: 31n,
  });
});

test('rates and ages are cut to 32 bits, the files keep them whole', async (t) => {
  const { engine, tree, run } = await contextShell(
    scheme(`
    echo 4294967296 > access_pattern/nr_accesses/min
    echo 3689348814741910528 > access_pattern/nr_accesses/max
    echo 4294967297 > access_pattern/age/min
    echo 18446744073709551615 > access_pattern/age/max
  `),
  );
  await run(`echo on > ${STATE}`);
  t.deepEqual(engine.context.schemes[0]?.pattern, {
    szBytes: { min: 0n, max: 0n },
    nrAccesses: { min: 0, max: 0x3333_3400 },
    age: { min: 1, max: 2 ** 32 - 1 },
  });
  const path = `${CONTEXT}/schemes/0/access_pattern/nr_accesses/min`;
  t.is(tree.read(path), '4294967296\n');
});

test('goals without a target do not count, and what follows moves up', async (t) => {
  const { schemes } = await built(
    scheme(`
    echo 4 > quotas/goals/nr_goals
    echo node_memcg_used_bp > quotas/goals/0/target_metric
    echo 5 > quotas/goals/1/target_value
    echo 7 > quotas/goals/2/current_value
    echo 6 > quotas/goals/3/target_value
  `),
  );
  t.deepEqual(
    schemes[0]?.quota.goals.map(({ targetValue }) => targetValue),
    [5n, 6n],
  );
});

test('a scheme about a cgroup that is not named cannot be had', async (t) => {
  for (const metric of ['node_memcg_used_bp', 'node_memcg_free_bp']) {
    const goal = scheme(`
      echo 1 > quotas/goals/nr_goals
      echo ${metric} > quotas/goals/0/target_metric
      echo 1 > quotas/goals/0/target_value
    `);
    await refuses(t, 'ENOMEM', 'schemes/0/quotas/goals/0/path', goal);
  }
  for (const layer of ['ops_filters', 'filters']) {
    const filter = scheme(`
      echo 1 > ${layer}/nr_filters
      echo memcg > ${layer}/0/type
    `);
    await refuses(t, 'ENOMEM', `schemes/0/${layer}/0/memcg_path`, filter);
    const named = `${filter} \n echo no such cgroup > schemes/0/${layer}/0/memcg_path`;
    const { schemes } = await built(named);
    t.like(schemes[0]?.opsFilters[0], { type: 'memcg', memcgPath: 'no such cgroup' });
  }
});

test('filters go to the list of their type, in the order of their directories', async (t) => {
  const { schemes } = await built(
    scheme(`
    echo 2 > filters/nr_filters
    echo target > filters/0/type
    echo 5 > filters/0/damon_target_idx
    echo young > filters/1/type
    echo 2 > ops_filters/nr_filters
    echo unmapped > ops_filters/0/type
    echo hugepage_size > ops_filters/1/type
    echo 1 > ops_filters/1/min
    echo 1 > ops_filters/1/max
    echo 2 > core_filters/nr_filters
    echo addr > core_filters/0/type
    echo 0x1000 > core_filters/0/addr_start
    echo 0x2000 > core_filters/0/addr_end
    echo Y > core_filters/0/matching
    echo Y > core_filters/0/allow
    echo probe_hits_wsum > core_filters/1/type
  `),
  );
  const rest = {
    matching: false,
    allow: false,
    memcgPath: '',
    addr: { start: 0n, end: 0n },
    range: { min: 0n, max: 0n },
    targetIdx: 0,
  };
  t.deepEqual(schemes[0]?.coreFilters, [
    {
      ...rest,
      type: 'addr',
      matching: true,
      allow: true,
      addr: { start: 4096n, end: 8192n },
    },
    { ...rest, type: 'probe_hits_wsum' },
    { ...rest, type: 'target', targetIdx: 5 },
  ]);
  t.deepEqual(schemes[0]?.opsFilters, [
    { ...rest, type: 'unmapped' },
    { ...rest, type: 'hugepage_size', range: { min: 1n, max: 1n } },
    { ...rest, type: 'young' },
  ]);
});

test('an untouched core filter rejects what is not anonymous, in the other list', async (t) => {
  const { schemes } = await built(scheme('echo 1 > core_filters/nr_filters'));
  t.deepEqual(schemes[0]?.coreFilters, []);
  t.like(schemes[0]?.opsFilters[0], { type: 'anon', matching: false, allow: false });
});

test('bounds of filters are in order, where their type asks for them', async (t) => {
  const filter = (layer: string, type: string, script: string): string =>
    scheme(`
      echo 1 > ${layer}/nr_filters
      echo ${type} > ${layer}/0/type
      cd ${layer}/0
      ${script}
    `);
  const at = (layer: string, file: string): string => `schemes/0/${layer}/0/${file}`;
  const address = 'echo 2 > addr_start \n echo 1 > addr_end';
  const range = 'echo 2 > min \n echo 1 > max';
  for (const layer of ['core_filters', 'filters']) {
    await refuses(t, 'EINVAL', at(layer, 'addr_end'), filter(layer, 'addr', address));
    await refuses(t, 'EINVAL', at(layer, 'max'), filter(layer, 'probe_hits_wsum', range));
    t.truthy(await built(filter(layer, 'addr', `${range} \n echo 1 > addr_end`)));
    t.truthy(await built(filter(layer, 'target', `${address} \n ${range}`)));
  }
  await refuses(
    t,
    'EINVAL',
    at('ops_filters', 'max'),
    filter('ops_filters', 'hugepage_size', range),
  );
  t.truthy(await built(filter('ops_filters', 'anon', `${address} \n ${range}`)));
});

test('node_eligible_mem_bp is about physical memory only', async (t) => {
  const goal = scheme(`
    echo 2 > quotas/goals/nr_goals
    echo node_eligible_mem_bp > quotas/goals/1/target_metric
    echo 1 > quotas/goals/1/target_value
  `);
  for (const operations of ['vaddr', 'fvaddr']) {
    const script = `echo ${operations} > operations \n ${goal}`;
    await refuses(t, 'EINVAL', 'schemes/0/quotas/goals/1/target_metric', script);
    // One that does not count is no matter.
    const none = `${script} \n echo 0 > schemes/0/quotas/goals/1/target_value`;
    t.deepEqual((await built(none)).schemes[0]?.quota.goals, []);
  }
  for (const operations of ['paddr', 'paddr_ibs']) {
    const script = `echo ${operations} > operations \n ${goal}`;
    t.is((await built(script)).schemes[0]?.quota.goals.length, 1);
  }
});

test('of several faults the first in the order of building is told', async (t) => {
  /** From the last to the first. */
  const faults: readonly [errno: ErrnoName, path: string, script: string][] = [
    [
      'EINVAL',
      'schemes/0/filters/0/max',
      `echo 1 > schemes/nr_schemes
       echo 1 > schemes/0/filters/nr_filters
       echo hugepage_size > schemes/0/filters/0/type
       echo 1 > schemes/0/filters/0/min`,
    ],
    [
      'EINVAL',
      `${P}/0/weight`,
      `echo 1 > ${P}/nr_probes
       echo 4294967295 > ${P}/0/weight`,
    ],
    ['EINVAL', 'addr_unit', 'echo 3 > addr_unit'],
    [
      'ENOMEM',
      'schemes/0/quotas/goals/0/path',
      `echo 1 > schemes/0/quotas/goals/nr_goals
       echo 1 > schemes/0/quotas/goals/0/target_value
       echo node_memcg_used_bp > schemes/0/quotas/goals/0/target_metric`,
    ],
    ['EINVAL', 'targets/nr_targets', 'echo 2 > targets/nr_targets'],
    [
      'EINVAL',
      `${P}/0/filters/0/path`,
      `echo 1 > ${P}/0/filters/nr_filters
       echo memcg > ${P}/0/filters/0/type`,
    ],
    ['EINVAL', `${N}/min`, `echo 0 > ${N}/min`],
    ['EINVAL', 'operations', 'echo paddr_ibs > operations'],
  ];
  const { engine, tree, run } = await contextShell();
  engine.operations = ['paddr'];
  for (const [errno, path, script] of faults) {
    await run(`cd ${CONTEXT} \n ${script}`);
    await answers(t, errno, () => tree.write(STATE, 'on'), `${CONTEXT}/${path}`);
  }
  t.is(engine.contexts.length, 0);
});
