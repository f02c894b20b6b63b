/** A walk over a schema of options: every field of every object, and options in which one is set. */
import * as v from 'valibot';

import type { Schema } from '../../src/validate.ts';

/** As much of a schema of valibot as the walk looks at. */
interface Part {
  readonly kind: string;
  readonly type: string;
  readonly entries?: Readonly<Record<string, Part>>;
  readonly wrapped?: Part;
  readonly item?: Part;
  readonly options?: readonly unknown[];
  readonly alternatives?: readonly Part[];
  readonly literal?: unknown;
  readonly pipe?: readonly Part[];
  readonly metadata?: Bounds & { readonly anyOf?: readonly Bounds[] };
  readonly requirement?: unknown;
}

/** What a schema tells the published one. */
interface Bounds {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** What a field takes, in the rough. */
export type Kind =
  'word' | 'boolean' | 'text' | 'list' | 'object' | 'number' | 'quantity' | 'other';

/** One field of one object. */
export interface WalkedField {
  /** As an error names it. */
  readonly path: string;
  readonly kind: Kind;
  readonly schema: Schema<unknown>;
  readonly isRequired: boolean;
  /** The published limits, of numbers. */
  readonly min?: number;
  readonly max?: number;
  readonly isInteger: boolean;
  /** Options with the field set to a value; what else is needed is there. */
  readonly set: (value: unknown) => unknown;
}

/** One object that takes these options, and no others. */
export interface WalkedObject {
  readonly path: string;
  readonly keys: readonly string[];
  readonly set: (value: unknown) => unknown;
  readonly sample: Readonly<Record<string, unknown>>;
}

/** All that a schema consists of. */
export interface Walked {
  readonly fields: readonly WalkedField[];
  readonly objects: readonly WalkedObject[];
  /** What compares fields, or looks closer at one: functions that say whether a value is right. */
  readonly checks: ReadonlyMap<unknown, string>;
}

/** Walks a schema. */
export function walk(schema: Schema<unknown>): Walked {
  const walker = new Walker();
  walker.visit(schema as unknown as Part, '', (value) => value);
  return walker;
}

class Walker implements Walked {
  readonly fields: WalkedField[] = [];
  readonly objects: WalkedObject[] = [];
  readonly checks = new Map<unknown, string>();

  visit(part: Part, path: string, set: (value: unknown) => unknown): void {
    for (const { requirement } of part.pipe ?? []) {
      if (typeof requirement === 'function' && !this.checks.has(requirement)) {
        this.checks.set(requirement, path);
      }
    }
    for (const step of part.pipe ?? []) {
      // The first is what is piped, and may be a pipe of its own.
      if (step.kind === 'schema' && step.pipe !== undefined) this.visit(step, path, set);
    }
    if (part.wrapped) this.visit(part.wrapped, path, set);
    for (const one of alternatives(part)) this.visit(one, path, set);
    const { item, entries } = part;
    if (item) {
      const setItem = (value: unknown): unknown => set([value]);
      if (kindOf(item) !== 'object') {
        this.fields.push({ ...fieldOf(item, `${path}[0]`, setItem), isRequired: false });
      }
      this.visit(item, `${path}[0]`, setItem);
    }
    // An object in a pipe is seen as the first of it.
    const isPiped = part.pipe?.some((step) => step.kind === 'schema' && step.pipe !== undefined);
    if (entries === undefined || isPiped) return;
    const sample = sampleOf(part) as Record<string, unknown>;
    this.objects.push({ path, keys: Object.keys(entries), set, sample });
    for (const [key, entry] of Object.entries(entries)) {
      const at = path === '' ? key : `${path}.${key}`;
      const setField = (value: unknown): unknown => set({ ...sample, [key]: value });
      this.fields.push(fieldOf(entry, at, setField));
      this.visit(entry, at, setField);
    }
  }
}

function alternatives(part: Part): readonly Part[] {
  if (part.alternatives) return part.alternatives;
  return part.type === 'variant' || part.type === 'union' ? (part.options as readonly Part[]) : [];
}

function fieldOf(entry: Part, path: string, set: (value: unknown) => unknown): WalkedField {
  const isRequired = entry.type !== 'optional';
  const part = entry.wrapped ?? entry;
  const metadata = metadataOf(part);
  const quantity = metadata?.anyOf?.find(({ type }) => type === 'integer');
  const { minimum, maximum } = quantity ?? metadata ?? {};
  return {
    path,
    kind: quantity ? 'quantity' : kindOf(part),
    schema: part as unknown as Schema<unknown>,
    isRequired,
    ...(minimum !== undefined && { min: minimum }),
    ...(maximum !== undefined && { max: maximum }),
    isInteger: quantity !== undefined || metadata?.type === 'integer',
    set,
  };
}

/** The last that is said, by the innermost schema first. */
function metadataOf({ pipe = [] }: Part): Part['metadata'] {
  return pipe.reduce<Part['metadata']>(
    (found, step) => step.metadata ?? metadataOf(step) ?? found,
    undefined,
  );
}

function kindOf(part: Part): Kind {
  const kinds = new Set(alternatives(part).map(kindOf));
  if (kinds.size > 0) return kinds.size === 1 ? ([...kinds][0] as Kind) : 'other';
  switch (part.type) {
    case 'literal':
    case 'picklist':
      return 'word';
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'text';
    case 'array':
      return 'list';
    case 'strict_object':
      return 'object';
    case 'number':
      return 'number';
    default:
      return 'other';
  }
}

const takes = (part: Part, value: unknown): boolean =>
  v.safeParse(part as unknown as Schema<unknown>, value).success;

/** Something that a schema takes. */
function sampleOf(part: Part): unknown {
  const found = candidatesOf(part).find((value) => takes(part, value));
  if (found === undefined) throw new Error(`no sample of ${part.type}`);
  return found;
}

const NUMBERS = [0, 1, 4096, 8192, 65_536];

function candidatesOf(part: Part): readonly unknown[] {
  if (part.wrapped) return [undefined, ...candidatesOf(part.wrapped)];
  const [inner] = part.pipe ?? [];
  if (inner?.pipe !== undefined) return candidatesOf(inner);
  if (alternatives(part).length > 0) return alternatives(part).flatMap(candidatesOf);
  switch (part.type) {
    case 'literal':
      return [part.literal];
    case 'picklist':
      return part.options ?? [];
    case 'boolean':
      return [false];
    case 'string':
      return ['a'];
    case 'array':
      return [[], ...candidatesOf(part.item as Part).map((one) => [one])];
    case 'strict_object':
      return objectsOf(part);
    default:
      return NUMBERS;
  }
}

/** With what is required, in all ways in which a few values can be put together; then with an option. */
function objectsOf({ entries = {} }: Part): readonly Record<string, unknown>[] {
  const named = Object.entries(entries);
  const required = named
    .filter(([, { type }]) => type !== 'optional')
    .reduce<readonly Record<string, unknown>[]>(
      (objects, [key, entry]) => {
        const values = candidatesOf(entry).filter((value) => takes(entry, value));
        return objects.flatMap((object) =>
          values.slice(0, 3).map((value) => Object.assign({}, object, { [key]: value })),
        );
      },
      [{}],
    );
  const more = named.flatMap(([key, { wrapped }]) => {
    if (wrapped === undefined) return [];
    const value = candidatesOf(wrapped).find((one) => takes(wrapped, one));
    return required.slice(0, 1).map((object) => Object.assign({}, object, { [key]: value }));
  });
  return [...required, ...more];
}
