// `npm run package`: the packages as npm would get them, as tarballs; nothing is published.
//
// The main package names its platform packages only here: a lock file made before those exist would
// leave them out for good. Each of them holds one addon.
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { NapiCli } from '@napi-rs/cli';

import { Refusal, ROOT, npm, run } from './process.mjs';

/**
 * Packs what has been built.
 *
 * @param {string} folder where the tarballs go
 * @returns {Promise<string[]>} their paths, the main package's first
 */
export async function pack(folder) {
  const stage = mkdtempSync(join(tmpdir(), 'node-damon-package-'));
  try {
    const platforms = await stagePlatforms(stage);
    const staged = [await stageMain(stage, platforms), ...platforms];
    /** @type {string[]} */
    const tarballs = [];
    for (const path of staged) {
      const { filename } = await npmPack([path, '--pack-destination', folder]);
      tarballs.push(join(folder, filename));
    }
    return tarballs;
  } finally {
    rmSync(stage, { recursive: true });
  }
}

/**
 * A folder for each target of package.json, with its addon.
 *
 * @param {string} stage
 * @returns {Promise<string[]>} the folders
 */
async function stagePlatforms(stage) {
  cpSync(join(ROOT, 'package.json'), join(stage, 'package.json'));
  await new NapiCli().createNpmDirs({ cwd: stage, npmDir: 'platforms' });
  const folder = join(stage, 'platforms');
  return readdirSync(folder).map((platform) => {
    const path = join(folder, platform);
    const { main } = readManifest(path);
    const addon = join(ROOT, 'native', main);
    if (!existsSync(addon)) {
      throw new Refusal(
        `there is no addon for ${platform}: build it there, and put it at ${addon}`,
      );
    }
    cpSync(addon, join(path, main));
    cpSync(join(ROOT, 'LICENSE'), join(path, 'LICENSE'));
    return path;
  });
}

/**
 * A folder with what the main package is made of.
 *
 * @param {string} stage
 * @param {string[]} platforms
 * @returns {Promise<string>}
 */
async function stageMain(stage, platforms) {
  const path = join(stage, 'main');
  const { files } = await npmPack(['--dry-run']);
  for (const file of files) cpSync(join(ROOT, file.path), join(path, file.path));
  const optionalDependencies = Object.fromEntries(
    platforms.map(readManifest).map(({ name, version }) => [name, version]),
  );
  const manifest = { ...readManifest(ROOT), optionalDependencies };
  writeFileSync(join(path, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return path;
}

/**
 * @typedef {object} Packed
 * @property {string} filename
 * @property {{ path: string }[]} files
 */

/**
 * @param {string[]} args
 * @returns {Promise<Packed>}
 */
async function npmPack(args) {
  const command = [...npm(), 'pack', '--json', '--ignore-scripts', '--loglevel=error', ...args];
  const { code, output } = await run(command, { output: 'capture' });
  if (code !== 0) throw new Refusal(`npm pack failed (exit code ${code}):\n${output}`);
  const [packed] = JSON.parse(output);
  return packed;
}

/**
 * @param {string} folder
 * @returns {Record<string, any>}
 */
function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
