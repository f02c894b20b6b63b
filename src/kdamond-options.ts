/** All that a monitor is told, checked and resolved before anything is opened. */
import * as v from 'valibot';

import { refuse } from './errors.ts';
import { METRICS } from './goal/metric.ts';
import { type Emulation, type EmulationOptions, emulationSchema } from './machine/machine.ts';
import {
  type MonitorConfig,
  type MonitorOptions,
  monitorEntries,
} from './monitor/monitor-options.ts';
import { type OperationsName, operationsSchema } from './monitor/operations.ts';
import { type Recording, type RecordingOptions, recordingSchema } from './trace/recording.ts';
import { type Schema, either, options, resolve } from './validate.ts';

/** What a monitor watches, how, and what it does about it. */
export interface KdamondOptions extends MonitorOptions {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions;
  /** How they are seen. @default "paddr_ibs", which both sources offer */
  readonly operations?: OperationsName;
}

/** {@link KdamondOptions}, every one given. */
export interface KdamondConfig extends MonitorConfig {
  readonly source: Emulation | Recording;
}

const SOURCE_TYPES = either(['emulation', 'recording']);

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
  ...monitorEntries,
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
