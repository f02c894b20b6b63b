/**
 * Sample filters: which access reports are meant at all, by CPU, by thread, by load or store.
 *
 * A report passes if for every filter `(it matches === matching) === allow`; without filters every
 * report does. A conjunction, so their order does not matter. `hardware-sampling.md` 4.
 */
import * as v from 'valibot';

import { type Schema, U32, choice, either, integer, options } from '../validate.ts';

/** One filter. */
export type SampleFilterOptions = CpumaskFilterOptions | ThreadsFilterOptions | WriteFilterOptions;

/** What a filter does with the reports it is about. */
export interface SampleFilterVerdict {
  /** Acts on reports that match; `false`: on those that do not. @default true @kernel filters/matching */
  readonly matching?: boolean;
  /**
   * Lets those it acts on through, and no others; `false`: rejects those only. @default true
   * @kernel filters/allow
   */
  readonly allow?: boolean;
}

/** About the CPU that made the access. */
export interface CpumaskFilterOptions extends SampleFilterVerdict {
  readonly type: 'cpumask';
  /**
   * The kernel's CPU list format, such as `"0-3,8"`, or the CPU numbers. At least one.
   * @kernel filters/cpumask
   */
  readonly cpus: string | readonly number[];
}

/** About the thread that made the access. */
export interface ThreadsFilterOptions extends SampleFilterVerdict {
  readonly type: 'threads';
  /** Thread ids. At least one. @kernel filters/tid_arr */
  readonly tids: readonly number[];
}

/** About stores. */
export interface WriteFilterOptions extends SampleFilterVerdict {
  readonly type: 'write';
}

interface Verdict {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link SampleFilterOptions}, every one given. */
export type SampleFilter =
  | (Verdict & { readonly type: 'cpumask'; readonly cpus: readonly number[] })
  | (Verdict & { readonly type: 'threads'; readonly tids: readonly number[] })
  | (Verdict & { readonly type: 'write' });

const CPU_MAX = 65_535;
const CPUS = `CPUs from 0 to ${CPU_MAX}: a list such as "0-3,8", or their numbers, at least one`;
const TIDS = 'a list of thread ids, at least one';
const TYPES = either(['cpumask', 'threads', 'write']);

/**
 * Reads the kernel's CPU list format: numbers and closed ranges, separated by commas, such as
 * `0-3,8`. `undefined` for anything else: no CPU, a range that goes down, strides.
 *
 * @example
 * ```ts
 * import { readCpuList } from 'node-damon';
 *
 * console.log(readCpuList('0-3,8')?.join(' ')); // 0 1 2 3 8
 * ```
 */
export function readCpuList(text: string): number[] | undefined {
  const cpus = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > CPU_MAX) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus];
}

const cpuListSchema: Schema<readonly number[]> = v.pipe(
  v.string(CPUS),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const cpus = readCpuList(dataset.value);
    if (cpus !== undefined) return cpus;
    addIssue({ message: CPUS });
    return NEVER;
  }),
);

const cpuNumbersSchema: Schema<readonly number[]> = v.pipe(
  v.array(integer(0, CPU_MAX), CPUS),
  v.nonEmpty(CPUS),
);

// By type, not as a union, whose refusals name no element.
const cpusSchema: Schema<readonly number[]> = choice([cpuListSchema, cpuNumbersSchema], (input) =>
  typeof input === 'string' ? cpuListSchema : cpuNumbersSchema,
);

const verdict = {
  matching: v.optional(v.boolean(), true),
  allow: v.optional(v.boolean(), true),
} as const;

/** Reads a filter. */
export const sampleFilterSchema: Schema<SampleFilter> = v.variant(
  'type',
  [
    options({ type: v.literal('cpumask'), cpus: cpusSchema, ...verdict }),
    options({
      type: v.literal('threads'),
      tids: v.pipe(v.array(integer(0, U32), TIDS), v.nonEmpty(TIDS)),
      ...verdict,
    }),
    options({ type: v.literal('write'), ...verdict }),
  ],
  ({ path }) => (path ? TYPES : 'an object'),
);
