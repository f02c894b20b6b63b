/**
 * A directory of the tree: what its files hold, and the directories in it.
 *
 * Directories and values come into being when something is first asked of them, so that a large
 * count costs nothing. Not here: who may write what, and what a write sets off.
 */
import { type AdminError, type ErrnoName, refused } from './errno.ts';
import type { DirSchema, FileSchema, ValueFile } from './schema.ts';
import type { Value } from './text.ts';

/** A directory. Asking it for what it cannot have is a bug, not an errno. */
export class Dir {
  /** From the root, such as `kdamonds/0`; empty for the root. */
  readonly path: string;
  readonly schema: DirSchema;
  /** Numbered directories there are. */
  #count = 0;
  readonly #values = new Map<string, Value>();
  readonly #named = new Map<string, Dir>();
  #numbered = new Map<number, Dir>();

  constructor(schema: DirSchema, path = '') {
    this.schema = schema;
    this.path = path;
  }

  get count(): number {
    return this.#count;
  }

  /** Discards every numbered directory with all in it, and makes as many new ones. */
  recreate(count: number): void {
    this.#numbered = new Map();
    this.#count = count;
  }

  /** The numbered directories. */
  numbered(): Dir[] {
    return Array.from({ length: this.#count }, (_, index) => this.at(index));
  }

  /** A numbered directory. */
  at(index: number): Dir {
    const schema = this.schema.numbered;
    if (schema === undefined || index >= this.#count) {
      throw new RangeError(`No directory ${index} in ${this.path}`);
    }
    return made(this.#numbered, index, () => new Dir(schema, this.pathOf(`${index}`)));
  }

  /** A directory that is always there. */
  dir(name: string): Dir {
    const schema = this.#entry(name);
    if (schema?.type !== 'dir') throw new RangeError(`No directory ${name} in ${this.path}`);
    return made(this.#named, name, () => new Dir(schema, this.pathOf(name)));
  }

  /** Whatever has that name. */
  find(name: string): Dir | FileSchema | undefined {
    if (/^(?:0|[1-9]\d*)$/.test(name)) {
      return Number(name) < this.#count ? this.at(Number(name)) : undefined;
    }
    const entry = this.#entry(name);
    return entry?.type === 'dir' ? this.dir(name) : entry;
  }

  /** Numbers first, in their order, then names in that of the alphabet. */
  names(): string[] {
    const numbers = Array.from({ length: this.#count }, (_, index) => `${index}`);
    return [...numbers, ...Object.keys(this.schema.entries).toSorted()];
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}/${name}`;
  }

  /** What a file of values holds. */
  get(name: string): Value {
    return this.#values.get(name) ?? this.#file(name).initial;
  }

  /** What such a file shows, without the newline that ends it. */
  shown(name: string): string {
    return this.#file(name).format.show(this.get(name));
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  u64(name: string): bigint {
    const value = this.get(name);
    if (typeof value !== 'bigint') throw this.#mistaken(name);
    return value;
  }

  /** A number of at most 32 bits. */
  number(name: string): number {
    return Number(this.u64(name));
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== 'boolean') throw this.#mistaken(name);
    return value;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw this.#mistaken(name);
    return value;
  }

  list(name: string): readonly number[] {
    const value = this.get(name);
    if (typeof value !== 'object') throw this.#mistaken(name);
    return value;
  }

  /** The word that a file holds. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const word = this.wordAmong(name, words);
    if (word === undefined) throw this.#mistaken(name);
    return word;
  }

  /** The word that a file holds, where it is one of these. */
  wordAmong<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.get(name);
    return words.find((word) => word === value);
  }

  #entry(name: string): DirSchema | FileSchema | undefined {
    const { entries } = this.schema;
    return Object.hasOwn(entries, name) ? entries[name] : undefined;
  }

  #file(name: string): ValueFile {
    const file = this.#entry(name);
    if (file?.type !== 'value') throw new RangeError(`No value ${name} in ${this.path}`);
    return file;
  }

  #mistaken(name: string): TypeError {
    return new TypeError(`${this.pathOf(name)} is asked for what it does not hold`);
  }
}

/** The directory of that key, made now if it is not there yet. */
function made<Key>(dirs: Map<Key, Dir>, key: Key, make: () => Dir): Dir {
  const known = dirs.get(key);
  if (known) return known;
  const dir = make();
  dirs.set(key, dir);
  return dir;
}

/** The error for a file whose value does not go with the others. */
export function unfit(
  dir: Dir,
  name: string,
  expected: string,
  errno: ErrnoName = 'EINVAL',
): AdminError {
  return refused(errno, { path: dir.pathOf(name), expected, received: dir.shown(name) });
}
