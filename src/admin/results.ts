/**
 * Copies what an engine answered into the read-only files.
 *
 * By index, as far as both sides go: a scheme may have been added to the files since the last
 * commit, or removed from them.
 */
import type {
  AdminStats,
  AdminTriedRegion,
  AdminTriedRegions,
  AdminTunedIntervals,
} from './engine.ts';
import type { Dir } from './node.ts';

/** All that `refresh_ms` keeps up to date. */
export interface Results {
  readonly intervals: AdminTunedIntervals;
  readonly stats: readonly AdminStats[];
  readonly effectiveBytes: readonly bigint[];
}

/** Into `sample_us` and `aggr_us`, so that a commit does not undo the tuning. */
export function showIntervals(context: Dir, tuned: AdminTunedIntervals): void {
  const intervals = context.dir('monitoring_attrs').dir('intervals');
  intervals.set('sample_us', tuned.sampleUs);
  intervals.set('aggr_us', tuned.aggregationUs);
}

export function showStats(context: Dir, stats: readonly AdminStats[]): void {
  pair(context, stats, (scheme, counters) => {
    const dir = scheme.dir('stats');
    dir.set('nr_tried', counters.nrTried);
    dir.set('sz_tried', counters.szTried);
    dir.set('nr_applied', counters.nrApplied);
    dir.set('sz_applied', counters.szApplied);
    dir.set('sz_ops_filter_passed', counters.szOpsFilterPassed);
    dir.set('qt_exceeds', counters.qtExceeds);
    dir.set('nr_snapshots', counters.nrSnapshots);
  });
}

export function showEffectiveBytes(context: Dir, effectiveBytes: readonly bigint[]): void {
  pair(context, effectiveBytes, (scheme, bytes) => {
    scheme.dir('quotas').set('effective_bytes', bytes);
  });
}

export function showTriedBytes(context: Dir, tried: readonly AdminTriedRegions[]): void {
  pair(context, tried, (scheme, { totalBytes }) => {
    scheme.dir('tried_regions').set('total_bytes', totalBytes);
  });
}

export function showTriedRegions(context: Dir, tried: readonly AdminTriedRegions[]): void {
  showTriedBytes(context, tried);
  pair(context, tried, (scheme, { regions }) => {
    const dir = scheme.dir('tried_regions');
    dir.recreate(regions.length);
    for (const [index, region] of regions.entries()) showTriedRegion(dir.at(index), region);
  });
}

function showTriedRegion(dir: Dir, region: AdminTriedRegion): void {
  dir.set('start', region.start);
  dir.set('end', region.end);
  dir.set('nr_accesses', BigInt(region.nrAccesses));
  dir.set('age', BigInt(region.age));
  dir.set('sz_filter_passed', region.szFilterPassed);
  const probes = dir.dir('probes');
  probes.recreate(region.probeHits.length);
  for (const [index, hits] of region.probeHits.entries()) {
    probes.at(index).set('hits', BigInt(hits));
  }
}

export function clearTriedRegions(context: Dir): void {
  for (const scheme of context.dir('schemes').numbered()) {
    const dir = scheme.dir('tried_regions');
    dir.recreate(0);
    dir.set('total_bytes', 0n);
  }
}

function pair<T>(
  context: Dir,
  results: readonly T[],
  show: (scheme: Dir, result: T) => void,
): void {
  const schemes = context.dir('schemes');
  for (const [index, result] of results.slice(0, schemes.count).entries()) {
    show(schemes.at(index), result);
  }
}
