/**
 * Why a scheme did what it did: the records of tuners' steps and of rounds, kept and summed.
 *
 * Memory is bounded: the log keeps the newest records and counts those that had to make room; a
 * series sums neighbours up where it has too many stretches, so that it covers a whole run.
 * Not here: rendering, or anything that feeds back into monitoring.
 */
import type { DamonError } from '../errors.ts';
import type { Tuning } from '../goal/control.ts';
import type { GoalReading } from '../goal/goal.ts';
import type { Duration } from '../units.ts';
import { item } from './item.ts';
import type { Round, RoundShare } from './round.ts';

/** Which records. */
export interface ExplainOptions {
  /** The scheme: its name as it is now, or its place from 0. @default all schemes */
  readonly scheme?: number | string;
  /** From this long after the start of monitoring. @default "0 s" */
  readonly fromMs?: Duration;
  /** Before this long after it. @default the end */
  readonly toMs?: Duration;
}

/** What was measured, decided and done. Oldest first. */
export interface Explanation {
  /** Steps of tuners: what was read, what score, what quota; or why there was no answer. */
  readonly tunings: readonly Tuning[];
  /** Rounds: what was tried, applied, and why the rest had to wait. */
  readonly rounds: readonly Round[];
  /** Records that had to make room since the monitor was made, of all schemes. */
  readonly dropped: { readonly tunings: number; readonly rounds: number };
}

/** What became of a region in a round: each part of it is in exactly one. */
export const OUTCOMES = [
  { key: 'tried', title: 'tried' },
  { key: 'noMatch', title: 'no match' },
  { key: 'filtered', title: 'filtered' },
  { key: 'lowScore', title: 'low score' },
  { key: 'quotaFull', title: 'quota full' },
  { key: 'servedBefore', title: 'served before' },
  { key: 'snapshotsDone', title: 'snapshots done' },
] as const;

/** The name of an outcome. */
export type Outcome = (typeof OUTCOMES)[number]['key'];

/** All regions that a round came to. */
export function walked(round: Readonly<Record<Outcome, RoundShare>>): RoundShare {
  const all = { regions: 0, bytes: 0 };
  for (const { key } of OUTCOMES) addShare(all, round[key]);
  return all;
}

/** A queue that keeps the newest, and knows how many there were. */
export class RecordLog<T> {
  readonly #limit: number;
  #items: T[] = [];
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(items: readonly T[]): void {
    this.#total += items.length;
    this.#items.push(...items);
    // Now and then, so that adding one does not move them all.
    if (this.#items.length > 2 * this.#limit) this.#items = this.#items.slice(-this.#limit);
  }

  /** The newest, as many as the limit says. */
  get items(): readonly T[] {
    return this.#items.slice(-this.#limit);
  }

  /** How many were added. */
  get total(): number {
    return this.#total;
  }

  /** How many had to make room. */
  get dropped(): number {
    return Math.max(0, this.#total - this.#limit);
  }
}

/** One quota window of a scheme or several that follow each other: what led to it, and to what. */
export interface Stretch extends Readonly<Record<Outcome, RoundShare>> {
  /** Index of the scheme. */
  readonly scheme: number;
  /** First and last round, in nanoseconds of the source's clock. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Quota windows; rounds where there is no quota. */
  readonly windows: number;
  readonly rounds: number;
  /** Bytes the windows allowed, together; absent where there is no quota. */
  readonly allowedBytes?: number;
  /** Regions below this score had to wait, in the last round. */
  readonly scoreMin: number;
  /** How long the action took: simulated time. */
  readonly elapsedNs: number;
  /** On which the action had an effect. */
  readonly applied: RoundShare;
  /** Steps of the tuner. */
  readonly tunings: number;
  /** Sum of their scores, in basis points. */
  readonly scoreSumBp: number;
  /** What the last of them read. */
  readonly goals: readonly GoalReading[];
  /** Steps without an answer; the quota then stayed as it was. */
  readonly failures: number;
  /** Why the last of those had none. */
  readonly failure?: DamonError;
}

/** Most stretches that are kept of a scheme. */
const STRETCHES = 1024;

/**
 * The stretches of a run, of each scheme.
 *
 * @example
 * ```ts
 * import { Kdamond, StretchSeries } from 'node-damon';
 *
 * const series = new StretchSeries();
 * using kdamond = new Kdamond({
 *   source: { type: 'recording', path: 'redis.samples.csv.zst' },
 *   schemes: [{ action: 'stat', pattern: { nrAccesses: { min: 1 } } }],
 * });
 * await kdamond.run({ onTuning: (tuning) => series.addTuning(tuning) });
 * for (const round of kdamond.takeRounds()) series.addRound(round);
 * console.log(series.total(0)?.tried.bytes, series.total(0)?.noMatch.bytes);
 * ```
 */
export class StretchSeries {
  /** Summed up in place: nobody else holds them. */
  readonly #byScheme: Sum[][] = [];
  /** How many windows a stretch sums up, by scheme. */
  readonly #grain: number[] = [];
  /** Steps of tuners whose round is still to come, by scheme. */
  readonly #waiting: Tuning[][] = [];

  /** Takes a step of a tuner, before the rounds of its window. */
  addTuning(tuning: Tuning): void {
    (this.#waiting[tuning.scheme] ??= []).push(tuning);
  }

  /** Takes a round, after those before it. */
  addRound(round: Round): void {
    const { scheme, opened } = round;
    const list = (this.#byScheme[scheme] ??= []);
    const last = list.at(-1);
    const one = sumOf(round, this.#due(round));
    // Without a quota no window opens: each round is one.
    const begins = opened || last === undefined || last.allowedBytes === undefined;
    const grain = this.#grain[scheme] ?? 1;
    if (last === undefined || (begins && last.windows >= grain)) {
      list.push(one);
    } else {
      if (!begins) one.windows = 0;
      add(last, one);
    }
    if (list.length <= STRETCHES) return;
    this.#byScheme[scheme] = thinned(list, STRETCHES / 2);
    this.#grain[scheme] = grain * 2;
  }

  /** Steps of tuners that led to a round. */
  #due({ scheme, timeNs }: Round): readonly Tuning[] {
    const waiting = this.#waiting[scheme] ?? [];
    if (waiting.length === 0) return waiting;
    const due = waiting.filter((tuning) => tuning.timeNs <= timeNs);
    this.#waiting[scheme] = waiting.slice(due.length);
    return due;
  }

  /**
   * The stretches of a scheme, oldest first.
   *
   * @param most how many; neighbours are summed up where there are more
   */
  of(scheme: number, most: number = STRETCHES): readonly Stretch[] {
    return thinned(this.#byScheme[scheme] ?? [], most);
  }

  /** All of a scheme in one; `undefined` where it had no round. */
  total(scheme: number): Stretch | undefined {
    return this.of(scheme, 1)[0];
  }

  /** Schemes that had a round. */
  get schemes(): number[] {
    return Object.keys(this.#byScheme).map(Number);
  }
}

/** What is said of a scheme that had none. */
export const NO_ROUND = 'It had no round: it never was due, or its watermarks kept it from acting.';

/** All schemes that there were, whether they had a round or not. */
export function schemesOf(series: StretchSeries, names: readonly string[]): number[] {
  return [...new Set([...names.keys(), ...series.schemes])];
}

/** A {@link Stretch} that grows. */
type Sum = {
  -readonly [Key in keyof Stretch]: Stretch[Key] extends RoundShare ? Share : Stretch[Key];
};
type Share = { -readonly [Key in keyof RoundShare]: RoundShare[Key] };

/** Spelled out: an object of keys made at run time is many times as large. */
function sumOf(round: Round, tunings: readonly Tuning[]): Sum {
  const answered = tunings.filter(({ failure }) => failure === undefined);
  const sum: Sum = {
    scheme: round.scheme,
    fromNs: round.timeNs,
    toNs: round.timeNs,
    windows: 1,
    rounds: 1,
    scoreMin: round.scoreMin,
    elapsedNs: round.elapsedNs,
    tried: { ...round.tried },
    applied: { ...round.applied },
    noMatch: { ...round.noMatch },
    filtered: { ...round.filtered },
    lowScore: { ...round.lowScore },
    quotaFull: { ...round.quotaFull },
    servedBefore: { ...round.servedBefore },
    snapshotsDone: { ...round.snapshotsDone },
    tunings: tunings.length,
    scoreSumBp: answered.reduce((total, { scoreBp }) => total + scoreBp, 0),
    goals: answered.at(-1)?.goals ?? [],
    failures: tunings.length - answered.length,
  };
  if (round.opened) sum.allowedBytes = round.effectiveSzBytes;
  const failure = tunings.findLast((tuning) => tuning.failure !== undefined)?.failure;
  if (failure) sum.failure = failure;
  return sum;
}

/** Makes one of two that follow each other. */
function add(sum: Sum, next: Stretch): void {
  sum.toNs = next.toNs;
  sum.windows += next.windows;
  sum.rounds += next.rounds;
  sum.scoreMin = next.scoreMin;
  sum.elapsedNs += next.elapsedNs;
  addShare(sum.applied, next.applied);
  for (const { key } of OUTCOMES) addShare(sum[key], next[key]);
  sum.tunings += next.tunings;
  sum.scoreSumBp += next.scoreSumBp;
  if (next.goals.length > 0) sum.goals = next.goals;
  sum.failures += next.failures;
  if (next.allowedBytes !== undefined) {
    sum.allowedBytes = (sum.allowedBytes ?? 0) + next.allowedBytes;
  }
  if (next.failure) sum.failure = next.failure;
}

function addShare(sum: Share, next: RoundShare): void {
  sum.regions += next.regions;
  sum.bytes += next.bytes;
}

/** A sum of its own of stretches that follow each other, of which there is one. */
function joined(stretches: readonly Sum[]): Sum {
  const first = item(stretches, 0);
  const sum: Sum = { ...first, applied: { ...first.applied } };
  for (const { key } of OUTCOMES) sum[key] = { ...first[key] };
  for (const next of stretches.slice(1)) add(sum, next);
  return sum;
}

/** At most that many, each of about as many neighbours. */
function thinned(list: readonly Sum[], most: number): Sum[] {
  const size = Math.max(1, Math.ceil(list.length / most));
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    joined(list.slice(i * size, (i + 1) * size)),
  );
}

/** The mean score of the steps that had one, in basis points. */
export function meanScoreBp({ tunings, failures, scoreSumBp }: Stretch): number | undefined {
  return tunings > failures ? scoreSumBp / (tunings - failures) : undefined;
}

/** Why most of what the scheme is about had to wait: the largest outcome but `tried` and `noMatch`. */
export function mainObstacle(stretch: Stretch): { title: string; bytes: number } | undefined {
  const waits = OUTCOMES.slice(2).map(({ key, title }) => ({ title, bytes: stretch[key].bytes }));
  const largest = waits.reduce((a, b) => (b.bytes > a.bytes ? b : a), item(waits, 0));
  return largest.bytes > 0 ? largest : undefined;
}
