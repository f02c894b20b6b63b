/** The tree as a user at a shell sees it. */
import type { ExecutionContext } from 'ava';

import { AdminError, ERRNO, type ErrnoName } from '../../src/admin/errno.ts';
import { AdminTree, type AdminTreeOptions } from '../../src/admin/tree.ts';
import { FakeEngine } from './fake-engine.ts';

export const KDAMOND = 'kdamonds/0';
export const CONTEXT = `${KDAMOND}/contexts/0`;
export const STATE = `${KDAMOND}/state`;

export interface Shell {
  readonly engine: FakeEngine;
  readonly tree: AdminTree;
  /** Runs `echo TEXT > PATH` and `cd DIR`, line by line. */
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

async function run(tree: AdminTree, script: string): Promise<void> {
  let at = '';
  for (const line of script.split('\n').map((text) => text.trim())) {
    const cd = /^cd (\S+)$/.exec(line)?.[1];
    const [, text = '', path = ''] = /^echo (.*) > (\S+)$/.exec(line) ?? [];
    if (cd !== undefined) at = /^(?:\/|kdamonds)/.test(cd) ? cd : `${at}/${cd}`;
    else if (path !== '') await tree.write(from(at, path), `${text}\n`);
    else if (line !== '' && !line.startsWith('#')) throw new Error(`Cannot run: ${line}`);
  }
}

function from(at: string, path: string): string {
  return at === '' || /^(?:\/|kdamonds)/.test(path) ? path : `${at}/${path}`;
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
