// Stamps: a build leaves the hash of its inputs beside its outputs, and is stale when they differ.
//
// Contents are hashed, not times: a fresh checkout or a switched branch changes times only.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Inputs
 * @property {string[]} files paths from the root; a missing one counts as missing, not as an error
 * @property {{ folder: string, match: RegExp }[]} [trees] folders, with the file names that count
 * @property {string[]} [facts] what else decides the output, such as the platform or the flags
 */

/**
 * One hash over the names and contents of all inputs.
 *
 * @param {string} root
 * @param {Inputs} inputs
 * @returns {string}
 */
export function fingerprint(root, { files, trees = [], facts = [] }) {
  const found = trees.flatMap(({ folder, match }) => walk(root, folder, match));
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`fact ${JSON.stringify(fact)}\n`);
  for (const file of [...files, ...found].toSorted()) {
    const path = join(root, file);
    const content = existsSync(path) ? readFileSync(path) : undefined;
    // With the length in front, no content can pass for the header of the next file.
    hash.update(`file ${JSON.stringify(file)} ${content ? content.length : 'missing'}\n`);
    if (content) hash.update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {RegExp} match
 * @returns {string[]} paths from the root, with `/` between names
 */
function walk(root, folder, match) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const child = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'target' ? [] : walk(root, child, match);
    return match.test(entry.name) ? [child] : [];
  });
}

/**
 * @param {string} path of the stamp
 * @param {string} hash
 * @returns {boolean} whether what stands beside the stamp was built from inputs with that hash
 */
export function isFresh(path, hash) {
  return existsSync(path) && readFileSync(path, 'utf8').trim() === hash;
}

/**
 * @param {string} path
 * @param {string} hash
 */
export function writeStamp(path, hash) {
  writeFileSync(path, `${hash}\n`);
}

/**
 * Puts a finished build in the place of the last one. A process that still runs the old files keeps
 * them: they are renamed and unlinked, never written over (which would crash it inside the addon).
 *
 * @param {string} next
 * @param {string} current
 */
export function replaceFolder(next, current) {
  const last = `${current}.last`;
  rmSync(last, { recursive: true, force: true });
  if (existsSync(current)) renameSync(current, last);
  renameSync(next, current);
  rmSync(last, { recursive: true, force: true });
}
