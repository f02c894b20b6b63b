import test, { type ExecutionContext } from 'ava';

import type { AdminContext } from '../../src/admin/engine.ts';
import type { ErrnoName } from '../../src/admin/errno.ts';
import { CONTEXT, STATE, answers, contextShell } from './tree-shell.ts';

/** The context that a script builds. */
async function built(script = ''): Promise<AdminContext> {
  const { engine, run } = await contextShell(script);
  await run(`echo on > ${STATE}`);
  return engine.context;
}

/** That a context of such files is refused, and for which file; the engine hears nothing of it. */
async function refuses(
  t: ExecutionContext,
  errno: ErrnoName,
  path: string,
  script: string,
): Promise<void> {
  const { engine, tree } = await contextShell(script);
  const error = await answers(t, errno, () => tree.write(STATE, 'on'), `${CONTEXT}/${path}`);
  t.truthy(error?.expected, script);
  t.is(engine.contexts.length, 0);
  t.is(tree.read(STATE), 'off\n');
}

type Case = readonly [path: string, script: string];

test('an untouched context is the kernel default', async (t) => {
  t.deepEqual(await built('echo vaddr > operations'), {
    operations: 'vaddr',
    addrUnit: 1n,
    pause: false,
    attrs: {
      sampleUs: 5_000n,
      aggregationUs: 100_000n,
      opsUpdateUs: 60_000_000n,
      minNrRegions: 10n,
      maxNrRegions: 1_000n,
      intervalsGoal: { accessBp: 0n, aggrs: 0n, minSampleUs: 0n, maxSampleUs: 0n },
    },
    probes: [],
    targets: [],
    sample: { primitives: { pageTable: true, pageFault: false }, filters: [], perfEvents: [] },
    schemes: [],
  });
});

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

test('operations must be there', async (t) => {
  const { engine, tree } = await contextShell('echo paddr_ibs > operations');
  engine.operations = ['vaddr', 'paddr'];
  const error = await answers(t, 'EINVAL', () => tree.write(STATE, 'on'), `${CONTEXT}/operations`);
  t.is(error?.expected, 'one that is there: `vaddr` or `paddr`');
  t.is(error?.received, 'paddr_ibs');
  engine.operations = [];
  await answers(t, 'EINVAL', () => tree.write(STATE, 'on'), `${CONTEXT}/operations`);
  engine.operations = ['paddr_ibs'];
  await tree.write(STATE, 'on');
  t.is(engine.context.operations, 'paddr_ibs');
});

const I = 'monitoring_attrs/intervals';
const G = `${I}/intervals_goal`;
const N = 'monitoring_attrs/nr_regions';

test('attributes that do not go together are refused', async (t) => {
  const goal = `
    echo 4 > ${G}/aggrs
    echo 5000 > ${G}/min_sample_us
    echo 5000 > ${G}/max_sample_us
  `;
  const cases: readonly Case[] = [
    [`${N}/min`, `echo 2 > ${N}/min`],
    [`${N}/max`, `echo 9 > ${N}/max`],
    [`${I}/aggr_us`, `echo 4999 > ${I}/aggr_us`],
    [`${G}/min_sample_us`, `${goal} \n echo 5001 > ${G}/min_sample_us`],
    [`${I}/sample_us`, `${goal} \n echo 4999 > ${I}/sample_us`],
    [`${I}/sample_us`, `${goal} \n echo 5001 > ${I}/sample_us`],
    // The order of the checks.
    [`${N}/min`, `echo 2 > ${N}/min \n echo 1 > ${N}/max \n echo 0 > ${I}/aggr_us`],
    [`${N}/max`, `echo 9 > ${N}/max \n echo 0 > ${I}/aggr_us`],
    [`${I}/sample_us`, `${goal} \n echo 4 > ${I}/sample_us \n echo 0 > ${N}/min`],
    [
      `${G}/min_sample_us`,
      `${goal} \n echo 4 > ${G}/max_sample_us \n echo 6 > ${I}/sample_us \n echo 0 > ${N}/min`,
    ],
  ];
  for (const [path, script] of cases) await refuses(t, 'EINVAL', path, script);
});

test('attributes at their limits are taken', async (t) => {
  const { attrs } = await built(`
    echo 3 > ${N}/min
    echo 3 > ${N}/max
    echo 0 > ${I}/sample_us
    echo 0 > ${I}/aggr_us
    echo 0 > ${I}/update_us
    echo 9 > ${G}/min_sample_us
    echo 8 > ${G}/max_sample_us
  `);
  t.like(attrs, { minNrRegions: 3n, maxNrRegions: 3n, sampleUs: 0n, aggregationUs: 0n });
  // A goal of no aggregations is none, whatever else it holds.
  t.deepEqual(attrs.intervalsGoal, { accessBp: 0n, aggrs: 0n, minSampleUs: 9n, maxSampleUs: 8n });
  const tuned = await built(`
    echo 400 > ${G}/access_bp
    echo 3 > ${G}/aggrs
    echo 5000 > ${G}/min_sample_us
    echo 5000 > ${G}/max_sample_us
  `);
  t.deepEqual(tuned.attrs.intervalsGoal, {
    accessBp: 400n,
    aggrs: 3n,
    minSampleUs: 5_000n,
    maxSampleUs: 5_000n,
  });
});

/** Files of regions, one after the other. */
function regions(bounds: readonly (readonly [start: string, end: string])[], target = 0): string {
  const lines = bounds.map(
    ([start, end], index) => `
      echo ${start} > targets/${target}/regions/${index}/start
      echo ${end} > targets/${target}/regions/${index}/end
    `,
  );
  return `
    echo ${target + 1} > targets/nr_targets
    echo ${bounds.length} > targets/${target}/regions/nr_regions
    ${lines.join('\n')}
  `;
}

test('targets are taken with their processes and regions', async (t) => {
  const { targets } = await built(`
    echo vaddr > operations
    ${regions(
      [
        ['4096', '8192'],
        ['8192', '0x4000'],
      ],
      1,
    )}
    echo 77 > targets/0/pid_target
    echo Y > targets/1/obsolete_target
  `);
  t.deepEqual(targets, [
    { pid: 77, obsolete: false, regions: [] },
    {
      pid: 0,
      obsolete: true,
      regions: [
        { start: 4096n, end: 8192n },
        { start: 8192n, end: 16_384n },
      ],
    },
  ]);
});

test('regions go up, apart, and are not empty once they are aligned', async (t) => {
  const max = '18446744073709551615';
  const wrong: readonly [path: string, bounds: readonly (readonly [string, string])[]][] = [
    // As they are when new.
    ['0/end', [['0', '0']]],
    ['0/end', [['4096', '4096']]],
    ['0/end', [['4097', '4096']]],
    ['0/end', [['8192', '4096']]],
    // Alignment would make something of it.
    ['0/end', [['100', '50']]],
    // The end is aligned beyond 64 bits, to 0.
    ['0/end', [['0', max]]],
    ['0/end', [['4096', max]]],
    [
      '1/start',
      [
        ['0', '8192'],
        ['4096', '12288'],
      ],
    ],
    [
      '1/start',
      [
        ['8192', '12288'],
        ['0', '4096'],
      ],
    ],
    // Apart by 96 bytes, which alignment takes away.
    [
      '1/start',
      [
        ['0', '4097'],
        ['4193', '8192'],
      ],
    ],
  ];
  for (const [path, bounds] of wrong) {
    await refuses(t, 'EINVAL', `targets/0/regions/${path}`, regions(bounds));
  }
  const right: readonly (readonly (readonly [string, string])[])[] = [
    [['0', '1']],
    [['4095', '4096']],
    [['100', '100']],
    [['0', '18446744073709547520']],
    [
      ['1', '4095'],
      ['4096', '8192'],
    ],
  ];
  for (const bounds of right) {
    const { targets } = await built(regions(bounds));
    t.deepEqual(
      targets[0]?.regions,
      bounds.map(([start, end]) => ({ start: BigInt(start), end: BigInt(end) })),
    );
  }
});

test('regions are aligned to what a page is in address units', async (t) => {
  const touching = regions([
    ['0', '9'],
    ['9', '16'],
  ]);
  await refuses(t, 'EINVAL', 'targets/0/regions/1/start', `${touching} \n echo 512 > addr_unit`);
  t.is((await built(`${touching} \n echo 4096 > addr_unit`)).addrUnit, 4096n);
  t.is((await built(`${touching} \n echo 18446744073709551615 > addr_unit`)).targets.length, 1);
  await refuses(
    t,
    'EINVAL',
    'targets/0/regions/1/start',
    `${touching} \n echo vaddr > operations \n echo 4096 > addr_unit`,
  );
});

test('an address unit must leave a power of two of a page, of physical memory', async (t) => {
  for (const unit of [3, 5, 6, 100, 1000, 4095].filter((u) => !isPower(Math.floor(4096 / u)))) {
    await refuses(t, 'EINVAL', 'addr_unit', `echo ${unit} > addr_unit`);
  }
  for (const unit of [1, 2, 1024, 2049, 3000, 4095, 4096, 4097]) {
    t.is((await built(`echo ${unit} > addr_unit`)).addrUnit, BigInt(unit));
    t.true(isPower(Math.max(1, Math.floor(4096 / unit))), `${unit}`);
  }
  t.is((await built('echo 3 > addr_unit \n echo vaddr > operations')).addrUnit, 3n);
  await refuses(t, 'EINVAL', 'addr_unit', 'echo 3 > addr_unit \n echo paddr_ibs > operations');
  // Regions are not the matter then.
  await refuses(t, 'EINVAL', 'addr_unit', `echo 3 > addr_unit \n ${regions([['0', '1']])}`);
});

function isPower(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

test('physical memory is one target at most', async (t) => {
  for (const operations of ['paddr', 'paddr_ibs']) {
    const script = `echo ${operations} > operations`;
    await refuses(t, 'EINVAL', 'targets/nr_targets', `${script} \n echo 2 > targets/nr_targets`);
    t.is((await built(`${script} \n echo 1 > targets/nr_targets`)).targets.length, 1);
  }
  for (const operations of ['vaddr', 'fvaddr']) {
    const script = `echo ${operations} > operations \n echo 2 > targets/nr_targets`;
    t.is((await built(script)).targets.length, 2);
  }
});

const P = 'monitoring_attrs/probes';

test('probes are taken with their preps and filters', async (t) => {
  const { probes } = await built(`
    echo 2 > ${P}/nr_probes
    echo 1 > ${P}/1/preps/nr_preps
    echo 2 > ${P}/1/filters/nr_filters
    echo memcg > ${P}/1/filters/1/type
    echo Y > ${P}/1/filters/1/allow
    echo /a/b > ${P}/1/filters/1/path
  `);
  t.deepEqual(probes, [
    { weight: 0, preps: [], filters: [] },
    {
      weight: 0,
      preps: ['set_pgidle'],
      filters: [
        { type: 'anon', matching: false, allow: false, path: '' },
        { type: 'memcg', matching: false, allow: true, path: '/a/b' },
      ],
    },
  ]);
  const unset = `
    echo 1 > ${P}/nr_probes
    echo 1 > ${P}/0/filters/nr_filters
    echo memcg > ${P}/0/filters/0/type
  `;
  await refuses(t, 'EINVAL', `${P}/0/filters/0/path`, unset);
});

test('weights of probes must fit the counters', async (t) => {
  const intervals = (sample: number, aggr: number): string => `
    echo ${sample} > ${I}/sample_us
    echo ${aggr} > ${I}/aggr_us
  `;
  const weights = (...list: number[]): string => `
    echo ${list.length} > ${P}/nr_probes
    ${list.map((weight, index) => `echo ${weight} > ${P}/${index}/weight`).join('\n')}
  `;
  // 2^32 - 1 = 255 * 16843009.
  const cases: readonly Case[] = [
    [`${I}/aggr_us`, intervals(100, 25_600) + weights(0, 1)],
    [`${I}/aggr_us`, intervals(0, 256) + weights(1)],
    [`${P}/0/weight`, intervals(100, 25_500) + weights(16_843_010)],
    [`${P}/1/weight`, intervals(100, 25_500) + weights(16_843_009, 1)],
    [`${P}/3/weight`, intervals(1, 1) + weights(4_294_967_293, 1, 1, 1)],
  ];
  for (const [path, script] of cases) await refuses(t, 'EINVAL', path, script);
  const taken = [
    intervals(100, 25_500) + weights(16_843_009, 0),
    intervals(100, 25_599) + weights(1),
    intervals(0, 255) + weights(1),
    // No samples in a window are counted as one.
    intervals(0, 0) + weights(4_294_967_295),
    intervals(1, 1) + weights(4_294_967_292, 1, 1, 1),
    // Without weights nothing is asked of them.
    intervals(100, 25_600) + weights(0, 0),
  ];
  for (const script of taken) t.truthy((await built(script)).probes.length, script);
});

const M = 'monitoring_attrs/sample';

test('sample control is taken as it is', async (t) => {
  const { sample } = await built(`
    echo N > ${M}/primitives/page_table
    echo Y > ${M}/primitives/page_fault
    echo 3 > ${M}/filters/nr_filters
    echo 4-5,0 > ${M}/filters/0/cpumask
    echo threads > ${M}/filters/1/type
    echo 9,8 > ${M}/filters/1/tid_arr
    echo Y > ${M}/filters/1/matching
    echo write > ${M}/filters/2/type
    echo Y > ${M}/filters/2/allow
    echo 2 > ${M}/perf_events/nr_perf_events
    echo 11 > ${M}/perf_events/0/type
    echo 0x20d1 > ${M}/perf_events/0/config
    echo 1 > ${M}/perf_events/0/config1
    echo 2 > ${M}/perf_events/0/config2
    echo 1 > ${M}/perf_events/0/sample_phys_addr
    echo 1 > ${M}/perf_events/0/sample_weight_struct
    echo 0 > ${M}/perf_events/0/freq
    echo 5003 > ${M}/perf_events/0/sample_freq
    echo 262144 > ${M}/perf_events/0/sample_period
    echo 3 > ${M}/perf_events/0/wakeup_events
    echo 7 > ${M}/perf_events/0/precise_ip
    echo 0 > ${M}/perf_events/0/exclude_kernel
    echo 0 > ${M}/perf_events/0/exclude_hv
  `);
  t.deepEqual(sample, {
    primitives: { pageTable: false, pageFault: true },
    filters: [
      { type: 'cpumask', matching: false, allow: false, cpus: [0, 4, 5] },
      { type: 'threads', matching: true, allow: false, tids: [9, 8] },
      { type: 'write', matching: false, allow: true },
    ],
    perfEvents: [
      {
        type: 11,
        config: 0x20d1n,
        config1: 1n,
        config2: 2n,
        samplePhysAddr: true,
        sampleWeightStruct: true,
        freq: false,
        sampleFreq: 5003n,
        samplePeriod: 262_144n,
        wakeupEvents: 3,
        preciseIp: 7,
        excludeKernel: false,
        excludeHv: false,
      },
      {
        type: 0,
        config: 0n,
        config1: 0n,
        config2: 0n,
        samplePhysAddr: false,
        sampleWeightStruct: false,
        freq: true,
        sampleFreq: 0n,
        samplePeriod: 0n,
        wakeupEvents: 1,
        preciseIp: 2,
        excludeKernel: true,
        excludeHv: true,
      },
    ],
  });
});

test('a sample filter about nothing is refused', async (t) => {
  const script = `echo 1 > ${M}/filters/nr_filters`;
  await refuses(t, 'EINVAL', `${M}/filters/0/cpumask`, script);
  await refuses(
    t,
    'EINVAL',
    `${M}/filters/0/tid_arr`,
    `${script} \n echo threads > ${M}/filters/0/type \n echo 1 > ${M}/filters/0/cpumask`,
  );
});

/** A scheme, and what the script writes in it. */
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
