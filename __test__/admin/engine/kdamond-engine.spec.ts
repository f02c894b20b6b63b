import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { Kdamond, type KdamondOptions, type SamplerOptions, balance } from '../../../src/index.ts';
import { SMALL, recordingOf, rows } from '../../support/small.ts';
import { answers, run } from '../tree-shell.ts';
import { ANY, machine } from './machine.ts';

const STATE = 'kdamonds/0/state';
const CONTEXT = 'kdamonds/0/contexts/0';
const COUNTERS = [
  ['nr_tried', 'nrTried'],
  ['sz_tried', 'szTried'],
  ['nr_applied', 'nrApplied'],
  ['sz_applied', 'szApplied'],
  ['sz_ops_filter_passed', 'szOpsFilterPassed'],
  ['qt_exceeds', 'qtExceeds'],
  ['nr_snapshots', 'nrSnapshots'],
] as const;

/** PULL, limited, with a goal: something of every counter. */
const PULL = `
  echo 1 > schemes/nr_schemes
  cd schemes/0
  echo migrate_hot > action
  echo 0 > target_nid
  ${ANY}
  echo 1 > access_pattern/nr_accesses/min
  echo 4194304 > quotas/bytes
  echo 1000 > quotas/reset_interval_ms
  echo temporal > quotas/goal_tuner
  echo 1000 > quotas/weights/nr_accesses_permil
  echo 1000 > quotas/weights/age_permil
  echo 1 > quotas/goals/nr_goals
  echo node_eligible_mem_bp > quotas/goals/0/target_metric
  echo 7000 > quotas/goals/0/target_value
`;

/** The same in our own words. */
const OPTIONS: KdamondOptions = {
  source: SMALL,
  targets: [{ regions: [{ start: 0, end: '256 MiB' }] }],
  schemes: [
    {
      action: 'migrate_hot',
      targetNid: 0,
      pattern: { nrAccesses: { min: 1 } },
      quota: {
        szBytes: '4 MiB',
        resetIntervalMs: '1 s',
        tuner: 'temporal',
        weights: { nrAccessesPermil: 1_000, agePermil: 1_000 },
        goals: [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: '70 %' }],
      },
    },
  ],
};

test('the source says which operations there are', async (t) => {
  const { tree } = await machine();
  t.is(tree.read(`${CONTEXT}/avail_operations`), 'vaddr\nfvaddr\npaddr\npaddr_ibs\n');
});

test('stats, effective bytes, intervals and tried regions are those of a monitor', async (t) => {
  const { engine, cat, command, tree } = await machine(`${PULL} echo on > ${STATE}`);
  using kdamond = new Kdamond(OPTIONS);
  for (const untilMs of [3_000, 10_000]) {
    await engine.step(untilMs - Number(kdamond.nowNs) / 1e6);
    await kdamond.run({ untilMs });
    await command('update_schemes_stats');
    await command('update_schemes_effective_quotas');
    await command('update_tuned_intervals');
    const { books } = kdamond;
    const scheme = books.counters['schemes'] as Record<string, Record<string, number>>;
    const counters = scheme['0 migrate_hot'] ?? {};
    for (const [file, name] of COUNTERS) {
      t.is(cat(`schemes/0/stats/${file}`), `${counters[name]}`, file);
    }
    t.not(counters['szApplied'], 0);
    t.is(cat('schemes/0/quotas/effective_bytes'), `${counters['effectiveSzBytes']}`);
    t.is(cat('monitoring_attrs/intervals/sample_us'), '5000');
    t.true(balance(books).every(({ offBy }) => offBy === 0n));
  }
  const walk = kdamond.triedRegions();
  await Promise.all([
    walk,
    kdamond.run({ untilMs: 11_000 }),
    command('update_schemes_tried_regions'),
  ]);
  const [tried] = await walk;
  t.deepEqual(
    [...(tried?.starts ?? [])].map((start, i) => [start, tried?.ends[i], tried?.nrAccesses[i]]),
    tree
      .list(`${CONTEXT}/schemes/0/tried_regions`)
      .filter((name) => /^\d+$/.test(name))
      .map((i) => {
        const at = `schemes/0/tried_regions/${i}`;
        return [
          BigInt(cat(`${at}/start`)),
          BigInt(cat(`${at}/end`)),
          Number(cat(`${at}/nr_accesses`)),
        ];
      }),
  );
  await tree.close();
});

test('tuned intervals come into the files', async (t) => {
  const { engine, cat, command, tree } = await machine(`
    echo 1000 > monitoring_attrs/intervals/intervals_goal/access_bp
    echo 2 > monitoring_attrs/intervals/intervals_goal/aggrs
    echo 1000 > monitoring_attrs/intervals/intervals_goal/min_sample_us
    echo 40000 > monitoring_attrs/intervals/intervals_goal/max_sample_us
    echo on > ${STATE}
  `);
  await engine.step(5_000);
  await command('update_tuned_intervals');
  const sampleUs = Number(cat('monitoring_attrs/intervals/sample_us'));
  t.not(sampleUs, 5_000);
  t.is(Number(cat('monitoring_attrs/intervals/aggr_us')), sampleUs * 20);
  await tree.close();
});

test('a commit is in force when it is answered, and another one may follow at once', async (t) => {
  const {
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  await write('echo 10000 > monitoring_attrs/intervals/sample_us');
  await command('commit');
  await write('echo 20000 > monitoring_attrs/intervals/sample_us');
  await command('commit');
  await write('echo 1 > monitoring_attrs/intervals/sample_us');
  await command('update_tuned_intervals');
  t.is(cat('monitoring_attrs/intervals/sample_us'), '20000');
  await command('commit_schemes_quota_goals');
  await command('commit_schemes_quota_goals');
  await tree.close();
});

test('goals are committed alone, beyond what our own options would take', async (t) => {
  const { engine, cat, command, run: write, tree } = await machine(`${PULL} echo on > ${STATE}`);
  await engine.step(1_000);
  await write(`
    cd schemes/0/quotas
    echo 1 > bytes
    echo user_input > goals/0/target_metric
    echo 18446744073709551615 > goals/0/target_value
    echo 18446744073709551615 > goals/0/current_value
  `);
  await command('commit_schemes_quota_goals');
  await engine.step(2_000);
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), '0', 'the goal is met');
  await write('echo 1 > schemes/0/quotas/goals/0/current_value');
  await command('commit_schemes_quota_goals');
  await engine.step(2_000);
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), '4194304', 'the size quota is as it was started');
  await tree.close();
});

test('every value that the kernel takes is taken', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 0 > monitoring_attrs/intervals/sample_us
    echo 1 > monitoring_attrs/intervals/aggr_us
    echo 18446744073709551615 > monitoring_attrs/intervals/update_us
    echo 3 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo migrate_cold > action
    echo -1 > target_nid
    echo 18446744073709551615 > quotas/bytes
    echo 18446744073709551615 > quotas/reset_interval_ms
    echo 4294967295 > quotas/weights/sz_permil
    echo 4294967295 > quotas/weights/nr_accesses_permil
    echo 1001 > quotas/weights/age_permil
    echo 1 > quotas/fail_charge_num
    echo 4294967295 > quotas/fail_charge_denom
    echo 2 > dests/nr_dests
    echo 3 > core_filters/nr_filters
    echo addr > core_filters/0/type
    echo Y > core_filters/0/matching
    echo 18446744073709551615 > core_filters/0/addr_end
    echo 18446744073709551614 > core_filters/0/addr_start
    echo target > core_filters/1/type
    echo Y > core_filters/1/matching
    echo -1 > core_filters/1/damon_target_idx
    echo target > core_filters/2/type
    echo Y > core_filters/2/matching
    echo Y > core_filters/2/allow
    cd /kdamonds/0/contexts/0/schemes/1
    echo willneed > action
    echo 9223372036854775808 > access_pattern/sz/min
    echo 7 > access_pattern/age/min
    echo 18446744073709551615 > stats/max_nr_snapshots
    echo 1 > ops_filters/nr_filters
    echo hugepage_size > ops_filters/0/type
    echo 18446744073709551615 > ops_filters/0/max
    cd /kdamonds/0/contexts/0/schemes/2
    echo lru_prio > action
    echo 2147483647 > target_nid
    ${ANY}
  `);
  await command('on');
  await engine.step(5);
  await command('update_schemes_stats');
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), `${2n ** 64n - 1n}`);
  t.not(cat('schemes/0/stats/nr_tried'), '0', 'tried, to no effect');
  t.is(cat('schemes/0/stats/nr_applied'), '0');
  t.is(cat('schemes/1/stats/nr_tried'), '0');
  t.not(cat('schemes/2/stats/nr_tried'), '0');
  await command('commit');
  await write('echo 0 > targets/nr_targets');
  for (let times = 0; times < 3; times += 1) await command('commit');
  await write(`
    echo 1 > targets/nr_targets
    echo 1 > targets/0/regions/nr_regions
    echo 4096 > targets/0/regions/0/end
  `);
  await command('commit');
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/2/tried_regions/total_bytes'), '4096');
  await tree.close();
});

test('no target is a start, too: nothing is monitored', async (t) => {
  const { engine, cat, command, tree } = await machine(`
    echo 0 > targets/nr_targets
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  await engine.step(1_000);
  await command('update_schemes_stats');
  t.is(cat('schemes/0/stats/nr_tried'), '0');
  await tree.close();
});

const EVENT = `
  cd monitoring_attrs/sample/perf_events
  echo 1 > nr_perf_events
  cd 0
  echo 0xb > type
  echo 1 > sample_phys_addr
  echo 0 > freq
  echo 262144 > sample_period
  echo 0 > exclude_kernel
  echo 0 > exclude_hv
`;
const AT = '/kdamonds/0/contexts/0';
const SCHEME = `echo 1 > ${AT}/schemes/nr_schemes
  cd ${AT}/schemes/0`;

const REFUSED: readonly [
  what: string,
  script: string,
  errno: Parameters<typeof answers>[1],
  path: string,
][] = [
  [
    'page faults',
    'echo Y > monitoring_attrs/sample/primitives/page_fault',
    'EOPNOTSUPP',
    'monitoring_attrs/sample/primitives/page_fault',
  ],
  ['address units of reports', 'echo 4096 > addr_unit', 'EINVAL', 'addr_unit'],
  [
    'an obsolete target at the start',
    'echo Y > targets/0/obsolete_target',
    'EINVAL',
    'targets/0/obsolete_target',
  ],
  [
    'a filter by an unknown cgroup',
    `${SCHEME}
    echo 1 > ops_filters/nr_filters
    echo memcg > ops_filters/0/type
    echo /none > ops_filters/0/memcg_path`,
    'ENOMEM',
    'schemes/0/ops_filters',
  ],
  [
    'a goal about an unknown cgroup',
    `${SCHEME}
    echo 1 > quotas/goals/nr_goals
    echo node_memcg_used_bp > quotas/goals/0/target_metric
    echo /none > quotas/goals/0/path
    echo 1 > quotas/goals/0/target_value`,
    'ENOMEM',
    'schemes/0/quotas/goals',
  ],
  [
    'a goal about a node that is not there',
    `${SCHEME}
    echo 1 > quotas/goals/nr_goals
    echo node_eligible_mem_bp > quotas/goals/0/target_metric
    echo 9 > quotas/goals/0/nid
    echo 1 > quotas/goals/0/target_value`,
    'EINVAL',
    'schemes/0/quotas/goals',
  ],
  [
    'a goal about no node',
    `${SCHEME}
    echo 1 > quotas/goals/nr_goals
    echo node_eligible_mem_bp > quotas/goals/0/target_metric
    echo -1 > quotas/goals/0/nid
    echo 1 > quotas/goals/0/target_value`,
    'EINVAL',
    'schemes/0/quotas/goals',
  ],
  [
    'an event of another PMU',
    `${EVENT}
    echo 4 > type`,
    'ENODEV',
    'monitoring_attrs/sample/perf_events/0/type',
  ],
  [
    'latencies',
    `${EVENT}
    echo 1 > sample_weight_struct`,
    'EOPNOTSUPP',
    'monitoring_attrs/sample/perf_events/0/sample_weight_struct',
  ],
  [
    'virtual addresses of a physical sampler',
    `${EVENT}
    echo 0 > sample_phys_addr`,
    'EOPNOTSUPP',
    'monitoring_attrs/sample/perf_events/0/sample_phys_addr',
  ],
  [
    'two events',
    `${EVENT}
    echo 2 > ../nr_perf_events
    echo 0xb > type`,
    'EOPNOTSUPP',
    'monitoring_attrs/sample/perf_events/nr_perf_events',
  ],
];

for (const [what, script, errno, path] of REFUSED) {
  test(`refused at the start, and nothing runs: ${what}`, async (t) => {
    const { command, tree } = await machine(script);
    await answers(t, errno, () => command('on'), `${CONTEXT}/${path}`);
    t.is(tree.read(STATE), 'off\n');
    t.is(tree.read('kdamonds/0/pid'), '-1\n');
  });

  // What is there may be obsolete.
  if (path === 'targets/0/obsolete_target') continue;
  test(`refused of a commit, and all goes on: ${what}`, async (t) => {
    const { command, engine, run: write, tree } = await machine(`echo on > ${STATE}`);
    await write(script);
    await answers(t, errno, () => command('commit'), `${CONTEXT}/${path}`);
    await engine.step(100);
    await command('update_schemes_stats');
    t.is(tree.read(STATE), 'on\n');
    await tree.close();
  });
}

test('a target goes, and comes again', async (t) => {
  const {
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  const tried: string[] = [];
  for (const obsolete of ['N', 'Y', 'N']) {
    await write(`echo ${obsolete} > targets/0/obsolete_target`);
    await command('commit');
    await command('update_schemes_tried_bytes');
    tried.push(cat('schemes/0/tried_regions/total_bytes'));
  }
  t.deepEqual(tried, [`${2 ** 28}`, '0', `${2 ** 28}`]);
  await tree.close();
});

test('commit_schemes_quota_goals tells EINVAL of an unknown cgroup', async (t) => {
  const { command, run: write, tree } = await machine(`${PULL} echo on > ${STATE}`);
  await write(`
    echo node_memcg_free_bp > schemes/0/quotas/goals/0/target_metric
    echo /none > schemes/0/quotas/goals/0/path
  `);
  const path = `${CONTEXT}/schemes/0/quotas/goals`;
  await answers(t, 'EINVAL', () => command('commit_schemes_quota_goals'), path);
  await tree.close();
});

test('tried regions are ECANCELED of one that is paused or has no schemes', async (t) => {
  const { command, run: write, tree } = await machine(`echo on > ${STATE}`);
  await answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
  await write('echo 1 > schemes/nr_schemes\n echo Y > pause');
  await command('commit');
  await answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
  await write('echo N > pause');
  await command('commit');
  await command('update_schemes_tried_regions');
  t.is(tree.read(STATE), 'on\n');
  await tree.close();
});

test('a process may be two targets, as in the kernel', async (t) => {
  const tried = async (targets: number): Promise<number> => {
    const pids = Array.from({ length: targets }, (_, i) => `echo 1 > targets/${i}/pid_target`);
    const { engine, cat, command, tree } = await machine(`
      echo vaddr > operations
      echo 0 > targets/nr_targets
      echo ${targets} > targets/nr_targets
      ${pids.join('\n')}
      ${SCHEME}
      ${ANY}
      echo on > ${STATE}
    `);
    await engine.step(500);
    await command('update_schemes_tried_bytes');
    const bytes = Number(cat('schemes/0/tried_regions/total_bytes'));
    await tree.close();
    return bytes;
  };
  const once = await tried(1);
  t.true(once > 0);
  t.is(await tried(2), 2 * once);
});

test('a perf event programs the sampler, for one monitor at a time', async (t) => {
  const { engine, command, run: write, tree } = await machine('', { ibsOpType: 0xb });
  await run(
    tree,
    `
    echo 2 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    echo 1 > kdamonds/1/contexts/nr_contexts
    cd kdamonds/0/contexts/0
    echo paddr_ibs > operations
    ${EVENT}
    cd kdamonds/1/contexts/0
    echo paddr_ibs > operations
    ${EVENT}
    `,
  );
  await command('on');
  const path = 'kdamonds/1/contexts/0/monitoring_attrs/sample/perf_events/nr_perf_events';
  const other = (): Promise<void> => tree.write('kdamonds/1/state', 'on');
  await answers(t, 'EBUSY', other, path);
  await command('commit');
  const events = 'monitoring_attrs/sample/perf_events';
  await write(`echo 0 > ${events}/nr_perf_events`);
  // As long as it is not committed, it is as it was.
  await answers(t, 'EBUSY', other, path);
  await command('commit');
  await other();
  t.is(tree.read('kdamonds/1/state'), 'on\n');
  await write(EVENT);
  const number = `${CONTEXT}/${events}/nr_perf_events`;
  await answers(t, 'EBUSY', () => command('commit'), number);
  await engine.step(100);
  await tree.write('kdamonds/1/state', 'off');
  await command('commit');
  t.is(tree.read(STATE), 'on\n');
  await answers(t, 'EBUSY', other, path);
  await command('off');
  await other();
  await tree.close();
});

test('a commit that adds a perf event has accesses seen by it, and one that takes it away no longer', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo paddr > operations
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    echo on > ${STATE}
  `);
  const tried = async (): Promise<number> => {
    await engine.step(500);
    await command('update_schemes_stats');
    const before = Number(cat('schemes/0/stats/sz_tried'));
    await engine.step(2_000);
    await command('update_schemes_stats');
    return Number(cat('schemes/0/stats/sz_tried')) - before;
  };
  const checked = await tried();
  // So seldom that next to nothing is seen.
  await write(`${EVENT} echo 134217712 > sample_period`);
  await command('commit');
  const sampled = await tried();
  await write('echo 0 > monitoring_attrs/sample/perf_events/nr_perf_events');
  await command('commit');
  const again = await tried();
  t.assert(
    sampled > 0 && checked > 2 * sampled && again > 2 * sampled,
    `${checked}, ${sampled}, ${again}`,
  );
  await tree.close();
});

test('a commit of another period restarts sampling with it', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    ${EVENT}
    echo 134217712 > sample_period
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    echo on > ${STATE}
  `);
  const tried = async (): Promise<number> => {
    await engine.step(2_000);
    await command('update_schemes_stats');
    return Number(cat('schemes/0/stats/sz_tried'));
  };
  const before = await tried();
  await write('echo 65536 > monitoring_attrs/sample/perf_events/0/sample_period');
  await command('commit');
  const after = (await tried()) - before;
  t.assert(after > 2 * before, `${after} after ${before}`);
  await tree.close();
});

test('PEBS is programmed by raw events, and page faults by the software event of any machine', async (t) => {
  const event = `
    echo 1 > contexts/nr_contexts
    cd contexts/0
    echo vaddr > operations
    echo 1 > targets/nr_targets
    echo 1 > targets/0/pid_target
    echo 1 > monitoring_attrs/sample/perf_events/nr_perf_events
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    cd ${AT}/monitoring_attrs/sample/perf_events/0`;
  const tried = async (sampler: SamplerOptions, script: string): Promise<number> => {
    const engine = new KdamondEngine({ source: { ...SMALL, sampler }, speed: 0 });
    const tree = new AdminTree(engine);
    await run(
      tree,
      `echo 1 > kdamonds/nr_kdamonds\ncd kdamonds/0\n${event}\n${script}\necho on > ${STATE}`,
    );
    await engine.step(1_000);
    await tree.write('kdamonds/0/state', 'update_schemes_stats');
    const stats = tree.read('kdamonds/0/contexts/0/schemes/0/stats/nr_tried');
    await tree.close();
    return Number(stats);
  };
  // The RFC's configuration B.
  const b = 'echo 4 > type\necho 0x20d1 > config\necho 5003 > sample_freq';
  t.assert((await tried({ type: 'pebs' }, b)) > 0);
  // Nothing is paged out here, so nothing faults.
  const faults = 'echo 1 > type\necho 2 > config\necho 0 > freq\necho 1 > sample_period';
  t.is(await tried({ type: 'pebs' }, faults), 0);
});

test('a shorter period samples more', async (t) => {
  const tried: number[] = [];
  for (const period of [262_144, 134_217_712]) {
    const { engine, cat, command, tree } = await machine(`
      ${EVENT}
      echo ${period} > sample_period
      ${SCHEME}
      ${ANY}
      echo 1 > access_pattern/nr_accesses/min
      echo on > ${STATE}
    `);
    await engine.step(2_000);
    await command('update_schemes_stats');
    tried.push(Number(cat('schemes/0/stats/sz_tried')));
    await tree.close();
  }
  const [often = 0, seldom = 0] = tried;
  t.assert(often > 2 * seldom, tried.join(' '));
});

test('a recording is monitored where the tree says, and its end is the monitor’s', async (t) => {
  const ended: unknown[] = [];
  const source = { type: 'recording', path: recordingOf(rows(2_000)) } as const;
  const { engine, cat, command, tree } = await machine(
    `
    echo 0x800000 > targets/0/regions/0/end
    ${SCHEME}
    ${ANY}
    echo on > ${STATE}
    `,
    { source, onEnd: (error) => ended.push(error) },
  );
  await engine.step(1_000);
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/0/tried_regions/total_bytes'), `${0x80_0000}`);
  await command('update_schemes_stats');
  const counted = cat('schemes/0/stats/sz_tried');
  await engine.step(10_000);
  t.is(tree.read(STATE), 'off\n');
  t.deepEqual(ended, [undefined]);
  await answers(t, 'ECANCELED', () => command('update_schemes_stats'));
  t.is(cat('schemes/0/stats/sz_tried'), counted);
  await command('off');
  await command('on');
  t.is(tree.read(STATE), 'on\n', 'from the beginning');
  await tree.close();
});

test('a recording that cannot be read on ends its monitor with the error', async (t) => {
  const ended: unknown[] = [];
  const source = { type: 'recording', path: recordingOf([...rows(50), 'broken']) } as const;
  const { engine, tree } = await machine(`echo on > ${STATE}`, {
    source,
    onEnd: (error) => ended.push(error),
  });
  await engine.step(1_000);
  t.is(tree.read(STATE), 'off\n');
  t.like(ended[0], { code: 'ERR_DAMON_TRACE_ROW' });
});

test('a recording cannot be sampled by perf', async (t) => {
  const source = { type: 'recording', path: recordingOf(rows(50)) } as const;
  const { command } = await machine(EVENT, { source });
  const path = `${CONTEXT}/monitoring_attrs/sample/perf_events/nr_perf_events`;
  await answers(t, 'EOPNOTSUPP', () => command('on'), path);
});

test('time passes by itself at the speed asked for, and commands are answered meanwhile', async (t) => {
  const { command, cat, tree } = await machine(`${SCHEME}\n ${ANY}\n echo on > ${STATE}`, {
    speed: 100,
  });
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/0/tried_regions/total_bytes'), `${2 ** 28}`);
  await command('commit');
  await command('update_schemes_stats');
  const before = Number(cat('schemes/0/stats/nr_snapshots'));
  for (let walks = 0; walks < 3; walks += 1) await command('update_schemes_tried_regions');
  await command('update_schemes_stats');
  t.assert(Number(cat('schemes/0/stats/nr_snapshots')) >= before + 3);
  await command('off');
  t.is(tree.read(STATE), 'off\n');
});

test('close cancels a walk that would never be answered', async (t) => {
  for (const speed of [0, 1]) {
    const { command, tree } = await machine(
      `${SCHEME}\n ${ANY}\n echo 18446744073709551615 > apply_interval_us\n echo on > ${STATE}`,
      { speed },
    );
    const walk = answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
    await new Promise(setImmediate);
    await tree.close();
    await walk;
  }
});

test('options are refused by name, and a source when the engine is made', (t) => {
  for (const speed of [-1, NaN, Infinity]) {
    const error = t.throws(() => new KdamondEngine({ source: SMALL, speed }));
    t.like(error, { code: 'ERR_DAMON_CONFIG', path: 'speed' });
  }
  const source = { type: 'recording', path: 'none' } as const;
  t.like(
    t.throws(() => new KdamondEngine({ source })),
    { code: 'ERR_DAMON_TRACE_OPEN' },
  );
});

test('steps are whole milliseconds', async (t) => {
  const engine = new KdamondEngine({ source: SMALL, speed: 0 });
  for (const ms of [-1, 0.5]) {
    t.like(await t.throwsAsync(engine.step(ms)), { code: 'ERR_DAMON_CONFIG', path: 'ms' });
  }
  t.is(new AdminTree(engine).list('').length, 1);
});
