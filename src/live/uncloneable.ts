/** Objects that stay on their thread. */

/**
 * Makes `structuredClone` and `postMessage` refuse an object, and say what to do instead. Without
 * this they would make an empty object of an instance, which fails later and tells nothing.
 */
export function refuseClones(object: object, advice: string): void {
  // A symbol is what cannot be cloned, and its description ends up in the error's message.
  Object.defineProperty(object, 'uncloneable', { value: Symbol(advice), enumerable: true });
}
