/** `test` and `[`. */
import { ShellError } from './ending.ts';

/** Answers about a file: `-e`, `-f`, `-d`, `-r`, `-w`, `-s`. */
export type FileTest = (operator: string, path: string) => boolean;

/**
 * Whether a condition holds, as bash reads its words: `-o`, then `-a`, then `!`.
 *
 * @throws ShellError for what is no condition
 */
export function holds(words: readonly string[], ofFile: FileTest): boolean {
  let at = 0;
  const either = (): boolean => {
    let value = both();
    while (words[at] === '-o') {
      at++;
      const right = both();
      value = value || right;
    }
    return value;
  };
  const both = (): boolean => {
    let value = one();
    while (words[at] === '-a') {
      at++;
      const right = one();
      value = value && right;
    }
    return value;
  };
  const one = (): boolean => {
    const [first, second, third] = words.slice(at, at + 3);
    if (first === undefined) throw new ShellError('test: a condition is missing');
    if (third !== undefined && isBinary(second)) {
      at += 3;
      return compare(first, second ?? '', third);
    }
    if (first === '!') {
      at++;
      return !one();
    }
    if (second !== undefined && /^-[nzefdrws]$/.test(first)) {
      at += 2;
      return unary(first, second, ofFile);
    }
    at++;
    return first !== '';
  };
  if (words.length === 0) return false;
  const value = either();
  if (at === words.length) return value;
  throw new ShellError(`test: \`${words[at]}\` is not expected here`);
}

/** `-n`, `-z`, and what is asked about files. */
export function unary(operator: string, operand: string, ofFile: FileTest): boolean {
  if (operator === '-n') return operand !== '';
  if (operator === '-z') return operand === '';
  return ofFile(operator, operand);
}

/** Compares texts, or by `-eq` and so on numbers. */
export function compare(left: string, operator: string, right: string): boolean {
  if (!operator.startsWith('-')) {
    if (operator === '<') return left < right;
    if (operator === '>') return left > right;
    return (left === right) === (operator !== '!=');
  }
  const [a, b] = [left, right].map((text) => {
    if (/^\s*[-+]?\d+\s*$/.test(text)) return BigInt(text.trim().replace(/^\+/, ''));
    throw new ShellError(`test: \`${text}\` is no number`);
  }) as [bigint, bigint];
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}

function isBinary(word = ''): boolean {
  return /^(?:=|==|!=|<|>|-(?:eq|ne|lt|le|gt|ge))$/.test(word);
}
