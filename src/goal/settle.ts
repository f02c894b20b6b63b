/** Asks what the user wrote, which may throw, answer nonsense, or never answer. */
import { DamonError, refuse } from '../errors.ts';
import { isThenable, whatOf } from '../untrusted.ts';

/** What is asked. */
export interface Question {
  /** Of the error, `ERR_DAMON_…`. */
  readonly code: string;
  /** What is asked, as the user wrote it, such as `schemes[0].quota.tuner`. */
  readonly path: string;
  /** What would be an answer. */
  readonly expected: string;
  /** Milliseconds to wait for a promise. */
  readonly timeoutMs: number;
}

/**
 * The answer, a number that `accepts` takes.
 *
 * @throws DamonError with the question's code
 */
export async function answerOf(
  ask: () => unknown,
  accepts: (answer: number) => boolean,
  { code, path, expected, timeoutMs }: Question,
): Promise<number> {
  let answer: unknown;
  try {
    answer = await within(timeoutMs, ask);
  } catch (cause) {
    throw new DamonError(`\`${path}\` failed: ${whatOf(cause)}`, { code, path, cause });
  }
  if (typeof answer === 'number' && accepts(answer)) return answer;
  throw refuse({ code, path, expected, received: answer });
}

async function within(timeoutMs: number, ask: () => unknown): Promise<unknown> {
  const asked = ask();
  // An answer at hand needs no timer.
  if (!isThenable(asked)) return asked;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
