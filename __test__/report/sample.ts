/**
 * A made-up run that looks like a real one: two nodes, three phases, a share held at its target.
 * The same seed gives the same run.
 */

import { convergenceRows } from '../../src/report/convergence.ts';
import { Heatmap } from '../../src/report/heatmap.ts';
import { hotRanges, workingSet, type MemoryNode } from '../../src/report/hot-ranges.ts';
import { type Round, StretchSeries } from '../../src/index.ts';
import { item } from '../../src/report/item.ts';
import type { MonitorCounters } from '../../src/report/counters.ts';
import type { Books, DemoRecord, Explained, ReplayRecord } from '../../src/report/record.ts';
import { Snapshot, type SnapshotInit } from '../../src/report/snapshot.ts';

export const GIB: bigint = 1n << 30n;
export const SECOND = 1_000_000_000n;

export const NODES: readonly MemoryNode[] = [
  { id: 0, name: 'DRAM', start: 4n * GIB, end: 132n * GIB },
  { id: 1, name: 'CXL', start: 1024n * GIB, end: 1280n * GIB },
];

/** Numbers in [0, 1), the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A snapshot of `[start, end, hits, nrAccesses?, age?]` rows, 1 s long, aggregations of 100 ms. */
export function snapshotOf(
  rows: readonly (readonly [bigint, bigint, number, number?, number?])[],
  times: Partial<Pick<SnapshotInit, 'timeNs' | 'intervalNs' | 'aggregationNs'>> = {},
): Snapshot {
  return new Snapshot({
    timeNs: SECOND,
    intervalNs: SECOND,
    aggregationNs: SECOND / 10n,
    ...times,
    starts: BigUint64Array.from(rows, ([start]) => start),
    ends: BigUint64Array.from(rows, ([, end]) => end),
    nrAccesses: Uint32Array.from(
      rows,
      ([, , hits, nrAccesses]) => nrAccesses ?? (hits > 0 ? 1 : 0),
    ),
    ages: Uint32Array.from(rows, ([, , , , age]) => age ?? 0),
    hits: Float64Array.from(rows, ([, , hits]) => hits),
  });
}

/** One snapshot per second: hot ranges move at one and two thirds, and drift to DRAM meanwhile. */
export function sampleSnapshots(seconds: number, seed: number): Snapshot[] {
  const next = random(seed);
  return Array.from({ length: seconds }, (_, second) => {
    const phase = Math.floor((3 * second) / seconds);
    const progress = (3 * second) / seconds - phase;
    const promoted = Math.min(0.7, progress * 4);
    const hot = [
      {
        at: item([1064n, 1150n, 1208n], phase) * GIB,
        size: 32n * GIB,
        hits: 9000 * (1 - promoted),
      },
      { at: item([12n, 52n, 90n], phase) * GIB, size: 24n * GIB, hits: 9000 * promoted },
      { at: 120n * GIB, size: GIB, hits: 2600 },
    ];
    const rows = NODES.flatMap(({ start, end }) => {
      const cuts = new Set([start, end]);
      for (const { at, size } of hot) {
        for (const cut of [at, at + size]) if (start < cut && cut < end) cuts.add(cut);
      }
      for (let i = 0; i < 70; i++) {
        cuts.add(start + BigInt(Math.floor((Number(end - start) * next()) / 4096) * 4096));
      }
      const sorted = [...cuts].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      return sorted.slice(1).map((to, i): [bigint, bigint, number, number, number] => {
        const from = item(sorted, i);
        const inside = hot.find(({ at, size }) => at <= from && to <= at + size);
        const share = inside ? Number(to - from) / Number(inside.size) : 0;
        const background = (Number(to - from) / Number(GIB)) * 0.35;
        const hits = Math.round(((inside?.hits ?? 0) * share + background) * (0.7 + 0.6 * next()));
        return [from, to, hits, Math.min(20, Math.ceil(hits / 20)), second % 300];
      });
    });
    return snapshotOf(rows, { timeNs: BigInt(second + 1) * SECOND });
  });
}

export const BOOKS: Books = {
  counters: {
    machine: { accesses: 4_812_337_664 },
    sampler: { tagged: 9_216_440, filtered: 1_204_113, reported: 8_012_327 },
    ring: { dropped: { full: 1_182, nmi: 0 }, queued: 41, drained: 8_011_104 },
    drain: { hit: 7_990_552, missed: { outside: 20_211, stale: 341 } },
    scheme: {
      promote: { tried: 48_211, applied: 39_870 },
      demote: { tried: 45_002, applied: 38_118 },
    },
  },
  equations: [
    {
      name: 'every tagged sample was reported or filtered',
      left: ['sampler.tagged'],
      right: ['sampler.filtered', 'sampler.reported'],
    },
    {
      name: 'every access report was dropped, is queued or was drained',
      left: ['sampler.reported'],
      right: ['ring.dropped.full', 'ring.dropped.nmi', 'ring.queued', 'ring.drained'],
    },
    {
      name: 'every drained access report hit a region or missed for a known reason',
      left: ['ring.drained'],
      right: ['drain.hit', 'drain.missed.outside', 'drain.missed.stale'],
    },
  ],
};

const NONE = { regions: 0, bytes: 0 };

/** A scheme that tried one region in each second. */
function sampleExplanation(name: string, seconds: number): Explained {
  const explanation = new StretchSeries();
  for (let second = 0; second < seconds; second++) {
    const round: Round = {
      timeNs: BigInt(second + 1) * SECOND,
      tick: second,
      scheme: 0,
      opened: false,
      effectiveSzBytes: 0,
      chargedBefore: 0,
      chargedAfter: 0,
      scoreMin: 0,
      elapsedNs: 0,
      tried: { regions: 1, bytes: 4096 },
      applied: { regions: 1, bytes: 4096 },
      opsPassedBytes: 4096,
      noMatch: NONE,
      lowScore: NONE,
      filtered: NONE,
      quotaFull: NONE,
      servedBefore: NONE,
      snapshotsDone: NONE,
    };
    explanation.addRound(round);
  }
  const endNs = BigInt(seconds) * SECOND;
  return { schemes: [name], startNs: 0n, endNs, explanation, roundsDropped: 0 };
}

export function sampleReplay(seconds = 900, seed = 1): ReplayRecord {
  const heatmap = new Heatmap();
  const snapshots = sampleSnapshots(seconds, seed);
  for (const snapshot of snapshots) heatmap.add(snapshot);
  const last = item(snapshots, snapshots.length - 1);
  return {
    ...sampleExplanation('accessed', seconds),
    source: 'examples/two-node.csv.zst',
    nodes: NODES,
    startNs: heatmap.startNs,
    endNs: heatmap.endNs,
    heatmap,
    last,
    hotRanges: hotRanges(last, { nodes: NODES }),
    workingSet: workingSet(last),
    books: BOOKS as Books<MonitorCounters>,
    durationMs: 1840,
    samplesPerSecond: 4_354_000,
  };
}

/** A share that climbs to 70 % and is held there bang-bang, then follows a change to 90 %. */
export function sampleDemo(seconds = 900, seed = 1): DemoRecord {
  const next = random(seed);
  const targets = [
    { fromSecond: 0, target: 70 },
    { fromSecond: 2 * Math.floor(seconds / 3), target: 90 },
  ];
  const quota = (): Float64Array => new Float64Array(seconds);
  const [promote, demote] = [quota(), quota()];
  const [share, trueShare] = [new Float64Array(seconds), new Float64Array(seconds)];
  let level = 0;
  for (let second = 0; second < seconds; second++) {
    const { target } = item(targets, second < 2 * Math.floor(seconds / 3) ? 0 : 1);
    const seen = Math.min(100, Math.max(0, level + (next() - 0.5) * 1.6));
    share[second] = seen;
    trueShare[second] = level;
    const below = seen < target;
    promote[second] = below ? 512 * 1024 * 1024 : 0;
    demote[second] = below ? 0 : 512 * 1024 * 1024;
    level += below ? Math.min(1.4, 0.25 + (target - level) / 30) : -0.55 * next() - 0.3;
  }
  const heatmap = new Heatmap();
  for (const snapshot of sampleSnapshots(seconds, seed)) heatmap.add(snapshot);
  return {
    ...sampleExplanation('promote', seconds),
    seed,
    tuner: 'temporal',
    simulatedSeconds: seconds,
    wallSeconds: 41.7,
    machine: [
      '2 nodes, 64 CPUs',
      '128 GiB DRAM, 256 GiB CXL',
      '32 GiB hot set, p = 0.9',
      'IBS Op, period 262,144',
    ],
    share,
    trueShare,
    targets,
    rows: convergenceRows(share, targets),
    published: [
      { target: 70, mean: 69.73, stddev: 0.7 },
      { target: 30, mean: 31, stddev: 1.28 },
      { target: 90, mean: 89.74, stddev: 0.64 },
      { target: 85, mean: 84.61, stddev: 0.6 },
    ],
    quotas: [
      { name: 'promote', effectiveBytes: promote },
      { name: 'demote', effectiveBytes: demote },
    ],
    books: BOOKS as Books<MonitorCounters>,
    heatmap,
    nodes: NODES,
  };
}
