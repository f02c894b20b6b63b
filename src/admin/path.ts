/** Paths of the tree, as users and shell scripts write them. */
import { AdminError } from './errno.ts';
import { Dir } from './node.ts';
import type { FileSchema } from './schema.ts';

/** The place of the tree in the kernel's. */
export const ROOT = '/sys/kernel/mm/damon/admin';

/** What a path leads to. */
export type Found =
  | { readonly type: 'dir'; readonly path: string; readonly dir: Dir }
  | {
      readonly type: 'file';
      readonly path: string;
      /** The directory it is in. */
      readonly dir: Dir;
      readonly name: string;
      readonly file: FileSchema;
    };

/**
 * Follows a path from the root. It may begin with `/`, or with the place of the tree in the
 * kernel's; `.` and `..` lead nowhere.
 *
 * @throws AdminError `ENOENT`, or `ENOTDIR` for what should be in a file
 */
export function follow(root: Dir, path: string): Found {
  const inner = path === ROOT || path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length) : path;
  const names = inner.split('/').filter((name) => name !== '');
  const canonical = names.join('/');
  let found: Found = { type: 'dir', path: canonical, dir: root };
  for (const name of names) {
    if (found.type === 'file') {
      const message = `\`${canonical}\`: \`${found.name}\` is not a directory`;
      throw new AdminError('ENOTDIR', message, { path: canonical });
    }
    const entry = found.dir.find(name);
    if (entry === undefined) {
      throw new AdminError('ENOENT', `There is no \`${canonical}\``, { path: canonical });
    }
    found =
      entry instanceof Dir
        ? { type: 'dir', path: canonical, dir: entry }
        : { type: 'file', path: canonical, dir: found.dir, name, file: entry };
  }
  return found;
}
