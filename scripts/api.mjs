// index.d.ts and producer.d.ts: the public API, a page for each entry of package.json, rolled up from
// src. The build writes them, the tests compare.
//
// They are committed, so that a change of the API shows in review. Needs our npm packages, so it is
// imported only once they are there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

import { ROOT } from './process.mjs';

/**
 * An entry of the package.
 *
 * @typedef {object} Entry
 * @property {string} source below src
 * @property {string} page at the top
 * @property {string} name by which users import it
 */

/** @type {Entry[]} */
const ENTRIES = [
  { source: 'index.ts', page: 'index.d.ts', name: 'node-damon' },
  { source: 'producer/index.ts', page: 'producer.d.ts', name: 'node-damon/producer' },
];

/**
 * @param {Entry} entry
 * @returns {Promise<string>} what its page has to be
 */
async function generateApi({ source, page, name }) {
  const bundle = await rollup({
    input: join(ROOT, 'src', source),
    plugins: [dts({ tsconfig: join(ROOT, 'tsconfig.json') })],
    // Only Node's own modules and our dependencies may stay imports; the rest is inlined.
    external: /^[^./]/,
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  const header = `// The public API of ${name}, rolled up from src. Written by \`npm run build\`.\n\n`;
  const spaced = output[0].code.replace(/^}\n(?=\S)/gm, '}\n\n');
  const path = join(ROOT, page);
  return format(header + spaced, { ...(await resolveConfig(path)), filepath: path });
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
function committedApi({ page }) {
  const path = join(ROOT, page);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** @returns {Promise<boolean>} whether a page changed */
export async function writeApi() {
  let written = false;
  for (const entry of ENTRIES) {
    const wanted = await generateApi(entry);
    if (wanted === committedApi(entry)) continue;
    writeFileSync(join(ROOT, entry.page), wanted);
    process.stderr.write(`${entry.page} has changed: the public API is different now\n`);
    written = true;
  }
  return written;
}

/** @returns {Promise<number>} the exit code: 1 when src and a page disagree */
export async function checkApi() {
  for (const entry of ENTRIES) {
    const wanted = (await generateApi(entry)).split('\n');
    const committed = committedApi(entry).split('\n');
    const line = wanted.findIndex((text, index) => text !== committed[index]);
    if (line === -1 && wanted.length === committed.length) continue;

    const at = line === -1 ? wanted.length : line;
    process.stdout.write(
      `${entry.page} differs from src, first at line ${at + 1}:\n` +
        `- ${committed[at] ?? '(end of file)'}\n+ ${wanted[at] ?? '(end of file)'}\n` +
        'If the change of the public API is meant, accept it with `npm run build` and commit.\n',
    );
    return 1;
  }
  return 0;
}
