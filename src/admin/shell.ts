/**
 * The part of the shell in which DAMON is set up: `echo … > FILE`, `cat`, `cd`, `sleep`, variables,
 * quotes, `;` and `&&`.
 *
 * Read whole before any of it is done, so that a script that cannot be replayed does nothing. What
 * is not of that part is refused by line, never skipped.
 */
import { type DamonError, refuse } from '../errors.ts';

/** One command of a script. */
export type ShellCommand = {
  /** In the script, from 1. */
  readonly line: number;
} & (
  | { readonly type: 'write'; readonly text: string; readonly path: string }
  | { readonly type: 'read'; readonly path: string }
  | { readonly type: 'cd'; readonly path: string }
  | { readonly type: 'sleep'; readonly ms: number }
);

/** A word, with its quotes gone; or an operator. */
interface Token {
  readonly text: string;
  readonly operator: boolean;
}

type Variables = Map<string, string>;

const SUPPORTED = 'echo TEXT > FILE, cat FILE, cd DIR, sleep SECONDS or NAME=VALUE';
const SPACE = /[ \t\r]/;
const NAME = /^[A-Za-z_]\w*/;
const MS_PER_S = 1_000;
/** Longest `sleep`: what a timer holds. */
const SLEEP_MS_MAX = 2 ** 31 - 1;

/**
 * Reads a script.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SCRIPT`, at the line that cannot be replayed
 */
export function readShell(script: string): ShellCommand[] {
  const variables: Variables = new Map();
  return script.split('\n').flatMap((text, index) => readLine(text, index + 1, variables));
}

function readLine(text: string, line: number, variables: Variables): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: Token[] = [];
  const end = (): void => {
    if (words.length > 0) commands.push(...readCommand(words, text, line, variables));
    words = [];
  };
  let at = 0;
  while (at < text.length) {
    const read = readToken(text, at, line, variables);
    if (read === undefined) break;
    at = read.end;
    if (!read.token.operator || read.token.text === '>') words.push(read.token);
    else end();
  }
  end();
  return commands;
}

/** The next token; `undefined` where only a comment or nothing follows. */
function readToken(
  text: string,
  from: number,
  line: number,
  variables: Variables,
): { token: Token; end: number } | undefined {
  let at = from;
  while (at < text.length && SPACE.test(text.charAt(at))) at++;
  if (at === text.length || text[at] === '#') return undefined;
  for (const operator of ['&&', ';', '>']) {
    if (!text.startsWith(operator, at)) continue;
    const end = at + operator.length;
    if (operator === '>' && /[>&|]/.test(text.charAt(end))) break;
    return { token: { text: operator, operator: true }, end };
  }
  return readWord(text, at, line, variables);
}

function readWord(
  text: string,
  from: number,
  line: number,
  variables: Variables,
): { token: Token; end: number } {
  let word = '';
  let quote = '';
  let at = from;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (quote !== "'" && char === '$') {
      const [whole, name = ''] = /^\$(?:\{(\w+)\}|(?=(\w+)))/.exec(text.slice(at)) ?? [];
      const bare = NAME.exec(text.slice(at + 1))?.[0] ?? '';
      const value = variables.get(name || bare);
      if (whole === undefined || value === undefined) {
        throw cannot(text, line, 'without a variable that was not set before');
      }
      word += value;
      at += name ? whole.length - 1 : bare.length;
    } else if (quote === '' && (SPACE.test(char) || ';&>'.includes(char))) break;
    else if (quote !== "'" && '\\`'.includes(char)) throw cannot(text, line, 'without escapes');
    else if (quote === '' && '|<()*?[]{}'.includes(char)) throw cannot(text, line, SUPPORTED);
    else word += char;
  }
  if (quote !== '') throw cannot(text, line, 'with its quotes closed');
  if (at === from) throw cannot(text, line, SUPPORTED);
  return { token: { text: word, operator: false }, end: at };
}

function readCommand(
  tokens: readonly Token[],
  text: string,
  line: number,
  variables: Variables,
): ShellCommand[] {
  const isRedirect = (token: Token | undefined): boolean => token?.operator === true;
  const redirect = tokens.findIndex(isRedirect);
  const plain = redirect < 0 ? tokens : tokens.slice(0, redirect);
  const into = redirect < 0 ? [] : tokens.slice(redirect + 1);
  const [command = '', ...args] = plain.map((token) => token.text);
  const [target] = into;

  if (command === 'echo' && target !== undefined && into.length === 1 && !isRedirect(target)) {
    const bare = args[0] === '-n';
    const words = (bare ? args.slice(1) : args).join(' ');
    return [{ line, type: 'write', text: bare ? words : `${words}\n`, path: target.text }];
  }
  if (redirect >= 0) throw cannot(text, line, SUPPORTED);
  const [first = ''] = args;
  const one = args.length === 1;
  if (command === 'cat' && args.length > 0) {
    return args.map((path) => ({ line, type: 'read', path }));
  }
  if (command === 'cd' && one) return [{ line, type: 'cd', path: first }];
  if (command === 'sleep' && one && /^\d+(?:\.\d+)?s?$/.test(first)) {
    const ms = Math.round(parseFloat(first) * MS_PER_S);
    if (ms <= SLEEP_MS_MAX) return [{ line, type: 'sleep', ms }];
  }
  // The replay ends at what fails, as it is.
  if (command === 'set' && one && /^-[eux]+$/.test(first)) return [];
  const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/.exec(command) ?? [];
  if (name === undefined || args.length > 0) throw cannot(text, line, SUPPORTED);
  variables.set(name, value);
  return [];
}

function cannot(text: string, line: number, expected: string): DamonError {
  const [code, path] = ['ERR_DAMON_CONFIG_SCRIPT', `line ${line}`];
  return refuse({ code, path, expected, received: text.trim() });
}
