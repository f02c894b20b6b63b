/**
 * The kernel's words that only its files have, in its order; actions and metrics are those of `scheme`
 * and `goal`. The first of each list is what a new directory holds.
 *
 * `damon-core.md` 1.5 and 1.6, `hardware-sampling.md` 4.1.
 */

/** Goal metrics about a memory cgroup. */
export const MEMCG_METRICS: readonly string[] = ['node_memcg_used_bp', 'node_memcg_free_bp'];

/** How a quota follows its goals. */
export const GOAL_TUNERS = ['consist', 'temporal'] as const;

/** What a scheme's watermarks look at. */
export const WATERMARK_METRICS = ['none', 'free_mem_rate'] as const;

/** Scheme filters that the operations set evaluates, page by page. */
export const OPS_FILTERS = [
  'anon',
  'active',
  'memcg',
  'young',
  'hugepage_size',
  'unmapped',
] as const;

/** Scheme filters that the core evaluates, region by region. */
export const CORE_FILTERS = ['addr', 'target', 'probe_hits_wsum'] as const;

/** All scheme filters. */
export const SCHEME_FILTERS: readonly string[] = [...OPS_FILTERS, ...CORE_FILTERS];

/** What makes a probe's pages ready to be looked at. */
export const PREP_ACTIONS = ['set_pgidle'] as const;

/** What a probe asks of a page. */
export const PROBE_FILTERS = ['anon', 'memcg', 'pgidle_unset'] as const;

/** What a sample filter asks of an access report. */
export const SAMPLE_FILTERS = ['cpumask', 'threads', 'write'] as const;
