/**
 * Shares over any number of nodes, from one vector of weights.
 *
 * The machine is the RFC's with more nodes: each of 128 GiB, the hot set spread evenly over all.
 */
import { refuse } from '../../errors.ts';
import type { EmulationOptions } from '../../machine/machine.ts';
import { RFC_MACHINE } from '../../machine/preset.ts';
import type { StudyRecord } from '../../report/study.ts';
import { secondsOfMinutes } from '../minutes.ts';
import type { Controller, LoopOptions } from './loop.ts';
import { type StudyRunOptions, study } from './study.ts';

/** Which shares, under whom, for how long. */
export interface SharesOptions extends StudyRunOptions, Omit<LoopOptions, 'steps' | 'controller'> {
  /** By node, each above 0; at least two. @default [5, 3, 2] */
  readonly weights?: readonly number[];
  /** Simulated minutes. Above 0, at most 1440. @default 5 */
  readonly minutes?: number;
  /** Compared with the first of them. @default ["proportional"] */
  readonly controllers?: readonly Controller[];
}

const NODE_GIB = 128;
const NODES_MAX = 32;

/**
 * Holds the shares.
 *
 * @example
 * ```ts
 * import { shares } from 'node-damon';
 *
 * const record = await shares({ weights: [5, 3, 2], minutes: 0.1 });
 * console.log(record.runsDone); // 1
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, `ERR_DAMON_CONFIG_SHARES`
 */
export async function shares(options: SharesOptions = {}): Promise<StudyRecord> {
  const { weights = [5, 3, 2], minutes = 5, controllers = ['proportional'], ...more } = options;
  const { source = machineWith(weights.length), attrs, szBytes, resetIntervalMs, ...how } = more;
  const name = `${weights.join(':')} over ${weights.length} nodes`;
  const loop = {
    source,
    steps: [{ weights, seconds: secondsOfMinutes(minutes, 'ERR_DAMON_CONFIG_STUDY') }],
    ...(attrs && { attrs }),
    ...(szBytes !== undefined && { szBytes }),
    ...(resetIntervalMs !== undefined && { resetIntervalMs }),
  };
  const cases = controllers.map((controller) => ({ name, loop: { ...loop, controller } }));
  return study({ ...how, title: `Shares of hot memory: ${name}`, cases });
}

/** The RFC's machine with another number of nodes. */
function machineWith(count: number): EmulationOptions {
  if (count < 2 || count > NODES_MAX) {
    const expected = `from 2 to ${NODES_MAX} weights`;
    throw refuse({ code: 'ERR_DAMON_CONFIG_STUDY', path: 'weights', expected, received: count });
  }
  const nodes = Array.from({ length: count }, (_, i) => ({
    name: `node ${i}`,
    start: `${i * NODE_GIB} GiB`,
    end: `${(i + 1) * NODE_GIB} GiB`,
  }));
  return { ...RFC_MACHINE, nodes };
}
