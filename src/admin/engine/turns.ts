/** One thing at a time, in the order asked for. */

/** A queue of work. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all before it is done, whether that went well or not. */
  take<T>(work: () => T | Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
