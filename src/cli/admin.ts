/** `node-damon admin`: the kernel's files over a machine of ours, for scripts and tools. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

import type { Command } from 'commander';

import { KdamondEngine, type KdamondEngineOptions } from '../admin/engine/kdamond-engine.ts';
import { mountAdmin } from '../admin/mount.ts';
import { replayScript } from '../admin/script.ts';
import type { ScriptAnswer, ShellCommand } from '../admin/shell/command.ts';
import { AdminTree } from '../admin/tree.ts';
import { DamonError } from '../errors.ts';
import { RFC_MACHINE } from '../machine/preset.ts';
import { readMachineFile } from '../trace/recording.ts';
import { number } from './number.ts';
import { type CliContext, type Output, write } from './output.ts';

interface Options {
  readonly mount?: string;
  readonly script?: string;
  readonly recording?: string;
  readonly speed?: string;
  readonly seed: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  node-damon admin --script setup.sh
  node-damon admin --mount /mnt/damon --script setup.sh
  node-damon admin --mount /mnt/damon --recording redis.samples.csv.zst --speed 10

A script is bash: loops, conditions, functions, pipes, $(…); its commands are those of a set-up, such as
echo, printf, cat, ls, tee, grep, seq and sleep. Its paths may be those of /sys/kernel/mm/damon/admin. It
ends with the first refusal that it does not provide for (by if, ||, 2>/dev/null or set +e): exit code 1.
`;

/** Adds the command. */
export function addAdmin(program: Command, context: CliContext): void {
  program
    .command('admin')
    .description('the files of /sys/kernel/mm/damon/admin, over an emulated machine or a recording')
    .option('--mount <dir>', 'serve them as a directory, until Ctrl-C')
    .option('--script <file>', 'replay a shell script, and tell what each line is answered')
    .option('--recording <file>', 'what is monitored (default: the machine of `demo`)')
    .option(
      '--speed <s>',
      'simulated seconds per second; 0: time passes in `sleep` only (default: 1 with --mount, else 0)',
    )
    .option('--seed <s>', 'decides every random draw', '1')
    .option('--json', 'print the answers as NDJSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => runAdmin(options, context));
}

async function runAdmin(options: Options, context: CliContext): Promise<void> {
  const { mount: dir, script: file } = options;
  if (dir === undefined && file === undefined) {
    const hint = 'node-damon admin --help has examples';
    const details = { code: 'ERR_DAMON_USAGE_ADMIN', hint };
    throw new DamonError('Expected --mount, --script, or both', details);
  }
  const script = file === undefined ? undefined : await readScript(file);
  const speed = number(options.speed ?? (dir === undefined ? '0' : '1'), '--speed');
  const engine = new KdamondEngine({ ...engineOptions(options, context.stderr), speed });
  const tree = new AdminTree(engine);
  try {
    using mount = dir === undefined ? undefined : mountAdmin(tree, dir);
    if (script !== undefined) await replay(tree, script, { engine, speed, options, context });
    if (mount === undefined) return;
    context.stderr.write(`Serving ${mount.dir} until Ctrl-C\n`);
    await Promise.race([mount.ended, aborted(context.signal)]);
  } finally {
    await tree.close();
  }
}

function engineOptions(options: Options, stderr: Output): KdamondEngineOptions {
  const { recording: path } = options;
  return {
    source:
      path === undefined ? RFC_MACHINE : { type: 'recording', path, nodes: readMachineFile(path) },
    seed: number(options.seed, '--seed'),
    onEnd: (error) => {
      if (error !== undefined) stderr.write(`A monitor ended: ${String(error)}\n`);
    },
  };
}

async function readScript(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const message = `Expected ${path} to be readable, got ${(cause as Error).message}`;
    throw new DamonError(message, { code: 'ERR_DAMON_USAGE_SCRIPT', path, cause });
  }
}

/** @throws AdminError what a line is refused with, once that is told; DamonError for an `exit` that is not 0 */
async function replay(
  tree: AdminTree,
  script: string,
  {
    engine,
    speed,
    options,
    context,
  }: {
    engine: KdamondEngine;
    speed: number;
    options: Options;
    context: CliContext;
  },
): Promise<void> {
  const { signal, stdout } = context;
  const sleep = (ms: number): Promise<void> =>
    speed === 0 ? engine.step(ms) : wait(ms / speed, undefined, { signal });
  for await (const answer of replayScript(tree, script, { sleep, signal })) {
    await write(stdout, options.json ? toJson(answer) : render(answer));
    if (answer.error !== undefined) throw answer.error;
    const { command } = answer;
    if (command.type === 'exit' && command.status !== 0) throw exited(command);
  }
}

function exited({ line, status, reason }: ShellCommand & { type: 'exit' }): DamonError {
  const why = reason === undefined ? '' : `: ${reason}`;
  const message = `The script ended at line ${line} with exit code ${status}${why}`;
  return new DamonError(message, { code: 'ERR_DAMON_SCRIPT', path: `line ${line}` });
}

/** `12: echo on > kdamonds/0/state` and what came of it. */
function render({ command, output, error, handled }: ScriptAnswer): string {
  const refusal = error ?? handled;
  const errno = refusal === undefined ? '' : `: ${refusal.errnoName} (${refusal.errno})`;
  const goesOn = handled === undefined ? '' : ', and goes on';
  const text = output ?? (command.type === 'print' ? command.text : '');
  const shown = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${command.line}: ${show(command)}${errno}${goesOn}\n${shown.replaceAll(/^(?=.)/gm, '   ')}`;
}

function show(command: ShellCommand): string {
  switch (command.type) {
    case 'write':
      return `echo ${command.text.replace(/\n$/, '')} > ${command.path}`;
    case 'read':
      return `cat ${command.path}`;
    case 'list':
      return `ls ${command.path}`;
    case 'print':
      return 'prints';
    case 'exit':
      return `exit ${command.status}`;
    case 'cd':
      return `cd ${command.path}`;
    case 'sleep':
      return `sleep ${command.ms / 1_000}`;
  }
}

function toJson({ command, output, error, handled }: ScriptAnswer): string {
  const { line, type, ...what } = command;
  const refusal = error ?? handled;
  const answer = {
    ...(output !== undefined && { output }),
    ...(refusal && { errno: refusal.errnoName, error: refusal.toJSON(), handled: !error }),
  };
  return `${JSON.stringify({ line, type, ...what, ...answer })}\n`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
