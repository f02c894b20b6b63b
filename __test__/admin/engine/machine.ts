/** A tree over a small machine of ours. */
import {
  KdamondEngine,
  type KdamondEngineOptions,
} from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { SMALL } from '../../support/small.ts';
import { CONTEXT, run } from '../tree-shell.ts';

export interface Machine {
  readonly engine: KdamondEngine;
  readonly tree: AdminTree;
  run(script: string): Promise<void>;
  /** What a file of the context shows, without its newline. */
  cat(path: string): string;
  /** Writes to `state`. */
  command(word: string): Promise<void>;
}

/** Matches every region. */
export const ANY = `
  echo 18446744073709551615 > access_pattern/sz/max
  echo 4294967295 > access_pattern/nr_accesses/max
  echo 4294967295 > access_pattern/age/max
`;

/** Makes a scheme, and goes to it. */
export const SCHEME = `echo 1 > /${CONTEXT}/schemes/nr_schemes
  cd /${CONTEXT}/schemes/0`;

/** PULL, limited, with a goal: something of every counter. */
export const PULL = `
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

/** An event of the IBS Op PMU. */
export const EVENT = `
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

/** All memory of the small machine in one target. */
const TARGET = `
  echo 1 > targets/nr_targets
  echo 1 > targets/0/regions/nr_regions
  echo 0x10000000 > targets/0/regions/0/end
`;

/** One context of physical memory, time standing still, and what else the script writes to it. */
export async function machine(
  script = '',
  options: Partial<KdamondEngineOptions> = {},
): Promise<Machine> {
  const engine = new KdamondEngine({ source: SMALL, speed: 0, ...options });
  const tree = new AdminTree(engine);
  const made: Machine = {
    engine,
    tree,
    run: (text) => run(tree, `cd kdamonds/0/contexts/0\n${text}`),
    cat: (path) => tree.read(`kdamonds/0/contexts/0/${path}`).trimEnd(),
    command: (word) => tree.write('kdamonds/0/state', `${word}\n`),
  };
  await run(
    tree,
    `
    echo 1 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    cd kdamonds/0/contexts/0
    echo paddr_ibs > operations
    ${TARGET}
    ${script}
    `,
  );
  return made;
}
