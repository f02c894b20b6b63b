/**
 * The newest rounds of a monitor, as columns.
 *
 * A round is some thirty numbers, a monitor keeps thousands of them, and hardly anybody asks: kept as
 * objects they are most of what its process holds, and they grow old, which the garbage collector
 * answers with more memory still. So they become objects when someone asks.
 */
import type { RoundColumns } from '../../native/binding.cjs';
import type { NativeBinding } from '../native/binding.ts';
import { item } from './item.ts';
import type { Round, RoundShare } from './round.ts';

/** Which number of a row is what, as the addon lays them out. */
export type RoundLayout = Pick<NativeBinding, 'RoundColumn' | 'ROUND_WIDTH'>;

/** Rounds that there is room for at first. */
const ROWS_MIN = 64;

/** A queue that keeps the newest, and knows how many there were. */
export class RoundLog {
  readonly #limit: number;
  readonly #column: RoundLayout['RoundColumn'];
  readonly #width: number;
  /** A ring once it is as long as the limit: round `n` is in row `n` modulo its length. */
  #times = new BigUint64Array(0);
  #numbers = new Float64Array(0);
  #total = 0;

  constructor(limit: number, { RoundColumn, ROUND_WIDTH }: RoundLayout) {
    this.#limit = limit;
    this.#column = RoundColumn;
    this.#width = ROUND_WIDTH;
  }

  add({ times, numbers }: Pick<RoundColumns, 'times' | 'numbers'>): void {
    const width = this.#width;
    this.#makeRoom(this.#total + times.length);
    const rows = this.#times.length;
    // Those that have to make room at once are not copied.
    let from = Math.max(0, times.length - rows);
    while (from < times.length) {
      const row = (this.#total + from) % rows;
      const to = Math.min(times.length, from + rows - row);
      this.#times.set(times.subarray(from, to), row);
      this.#numbers.set(numbers.subarray(from * width, to * width), row * width);
      from = to;
    }
    this.#total += times.length;
  }

  /** How many were added. */
  get total(): number {
    return this.#total;
  }

  /** How many had to make room. */
  get dropped(): number {
    return Math.max(0, this.#total - this.#limit);
  }

  /** Those added after the first `count`, as far as they are still there; oldest first. */
  since(count: number): Round[] {
    const first = Math.max(count, this.dropped);
    return Array.from({ length: Math.max(0, this.#total - first) }, (_, i) =>
      this.#round(first + i),
    );
  }

  #round(n: number): Round {
    const row = n % this.#times.length;
    const [numbers, first, column] = [this.#numbers, row * this.#width, this.#column];
    const number = (at: number): number => item(numbers, first + at);
    const share = (regions: number, bytes: number): RoundShare => ({
      regions: number(regions),
      bytes: number(bytes),
    });
    return {
      timeNs: item(this.#times, row),
      tick: number(column.Tick),
      scheme: number(column.Scheme),
      opened: number(column.Opened) === 1,
      effectiveSzBytes: number(column.EffectiveSzBytes),
      chargedBefore: number(column.ChargedBefore),
      chargedAfter: number(column.ChargedAfter),
      scoreMin: number(column.ScoreMin),
      elapsedNs: number(column.ElapsedNs),
      tried: share(column.TriedRegions, column.TriedBytes),
      applied: share(column.AppliedRegions, column.AppliedBytes),
      opsPassedBytes: number(column.OpsPassedBytes),
      noMatch: share(column.NoMatchRegions, column.NoMatchBytes),
      lowScore: share(column.LowScoreRegions, column.LowScoreBytes),
      filtered: share(column.FilteredRegions, column.FilteredBytes),
      quotaFull: share(column.QuotaFullRegions, column.QuotaFullBytes),
      servedBefore: share(column.ServedBeforeRegions, column.ServedBeforeBytes),
      snapshotsDone: share(column.SnapshotsDoneRegions, column.SnapshotsDoneBytes),
    };
  }

  #makeRoom(rows: number): void {
    const present = this.#times.length;
    if (rows <= present || present === this.#limit) return;
    const length = Math.min(this.#limit, Math.max(ROWS_MIN, 2 * present, rows));
    const [times, numbers] = [this.#times, this.#numbers];
    this.#times = new BigUint64Array(length);
    this.#numbers = new Float64Array(length * this.#width);
    this.#times.set(times);
    this.#numbers.set(numbers);
  }
}
