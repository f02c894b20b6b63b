/** The tree as a user at a shell sees it. */
import type { ExecutionContext } from 'ava';

import { AdminError, ERRNO, type ErrnoName } from '../../src/admin/errno.ts';
import { replayScript } from '../../src/admin/script.ts';
import { AdminTree, type AdminTreeOptions } from '../../src/admin/tree.ts';
import { FakeEngine } from './fake-engine.ts';

export const KDAMOND = 'kdamonds/0';
export const CONTEXT = `${KDAMOND}/contexts/0`;
export const STATE = `${KDAMOND}/state`;

export interface Shell {
  readonly engine: FakeEngine;
  readonly tree: AdminTree;
  run(script: string): Promise<void>;
}

/** A new tree. */
export function shell(options?: AdminTreeOptions): Shell {
  const engine = new FakeEngine();
  const tree = new AdminTree(engine, options);
  return { engine, tree, run: (script) => run(tree, script) };
}

/** A tree with one kdamond of one context for physical memory, and what else the script writes. */
export async function contextShell(script = '', options?: AdminTreeOptions): Promise<Shell> {
  const made = shell(options);
  await made.run(`
    echo 1 > kdamonds/nr_kdamonds
    cd kdamonds/0/contexts
    echo 1 > nr_contexts
    echo paddr > 0/operations
    cd 0
    ${script}
  `);
  return made;
}

/** Replays a script, up to what is refused. Paths that begin with `kdamonds` are from the root. */
export async function run(tree: AdminTree, script: string): Promise<void> {
  const rooted = script.replaceAll(/(?<=(?:cd|>) )kdamonds/g, '/kdamonds');
  for await (const { error } of replayScript(tree, rooted)) if (error) throw error;
}

/** That something is answered with an errno, and about which file. */
export async function answers(
  t: ExecutionContext,
  errno: ErrnoName,
  act: () => unknown,
  path?: string,
): Promise<AdminError | undefined> {
  const error = await t.throwsAsync(async () => void (await act()), { instanceOf: AdminError });
  t.is(error?.code, `ERR_DAMON_ADMIN_${errno}`, error?.message);
  t.is(error?.errno, ERRNO[errno]);
  if (path !== undefined) t.is(error?.path, path);
  return error;
}
