/**
 * The writing end of a shared lane, in JavaScript alone: it runs where no addon can be loaded.
 *
 * A push writes its slot with plain stores and publishes it with one compare-exchange of the head.
 * That fails once the monitor has closed the lane, so no report is lost uncounted; a thread that is
 * terminated in between loses the one report it had not published. Nothing read from the memory is
 * used as an index: whatever another thread writes there, a push ends and stays within the lane.
 */
import { closed } from '../closed.ts';
import { DamonError } from '../errors.ts';
import {
  type AccessReport,
  type BatchOutcome,
  type ReportColumns,
  type ReportOutcome,
  checkAddresses,
  checkColumns,
  reportWords,
} from '../live/report.ts';
import {
  SLOT_WORDS,
  CLOSED,
  INDEX,
  type SharedLane,
  WORD,
  corrupt,
  laneWords,
} from '../live/shared-lane.ts';
import { refuseClones } from '../live/uncloneable.ts';
import { type Place, writeReport, writeReports } from './slots.ts';

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
export class SharedProducer implements Disposable {
  readonly #words: Uint32Array;
  readonly #slots: number;
  /** The next slot to write: 31 bits. Only this object moves it. */
  #head: number;
  /** The monitor's tail when last looked at; never ahead of it. */
  #tailSeen: number;
  #closed = false;

  /**
   * Takes a lane that no other producer has.
   *
   * @throws DamonError `ERR_DAMON_LANE_CORRUPT` when it is no lane, `ERR_DAMON_LANE_BUSY` when it
   *   has a producer
   */
  constructor(lane: SharedLane) {
    const words = laneWords(lane);
    this.#words = words;
    this.#slots = (words.length - WORD.firstSlot) / SLOT_WORDS;
    this.#head = Atomics.load(words, WORD.head) & INDEX;
    this.#tailSeen = this.#head;
    this.#lookAtTail();
    if (Atomics.compareExchange(words, WORD.taken, 0, 1) !== 0) {
      throw new DamonError('The lane has a producer: each lane has one', {
        code: 'ERR_DAMON_LANE_BUSY',
        hint: 'take a lane of its own for each producer: LiveKdamond.sharedLane',
      });
    }
    refuseClones(this, 'a SharedProducer stays on its thread: post its lane instead');
  }

  /**
   * Queues one report, or drops and counts it.
   *
   * @throws DamonError `ERR_DAMON_REPORT` for a value that no access has, `ERR_DAMON_CLOSED`,
   *   `ERR_DAMON_LANE_CORRUPT`
   */
  report(report: AccessReport): ReportOutcome {
    if (this.#closed) throw closed('producer');
    const words = reportWords(report);
    if (this.#freeAtLeast(1) === 0) return this.#drop(1) ? 'closed' : 'full';
    writeReport(this.#place(), words);
    return this.#publish(1) ? 'queued' : 'closed';
  }

  /**
   * Queues as many reports as there are free slots, in order, publishing them at once; drops and
   * counts the rest. All columns are checked before any report is queued.
   *
   * @throws DamonError as {@link report}
   */
  reportBatch(columns: ReportColumns): BatchOutcome {
    if (this.#closed) throw closed('producer');
    const checked = checkColumns(columns);
    checkAddresses(checked);
    const { length } = checked.addresses;
    const room = Math.min(length, this.#freeAtLeast(length));
    const outcome = { queued: 0, droppedFull: 0, droppedNested: 0, droppedClosed: 0 };
    if (room > 0) {
      writeReports(this.#place(), checked, room);
      if (!this.#publish(room)) {
        Atomics.add(this.#words, WORD.droppedClosed, length - room);
        return { ...outcome, droppedClosed: length };
      }
    }
    const rest = length - room;
    if (rest === 0) return { ...outcome, queued: room };
    return this.#drop(rest)
      ? { ...outcome, queued: room, droppedClosed: rest }
      : { ...outcome, queued: room, droppedFull: rest };
  }

  /**
   * Slots free at this moment; the monitor can only make it more.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, `ERR_DAMON_LANE_CORRUPT`
   */
  get freeSlots(): number {
    if (this.#closed) throw closed('producer');
    return this.#freeAtLeast(this.#slots);
  }

  /** Gives the lane back; what it holds is still drained. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    Atomics.store(this.#words, WORD.gone, 1);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #place(): Place {
    return { words: this.#words, slots: this.#slots, head: this.#head };
  }

  /** Free slots as far as known, looked up again if fewer than wanted. */
  #freeAtLeast(wanted: number): number {
    const free = this.#slots - ((this.#head - this.#tailSeen) & INDEX);
    if (free >= wanted) return free;
    this.#lookAtTail();
    return this.#slots - ((this.#head - this.#tailSeen) & INDEX);
  }

  #lookAtTail(): void {
    // Atomic, and so ordered: the monitor has finished with the slots below.
    const tail = Atomics.load(this.#words, WORD.tail);
    if (tail > INDEX || ((this.#head - tail) & INDEX) > this.#slots) {
      throw corrupt('lane.tail', `at most ${this.#slots} behind its head ${this.#head}`, tail);
    }
    this.#tailSeen = tail;
  }

  /** Moves the head; false, and counted, if the monitor has closed the lane. */
  #publish(reports: number): boolean {
    const head = this.#head;
    const next = (head + reports) & INDEX;
    const found = Atomics.compareExchange(this.#words, WORD.head, head, next);
    if (found === head) {
      this.#head = next;
      return true;
    }
    if (found !== head + CLOSED) throw corrupt('lane.head', `${head}`, found);
    Atomics.add(this.#words, WORD.droppedClosed, reports);
    return false;
  }

  /** Counts reports that found no slot; true if that is because the monitor has stopped. */
  #drop(reports: number): boolean {
    const isClosed = Atomics.load(this.#words, WORD.head) >= CLOSED;
    Atomics.add(this.#words, isClosed ? WORD.droppedClosed : WORD.droppedFull, reports);
    return isClosed;
  }
}
