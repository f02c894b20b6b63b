/**
 * The lock of the whole tree. It is only ever tried: who finds it taken is told so, and may come
 * again. `damon-core.md` 8.2.
 */
import { AdminError } from './errno.ts';

/** Held by one command at a time. */
export class Lock {
  #held = false;
  #work: Promise<void> = Promise.resolve();

  get held(): boolean {
    return this.#held;
  }

  /** @throws AdminError `EBUSY` while it is held */
  check(path: string): void {
    if (!this.#held) return;
    const details = { path, hint: 'try again when the command is done' };
    throw new AdminError('EBUSY', `\`${path}\` is busy: a command is running`, details);
  }

  /** Holds it from now until the work is done. */
  async during(path: string, work: () => Promise<void>): Promise<void> {
    this.check(path);
    this.#held = true;
    try {
      this.#work = work();
      await this.#work;
    } finally {
      this.#held = false;
    }
  }

  /** Resolves when nobody holds it. */
  async free(): Promise<void> {
    await this.#work.catch(() => undefined);
  }
}
