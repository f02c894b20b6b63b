/** An operations set small enough to work out by hand: pages that are touched by a rule. */
import type { OperationsSet } from '../../src/index.ts';

const PAGE = 4096;

/** Pages 0, 2, 4, …: apart, so that no region is merged, and none is large enough to be split. */
export function apart(pages: number): { start: number; end: number }[] {
  return Array.from({ length: pages }, (_, i) => ({
    start: i * 2 * PAGE,
    end: (i * 2 + 1) * PAGE,
  }));
}

/** Number of the page of {@link apart} that an address lies in. */
export const pageOf = (address: bigint): number => Number(address) / PAGE / 2;

/** Page `p` is touched in interval `k`, from 0, if `k` is a multiple of `p + 1`. */
export function toy(more: Partial<OperationsSet> = {}): OperationsSet {
  let interval = -1;
  return {
    name: 'toy',
    addresses: 'physical',
    sees: 'access_checks',
    targets: () => [{ regions: apart(4) }],
    prepareAccessChecks() {
      interval++;
    },
    checkAccesses(_target, addresses, accessed) {
      addresses.forEach((address, i) => {
        accessed[i] = interval % (Math.floor(pageOf(address)) + 1) === 0 ? 1 : 0;
      });
    },
    apply: () => ({ appliedBytes: 0 }),
    ...more,
  };
}

/** Ticks of 5 ms, aggregations of 50 ms, a snapshot of each. */
export const QUICK = {
  attrs: { sampleUs: '5 ms', aggregationUs: '50 ms', minNrRegions: 4, maxNrRegions: 8 },
  everyMs: 0,
} as const;
