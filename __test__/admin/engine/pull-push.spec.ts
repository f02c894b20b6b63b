/** The RFC's set-up, as a shell script for the kernel's tree, over its machine. */
import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { replayScript } from '../../../src/admin/script.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { Kdamond, RFC_MACHINE, pullPush } from '../../../src/index.ts';

const ADMIN = '/sys/kernel/mm/damon/admin/kdamonds/0';
const GIB = 2n ** 30n;
const SECONDS = 30;

/** `migrate_hot` to a node while less than its share is there, from where it is not. */
function scheme(index: number, targetBp: number, [start, end]: readonly [bigint, bigint]): string {
  return `
    cd ${ADMIN}/contexts/0/schemes/${index}
    echo migrate_hot > action
    echo ${index} > target_nid
    echo 18446744073709551615 > access_pattern/sz/max
    echo 1 > access_pattern/nr_accesses/min
    echo 4294967295 > access_pattern/nr_accesses/max
    echo 4294967295 > access_pattern/age/max
    echo 536870912 > quotas/bytes
    echo 1000 > quotas/reset_interval_ms
    echo temporal > quotas/goal_tuner
    echo 1000 > quotas/weights/nr_accesses_permil
    echo 1000 > quotas/weights/age_permil
    echo 1 > quotas/goals/nr_goals
    echo node_eligible_mem_bp > quotas/goals/0/target_metric
    echo ${index} > quotas/goals/0/nid
    echo ${targetBp} > quotas/goals/0/target_value
    echo 1 > core_filters/nr_filters
    echo addr > core_filters/0/type
    echo Y > core_filters/0/matching
    echo Y > core_filters/0/allow
    echo ${start} > core_filters/0/addr_start
    echo ${end} > core_filters/0/addr_end
  `;
}

const SET_UP = `#!/bin/sh
  echo 1 > /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds
  cd ${ADMIN}
  echo 1 > contexts/nr_contexts
  cd contexts/0
  echo paddr_ibs > operations
  # IBS Op: every 262144 cycles, physical addresses.
  EVENT=monitoring_attrs/sample/perf_events
  echo 1 > $EVENT/nr_perf_events
  echo 0xb > $EVENT/0/type
  echo 1 > $EVENT/0/sample_phys_addr
  echo 0 > $EVENT/0/freq
  echo 262144 > $EVENT/0/sample_period
  echo 0 > $EVENT/0/exclude_kernel && echo 0 > $EVENT/0/exclude_hv
  # DRAM, then CXL.
  echo 1 > targets/nr_targets
  echo 2 > targets/0/regions/nr_regions
  echo ${128n * GIB} > targets/0/regions/0/end
  echo ${128n * GIB} > targets/0/regions/1/start
  echo ${256n * GIB} > targets/0/regions/1/end
  echo 2 > schemes/nr_schemes
  ${scheme(0, 7_000, [128n * GIB, 256n * GIB])}
  ${scheme(1, 3_000, [0n, 128n * GIB])}
  echo on > ${ADMIN}/state
  sleep ${SECONDS}
  echo update_schemes_stats > ${ADMIN}/state
  cat ${ADMIN}/contexts/0/schemes/0/stats/sz_applied
  cat ${ADMIN}/contexts/0/schemes/1/stats/sz_applied
`;

test('PULL and PUSH hold 70 % of hot memory on DRAM, as the same monitor without files does', async (t) => {
  const engine = new KdamondEngine({ source: RFC_MACHINE, speed: 0 });
  const tree = new AdminTree(engine);
  const shown: bigint[] = [];
  const sleep = (ms: number): Promise<void> => engine.step(ms);
  for await (const { output, error } of replayScript(tree, SET_UP, { sleep })) {
    t.is(error, undefined);
    if (output !== undefined) shown.push(BigInt(output));
  }

  const share: number[] = [];
  using kdamond = new Kdamond({
    source: RFC_MACHINE,
    targets: [
      {
        regions: [
          { start: 0, end: '128 GiB' },
          { start: '128 GiB', end: '256 GiB' },
        ],
      },
    ],
    schemes: pullPush({
      fast: { id: 0, start: 0, end: '128 GiB' },
      slow: { id: 1, start: '128 GiB', end: '256 GiB' },
      targetBp: 7_000,
    }),
  });
  await kdamond.run({
    untilMs: SECONDS * 1_000,
    onTuning: ({ scheme: index, goals }) => {
      if (index === 0) share.push((goals[0]?.currentValue ?? NaN) / 100);
    },
  });
  const schemes = kdamond.books.counters['schemes'] as Record<string, { szApplied: number }>;
  t.deepEqual(
    shown,
    Object.values(schemes).map(({ szApplied }) => BigInt(szApplied)),
  );

  // Half of 32 GiB was on DRAM: what was pulled less what was pushed makes 70 % of it.
  const [pulled = 0n, pushed = 0n] = shown;
  const onDram = 16n * GIB + pulled - pushed;
  t.assert(Math.abs(Number(onDram * 10_000n) / Number(32n * GIB) - 7_000) < 200, `${onDram}`);
  t.assert(Math.abs((share.at(-1) ?? NaN) - 70) < 2);
  await tree.close();
});
