/** What became different in a run, in words. */
import { formatDuration } from './format.ts';
import type { RunEvent } from './record.ts';

const SAID: Readonly<Record<RunEvent['kind'], string>> = {
  changed: 'changed as planned',
  reloaded: 'went on by the changed file',
  unchanged: 'the file changed, what it says did not',
  missed: 'a change was planned that did not come: the source ended before',
};

/** When, and what. */
export function describeEvent({ kind, atMs }: RunEvent): string {
  return `${formatDuration(atMs / 1_000)}: ${SAID[kind]}`;
}
