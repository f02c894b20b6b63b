/** Goal metrics: one row each. */
import { type OperationsName, isPhysical } from '../monitor/operations.ts';

/** The metrics that this monitor can measure. */
export type MetricName = 'node_eligible_mem_bp' | 'user_input';

/** What is to be known of a metric. */
export interface Metric {
  /** Whether an operations set can answer it: an unsupported metric is an error, never a value. */
  readonly supports: (operations: OperationsName) => boolean;
}

/** All metrics, by their kernel names. */
export const METRICS: Readonly<Record<MetricName, Metric>> = {
  /** Of all memory in regions that match the scheme's pattern, the share on one node. */
  node_eligible_mem_bp: { supports: isPhysical },
  /** A value that the user sets. */
  user_input: { supports: () => true },
};
