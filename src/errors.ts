/**
 * The one error class of this package, and the one sentence with which it refuses a value.
 *
 * Not here: the codes. Each is introduced where it is thrown.
 */
import { inspect } from 'node:util';

/** What a {@link DamonError} tells beyond its message. */
export interface DamonErrorDetails {
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  readonly path?: string | undefined;
  /** What would have been accepted, in words. */
  readonly expected?: string | undefined;
  /** What was given instead, as it was given. */
  readonly received?: unknown;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The file that says so. */
  readonly file?: string | undefined;
  /** Where in that file, from 1, if it is a text that knows. */
  readonly line?: number | undefined;
  /** Where in that line, from 1. */
  readonly column?: number | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** A {@link DamonError} as plain data, safe for `JSON.stringify`. */
export interface DamonErrorJson {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly expected?: string;
  readonly received?: string | number | boolean | null;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly cause?: string;
}

/**
 * Every error that this package throws on purpose.
 *
 * @example
 * ```ts
 * import { DamonError } from 'node-damon';
 *
 * try {
 *   throw new DamonError('The recording is empty', { code: 'ERR_DAMON_TRACE_EMPTY' });
 * } catch (error) {
 *   if (!(error instanceof DamonError)) throw error;
 *   console.log(error.code, error.hint ?? 'no hint');
 * }
 * ```
 */
export class DamonError extends Error {
  // Declared, not defined: a detail that was not given is absent, not an own `undefined`.
  declare readonly name: 'DamonError';
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  declare readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  declare readonly path?: string;
  /** What would have been accepted, in words. */
  declare readonly expected?: string;
  /** What was given instead, as it was given. */
  declare readonly received?: unknown;
  /** What to do about it. */
  declare readonly hint?: string;
  /** The file that says so. */
  declare readonly file?: string;
  /** Where in that file, from 1, if it is a text that knows. */
  declare readonly line?: number;
  /** Where in that line, from 1. */
  declare readonly column?: number;

  static {
    // On the prototype as for the built-in errors, so that it is not printed as a field.
    Object.defineProperty(this.prototype, 'name', { value: 'DamonError', configurable: true });
  }

  constructor(message: string, details: DamonErrorDetails) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) {
        Object.defineProperty(this, key, { value, enumerable: true, configurable: true });
      }
    }
  }

  /** The error as plain data, without the stack; a `received` that JSON cannot hold becomes text. */
  toJSON(): DamonErrorJson {
    const { name, code, message, path, expected, hint, file, line, column, cause } = this;
    return {
      name,
      code,
      message,
      ...(path !== undefined && { path }),
      ...(expected !== undefined && { expected }),
      ...('received' in this && { received: plain(this.received) }),
      ...(hint !== undefined && { hint }),
      ...(file !== undefined && { file }),
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column }),
      ...(cause !== undefined && { cause: cause instanceof Error ? cause.message : show(cause) }),
    };
  }
}

/** The same error with more details, or other ones; its stack tells where it came from at first. */
export function withDetails(error: DamonError, more: Partial<DamonErrorDetails>): DamonError {
  const { code, path, expected, received, hint, file, line, column, cause } = error;
  const told = { code, path, expected, received, hint, file, line, column, cause };
  const copy = new DamonError(error.message, { ...told, ...more });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

/** The same refusal of what the whole has at another path; its sentence tells that path, too. */
export function atPath(error: DamonError, path: string): DamonError {
  const moved = (text: string): string => text.replace(`\`${error.path}\``, () => `\`${path}\``);
  const copy = withDetails(error, { path });
  copy.message = moved(error.message);
  if (error.stack !== undefined) copy.stack = moved(error.stack);
  return copy;
}

/** What {@link refuse} needs: the value and what it should have been. */
export interface Refusal extends DamonErrorDetails {
  /** Names the option as the user wrote it, such as `quota.szBytes`. */
  readonly path: string;
  /** Completes the sentence "Expected `path` to be …". */
  readonly expected: string;
  readonly received: unknown;
}

/**
 * Builds the error for a value that cannot be taken; the caller throws it.
 *
 * @example
 * ```ts
 * throw refuse({
 *   code: 'ERR_DAMON_CONFIG_QUOTA',
 *   path: 'quota.szBytes',
 *   expected: '0 or an integer >= 4096',
 *   received: 12,
 * });
 * // Expected `quota.szBytes` to be 0 or an integer >= 4096, got `12` (number)
 * ```
 */
export function refuse(refusal: Refusal): DamonError {
  const { path, expected, received } = refusal;
  return new DamonError(
    `Expected \`${path}\` to be ${expected}, got ${describe(received)}`,
    refusal,
  );
}

/** A value with its type, short enough for one line: `` `12` (number) ``. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return `\`${String(value)}\``;
  return `\`${show(value)}\` (${Array.isArray(value) ? 'array' : typeof value})`;
}

const SHOWN_CHARS = 80;

function show(value: unknown): string {
  const options = {
    depth: 1,
    breakLength: Infinity,
    maxArrayLength: 8,
    maxStringLength: SHOWN_CHARS,
  };
  const text = inspect(value, options).replaceAll('\n', ' ');
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS - 1)}…` : text;
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  return Number.isFinite(value) ? (value as number) : show(value);
}
