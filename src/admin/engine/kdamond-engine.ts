/**
 * The engine of a tree that monitors an emulated machine or a recording.
 *
 * Every start begins the source anew: the machine from its first placement, the recording from its
 * beginning. The only place of the tree that knows a monitor of ours; not here: the translation
 * (`context.ts`), the clock of a monitor (`engine-kdamond.ts`).
 */
import { isDeepStrictEqual } from 'node:util';

import { Kdamond } from '../../kdamond.ts';
import {
  type KdamondConfig,
  type KdamondOptions,
  Resolved,
  resolveOptions,
} from '../../kdamond-options.ts';
import type { ContextConfig } from '../../monitor/monitor-options.ts';
import { openMonitor } from '../../native/init.ts';
import type { Emulation, EmulationOptions } from '../../machine/machine.ts';
import type { Recording, RecordingOptions } from '../../trace/recording.ts';
import type { Sampler } from '../../sampler/sampler.ts';
import { refuse } from '../../errors.ts';
import { type Every, SteppedClock, everyOfTheClock } from '../clock.ts';
import type { AdminContext, AdminEngine, AdminKdamond, AdminPerfEvent } from '../engine.ts';
import { AdminError, refused } from '../errno.ts';
import { configOf } from './context.ts';
import { EngineKdamond } from './engine-kdamond.ts';
import { WALL_CLOCK, type WallClock } from './pace.ts';
import { ibsOpEvent, isSoftware, pebsEvent, softwareEvent } from './perf-event.ts';
import { toAdminError } from './refusal.ts';
import { Turns } from './turns.ts';

/** What the monitors of a tree watch, and how fast. */
export interface KdamondEngineOptions extends Pick<KdamondOptions, 'seed' | 'laneSlots'> {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions;
  /**
   * Simulated seconds per second, as far as the processor keeps up. 0: time stands still but for
   * `step`, and for what a command has to wait for. @default 1
   */
  readonly speed?: number;
  /**
   * The number of the emulated machine's PMU `ibs_op`, for the file `type` of a perf event. @default 11
   */
  readonly ibsOpType?: number;
  /** Called when a monitor ends by itself or is stopped; with the error, if it failed. */
  readonly onEnd?: (error?: unknown) => void;
}

const SPEED = 'a number of at least 0';
const IBS_OP_TYPE = 11;
/** Every address that a recording may hold. */
const ANY_MEMORY = [{ start: 0, end: 2 ** 52 }];
/** Never: nobody looks at the snapshots. */
const EVERY_MS = 2 ** 32;
const SAMPLE = 'monitoring_attrs/sample';
const EVENTS = `${SAMPLE}/perf_events`;

/**
 * Runs a {@link Kdamond} for every `on` that is written to an {@link AdminTree}.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE, replayScript } from 'node-damon';
 *
 * const engine = new KdamondEngine({ source: RFC_MACHINE, speed: 0 });
 * const tree = new AdminTree(engine);
 * const script = `
 *   cd /sys/kernel/mm/damon/admin/kdamonds
 *   echo 1 > nr_kdamonds
 *   echo 1 > 0/contexts/nr_contexts
 *   echo paddr > 0/contexts/0/operations
 *   echo 1 > 0/contexts/0/targets/nr_targets
 *   echo on > 0/state
 * `;
 * for await (const { error } of replayScript(tree, script)) if (error) throw error;
 * await engine.step(1_000); // one simulated second
 * await tree.close();
 * ```
 */
export class KdamondEngine implements AdminEngine {
  /** Those that the source offers. */
  readonly operations: readonly string[];
  /** By simulated time. */
  readonly every: Every;
  readonly #stepped = new SteppedClock();
  readonly #steps = new Turns();
  readonly #source: Emulation | Recording;
  readonly #config: KdamondConfig;
  readonly #speed: number;
  readonly #clock: WallClock;
  readonly #ibsOpType: number;
  readonly #onEnd: (error?: unknown) => void;
  readonly #running = new Set<EngineKdamond>();

  /**
   * Opens the source once, to see what it offers.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…` for options, `ERR_DAMON_TRACE_…` for a recording
   */
  constructor(options: KdamondEngineOptions) {
    const { speed = 1, ibsOpType = IBS_OP_TYPE, onEnd, ...more } = options;
    if (typeof speed !== 'number' || !(speed >= 0 && speed < Infinity)) {
      const code = 'ERR_DAMON_CONFIG';
      throw refuse({ code, path: 'speed', expected: SPEED, received: speed });
    }
    // A start says which set; until then one that the source has, whatever its sampler tells.
    const { type } = (more.source ?? {}) as { type?: unknown };
    const operations = type === 'emulation' ? 'paddr' : 'paddr_ibs';
    const config = resolveOptions({ ...more, operations });
    if (config.source.type === 'operations') {
      const [code, received] = ['ERR_DAMON_CONFIG', config.source.type];
      throw refuse({ code, path: 'source.type', expected: '`emulation` or `recording`', received });
    }
    this.#source = fixed(config.source);
    this.#config = { ...config, everyMs: EVERY_MS, source: this.#source };
    this.#speed = speed;
    const ofTheClock: Every = (ms, call) => everyOfTheClock(Math.max(1, ms / speed), call);
    this.every = speed === 0 ? this.#stepped.every : ofTheClock;
    this.#clock = WALL_CLOCK;
    this.#ibsOpType = ibsOpType;
    this.#onEnd = onEnd ?? (() => undefined);
    const probe = openMonitor(this.#config, this.#source);
    this.operations = probe.state().availableOperations;
    probe.close();
  }

  async start(context: AdminContext): Promise<AdminKdamond> {
    const sampler = this.#samplerOf(context);
    this.#expectSampler(context);
    const config = this.#configOf(context, { hasTarget: false, starts: true });
    const kdamond = this.#open({ ...this.#config, ...config }, sampler, context);
    const monitor: EngineKdamond = new EngineKdamond({
      kdamond,
      context,
      speed: this.#speed,
      clock: this.#clock,
      translate: (next, hasTarget, before) => {
        const restarted = this.#restarted(next, before);
        this.#expectSampler(next, monitor);
        return { ...this.#configOf(next, { hasTarget, starts: false }), ...restarted };
      },
      onEnd: (error) => {
        this.#running.delete(monitor);
        this.#onEnd(error);
      },
    });
    this.#running.add(monitor);
    return monitor;
  }

  /**
   * Lets simulated time pass for every monitor that runs, besides what passes by itself.
   *
   * @param ms whole milliseconds; what is left of the last sampling interval is not lost
   */
  async step(ms: number): Promise<void> {
    if (!Number.isSafeInteger(ms) || ms < 0) {
      const expected = 'whole milliseconds, at least 0';
      throw refuse({ code: 'ERR_DAMON_CONFIG', path: 'ms', expected, received: ms });
    }
    await this.#steps.take(() =>
      this.#stepped.step(ms, async (part) => {
        for (const monitor of this.#running) await monitor.step(part);
      }),
    );
  }

  /** Whoever samples by perf events is the only one: `hardware-sampling.md` 8.3. */
  #expectSampler({ sample }: AdminContext, asker?: EngineKdamond): void {
    if (sample.perfEvents.length === 0) return;
    const others = [...this.#running].filter((monitor) => monitor !== asker);
    if (!others.some(({ usesPerf }) => usesPerf)) return;
    throw new AdminError('EBUSY', 'Another monitor owns the sampler', {
      path: `${EVENTS}/nr_perf_events`,
      hint: 'stop it first, or take its perf events away',
    });
  }

  #configOf(context: AdminContext, at: { hasTarget: boolean; starts: boolean }): ContextConfig {
    return configOf(context, { ...at, hasCgroup: (path) => this.#hasCgroup(path) });
  }

  #open(config: KdamondConfig, sampler: Sampler | undefined, context: AdminContext): Kdamond {
    const source = this.#source;
    const sampled = sampler && source.type === 'emulation' ? { ...source, sampler } : source;
    try {
      return new Kdamond(new Resolved({ ...config, source: sampled }));
    } catch (error) {
      throw toAdminError(error, { schemes: context.schemes, noCgroup: 'ENOMEM' });
    }
  }

  /** The sampler that a context programs; `undefined`: the source's own. */
  #samplerOf({ operations, sample: { perfEvents } }: AdminContext): Sampler | undefined {
    const [event] = perfEvents;
    if (event === undefined) return undefined;
    const source = this.#source;
    if (source.type !== 'emulation') {
      const message = 'A recording has been sampled already: perf events cannot be set up';
      throw new AdminError('EOPNOTSUPP', message, { path: `${EVENTS}/nr_perf_events` });
    }
    if (perfEvents.length > 1) {
      const [path, expected] = [
        `${EVENTS}/nr_perf_events`,
        'at most 1: the machine has one sampler',
      ];
      throw refused('EOPNOTSUPP', { path, expected, received: perfEvents.length });
    }
    const isPhysical = operations === 'paddr' || operations === 'paddr_ibs';
    if (event.samplePhysAddr !== isPhysical) {
      const expected = `${Number(isPhysical)}, for addresses such as ${operations} needs`;
      const received = Number(event.samplePhysAddr);
      throw refused('EOPNOTSUPP', { path: `${EVENTS}/0/sample_phys_addr`, expected, received });
    }
    return this.#programmed(event, source);
  }

  #programmed(event: AdminPerfEvent, { sampler, processor }: Emulation): Sampler {
    const path = `${EVENTS}/0`;
    if (isSoftware(event)) return softwareEvent(event, path);
    if (sampler.type === 'pebs') return pebsEvent(event, sampler, path);
    if (sampler.type !== 'ibs_op') {
      const message = 'The machine has neither IBS Op nor PEBS: perf events cannot program it';
      throw new AdminError('EOPNOTSUPP', message, { path: `${EVENTS}/nr_perf_events` });
    }
    if (!event.samplePhysAddr) {
      const expected = '1: IBS Op tells physical addresses';
      throw refused('EOPNOTSUPP', { path: `${path}/sample_phys_addr`, expected, received: 0 });
    }
    const rateHz = sampler.rateHz ?? processor.clockHz;
    return ibsOpEvent(event, { type: this.#ibsOpType, sampler, rateHz }, path);
  }

  /**
   * Sampling restarts where a commit programs the sampler otherwise, and goes on where not. Where no
   * perf event is left, it is the machine's own again.
   */
  #restarted(context: AdminContext, before: AdminContext): { readonly sampler?: Sampler } {
    const [next, last] = [this.#samplerOf(context), this.#samplerOf(before)];
    const source = this.#source;
    if (source.type !== 'emulation') return {};
    const sampler = next ?? source.sampler;
    return isDeepStrictEqual(sampler, last ?? source.sampler) ? {} : { sampler };
  }

  /** Asks the source by a goal about the group: it is refused where there is no such group. */
  #hasCgroup(path: string): boolean {
    const goal = { metric: 'node_memcg_used_bp', nid: 0, memcg: path, targetValue: 1 } as const;
    try {
      const { schemes } = resolveOptions({
        source: { type: 'recording', path: '-' },
        schemes: [{ action: 'stat', quota: { goals: [goal] } }],
      });
      openMonitor({ ...this.#config, schemes }, this.#source).close();
      return true;
    } catch {
      return false;
    }
  }
}

/** What is monitored is the tree's to say: a recording is not followed to where it leads. */
function fixed(source: Emulation | Recording): Emulation | Recording {
  if (source.type === 'emulation' || source.regions.length > 0) return source;
  return { ...source, regions: ANY_MEMORY };
}
