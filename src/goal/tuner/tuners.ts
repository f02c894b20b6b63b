/** The tuners by name: the kernel's, and ours. */
import * as v from 'valibot';

import { type Schema, choice, either, ownObject } from '../../validate.ts';
import { consist } from './consist.ts';
import { proportional } from './proportional.ts';
import { temporal } from './temporal.ts';
import type { CustomTuner, Tuner } from './tuner.ts';

export type { CustomTuner } from './tuner.ts';

/** The name of a tuner. */
export type TunerName = 'consist' | 'temporal' | 'proportional';

/** All tuners. */
export const TUNERS: Readonly<Record<TunerName, Tuner>> = { consist, temporal, proportional };

/** Their names, the kernel's default first, ours last. */
export const TUNER_NAMES: readonly ['consist', 'temporal', 'proportional'] = [
  'consist',
  'temporal',
  'proportional',
];

const customTunerSchema: Schema<CustomTuner> = ownObject({
  name: v.string(),
  step: v.custom<CustomTuner['step']>(
    (input) => typeof input === 'function',
    'a function that takes a step',
  ),
});

const namedTunerSchema: Schema<TunerName> = v.picklist(
  TUNER_NAMES,
  `${either(TUNER_NAMES)}, or a tuner of your own`,
);

/** Reads the name of a tuner, or takes one. */
export const tunerSchema: Schema<TunerName | CustomTuner> = choice<TunerName | CustomTuner>(
  [namedTunerSchema],
  (input) => (typeof input === 'object' && input !== null ? customTunerSchema : namedTunerSchema),
);
