/** Arithmetic of the shell: `$((…))`, in 64 bits with a sign. */
import type { ArithmeticBinary, ArithmeticExpression } from 'unbash';

import { ShellError } from './ending.ts';

/** What names stand for while an expression is worked out. */
export interface Names {
  /** What a shell puts in for a word that is expanded; `undefined` for the others. */
  expanded(node: ArithmeticExpression): string | undefined;
  /** The text of a variable, `''` if it has none. */
  get(name: string): string;
  set(name: string, value: string): void;
}

const NAME = /^[A-Za-z_]\w*$/;

/** @throws ShellError for what is no number, and for a division by zero */
export function evaluate(node: ArithmeticExpression, names: Names): bigint {
  const of = (inner: ArithmeticExpression): bigint => evaluate(inner, names);
  switch (node.type) {
    case 'ArithmeticGroup':
      return of(node.expression);
    case 'ArithmeticTernary':
      return of(of(node.test) === 0n ? node.alternate : node.consequent);
    case 'ArithmeticUnary': {
      const { operator, operand, prefix } = node;
      if (operator === '++' || operator === '--') {
        const before = of(operand);
        const after = assign(operand, before + (operator === '++' ? 1n : -1n), names);
        return prefix ? after : before;
      }
      const value = of(operand);
      if (operator === '!') return value === 0n ? 1n : 0n;
      return wrap(operator === '-' ? -value : operator === '~' ? ~value : value);
    }
    case 'ArithmeticBinary':
      return binary(node, names);
    case 'ArithmeticWord':
      return numberOf(names.expanded(node) ?? node.value, names);
    case 'ArithmeticCommandExpansion':
      return numberOf(names.expanded(node) ?? '', names);
  }
}

function binary({ operator, left, right }: ArithmeticBinary, names: Names): bigint {
  const of = (inner: ArithmeticExpression): bigint => evaluate(inner, names);
  if (operator === '&&') return truth(of(left) !== 0n && of(right) !== 0n);
  if (operator === '||') return truth(of(left) !== 0n || of(right) !== 0n);
  if (operator === '=') return assign(left, of(right), names);
  if (operator === ',') return (of(left), of(right));
  const [a, b] = [of(left), of(right)];
  switch (operator) {
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '<=':
      return truth(a <= b);
    case '>':
      return truth(a > b);
    case '>=':
      return truth(a >= b);
  }
  const assigns = operator.endsWith('=');
  const value = calculate(assigns ? operator.slice(0, -1) : operator, a, b);
  return assigns ? assign(left, value, names) : value;
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function calculate(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return wrap(a + b);
    case '-':
      return wrap(a - b);
    case '*':
      return wrap(a * b);
    case '/':
    case '%':
      if (b === 0n) throw new ShellError('division by 0');
      return wrap(operator === '/' ? a / b : a % b);
    case '**':
      return power(a, b);
    case '<<':
      return wrap(a << (b & 63n));
    case '>>':
      return a >> (b & 63n);
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      throw new ShellError(`\`${operator}\` is no operator of arithmetic`);
  }
}

/** By squaring: the exponent may be anything, and so nothing grows beyond 64 bits on the way. */
function power(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) throw new ShellError('an exponent below 0');
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = wrap(result * square);
    square = wrap(square * square);
  }
  return result;
}

function assign(to: ArithmeticExpression, value: bigint, names: Names): bigint {
  if (to.type !== 'ArithmeticWord' || !NAME.test(to.value)) {
    throw new ShellError('only a variable can be assigned to');
  }
  names.set(to.value, String(wrap(value)));
  return wrap(value);
}

function numberOf(text: string, names: Names): bigint {
  const trimmed = text.trim();
  if (trimmed === '') return 0n;
  if (NAME.test(trimmed)) {
    const value = names.get(trimmed).trim();
    return NAME.test(value) ? fail(value) : numberOf(value, names);
  }
  const [, sign, digits = ''] =
    /^([-+]?)(0[xX][\dA-Fa-f]+|0[0-7]*|[1-9]\d*)$/.exec(trimmed) ?? fail(text);
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return wrap(sign === '-' ? -value : value);
}

function fail(text: string): never {
  throw new ShellError(`\`${text}\` is no number`);
}

function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}
