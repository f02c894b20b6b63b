/** The whole pipeline on a real recording whose hot memory is known. */
import { readFileSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import { type ReplayOptions, replay } from '../../src/job/replay.ts';
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

/** Mean coverage over the seconds from 2 s after a phase began to its end. */
async function found(
  t: ExecutionContext,
  options: Pick<ReplayOptions, 'seed' | 'attrs'>,
): Promise<{ rate: number; count: number }> {
  const rates: number[] = [];
  const counts: number[] = [];
  const phases = new Set<number>();
  await replay({
    path: RECORDING,
    everyMs: '1 s',
    ...options,
    onSnapshot: (snapshot) => {
      t.assert(snapshot.length <= 1_000, `${snapshot.length} regions`);
      const seconds = Number(snapshot.timeNs) / 1e9;
      const phase = PHASES.findIndex(([from, to]) => from + 2 <= seconds && seconds <= to);
      const truth = TRUTH[phase];
      if (truth === undefined) return;
      phases.add(phase);
      rates.push(coverage(snapshot, truth, byRate));
      counts.push(coverage(snapshot, truth, byCount));
    },
  });
  // All three phases were looked at, a second at a time.
  t.deepEqual([...phases], [0, 1, 2]);
  t.assert(rates.length >= 27);
  const [rate, count] = [mean(rates), mean(counts)];
  t.log(`hits per byte ${rate.toFixed(3)}, nrAccesses ${count.toFixed(3)}, ${rates.length} s`);
  return { rate, count };
}

for (const seed of [1, 2, 3]) {
  test(`the moving hot set is found, seed ${seed}`, async (t) => {
    const { rate, count } = await found(t, { seed });
    t.assert(rate >= 0.95);
    t.assert(count >= 0.85);
  });
}

test("with the kernel's 10 to 1000 regions and 100 ms only the weight finds it", async (t) => {
  const { rate, count } = await found(t, { attrs: {} });
  t.assert(rate >= 0.9);
  t.assert(count <= 0.6);
});
