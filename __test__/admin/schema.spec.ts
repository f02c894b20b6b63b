import test from 'ava';

import { contextShell, shell } from './tree-shell.ts';

/** Every file of section 9.2 and of the sample directory, with its default. `!`: read-only. */
const FILES = `
kdamonds/nr_kdamonds 1
kdamonds/0/state off
kdamonds/0/pid! -1
kdamonds/0/refresh_ms 0
kdamonds/0/contexts/nr_contexts 1
C/avail_operations! vaddr|fvaddr|paddr|paddr_ibs
C/operations vaddr
C/addr_unit 1
C/pause N
C/monitoring_attrs/intervals/sample_us 5000
C/monitoring_attrs/intervals/aggr_us 100000
C/monitoring_attrs/intervals/update_us 60000000
C/monitoring_attrs/intervals/intervals_goal/access_bp 0
C/monitoring_attrs/intervals/intervals_goal/aggrs 0
C/monitoring_attrs/intervals/intervals_goal/min_sample_us 0
C/monitoring_attrs/intervals/intervals_goal/max_sample_us 0
C/monitoring_attrs/nr_regions/min 10
C/monitoring_attrs/nr_regions/max 1000
C/monitoring_attrs/probes/nr_probes 1
C/monitoring_attrs/probes/0/weight 0
C/monitoring_attrs/probes/0/preps/nr_preps 1
C/monitoring_attrs/probes/0/preps/0/prep_action set_pgidle
C/monitoring_attrs/probes/0/filters/nr_filters 1
C/monitoring_attrs/probes/0/filters/0/type anon
C/monitoring_attrs/probes/0/filters/0/matching N
C/monitoring_attrs/probes/0/filters/0/allow N
C/monitoring_attrs/probes/0/filters/0/path
C/monitoring_attrs/sample/primitives/page_table Y
C/monitoring_attrs/sample/primitives/page_fault N
C/monitoring_attrs/sample/filters/nr_filters 1
C/monitoring_attrs/sample/filters/0/type cpumask
C/monitoring_attrs/sample/filters/0/matching N
C/monitoring_attrs/sample/filters/0/allow N
C/monitoring_attrs/sample/filters/0/cpumask
C/monitoring_attrs/sample/filters/0/tid_arr
C/monitoring_attrs/sample/perf_events/nr_perf_events 1
C/monitoring_attrs/sample/perf_events/0/type 0x0
C/monitoring_attrs/sample/perf_events/0/config 0x0
C/monitoring_attrs/sample/perf_events/0/config1 0x0
C/monitoring_attrs/sample/perf_events/0/config2 0x0
C/monitoring_attrs/sample/perf_events/0/sample_phys_addr 0
C/monitoring_attrs/sample/perf_events/0/sample_weight_struct 0
C/monitoring_attrs/sample/perf_events/0/freq 1
C/monitoring_attrs/sample/perf_events/0/sample_freq 0
C/monitoring_attrs/sample/perf_events/0/sample_period 0
C/monitoring_attrs/sample/perf_events/0/wakeup_events 1
C/monitoring_attrs/sample/perf_events/0/precise_ip 2
C/monitoring_attrs/sample/perf_events/0/exclude_kernel 1
C/monitoring_attrs/sample/perf_events/0/exclude_hv 1
C/targets/nr_targets 1
C/targets/0/pid_target 0
C/targets/0/obsolete_target N
C/targets/0/regions/nr_regions 1
C/targets/0/regions/0/start 0
C/targets/0/regions/0/end 0
C/schemes/nr_schemes 1
S/action stat
S/apply_interval_us 0
S/target_nid -1
S/access_pattern/sz/min 0
S/access_pattern/sz/max 0
S/access_pattern/nr_accesses/min 0
S/access_pattern/nr_accesses/max 0
S/access_pattern/age/min 0
S/access_pattern/age/max 0
S/quotas/ms 0
S/quotas/bytes 0
S/quotas/reset_interval_ms 0
S/quotas/effective_bytes! 0
S/quotas/goal_tuner consist
S/quotas/fail_charge_num 0
S/quotas/fail_charge_denom 0
S/quotas/weights/sz_permil 0
S/quotas/weights/nr_accesses_permil 0
S/quotas/weights/age_permil 0
S/quotas/goals/nr_goals 1
S/quotas/goals/0/target_metric user_input
S/quotas/goals/0/target_value 0
S/quotas/goals/0/current_value 0
S/quotas/goals/0/nid 0
S/quotas/goals/0/path
S/watermarks/metric none
S/watermarks/interval_us 0
S/watermarks/high 0
S/watermarks/mid 0
S/watermarks/low 0
S/core_filters/nr_filters 1
S/core_filters/0/FILTER
S/ops_filters/nr_filters 1
S/ops_filters/0/FILTER
S/filters/nr_filters 1
S/filters/0/FILTER
S/dests/nr_dests 1
S/dests/0/id 0
S/dests/0/weight 0
S/stats/nr_tried! 0
S/stats/sz_tried! 0
S/stats/nr_applied! 0
S/stats/sz_applied! 0
S/stats/sz_ops_filter_passed! 0
S/stats/qt_exceeds! 0
S/stats/nr_snapshots! 0
S/stats/max_nr_snapshots 0
S/tried_regions/total_bytes! 0
S/tried_regions/0/start! 4096
S/tried_regions/0/end! 8192
S/tried_regions/0/nr_accesses! 3
S/tried_regions/0/age! 5
S/tried_regions/0/sz_filter_passed! 7
S/tried_regions/0/probes/0/hits! 255
`;

const FILTER = `type anon|matching N|allow N|memcg_path|addr_start 0|addr_end 0|min 0|max 0|damon_target_idx 0`;

interface File {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

function expectedFiles(): File[] {
  const lines = FILES.trim()
    .split('\n')
    .flatMap((line) =>
      line.endsWith('FILTER')
        ? FILTER.split('|').map((file) => line.replace('FILTER', file))
        : [line],
    );
  return lines.map((line) => {
    const [name = '', text = ''] = line.split(' ');
    const path = name
      .replace('!', '')
      .replace(/^S/, 'kdamonds/0/contexts/0/schemes/0')
      .replace(/^C/, 'kdamonds/0/contexts/0');
    const mode = name.endsWith('!') ? 0o400 : 0o600;
    return { path, mode, text: `${text.replaceAll('|', '\n')}\n` };
  });
}

/** A tree with one of everything that is counted, untouched otherwise. */
async function fullTree() {
  const { engine, tree, run } = shell();
  await run(`
    echo 1 > kdamonds/nr_kdamonds
    cd kdamonds/0/contexts
    echo 1 > nr_contexts
    cd 0
    echo 1 > schemes/nr_schemes
    echo on > kdamonds/0/state
  `);
  const region = { start: 4096n, end: 8192n, nrAccesses: 3, age: 5, szFilterPassed: 7n };
  engine.kdamond.tried = [{ totalBytes: 0n, regions: [{ ...region, probeHits: [255] }] }];
  await run(`
    echo update_schemes_tried_regions > kdamonds/0/state
    echo off > kdamonds/0/state
    cd kdamonds/0/contexts/0
    echo 1 > monitoring_attrs/probes/nr_probes
    echo 1 > monitoring_attrs/probes/0/preps/nr_preps
    echo 1 > monitoring_attrs/probes/0/filters/nr_filters
    echo 1 > monitoring_attrs/sample/filters/nr_filters
    echo 1 > monitoring_attrs/sample/perf_events/nr_perf_events
    echo 1 > targets/nr_targets
    echo 1 > targets/0/regions/nr_regions
    echo 1 > schemes/0/quotas/goals/nr_goals
    echo 1 > schemes/0/core_filters/nr_filters
    echo 1 > schemes/0/ops_filters/nr_filters
    echo 1 > schemes/0/filters/nr_filters
    echo 1 > schemes/0/dests/nr_dests
  `);
  return tree;
}

test('the tree has these files with these defaults and modes, and no others', async (t) => {
  const tree = await fullTree();
  const found: File[] = [];
  const walk = (path: string): void => {
    for (const name of tree.list(path)) {
      const below = path === '' ? name : `${path}/${name}`;
      const stat = tree.stat(below);
      if (stat?.type === 'dir') {
        t.is(stat.mode, 0o755, below);
        walk(below);
      } else found.push({ path: below, mode: stat?.mode ?? 0, text: tree.read(below) });
    }
  };
  walk('');
  const byPath = (a: File, b: File) => (a.path < b.path ? -1 : 1);
  t.deepEqual(found.toSorted(byPath), expectedFiles().toSorted(byPath));
});

/** Texts for each kind of file: `shown` where it is taken, the errno where it is not. */
const KINDS: readonly [files: string, rows: readonly [text: string, shown: string][]][] = [
  [
    `C/monitoring_attrs/intervals/sample_us C/monitoring_attrs/intervals/aggr_us
     C/monitoring_attrs/intervals/update_us C/monitoring_attrs/intervals/intervals_goal/access_bp
     C/monitoring_attrs/intervals/intervals_goal/aggrs
     C/monitoring_attrs/intervals/intervals_goal/min_sample_us
     C/monitoring_attrs/intervals/intervals_goal/max_sample_us
     C/monitoring_attrs/nr_regions/min C/monitoring_attrs/nr_regions/max
     C/targets/0/regions/0/start C/targets/0/regions/0/end S/apply_interval_us
     S/access_pattern/sz/min S/access_pattern/sz/max S/access_pattern/nr_accesses/min
     S/access_pattern/nr_accesses/max S/access_pattern/age/min S/access_pattern/age/max
     S/quotas/goals/0/target_value S/quotas/goals/0/current_value
     S/watermarks/interval_us S/watermarks/high S/watermarks/mid S/watermarks/low
     S/F/0/addr_start S/F/0/addr_end S/F/0/min S/F/0/max
     S/stats/max_nr_snapshots C/monitoring_attrs/sample/perf_events/0/sample_freq
     C/monitoring_attrs/sample/perf_events/0/sample_period`,
    [
      ['0', '0'],
      ['0x10', '16'],
      ['18446744073709551615', '18446744073709551615'],
      ['18446744073709551616', 'ERANGE'],
      ['-1', 'EINVAL'],
      ['5 ms', 'EINVAL'],
    ],
  ],
  [
    'S/quotas/ms S/quotas/bytes S/quotas/reset_interval_ms',
    [
      ['18446744073709551615', '18446744073709551615'],
      ['18446744073709551616', 'EINVAL'],
      ['-1', 'EINVAL'],
    ],
  ],
  [
    'C/addr_unit',
    [
      ['1', '1'],
      ['18446744073709551615', '18446744073709551615'],
      ['0', 'EINVAL'],
      ['18446744073709551616', 'ERANGE'],
    ],
  ],
  [
    `kdamonds/0/refresh_ms C/monitoring_attrs/probes/0/weight S/quotas/weights/sz_permil
     S/quotas/weights/nr_accesses_permil S/quotas/weights/age_permil S/dests/0/id S/dests/0/weight
     C/monitoring_attrs/sample/perf_events/0/wakeup_events
     C/monitoring_attrs/sample/perf_events/0/precise_ip`,
    [
      ['1001', '1001'],
      ['4294967295', '4294967295'],
      ['4294967296', 'ERANGE'],
      ['-1', 'EINVAL'],
    ],
  ],
  [
    'S/quotas/fail_charge_num S/quotas/fail_charge_denom',
    [
      ['4294967295', '4294967295'],
      ['4294967296', 'EINVAL'],
    ],
  ],
  [
    'S/target_nid S/quotas/goals/0/nid S/F/0/damon_target_idx',
    [
      ['-2147483648', '-2147483648'],
      ['2147483647', '2147483647'],
      ['2147483648', 'ERANGE'],
      ['-2147483649', 'ERANGE'],
      ['node0', 'EINVAL'],
    ],
  ],
  [
    'C/targets/0/pid_target',
    [
      ['-1', '-1'],
      ['2147483647', '2147483647'],
      ['2147483648', 'EINVAL'],
    ],
  ],
  [
    `C/pause C/targets/0/obsolete_target S/F/0/matching S/F/0/allow
     C/monitoring_attrs/probes/0/filters/0/matching C/monitoring_attrs/probes/0/filters/0/allow
     C/monitoring_attrs/sample/primitives/page_table C/monitoring_attrs/sample/primitives/page_fault
     C/monitoring_attrs/sample/filters/0/matching C/monitoring_attrs/sample/filters/0/allow`,
    [
      ['1', 'Y'],
      ['0', 'N'],
      ['on', 'Y'],
      ['Off', 'N'],
      ['2', 'EINVAL'],
      ['true', 'Y'],
    ],
  ],
  [
    `C/monitoring_attrs/sample/perf_events/0/sample_phys_addr
     C/monitoring_attrs/sample/perf_events/0/sample_weight_struct
     C/monitoring_attrs/sample/perf_events/0/freq
     C/monitoring_attrs/sample/perf_events/0/exclude_kernel
     C/monitoring_attrs/sample/perf_events/0/exclude_hv`,
    [
      ['1', '1'],
      ['0', '0'],
      ['2', 'EINVAL'],
    ],
  ],
  [
    'C/monitoring_attrs/sample/perf_events/0/type',
    [
      ['0xb', '0xb'],
      ['4', '0x4'],
      ['0x100000000', 'ERANGE'],
      ['20d1', 'EINVAL'],
    ],
  ],
  [
    `C/monitoring_attrs/sample/perf_events/0/config C/monitoring_attrs/sample/perf_events/0/config1
     C/monitoring_attrs/sample/perf_events/0/config2`,
    [
      ['0x20d1', '0x20d1'],
      ['0xffffffffffffffff', '0xffffffffffffffff'],
      ['0x10000000000000000', 'ERANGE'],
    ],
  ],
  [
    'C/operations',
    [
      ['vaddr', 'vaddr'],
      ['fvaddr', 'fvaddr'],
      ['paddr', 'paddr'],
      ['paddr_ibs', 'paddr_ibs'],
      ['xaddr', 'EINVAL'],
      ['', 'EINVAL'],
    ],
  ],
  [
    'S/action',
    [
      ...words(`willneed cold pageout hugepage nohugepage collapse lru_prio lru_deprio migrate_hot
                migrate_cold stat`),
      ['migrate', 'EINVAL'],
    ],
  ],
  [
    'S/quotas/goals/0/target_metric',
    [
      ...words(`user_input some_mem_psi_us node_mem_used_bp node_mem_free_bp node_memcg_used_bp
                node_memcg_free_bp active_mem_bp inactive_mem_bp node_eligible_mem_bp
                hugepage_mem_bp`),
      ['node_eligible', 'EINVAL'],
    ],
  ],
  ['S/quotas/goal_tuner', [...words('temporal consist'), ['fast', 'EINVAL']]],
  ['S/watermarks/metric', [...words('free_mem_rate none'), ['free', 'EINVAL']]],
  [
    'S/core_filters/0/type',
    [
      ...words('addr target probe_hits_wsum'),
      ...['anon', 'active', 'memcg', 'young', 'hugepage_size', 'unmapped'].map(refusedWord),
    ],
  ],
  [
    'S/ops_filters/0/type',
    [
      ...words('anon active memcg young hugepage_size unmapped'),
      ...['addr', 'target', 'probe_hits_wsum'].map(refusedWord),
    ],
  ],
  [
    'S/filters/0/type',
    [
      ...words('anon active memcg young hugepage_size unmapped addr target probe_hits_wsum'),
      ['write', 'EINVAL'],
    ],
  ],
  [
    'C/monitoring_attrs/probes/0/preps/0/prep_action',
    [
      ['set_pgidle', 'set_pgidle'],
      ['x', 'EINVAL'],
    ],
  ],
  [
    'C/monitoring_attrs/probes/0/filters/0/type',
    [...words('anon memcg pgidle_unset'), ['pgidle', 'EINVAL']],
  ],
  [
    'C/monitoring_attrs/sample/filters/0/type',
    [...words('cpumask threads write'), ['w', 'EINVAL']],
  ],
  [
    'C/monitoring_attrs/sample/filters/0/cpumask',
    [
      ['8,0-3', '0-3,8'],
      ['3-0', 'EINVAL'],
    ],
  ],
  [
    'C/monitoring_attrs/sample/filters/0/tid_arr',
    [
      ['12,3', '12,3'],
      ['a', 'EINVAL'],
    ],
  ],
  [
    `S/quotas/goals/0/path S/F/0/memcg_path C/monitoring_attrs/probes/0/filters/0/path`,
    [
      ['/a b/c', '/a b/c'],
      ['no such cgroup', 'no such cgroup'],
      ['', ''],
    ],
  ],
];

function words(list: string): [string, string][] {
  return list.split(/\s+/).map((word) => [word, word]);
}

function refusedWord(word: string): [string, string] {
  return [word, 'EINVAL'];
}

test('every file takes what its kind takes, and a refusal leaves it as it was', async (t) => {
  const tree = await fullTree();
  const covered = new Set<string>();
  for (const [files, rows] of KINDS) {
    for (const path of pathsOf(files)) {
      covered.add(path);
      for (const [text, shown] of rows) {
        const before = tree.read(path);
        const refusal = await tree.write(path, `${text}\n`).then(
          () => undefined,
          (error: { code: string }) => error.code,
        );
        const refused = /^E[A-Z]+$/.test(shown);
        t.is(refusal, refused ? `ERR_DAMON_ADMIN_${shown}` : undefined, `${path} ${text}`);
        t.is(tree.read(path), refused ? before : `${shown}\n`, `${path} ${text}`);
      }
    }
  }
  const others = expectedFiles().filter(({ path, mode }) => mode === 0o600 && !covered.has(path));
  t.deepEqual(
    others.map(({ path }) => path).filter((path) => !/\/nr_\w+$/.test(path)),
    ['kdamonds/0/state'],
  );
});

/** `F`: each of the three directories of scheme filters. */
function pathsOf(files: string): string[] {
  return files.split(/\s+/).flatMap((file) => {
    const path = file
      .replace(/^S/, 'kdamonds/0/contexts/0/schemes/0')
      .replace(/^C/, 'kdamonds/0/contexts/0');
    const layers = path.includes('/F/') ? ['core_filters', 'ops_filters', 'filters'] : [''];
    return layers.map((layer) => path.replace('/F/', `/${layer}/`));
  });
}

test('a count has its limits', async (t) => {
  const { tree } = await contextShell('echo 1 > schemes/nr_schemes');
  const context = 'kdamonds/0/contexts/0';
  const limits: readonly [path: string, max: number][] = [
    ['kdamonds/0/contexts/nr_contexts', 1],
    [`${context}/monitoring_attrs/probes/nr_probes`, 4],
    [`${context}/monitoring_attrs/sample/perf_events/nr_perf_events`, 64],
  ];
  for (const [path, max] of limits.toReversed()) {
    await tree.write(path, `${max}`);
    await t.throwsAsync(tree.write(path, `${max + 1}`), { code: 'ERR_DAMON_ADMIN_EINVAL' });
    t.is(tree.read(path), `${max}\n`);
  }
});
