/**
 * Runs a script that was read: its flow, and the commands that steer it.
 *
 * As bash does, with one difference: a file that refuses ends the script, unless the script
 * provides for it.
 */
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import type {
  Assignment,
  CaseItem,
  Command,
  CompoundList,
  For,
  If,
  PipelineNode,
  Redirection,
  Script,
  Statement,
  TestExpression,
  While,
} from 'unbash';

import { ROOT } from '../path.ts';
import type { AdminTree } from '../tree.ts';
import type { Run, ShellCommand, Sink, Streams } from './command.ts';
import { Leaving, Refused, ShellError } from './ending.ts';
import { Files } from './files.ts';
import { matcher } from './pattern.ts';
import { type Call, PROGRAMS, fileTest } from './programs.ts';
import { PRESET, type ShellScript } from './read.ts';
import { type Settings, settingsOf } from './settings.ts';
import { TERMINAL, redirected } from './streams.ts';
import { compare, unary } from './test.ts';
import { calculate, type Environment, expand, expandAll } from './words.ts';

/** What a script runs on. */
export interface ShellHost {
  readonly tree: AdminTree;
  readonly signal: AbortSignal | undefined;
  sleep(ms: number): Promise<unknown>;
}

type Body = CompoundList | Exclude<PipelineNode, Command>;

/** Steps after which others get a turn: a loop without `sleep` must not keep a signal out. */
const TURN = 256;

/** Runs a script, from the root of the tree. */
export async function* runShell(script: ShellScript, host: ShellHost): Run<void> {
  const shell = new Shell(script, host);
  const streams: Streams = { stdin: { text: '' }, stdout: TERMINAL, stderr: TERMINAL };
  try {
    const left = yield* leaving(() => shell.all(script.ast.commands, streams), shell);
    // A script comes to what its last command did.
    const status = Number(shell.get('?'));
    const ending: ShellCommand | undefined =
      left ?? (status === 0 ? undefined : { line: shell.line, type: 'exit', status });
    const trap = shell.takeTrap();
    const later = trap && (yield* leaving(() => shell.all(trap.commands, streams), shell));
    const command = later ?? ending;
    if (command) yield { command };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** How what is run is left before its last line, if it is. */
async function* leaving(body: () => Run<number>, shell: Shell): Run<ShellCommand | undefined> {
  try {
    yield* body();
  } catch (error) {
    const { line } = shell;
    if (error instanceof ShellError) {
      return { line, type: 'exit', status: 1, reason: error.message };
    }
    if (!(error instanceof Leaving)) throw error;
    if (error.to === 'exit') return { line, type: 'exit', status: error.status };
  }
  // `return` and `break` that lead nowhere are nothing.
  return undefined;
}

/** Whether a `break` or a `continue` has come to the loop that it means. */
function endsHere(error: unknown, to: 'break' | 'continue'): boolean {
  return error instanceof Leaving && error.to === to && --error.loops === 0;
}

class Shell implements Environment {
  /** Of the command that runs. */
  line = 1;
  positional: readonly string[] = [];
  nounset = false;
  #errexit = false;
  /** `set +e` was said. */
  #tolerant = false;
  #pipefail = false;
  #status = 0;
  /** Conditions that are being asked: what fails there is provided for. */
  #asked = 0;
  #cwd: string = ROOT;
  #steps = 0;
  #variables = new Map(PRESET);
  #functions = new Map<string, Body>();
  /** What `trap … EXIT` says. */
  #trap: Script | undefined;
  /** What `local` hides, by function that runs. */
  #hidden: Map<string, string | undefined>[] = [];
  readonly #script: ShellScript;
  readonly #host: ShellHost;
  readonly #files: Files;

  constructor(script: ShellScript, host: ShellHost) {
    this.#script = script;
    this.#host = host;
    this.#files = new Files(host.tree);
  }

  /** What is to be run at the end, once. */
  takeTrap(): Script | undefined {
    const trap = this.#trap;
    this.#trap = undefined;
    return trap;
  }

  get(name: string): string | undefined {
    if (name === '?') return String(this.#status);
    if (name === '#') return String(this.positional.length);
    if (name === '@' || name === '*') return this.positional.join(' ');
    if (name === '0') return 'sh';
    if (name === 'PWD') return this.#cwd;
    if (/^\d+$/.test(name)) return this.positional[Number(name) - 1];
    return this.#variables.get(name);
  }

  set(name: string, value: string): void {
    this.#variables.set(name, value);
  }

  list(path: string): readonly string[] | undefined {
    const at = posix.resolve(this.#cwd, path);
    const { tree } = this.#host;
    return tree.stat(at)?.type === 'dir' ? tree.list(at) : undefined;
  }

  async *capture(script: Script): Run<string> {
    const sink: Sink = { type: 'text', text: '' };
    const streams: Streams = { stdin: { text: '' }, stdout: sink, stderr: TERMINAL };
    const [only, ...more] = script.commands;
    if (only?.command.type === 'Command' && more.length === 0) {
      const { name, prefix, redirects } = only.command;
      if (name === undefined && redirects.length === prefix.length) {
        // `$(< FILE)` is what the file holds.
        const into = yield* this.#redirected(redirects, streams);
        this.#came(into === undefined ? 1 : 0);
        return (into?.stdin.text ?? '').replace(/\n+$/, '');
      }
    }
    this.#status = yield* this.#apart(() => this.all(script.commands, streams));
    return sink.text.replace(/\n+$/, '');
  }

  async *all(statements: readonly Statement[], streams: Streams): Run<number> {
    for (const { command } of statements) yield* this.#node(command, streams);
    return this.#status;
  }

  /** Runs what a subshell would: what it sets is forgotten. */
  async *#apart(body: () => Run<number>): Run<number> {
    const kept = {
      variables: new Map(this.#variables),
      cwd: this.#cwd,
      functions: new Map(this.#functions),
      positional: this.positional,
      options: [this.#errexit, this.nounset, this.#pipefail, this.#tolerant] as const,
    };
    try {
      return yield* body();
    } catch (error) {
      if (error instanceof Leaving) return error.status;
      throw error;
    } finally {
      this.#variables = kept.variables;
      this.#cwd = kept.cwd;
      this.#functions = kept.functions;
      this.positional = kept.positional;
      [this.#errexit, this.nounset, this.#pipefail, this.#tolerant] = kept.options;
    }
  }

  async *#node(node: Statement['command'], streams: Streams): Run<number> {
    this.#host.signal?.throwIfAborted();
    if (++this.#steps % TURN === 0) await setImmediate();
    switch (node.type) {
      case 'AndOr':
        return yield* this.#andOr(node.commands, node.operators, streams);
      case 'Pipeline': {
        const negated = node.prefixes.some(({ type }) => type === 'Negation');
        if (negated) {
          const status = yield* this.#asking(() => this.#pipeline(node.commands, streams));
          return this.#came(status === 0 ? 1 : 0);
        }
        return yield* this.#pipeline(node.commands, streams);
      }
      case 'Command': {
        this.line = this.#script.lineOf(node);
        return this.#failing(yield* this.#command(node, streams));
      }
      case 'TestCommand':
        this.line = this.#script.lineOf(node);
        return this.#failing((yield* this.#holds(node.expression, streams)) ? 0 : 1);
      case 'ArithmeticCommand': {
        this.line = this.#script.lineOf(node);
        const value = node.expression ? yield* calculate(node.expression, this) : 0n;
        return this.#failing(value === 0n ? 1 : 0);
      }
      case 'Redirected': {
        this.line = this.#script.lineOf(node);
        const into = yield* this.#redirected(node.redirects, streams);
        if (into === undefined) return this.#failing(1);
        const status = yield* this.#node(node.command, into);
        return (yield* this.#files.open(into.stdout, this.#call([], into))) || status;
      }
      case 'If':
        return yield* this.#if(node, streams);
      case 'For':
        return yield* this.#for(node, streams);
      case 'ArithmeticFor': {
        if (node.initialize) yield* calculate(node.initialize, this);
        const { test, update } = node;
        let first = true;
        const next = async function* (this: Shell): Run<boolean> {
          if (!first && update) yield* calculate(update, this);
          first = false;
          return test === undefined || (yield* calculate(test, this)) !== 0n;
        };
        return yield* this.#loop(node.body, streams, next.bind(this));
      }
      case 'While':
        return yield* this.#while(node, streams);
      case 'Case':
        return yield* this.#case(node.items, (yield* expand(node.word, this)).text, streams);
      case 'BraceGroup':
        return yield* this.all(node.body.commands, streams);
      case 'Subshell':
        return this.#failing(yield* this.#apart(() => this.all(node.body.commands, streams)));
      case 'Function':
        this.#functions.set(node.name.value, node.body);
        return this.#came(0);
      // Refused when the script was read.
      case 'Select':
      case 'Coproc':
        return this.#came(1);
    }
  }

  #came(status: number): number {
    this.#status = status;
    return status;
  }

  /** What a command came to: under `set -e`, it may be the end. */
  #failing(status: number): number {
    this.#came(status);
    if (status !== 0 && this.#errexit && this.#asked === 0) throw new Leaving('exit', status);
    return status;
  }

  async *#asking(body: () => Run<number>): Run<number> {
    this.#asked++;
    try {
      return yield* body();
    } finally {
      this.#asked--;
    }
  }

  async *#andOr(
    nodes: readonly PipelineNode[],
    operators: readonly ('&&' | '||')[],
    streams: Streams,
  ): Run<number> {
    // What follows the last `||` is not provided for, what stands before one is; and of a chain of
    // `&&`, a refusal ends it as it would have ended the script.
    const lastOr = operators.lastIndexOf('||');
    let status = 0;
    for (const [index, node] of nodes.entries()) {
      const operator = operators[index - 1];
      if (operator !== undefined && (operator === '&&') !== (status === 0)) continue;
      const run = (): Run<number> => this.#node(node, streams);
      if (index <= lastOr) status = yield* this.#asking(run);
      else if (index < nodes.length - 1) status = yield* this.#withoutErrexit(run);
      else status = yield* run();
    }
    return this.#came(status);
  }

  /** A command before `&&`: its failure does not end a script under `set -e`, its refusal does. */
  async *#withoutErrexit(run: () => Run<number>): Run<number> {
    const errexit = this.#errexit;
    this.#errexit = false;
    try {
      return yield* run();
    } finally {
      this.#errexit = errexit;
    }
  }

  async *#pipeline(nodes: readonly Statement['command'][], streams: Streams): Run<number> {
    const [only] = nodes;
    if (only !== undefined && nodes.length === 1) return yield* this.#node(only, streams);
    let { stdin } = streams;
    let failed = 0;
    for (const [index, node] of nodes.entries()) {
      const last = index === nodes.length - 1;
      const pipe: Sink & { type: 'text' } = { type: 'text', text: '' };
      const through: Streams = { ...streams, stdin, stdout: last ? streams.stdout : pipe };
      const run = (): Run<number> => this.#apart(() => this.#node(node, through));
      const status = last ? yield* run() : yield* this.#withoutErrexit(run);
      if (status !== 0) failed = status;
      stdin = { text: pipe.text };
      this.#came(last && !this.#pipefail ? status : failed);
    }
    return this.#failing(this.#status);
  }

  async *#if(node: If, streams: Streams): Run<number> {
    for (const { clause, then } of [node, ...node.elif]) {
      const status = yield* this.#asking(() => this.all(clause.commands, streams));
      if (status === 0) return yield* this.all(then.commands, streams);
    }
    this.#came(0);
    return node.else ? yield* this.all(node.else.commands, streams) : 0;
  }

  async *#for(node: For, streams: Streams): Run<number> {
    const words = node.wordlist ? yield* expandAll(node.wordlist, this) : [...this.positional];
    let index = 0;
    return yield* this.#loop(node.body, streams, () => {
      const word = words[index++];
      if (word !== undefined) this.set(node.name.value, word);
      return word !== undefined;
    });
  }

  async *#while({ clause, kind, body }: While, streams: Streams): Run<number> {
    const next = async function* (this: Shell): Run<boolean> {
      const status = yield* this.#asking(() => this.all(clause.commands, streams));
      return (status === 0) === (kind === 'while');
    };
    return yield* this.#loop(body, streams, next.bind(this));
  }

  async *#loop(
    body: CompoundList,
    streams: Streams,
    next: () => boolean | Run<boolean>,
  ): Run<number> {
    let status = 0;
    try {
      for (;;) {
        const goesOn = next();
        if (!(typeof goesOn === 'boolean' ? goesOn : yield* goesOn)) break;
        try {
          status = yield* this.all(body.commands, streams);
        } catch (error) {
          if (!endsHere(error, 'continue')) throw error;
          status = 0;
        }
      }
    } catch (error) {
      if (!endsHere(error, 'break')) throw error;
      status = 0;
    }
    return this.#came(status);
  }

  async *#case(items: readonly CaseItem[], text: string, streams: Streams): Run<number> {
    this.#came(0);
    let falls = false;
    for (const { pattern, body, terminator } of items) {
      let matches = falls;
      for (const word of matches ? [] : pattern) {
        matches ||= matcher((yield* expand(word, this)).pattern).test(text);
      }
      if (!matches) continue;
      yield* this.all(body.commands, streams);
      if (terminator === undefined || terminator === ';;') break;
      falls = terminator === ';&';
    }
    return this.#status;
  }

  async *#holds(test: TestExpression, streams: Streams): Run<boolean> {
    switch (test.type) {
      case 'TestGroup':
        return yield* this.#holds(test.expression, streams);
      case 'TestNot':
        return (yield* this.#holds(test.operand, streams)) !== (test.negations.length % 2 === 1);
      case 'TestLogical': {
        const any = test.operator === '||';
        for (const operand of test.operands) {
          if ((yield* this.#holds(operand, streams)) === any) return any;
        }
        return !any;
      }
      case 'TestUnary': {
        const { text } = yield* expand(test.operand, this);
        return unary(test.operator, text, fileTest(this.#call([], streams)));
      }
      case 'TestBinary': {
        const left = yield* expand(test.left, this);
        const right = yield* expand(test.right, this);
        if (/^(?:=|==|!=)$/.test(test.operator)) {
          return matcher(right.pattern).test(left.text) === (test.operator !== '!=');
        }
        return compare(left.text, test.operator, right.text);
      }
    }
  }

  async *#command(node: Command, streams: Streams): Run<number> {
    const into = yield* this.#redirected(node.redirects, streams);
    if (into === undefined) return 1;
    this.line = this.#script.lineOf(node);
    const assignments = node.prefix.filter((part) => part.type === 'Assignment');
    if (node.name === undefined) {
      this.#came(0);
      for (const assignment of assignments) yield* this.#assign(assignment);
      const call = this.#call([], into);
      return (yield* this.#files.open(into.stdout, call)) || this.#status;
    }
    const words = node.args.filter((arg) => arg.type === 'Word');
    let [name = '', ...args] = yield* expandAll([node.name, ...words], this);
    if (name === 'sudo') [name = '', ...args] = args;
    if (name === 'trap') {
      if (args.includes('EXIT')) this.#trap = this.#script.traps.get(node);
      return 0;
    }
    const settings = node.args.filter((arg) => arg.type === 'Assignment');
    const status = yield* this.#named(name, args, settings, into);
    this.line = this.#script.lineOf(node);
    return (yield* this.#files.open(into.stdout, this.#call([], into))) || status;
  }

  async *#named(
    name: string,
    args: readonly string[],
    settings: readonly Assignment[],
    streams: Streams,
  ): Run<number> {
    const body = this.#functions.get(name);
    if (body !== undefined) return yield* this.#called(body, args, streams);
    const program = PROGRAMS[name];
    if (program !== undefined) {
      const status = program(this.#call(args, streams));
      return typeof status === 'number' ? status : yield* status;
    }
    return yield* this.#steered(name, args, settings, streams);
  }

  /** The commands that change the shell itself. */
  async *#steered(
    name: string,
    args: readonly string[],
    settings: readonly Assignment[],
    streams: Streams,
  ): Run<number> {
    const [first] = args;
    const count = (otherwise: number): number => {
      const value = first === undefined ? otherwise : Number(first);
      if (Number.isInteger(value) && value >= 0) return value;
      throw new ShellError(`${name}: \`${first}\` is no number`);
    };
    switch (name) {
      case 'exit':
      case 'return':
        throw new Leaving(name, count(this.#status) & 0xff);
      case 'break':
      case 'continue':
        throw new Leaving(name, 0, Math.max(count(1), 1));
      case 'shift':
        this.positional = this.positional.slice(count(1));
        return 0;
      case 'cd': {
        const at = yield* this.#files.enter(first ?? ROOT, this.#call(args, streams));
        if (at !== undefined) this.#cwd = at;
        return at === undefined ? 1 : 0;
      }
      case 'set':
        this.#setTo(settingsOf(args));
        return 0;
      case 'unset':
        for (const variable of args) this.#variables.delete(variable);
        return 0;
      case 'read':
        return this.#read(
          args.filter((arg) => !arg.startsWith('-')),
          streams,
        );
      case 'local':
      case 'export':
      case 'readonly':
        for (const variable of args) {
          if (name === 'local' && !variable.startsWith('-')) this.#hide(variable);
        }
        for (const setting of settings) {
          if (name === 'local') this.#hide(setting.name);
          yield* this.#assign(setting);
        }
        return 0;
      default:
        // A function that is defined further down.
        throw new ShellError(`${name}: command not found`);
    }
  }

  async *#called(body: Body, args: readonly string[], streams: Streams): Run<number> {
    const { positional } = this;
    const hidden = new Map<string, string | undefined>();
    this.#hidden.push(hidden);
    this.positional = args;
    try {
      if (this.#hidden.length > 100) throw new ShellError('functions call each other without end');
      return body.type === 'CompoundList'
        ? yield* this.all(body.commands, streams)
        : yield* this.#node(body, streams);
    } catch (error) {
      if (error instanceof Leaving && error.to === 'return') return error.status;
      throw error;
    } finally {
      this.positional = positional;
      this.#hidden.pop();
      for (const [name, value] of hidden) {
        if (value === undefined) this.#variables.delete(name);
        else this.#variables.set(name, value);
      }
    }
  }

  #hide(name: string): void {
    const hidden = this.#hidden.at(-1);
    if (hidden === undefined || hidden.has(name)) return;
    hidden.set(name, this.#variables.get(name));
    this.#variables.set(name, '');
  }

  async *#assign({ name, value, append }: Assignment): Run<void> {
    // An array was refused when the script was read.
    const text = value.type === 'Word' ? (yield* expand(value, this)).text : '';
    this.set(name, append ? `${this.get(name) ?? ''}${text}` : text);
  }

  #setTo({ errexit, nounset, pipefail, positional }: Settings): void {
    if (errexit !== undefined) [this.#errexit, this.#tolerant] = [errexit, !errexit];
    this.nounset = nounset ?? this.nounset;
    this.#pipefail = pipefail ?? this.#pipefail;
    this.positional = positional ?? this.positional;
  }

  #read(names: readonly string[], { stdin }: Streams): number {
    const end = stdin.text.indexOf('\n');
    const ended = end < 0;
    const line = ended ? stdin.text : stdin.text.slice(0, end);
    stdin.text = ended ? '' : stdin.text.slice(end + 1);
    let rest = line.trim();
    for (const [index, name] of names.entries()) {
      const [word = ''] = index === names.length - 1 ? [rest] : rest.split(/\s+/, 1);
      rest = rest.slice(word.length).trimStart();
      this.set(name, word);
    }
    return ended ? 1 : 0;
  }

  #redirected(redirects: readonly Redirection[], streams: Streams): Run<Streams | undefined> {
    return redirected(redirects, streams, {
      shell: this,
      files: this.#files,
      asking: (into) => this.#call([], into),
    });
  }

  #call(args: readonly string[], streams: Streams): Call {
    return {
      args,
      streams,
      line: this.line,
      cwd: this.#cwd,
      guarded: this.#asked > 0 || this.#tolerant,
      files: this.#files,
      sleep: (ms) => this.#host.sleep(ms),
    };
  }
}
