/** Numbers on the command line. */
import { refuse } from '../errors.ts';
import { readQuantity } from '../units.ts';

/**
 * @param expected what the option should be, in words
 * @throws DamonError `ERR_DAMON_USAGE_NUMBER`, about the option
 */
export function number(text: string, option: string, expected = 'a number'): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw refuse({ code: 'ERR_DAMON_USAGE_NUMBER', path: option, expected, received: text });
}

/**
 * In milliseconds, or another unit.
 *
 * @throws DamonError `ERR_DAMON_USAGE_DURATION`, about the option
 */
export function duration(text: string, option: string, unit: 'ms' | 'us' = 'ms'): number {
  const value = readQuantity(text, unit);
  if (value !== undefined) return value;
  const expected = 'a time with its unit, such as 1s or "500 ms"';
  throw refuse({ code: 'ERR_DAMON_USAGE_DURATION', path: option, expected, received: text });
}
