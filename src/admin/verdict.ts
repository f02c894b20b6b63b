/** What filters of every kind have in common. */
import type { AdminVerdict } from './engine.ts';
import type { Dir } from './node.ts';

/** `matching` and `allow` of a filter of any kind. */
export function verdictOf(dir: Dir): AdminVerdict {
  return { matching: dir.flag('matching'), allow: dir.flag('allow') };
}
