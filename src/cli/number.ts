/** Numbers on the command line. */
import { refuse } from '../errors.ts';
import { readQuantity } from '../units.ts';

/** @throws DamonError `ERR_DAMON_USAGE_NUMBER`, about the option */
export function number(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  const expected = 'a number';
  throw refuse({ code: 'ERR_DAMON_USAGE_NUMBER', path: option, expected, received: text });
}

/**
 * In milliseconds.
 *
 * @throws DamonError `ERR_DAMON_USAGE_DURATION`, about the option
 */
export function duration(text: string, option: string): number {
  const value = readQuantity(text, 'ms');
  if (value !== undefined) return value;
  const expected = 'a time with its unit, such as 1s or "500 ms"';
  throw refuse({ code: 'ERR_DAMON_USAGE_DURATION', path: option, expected, received: text });
}
