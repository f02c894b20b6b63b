/** The writing end of a live monitor's lane, on whichever thread has its token. */
import type { NativeLane } from '../../native/binding.cjs';
import { closed } from '../closed.ts';
import { refuse } from '../errors.ts';
import { native } from '../native/binding.ts';
import { translating } from '../native/init.ts';
import { warnForgotten } from './forgotten.ts';
import {
  type AccessReport,
  type BatchOutcome,
  type ReportColumns,
  type ReportOutcome,
  checkColumns,
  reportWords,
} from './report.ts';
import { refuseClones } from './uncloneable.ts';

/** By the addon's numbers. */
const OUTCOMES: readonly ReportOutcome[] = ['queued', 'full', 'nested', 'closed'];

const forgotten = new FinalizationRegistry(({ id, token }: { id: number; token: string }) => {
  // After the monitor's end no report is missed.
  if (!native().NativeLane.isWanted(token)) return;
  warnForgotten(
    `Lane ${id} of the live monitor ${token} was forgotten, and is closed now`,
    'Keep the Lane for as long as it reports: without a lane nothing is observed, and no snapshot comes.',
  );
});

/** How monitors are named. */
const TOKEN = /^damon-[\da-f]{16}$/;

/**
 * The only writer of one lane of a {@link LiveKdamond}. It stays on the thread that attached it;
 * each thread attaches its own, and may have several. One that nothing refers to any more is closed
 * by the garbage collector, with a warning `ERR_DAMON_FORGOTTEN`.
 *
 * @example
 * ```ts
 * import { Lane, LiveKdamond } from 'node-damon';
 *
 * using live = new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }] }).start();
 * using lane = Lane.attach(live.token); // or, on this thread: live.lane()
 * console.log(lane.report({ address: 0x1000, write: true })); // queued
 * lane.reportBatch({ addresses: Float64Array.of(0x1000, 0x2000), size: 8 });
 * ```
 */
export class Lane implements Disposable {
  /** The lane's number, as in {@link LiveKdamond.lanes}. */
  readonly id: number;
  #native: NativeLane | undefined;
  readonly #report: ReturnType<NativeLane['reporter']>;

  private constructor(lane: NativeLane, token: string) {
    this.#native = lane;
    this.#report = lane.reporter();
    this.id = lane.id;
    forgotten.register(this, { id: this.id, token }, this);
    refuseClones(
      this,
      "a Lane stays on its thread: post the monitor's token and call Lane.attach(token) there",
    );
  }

  /**
   * A lane of its own of the monitor that a token names, from any thread of its process.
   *
   * @throws DamonError `ERR_DAMON_TOKEN` for what is no token; `ERR_DAMON_CLOSED` when the monitor
   *   has stopped, or no monitor of that name is open in this process; `ERR_DAMON_LANES` when all
   *   lanes are in use
   */
  static attach(token: string): Lane {
    if (typeof token !== 'string' || !TOKEN.test(token)) {
      const expected = 'the token of a LiveKdamond, such as "damon-0123456789abcdef"';
      throw refuse({ code: 'ERR_DAMON_TOKEN', path: 'token', expected, received: token });
    }
    const { NativeLane: Native } = native();
    return new Lane(
      translating(() => Native.attach(token)),
      token,
    );
  }

  /**
   * Queues one report, or drops and counts it. Crossing into the addon is most of the cost: many
   * reports cost far less each in {@link reportBatch}.
   *
   * @throws DamonError `ERR_DAMON_REPORT` for a value that no access has, `ERR_DAMON_CLOSED`
   */
  report(report: AccessReport): ReportOutcome {
    if (this.#native === undefined) throw closed('lane');
    const words = reportWords(report);
    const outcome = this.#report(
      words.addressLow,
      words.addressHigh,
      words.timeLow,
      words.timeHigh,
      words.size,
      words.tid,
      words.tgid,
      words.flags,
    );
    return OUTCOMES[outcome] ?? 'closed';
  }

  /**
   * Queues as many reports as there are free slots, in order; drops and counts the rest. All
   * columns are checked before any report is queued.
   *
   * @throws DamonError as {@link report}
   */
  reportBatch(columns: ReportColumns): BatchOutcome {
    const lane = this.#native;
    if (lane === undefined) throw closed('lane');
    const checked = checkColumns(columns);
    return translating(() => lane.reportBatch(checked));
  }

  /**
   * Slots free at this moment; the monitor can only make it more.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get freeSlots(): number {
    const lane = this.#native;
    if (lane === undefined) throw closed('lane');
    return lane.freeSlots;
  }

  /** Gives the lane back; what it holds is still drained. Idempotent. */
  close(): void {
    forgotten.unregister(this);
    this.#native?.close();
    this.#native = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
