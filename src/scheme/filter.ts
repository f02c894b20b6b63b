/**
 * Filters: which memory a scheme does or does not touch. `damon-core.md` 5.7.
 *
 * `addr`, `target` and `probe_hits_wsum` are asked about regions, by the core; the others about
 * pages, by the operations set. In each of the two layers the first filter that hits decides; if none
 * does, the opposite of the last one's `allow`. A region that a filter of the core lets through is not
 * asked about further.
 */
import * as v from 'valibot';

import { type Range, type RangeOptions, rangeSchema } from '../monitor/memory.ts';
import type { Bytes } from '../units.ts';
import { type Schema, U32, either, integer, options, quantityOf } from '../validate.ts';
import { type Bounds, type BoundsOptions, bounds } from './bounds.ts';

/** What every filter has. */
export interface FilterVerdict {
  /**
   * Act on memory that is so; `false`: on memory that is not. @default true
   * @kernel filters/matching
   */
  readonly matching?: boolean;
  /** Let through what the filter acts on; `false`: reject it. @default false @kernel filters/allow */
  readonly allow?: boolean;
}

/** About addresses. Cuts regions at its edges. */
export interface AddressFilterOptions extends FilterVerdict {
  readonly type: 'addr';
  /**
   * The addresses; both ends are rounded down to 4096 bytes.
   * @kernel filters/addr_start, filters/addr_end
   */
  readonly range: RangeOptions;
}

/** About the monitored processes. */
export interface TargetFilterOptions extends FilterVerdict {
  readonly type: 'target';
  /** The place of the process in the list of targets, from 0. @kernel filters/damon_target_idx */
  readonly target: number;
}

/** About the control group that pages are charged to. */
export interface MemcgFilterOptions extends FilterVerdict {
  readonly type: 'memcg';
  /** Its path from the root of the hierarchy. @kernel filters/memcg_path */
  readonly memcg: string;
}

/** About the size of folios. */
export interface HugepageSizeFilterOptions extends FilterVerdict {
  readonly type: 'hugepage_size';
  /** The sizes that count. @kernel filters/min, filters/max */
  readonly szBytes: BoundsOptions<Bytes>;
}

/**
 * About the state of pages: anonymous, on the active list, accessed since somebody last looked
 * (looking makes a page old), mapped by no process.
 */
export interface PageFilterOptions extends FilterVerdict {
  readonly type: 'anon' | 'active' | 'young' | 'unmapped';
}

/** About what probes found. */
export interface ProbeHitsFilterOptions extends FilterVerdict {
  readonly type: 'probe_hits_wsum';
  /**
   * The sums that count: of the moving hits of all probes, each times its probe's weight.
   * @kernel filters/min, filters/max
   */
  readonly hits: BoundsOptions;
}

/** A filter. */
export type FilterOptions =
  | AddressFilterOptions
  | ProbeHitsFilterOptions
  | TargetFilterOptions
  | MemcgFilterOptions
  | HugepageSizeFilterOptions
  | PageFilterOptions;

interface Verdict {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link FilterOptions}, every one given. */
export type Filter = Verdict &
  (
    | { readonly type: 'addr'; readonly range: Range }
    | { readonly type: 'target'; readonly target: number }
    | { readonly type: 'probe_hits_wsum'; readonly hits: Bounds }
    | { readonly type: 'memcg'; readonly memcg: string }
    | { readonly type: 'hugepage_size'; readonly szBytes: Bounds }
    | { readonly type: 'anon' | 'active' | 'young' | 'unmapped' }
  );

/** The types of filters by their kernel names. */
export const FILTER_TYPES = [
  'anon',
  'active',
  'memcg',
  'young',
  'hugepage_size',
  'unmapped',
  'addr',
  'target',
  'probe_hits_wsum',
] as const;

const verdict = {
  matching: v.optional(v.boolean(), true),
  allow: v.optional(v.boolean(), false),
} as const;

/** Reads a filter. */
export const filterSchema: Schema<Filter> = v.variant(
  'type',
  [
    options({ type: v.literal('addr'), range: rangeSchema, ...verdict }),
    options({ type: v.literal('target'), target: integer(0, U32), ...verdict }),
    options({ type: v.literal('probe_hits_wsum'), hits: bounds(integer(0, U32)), ...verdict }),
    options({ type: v.literal('memcg'), memcg: v.string(), ...verdict }),
    options({
      type: v.literal('hugepage_size'),
      szBytes: bounds(quantityOf('bytes')),
      ...verdict,
    }),
    options({ type: v.literal('anon'), ...verdict }),
    options({ type: v.literal('active'), ...verdict }),
    options({ type: v.literal('young'), ...verdict }),
    options({ type: v.literal('unmapped'), ...verdict }),
  ],
  ({ path }) => (path ? either(FILTER_TYPES) : 'an object'),
);
