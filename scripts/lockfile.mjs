// `node scripts/lockfile.mjs` after a change of dependencies: completes package-lock.json.
//
// Tools with native parts list one optional package for each platform. Where a registry offers only
// some of them, as mirrors do, npm leaves the others out of the lock file, and `npm ci` then refuses
// that file everywhere ("Missing: … from lock file"). Their versions are exact in the tools' own
// lists, so the entries can be written without asking; only their checksums cannot.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ROOT } from './process.mjs';

/**
 * @typedef {object} Entry
 * @property {string} [version]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [optionalDependencies]
 */

/** @typedef {{ packages: Record<string, Entry> }} Lockfile */

/**
 * The entries that a lock file lacks, by their place in it.
 *
 * @param {Lockfile} lockfile
 * @returns {Record<string, Entry>}
 */
export function missingEntries({ packages }) {
  /** @type {Record<string, Entry>} */
  const missing = {};
  for (const parent of Object.values(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const place = `node_modules/${name}`;
      if (packages[place]) continue;
      const { os, cpu, libc } = platformOf(name);
      // In npm's own order of fields, so that it leaves the file as it is.
      missing[place] = {
        version,
        cpu,
        ...(parent.dev && { dev: true }),
        ...(libc && { libc }),
        optional: true,
        ...(os && { os }),
      };
    }
  }
  return missing;
}

/**
 * Reads where a package runs from the end of its name: `…-linux-x64-musl`.
 *
 * @param {string} name
 * @returns {{ cpu: string[], libc?: string[], os?: string[] }}
 */
export function platformOf(name) {
  if (name.endsWith('-wasm32-wasi')) return { cpu: ['wasm32'] };
  const match = /[-/]([a-z]+(?:32)?)-(arm|[a-z]+\d+x?)(?:-([a-z]+))?$/.exec(name);
  const [, os, cpu, abi] = match ?? [];
  if (!os || !cpu) throw new Error(`\`${name}\` does not end in a platform`);
  return {
    cpu: [cpu],
    ...(os === 'linux' && abi && { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] }),
    os: [os],
  };
}

function complete() {
  const path = join(ROOT, 'package-lock.json');
  const lockfile = JSON.parse(readFileSync(path, 'utf8'));
  const missing = missingEntries(lockfile);
  const entries = Object.entries({ ...lockfile.packages, ...missing });
  lockfile.packages = Object.fromEntries(entries.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`);
  process.stdout.write(`${Object.keys(missing).length} entries added to package-lock.json\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) complete();
