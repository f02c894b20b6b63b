/** All that a live monitor is told, checked and resolved before anything is opened. */
import * as v from 'valibot';

import { type Refusal, refuse } from '../errors.ts';
import { type Range, type RangeOptions, rangesSchema } from '../monitor/memory.ts';
import type { Target } from '../monitor/target.ts';
import {
  type MonitorConfig,
  type MonitorOptions,
  monitorEntries,
  slotsSchema,
} from '../monitor/monitor-options.ts';
import { addressesOf } from '../monitor/operations.ts';
import { type Schema, U32, integer, oneOf, options, resolve } from '../validate.ts';

/**
 * How a live monitor sees accesses. `paddr_ibs`: reports of physical addresses. `fvaddr`: reports
 * of virtual addresses, by process, in regions that stay where they are.
 */
export type LiveOperationsName = 'paddr_ibs' | 'fvaddr';

/**
 * Which snapshot goes when one more than `highWaterMark` would wait: with `dropNewest` the last
 * one, too, if nobody has read.
 */
export type OverflowPolicy = 'dropOldest' | 'dropNewest';

/** A process and its memory. */
export interface LiveTargetOptions {
  /** The process id, as the reports give it; each process once. Minimum: 1. */
  readonly tgid: number;
  /** Its memory to monitor: virtual addresses, sorted and disjoint. At least one range. */
  readonly regions: readonly RangeOptions[];
}

/** What a live monitor watches, how, and what it does about it. */
export interface LiveKdamondOptions extends MonitorOptions {
  /** How accesses are seen. @default "paddr_ibs" */
  readonly operations?: LiveOperationsName;
  /**
   * Physical memory to monitor, sorted and disjoint, at least one range; required by, and only for,
   * `paddr_ibs`.
   */
  readonly regions?: readonly RangeOptions[];
  /** Processes to monitor, at least one; required by, and only for, `fvaddr`. */
  readonly targets?: readonly LiveTargetOptions[];
  /** Snapshots that may wait for their reader, from 1 to 65536. @default 8 */
  readonly highWaterMark?: number;
  /** What happens when one more comes. @default "dropOldest" */
  readonly overflow?: OverflowPolicy;
}

/** Of a shared lane. */
export interface SharedLaneOptions {
  /** A power of two from 1 to 65536. @default the monitor's `laneSlots` */
  readonly slots?: number;
}

/** {@link LiveKdamondOptions}, every one given. */
export interface LiveKdamondConfig extends MonitorConfig {
  readonly operations: LiveOperationsName;
  readonly targets: readonly Target[];
  readonly highWaterMark: number;
  readonly overflow: OverflowPolicy;
}

const RANGES = 'a list of at least one range';
const TARGETS = 'a list of at least one process';

const someRanges: Schema<readonly Range[]> = v.pipe(
  v.custom((input) => Array.isArray(input) && input.length > 0, RANGES),
  rangesSchema,
);

const targetsSchema: Schema<readonly (Target & { readonly tgid: number })[]> = v.pipe(
  v.array(options({ tgid: integer(1, U32), regions: someRanges }), TARGETS),
  v.nonEmpty(TARGETS),
);

const liveSchema = options({
  operations: v.optional(oneOf(['paddr_ibs', 'fvaddr']), 'paddr_ibs'),
  regions: v.optional(someRanges),
  targets: v.optional(targetsSchema),
  highWaterMark: v.optional(integer(1, 65_536), 8),
  overflow: v.optional(oneOf(['dropOldest', 'dropNewest']), 'dropOldest'),
  ...monitorEntries,
});

/**
 * Checks options and fills in what they leave open.
 *
 * @throws DamonError `ERR_DAMON_CONFIG`; `ERR_DAMON_CONFIG_ACTION` and `ERR_DAMON_CONFIG_METRIC` for
 *   schemes that move memory between nodes, or are steered by where it lies: a live monitor knows
 *   no nodes
 */
export function resolveLiveOptions(input: LiveKdamondOptions): LiveKdamondConfig {
  const { regions, targets, ...config } = resolve(liveSchema, input, 'ERR_DAMON_CONFIG');
  config.schemes.forEach(({ action, quota, watermarks, filters }, i) => {
    if (action !== 'stat') {
      throw notHere(
        'ACTION',
        `schemes[${i}].action`,
        '`stat`: it watches memory, it moves none',
        action,
      );
    }
    quota.goals.forEach(({ metric }, j) => {
      if (metric === 'user_input' || typeof metric === 'object') return;
      const path = `schemes[${i}].quota.goals[${j}].metric`;
      throw notHere('METRIC', path, '`user_input`, or one of your own: it knows no nodes', metric);
    });
    if (watermarks.metric !== 'none') {
      const path = `schemes[${i}].watermarks.metric`;
      throw notHere('METRIC', path, '`none`: it knows no free memory', watermarks.metric);
    }
    filters.forEach(({ type }, j) => {
      if (type === 'addr' || type === 'target') return;
      const path = `schemes[${i}].filters[${j}].type`;
      throw notHere('FILTER', path, '`addr` or `target`: it knows no pages', type);
    });
  });
  return {
    ...config,
    addresses: addressesOf(config.operations),
    addrUnit: 1,
    targets: resolveTargets(config.operations, regions, targets),
  };
}

const sharedLaneSchema = options({ slots: v.optional(slotsSchema) });

/**
 * Checks the options of a shared lane.
 *
 * @throws DamonError `ERR_DAMON_CONFIG`
 */
export function resolveSlots(input: SharedLaneOptions): number | undefined {
  return resolve(sharedLaneSchema, input, 'ERR_DAMON_CONFIG').slots;
}

function resolveTargets(
  operations: LiveOperationsName,
  regions: readonly Range[] | undefined,
  targets: readonly Target[] | undefined,
): readonly Target[] {
  const code = 'ERR_DAMON_CONFIG';
  const [wanted, other] =
    operations === 'paddr_ibs'
      ? (['regions', 'targets'] as const)
      : (['targets', 'regions'] as const);
  const given = { regions, targets };
  if (given[other] !== undefined) {
    const expected = `absent: \`${operations}\` monitors \`${wanted}\``;
    throw refuse({ code, path: other, expected, received: given[other] });
  }
  if (given[wanted] === undefined) {
    const expected = `${{ regions: RANGES, targets: TARGETS }[wanted]}, which \`${operations}\` needs`;
    throw refuse({ code, path: wanted, expected, received: undefined });
  }
  return targets ?? [{ regions: regions ?? [] }];
}

/** A scheme that a live monitor cannot carry out. */
function notHere(
  kind: 'ACTION' | 'FILTER' | 'METRIC',
  path: string,
  expected: string,
  received: Refusal['received'],
): Error {
  return refuse({ code: `ERR_DAMON_CONFIG_${kind}`, path, expected, received });
}
