/**
 * What a file of the tree answers when it refuses: an errno, as `open(2)`, `read(2)` and `write(2)` do.
 *
 * `damon-core.md` 0.2, 8.2 and 9.1. Not here: when which one is answered.
 */
import { DamonError, type DamonErrorDetails, type Refusal, refuse } from '../errors.ts';

/** The numbers of Linux, positive. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ERANGE: 34,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  ECANCELED: 125,
} as const;

const CODE = 'ERR_DAMON_ADMIN_';

/** The name of an errno. */
export type ErrnoName = keyof typeof ERRNO;

/**
 * A refusal by the tree, or by the engine behind it. Its `code` is `ERR_DAMON_ADMIN_` and the
 * errno's name; its `path` is the file at fault, relative to the root of the tree.
 *
 * @example
 * ```ts
 * import { AdminError } from 'node-damon';
 *
 * const busy = new AdminError('EBUSY', 'Another monitor owns the sampler', { hint: 'stop it first' });
 * console.log(busy.errno, busy.code); // 16 ERR_DAMON_ADMIN_EBUSY
 * ```
 */
export class AdminError extends DamonError {
  /** The number, positive: 22 for `EINVAL`. */
  declare readonly errno: number;

  constructor(errno: ErrnoName, message: string, details: Omit<DamonErrorDetails, 'code'> = {}) {
    super(message, { ...details, code: `${CODE}${errno}` });
    this.errno = ERRNO[errno];
  }

  /** Its name: `EINVAL`. */
  get errnoName(): ErrnoName {
    return this.code.slice(CODE.length) as ErrnoName;
  }
}

/** The error for a value that a file does not take. */
export function refused(errno: ErrnoName, refusal: Omit<Refusal, 'code'>): AdminError {
  const { message } = refuse({ ...refusal, code: errno });
  return new AdminError(errno, message, refusal);
}
