/** Tells of something that should have been closed and was left to the garbage collector. */
export function warnForgotten(message: string, detail: string): void {
  process.emitWarning(message, { code: 'ERR_DAMON_FORGOTTEN', detail });
}
