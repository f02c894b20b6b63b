/**
 * Reads a shell script, and refuses what a replay cannot do.
 *
 * The grammar is unbash's. Checked whole before any of it is done, so that a script that cannot be
 * replayed does nothing: other commands, other parts of bash, and variables that nothing sets.
 */
import type { Command, ParameterExpansionPart, Redirection, Script, SyntaxNode } from 'unbash';

import { type DamonError, refuse } from '../../errors.ts';

/** A script that can be replayed. */
export interface ShellScript {
  readonly ast: Script;
  /** What is run at the end, by the `trap` that says so. */
  readonly traps: ReadonlyMap<Command, Script>;
  /** Of a place in the text, from 1. */
  readonly lineOf: (node: { readonly pos: number }) => number;
}

/** Commands of the shell, and programs, that a replay knows. */
export const COMMANDS: readonly string[] = (
  'echo printf cat ls cd pwd sleep true false : test [ exit return break continue set export readonly ' +
  'local unset shift read tee seq head tail wc grep basename dirname id sudo trap'
).split(' ');

/** Set before a script begins; who replays it may write everything. */
export const PRESET: ReadonlyMap<string, string> = new Map([
  ['UID', '0'],
  ['EUID', '0'],
]);

const NAME = /^[A-Za-z_]\w*$/;
const ASSIGNS = new Set(['read', 'export', 'readonly', 'local']);

/** When a trap may be run: at the end, and by signals, which a replay does not get. */
const TRAPPED = ['EXIT', 'INT', 'TERM', 'HUP'];

/** Parts of bash that are left out, by the type of their node. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  Select: 'no `select`',
  Coproc: 'no `coproc`',
  ProcessSubstitution: 'no `<(…)`',
  ExtendedGlob: 'patterns of `*`, `?` and `[…]`',
  ArrayValue: 'no arrays',
  FileDescriptorVariable: 'no descriptor but 0, 1 and 2',
};

/**
 * Reads a script.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SCRIPT`, at the line that cannot be replayed
 */
export async function readShell(text: string): Promise<ShellScript> {
  const { parse, forEachChild } = await import('unbash');
  const ast = parse(text);
  const lines = text.split('\n');
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const lineOf = ({ pos }: { readonly pos: number }): number =>
    starts.findLastIndex((start) => start <= pos) + 1;
  const cannot = (node: { readonly pos: number }, expected: string): DamonError => {
    const line = lineOf(node);
    return refuse({
      code: 'ERR_DAMON_CONFIG_SCRIPT',
      path: `line ${line}`,
      expected,
      received: lines[line - 1]?.trim(),
    });
  };
  const visit = (node: SyntaxNode, on: (node: SyntaxNode) => void): void => {
    on(node);
    forEachChild(node, (child) => visit(child, on));
  };

  const traps = new Map<Command, Script>();
  const parseTrap = (node: Command): void => {
    const [action, ...conditions] = node.args.map((arg) => (arg.type === 'Word' ? arg : undefined));
    const plain = action?.parts?.every(({ type }) => type === 'SingleQuoted') ?? true;
    if (!action || !plain || !conditions.every((word) => TRAPPED.includes(word?.value ?? ''))) {
      throw cannot(node, `a trap such as \`trap 'COMMAND' EXIT\`, of ${TRAPPED.join(', ')}`);
    }
    // Blanks in front of it keep its lines.
    const before = text.slice(0, action.pos).replaceAll(/[^\n]/g, ' ');
    traps.set(node, parse(action.value === '-' ? '' : before + action.value));
  };
  const functions = new Set<string>();
  const variables = new Set([...PRESET.keys(), 'PWD']);
  const note = (node: SyntaxNode): void => {
    if (node.type === 'Command' && node.name?.value === 'trap') parseTrap(node);
    if (node.type === 'Script') {
      const [error] = (node as typeof ast).errors ?? [];
      if (error) throw cannot(error, `a shell script: ${error.message}`);
    }
    if (node.type === 'Function') functions.add(node.name.value);
    for (const name of namesSetBy(node)) variables.add(name);
  };
  visit(ast, note);
  for (const trap of traps.values()) visit(trap, note);

  const known = new Set<string>([...COMMANDS, ...functions]);
  const checkNames = (node: SyntaxNode, inFunction: boolean): void => {
    for (const name of namesReadBy(node)) {
      const positional = /^\d$/.test(name);
      if (positional ? inFunction || name === '0' : variables.has(name) || '?#@*'.includes(name)) {
        continue;
      }
      throw cannot(node, `without \`$${name}\`, which nothing sets`);
    }
  };
  const check = (node: SyntaxNode, inFunction: boolean): void => {
    const leftOut = LEFT_OUT[node.type] ?? refusalOf(node);
    if (leftOut !== undefined) throw cannot(node, leftOut);
    if (node.type === 'Command' && node.name !== undefined) {
      const [first] = node.args;
      const named = [
        node.name,
        ...(node.name.value === 'sudo' && first?.type === 'Word' ? [first] : []),
      ];
      for (const { value, parts } of named) {
        if (!parts?.some(({ type }) => !type.endsWith('Quoted')) && known.has(value)) continue;
        throw cannot(node, `a command that a replay knows (${COMMANDS.join(' ')}) or a function`);
      }
    }
    checkNames(node, inFunction);
    forEachChild(node, (child) => check(child, inFunction || node.type === 'Function'));
  };
  for (const script of [ast, ...traps.values()]) check(script, false);
  return { ast, traps, lineOf };
}

/** What is wrong with a node, if anything. */
function refusalOf(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'Statement':
      return node.background ? 'no `&`: one command after the other' : undefined;
    case 'Pipeline':
      return node.prefixes.some(({ type }) => type === 'Time') ? 'no `time`' : undefined;
    case 'Assignment':
      return node.index === undefined ? undefined : 'no arrays';
    case 'ParameterExpansion':
      return readsParameter(node) ? undefined : '`${NAME}`, with `:-`, `=`, `+`, `?`, `#` or `%`';
    case 'BraceExpansion':
      return bracesOf(node.text) ? undefined : 'braces such as {a,b} or {0..9}, of plain texts';
    case 'Redirect':
    case 'HereString':
    case 'HereDoc':
      return redirects(node) ? undefined : '> FILE, < FILE, 2>/dev/null, >&2 or 2>&1';
    case 'TestUnary':
      return '-e -f -d -r -w -s -n -z'.split(' ').includes(node.operator)
        ? undefined
        : 'a test of texts, numbers or files';
    case 'TestBinary':
      return '= == != < > -eq -ne -lt -le -gt -ge'.split(' ').includes(node.operator)
        ? undefined
        : 'a test of texts, numbers or files';
    default:
      return undefined;
  }
}

function readsParameter({ prefix, index, operation }: ParameterExpansionPart): boolean {
  const plain = prefix === undefined || (prefix === '#' && operation === undefined);
  const { type } = operation ?? { type: 'Default' };
  return plain && index === undefined && (type === 'Default' || type === 'Remove');
}

function redirects(node: Redirection): boolean {
  const { descriptor } = node;
  if (descriptor !== undefined && descriptor.type !== 'FileDescriptor') return false;
  const from = descriptor?.value;
  if (node.type !== 'Redirect') return from === undefined || from === 0;
  const to = node.target?.value ?? '';
  switch (node.operator) {
    case '<':
      return from === undefined || from === 0;
    case '>':
    case '>>':
    case '>|':
      return from === undefined || from === 1 || (from === 2 && to === '/dev/null');
    case '&>':
    case '&>>':
      return to === '/dev/null';
    case '>&':
      return (from ?? 1) < 3 && (to === '1' || to === '2');
    default:
      return false;
  }
}

/** The texts of `{a,b}` and `{0..9}`; `undefined` for others. */
export function bracesOf(text: string): string[] | undefined {
  const inner = text.slice(1, -1);
  const [, from, to] = /^(-?\d{1,6})\.\.(-?\d{1,6})$/.exec(inner) ?? [];
  if (from !== undefined && to !== undefined) {
    const step = Number(from) <= Number(to) ? 1 : -1;
    const length = Math.abs(Number(to) - Number(from)) + 1;
    return Array.from({ length }, (_, index) => String(Number(from) + step * index));
  }
  return /^[^$`'"\\{}]*,[^$`'"\\{}]*$/.test(inner) ? inner.split(',') : undefined;
}

function namesSetBy(node: SyntaxNode): readonly string[] {
  switch (node.type) {
    case 'Assignment':
      return [node.name];
    case 'For':
      return [node.name.value];
    case 'ParameterExpansion':
      return /^:?=$/.test(node.operation?.type === 'Default' ? node.operation.operator : '')
        ? [node.parameter]
        : [];
    case 'ArithmeticBinary':
      return /^[^=!<>]*=$|^(?:<<|>>)=$/.test(node.operator) ? wordOf(node.left) : [];
    case 'Command':
      return ASSIGNS.has(node.name?.value ?? '')
        ? node.args.flatMap((word) =>
            word.type === 'Word' && NAME.test(word.value) ? word.value : [],
          )
        : [];
    default:
      return [];
  }
}

function namesReadBy(node: SyntaxNode): readonly string[] {
  switch (node.type) {
    case 'SimpleExpansion':
      return [node.text.slice(1)];
    case 'ParameterExpansion':
      return node.operation?.type === 'Default' ? [] : [node.parameter];
    case 'ArithmeticWord':
      return wordOf(node).map((name) => name.replace(/^\$/, ''));
    default:
      return [];
  }
}

function wordOf(node: { readonly type: string; readonly value?: string }): string[] {
  const { value = '' } = node;
  return /^\$?(?:[A-Za-z_]\w*|[\d#?](?<=\$.))$/.test(value) ? [value] : [];
}
