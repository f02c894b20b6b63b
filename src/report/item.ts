/**
 * Reading an array where the index is known to be good.
 */

/**
 * The item at an index that the caller knows to exist. An assertion, not a way to ask: an index
 * that is out of range is a mistake in this package.
 */
export function item<T>(items: ArrayLike<T>, index: number): T {
  const found = items[index];
  if (found === undefined) throw new RangeError(`No item ${index} among ${items.length}`);
  return found;
}
