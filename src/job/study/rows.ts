/**
 * The RFC's demonstration: its four rows, each a stretch of its own under one target.
 *
 * Two start cold, half of the hot set on each node. Two are live changes: a share is held for a
 * minute, then the target changes, and the stretch after that is judged. `hardware-sampling.md` 13.1
 * does not say what the share was before; ours are the rows before.
 */
import type { StudyRecord } from '../../report/study.ts';
import type { AttrsOptions } from '../../monitor/attrs.ts';
import { PUBLISHED } from '../demo.ts';
import { secondsOfMinutes } from '../minutes.ts';
import type { Controller, LoopOptions, LoopStep } from './loop.ts';
import { type CaseOptions, type StudyRunOptions, study } from './study.ts';

/** Which rows, under whom, for how long. */
export interface DemoRowsOptions
  extends StudyRunOptions, Omit<LoopOptions, 'steps' | 'controller'> {
  /** Simulated minutes of each row after its start. Above 0, at most 1440. @default 30, the most of the RFC's */
  readonly minutes?: number;
  /** Compared with the first of them. @default ["temporal"], as the RFC */
  readonly controllers?: readonly Controller[];
}

/**
 * What rows under a controller of ours are monitored by: aggregations twice as long as the RFC's, so
 * that small regions are counted rather than missed, and the metric strays half as much.
 */
const OUR_ATTRS: AttrsOptions = { aggregationUs: '200 ms' };
const OURS: ReadonlySet<Controller> = new Set<Controller>(['proportional', 'user_input']);

/** Seconds for which a share is held before it is changed. */
const LEAD_SECONDS = 60;
/** By target: what was held before. */
const BEFORE: Readonly<Record<number, readonly number[]>> = { 90: [70], 85: [70, 90] };

/**
 * Runs the four rows.
 *
 * @example
 * ```ts
 * import { demoRows } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const { runsDone, runsPlanned } = await demoRows({ seeds: 20, signal });
 * console.log(`${runsDone} of ${runsPlanned}`);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export async function demoRows(options: DemoRowsOptions = {}): Promise<StudyRecord> {
  const {
    minutes = 30,
    controllers = ['temporal'],
    source,
    attrs,
    szBytes,
    resetIntervalMs,
    ...how
  } = options;
  const seconds = secondsOfMinutes(minutes, 'ERR_DAMON_CONFIG_STUDY');
  const settings = {
    ...(source && { source }),
    ...(szBytes !== undefined && { szBytes }),
    ...(resetIntervalMs !== undefined && { resetIntervalMs }),
  };
  const cases = PUBLISHED.flatMap((published) =>
    controllers.map((controller): CaseOptions => {
      const { target } = published;
      const before = BEFORE[target] ?? [];
      const steps = [...before.map((share) => step(share, LEAD_SECONDS)), step(target, seconds)];
      const start = before.length === 0 ? 'cold start' : `from ${before.at(-1)} %`;
      const loop = { ...settings, ...attrsOf(controller, attrs), controller, steps };
      return { name: `${target} %, ${start}`, loop, published };
    }),
  );
  return study({ ...how, title: "The RFC's demonstration: PULL + PUSH", cases });
}

function attrsOf(controller: Controller, attrs?: AttrsOptions): Pick<LoopOptions, 'attrs'> {
  if (attrs) return { attrs };
  return OURS.has(controller) ? { attrs: OUR_ATTRS } : {};
}

/** A share of the first of two nodes. */
export function step(percent: number, seconds: number): LoopStep {
  return { weights: [percent, 100 - percent], seconds };
}
