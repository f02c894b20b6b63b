/** Snapshots of every shape, for properties. */

import fc from 'fast-check';

import type { Snapshot } from '../../src/report/snapshot.ts';
import { snapshotOf } from './sample.ts';

const PAGE = 4096n;

/** Sorted, disjoint regions of whole pages with holes between some of them. */
function regions(hits: fc.Arbitrary<number>): fc.Arbitrary<[bigint, bigint, number, number][]> {
  const region = fc.tuple(
    fc.oneof(fc.constant(0n), fc.bigInt(0n, 1n << 20n), fc.bigInt(0n, 1n << 36n)),
    fc.oneof(fc.bigInt(1n, 64n), fc.bigInt(1n, 1n << 24n)),
    hits,
    fc.nat(20),
  );
  return fc.array(region, { maxLength: 12 }).map((rows) => {
    let at = 0n;
    return rows.map(([gap, pages, count, nrAccesses]) => {
      const start = at + gap * PAGE;
      at = start + pages * PAGE;
      return [start, at, count, nrAccesses];
    });
  });
}

export const WHOLE_HITS: fc.Arbitrary<number> = fc.nat(1_000_000);

export function snapshot(hits: fc.Arbitrary<number> = WHOLE_HITS): fc.Arbitrary<Snapshot> {
  return regions(hits).map((rows) => snapshotOf(rows));
}

/** Snapshots one after the other, with pauses between some of them. */
export function series(hits: fc.Arbitrary<number> = WHOLE_HITS): fc.Arbitrary<Snapshot[]> {
  const times = fc.tuple(fc.bigInt(0n, 5_000_000_000n), fc.bigInt(0n, 3_000_000_000n));
  return fc.array(fc.tuple(times, regions(hits)), { minLength: 1, maxLength: 12 }).map((steps) => {
    let timeNs = 0n;
    return steps.map(([[pauseNs, intervalNs], rows]) => {
      timeNs += pauseNs + intervalNs;
      return snapshotOf(rows, { timeNs, intervalNs });
    });
  });
}
