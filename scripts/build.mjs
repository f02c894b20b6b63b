// Brings dependencies, addon and library up to date, each only when its inputs have changed.
//
// Outputs are built beside their place and moved in when complete, stamp included: a failed or
// interrupted build leaves the last good one, and no stamp that would call it current.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { withLock } from './lock.mjs';
import { buildStep, npm, ROOT, tool } from './process.mjs';
import { fingerprint, isFresh, replaceFolder, writeStamp } from './stamp.mjs';
import { requireRust } from './toolchain.mjs';

const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * One thing to build: how to tell that it is current, and how to make it so.
 *
 * @typedef {object} Product
 * @property {string} stamp
 * @property {() => string} hash of all inputs
 * @property {() => boolean} exists
 * @property {(hash: string) => Promise<void>} make
 */

/** @type {Product} */
const dependencies = {
  stamp: join(ROOT, 'node_modules', '.node-damon-lock'),
  hash: () => fingerprint(ROOT, { files: ['package-lock.json'], facts: [PLATFORM] }),
  exists: () => true,
  async make(hash) {
    const flags = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    await buildStep('installing npm packages', [...npm(), 'ci', ...flags]);
    writeStamp(this.stamp, hash);
  },
};

const NAPI_BUILD = (
  'build --platform --release --manifest-path crates/napi/Cargo.toml ' +
  '--output-dir native.next --js binding.cjs --dts binding.d.cts -- --locked'
).split(' ');

/** @type {Product} */
const addon = {
  stamp: join(ROOT, 'native', '.stamp'),
  hash: () =>
    fingerprint(ROOT, {
      files: ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', '.cargo/config.toml'],
      trees: [{ folder: 'crates', match: /\.(rs|toml)$/ }],
      facts: [PLATFORM, ...NAPI_BUILD],
    }),
  exists: () => readdirSync(join(ROOT, 'native')).some((name) => name.endsWith('.node')),
  async make(hash) {
    requireRust();
    const next = emptyFolder('native.next');
    await buildStep('building the addon (release)', [
      ...tool('@napi-rs/cli', 'napi'),
      ...NAPI_BUILD,
    ]);
    writeStamp(join(next, '.stamp'), hash);
    replaceFolder(next, join(ROOT, 'native'));
  },
};

/** @type {Product} */
const library = {
  stamp: join(ROOT, 'dist', '.stamp'),
  hash: () =>
    fingerprint(ROOT, {
      files: ['package.json', 'package-lock.json', 'tsconfig.json', 'native/binding.d.cts'],
      trees: [{ folder: 'src', match: /\.ts$/ }],
    }),
  exists: () => existsSync(join(ROOT, 'dist', 'index.js')),
  async make(hash) {
    const next = emptyFolder('dist.next');
    const tsc = [...tool('typescript', 'tsc'), '--project', 'tsconfig.json', '--outDir', next];
    await buildStep('compiling TypeScript', tsc);
    writeStamp(join(next, '.stamp'), hash);
    replaceFolder(next, join(ROOT, 'dist'));
  },
};

/** In this order: the addon is built by a dependency, the library is typed by the addon. */
const PRODUCTS = [dependencies, addon, library];

/**
 * Builds what is missing or stale.
 *
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function build() {
  if (PRODUCTS.every(isCurrent)) return false;
  // Asked before the packages are fetched, so that nobody waits for them only to be refused.
  if (!isCurrent(addon)) requireRust();

  return withLock(
    join(ROOT, '.build.lock'),
    async () => {
      let built = false;
      for (const product of PRODUCTS) {
        if (isCurrent(product)) continue;
        // Hashed before the build: an edit meanwhile makes the result stale, as it should.
        await product.make(product.hash());
        built = true;
      }
      return built;
    },
    (owner) => process.stderr.write(`waiting for another build (process ${owner}) …\n`),
  );
}

/**
 * @param {Product} product
 * @returns {boolean}
 */
function isCurrent(product) {
  return existsSync(product.stamp) && product.exists() && isFresh(product.stamp, product.hash());
}

/**
 * @param {string} name
 * @returns {string}
 */
function emptyFolder(name) {
  const path = join(ROOT, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}
