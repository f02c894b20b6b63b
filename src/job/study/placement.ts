/**
 * One run of an emulated machine under who places its pages: schemes fed by a sampler, a policy of the
 * machine's own, or nobody.
 *
 * Told by plain data, so that a worker can be; leaves plain data behind. Not here: which of them are
 * compared, or what that means.
 */
import { Kdamond } from '../../kdamond.ts';
import type { Tuning } from '../../goal/control.ts';
import type { EmulationOptions } from '../../machine/machine.ts';
import type { AttrsOptions } from '../../monitor/attrs.ts';
import type { OperationsName } from '../../monitor/operations.ts';
import type { MonitorCounters } from '../../report/counters.ts';
import { HALF_PERCENT, type PlacementRun, THERE_PERCENT } from '../../report/placement.ts';
import { type Books, balance } from '../../report/record.ts';
import type { SchemeOptions } from '../../scheme/scheme.ts';
import { type ClimbOptions, Climb } from './climb.ts';
import type { LoopRunOptions } from './loop.ts';

/** A search for the share of the fast node with which the workload is fastest. */
export interface SearchOptions extends ClimbOptions {
  /** Seconds between two steps, from 2: the first for pages to move, the last two are measured. */
  readonly everySeconds: number;
}

/** A machine, and who places its pages. Node 0 is the fast one. */
export interface PlacementOptions {
  readonly source: EmulationOptions;
  /** @default "paddr_ibs" */
  readonly operations?: OperationsName;
  readonly attrs?: AttrsOptions;
  /** Of each lane. @default the monitor's */
  readonly laneSlots?: number;
  /** @default none */
  readonly schemes?: readonly SchemeOptions[];
  /** How long it runs. */
  readonly seconds: number;
  /** From where it is judged. */
  readonly fromSecond: number;
  /** Steers the goals of the first two schemes, shares of nodes 0 and 1. @default no search */
  readonly search?: SearchOptions;
}

/** Moves nothing: makes the monitor look at the nodes ten times a second. */
const METER: SchemeOptions = {
  name: 'meter',
  action: 'stat',
  quota: {
    resetIntervalMs: '100 ms',
    goals: [{ metric: 'node_mem_free_bp', nid: 0, targetValue: '100 %' }],
  },
};
/** Where nobody but the meter looks: that it looks is not to show. */
const METER_ATTRS: AttrsOptions = { minNrRegions: 3, maxNrRegions: 10 };
const PAGE = 4096;

/**
 * Runs a machine to its end.
 *
 * @throws DamonError for options that cannot be
 */
export async function runPlacement(
  options: PlacementOptions,
  how: LoopRunOptions,
): Promise<PlacementRun> {
  using run = new Placement(options, how.seed);
  await run.toEnd(how);
  return run.result(how.seed);
}

class Placement implements Disposable {
  readonly #options: PlacementOptions;
  readonly #kdamond: Kdamond;
  /** Place of {@link METER}. */
  readonly #meter: number;
  readonly #hotPercent: Float64Array;
  readonly #freePercent: Float64Array;
  readonly #opsHz: Float64Array;
  readonly #movedBytes: Float64Array;
  readonly #overheadNs: Float64Array;
  readonly #climb: Climb | undefined;
  #halfSeconds: number | null = null;
  #rampSeconds: number | null = null;
  #before = { ops: 0, moved: 0, overhead: 0 };

  constructor(options: PlacementOptions, seed: number) {
    const { source, operations, laneSlots, schemes = [], seconds, search } = options;
    const attrs = schemes.length === 0 ? METER_ATTRS : options.attrs;
    const series = (): Float64Array => new Float64Array(seconds).fill(NaN);
    this.#options = options;
    this.#meter = schemes.length;
    this.#hotPercent = series();
    this.#freePercent = series();
    this.#opsHz = series();
    this.#movedBytes = series();
    this.#overheadNs = series();
    this.#climb = search && new Climb(search);
    this.#kdamond = new Kdamond({
      // Several runs go on side by side.
      source: { ...source, threads: 1 },
      seed,
      everyMs: '1 s',
      ...(laneSlots !== undefined && { laneSlots }),
      ...(operations && { operations }),
      ...(attrs && { attrs }),
      schemes: [...schemes, METER],
    });
  }

  async toEnd({ signal, onProgress, onThisThread = false }: LoopRunOptions): Promise<void> {
    const { seconds, search } = this.#options;
    const stretch = search?.everySeconds ?? seconds;
    for (let until = stretch; until - stretch < seconds; until += stretch) {
      const run = this.#kdamond.snapshots({
        untilMs: Math.min(until, seconds) * 1_000,
        onThisThread,
        onTuning: (tuning) => this.#note(tuning),
        ...(signal && { signal }),
      });
      for await (const { timeNs } of run) {
        const second = Number(timeNs) / 1e9;
        this.#account(Math.round(second) - 1);
        onProgress?.(second);
      }
      this.#step(Math.min(until, seconds) - 1);
    }
  }

  result(seed: number): PlacementRun {
    const found = this.#climb?.best;
    return {
      seed,
      fromSecond: this.#options.fromSecond,
      hotPercent: this.#hotPercent,
      freePercent: this.#freePercent,
      halfSeconds: this.#halfSeconds,
      rampSeconds: this.#rampSeconds,
      opsHz: this.#opsHz,
      movedBytes: this.#movedBytes,
      overheadNs: this.#overheadNs,
      ...(found !== undefined && { foundPercent: found / 100 }),
      unbalanced: balance(this.#kdamond.books)
        .filter(({ offBy }) => offBy !== 0n)
        .map(({ equation }) => equation.name),
    };
  }

  [Symbol.dispose](): void {
    this.#kdamond.close();
  }

  /** What the machine and the meter know when a window opens. */
  #note({ timeNs, scheme, goals, hotBytes = [] }: Tuning): void {
    if (scheme !== this.#meter) return;
    const seconds = Number(timeNs) / 1e9;
    const second = Math.floor(seconds);
    if (second >= this.#freePercent.length) return;
    const total = hotBytes.reduce((sum, bytes) => sum + bytes, 0);
    const hotPercent = total > 0 ? ((hotBytes[0] ?? 0) / total) * 100 : NaN;
    this.#freePercent[second] = (goals[0]?.currentValue ?? NaN) / 100;
    this.#hotPercent[second] = hotPercent;
    const since = seconds - this.#options.fromSecond;
    // What is read as the stretch begins is what was before.
    if (since <= 0) return;
    if (hotPercent >= HALF_PERCENT) this.#halfSeconds ??= since;
    if (hotPercent >= THERE_PERCENT) this.#rampSeconds ??= since;
  }

  /**
   * CPU time of the sampler, of looking for the schemes and of what they do, of the policy, and of
   * waiting for pages on their way.
   */
  #overheadOf({ counters }: Books<MonitorCounters>): number {
    const { sampler, accessChecks, policy, machine } = counters;
    const checksNs = this.#meter > 0 ? (accessChecks?.overheadNs ?? 0) : 0;
    const schemesNs = Object.values(counters.schemes).reduce((sum, s) => sum + s.totalChargedNs, 0);
    const movesNs = schemesNs + (policy?.busyNs ?? 0) + (machine?.waitedNs ?? 0);
    return (sampler?.overheadNs ?? 0) + checksNs + movesNs;
  }

  /** What became of a second, at its end. */
  #account(second: number): void {
    const { throughput, books } = this.#kdamond;
    const { ops, moved, overhead } = this.#before;
    const now = {
      ops: throughput?.processes.reduce((sum, process) => sum + process.ops, 0) ?? NaN,
      moved: movedBytes(books),
      overhead: this.#overheadOf(books),
    };
    this.#before = now;
    // All that were made, not the speed as it ends: pages move as it begins.
    this.#opsHz[second] = now.ops - ops;
    this.#movedBytes[second] = now.moved - moved;
    this.#overheadNs[second] = now.overhead - overhead;
  }

  /** A step of the search, by what the last two seconds were like. */
  #step(second: number): void {
    const targetBp = this.#climb?.next(
      (this.#opsHz[second] ?? NaN) + (this.#opsHz[second - 1] ?? NaN),
    );
    if (targetBp === undefined) return;
    const metric = 'node_eligible_mem_bp';
    this.#kdamond.setGoal(0, 0, { metric, nid: 0, targetValue: targetBp });
    this.#kdamond.setGoal(1, 0, { metric, nid: 1, targetValue: 10_000 - targetBp });
  }
}

/** By schemes or by a policy. */
function movedBytes({ counters }: Books<MonitorCounters>): number {
  return (counters.machine?.migratedPages ?? 0) * PAGE;
}
