/** All that a monitor is told, checked and resolved before anything is opened. */
import * as v from 'valibot';

import { refuse } from './errors.ts';
import { METRICS } from './goal/metric.ts';
import { type Emulation, type EmulationOptions, emulationSchema } from './machine/machine.ts';
import { ATTRS_DEFAULT, type Attrs, type AttrsOptions, attrsSchema } from './monitor/attrs.ts';
import { type OperationsName, operationsSchema } from './monitor/operations.ts';
import { type Scheme, type SchemeOptions, schemeSchema } from './scheme/scheme.ts';
import { type Recording, type RecordingOptions, recordingSchema } from './trace/recording.ts';
import type { Duration } from './units.ts';
import { SAFE, type Schema, either, integer, options, quantityOf, resolve } from './validate.ts';

/** What a monitor watches, how, and what it does about it. */
export interface KdamondOptions {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions;
  /** How they are seen. @default "paddr_ibs", which both sources offer */
  readonly operations?: OperationsName;
  /** How often, and how finely. */
  readonly attrs?: AttrsOptions;
  /** What to do, in order. @default nothing */
  readonly schemes?: readonly SchemeOptions[];
  /** Time between snapshots, rounded up to whole aggregations; 0 for each. @default "1 s" */
  readonly everyMs?: Duration;
  /** Slots of each lane, a power of two from 1 to 65536. @default 256 */
  readonly laneSlots?: number;
  /** Decides every random draw: the same options and seed give the same bytes. @default 1 */
  readonly seed?: number;
}

/** {@link KdamondOptions}, every one given. */
export interface KdamondConfig {
  readonly source: Emulation | Recording;
  readonly operations: OperationsName;
  readonly attrs: Attrs;
  readonly schemes: readonly Scheme[];
  readonly everyMs: number;
  readonly laneSlots: number;
  readonly seed: number;
}

const POWER_OF_TWO = 'a power of two from 1 to 65536';
const SOURCE_TYPES = either(['emulation', 'recording']);
/** The addon counts the time between snapshots in nanoseconds. */
const EVERY_MS_MAX = Math.floor(SAFE / 1_000_000);

const sourceSchema: Schema<Emulation | Recording> = v.lazy((input) => {
  const { type } = (input ?? {}) as { type?: unknown };
  if (type === 'emulation') return emulationSchema;
  return type === 'recording' ? recordingSchema : unknownSource;
});

/** Refuses anything, at the field that should have told which source it is. */
const unknownSource: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(SOURCE_TYPES) }, ({ path }) =>
    path ? SOURCE_TYPES : 'a recording or an emulation',
  ),
  v.transform(({ type }) => type),
);

const kdamondSchema: Schema<KdamondConfig> = options({
  source: sourceSchema,
  operations: v.optional(operationsSchema, 'paddr_ibs'),
  attrs: v.optional(attrsSchema, ATTRS_DEFAULT),
  schemes: v.optional(v.array(schemeSchema), []),
  everyMs: v.optional(
    v.pipe(
      quantityOf('ms'),
      v.check((ms) => ms <= EVERY_MS_MAX, `at most ${EVERY_MS_MAX} milliseconds`),
    ),
    1_000,
  ),
  laneSlots: v.optional(
    v.pipe(
      integer(1, 65_536),
      v.check((slots) => Number.isInteger(Math.log2(slots)), POWER_OF_TWO),
    ),
    256,
  ),
  seed: v.optional(integer(0, SAFE), 1),
});

/**
 * Checks options and fills in what they leave open.
 *
 * @throws DamonError `ERR_DAMON_CONFIG`, or `ERR_DAMON_CONFIG_METRIC` for a goal that the operations
 *   set cannot measure
 */
export function resolveOptions(input: KdamondOptions): KdamondConfig {
  const config = resolve(kdamondSchema, input, 'ERR_DAMON_CONFIG');
  config.schemes.forEach((scheme, i) => {
    scheme.quota.goals.forEach(({ metric }, j) => {
      if (METRICS[metric].supports(config.operations)) return;
      throw refuse({
        code: 'ERR_DAMON_CONFIG_METRIC',
        path: `schemes[${i}].quota.goals[${j}].metric`,
        expected: `a metric that \`${config.operations}\` can measure`,
        received: metric,
        hint: 'node_eligible_mem_bp needs a physical operations set, such as paddr_ibs',
      });
    });
  });
  return config;
}
