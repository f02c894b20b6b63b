/**
 * The sysfs interface of DAMON as a tree of files, with the kernel's answers.
 *
 * `damon-core.md` 8.2 and 9. Each part has a file: what there is (`schema.ts`), what it holds
 * (`node.ts`), texts (`text.ts`), commands (`state.ts`), the context that they build
 * (`context.ts`). Not here: any file system, and any monitoring, which is the engine's.
 */
import { closed } from '../closed.ts';
import { type Every, everyOfTheClock } from './clock.ts';
import type { AdminEngine } from './engine.ts';
import { AdminError, refused } from './errno.ts';
import { Lock } from './lock.ts';
import { Dir } from './node.ts';
import { type Found, follow } from './path.ts';
import { ADMIN, type CountFile, type ValueFile } from './schema.ts';
import { command } from './state.ts';
import { readText } from './text.ts';
import { Worker, type WorkerHost } from './worker.ts';

/** What can be chosen for a tree. */
export interface AdminTreeOptions {
  /**
   * For `refresh_ms`: calls back every so many milliseconds until the function it returns is
   * called. @default the engine's, else the machine's clock; does not keep the process alive
   */
  readonly every?: Every;
}

/** What a path is. */
export interface AdminStat {
  readonly type: 'dir' | 'file';
  /** Permission bits: 0o755, 0o600 or 0o400. */
  readonly mode: number;
}

/** Longest text that one write takes: a page. */
const MAX_BYTES = 4096;
/** Most directories of one kind: the kernel's largest array, 4 MiB, of pointers. */
const MAX_COUNT = 2 ** 19;

/**
 * `/sys/kernel/mm/damon/admin`, without the kernel.
 *
 * Paths are relative to it, such as `kdamonds/0/state`; with `/`, or with its full name, in front
 * they mean the same. Errors are {@link AdminError}s.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE, speed: 0 }));
 * await tree.write('kdamonds/nr_kdamonds', '1');
 * await tree.write('kdamonds/0/contexts/nr_contexts', '1');
 * await tree.write('kdamonds/0/contexts/0/operations', 'paddr');
 * await tree.write('kdamonds/0/contexts/0/targets/nr_targets', '1');
 * await tree.write('kdamonds/0/state', 'on');
 * console.log(tree.read('kdamonds/0/state').trim()); // on
 * await tree.close();
 * ```
 */
export class AdminTree {
  readonly #root = new Dir(ADMIN);
  readonly #host: WorkerHost;
  /** By directory; those whose directory has gone have gone with it. */
  #workers = new Map<Dir, Worker>();
  #closed = false;

  constructor(engine: AdminEngine, options: AdminTreeOptions = {}) {
    const every = options.every ?? engine.every ?? everyOfTheClock;
    this.#host = { engine, every, lock: new Lock() };
  }

  /**
   * Names in a directory: numbers first, in their order.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`
   */
  list(path: string): string[] {
    const found = follow(this.#root, path);
    if (found.type === 'dir') return found.dir.names();
    throw new AdminError('ENOTDIR', `\`${found.path}\` is a file`, { path: found.path });
  }

  /** What a path is; `undefined` where there is nothing. */
  stat(path: string): AdminStat | undefined {
    try {
      const found = follow(this.#root, path);
      if (found.type === 'dir') return { type: 'dir', mode: 0o755 };
      return { type: 'file', mode: found.file.writable ? 0o600 : 0o400 };
    } catch (error) {
      if (error instanceof AdminError) return undefined;
      throw error;
    }
  }

  /**
   * What a file shows: a value, and a newline.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`, `EISDIR`; `EBUSY` for `state`, `pid` and cgroup paths
   * while a command runs
   */
  read(path: string): string {
    const { path: at, dir, name, file } = this.#file(path);
    if (file.locked) this.#host.lock.check(at);
    switch (file.type) {
      case 'value':
        return `${dir.shown(name)}\n`;
      case 'count':
        return `${dir.count}\n`;
      case 'state':
        return this.#workers.get(dir)?.running ? 'on\n' : 'off\n';
      case 'pid':
        return `${this.#workers.get(dir)?.pid ?? -1}\n`;
      case 'avail_operations':
        return this.#host.engine.operations.map((operations) => `${operations}\n`).join('');
    }
  }

  /**
   * Writes a text to a file, as one `write(2)` does; resolves when what it sets off is done. A
   * refusal leaves the file as it was. An empty text does nothing.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`, `EISDIR`, `EACCES` for a read-only file; `EINVAL` and
   * `ERANGE` for a text that the file does not take; `EBUSY` as for {@link read}, for
   * counts too, and for `nr_kdamonds` while any monitor runs; for `state` what the command answers
   */
  async write(path: string, text: string): Promise<void> {
    if (this.#closed) throw closed('admin tree');
    const { path: at, dir, name, file } = this.#file(path);
    if (!file.writable) throw new AdminError('EACCES', `\`${at}\` is read-only`, { path: at });
    if (text === '') return;
    if (Buffer.byteLength(text) > MAX_BYTES) {
      throw refused('EINVAL', { path: at, expected: `at most ${MAX_BYTES} bytes`, received: text });
    }
    // A text of the kernel's ends where C's does.
    const [line = ''] = text.split('\0', 1);
    switch (file.type) {
      case 'value':
        return this.#set({ path: at, dir, name, file }, line);
      case 'count':
        return this.#recreate({ path: at, dir, file }, line);
      case 'state':
        return this.#host.lock.during(at, () => command(this.#worker(dir), line));
      // Not writable.
      case 'pid':
      case 'avail_operations':
    }
  }

  /** Stops every monitor. What was written can still be read; nothing more can be written. */
  async close(): Promise<void> {
    this.#closed = true;
    // A command may be waiting for its monitor, or be about to start one.
    const waiting = this.#stop().catch(() => undefined);
    await this.#host.lock.free();
    await waiting;
    await this.#stop();
  }

  async #stop(): Promise<void> {
    const running = [...this.#workers.values()].filter((worker) => worker.running);
    const outcomes = await Promise.allSettled(running.map((worker) => worker.stop()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #file(path: string): Found & { type: 'file' } {
    const found = follow(this.#root, path);
    if (found.type === 'file') return found;
    throw new AdminError('EISDIR', `\`${found.path}\` is a directory`, { path: found.path });
  }

  #set(at: { path: string; dir: Dir; name: string; file: ValueFile }, text: string): void {
    const value = readText(at.file.format, at.path, text);
    if (at.file.locked) this.#host.lock.check(at.path);
    at.dir.set(at.name, value);
    if (at.name === 'refresh_ms') this.#workers.get(at.dir)?.schedule();
  }

  #recreate(at: { path: string; dir: Dir; file: CountFile }, text: string): void {
    const { path, dir, file } = at;
    const count = Number(readText(file.format, path, text));
    this.#host.lock.check(path);
    if (file.onlyWhenStopped) {
      if ([...this.#workers.values()].some((worker) => worker.running)) {
        throw new AdminError('EBUSY', `\`${path}\` is busy: a monitor is running`, { path });
      }
      this.#workers = new Map();
    }
    const fits = count <= MAX_COUNT;
    dir.recreate(fits ? count : 0);
    if (fits) return;
    throw refused('ENOMEM', { path, expected: `at most ${MAX_COUNT}`, received: text });
  }

  #worker(dir: Dir): Worker {
    const worker = this.#workers.get(dir) ?? new Worker(dir, this.#host);
    this.#workers.set(dir, worker);
    return worker;
  }
}
