/**
 * Words of the shell: what is put in for variables, commands, arithmetic, braces and patterns.
 *
 * In bash's order. Fields are split at blanks, tabs and newlines.
 */
import type { ArithmeticExpression, ParameterExpansionPart, Script, Word, WordPart } from 'unbash';

import { type Names, evaluate } from './arithmetic.ts';
import type { Run } from './command.ts';
import { ShellError } from './ending.ts';
import { glob, isPattern, literally, without } from './pattern.ts';
import { bracesOf } from './read.ts';

/** What words need to know of the shell they are in. */
export interface Environment {
  /** `undefined` where it is not set. */
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** `$@`. */
  readonly positional: readonly string[];
  /** `set -u`. */
  readonly nounset: boolean;
  /** What a script prints. */
  capture(script: Script): Run<string>;
  /** Names in a directory; `undefined` for what is none. */
  list(path: string): readonly string[] | undefined;
}

/** A text, and the pattern that it is where patterns count. */
export interface Expanded {
  readonly text: string;
  readonly pattern: string;
}

/**
 * `split`: blanks part words, and patterns count; `pattern`: patterns count; `break`: the next piece
 * is another word.
 */
interface Piece extends Expanded {
  readonly type: 'plain' | 'split' | 'break';
}

/** Expands words into fields: what a command gets. */
export async function* expandAll(words: readonly Word[], shell: Environment): Run<string[]> {
  const fields: string[] = [];
  for (const word of words) {
    for (const parts of alternatives(word)) {
      for (const field of fieldsOf(yield* piecesOf(parts, false, shell))) {
        const paths = isPattern(field.pattern)
          ? glob(field.pattern, (path) => shell.list(path))
          : [];
        fields.push(...(paths.length > 0 ? paths : [field.text]));
      }
    }
  }
  return fields;
}

/** Expands a word that is not split: of an assignment, a redirection, `case`, `[[`. */
export async function* expand(word: Word, shell: Environment): Run<Expanded> {
  const pieces = yield* piecesOf(partsOf(word), false, shell);
  return join(pieces);
}

/** Expands the body of a here-document. */
export async function* expandParts(parts: readonly WordPart[], shell: Environment): Run<string> {
  return join(yield* piecesOf(parts, true, shell)).text;
}

/** @throws ShellError as {@link evaluate} */
export async function* calculate(
  expression: ArithmeticExpression,
  shell: Environment,
): Run<bigint> {
  const expanded = new Map<ArithmeticExpression, string>();
  yield* expandWithin(expression, expanded, shell);
  const names: Names = {
    expanded: (node) => expanded.get(node),
    get: (name) => valueOf(name, shell),
    set: (name, value) => shell.set(name, value),
  };
  return evaluate(expression, names);
}

async function* expandWithin(
  node: ArithmeticExpression,
  into: Map<ArithmeticExpression, string>,
  shell: Environment,
): Run<void> {
  switch (node.type) {
    case 'ArithmeticBinary':
      yield* expandWithin(node.left, into, shell);
      yield* expandWithin(node.right, into, shell);
      break;
    case 'ArithmeticUnary':
      yield* expandWithin(node.operand, into, shell);
      break;
    case 'ArithmeticTernary':
      for (const inner of [node.test, node.consequent, node.alternate]) {
        yield* expandWithin(inner, into, shell);
      }
      break;
    case 'ArithmeticGroup':
      yield* expandWithin(node.expression, into, shell);
      break;
    case 'ArithmeticWord':
      if (node.parts) into.set(node, join(yield* piecesOf(node.parts, true, shell)).text);
      else if (node.value.startsWith('$')) into.set(node, valueOf(node.value.slice(1), shell));
      break;
    case 'ArithmeticCommandExpansion':
      into.set(node, node.script ? yield* shell.capture(node.script) : '');
  }
}

function partsOf({ parts, value, text, pos, end }: Word): readonly WordPart[] {
  return parts ?? [{ type: 'Literal', value, text, pos, end }];
}

/** What braces make of a word: `a{b,c}` is two. */
function alternatives(word: Word): (readonly WordPart[])[] {
  let made: WordPart[][] = [[]];
  for (const part of partsOf(word)) {
    const texts = part.type === 'BraceExpansion' ? bracesOf(part.text) : undefined;
    const { pos, end } = part;
    const choices: WordPart[] = texts?.map((value) => ({
      type: 'Literal',
      value,
      text: value,
      pos,
      end,
    })) ?? [part];
    made = made.flatMap((parts) => choices.map((choice) => parts.concat(choice)));
  }
  return made;
}

/** A text that stands for itself. */
function plain(text: string): Piece {
  return { type: 'plain', text, pattern: literally(text) };
}

function wild(text: string): Piece {
  return { type: 'plain', text, pattern: text };
}

async function* piecesOf(
  parts: readonly WordPart[],
  quoted: boolean,
  shell: Environment,
): Run<Piece[]> {
  const pieces: Piece[] = [];
  const put = (text: string): Piece =>
    quoted ? plain(text) : { type: 'split', text, pattern: text };
  for (const part of parts) {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'AnsiCQuoted':
        pieces.push(plain(part.value));
        break;
      case 'Glob':
        if (part.parts?.some(({ type }) => type !== 'Literal')) {
          const inner = yield* piecesOf(part.parts, quoted, shell);
          pieces.push(wild('['), ...inner, wild(']'));
        } else pieces.push(wild(part.text));
        break;
      case 'DoubleQuoted':
      case 'LocaleString': {
        const inner = yield* piecesOf(part.parts, true, shell);
        // Quotes make a word even of nothing, unless it is "$@" of nothing.
        const nothing = part.text === '"$@"' || part.text === '"${@}"';
        pieces.push(...(inner.length > 0 || nothing ? inner : [plain('')]));
        break;
      }
      case 'SimpleExpansion':
      case 'ParameterExpansion': {
        const name = part.type === 'SimpleExpansion' ? part.text.slice(1) : part.parameter;
        if (name === '@' && !(part.type === 'ParameterExpansion' && part.prefix)) {
          shell.positional.forEach((text, index) => {
            if (index > 0) pieces.push({ ...plain(''), type: 'break' });
            pieces.push(put(text));
          });
        } else if (part.type === 'SimpleExpansion') pieces.push(put(valueOf(name, shell)));
        else pieces.push(put(yield* parameter(part, shell)));
        break;
      }
      case 'CommandExpansion':
        pieces.push(put(part.script ? yield* shell.capture(part.script) : ''));
        break;
      case 'ArithmeticExpansion':
        pieces.push(put(String(part.expression ? yield* calculate(part.expression, shell) : 0n)));
        break;
      case 'BraceExpansion':
        pieces.push(plain(part.text));
        break;
      // Refused when the script was read.
      case 'ProcessSubstitution':
      case 'ExtendedGlob':
    }
  }
  return pieces;
}

async function* parameter(part: ParameterExpansionPart, shell: Environment): Run<string> {
  const { parameter: name, prefix, operation } = part;
  if (prefix === '#') {
    return String(/^[@*]$/.test(name) ? shell.positional.length : valueOf(name, shell).length);
  }
  if (operation?.type === 'Remove') {
    const { pattern } = yield* expand(operation.operand, shell);
    return without(valueOf(name, shell), pattern, operation.operator);
  }
  if (operation?.type !== 'Default') return valueOf(name, shell);
  const value = shell.get(name);
  const missing = value === undefined || (operation.operator.startsWith(':') && value === '');
  const instead = async function* (): Run<string> {
    return (yield* expand(operation.operand, shell)).text;
  };
  switch (operation.operator.at(-1)) {
    case '+':
      return missing ? '' : yield* instead();
    case '?':
      if (missing) throw new ShellError(`${name}: ${(yield* instead()) || 'not set'}`);
      return value;
    case '=':
      if (missing) shell.set(name, yield* instead());
      return shell.get(name) ?? '';
    default:
      return missing ? yield* instead() : value;
  }
}

/** @throws ShellError under `set -u`, where it is not set */
function valueOf(name: string, shell: Environment): string {
  const value = shell.get(name);
  if (value === undefined && shell.nounset) throw new ShellError(`${name}: unbound variable`);
  return value ?? '';
}

function fieldsOf(pieces: readonly Piece[]): Expanded[] {
  const fields: Expanded[] = [];
  let field: Expanded | undefined;
  const end = (): void => {
    if (field) fields.push(field);
    field = undefined;
  };
  const add = ({ text, pattern }: Expanded): void => {
    field = { text: (field?.text ?? '') + text, pattern: (field?.pattern ?? '') + pattern };
  };
  for (const piece of pieces) {
    if (piece.type === 'break') end();
    else if (piece.type === 'plain') add(piece);
    else {
      for (const text of piece.text.split(/([ \t\n]+)/)) {
        if (/^[ \t\n]/.test(text)) end();
        else if (text !== '') add({ text, pattern: text });
      }
    }
  }
  end();
  return fields;
}

function join(pieces: readonly Piece[]): Expanded {
  const of = (piece: Piece, key: keyof Expanded): string =>
    piece.type === 'break' ? ' ' : piece[key];
  return {
    text: pieces.map((piece) => of(piece, 'text')).join(''),
    pattern: pieces.map((piece) => of(piece, 'pattern')).join(''),
  };
}
