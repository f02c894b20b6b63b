/** The whole pipeline on a real recording whose hot memory is known. */
import { readFileSync } from 'node:fs';

import test from 'ava';

import { replay } from '../../src/job/replay.ts';
import type { Region, Snapshot } from '../../src/report/snapshot.ts';

const RECORDING = 'examples/hotset-linux-6.12.samples.csv.zst';

type Range = readonly [start: bigint, end: bigint];

/** When each phase ran, in seconds of the recording. */
const PHASES = [
  [10.5, 22.2],
  [23.0, 34.4],
  [35.0, 46.9],
] as const;

/** The true hot ranges of each phase. */
const TRUTH: readonly (readonly Range[])[] = PHASES.map((_, phase) =>
  readFileSync('examples/hotset-linux-6.12.truth.csv', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .filter(([of]) => Number(of) === phase)
    .map(([, start = '', end = '']) => [BigInt(start), BigInt(end)] as const),
);

const bytesOf = (ranges: readonly Range[]) =>
  ranges.reduce((sum, [start, end]) => sum + Number(end - start), 0);

/** Share of the true hot bytes in the regions that come first, taken up to as many bytes. */
function coverage(
  snapshot: Snapshot,
  truth: readonly Range[],
  rank: (region: Region) => number,
): number {
  let left = BigInt(bytesOf(truth));
  let covered = 0n;
  for (const { start, end } of [...snapshot].toSorted((a, b) => rank(b) - rank(a))) {
    const taken = end - start < left ? end : start + left;
    for (const [from, to] of truth) {
      const overlap = (taken < to ? taken : to) - (start > from ? start : from);
      if (overlap > 0n) covered += overlap;
    }
    left -= taken - start;
    if (left === 0n) break;
  }
  return Number(covered) / bytesOf(truth);
}

const byRate = ({ start, end, hits }: Region) => hits / Number(end - start);
const byCount = ({ nrAccesses }: Region) => nrAccesses;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

for (const seed of [1, 2, 3]) {
  test(`the moving hot set is found, seed ${seed}`, async (t) => {
    const found: { phase: number; rate: number; count: number }[] = [];
    await replay({
      path: RECORDING,
      everyMs: '1 s',
      seed,
      onSnapshot: (snapshot) => {
        t.assert(snapshot.length <= 1_000, `${snapshot.length} regions`);
        const seconds = Number(snapshot.timeNs) / 1e9;
        const phase = PHASES.findIndex(([from, to]) => from + 2 <= seconds && seconds <= to);
        const truth = TRUTH[phase];
        if (truth === undefined) return;
        const [rate, count] = [byRate, byCount].map((rank) => coverage(snapshot, truth, rank));
        found.push({ phase, rate: rate ?? 0, count: count ?? 0 });
      },
    });
    const [rate, count] = [mean(found.map((f) => f.rate)), mean(found.map((f) => f.count))];
    t.log(`hits per byte ${rate.toFixed(3)}, nrAccesses ${count.toFixed(3)}, ${found.length} s`);
    // All three phases were looked at, a second at a time.
    t.deepEqual([...new Set(found.map(({ phase }) => phase))], [0, 1, 2]);
    t.assert(found.length >= 27);
    t.assert(rate >= 0.95);
    t.assert(count >= 0.85);
  });
}
