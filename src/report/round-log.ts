/**
 * The newest rounds of a monitor, as columns.
 *
 * A round is some thirty numbers, a monitor keeps thousands of them, and hardly anybody asks: kept as
 * objects they are most of what its process holds, and they grow old, which the garbage collector
 * answers with more memory still. So they become objects when someone asks.
 */
import type { RoundEntry } from '../../native/binding.cjs';
import { item } from './item.ts';
import type { Round, RoundShare } from './round.ts';

const NUMBERS = [
  'tick',
  'scheme',
  'opened',
  'effectiveSzBytes',
  'chargedBefore',
  'chargedAfter',
  'scoreMin',
  'elapsedNs',
  'opsPassedBytes',
] as const;
/** Of two columns each: regions, then bytes. */
const SHARES = [
  'tried',
  'applied',
  'noMatch',
  'lowScore',
  'filtered',
  'quotaFull',
  'servedBefore',
  'snapshotsDone',
] as const;
const WIDTH = NUMBERS.length + 2 * SHARES.length;
const COLUMN = Object.fromEntries([
  ...NUMBERS.map((key, i) => [key, i]),
  ...SHARES.map((key, i) => [key, NUMBERS.length + 2 * i]),
]) as Readonly<Record<(typeof NUMBERS | typeof SHARES)[number], number>>;
/** Rounds that there is room for at first. */
const ROWS_MIN = 64;

/** A queue that keeps the newest, and knows how many there were. */
export class RoundLog {
  readonly #limit: number;
  /** A ring once it is as long as the limit: round `n` is in row `n` modulo its length. */
  #times = new BigUint64Array(0);
  #numbers = new Float64Array(0);
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(rounds: readonly RoundEntry[]): void {
    this.#makeRoom(this.#total + rounds.length);
    for (const round of rounds) {
      const row = this.#total % this.#times.length;
      this.#times[row] = round.timeNs;
      const numbers = this.#numbers.subarray(row * WIDTH, (row + 1) * WIDTH);
      for (const key of NUMBERS) numbers[COLUMN[key]] = Number(round[key]);
      for (const key of SHARES) {
        numbers[COLUMN[key]] = round[key].regions;
        numbers[COLUMN[key] + 1] = round[key].bytes;
      }
      this.#total += 1;
    }
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
    const numbers = this.#numbers.subarray(row * WIDTH, (row + 1) * WIDTH);
    const number = (key: (typeof NUMBERS)[number]): number => item(numbers, COLUMN[key]);
    const share = (key: (typeof SHARES)[number]): RoundShare => ({
      regions: item(numbers, COLUMN[key]),
      bytes: item(numbers, COLUMN[key] + 1),
    });
    return {
      timeNs: item(this.#times, row),
      tick: number('tick'),
      scheme: number('scheme'),
      opened: number('opened') === 1,
      effectiveSzBytes: number('effectiveSzBytes'),
      chargedBefore: number('chargedBefore'),
      chargedAfter: number('chargedAfter'),
      scoreMin: number('scoreMin'),
      elapsedNs: number('elapsedNs'),
      tried: share('tried'),
      applied: share('applied'),
      opsPassedBytes: number('opsPassedBytes'),
      noMatch: share('noMatch'),
      lowScore: share('lowScore'),
      filtered: share('filtered'),
      quotaFull: share('quotaFull'),
      servedBefore: share('servedBefore'),
      snapshotsDone: share('snapshotsDone'),
    };
  }

  #makeRoom(rows: number): void {
    const present = this.#times.length;
    if (rows <= present || present === this.#limit) return;
    const length = Math.min(this.#limit, Math.max(ROWS_MIN, 2 * present, rows));
    const [times, numbers] = [this.#times, this.#numbers];
    this.#times = new BigUint64Array(length);
    this.#numbers = new Float64Array(length * WIDTH);
    this.#times.set(times);
    this.#numbers.set(numbers);
  }
}
