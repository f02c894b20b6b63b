/** A tree over a small machine of ours. */
import {
  KdamondEngine,
  type KdamondEngineOptions,
} from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { SMALL } from '../../support/small.ts';
import { run } from '../tree-shell.ts';

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
