/** An engine that records what it is asked, and answers what it is told to. */
import type {
  AdminContext,
  AdminEngine,
  AdminGoal,
  AdminKdamond,
  AdminStats,
  AdminTriedRegions,
  AdminTunedIntervals,
} from '../../src/admin/engine.ts';

export class FakeEngine implements AdminEngine {
  operations: readonly string[] = ['vaddr', 'fvaddr', 'paddr', 'paddr_ibs'];
  readonly contexts: AdminContext[] = [];
  readonly kdamonds: FakeKdamond[] = [];
  /** What the next start rejects with. */
  failure: unknown;

  async start(context: AdminContext): Promise<AdminKdamond> {
    this.contexts.push(context);
    if (this.failure !== undefined) throw this.failure;
    const kdamond = new FakeKdamond(4_000 + this.kdamonds.length);
    this.kdamonds.push(kdamond);
    return kdamond;
  }

  get context(): AdminContext {
    return lastOf(this.contexts);
  }

  get kdamond(): FakeKdamond {
    return lastOf(this.kdamonds);
  }
}

export class FakeKdamond implements AdminKdamond {
  running = true;
  readonly pid: number;
  /** Names of what was asked, in order. */
  readonly calls: string[] = [];
  readonly committed: AdminContext[] = [];
  readonly committedGoals: (readonly (readonly AdminGoal[])[])[] = [];
  /** What everything asked rejects with. */
  failure: unknown;
  /** What every answer waits for. */
  gate: Promise<void> | undefined;

  intervals: AdminTunedIntervals = { sampleUs: 1n, aggregationUs: 20n };
  counters: readonly AdminStats[] = [];
  bytes: readonly bigint[] = [];
  tried: readonly AdminTriedRegions[] = [];

  constructor(pid: number) {
    this.pid = pid;
  }

  async stop(): Promise<void> {
    await this.#answer('stop');
    this.running = false;
  }
  async commit(context: AdminContext): Promise<void> {
    await this.#answer('commit');
    this.committed.push(context);
  }
  async commitGoals(goals: readonly (readonly AdminGoal[])[]): Promise<void> {
    await this.#answer('commitGoals');
    this.committedGoals.push(goals);
  }
  async stats(): Promise<readonly AdminStats[]> {
    await this.#answer('stats');
    return this.counters;
  }
  async effectiveBytes(): Promise<readonly bigint[]> {
    await this.#answer('effectiveBytes');
    return this.bytes;
  }
  async tunedIntervals(): Promise<AdminTunedIntervals> {
    await this.#answer('tunedIntervals');
    return this.intervals;
  }
  async triedRegions(): Promise<readonly AdminTriedRegions[]> {
    await this.#answer('triedRegions');
    return this.tried;
  }

  async #answer(call: string): Promise<void> {
    this.calls.push(call);
    if (this.gate) await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }
}

function lastOf<T>(list: readonly T[]): T {
  const last = list.at(-1);
  if (last === undefined) throw new Error('There is none yet');
  return last;
}

/** Counters of which each has another value. */
export function statsFrom(first: bigint): AdminStats {
  return {
    nrTried: first,
    szTried: first + 1n,
    nrApplied: first + 2n,
    szApplied: first + 3n,
    szOpsFilterPassed: first + 4n,
    qtExceeds: first + 5n,
    nrSnapshots: first + 6n,
  };
}
