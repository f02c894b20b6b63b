/**
 * Data attribute probes: what the pages looked at are, counted by region beside accesses, or instead
 * of them. `damon-core.md` 1.6 and 10.2.
 *
 * Once per sampling interval one page of each region is asked; each probe that it passes is a hit of
 * its region. With a weight in any probe, accesses are not looked for, and regions are merged, cut
 * and aged by the weighted sum of hits.
 */
import * as v from 'valibot';

import { type Bounds, type BoundsOptions, bounds } from '../scheme/bounds.ts';
import type { Bytes } from '../units.ts';
import { type Schema, U32, either, integer, oneOf, options, quantityOf } from '../validate.ts';

/** What every filter of a probe has. */
export interface ProbeFilterVerdict {
  /** Act on pages that are so; `false`: on pages that are not. @default true @kernel filters/matching */
  readonly matching?: boolean;
  /** Let through what the filter acts on; `false`: reject it. @default true @kernel filters/allow */
  readonly allow?: boolean;
}

/** About the control group that pages are charged to. */
export interface ProbeMemcgFilterOptions extends ProbeFilterVerdict {
  readonly type: 'memcg';
  /** Its path from the root of the hierarchy. @kernel filters/path */
  readonly memcg: string;
}

/** About the size of folios. */
export interface ProbeHugepageSizeFilterOptions extends ProbeFilterVerdict {
  readonly type: 'hugepage_size';
  /** The sizes that count. */
  readonly szBytes: BoundsOptions<Bytes>;
}

/** About the state of pages: anonymous; idle, or accessed, since they were made idle. */
export interface ProbePageFilterOptions extends ProbeFilterVerdict {
  readonly type: 'anon' | 'pgidle_set' | 'pgidle_unset';
}

/** A filter of a probe. */
export type ProbeFilterOptions =
  ProbeMemcgFilterOptions | ProbeHugepageSizeFilterOptions | ProbePageFilterOptions;

/** What is done to a page before its sampling interval: it is made idle. */
export type ProbePrep = 'set_pgidle';

/** One attribute. */
export interface ProbeOptions {
  /**
   * What a hit weighs; 0 in all probes to go by accesses. With weights, an aggregation has at most
   * 255 samples, and the sum of weights times samples stays below 2^32. @default 0
   * @kernel probes/weight
   */
  readonly weight?: number;
  /** What is done beforehand. @default nothing @kernel probes/preps */
  readonly preps?: readonly ProbePrep[];
  /**
   * What a page must be: the first filter that hits decides; if none does, the opposite of the last
   * one's `allow`. @default every page passes
   * @kernel probes/filters
   */
  readonly filters?: readonly ProbeFilterOptions[];
}

interface Verdict {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link ProbeFilterOptions}, every one given. */
export type ProbeFilter = Verdict &
  (
    | { readonly type: 'memcg'; readonly memcg: string }
    | { readonly type: 'hugepage_size'; readonly szBytes: Bounds }
    | { readonly type: 'anon' | 'pgidle_set' | 'pgidle_unset' }
  );

/** {@link ProbeOptions}, every one given. */
export interface Probe {
  readonly weight: number;
  readonly preps: readonly ProbePrep[];
  readonly filters: readonly ProbeFilter[];
}

/** Most probes of a monitor. */
export const PROBES_MAX = 4;

const TYPES = either(['anon', 'memcg', 'pgidle_set', 'pgidle_unset', 'hugepage_size']);

const verdict = {
  matching: v.optional(v.boolean(), true),
  allow: v.optional(v.boolean(), true),
} as const;

const filterSchema: Schema<ProbeFilter> = v.variant(
  'type',
  [
    options({ type: v.literal('anon'), ...verdict }),
    options({ type: v.literal('memcg'), memcg: v.string(), ...verdict }),
    options({ type: v.literal('pgidle_set'), ...verdict }),
    options({ type: v.literal('pgidle_unset'), ...verdict }),
    options({ type: v.literal('hugepage_size'), szBytes: bounds(quantityOf('bytes')), ...verdict }),
  ],
  ({ path }) => (path ? TYPES : 'an object'),
);

/** Reads the probes of a context. */
export const probesSchema: Schema<readonly Probe[]> = v.pipe(
  v.array(
    options({
      weight: v.optional(integer(0, U32), 0),
      preps: v.optional(v.array(oneOf(['set_pgidle'])), []),
      filters: v.optional(v.array(filterSchema), []),
    }),
  ),
  v.maxLength(PROBES_MAX, `a list of at most ${PROBES_MAX} probes`),
);
