/** What commands of a script do, but for those that steer its flow (`run.ts`). */
import { posix } from 'node:path';

import type { Run, Sink, Source } from './command.ts';
import { ShellError } from './ending.ts';
import type { Asking, Files } from './files.ts';
import { holds } from './test.ts';
import { echo, expressionOf, joined, linesOf, optionsOf, printf, seq } from './texts.ts';

/** A command that was called. */
export interface Call extends Asking {
  readonly args: readonly string[];
  readonly files: Files;
  /** Waits, in the time of the replay. */
  sleep(ms: number): Promise<unknown>;
}

/** Comes to a status. */
export type Program = (call: Call) => number | Run<number>;

const MS_PER_UNIT: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };
/** Longest `sleep`: what a timer holds. */
const SLEEP_MS_MAX = 2 ** 31 - 1;

/** By name. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  echo: (call) => print(echo(call.args), call),
  printf: (call) => {
    const [format, ...args] = call.args;
    if (format === undefined) throw new ShellError('printf: expected a format');
    return print(printf(format, args), call);
  },
  seq: (call) => print(seq(call.args), call),
  pwd: (call) => print(`${call.cwd}\n`, call),
  basename: (call) => {
    const [path = '', suffix] = call.args;
    return print(`${posix.basename(path, suffix)}\n`, call);
  },
  dirname: (call) => print(`${posix.dirname(call.args[0] ?? '')}\n`, call),
  id: (call) => {
    if (call.args.join(' ') !== '-u') throw new ShellError('id: a replay knows `id -u`');
    return print('0\n', call);
  },
  sleep,
  test: (call) => condition(call.args, call),
  '[': (call) => {
    if (call.args.at(-1) !== ']') throw new ShellError('[: expected ] at the end');
    return condition(call.args.slice(0, -1), call);
  },
  cat,
  ls,
  tee,
  head: (call) => ends(call, 'head', (parts, count) => parts.slice(0, count)),
  tail: (call) => ends(call, 'tail', (parts, count) => (count === 0 ? [] : parts.slice(-count))),
  wc,
  grep,
};

/** Whether a condition holds, of files too. */
export function fileTest({ files, cwd }: Call): (operator: string, path: string) => boolean {
  return (operator, path) => {
    const found = path === '' ? undefined : files.tree.stat(posix.resolve(cwd, path));
    switch (operator) {
      case '-f':
        return found?.type === 'file';
      case '-d':
        return found?.type === 'dir';
      case '-w':
        return ((found?.mode ?? 0) & 0o200) !== 0;
      default:
        return found !== undefined;
    }
  };
}

function print(text: string, call: Call): Run<number> {
  return call.files.print(text, call.streams.stdout, call);
}

function condition(words: readonly string[], call: Call): number {
  return holds(words, fileTest(call)) ? 0 : 1;
}

async function* sleep(call: Call): Run<number> {
  const parts = call.args.map((arg) => /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(arg));
  const ms = parts.reduce(
    (sum, part) => sum + Number(part?.[1]) * (MS_PER_UNIT[part?.[2] || 's'] ?? NaN),
    0,
  );
  const rounded = Math.round(ms);
  if (parts.length === 0 || !(rounded <= SLEEP_MS_MAX)) {
    throw new ShellError(`sleep: expected a time, got \`${call.args.join(' ')}\``);
  }
  await call.sleep(rounded);
  yield { command: { line: call.line, type: 'sleep', ms: rounded } };
  return 0;
}

/** What files hold, one after the other, or what comes in; `undefined` for one that is refused. */
async function* contents(
  paths: readonly string[],
  call: Call,
): Run<{ path: string; text: string | undefined }[]> {
  if (paths.length === 0) return [{ path: '-', text: drained(call.streams.stdin) }];
  const read: { path: string; text: string | undefined }[] = [];
  for (const path of paths) {
    const text = path === '-' ? drained(call.streams.stdin) : yield* call.files.read(path, call);
    read.push({ path, text });
  }
  return read;
}

function drained(stdin: Source): string {
  const { text } = stdin;
  stdin.text = '';
  return text;
}

async function* cat(call: Call): Run<number> {
  const { rest } = optionsOf('cat', call.args, 'u');
  let status = 0;
  for (const path of rest.length > 0 ? rest : ['-']) {
    const [read] = yield* contents([path], call);
    if (read?.text === undefined) status = 1;
    // On a terminal, the answer of the reading has shown it.
    else if (path === '-' || call.streams.stdout.type !== 'terminal') yield* print(read.text, call);
  }
  return status;
}

async function* ls(call: Call): Run<number> {
  const { flags, rest } = optionsOf('ls', call.args, '1aAd');
  let status = 0;
  for (const path of rest.length > 0 ? rest : ['.']) {
    const text = yield* call.files.list(path, call);
    if (text === undefined) status = 1;
    else if (call.streams.stdout.type !== 'terminal') {
      yield* print(flags.has('d') ? `${path}\n` : text, call);
    }
  }
  return status;
}

async function* tee(call: Call): Run<number> {
  const { rest } = optionsOf('tee', call.args, 'a');
  const text = drained(call.streams.stdin);
  let status = 0;
  for (const path of rest) {
    const at = posix.resolve(call.cwd, path);
    const sink: Sink =
      path === '/dev/null' ? { type: 'null' } : { type: 'file', path, at, written: false };
    status = (yield* call.files.print(text, sink, call)) || status;
  }
  return (yield* print(text, call)) || status;
}

async function* ends(
  call: Call,
  name: string,
  pick: (parts: readonly string[], count: number) => readonly string[],
): Run<number> {
  const { values, rest } = optionsOf(name, call.args, 'q', 'nc');
  const characters = values.get('c');
  let status = 0;
  for (const { text } of yield* contents(rest, call)) {
    if (text === undefined) status = 1;
    else if (characters !== undefined) yield* print(pick([...text], characters).join(''), call);
    else yield* print(joined(pick(linesOf(text), values.get('n') ?? 10)), call);
  }
  return status;
}

async function* wc(call: Call): Run<number> {
  const { flags, rest } = optionsOf('wc', call.args, 'lwc');
  let status = 0;
  for (const { path, text } of yield* contents(rest, call)) {
    if (text === undefined) {
      status = 1;
      continue;
    }
    const all = flags.size === 0;
    const counts = [
      ...(all || flags.has('l') ? [text.split('\n').length - 1] : []),
      ...(all || flags.has('w') ? [text.split(/\s+/).filter(Boolean).length] : []),
      ...(all || flags.has('c') ? [Buffer.byteLength(text)] : []),
    ];
    yield* print(`${counts.join(' ')}${path === '-' ? '' : ` ${path}`}\n`, call);
  }
  return status;
}

async function* grep(call: Call): Run<number> {
  const { flags, rest } = optionsOf('grep', call.args, 'qvxwFEicrRhHs');
  const [pattern, ...named] = rest;
  if (pattern === undefined) throw new ShellError('grep: expected an expression');
  const expression = expressionOf(pattern, flags);
  const recursive = flags.has('r') || flags.has('R');
  const paths = recursive
    ? (named.length > 0 ? named : ['.']).flatMap((path) => filesBelow(path, call))
    : named;
  const prefixed = flags.has('H') || ((recursive || paths.length > 1) && !flags.has('h'));
  let printed = '';
  let found = false;
  let failed = false;
  for (const { path, text } of yield* contents(paths, call)) {
    failed ||= text === undefined;
    const prefix = prefixed ? `${path}:` : '';
    const lines = linesOf(text ?? '').filter((line) => expression.test(line) !== flags.has('v'));
    found ||= lines.length > 0;
    const told = flags.has('c') ? [String(lines.length)] : lines;
    printed += joined(told.map((line) => prefix + line));
  }
  if (!flags.has('q')) yield* print(printed, call);
  if (failed && !(found && flags.has('q'))) return 2;
  return found ? 0 : 1;
}

/** Files below a directory, in the order of their names; a path that is none is given back. */
function filesBelow(path: string, call: Call): string[] {
  const { tree } = call.files;
  const at = posix.resolve(call.cwd, path);
  if (tree.stat(at)?.type !== 'dir') return [path];
  return tree.list(at).flatMap((name) => filesBelow(posix.join(path, name), call));
}
