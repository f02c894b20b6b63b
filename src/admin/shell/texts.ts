/** Programs that turn texts into texts: `printf`, `grep`, `head`, … */
import { ShellError } from './ending.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  '\\': '\\',
};
/** Longest list that `seq` makes. */
const SEQ_MAX = 1_000_000;

/** Escapes of `echo -e` and `printf`. */
export function unescape(text: string): string {
  return text.replaceAll(/\\([ntrab\\]|0?[0-7]{1,3})/g, (_, code: string) =>
    /^\d/.test(code) ? String.fromCodePoint(parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
}

/** What `echo` prints. */
export function echo(args: readonly string[]): string {
  const from = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
  const plain = from < 0 ? [] : args.slice(from);
  const flags = (from < 0 ? args : args.slice(0, from)).join('');
  const text = plain.join(' ');
  const escapes = flags.lastIndexOf('e') > flags.lastIndexOf('E');
  return `${escapes ? unescape(text) : text}${flags.includes('n') ? '' : '\n'}`;
}

/** What `printf` prints: its format as often as there is something to put in. */
export function printf(format: string, args: readonly string[]): string {
  const conversion = /%(?:%|([-0 +#]*)(\d*)(?:\.(\d+))?([sdiuxXoc b]))/g;
  const takes = [...format.matchAll(conversion)].filter(([whole]) => whole !== '%%').length;
  const rounds = takes === 0 ? 1 : Math.max(Math.ceil(args.length / takes), 1);
  let printed = '';
  let rest = [...args];
  for (let round = 0; round < rounds; round++) {
    printed += unescape(format).replaceAll(
      conversion,
      (whole, flags = '', width = '', precision: string | undefined, kind = '') => {
        if (whole === '%%') return '%';
        const [arg = ''] = rest;
        rest = rest.slice(1);
        return pad(convert(arg, kind, precision), flags, Number(width));
      },
    );
  }
  return printed;
}

function convert(arg: string, kind: string, precision: string | undefined): string {
  switch (kind) {
    case 's':
      return precision === undefined ? arg : arg.slice(0, Number(precision));
    case 'b':
      return unescape(arg);
    case 'c':
      return arg.slice(0, 1);
  }
  if (!/^(?:[-+]?\d+|0[xX][\dA-Fa-f]+)?$/.test(arg)) {
    throw new ShellError(`printf: \`${arg}\` is no number`);
  }
  const value = BigInt(arg.replace(/^\+/, '') || 0);
  const base = { x: 16, X: 16, o: 8 }[kind] ?? 10;
  const digits = (base === 10 ? value : BigInt.asUintN(64, value)).toString(base);
  return kind === 'X' ? digits.toUpperCase() : digits;
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  return text.padStart(width, flags.includes('0') ? '0' : ' ');
}

/** `seq LAST`, `seq FIRST LAST` or `seq FIRST STEP LAST`. */
export function seq(args: readonly string[]): string {
  if (args.length < 1 || args.length > 3 || !args.every((arg) => /^-?\d+$/.test(arg))) {
    throw new ShellError('seq: expected one to three integers');
  }
  const numbers = args.map(Number);
  const last = numbers.at(-1) ?? 0;
  const first = args.length > 1 ? (numbers[0] ?? 1) : 1;
  const step = args.length > 2 ? (numbers[1] ?? 1) : 1;
  const length = step === 0 ? Infinity : Math.max(Math.floor((last - first) / step) + 1, 0);
  if (length > SEQ_MAX) throw new ShellError(`seq: expected at most ${SEQ_MAX} numbers`);
  return Array.from({ length }, (_, index) => `${first + step * index}\n`).join('');
}

/** The lines of a text, without what ends them. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return text.replace(/\n$/, '').split('\n');
}

/** Lines, each ended. */
export function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Options of one letter, those with a number behind them, and what is left. */
export function optionsOf(
  command: string,
  args: readonly string[],
  letters: string,
  numbers = '',
): { flags: ReadonlySet<string>; values: ReadonlyMap<string, number>; rest: string[] } {
  const flags = new Set<string>();
  const values = new Map<string, number>();
  const rest = [...args];
  while (/^-./.test(rest[0] ?? '')) {
    const option = (rest.shift() ?? '').slice(1);
    if (option === '-') break;
    const [letter = ''] = option;
    if (numbers.includes(letter) || (numbers !== '' && /^\d+$/.test(option))) {
      const short = /^\d+$/.test(option);
      const text = short ? option : option.slice(1) || (rest.shift() ?? '');
      if (!/^\+?\d+$/.test(text)) throw new ShellError(`${command}: \`${text}\` is no number`);
      values.set(short ? (numbers[0] ?? '') : letter, Number(text));
    } else {
      for (const flag of option) {
        if (!letters.includes(flag)) {
          throw new ShellError(`${command}: a replay does not know -${flag}`);
        }
        flags.add(flag);
      }
    }
  }
  return { flags, values, rest };
}

/** The expression of `grep`, in the words of JavaScript. */
export function expressionOf(pattern: string, flags: ReadonlySet<string>): RegExp {
  const part = flags.has('F')
    ? pattern.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`)
    : flags.has('E')
      ? pattern
      : pattern.replaceAll(/\\([(){}|+?])|[(){}|+?]/g, (whole, escaped?: string) =>
          escaped === undefined ? `\\${whole}` : escaped,
        );
  try {
    const word = flags.has('w') ? `(?<!\\w)(?:${part})(?!\\w)` : part;
    const source = flags.has('x') ? `^(?:${word})$` : word;
    return new RegExp(source, flags.has('i') ? 'i' : '');
  } catch {
    throw new ShellError(`grep: \`${pattern}\` is no expression`);
  }
}
