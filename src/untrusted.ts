/** What code of the user's own gives: anything may be thrown, and an answer may come later, or never. */
import { inspect } from 'node:util';

/** What an error says. What is thrown need not be one, nor fit to be looked at. */
export function whatOf(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.message);
    return typeof error === 'string' ? error : inspect(error, { depth: 0 });
  } catch {
    return 'with what cannot be shown';
  }
}

/** Whether an answer comes later: of any kind of promise. Throws what a look at it does. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
