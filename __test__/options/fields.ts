/** Every field of the options of a monitor that is tested by values of its own. */
import type { Field } from './field.ts';
import { GOAL_FIELDS } from './goal.ts';
import { MONITOR_FIELDS } from './monitor.ts';
import { SCHEME_FIELDS } from './scheme.ts';
import { SOURCE_FIELDS } from './source.ts';

export const FIELDS: readonly Field[] = [
  ...SOURCE_FIELDS,
  ...MONITOR_FIELDS,
  ...SCHEME_FIELDS,
  ...GOAL_FIELDS,
];
