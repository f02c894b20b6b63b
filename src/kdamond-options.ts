/** All that a monitor is told, checked and resolved before anything is opened. */
import * as v from 'valibot';

import { refuse } from './errors.ts';
import { type Goal, type GoalOptions, goalSchema } from './goal/goal.ts';
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
import { type Addresses, addressesOf, operationsSchema } from './monitor/operations.ts';
import { type Target, type TargetOptions, targetsSchema } from './monitor/target.ts';
import type { OperationsSet } from './operations/operations-set.ts';
import {
  type OperationsSource,
  type OperationsSourceOptions,
  checkGauges,
  operationsSourceSchema,
  targetsOf,
} from './operations/source.ts';
import { type Sampler, type SamplerOptions, samplerSchema } from './sampler/sampler.ts';
import { type Recording, type RecordingOptions, recordingSchema } from './trace/recording.ts';
import { SAFE, type Schema, choice, either, integer, options, resolve } from './validate.ts';

/** What of a source is monitored, and how it is seen. */
interface ViewOptions {
  /**
   * The operations set: how accesses are seen. One of the kernel's names that the source offers, or
   * of a registry of your own sets. @default "paddr_ibs"; of your own sets the one the source names
   * @kernel operations
   */
  readonly operations?: string;
  /**
   * What to monitor. @default all physical memory; with virtual sets all processes; of your own sets
   * what they say. In a commit: what there is
   * @kernel targets
   */
  readonly targets?: readonly TargetOptions[];
  /**
   * Bytes of a core address unit, of `paddr` only: what the core counts addresses and sizes in. A
   * power of two; a region is then a multiple of 4096 bytes or one unit. @default 1
   * @kernel addr_unit
   */
  readonly addrUnit?: number;
}

/** What a monitor watches, how, and what it does about it. */
export interface KdamondOptions extends MonitorOptions, ViewOptions {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions | OperationsSourceOptions;
}

/** What can be changed while a monitor is at work; all of it, what is left out too. */
export interface CommitOptions extends ContextOptions, ViewOptions {
  /**
   * Another sampler for an emulated machine: sampling restarts with it, such as by another period, or
   * of another kind, if the operations set is one that it reports to. Where a policy places pages, it
   * tells addresses of the same kind in as many lanes. @default the one there is, which goes on
   */
  readonly sampler?: SamplerOptions;
}

/** Where accesses come from, resolved. */
export type Source = Emulation | Recording | OperationsSource;

/** {@link KdamondOptions}, every one given. */
export interface KdamondConfig extends MonitorConfig {
  readonly source: Source;
}

const SOURCES: Readonly<Record<Source['type'], Schema<Source>>> = {
  emulation: emulationSchema,
  recording: recordingSchema,
  operations: operationsSourceSchema,
};
const SOURCE_TYPES = either(Object.keys(SOURCES));

// A set of the user's own is functions: it has no place in a file, and so none in the schema of one.
const sourceSchema: Schema<Source> = choice<Source>([emulationSchema, recordingSchema], (input) => {
  const { type } = (input ?? {}) as { type?: unknown };
  return Object.hasOwn(SOURCES, String(type)) ? SOURCES[type as Source['type']] : unknownSource;
});

/** Refuses anything, at the field that should have told which source it is. */
const unknownSource: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(SOURCE_TYPES) }, ({ path }) =>
    path ? SOURCE_TYPES : 'a recording, an emulation or operations sets',
  ),
  v.transform(({ type }) => type),
);

const viewEntries: {
  readonly operations: v.OptionalSchema<Schema<unknown>, undefined>;
  readonly targets: v.OptionalSchema<Schema<readonly Target[]>, undefined>;
  readonly addrUnit: v.OptionalSchema<Schema<number>, 1>;
} = {
  // The source says which there are.
  // Which names there are depends on the source: see `viewOf`. In a file, only the kernel's.
  operations: v.optional(choice<unknown>([operationsSchema], () => v.unknown())),
  targets: v.optional(targetsSchema),
  addrUnit: v.optional(integer(1, SAFE), 1),
};

type Unresolved<Config> = Omit<Config, 'operations' | 'addresses'> & {
  readonly operations?: unknown;
};

/** The fields of {@link KdamondOptions}, for a schema that has others besides. */
export const kdamondEntries: typeof viewEntries &
  typeof monitorEntries & { readonly source: Schema<Source> } = {
  source: sourceSchema,
  ...viewEntries,
  ...monitorEntries,
};

/** The fields of {@link CommitOptions}, likewise. */
export const commitEntries: typeof viewEntries &
  typeof contextEntries & {
    readonly sampler: v.OptionalSchema<Schema<Sampler>, undefined>;
  } = {
  ...viewEntries,
  ...contextEntries,
  sampler: v.optional(samplerSchema),
};

const kdamondSchema: Schema<Unresolved<KdamondConfig>> = options(kdamondEntries);

const commitSchema: Schema<Unresolved<ContextConfig>> = options(commitEntries);

/**
 * A configuration where options could be: for who has bounds of their own, such as the kernel's, and
 * checks them. Only what cannot be told from it is left to the addon.
 */
export class Resolved {
  readonly config: KdamondConfig;

  constructor(config: KdamondConfig) {
    this.config = config;
  }
}

/**
 * Checks options and fills in what they leave open.
 *
 * @throws DamonError `ERR_DAMON_CONFIG`; `ERR_DAMON_CONFIG_METRIC` and `ERR_DAMON_CONFIG_ACTION` for a
 *   goal or an action that the operations set does not know; `ERR_DAMON_OPERATIONS_UNKNOWN` for a set
 *   that cannot be selected
 */
export function resolveOptions(input: KdamondOptions): KdamondConfig {
  const { operations, ...config } = resolve(kdamondSchema, input, 'ERR_DAMON_CONFIG');
  const view = viewOf(config.source, operations);
  return checked({ ...config, ...view, ...initial(config, view.operations) }, config.source);
}

/**
 * {@link resolveOptions} of what a commit changes.
 *
 * @param source of the monitor
 * @param before what its set monitors now
 */
export function resolveCommit(
  input: CommitOptions,
  source: Source,
  before: Addresses,
): ContextConfig {
  const { operations, ...context } = resolve(commitSchema, input, 'ERR_DAMON_CONFIG');
  if (context.sampler && source.type !== 'emulation') {
    const expected = 'absent: only an emulated machine has one';
    const [code, received] = ['ERR_DAMON_CONFIG_SAMPLER', context.sampler.type];
    throw refuse({ code, path: 'sampler', expected, received });
  }
  const view = viewOf(source, operations);
  // Targets stay as they are where they can.
  const stay = view.addresses === before;
  const targets = stay ? {} : initial({ source, ...context }, view.operations);
  return checked({ ...context, ...view, ...targets }, source);
}

function checked<Config extends ContextConfig>(config: Config, source: Source): Config {
  checkSchemes(config);
  if (source.type === 'operations') {
    checkGauges(source.registry.get(config.operations), config.schemes);
  }
  return config;
}

function viewOf(source: Source, wanted: unknown): Pick<ContextConfig, 'operations' | 'addresses'> {
  if (source.type === 'operations') {
    const { name, addresses } = selected(source, wanted);
    return { operations: name, addresses };
  }
  const code = 'ERR_DAMON_CONFIG';
  const name = wanted === undefined ? 'paddr_ibs' : wanted;
  const operations = resolve(operationsSchema, name, code, 'operations');
  return { operations, addresses: addressesOf(operations) };
}

/** By name: anything else is as unknown as a name that nobody registered. */
function selected({ registry, name }: OperationsSource, wanted: unknown): OperationsSet {
  return registry.get(wanted === undefined ? name : (wanted as string));
}

/** What sets of the user's own monitor, unless that is said. */
function initial(
  {
    source,
    targets,
  }: { readonly source: Source; readonly targets?: readonly Target[] | undefined },
  operations: string,
): { readonly targets?: readonly Target[] } {
  if (source.type !== 'operations' || targets !== undefined) return {};
  return { targets: targetsOf(source.registry.get(operations)) };
}

/**
 * {@link resolveOptions} of goals, by scheme.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_GOAL`
 */
export function resolveGoals(schemes: readonly (readonly GoalOptions[])[]): Goal[][] {
  return schemes.map((goals, i) =>
    goals.map((goal, j) =>
      resolve(goalSchema, goal, 'ERR_DAMON_CONFIG_GOAL', `schemes[${i}].quota.goals[${j}]`),
    ),
  );
}
