/** What a monitor keeps of its tuners' steps and of its rounds, to tell why schemes did what they did. */
import type { RoundColumns } from '../native/binding.cjs';
import { refuse } from './errors.ts';
import type { Tuning } from './goal/control.ts';
import { native } from './native/binding.ts';
import { type ExplainOptions, type Explanation, RecordLog } from './report/explanation.ts';
import type { Round } from './report/round.ts';
import { RoundLog } from './report/round-log.ts';
import { quantity } from './units.ts';
import { didYouMean, either } from './validate.ts';

/** Records of either kind that are kept: as many rounds as the addon keeps. */
const RECORDS = 8192;
const NS_PER_MS = 1_000_000n;

/** The monitor that is explained, as it is now. */
export interface ExplainedMonitor {
  /** Names of its schemes, in order. */
  readonly schemes: readonly string[];
  /** When monitoring started, on the source's clock. */
  readonly startNs: bigint;
}

/** The records of one monitor. */
export class Explainer {
  readonly #fetch: () => RoundColumns;
  readonly #tunings = new RecordLog<Tuning>(RECORDS);
  readonly #rounds = new RoundLog(RECORDS, native());
  /** Rounds that the addon had to drop before they were fetched. */
  #unfetched = 0;
  /** Of {@link #rounds}: how many {@link takeRounds} has seen. */
  #taken = 0;
  #missed = 0;

  /** @param fetch takes the accounts of rounds that the addon holds */
  constructor(fetch: () => RoundColumns) {
    this.#fetch = fetch;
  }

  addTunings(tunings: readonly Tuning[]): void {
    this.#tunings.add(tunings);
  }

  /** The rounds since the last call, oldest first. */
  takeRounds(): Round[] {
    this.#fetchRounds();
    const rounds = this.#rounds.since(this.#taken);
    this.#missed += this.#rounds.total - this.#taken - rounds.length;
    this.#taken = this.#rounds.total;
    return rounds;
  }

  /** Rounds that had to make room until {@link takeRounds} was called last. */
  get roundsDropped(): number {
    return this.#unfetched + this.#missed;
  }

  /**
   * The records that are asked for; takes none away.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_SCHEME`, `ERR_DAMON_CONFIG_UNIT`
   */
  explain({ scheme, fromMs, toMs }: ExplainOptions, monitor: ExplainedMonitor): Explanation {
    const index = scheme === undefined ? undefined : schemeIndex(scheme, monitor.schemes);
    const timeNs = (sinceStartMs: number | string, path: string): bigint =>
      monitor.startNs + BigInt(quantity(sinceStartMs, 'ms', path)) * NS_PER_MS;
    const fromNs = timeNs(fromMs ?? 0, 'fromMs');
    const toNs = toMs === undefined ? undefined : timeNs(toMs, 'toMs');
    const isAsked = (record: Tuning | Round): boolean =>
      (index === undefined || record.scheme === index) &&
      fromNs <= record.timeNs &&
      (toNs === undefined || record.timeNs < toNs);
    this.#fetchRounds();
    return {
      tunings: this.#tunings.items.filter(isAsked),
      rounds: this.#rounds.since(0).filter(isAsked),
      dropped: {
        tunings: this.#tunings.dropped,
        rounds: this.#unfetched + this.#rounds.dropped,
      },
    };
  }

  #fetchRounds(): void {
    const columns = this.#fetch();
    this.#unfetched = columns.dropped;
    this.#rounds.add(columns);
  }
}

function schemeIndex(scheme: number | string, names: readonly string[]): number {
  const index = typeof scheme === 'string' ? names.indexOf(scheme) : scheme;
  if (names[index] !== undefined) return index;
  throw refuse({
    code: 'ERR_DAMON_CONFIG_SCHEME',
    path: 'scheme',
    expected: `a scheme: ${either(names) || 'there is none'}, or its place from 0`,
    received: scheme,
    hint: didYouMean(String(scheme), names),
  });
}
