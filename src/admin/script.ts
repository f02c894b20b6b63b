/**
 * Replays a shell script, written for the kernel's tree, against one of ours.
 *
 * Not here: the shell's words (`shell.ts`).
 */
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { AdminError } from './errno.ts';
import { ROOT } from './path.ts';
import { type ShellCommand, readShell } from './shell.ts';
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

/** What one command of a script was answered. */
export interface ScriptAnswer {
  readonly command: ShellCommand;
  /** Of `cat`: what the file showed. */
  readonly output?: string;
  /** What was answered instead; nothing follows then. */
  readonly error?: AdminError;
}

/**
 * Replays a script, command by command, to its end or to the first that fails.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE, replayScript } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE, speed: 0 }));
 * const script = 'cd /sys/kernel/mm/damon/admin/kdamonds\necho 1 > nr_kdamonds\ncat nr_kdamonds\n';
 * for await (const { command, output, error } of replayScript(tree, script)) {
 *   if (output !== undefined) console.log(output.trim()); // 1
 *   if (error !== undefined) console.error(`line ${command.line}: ${error.code}`);
 * }
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SCRIPT` for a script that has other commands than `echo … >`,
 *   `cat`, `cd`, `sleep` and `NAME=VALUE`; nothing is done then
 */
export async function* replayScript(
  tree: AdminTree,
  script: string,
  options: ReplayScriptOptions = {},
): AsyncGenerator<ScriptAnswer, void, void> {
  const { signal } = options;
  let at: string = ROOT;
  for (const command of readShell(script)) {
    signal?.throwIfAborted();
    try {
      switch (command.type) {
        case 'write':
          await redirect(tree, posix.resolve(at, command.path), command.text);
          yield { command };
          break;
        case 'read':
          yield { command, output: tree.read(posix.resolve(at, command.path)) };
          break;
        case 'cd': {
          const path = posix.resolve(at, command.path);
          tree.list(path);
          at = path;
          yield { command };
          break;
        }
        case 'sleep':
          await (options.sleep ?? ((ms) => sleep(ms, undefined, { signal })))(command.ms);
          yield { command };
      }
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      yield { command, error };
      return;
    }
  }
}

/** What `>` does: a shell would make a file that is not there, and the directories refuse. */
async function redirect(tree: AdminTree, path: string, text: string): Promise<void> {
  try {
    await tree.write(path, text);
  } catch (error) {
    const missing = error instanceof AdminError && error.errnoName === 'ENOENT';
    if (!missing || tree.stat(posix.dirname(path)) === undefined) throw error;
    throw new AdminError('EACCES', `${error.message}, and it cannot be made`, {
      path: error.path,
      cause: error,
    });
  }
}
