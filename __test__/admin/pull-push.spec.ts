import test from 'ava';

import type { AdminScheme } from '../../src/admin/engine.ts';
import { statsFrom } from './fake-engine.ts';
import { shell } from './tree-shell.ts';

/** 60 % of what is eligible on node 0, as a user of the kernel sets it up. */
const SET_UP = `
  cd /sys/kernel/mm/damon/admin/kdamonds
  echo 1 > nr_kdamonds
  echo 1 > 0/contexts/nr_contexts

  cd /sys/kernel/mm/damon/admin/kdamonds/0/contexts/0
  echo paddr_ibs > operations
  echo 10000 > monitoring_attrs/intervals/sample_us
  echo 200000 > monitoring_attrs/intervals/aggr_us
  echo 100 > monitoring_attrs/nr_regions/min
  echo 1 > monitoring_attrs/sample/filters/nr_filters
  echo cpumask > monitoring_attrs/sample/filters/0/type
  echo 0-3,8 > monitoring_attrs/sample/filters/0/cpumask
  echo Y > monitoring_attrs/sample/filters/0/matching
  echo Y > monitoring_attrs/sample/filters/0/allow
  echo 1 > monitoring_attrs/sample/perf_events/nr_perf_events
  echo 0xb > monitoring_attrs/sample/perf_events/0/type
  echo 1 > monitoring_attrs/sample/perf_events/0/sample_phys_addr
  echo 0 > monitoring_attrs/sample/perf_events/0/freq
  echo 262144 > monitoring_attrs/sample/perf_events/0/sample_period
  echo 0 > monitoring_attrs/sample/perf_events/0/exclude_kernel
  echo 0 > monitoring_attrs/sample/perf_events/0/exclude_hv

  # DRAM, then CXL memory.
  echo 1 > targets/nr_targets
  echo 2 > targets/0/regions/nr_regions
  echo 0x100000000 > targets/0/regions/0/start
  echo 0x200000000 > targets/0/regions/0/end
  echo 0x200000000 > targets/0/regions/1/start
  echo 0x400000000 > targets/0/regions/1/end

  echo 2 > schemes/nr_schemes
  cd schemes/0
  echo migrate_hot > action
  echo 0 > target_nid
  echo 18446744073709551615 > access_pattern/sz/max
  echo 1 > access_pattern/nr_accesses/min
  echo 4294967295 > access_pattern/nr_accesses/max
  echo 4294967295 > access_pattern/age/max
  echo 536870912 > quotas/bytes
  echo 1000 > quotas/reset_interval_ms
  echo temporal > quotas/goal_tuner
  echo 1000 > quotas/weights/nr_accesses_permil
  echo 1 > quotas/goals/nr_goals
  echo node_eligible_mem_bp > quotas/goals/0/target_metric
  echo 0 > quotas/goals/0/nid
  echo 6000 > quotas/goals/0/target_value
  echo 1 > core_filters/nr_filters
  echo addr > core_filters/0/type
  echo Y > core_filters/0/matching
  echo Y > core_filters/0/allow
  echo 0x200000000 > core_filters/0/addr_start
  echo 0x400000000 > core_filters/0/addr_end

  cd /sys/kernel/mm/damon/admin/kdamonds/0/contexts/0/schemes/1
  echo migrate_hot > action
  echo 1 > target_nid
  echo 18446744073709551615 > access_pattern/sz/max
  echo 1 > access_pattern/nr_accesses/min
  echo 4294967295 > access_pattern/nr_accesses/max
  echo 4294967295 > access_pattern/age/max
  echo 536870912 > quotas/bytes
  echo 1000 > quotas/reset_interval_ms
  echo temporal > quotas/goal_tuner
  echo 1000 > quotas/weights/nr_accesses_permil
  echo 1 > quotas/goals/nr_goals
  echo node_eligible_mem_bp > quotas/goals/0/target_metric
  echo 1 > quotas/goals/0/nid
  echo 4000 > quotas/goals/0/target_value
  echo 1 > core_filters/nr_filters
  echo addr > core_filters/0/type
  echo Y > core_filters/0/matching
  echo Y > core_filters/0/allow
  echo 0x100000000 > core_filters/0/addr_start
  echo 0x200000000 > core_filters/0/addr_end

  cd /sys/kernel/mm/damon/admin/kdamonds/0
  echo on > state
`;

const GIB = 2n ** 30n;

function migration(node: number, targetValue: bigint, source: [bigint, bigint]): AdminScheme {
  const any = { min: 0, max: 2 ** 32 - 1 };
  return {
    action: 'migrate_hot',
    applyIntervalUs: 0n,
    targetNid: node,
    pattern: {
      szBytes: { min: 0n, max: 2n ** 64n - 1n },
      nrAccesses: { ...any, min: 1 },
      age: any,
    },
    quota: {
      ms: 0n,
      bytes: 512n * 2n ** 20n,
      resetIntervalMs: 1_000n,
      goals: [
        { metric: 'node_eligible_mem_bp', targetValue, currentValue: 0n, nid: node, path: '' },
      ],
      tuner: 'temporal',
      failChargeNum: 0,
      failChargeDenom: 0,
      weights: { sz: 0, nrAccesses: 1_000, age: 0 },
    },
    watermarks: { metric: 'none', intervalUs: 0n, high: 0n, mid: 0n, low: 0n },
    coreFilters: [
      {
        type: 'addr',
        matching: true,
        allow: true,
        memcgPath: '',
        addr: { start: source[0], end: source[1] },
        range: { min: 0n, max: 0n },
        targetIdx: 0,
      },
    ],
    opsFilters: [],
    dests: [],
    maxNrSnapshots: 0n,
  };
}

test('a set-up of two schemes that pull and push arrives whole', async (t) => {
  const { engine, tree, run } = shell();
  await run(SET_UP);
  t.is(tree.read('kdamonds/0/state'), 'on\n');
  t.is(engine.contexts.length, 1);
  t.deepEqual(engine.context, {
    operations: 'paddr_ibs',
    addrUnit: 1n,
    pause: false,
    attrs: {
      sampleUs: 10_000n,
      aggregationUs: 200_000n,
      opsUpdateUs: 60_000_000n,
      minNrRegions: 100n,
      maxNrRegions: 1_000n,
      intervalsGoal: { accessBp: 0n, aggrs: 0n, minSampleUs: 0n, maxSampleUs: 0n },
    },
    probes: [],
    targets: [
      {
        pid: 0,
        obsolete: false,
        regions: [
          { start: 4n * GIB, end: 8n * GIB },
          { start: 8n * GIB, end: 16n * GIB },
        ],
      },
    ],
    sample: {
      primitives: { pageTable: true, pageFault: false },
      filters: [{ type: 'cpumask', matching: true, allow: true, cpus: [0, 1, 2, 3, 8] }],
      perfEvents: [
        {
          type: 11,
          config: 0n,
          config1: 0n,
          config2: 0n,
          samplePhysAddr: true,
          sampleWeightStruct: false,
          freq: false,
          sampleFreq: 0n,
          samplePeriod: 262_144n,
          wakeupEvents: 1,
          preciseIp: 2,
          excludeKernel: false,
          excludeHv: false,
        },
      ],
    },
    schemes: [
      migration(0, 6_000n, [8n * GIB, 16n * GIB]),
      migration(1, 4_000n, [4n * GIB, 8n * GIB]),
    ],
  });
});

test('the target is moved while it runs, watched, and it is stopped', async (t) => {
  const { engine, tree, run } = shell();
  await run(SET_UP);
  engine.kdamond.counters = [statsFrom(100n), statsFrom(200n)];
  engine.kdamond.bytes = [536_870_912n, 0n];
  await run(`
    cd /sys/kernel/mm/damon/admin/kdamonds/0
    echo 7000 > contexts/0/schemes/0/quotas/goals/0/target_value
    echo 3000 > contexts/0/schemes/1/quotas/goals/0/target_value
    echo commit_schemes_quota_goals > state
    echo update_schemes_stats > state
    echo update_schemes_effective_quotas > state
    echo off > state
  `);
  t.deepEqual(
    engine.kdamond.committedGoals.map((schemes) =>
      schemes.map((goals) => goals.map(({ nid, targetValue }) => [nid, targetValue])),
    ),
    [[[[0, 7_000n]], [[1, 3_000n]]]],
  );
  const calls = ['commitGoals', 'stats', 'effectiveBytes', 'stop'];
  t.deepEqual(engine.kdamond.calls, calls);
  const scheme = 'kdamonds/0/contexts/0/schemes';
  t.is(tree.read(`${scheme}/0/quotas/effective_bytes`), '536870912\n');
  t.is(tree.read(`${scheme}/1/stats/sz_applied`), '203\n');
  t.is(tree.read('kdamonds/0/state'), 'off\n');
});
