/** Which regions a scheme tried in one round. */
import type { TriedColumns } from '../../native/binding.cjs';

/** Regions as they were handed to the operations set, in that order: columns of equal length. */
export interface TriedRegions {
  /** Index of the target. */
  readonly targets: Uint32Array;
  /** First byte, in core address units. */
  readonly starts: BigUint64Array;
  /** One past the last byte. */
  readonly ends: BigUint64Array;
  /** The moving access count. */
  readonly nrAccesses: Uint32Array;
  /** Age in aggregations, before the action began a new life. */
  readonly ages: Uint32Array;
  /** The moving hits of probes, four for each region: of the first region, of the second, ... */
  readonly probeHits: Uint8Array;
  /** Bytes that passed the filters of pages. */
  readonly szFilterPassed: Float64Array;
  /** Bytes of all regions. */
  readonly totalBytes: bigint;
}

/** The columns and their sum. */
export function triedRegions(columns: TriedColumns): TriedRegions {
  let totalBytes = 0n;
  columns.starts.forEach((start, i) => {
    totalBytes += (columns.ends[i] ?? start) - start;
  });
  return { ...columns, totalBytes };
}
