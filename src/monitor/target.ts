/** What is monitored: physical memory, or the memory of processes. */
import * as v from 'valibot';

import { type Schema, U32, integer, options } from '../validate.ts';
import { type Range, type RangeOptions, rangesSchema } from './memory.ts';

/** One address space. */
export interface TargetOptions {
  /**
   * The process. It may have several targets, which then count its accesses each for itself.
   * Minimum: 1. @default none, as physical memory has none
   * @kernel targets/pid_target
   */
  readonly tgid?: number;
  /**
   * Its memory to monitor, sorted and disjoint. @default what the operations set makes of it:
   * `vaddr` follows the mappings of the process
   * @kernel targets/regions
   */
  readonly regions?: readonly RangeOptions[];
  /** The target of this place goes, in a commit. @default false @kernel targets/obsolete_target */
  readonly obsolete?: boolean;
}

/** {@link TargetOptions}, resolved; no regions leave that to the operations set. */
export interface Target {
  readonly tgid?: number | undefined;
  readonly regions: readonly Range[];
  readonly obsolete?: boolean | undefined;
}

/** Reads targets. */
export const targetsSchema: Schema<readonly Target[]> = v.pipe(
  v.array(
    options({
      tgid: v.optional(integer(1, U32)),
      regions: v.optional(rangesSchema, []),
      obsolete: v.optional(v.boolean(), false),
    }),
  ),
  v.nonEmpty('at least one target'),
);
