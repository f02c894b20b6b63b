/** How long a run is, where it is asked for in minutes. */
import { refuse } from '../errors.ts';

/** A day: what is kept of each second stays small. */
const MINUTES_MAX = 1_440;

/**
 * Whole seconds of so many minutes.
 *
 * @param code of the refusal
 * @throws DamonError with that code, for less than a second or more than a day
 */
export function secondsOfMinutes(minutes: number, code: string): number {
  const seconds = Math.round(minutes * 60);
  if (seconds >= 1 && minutes <= MINUTES_MAX) return seconds;
  const expected = `at least one simulated second, and at most ${MINUTES_MAX} minutes`;
  throw refuse({ code, path: 'minutes', expected, received: minutes });
}
