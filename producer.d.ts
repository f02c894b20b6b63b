// The public API of node-damon/producer, rolled up from src. Written by `npm run build`.

/** What a {@link DamonError} tells beyond its message. */
interface DamonErrorDetails {
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  readonly path?: string | undefined;
  /** What would have been accepted, in words. */
  readonly expected?: string | undefined;
  /** What was given instead, as it was given. */
  readonly received?: unknown;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The file that says so. */
  readonly file?: string | undefined;
  /** Where in that file, from 1, if it is a text that knows. */
  readonly line?: number | undefined;
  /** Where in that line, from 1. */
  readonly column?: number | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** A {@link DamonError} as plain data, safe for `JSON.stringify`. */
interface DamonErrorJson {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly expected?: string;
  readonly received?: string | number | boolean | null;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly cause?: string;
}

/**
 * Every error that this package throws on purpose.
 *
 * @example
 * ```ts
 * import { DamonError } from 'node-damon';
 *
 * try {
 *   throw new DamonError('The recording is empty', { code: 'ERR_DAMON_TRACE_EMPTY' });
 * } catch (error) {
 *   if (!(error instanceof DamonError)) throw error;
 *   console.log(error.code, error.hint ?? 'no hint');
 * }
 * ```
 */
declare class DamonError extends Error {
  readonly name: 'DamonError';
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  readonly path?: string;
  /** What would have been accepted, in words. */
  readonly expected?: string;
  /** What was given instead, as it was given. */
  readonly received?: unknown;
  /** What to do about it. */
  readonly hint?: string;
  /** The file that says so. */
  readonly file?: string;
  /** Where in that file, from 1, if it is a text that knows. */
  readonly line?: number;
  /** Where in that line, from 1. */
  readonly column?: number;
  constructor(message: string, details: DamonErrorDetails);
  /** The error as plain data, without the stack; a `received` that JSON cannot hold becomes text. */
  toJSON(): DamonErrorJson;
}

/** One observed access. */
interface AccessReport {
  /** First byte accessed: an integer from 0, below 2^53 as a number, below 2^64 as a bigint. */
  readonly address: number | bigint;
  /** Bytes covered, from 1 to 2^32 - 1; samplers that know only the page say 4096. @default 1 */
  readonly size?: number;
  /** CPU that made the access, from 0 to 65535. @default 0 */
  readonly cpu?: number;
  /** Thread that made the access, 0 if unknown. @default 0 */
  readonly tid?: number;
  /** Process that made the access, 0 if unknown. @default 0 */
  readonly tgid?: number;
  /** Whether it was a store. @default false */
  readonly write?: boolean;
  /** Whether the address is a virtual one of process `tgid`. @default false */
  readonly virtual?: boolean;
  /**
   * When, in nanoseconds of the monitor's clock, which is `process.hrtime.bigint()`'s. From before the
   * drain before the last began, one to two sampling intervals ago, is stale. @default just now, which
   * is never stale
   */
  readonly timeNs?: bigint;
}

/**
 * What became of a report: stored, or lost to a full lane, to a push that it interrupted, or to a
 * monitor that has stopped. Each is counted in the monitor's books.
 */
type ReportOutcome = 'queued' | 'full' | 'nested' | 'closed';
/**
 * Many reports as columns of one length, a typed array each; what is given as a single value holds
 * for all. The fields are those of an {@link AccessReport}.
 */
interface ReportColumns {
  /** Decides how many reports there are. */
  readonly addresses: BigUint64Array | Float64Array;
  /** @default 1 */
  readonly size?: number | Uint32Array;
  /** @default 0 */
  readonly cpu?: number | Uint16Array;
  /** @default 0 */
  readonly tid?: number | Uint32Array;
  /** @default 0 */
  readonly tgid?: number | Uint32Array;
  /** Elements: 0 for a load, anything else for a store. @default false */
  readonly write?: boolean | Uint8Array;
  /** @default just now */
  readonly timeNs?: bigint | BigUint64Array;
  /** @default false */
  readonly virtual?: boolean;
}

/** What became of a batch: the fields add up to its length. */
interface BatchOutcome {
  /** Reports stored: the first so many. */
  readonly queued: number;
  /** Reports from the end of the batch that found no slot. */
  readonly droppedFull: number;
  /** All reports of a batch that interrupted another push. */
  readonly droppedNested: number;
  /** All reports of a batch for a monitor that has stopped. */
  readonly droppedClosed: number;
}

/** A lane that any thread can be handed: a plain object that `postMessage` takes. */
interface SharedLane {
  readonly buffer: SharedArrayBuffer;
}

/**
 * The only writer of one shared lane, on the thread that made it.
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { Worker } from 'node:worker_threads';
 *
 * import { LiveKdamond } from 'node-damon';
 *
 * using live = new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }] }).start();
 * const code = `
 *   const { workerData } = require('node:worker_threads');
 *   import('node-damon/producer').then(({ SharedProducer }) => {
 *     const producer = new SharedProducer(workerData);
 *     producer.report({ address: 0x1000 });
 *     producer.close();
 *   });
 * `;
 * await once(new Worker(code, { eval: true, workerData: live.sharedLane() }), 'exit');
 * ```
 */
declare class SharedProducer implements Disposable {
  #private;
  /**
   * Takes a lane that no other producer has.
   *
   * @throws DamonError `ERR_DAMON_LANE_CORRUPT` when it is no lane, `ERR_DAMON_LANE_BUSY` when it
   *   has a producer
   */
  constructor(lane: SharedLane);
  /**
   * Queues one report, or drops and counts it.
   *
   * @throws DamonError `ERR_DAMON_REPORT` for a value that no access has, `ERR_DAMON_CLOSED`,
   *   `ERR_DAMON_LANE_CORRUPT`
   */
  report(report: AccessReport): ReportOutcome;
  /**
   * Queues as many reports as there are free slots, in order, publishing them at once; drops and
   * counts the rest. All columns are checked before any report is queued.
   *
   * @throws DamonError as {@link report}
   */
  reportBatch(columns: ReportColumns): BatchOutcome;
  /**
   * Slots free at this moment; the monitor can only make it more.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, `ERR_DAMON_LANE_CORRUPT`
   */
  get freeSlots(): number;
  /** Gives the lane back; what it holds is still drained. Idempotent. */
  close(): void;
  [Symbol.dispose](): void;
}

export { DamonError, SharedProducer };
export type {
  AccessReport,
  BatchOutcome,
  DamonErrorDetails,
  DamonErrorJson,
  ReportColumns,
  ReportOutcome,
  SharedLane,
};
