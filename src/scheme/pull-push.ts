/**
 * The RFC's pair of schemes that hold a share of hot memory on one of two nodes.
 *
 * PULL moves hot memory to the node while its share is below the target; PUSH moves it away while
 * the other node's is. Both are `migrate_hot`, each limited by an address filter to memory that is
 * not yet where it moves it. `hardware-sampling.md` 9.3.
 */
import type { RangeOptions } from '../monitor/memory.ts';
import type { TunerName } from '../goal/tuner/tuners.ts';
import type { Bytes, Duration } from '../units.ts';
import type { SchemeOptions } from './scheme.ts';

/** A node of the pair. */
export interface PullPushNode extends RangeOptions {
  readonly id: number;
}

/** What to hold, where, and how hard to work for it. */
export interface PullPushOptions {
  /** The node that is to hold the share. */
  readonly fast: PullPushNode;
  /** The node that is to hold the rest. */
  readonly slow: PullPushNode;
  /** The share in basis points, from 1 to 9999. */
  readonly targetBp: number;
  /** Bytes each scheme may move per window. @default "512 MiB" */
  readonly szBytes?: Bytes;
  /** Length of a window. @default "1 s" */
  readonly resetIntervalMs?: Duration;
  /** @default "temporal" */
  readonly tuner?: TunerName;
}

/** The two schemes, PULL first. The defaults are the RFC's settings. */
export function pullPush(options: PullPushOptions): [pull: SchemeOptions, push: SchemeOptions] {
  const { fast, slow, targetBp } = options;
  return [
    migrateHot('PULL', slow, fast, targetBp, options),
    migrateHot('PUSH', fast, slow, 10_000 - targetBp, options),
  ];
}

function migrateHot(
  name: string,
  from: PullPushNode,
  to: PullPushNode,
  targetValue: number,
  { szBytes = '512 MiB', resetIntervalMs = '1 s', tuner = 'temporal' }: PullPushOptions,
): SchemeOptions {
  return {
    name,
    action: 'migrate_hot',
    targetNid: to.id,
    pattern: { nrAccesses: { min: 1 } },
    quota: {
      szBytes,
      resetIntervalMs,
      weights: { nrAccessesPermil: 1000, agePermil: 1000 },
      goals: [{ metric: 'node_eligible_mem_bp', nid: to.id, targetValue }],
      tuner,
    },
    filters: [
      { type: 'addr', range: { start: from.start, end: from.end }, matching: true, allow: true },
    ],
  };
}
