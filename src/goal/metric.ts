/** Goal metrics: one row each. Kernel `enum damos_quota_goal_metric`, `damon-core.md` 6.1. */
import type { Addresses } from '../monitor/operations.ts';

/** The metrics by their kernel names, in its order. */
export const METRIC_NAMES = [
  'user_input',
  'some_mem_psi_us',
  'node_mem_used_bp',
  'node_mem_free_bp',
  'node_memcg_used_bp',
  'node_memcg_free_bp',
  'active_mem_bp',
  'inactive_mem_bp',
  'node_eligible_mem_bp',
  'hugepage_mem_bp',
] as const;

/** The name of a metric. */
export type MetricName = (typeof METRIC_NAMES)[number];

/** Whether an operations set can answer a metric at all: else it is an error, never a value. */
export function supportsMetric(addresses: Addresses, metric: MetricName): boolean {
  return metric !== 'node_eligible_mem_bp' || addresses === 'physical';
}

/** When a {@link CustomMetric} is asked. */
export interface MetricMoment {
  /** In nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** Index of the goal. */
  readonly goal: number;
}

/** A metric of the user's own. */
export interface CustomMetric {
  /** What people call it. */
  readonly name: string;
  /**
   * Measures: an integer of at least 0, in whatever unit the goal's target has. Asked whenever a quota
   * window opens; may be a promise, which the schemes then wait for in simulated time.
   */
  readonly measure: (moment: MetricMoment) => number | Promise<number>;
}
