/** Runs the command: in this process with streams in memory, or as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';

import { run } from '../../src/cli/program.ts';

/** What a command line left behind. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sink(): Writable & { text: string } {
  return Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        this['text' as never] = (`${this['text' as never]}` + String(chunk)) as never;
        done();
      },
    }),
    { text: '' },
  );
}

/** Runs a command line without a process. */
export async function cli(...args: string[]): Promise<Ran> {
  return cliWith(new AbortController().signal, ...args);
}

/** {@link cli} with a Ctrl-C of the test's own. */
export async function cliWith(signal: AbortSignal, ...args: string[]): Promise<Ran> {
  const [stdout, stderr] = [sink(), sink()];
  const code = await run(args, { stdout, stderr, signal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

const MAIN = 'dist/cli/main.js';

/** Runs a command line as a process, to its end. */
export function child(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { code: status, stdout, stderr };
}

/** Starts a command line as a process. */
export function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What {@link startListening} makes a process write on standard error. */
export const LISTENING = 'listening';

/** Starts a command line as a process that tells when it listens to Ctrl-C. */
export function startListening(...args: string[]): ChildProcess {
  const tell = `process.on('newListener', (e) => e === 'SIGINT' && process.stderr.write('${LISTENING}'))`;
  const preload = `data:text/javascript,${encodeURIComponent(tell)}`;
  const commandLine = ['--import', preload, MAIN, ...args];
  return spawn(process.execPath, commandLine, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The objects of NDJSON text. */
export function ndjson(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
