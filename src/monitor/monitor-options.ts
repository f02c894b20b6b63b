/** What every monitor is told, wherever its accesses come from. */
import * as v from 'valibot';

import { type Scheme, type SchemeOptions, schemeSchema } from '../scheme/scheme.ts';
import type { Duration } from '../units.ts';
import { SAFE, type Schema, integer, quantityOf } from '../validate.ts';
import { ATTRS_DEFAULT, type Attrs, type AttrsOptions, attrsSchema } from './attrs.ts';
import type { OperationsName } from './operations.ts';
import {
  type SampleFilter,
  type SampleFilterOptions,
  sampleFilterSchema,
} from './sample-filter.ts';

/** How a monitor watches, and what it does about it. */
export interface MonitorOptions {
  /** How often, and how finely. */
  readonly attrs?: AttrsOptions;
  /** Which access reports are meant; a report must pass all. @default all reports */
  readonly sampleFilters?: readonly SampleFilterOptions[];
  /** What to do, in order. @default nothing */
  readonly schemes?: readonly SchemeOptions[];
  /** Time between snapshots, rounded up to whole aggregations; 0 for each. @default "1 s" */
  readonly everyMs?: Duration;
  /** Slots of each lane, a power of two from 1 to 65536. @default 256 */
  readonly laneSlots?: number;
  /** Decides every random draw: the same options and seed give the same bytes. @default 1 */
  readonly seed?: number;
}

/** {@link MonitorOptions} and the operations set, every one given. */
export interface MonitorConfig {
  readonly operations: OperationsName;
  readonly attrs: Attrs;
  readonly sampleFilters: readonly SampleFilter[];
  readonly schemes: readonly Scheme[];
  readonly everyMs: number;
  readonly laneSlots: number;
  readonly seed: number;
}

const POWER_OF_TWO = 'a power of two from 1 to 65536';
/** The addon counts the time between snapshots in nanoseconds. */
const EVERY_MS_MAX = Math.floor(SAFE / 1_000_000);

/** How many slots a lane may have. */
export const slotsSchema: Schema<number> = v.pipe(
  integer(1, 65_536),
  v.check((slots) => Number.isInteger(Math.log2(slots)), POWER_OF_TWO),
);

const everySchema: Schema<number> = v.pipe(
  quantityOf('ms'),
  v.check((ms) => ms <= EVERY_MS_MAX, `at most ${EVERY_MS_MAX} milliseconds`),
);

const schemesSchema: Schema<readonly Scheme[]> = v.array(schemeSchema);
const sampleFiltersSchema: Schema<readonly SampleFilter[]> = v.array(sampleFilterSchema);

/** The fields of {@link MonitorOptions}, for a schema that has others besides. */
export const monitorEntries: {
  readonly attrs: v.OptionalSchema<Schema<Attrs>, Attrs>;
  readonly sampleFilters: v.OptionalSchema<Schema<readonly SampleFilter[]>, readonly []>;
  readonly schemes: v.OptionalSchema<Schema<readonly Scheme[]>, readonly []>;
  readonly everyMs: v.OptionalSchema<Schema<number>, number>;
  readonly laneSlots: v.OptionalSchema<Schema<number>, number>;
  readonly seed: v.OptionalSchema<Schema<number>, number>;
} = {
  attrs: v.optional(attrsSchema, ATTRS_DEFAULT),
  sampleFilters: v.optional(sampleFiltersSchema, []),
  schemes: v.optional(schemesSchema, []),
  everyMs: v.optional(everySchema, 1_000),
  laneSlots: v.optional(slotsSchema, 256),
  seed: v.optional(integer(0, SAFE), 1),
};
