/** The tuners by their kernel names. */
import { consist } from './consist.ts';
import { temporal } from './temporal.ts';
import type { Tuner } from './tuner.ts';

/** The name of a tuner. */
export type TunerName = 'consist' | 'temporal';

/** All tuners. */
export const TUNERS: Readonly<Record<TunerName, Tuner>> = { consist, temporal };

/** Their names, the kernel's default first. */
export const TUNER_NAMES: readonly ['consist', 'temporal'] = ['consist', 'temporal'];
