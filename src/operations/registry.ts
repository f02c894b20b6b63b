/** Which operations sets of your own there are, and who owns them. `hardware-sampling.md` 5. */
import * as v from 'valibot';

import type { NativeOperationsOwner, NativeOperationsRegistry } from '../../native/binding.cjs';
import { DamonError, refuse } from '../errors.ts';
import { native } from '../native/binding.ts';
import { translating } from '../native/init.ts';
import { type Schema, either, oneOf, resolve } from '../validate.ts';
import type { OperationsSet } from './operations-set.ts';

const NAME = '1 to 31 letters, digits, `_` and `-`';
const callback = v.function('a function');

/** The shape of a set; what it does stays with the object that was given. */
const setSchema: Schema<Pick<OperationsSet, 'name' | 'addresses' | 'sees'>> = v.looseObject(
  {
    name: v.pipe(v.string(NAME), v.regex(/^[\w-]{1,31}$/, NAME)),
    addresses: oneOf(['physical', 'virtual']),
    sees: oneOf(['reports', 'access_checks']),
    apply: callback,
    targets: v.optional(callback),
    prepareAccessChecks: v.optional(callback),
    checkAccesses: v.optional(callback),
    report: v.optional(callback),
    bytesOnNode: v.optional(callback),
    read: v.optional(callback),
    isTargetValid: v.optional(callback),
    mappings: v.optional(callback),
  },
  ({ path }) => (path ? 'given' : 'an operations set'),
);

/** The method without which accesses are not seen. */
const SEEING = { reports: 'report', access_checks: 'checkAccesses' } as const;

/** Whoever registered a set. */
export interface OperationsOwner extends Disposable {
  readonly name: string;
  /** Whether {@link close} was called. */
  readonly closed: boolean;
  /**
   * Withdraws the set: no monitor can select it from now on. One that has it keeps it, and goes on
   * asking it, until it is closed or commits to another; the name is free after that. Idempotent.
   *
   * @returns whether the set is gone already
   */
  close(): boolean;
}

/**
 * The operations sets that monitors can select, and switch between.
 *
 * A set belongs to whoever registered it, and can never be left dangling: it cannot be unregistered
 * while a monitor has it, and a monitor takes hold of the next set before it lets go of the last.
 *
 * @example
 * ```ts
 * import { Kdamond, OperationsRegistry } from 'node-damon';
 *
 * const registry = new OperationsRegistry();
 * using owner = registry.register({
 *   name: 'all',
 *   addresses: 'physical',
 *   sees: 'access_checks',
 *   targets: () => [{ regions: [{ start: 0, end: '1 MiB' }] }],
 *   checkAccesses: (_target, _addresses, accessed) => void accessed.fill(1),
 *   apply: () => ({ appliedBytes: 0 }),
 * });
 * using kdamond = new Kdamond({ source: { type: 'operations', registry, name: owner.name } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
export class OperationsRegistry {
  readonly #native: NativeOperationsRegistry;
  /**
   * Also sets whose owners have closed, until their names are taken again. With its owner, so that one
   * whom nobody keeps does not take the set along.
   */
  readonly #sets = new Map<string, { set: OperationsSet; owner: NativeOperationsOwner }>();

  /** An empty registry. */
  constructor() {
    const { NativeOperationsRegistry: Native } = native();
    this.#native = new Native();
  }

  /**
   * Offers a set.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_OPERATIONS` for what is no set;
   *   `ERR_DAMON_OPERATIONS_REGISTERED` when there is one of its name; `ERR_DAMON_OPERATIONS_BUSY` while a
   *   monitor has one of that name whose owner has closed
   */
  register(set: OperationsSet): OperationsOwner {
    const { name, addresses, sees } = checkSet(set);
    const owner = translating(() =>
      this.#native.register({
        name,
        addresses,
        sees,
        prepares: set.prepareAccessChecks !== undefined,
        validity: set.isTargetValid !== undefined,
        mappings: set.mappings !== undefined,
        gauges: set.read !== undefined,
        nodes: set.bytesOnNode !== undefined,
      }),
    );
    this.#sets.set(name, { set, owner });
    return new Owner(name, owner);
  }

  /**
   * Withdraws a set that no monitor has.
   *
   * @throws DamonError `ERR_DAMON_OPERATIONS_UNKNOWN`; `ERR_DAMON_OPERATIONS_BUSY` while a monitor has it
   */
  unregister(name: string): void {
    translating(() => this.#native.unregister(name));
    this.#sets.delete(name);
  }

  /** The names of the sets that can be selected: the kernel's in its order, then others by name. */
  get available(): string[] {
    return this.#native.available();
  }

  /**
   * A set that can be selected.
   *
   * @throws DamonError `ERR_DAMON_OPERATIONS_UNKNOWN`, `ERR_DAMON_OPERATIONS_BUSY` when its owner has closed
   */
  get(name: string): OperationsSet {
    const { available } = this;
    const set = this.#sets.get(name)?.set;
    if (set !== undefined && available.includes(name)) return set;
    throw refuse({
      code: 'ERR_DAMON_OPERATIONS_UNKNOWN',
      path: 'operations',
      expected: `a set that can be selected: ${either(available) || 'there is none'}`,
      received: name,
    });
  }

  /**
   * The addon's side of a registry: for monitors.
   * @internal
   */
  static nativeOf(registry: OperationsRegistry): NativeOperationsRegistry {
    return registry.#native;
  }
}

class Owner implements OperationsOwner {
  readonly name: string;
  readonly #native: NativeOperationsOwner;
  #closed = false;

  constructor(name: string, owner: NativeOperationsOwner) {
    this.name = name;
    this.#native = owner;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): boolean {
    this.#closed = true;
    return this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function checkSet(set: OperationsSet): Pick<OperationsSet, 'name' | 'addresses' | 'sees'> {
  const code = 'ERR_DAMON_CONFIG_OPERATIONS';
  const { name, addresses, sees } = resolve(setSchema, set, code, 'set');
  const seeing = SEEING[sees];
  if (set[seeing] === undefined) {
    const expected = `a function, for a set that sees by \`${sees}\``;
    throw refuse({ code, path: `set.${seeing}`, expected, received: undefined });
  }
  return { name, addresses, sees };
}

/** What a set's failures are called: `ERR_DAMON_OPERATIONS`. */
export function operationsError(
  set: string,
  method: string,
  what: string,
  cause?: unknown,
): DamonError {
  const path = `${set}.${method}`;
  return new DamonError(`\`${path}\` failed: ${what}`, {
    code: 'ERR_DAMON_OPERATIONS',
    path,
    cause,
  });
}
