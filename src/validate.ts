/**
 * Options checked once, by name: the schemas' building blocks, and the error made of a refusal.
 *
 * The schemas themselves stand beside what they describe. A schema's output is *resolved*: units
 * read, defaults filled in, nothing optional left to guess.
 */
import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';

import { DamonError, refuse } from './errors.ts';
import {
  type UnitName,
  addressPattern,
  expectedQuantity,
  quantityPattern,
  readAddress,
  readQuantity,
} from './units.ts';

/** A schema that reads anything and gives what it resolves to. */
export type Schema<Output> = v.GenericSchema<unknown, Output>;

/** What a check comes to in the words of JSON Schema: for the schema that is published. */
export function asJson<Input>(schema: object): v.MetadataAction<Input, Record<string, unknown>> {
  return v.metadata({ ...schema });
}

/** A quantity in the unit the field is named for; see `units.ts`. */
export function quantityOf(unit: UnitName): Schema<number> {
  return quantityFrom(unit, 0, SAFE);
}

/** A quantity within closed bounds. */
export function quantityWithin(
  unit: UnitName,
  { min, max, expected }: { min: number; max: number; expected: string },
): Schema<number> {
  return v.pipe(
    quantityFrom(unit, min, max),
    v.check((value) => min <= value && value <= max, expected),
  );
}

/** The published schema knows the bounds, of numbers: a pattern of texts cannot compare. */
function quantityFrom(unit: UnitName, min: number, max: number): Schema<number> {
  const expected = expectedQuantity(unit);
  return v.pipe(
    v.union([v.number(), v.string()], expected),
    asJson({
      description: expected,
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: quantityPattern(unit) },
      ],
    }),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = readQuantity(dataset.value, unit);
      if (value !== undefined) return value;
      addIssue({ expected, message: expected });
      return NEVER;
    }),
  );
}

/** A physical byte address. */
export function address(): Schema<number> {
  const expected = 'an address below 2^53, such as 0x40000000 or "1 GiB"';
  return v.pipe(
    v.union([v.number(), v.bigint(), v.string()], expected),
    asJson({
      description: 'bytes, or a text such as "0x40000000" or "1 GiB"',
      anyOf: [
        { type: 'integer', minimum: 0, maximum: SAFE },
        { type: 'string', pattern: addressPattern() },
      ],
    }),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = readAddress(dataset.value);
      if (value !== undefined) return value;
      addIssue({ expected, message: expected });
      return NEVER;
    }),
  );
}

/** An integer within closed bounds. */
export function integer(min: number, max: number): Schema<number> {
  const expected = `an integer from ${min} to ${max === SAFE ? '2^53 - 1' : max}`;
  return v.pipe(
    v.number(expected),
    asJson({ type: 'integer', minimum: min, maximum: max }),
    v.check((value) => Number.isSafeInteger(value) && min <= value && value <= max, expected),
  );
}

/** Largest integer that a number holds exactly. */
export const SAFE: number = Number.MAX_SAFE_INTEGER;
/** Largest count of the core's 32-bit counters. */
export const U32: number = 2 ** 32 - 1;

/** A share: 0 to 1. */
export function share(): Schema<number> {
  const expected = 'a share from 0 to 1';
  return v.pipe(
    v.number(expected),
    asJson({ minimum: 0, maximum: 1 }),
    v.check((value) => 0 <= value && value <= 1, expected),
  );
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): Schema<Words[number]> {
  return v.picklist(words, either(words));
}

/**
 * One of several schemas, picked by a look at the input, so that a refusal names the field and not
 * the choice.
 *
 * @param alternatives those that a file of data can meet: the published JSON Schema lists them
 * @param pick the one that reads the input
 */
export function choice<Output>(
  alternatives: readonly Schema<Output>[],
  pick: (input: unknown) => Schema<Output>,
): Schema<Output> {
  return Object.assign(v.lazy(pick), { alternatives });
}

/** Words as a choice: `` `a`, `b` or `c` ``. */
export function either(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  return [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter(Boolean).join(' or ');
}

/** An object of options that has no others. */
export function options<Entries extends v.ObjectEntries>(
  entries: Entries,
): v.StrictObjectSchema<Entries, (issue: v.StrictObjectIssue) => string> {
  const known = Object.keys(entries).join(', ');
  return v.strictObject(entries, (issue) => {
    if (isUnknownKey(issue)) return `one of ${known}`;
    const missing = entries[String(issue.path?.at(-1)?.key)];
    // A missing option's own schema has not run: what would it have said?
    return missing ? expectedBy(missing) : 'an object';
  });
}

/**
 * An object of the user's own, given on as it is, for its methods may need it. One of a class may have
 * more than these entries: its state.
 */
export function ownObject<Output>(entries: v.ObjectEntries): Schema<Output> {
  const [literal, instance] = [options(entries), v.object(entries)];
  return v.lazy((input) => {
    const isLiteral = [Object.prototype, null].includes(Object.getPrototypeOf(input));
    return v.pipe(
      isLiteral ? literal : instance,
      v.transform(() => input as Output),
    );
  });
}

/** valibot tells an unknown key by expecting "never" of it. */
function isUnknownKey({ type, expected, path }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never' && path !== undefined;
}

function expectedBy(schema: v.ObjectEntries[string]): string {
  const issues = schema.async ? undefined : v.safeParse(schema, undefined).issues;
  return issues ? expectation(issues[0]) : 'given';
}

/**
 * Reads options.
 *
 * @param code of the error
 * @param path of the options in the user's words, empty for the top
 * @throws DamonError with `code`, the field's path, what was expected and what was received
 */
export function resolve<Output>(
  schema: v.GenericSchema<unknown, Output>,
  input: unknown,
  code: string,
  path = '',
): Output {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  throw refusal(result.issues[0], input, code, path);
}

/** Every reason for which {@link resolve} would refuse options, one for each path. */
export function refusals(
  schema: v.GenericSchema<unknown, unknown>,
  input: unknown,
  code: string,
): DamonError[] {
  const { issues = [] } = v.safeParse(schema, input);
  const errors = issues.map((issue) => refusal(issue, input, code, ''));
  return errors.filter(({ path }, i) => errors.findIndex((error) => error.path === path) === i);
}

function refusal(
  issue: v.BaseIssue<unknown>,
  input: unknown,
  code: string,
  base: string,
): DamonError {
  const path = pathOf(issue, base) || 'options';
  if (isUnknownKey(issue)) {
    const [key, expected] = [String(issue.input), issue.message];
    const message = `Expected no option \`${path}\`: an option here is ${expected}`;
    const hint = didYouMean(key, expected.replace('one of ', '').split(', '));
    return new DamonError(message, { code, path, expected, received: key, hint });
  }
  const details = { expected: expectation(issue), received: received(issue, input) };
  return refuse({ code, path, ...details, hint: suggestWord(details) });
}

/** The words that an expectation quotes are those that could have been meant. */
function suggestWord({
  expected,
  received: given,
}: {
  expected: string;
  received: unknown;
}): string | undefined {
  if (typeof given !== 'string') return undefined;
  const words = Array.from(expected.matchAll(/`([^`]+)`/g), ([, word = '']) => word);
  return didYouMean(given, words);
}

/** Letters that may differ, and the share of them that must not: what commander finds similar. */
const FAR = 3;
const SIMILAR = 0.4;

/** As a hint, which of the known words an unknown one is close to, or begins. */
export function didYouMean(unknown: string, known: readonly string[]): string | undefined {
  const meant = plainWord(unknown);
  if (meant.length < 2) return undefined;
  const [closest] = known
    .map((word) => {
      const plain = plainWord(word);
      const [far, length] = [distance(meant, plain), Math.max(plain.length, meant.length)];
      return { word, begins: plain.startsWith(meant), far, similar: (length - far) / length };
    })
    .filter(({ begins, far, similar }) => begins || (far <= FAR && similar > SIMILAR))
    .toSorted((a, b) => Number(b.begins) - Number(a.begins) || a.far - b.far);
  return closest && `did you mean \`${closest.word}\`?`;
}

/** Without what people write differently: `sz_bytes` is `szBytes`. */
function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9%]/g, '');
}

/** valibot's names of types, in a user's words. */
const TYPES: Readonly<Record<string, string>> = {
  Array: 'a list',
  boolean: 'true or false',
  string: 'a text',
};

/** Our own messages are expectations; valibot's begin with "Invalid". */
function expectation({ message, expected }: v.BaseIssue<unknown>): string {
  if (!message.startsWith('Invalid')) return message;
  return TYPES[expected ?? ''] ?? expected?.replaceAll('"', '`') ?? message;
}

/** The refused value as it was given, or its default where it was not. */
function received(issue: v.BaseIssue<unknown>, input: unknown): unknown {
  const path: readonly v.IssuePathItem[] = issue.path ?? [];
  const given = path.reduce<unknown>(
    (at, { key }) =>
      (at as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key as PropertyKey],
    input,
  );
  return given === undefined ? path.at(-1)?.value : given;
}

function pathOf({ path }: v.BaseIssue<unknown>, base: string): string {
  return (path ?? []).reduce((text, { key }) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, base);
}
