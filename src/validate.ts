/**
 * Options checked once, by name: the schemas' building blocks, and the error made of a refusal.
 *
 * The schemas themselves stand beside what they describe. A schema's output is *resolved*: units
 * read, defaults filled in, nothing optional left to guess.
 */
import * as v from 'valibot';

import { DamonError, refuse } from './errors.ts';
import { type UnitName, expectedQuantity, readAddress, readQuantity } from './units.ts';

/** A schema that reads anything and gives what it resolves to. */
export type Schema<Output> = v.GenericSchema<unknown, Output>;

/** A quantity in the unit the field is named for; see `units.ts`. */
export function quantityOf(unit: UnitName): Schema<number> {
  const expected = expectedQuantity(unit);
  return v.pipe(
    v.union([v.number(), v.string()], expected),
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
    v.check((value) => 0 <= value && value <= 1, expected),
  );
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): Schema<Words[number]> {
  return v.picklist(words, either(words));
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
    return new DamonError(message, { code, path, expected, received: key });
  }
  return refuse({ code, path, expected: expectation(issue), received: received(issue, input) });
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
