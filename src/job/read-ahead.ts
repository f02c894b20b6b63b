/** Lets a producer work on the next item while the consumer looks at this one. */

/**
 * Yields what `source` yields, having asked for the next item first. Where the source runs on
 * another thread, as a monitor does, both sides work at once. A failure of the source reaches the
 * consumer after the items before it; however the loop ends, the source is at rest afterwards.
 */
export async function* readAhead<T>(
  source: AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  let next = source.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = source.next();
      // Whoever awaits it hears of a failure; until then nobody does.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return();
  }
}
