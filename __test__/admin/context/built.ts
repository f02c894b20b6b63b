/** What a script makes of a context, and for which file one is refused. */
import type { ExecutionContext } from 'ava';

import type { AdminContext } from '../../../src/admin/engine.ts';
import type { ErrnoName } from '../../../src/admin/errno.ts';
import { CONTEXT, STATE, answers, contextShell } from '../tree-shell.ts';

/** The context that a script builds. */
export async function built(script = ''): Promise<AdminContext> {
  const { engine, run } = await contextShell(script);
  await run(`echo on > ${STATE}`);
  return engine.context;
}

/** That a context of such files is refused, and for which file; the engine hears nothing of it. */
export async function refuses(
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

/** Where it is refused, and the script. */
export type Case = readonly [path: string, script: string];
