/**
 * Replays a shell script, written for the kernel's tree, against one of ours.
 *
 * Not here: the shell (`shell/`).
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { ScriptAnswer } from './shell/command.ts';
import { readShell } from './shell/read.ts';
import { runShell } from './shell/run.ts';
import type { AdminTree } from './tree.ts';

/** How a script is replayed. */
export interface ReplayScriptOptions {
  /**
   * What `sleep` does, in milliseconds: with `KdamondEngine.step`, time passes as fast as it can.
   * @default waits
   */
  readonly sleep?: (ms: number) => Promise<unknown>;
  /** Ends the replay with the signal's reason, between two commands. */
  readonly signal?: AbortSignal;
}

/**
 * Replays a script, step by step, to its end or to the first refusal that it does not provide for.
 *
 * The shell is bash: variables, quotes, `$(…)`, `$((…))`, patterns, pipes, redirections, `if`, `for`,
 * `while`, `case`, functions, `[`, `[[`, `&&`, `||`, `set -euo pipefail`, `trap … EXIT`. Its commands are those that
 * a set-up of DAMON takes: `echo`, `printf`, `cat`, `ls`, `cd`, `sleep`, `test`, `tee`, `seq`,
 * `grep`, `head`, `tail`, `wc`, `read`, … They see the tree and no other file.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE, replayScript } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE, speed: 0 }));
 * const script = `
 *   cd /sys/kernel/mm/damon/admin/kdamonds
 *   echo 1 > nr_kdamonds
 *   for kdamond in [0-9]*; do cat "$kdamond/state"; done
 * `;
 * for await (const { command, output, error } of replayScript(tree, script)) {
 *   if (output !== undefined) console.log(output.trim()); // off
 *   if (error !== undefined) console.error(`line ${command.line}: ${error.code}`);
 * }
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SCRIPT` for a script with other commands, parts of bash that
 *   are left out, or a variable that nothing sets; nothing is done then
 */
export async function* replayScript(
  tree: AdminTree,
  script: string,
  options: ReplayScriptOptions = {},
): AsyncGenerator<ScriptAnswer, void, void> {
  const { signal } = options;
  const wait = async (ms: number): Promise<void> => {
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      // The timer has an error of its own for that.
      signal?.throwIfAborted();
      throw error;
    }
  };
  const host = { tree, signal, sleep: options.sleep ?? wait };
  yield* runShell(await readShell(script), host);
}
