/** All that a monitor is told, checked and resolved before anything is opened. */
import * as v from 'valibot';

import { type Emulation, type EmulationOptions, emulationSchema } from './machine/machine.ts';
import {
  type ContextConfig,
  type ContextOptions,
  type MonitorConfig,
  type MonitorOptions,
  checkSchemes,
  contextEntries,
  monitorEntries,
} from './monitor/monitor-options.ts';
import { type OperationsName, operationsSchema } from './monitor/operations.ts';
import { type Target, type TargetOptions, targetsSchema } from './monitor/target.ts';
import { type Recording, type RecordingOptions, recordingSchema } from './trace/recording.ts';
import { SAFE, type Schema, choice, either, integer, options, resolve } from './validate.ts';

/** What of a source is monitored, and how it is seen. */
interface ViewOptions {
  /** How accesses are seen. @default "paddr_ibs", which both sources offer */
  readonly operations?: OperationsName;
  /**
   * What to monitor. @default all physical memory; with virtual sets all processes. In a commit:
   * what there is
   */
  readonly targets?: readonly TargetOptions[];
  /**
   * Bytes of a core address unit, of `paddr` only: what the core counts addresses and sizes in. A
   * power of two; a region is then a multiple of 4096 bytes or one unit. @default 1
   */
  readonly addrUnit?: number;
}

/** What a monitor watches, how, and what it does about it. */
export interface KdamondOptions extends MonitorOptions, ViewOptions {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions;
}

/** What can be changed while a monitor is at work; all of it, what is left out too. */
export interface CommitOptions extends ContextOptions, ViewOptions {}

/** {@link KdamondOptions}, every one given. */
export interface KdamondConfig extends MonitorConfig {
  readonly source: Emulation | Recording;
}

const SOURCE_TYPES = either(['emulation', 'recording']);

const sourceSchema: Schema<Emulation | Recording> = choice<Emulation | Recording>(
  [emulationSchema, recordingSchema],
  (input) => {
    const { type } = (input ?? {}) as { type?: unknown };
    if (type === 'emulation') return emulationSchema;
    return type === 'recording' ? recordingSchema : unknownSource;
  },
);

/** Refuses anything, at the field that should have told which source it is. */
const unknownSource: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(SOURCE_TYPES) }, ({ path }) =>
    path ? SOURCE_TYPES : 'a recording or an emulation',
  ),
  v.transform(({ type }) => type),
);

const viewEntries: {
  readonly operations: v.OptionalSchema<Schema<OperationsName>, 'paddr_ibs'>;
  readonly targets: v.OptionalSchema<Schema<readonly Target[]>, undefined>;
  readonly addrUnit: v.OptionalSchema<Schema<number>, 1>;
} = {
  operations: v.optional(operationsSchema, 'paddr_ibs'),
  targets: v.optional(targetsSchema),
  addrUnit: v.optional(integer(1, SAFE), 1),
};

/** The fields of {@link KdamondOptions}, for a schema that has others besides. */
export const kdamondEntries: typeof viewEntries &
  typeof monitorEntries & { readonly source: Schema<Emulation | Recording> } = {
  source: sourceSchema,
  ...viewEntries,
  ...monitorEntries,
};

/** The fields of {@link CommitOptions}, likewise. */
export const commitEntries: typeof viewEntries & typeof contextEntries = {
  ...viewEntries,
  ...contextEntries,
};

const kdamondSchema: Schema<KdamondConfig> = options(kdamondEntries);

const commitSchema: Schema<ContextConfig> = options(commitEntries);

/**
 * Checks options and fills in what they leave open.
 *
 * @throws DamonError `ERR_DAMON_CONFIG`; `ERR_DAMON_CONFIG_METRIC` and `ERR_DAMON_CONFIG_ACTION` for a
 *   goal or an action that the operations set does not know
 */
export function resolveOptions(input: KdamondOptions): KdamondConfig {
  const config = resolve(kdamondSchema, input, 'ERR_DAMON_CONFIG');
  checkSchemes(config);
  return config;
}

/** {@link resolveOptions} of what a commit changes. */
export function resolveCommit(input: CommitOptions): ContextConfig {
  const context = resolve(commitSchema, input, 'ERR_DAMON_CONFIG');
  checkSchemes(context);
  return context;
}
