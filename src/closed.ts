/** What everything that was closed answers. */
import { DamonError } from './errors.ts';

/** The error of a method called after `close()`. */
export function closed(what: string): DamonError {
  return new DamonError(`The ${what} is closed`, { code: 'ERR_DAMON_CLOSED' });
}
