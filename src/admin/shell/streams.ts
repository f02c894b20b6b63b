/** Redirections: where a command reads and prints. */
import { posix } from 'node:path';

import type { Redirection } from 'unbash';

import type { Run, Sink, Streams } from './command.ts';
import type { Asking, Files } from './files.ts';
import { type Environment, expand, expandParts } from './words.ts';

/** Whoever replays the script: it reads nothing, and sees what is printed. */
export const TERMINAL: Sink = { type: 'terminal' };

/** What redirections need. */
export interface Redirecting {
  readonly shell: Environment;
  readonly files: Files;
  /** For a file that is read from. */
  asking(streams: Streams): Asking;
}

/** Redirects, from left to right; `undefined` if what is to be read is refused. */
export async function* redirected(
  redirects: readonly Redirection[],
  streams: Streams,
  { shell, files, asking }: Redirecting,
): Run<Streams | undefined> {
  let { stdin, stdout, stderr } = streams;
  for (const redirect of redirects) {
    if (redirect.type === 'HereDoc') {
      const { parts, text } = redirect.body;
      stdin = { text: parts ? yield* expandParts(parts, shell) : text };
      continue;
    }
    const { target, descriptor } = redirect;
    if (target === undefined) continue;
    const { text: path } = yield* expand(target, shell);
    const from = descriptor?.type === 'FileDescriptor' ? descriptor.value : undefined;
    const ask = asking({ stdin, stdout, stderr });
    switch (redirect.operator) {
      case '<<<':
        stdin = { text: `${path}\n` };
        break;
      case '<': {
        const text = yield* files.read(path, ask);
        if (text === undefined) return undefined;
        stdin = { text };
        break;
      }
      case '&>':
      case '&>>':
        stdout = { type: 'null' };
        stderr = stdout;
        break;
      case '>&':
        if (from === 2) stderr = path === '1' ? stdout : stderr;
        else stdout = path === '2' ? stderr : stdout;
        break;
      default:
        if (from === 2) stderr = { type: 'null' };
        else stdout = sinkOf(path, ask.cwd);
    }
  }
  return { stdin, stdout, stderr };
}

function sinkOf(path: string, cwd: string): Sink {
  if (path === '/dev/null') return { type: 'null' };
  if (/^\/dev\/(?:stdout|stderr|tty)$/.test(path)) return TERMINAL;
  return { type: 'file', path, at: posix.resolve(cwd, path), written: false };
}
