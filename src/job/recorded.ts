/**
 * A recording as a workload of the emulated machine: what its snapshots saw, phase by phase.
 *
 * Each stretch of memory that was touched becomes an area, each snapshot a phase of its length, each
 * hot range of it a line that touches that part of the area, by its share of the hits. So a policy
 * can be tried on what a real program did, with nodes, migration and speed that it never had.
 */
import type { AreaOptions, LineOptions, ProcessesOptions } from '../machine/process.ts';
import type { ProgramOptions } from '../machine/workloads.ts';
import { refuse } from '../errors.ts';
import { type HotRange, hotRanges } from '../report/hot-ranges.ts';
import type { Snapshot } from '../report/snapshot.ts';

/** How a recording is made a workload. */
export interface RecordedWorkloadOptions extends ProgramOptions {
  /** Hot ranges of a snapshot that are kept, hottest first. @default 32 */
  readonly rangesMax?: number;
  /** Share of accesses that are stores: a snapshot does not tell. @default 0.3 */
  readonly storeShare?: number;
  /** Whether it begins anew after its end; else the last phase stays. @default false */
  readonly repeats?: boolean;
}

/** A stretch of memory, in pages. */
interface Stretch {
  readonly first: number;
  end: number;
}

const PAGE = 4096;
const HUGE_PAGES = 512;
const NS_PER_MS = 1e6;

/**
 * Makes a workload of snapshots, oldest first. Snapshots that saw nothing are left out.
 *
 * @example
 * ```ts
 * import { Kdamond, type Snapshot, TWO_SOCKETS, recordedWorkload } from 'node-damon';
 *
 * const path = 'redis.samples.csv.zst';
 * using seen = new Kdamond({ source: { type: 'recording', path }, everyMs: '10 s' });
 * const snapshots: Snapshot[] = [];
 * for await (const snapshot of seen.snapshots()) snapshots.push(snapshot);
 * const workload = recordedWorkload(snapshots);
 * using tried = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await tried.run({ untilMs: '1 s' });
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_WORKLOAD` if no snapshot saw any access
 */
export function recordedWorkload(
  snapshots: readonly Snapshot[],
  options: RecordedWorkloadOptions = {},
): ProcessesOptions {
  const { rangesMax = 32, storeShare = 0.3, repeats = false, ...rest } = options;
  const { placement = 'local', pageSize = '4 KiB', ...process } = rest;
  const grain = pageSize === '2 MiB' ? HUGE_PAGES : 1;
  const seen = snapshots
    .map(({ intervalNs }, i) => ({
      durationMs: Math.max(1, Math.round(Number(intervalNs) / NS_PER_MS)),
      ranges: hotRanges(snapshots[i] as Snapshot, { top: rangesMax }).filter(
        ({ hits }) => hits > 0,
      ),
    }))
    .filter(({ ranges }) => ranges.length > 0);
  if (seen.length === 0) {
    throw refuse({
      code: 'ERR_DAMON_CONFIG_WORKLOAD',
      path: 'snapshots',
      expected: 'at least one that saw an access',
      received: snapshots.length,
    });
  }
  const stretches = joined(
    seen.flatMap(({ ranges }) => ranges.map((range) => pagesOf(range, grain))),
  );
  const areas = stretches.map(({ first, end }): AreaOptions => ({
    name: `0x${(first * PAGE).toString(16)}`,
    bytes: (end - first) * PAGE,
    placement,
    pageSize,
  }));
  const phases = seen.map(({ durationMs, ranges }) => ({
    durationMs,
    lines: ranges.map((range) => line(range, stretches, areas, storeShare)),
  }));
  return { type: 'processes', processes: [{ ...process, areas, phases, repeats }] };
}

function pagesOf({ start, end }: HotRange, grain: number): Stretch {
  const bytes = grain * PAGE;
  return {
    first: Math.floor(Number(start) / bytes) * grain,
    end: Math.ceil(Number(end) / bytes) * grain,
  };
}

/** Stretches that overlap or touch, as one. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const { first, end } of stretches.toSorted((a, b) => a.first - b.first)) {
    const last = all.at(-1);
    if (last && first <= last.end) last.end = Math.max(last.end, end);
    else all.push({ first, end });
  }
  return all;
}

function line(
  range: HotRange,
  stretches: readonly Stretch[],
  areas: readonly AreaOptions[],
  storeShare: number,
): LineOptions {
  const { first, end } = pagesOf(range, 1);
  const at = stretches.findIndex((stretch) => first < stretch.end);
  const offset = first - (stretches[at]?.first ?? 0);
  return {
    area: areas[at]?.name ?? '',
    pattern: {
      type: 'hot_set',
      hotBytes: (end - first) * PAGE,
      hotShare: 1,
      offsetBytes: offset * PAGE,
    },
    weight: range.hits,
    storeShare,
  };
}
