/** Operations sets of your own as the source of a monitor. */
import * as v from 'valibot';

import { refuse } from '../errors.ts';
import { type NodeMemory, type NodeOptions, nodesSchema } from '../monitor/memory.ts';
import { type Target, type TargetOptions, targetsSchema } from '../monitor/target.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { Duration } from '../units.ts';
import { type Schema, options, quantityOf, resolve } from '../validate.ts';
import type { OperationsSet } from './operations-set.ts';
import { OperationsRegistry } from './registry.ts';

interface ClockAndNodes {
  readonly type: 'operations';
  /** When monitoring starts, on a clock that only sampling intervals move on. @default 0 */
  readonly startNs?: Duration;
  /** Where nodes lie: those that goals and migrations may name. @default none */
  readonly nodes?: readonly NodeOptions[];
}

/** One set, the monitor's own. */
export interface OwnSetOptions extends ClockAndNodes {
  readonly set: OperationsSet;
  readonly registry?: never;
  readonly name?: never;
}

/** A set of a registry; a commit may select another one of it. */
export interface RegistryOptions extends ClockAndNodes {
  readonly registry: OperationsRegistry;
  readonly name: string;
  readonly set?: never;
}

/** A set of your own, or a registry of such sets and the name of one. */
export type OperationsSourceOptions = OwnSetOptions | RegistryOptions;

/** {@link OperationsSourceOptions}, resolved: a set of the monitor's own is in a registry of its own. */
export interface OperationsSource {
  readonly type: 'operations';
  readonly registry: OperationsRegistry;
  /** The set that is selected unless a configuration says otherwise. */
  readonly name: string;
  readonly startNs: number;
  readonly nodes: readonly NodeMemory[];
}

const EITHER = 'absent, where there is a registry';

/** Reads {@link OperationsSourceOptions}. */
export const operationsSourceSchema: Schema<OperationsSource> = v.pipe(
  options({
    type: v.literal('operations'),
    set: v.optional(v.custom<OperationsSet>((input) => typeof input === 'object', 'a set')),
    registry: v.optional(v.instance(OperationsRegistry, 'an OperationsRegistry')),
    name: v.optional(v.string('the name of a registered set')),
    startNs: v.optional(quantityOf('ns'), 0),
    nodes: v.optional(nodesSchema, []),
  }),
  v.forward(
    v.check(({ set, registry }) => set === undefined || registry === undefined, EITHER),
    ['set'],
  ),
  v.forward(
    v.check(({ set, registry }) => set !== undefined || registry !== undefined, 'given, or a set'),
    ['registry'],
  ),
  v.forward(
    v.check(
      ({ registry, name }) => (registry === undefined) === (name === undefined),
      'the name of a set of the registry, and only of that',
    ),
    ['name'],
  ),
  v.transform(({ set, registry, name, ...source }) => ({
    ...source,
    ...home(set, registry, name),
  })),
);

function home(
  set: OperationsSet | undefined,
  registry: OperationsRegistry = new OperationsRegistry(),
  name = '',
): Pick<OperationsSource, 'registry' | 'name'> {
  if (set === undefined) return { registry, name };
  return { registry, name: registry.register(set).name };
}

/**
 * What a set monitors if nobody says otherwise.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_TARGETS`
 */
export function targetsOf(set: OperationsSet): readonly Target[] {
  const code = 'ERR_DAMON_CONFIG_TARGETS';
  const given: readonly TargetOptions[] | undefined = set.targets?.();
  if (given === undefined) {
    const expected = `given, for the set \`${set.name}\` names none`;
    throw refuse({ code, path: 'targets', expected, received: given });
  }
  return resolve(targetsSchema, given, code, `${set.name}.targets()`);
}

/**
 * Refuses goals and watermarks that a set cannot be asked about: an unsupported metric is an error,
 * never a value.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_METRIC`
 */
export function checkGauges(set: OperationsSet, schemes: readonly Scheme[]): void {
  const need = (method: 'read' | 'bytesOnNode', path: string, received: unknown): void => {
    if (set[method] !== undefined) return;
    const expected = `one that \`${set.name}\` measures, which has no \`${method}\``;
    throw refuse({ code: 'ERR_DAMON_CONFIG_METRIC', path, expected, received });
  };
  schemes.forEach(({ quota, watermarks }, i) => {
    quota.goals.forEach(({ metric }, j) => {
      if (metric === 'user_input' || typeof metric === 'object') return;
      const method = metric === 'node_eligible_mem_bp' ? 'bytesOnNode' : 'read';
      need(method, `schemes[${i}].quota.goals[${j}].metric`, metric);
    });
    if (watermarks.metric !== 'none') {
      need('read', `schemes[${i}].watermarks.metric`, watermarks.metric);
    }
  });
}
