/** What is refused, at the start and of a commit: with which errno, about which file. */
import test from 'ava';

import { CONTEXT, STATE, answers } from '../tree-shell.ts';
import { EVENT, SCHEME, machine } from './machine.ts';

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
    'a process that is not there',
    `echo fvaddr > operations
    echo 99 > targets/0/pid_target`,
    'EINVAL',
    'targets/0/pid_target',
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
    'a probe by an unknown cgroup',
    `cd monitoring_attrs/probes
    echo 1 > nr_probes
    echo 1 > 0/filters/nr_filters
    echo memcg > 0/filters/0/type
    echo /none > 0/filters/0/path`,
    'EINVAL',
    'monitoring_attrs/probes/0/filters',
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
    'a goal about the use of a node that is not there',
    `${SCHEME}
    echo 1 > quotas/goals/nr_goals
    echo node_mem_used_bp > quotas/goals/0/target_metric
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
