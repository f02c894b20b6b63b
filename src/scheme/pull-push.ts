/**
 * The RFC's pair of schemes that hold a share of hot memory on one of two nodes.
 *
 * PULL moves hot memory to the node while its share is below the target; PUSH moves it away while
 * the other node's is. Both are `migrate_hot`, each limited by an address filter to memory that is
 * not yet where it moves it. `hardware-sampling.md` 9.3. For more nodes, or other ways to steer:
 * `holdShares`.
 */
import type { TunerName } from '../goal/tuner/tuners.ts';
import type { RangeOptions } from '../monitor/memory.ts';
import { type TransferOptions, migrateHot } from './hold-shares.ts';
import type { SchemeOptions } from './scheme.ts';

/** A node of the pair. */
export interface PullPushNode extends RangeOptions {
  readonly id: number;
}

/** What to hold, where, and how hard to work for it. */
export interface PullPushOptions extends TransferOptions {
  /** The node that is to hold the share. */
  readonly fast: PullPushNode;
  /** The node that is to hold the rest. */
  readonly slow: PullPushNode;
  /** The share in basis points, from 1 to 9999. */
  readonly targetBp: number;
  /** @default "temporal" */
  readonly tuner?: TunerName;
}

/**
 * The two schemes, PULL first. The defaults are the RFC's settings.
 *
 * @example
 * ```ts
 * import { Kdamond, RFC_MACHINE, pullPush } from 'node-damon';
 *
 * const schemes = pullPush({
 *   fast: { id: 0, start: 0, end: '128 GiB' },
 *   slow: { id: 1, start: '128 GiB', end: '256 GiB' },
 *   targetBp: 7000,
 * });
 * using kdamond = new Kdamond({ source: RFC_MACHINE, schemes });
 * await kdamond.run({ untilMs: '2 s' });
 * ```
 */
export function pullPush(options: PullPushOptions): [pull: SchemeOptions, push: SchemeOptions] {
  const { fast, slow, targetBp } = options;
  return [
    scheme('PULL', slow, fast, targetBp, options),
    scheme('PUSH', fast, slow, 10_000 - targetBp, options),
  ];
}

function scheme(
  name: string,
  from: PullPushNode,
  to: PullPushNode,
  targetValue: number,
  { tuner = 'temporal', ...options }: PullPushOptions,
): SchemeOptions {
  const goals = [{ metric: 'node_eligible_mem_bp', nid: to.id, targetValue } as const];
  return migrateHot({ ...options, name, from, to, steering: { goals, tuner } });
}
