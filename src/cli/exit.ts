/** How the command ends: its exit codes, and how an error reads on a terminal. */
import { DamonError } from '../errors.ts';

/** The exit codes of `node-damon`. */
export const EXIT = {
  ok: 0,
  /** The command failed. */
  failure: 1,
  /** The command was called or configured wrongly. */
  usage: 2,
  /** Ended by Ctrl-C: 128 + the number of SIGINT. */
  interrupted: 130,
} as const;

/** Codes that begin like this blame the caller's words, not the work. */
const USAGE_CODES = ['ERR_DAMON_CONFIG', 'ERR_DAMON_USAGE'];

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const isUsage =
    error instanceof DamonError && USAGE_CODES.some((prefix) => error.code.startsWith(prefix));
  return isUsage ? EXIT.usage : EXIT.failure;
}

/**
 * The lines that tell of an error:
 *
 * ```text
 * error[ERR_DAMON_CONFIG_QUOTA]: Expected `szBytes` to be 0 or an integer >= 4096, got `12` (number)
 *   at: schemes[0].quota.szBytes
 *   in: pull-push.yaml:12:7
 *   hint: sizes may be written with a unit, such as "4 KiB"
 * ```
 *
 * @param debug adds the stack and the causes
 */
export function renderError(error: unknown, debug: boolean): string {
  const lines = [headline(error)];
  if (error instanceof DamonError) {
    if (error.path !== undefined) lines.push(`  at: ${error.path}`);
    if (error.file !== undefined) lines.push(`  in: ${placeOf(error)}`);
    if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  } else if (!debug) {
    lines.push('  hint: run again with --debug to see where it comes from');
  }
  if (debug) lines.push(...traces(error));
  return `${lines.join('\n')}\n`;
}

/** `FILE:LINE:COLUMN`, as far as it is known: what editors and terminals follow. */
function placeOf({ file = '', line, column }: DamonError): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/**
 * The one line that tells a program of an error, for `--json`: `{"type":"error","code":…}`.
 *
 * @param debug adds the stack and the causes
 */
export function renderErrorJson(error: unknown, debug: boolean): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const told = error instanceof DamonError ? error.toJSON() : { name, message };
  const stack = debug ? { stack: traces(error).join('\n') } : {};
  return `${JSON.stringify({ type: 'error', ...told, ...stack })}\n`;
}

function headline(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const code = 'code' in error ? `[${String(error.code)}]` : '';
  return `error${code}: ${error.message}`;
}

function traces(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const stack = error.stack ?? String(error);
  if (error.cause === undefined) return [stack];
  return [
    stack,
    'caused by:',
    ...(error.cause instanceof Error ? traces(error.cause) : [String(error.cause)]),
  ];
}
