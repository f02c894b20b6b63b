/**
 * A tree served as a real directory, for tools that read and write files.
 *
 * The addon takes the requests of the kernel on a thread of its own and asks here, so the thread of
 * JavaScript must not wait for the directory itself: synchronous file functions of this thread on
 * it never return. Not here: what the files hold.
 */
import { onExit } from 'signal-exit';

import type { MountAnswer, NativeMount } from '../../native/binding.cjs';
import { DamonError } from '../errors.ts';
import { native } from '../native/binding.ts';
import { translating } from '../native/init.ts';
import { AdminError, ERRNO } from './errno.ts';
import type { AdminTree } from './tree.ts';

/** What was wanted of a served file, and how that went. */
export interface MountEvent {
  readonly type: 'stat' | 'list' | 'read' | 'write';
  /** From the root of the tree. */
  readonly path: string;
  /** Of a write. */
  readonly text?: string;
  /** What was refused. */
  readonly error?: unknown;
}

/** How a tree is served. */
export interface MountAdminOptions {
  /** Called with every answer. */
  readonly onAnswer?: (event: MountEvent) => void;
}

/** What there is no errno for: a bug of ours. */
const EIO = 5;

const HINTS: Readonly<Record<string, string>> = {
  ERR_DAMON_MOUNT_NO_FUSE: 'load it with `modprobe fuse`, or give the container /dev/fuse',
  ERR_DAMON_MOUNT_PERMISSION: 'mount as root, or install fusermount3 (Debian: `apt install fuse3`)',
  ERR_DAMON_MOUNT_STALE: 'remove what is left with `umount DIR`',
  ERR_DAMON_MOUNT_DIRECTORY: 'make it with `mkdir DIR`',
};

/**
 * A mounted tree: the kernel's own files stand in the directory, and answer with its errno. For the
 * user who mounts it; unmounted by {@link close}, by a signal that ends the process, and at its
 * exit. Keeps the process alive until then. Does not close the tree.
 */
export class AdminMount implements Disposable {
  /** Where. */
  readonly dir: string;
  /** Resolves when the directory is gone, whoever unmounted it. */
  readonly ended: Promise<void>;
  readonly #tree: AdminTree;
  readonly #native: NativeMount;
  readonly #onAnswer: (event: MountEvent) => void;
  readonly #forget: () => void;
  #end: () => void = () => undefined;

  constructor(tree: AdminTree, dir: string, options: MountAdminOptions) {
    this.dir = dir;
    this.#tree = tree;
    this.#onAnswer = options.onAnswer ?? (() => undefined);
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const { NativeMount: Mount } = native();
    this.#native = mounting(() =>
      Mount.mount(dir, (id, what, path, text) => {
        // Unmounted by somebody else.
        if (what === 'ended') this.close();
        else void this.#answer(id, { type: what as MountEvent['type'], path, text });
      }),
    );
    this.#forget = onExit(() => this.close());
  }

  /**
   * Unmounts, also while files are open. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_MOUNT` when the system does not let go of it
   */
  close(): void {
    this.#forget();
    this.#end();
    mounting(() => this.#native.close());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #answer(
    id: number,
    { type, path, text }: { type: MountEvent['type']; path: string; text: string },
  ): Promise<void> {
    let failure: { error?: unknown } = {};
    let answer: MountAnswer;
    try {
      answer = await this.#ask(type, path, text);
    } catch (error) {
      failure = { error };
      answer = { errno: errnoOf(error) };
    }
    this.#native.answer(id, answer);
    this.#onAnswer({ type, path, ...(type === 'write' && { text }), ...failure });
  }

  async #ask(type: MountEvent['type'], path: string, text: string): Promise<MountAnswer> {
    const tree = this.#tree;
    switch (type) {
      case 'stat': {
        const stat = tree.stat(path);
        if (stat) return { dir: stat.type === 'dir', mode: stat.mode };
        throw new AdminError('ENOENT', `There is no \`${path}\``, { path });
      }
      case 'list': {
        const slash = (name: string): string =>
          tree.stat(`${path}/${name}`)?.type === 'dir' ? `${name}/` : name;
        return { names: tree.list(path).map(slash) };
      }
      case 'read':
        return { text: tree.read(path) };
      case 'write':
        await tree.write(path, text);
        return {};
    }
  }
}

/**
 * Serves a tree as a directory, through FUSE: Linux, as root or with fusermount3.
 *
 * @example
 * ```ts
 * import { mkdirSync } from 'node:fs';
 * import { readFile } from 'node:fs/promises';
 *
 * import { AdminTree, KdamondEngine, RFC_MACHINE, mountAdmin } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE }));
 * mkdirSync('damon', { recursive: true });
 * using mount = mountAdmin(tree, 'damon'); // elsewhere: echo 1 > damon/kdamonds/nr_kdamonds
 * console.log(await readFile(`${mount.dir}/kdamonds/nr_kdamonds`, 'utf8'));
 * ```
 *
 * @param dir an existing directory; what is in it is hidden meanwhile
 * @throws DamonError `ERR_DAMON_MOUNT_NO_FUSE`, `…_PERMISSION`, `…_STALE`, `…_DIRECTORY`, or
 *   `ERR_DAMON_MOUNT`
 */
export function mountAdmin(
  tree: AdminTree,
  dir: string,
  options: MountAdminOptions = {},
): AdminMount {
  return new AdminMount(tree, dir, options);
}

function errnoOf(error: unknown): number {
  if (error instanceof AdminError) return error.errno;
  const isClosed = error instanceof DamonError && error.code === 'ERR_DAMON_CLOSED';
  return isClosed ? ERRNO.ENODEV : EIO;
}

function mounting<T>(act: () => T): T {
  try {
    return translating(act);
  } catch (error) {
    if (!(error instanceof DamonError)) throw error;
    const { code, message } = error;
    const hint = HINTS[code];
    throw new DamonError(message, { code, ...(hint !== undefined && { hint }), cause: error });
  }
}
