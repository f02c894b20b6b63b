/** Numbers on the command line. */
import { refuse } from '../errors.ts';

/** @throws DamonError `ERR_DAMON_USAGE_NUMBER`, about the option */
export function number(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  const expected = 'a number';
  throw refuse({ code: 'ERR_DAMON_USAGE_NUMBER', path: option, expected, received: text });
}
