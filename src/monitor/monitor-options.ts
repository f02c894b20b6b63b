/** What every monitor is told, wherever its accesses come from. */
import * as v from 'valibot';

import { refuse } from '../errors.ts';
import { supportsMetric } from '../goal/metric.ts';
import { knowsAction } from '../scheme/action.ts';
import type { Sampler } from '../sampler/sampler.ts';
import { type Scheme, type SchemeOptions, schemeSchema } from '../scheme/scheme.ts';
import type { Duration } from '../units.ts';
import { SAFE, type Schema, asJson, integer, oneOf, quantityWithin } from '../validate.ts';
import { type Attrs, type AttrsOptions, attrsSchema } from './attrs.ts';
import type { Addresses } from './operations.ts';
import { type Probe, type ProbeOptions, probesSchema } from './probe.ts';
import {
  type SampleFilter,
  type SampleFilterOptions,
  sampleFilterSchema,
} from './sample-filter.ts';
import type { Target } from './target.ts';

/**
 * What becomes of actions that the operations set, or the source, cannot carry out: `refuse` them, or
 * `attempt` them as the kernel does, to no effect.
 */
export type UnsupportedActions = 'refuse' | 'attempt';

/** What is monitored, how, and what is done about it: all that can be changed while it goes on. */
export interface ContextOptions {
  /** How often, and how finely. @default as the kernel starts, see each @kernel monitoring_attrs */
  readonly attrs?: AttrsOptions;
  /** Which access reports are meant; a report must pass all. @default all reports @kernel sample/filters */
  readonly sampleFilters?: readonly SampleFilterOptions[];
  /**
   * What is counted of pages besides accesses, or instead: at most 4. Of sources that know pages.
   * @default nothing
   * @kernel monitoring_attrs/probes
   */
  readonly probes?: readonly ProbeOptions[];
  /** What to do, in order. @default nothing @kernel schemes */
  readonly schemes?: readonly SchemeOptions[];
  /** Monitoring rests after its first sampling interval, until a commit. @default false @kernel pause */
  readonly paused?: boolean;
  /**
   * What becomes of actions that cannot be carried out: refused, or attempted to no effect as the
   * kernel does. @default "refuse"
   */
  readonly unsupportedActions?: UnsupportedActions;
}

/** How a monitor watches, and what it does about it. */
export interface MonitorOptions extends ContextOptions {
  /** Time between snapshots, rounded up to whole aggregations; 0 for each. @default "1 s" */
  readonly everyMs?: Duration;
  /** Slots of each lane, a power of two from 1 to 65536. @default 256 */
  readonly laneSlots?: number;
  /** Decides every random draw: the same options and seed give the same bytes. @default 1 */
  readonly seed?: number;
  /** How long to wait for metrics and tuners of your own that answer later. @default "10 s" */
  readonly controlTimeoutMs?: Duration;
}

/** {@link ContextOptions} with operations set and targets, every one given. */
export interface ContextConfig {
  /** One of the kernel's names, or that of a set of the user's own. */
  readonly operations: string;
  /** What that set monitors. */
  readonly addresses: Addresses;
  /** Bytes of a core address unit. */
  readonly addrUnit: number;
  /** What to monitor; absent to leave that to the source. */
  readonly targets?: readonly Target[] | undefined;
  readonly attrs: Attrs;
  readonly sampleFilters: readonly SampleFilter[];
  readonly probes: readonly Probe[];
  readonly schemes: readonly Scheme[];
  readonly paused: boolean;
  readonly unsupportedActions: UnsupportedActions;
  /** In a commit: samples from then on; absent to leave what samples as it is. */
  readonly sampler?: Sampler | undefined;
}

/** {@link MonitorOptions} and the operations set, every one given. */
export interface MonitorConfig extends ContextConfig {
  readonly everyMs: number;
  readonly laneSlots: number;
  readonly seed: number;
  readonly controlTimeoutMs: number;
}

const POWER_OF_TWO = 'a power of two from 1 to 65536';
/** The addon counts the time between snapshots in nanoseconds. */
const EVERY_MS_MAX = Math.floor(SAFE / 1_000_000);
/** What a timer of Node.js holds. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** How many slots a lane may have. */
export const slotsSchema: Schema<number> = v.pipe(
  integer(1, 65_536),
  asJson({ enum: Array.from({ length: 17 }, (_, log2) => 2 ** log2) }),
  v.check((slots) => Number.isInteger(Math.log2(slots)), POWER_OF_TWO),
);

function milliseconds(min: number, max: number): Schema<number> {
  return quantityWithin('ms', { min, max, expected: `from ${min} to ${max} milliseconds` });
}

const schemesSchema: Schema<readonly Scheme[]> = v.array(schemeSchema);
const sampleFiltersSchema: Schema<readonly SampleFilter[]> = v.array(sampleFilterSchema);

/** The fields of {@link ContextOptions}, for a schema that has others besides. */
export const contextEntries: {
  readonly attrs: v.OptionalSchema<Schema<Attrs>, AttrsOptions>;
  readonly sampleFilters: v.OptionalSchema<Schema<readonly SampleFilter[]>, readonly []>;
  readonly probes: v.OptionalSchema<Schema<readonly Probe[]>, readonly []>;
  readonly schemes: v.OptionalSchema<Schema<readonly Scheme[]>, readonly []>;
  readonly paused: v.OptionalSchema<v.BooleanSchema<undefined>, false>;
  readonly unsupportedActions: v.OptionalSchema<Schema<UnsupportedActions>, 'refuse'>;
} = {
  attrs: v.optional(attrsSchema, {}),
  sampleFilters: v.optional(sampleFiltersSchema, []),
  probes: v.optional(probesSchema, []),
  schemes: v.optional(schemesSchema, []),
  paused: v.optional(v.boolean(), false),
  unsupportedActions: v.optional(oneOf(['refuse', 'attempt']), 'refuse'),
};

/** The fields of {@link MonitorOptions}, likewise. */
export const monitorEntries: typeof contextEntries & {
  readonly everyMs: v.OptionalSchema<Schema<number>, number>;
  readonly laneSlots: v.OptionalSchema<Schema<number>, number>;
  readonly seed: v.OptionalSchema<Schema<number>, number>;
  readonly controlTimeoutMs: v.OptionalSchema<Schema<number>, number>;
} = {
  ...contextEntries,
  everyMs: v.optional(milliseconds(0, EVERY_MS_MAX), 1_000),
  laneSlots: v.optional(slotsSchema, 256),
  seed: v.optional(integer(0, SAFE), 1),
  controlTimeoutMs: v.optional(milliseconds(1, TIMEOUT_MS_MAX), 10_000),
};

/**
 * Refuses schemes that do not go with the operations set. What depends on the source, such as its
 * nodes, is the core's to refuse.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_METRIC`, `ERR_DAMON_CONFIG_ACTION`
 */
export function checkSchemes(context: ContextConfig): void {
  const { operations, addresses, schemes, unsupportedActions } = context;
  schemes.forEach(({ action, quota }, i) => {
    if (unsupportedActions === 'refuse' && !knowsAction(addresses, action)) {
      throw refuse({
        code: 'ERR_DAMON_CONFIG_ACTION',
        path: `schemes[${i}].action`,
        expected: `an action that \`${operations}\` carries out`,
        received: action,
        hint: 'with unsupportedActions: "attempt" it is tried to no effect, as the kernel does',
      });
    }
    quota.goals.forEach(({ metric }, j) => {
      if (typeof metric === 'object' || supportsMetric(addresses, metric)) return;
      throw refuse({
        code: 'ERR_DAMON_CONFIG_METRIC',
        path: `schemes[${i}].quota.goals[${j}].metric`,
        expected: `a metric that \`${operations}\` can measure`,
        received: metric,
        hint: 'node_eligible_mem_bp needs a physical operations set, such as paddr_ibs',
      });
    });
  });
}
