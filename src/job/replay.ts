/** The first job: replay a recording through the whole monitor and say what a tiering engineer asks. */
import { Kdamond, type Progress } from '../kdamond.ts';
import type { AttrsOptions } from '../monitor/attrs.ts';
import { Heatmap } from '../report/heatmap.ts';
import { hotRanges, workingSet } from '../report/hot-ranges.ts';
import type { MonitorCounters } from '../report/counters.ts';
import type { Books, ReplayRecord } from '../report/record.ts';
import type { Snapshot } from '../report/snapshot.ts';
import type { RecordingOptions } from '../trace/recording.ts';
import { type Duration, quantity } from '../units.ts';
import { type ExplainHooks, Gathering } from './explained.ts';
import { readAhead } from './read-ahead.ts';

/** What to replay, and how closely to look. */
export interface ReplayOptions
  extends Omit<RecordingOptions, 'type'>, Pick<ExplainHooks, 'onRounds'> {
  /** Time between snapshots. @default "1 s" */
  readonly everyMs?: Duration;
  /** @default {@link replayAttrs} */
  readonly attrs?: AttrsOptions;
  /** Decides where regions are cut. @default 1 */
  readonly seed?: number;
  /** Called for each snapshot, in order, and waited for; may keep it. */
  readonly onSnapshot?: (snapshot: Snapshot) => void | Promise<void>;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with the books as they stand when the replay fails, before it rejects. */
  readonly onFailure?: (books: Books<MonitorCounters>) => void;
  /** Ends the replay with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Longest aggregation that {@link replayAttrs} chooses. */
const AGGREGATION_MAX_US = 500_000;
const SAMPLE_US = 5_000;
/** Half as much again as any view shows. */
const HEATMAP = { columns: 256, rows: 256 };
/** What a range is made of: the least that is worth moving. */
const HUGE_PAGE = 2 ** 21;

/**
 * Attributes for recordings: as the kernel's, but with 500 to 1000 regions and aggregations of up
 * to 500 ms that divide the time between snapshots.
 *
 * The kernel starts with 10 regions because each costs it an access check. A report costs the same
 * however many regions there are, and a region's count is that of *any* report in it, so counts can
 * only be compared between regions of similar size: many, evenly sized regions see sharper.
 *
 * @example
 * ```ts
 * import { replayAttrs } from 'node-damon';
 *
 * console.log(replayAttrs(1_000).aggregationUs); // 500000
 * ```
 */
export function replayAttrs(
  everyMs: number,
): Required<Omit<AttrsOptions, 'opsUpdateUs' | 'intervalsGoal'>> {
  const everyUs = everyMs === 0 ? AGGREGATION_MAX_US : Math.max(everyMs * 1_000, SAMPLE_US);
  const parts = Math.ceil(everyUs / AGGREGATION_MAX_US);
  const aggregationUs = Math.max(Math.floor(everyUs / parts / SAMPLE_US), 1) * SAMPLE_US;
  return { sampleUs: SAMPLE_US, aggregationUs, minNrRegions: 500, maxNrRegions: 1000 };
}

/**
 * Replays a recording: reader, lanes, drain, regions, a `stat` scheme, report.
 *
 * @example
 * ```ts
 * import { replay } from 'node-damon';
 *
 * const { hotRanges, workingSet } = await replay({ path: 'redis.samples.csv.zst', everyMs: '10 s' });
 * console.log(hotRanges[0]?.start, workingSet.accessedBytes);
 * ```
 *
 * @throws DamonError `ERR_DAMON_TRACE_…` for the file, `ERR_DAMON_CONFIG…` for options
 */
export async function replay(options: ReplayOptions): Promise<ReplayRecord> {
  const {
    everyMs = 1_000,
    attrs,
    seed,
    onSnapshot,
    onRounds,
    onProgress,
    onFailure,
    signal,
    ...source
  } = options;
  const every = quantity(everyMs, 'ms', 'everyMs');
  const started = performance.now();
  using kdamond = new Kdamond({
    source: { type: 'recording', ...source },
    attrs: attrs ?? replayAttrs(every),
    everyMs: every,
    // What is accessed at all.
    schemes: [{ name: 'accessed', action: 'stat', pattern: { nrAccesses: { min: 1 } } }],
    ...(seed !== undefined && { seed }),
  });
  const heatmap = new Heatmap(HEATMAP);
  const gathering = new Gathering(kdamond, { ...(onRounds && { onRounds }) });
  let last: Snapshot | undefined;
  try {
    const run = { ...(onProgress && { onProgress }), ...(signal && { signal }) };
    for await (const snapshot of readAhead(gathered(kdamond.snapshots(run), gathering))) {
      heatmap.add(snapshot);
      await onSnapshot?.(snapshot);
      last = snapshot;
    }
  } catch (error) {
    onFailure?.(kdamond.books);
    throw error;
  }
  if (last === undefined) throw new RangeError('a recording with rows ends with a snapshot');
  const durationMs = performance.now() - started;
  const { books, nodes } = kdamond;
  return {
    source: source.path,
    ...gathering.explained,
    nodes,
    heatmap,
    last,
    hotRanges: hotRanges(last, { nodes, grainBytes: HUGE_PAGE }),
    workingSet: workingSet(last),
    books,
    durationMs,
    samplesPerSecond: ((books.counters.rows?.accepted ?? 0) / durationMs) * 1_000,
  };
}

/** Takes the rounds before the monitor goes on: who reads ahead is behind it. */
async function* gathered(
  snapshots: AsyncIterable<Snapshot>,
  gathering: Gathering,
): AsyncGenerator<Snapshot, void, void> {
  for await (const snapshot of snapshots) {
    await gathering.takeRounds();
    yield snapshot;
  }
}
