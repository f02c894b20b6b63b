// index.d.ts and producer.d.ts: the public API, a page for each entry of package.json, rolled up from
// src; and node-damon.schema.json, what a configuration file may say. The build writes them, the tests
// compare.
//
// They are committed, so that a change of the API shows in review. Needs our npm packages, so it is
// imported only once they are there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

import { generateJsonSchema } from './json-schema.mjs';
import { ROOT } from './process.mjs';

/**
 * A page at the top.
 *
 * @typedef {object} Entry
 * @property {string} page its file
 * @property {() => Promise<string>} generate what it has to be, before it is formatted
 */

/** @type {Entry[]} */
const ENTRIES = [
  { page: 'index.d.ts', generate: () => rollUp('index.ts', 'node-damon') },
  { page: 'producer.d.ts', generate: () => rollUp('producer/index.ts', 'node-damon/producer') },
  { page: 'node-damon.schema.json', generate: generateJsonSchema },
];

/**
 * @param {string} source below src
 * @param {string} name by which users import it
 * @returns {Promise<string>} its types on one page
 */
async function rollUp(source, name) {
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
  return header + output[0].code.replace(/^}\n(?=\S)/gm, '}\n\n');
}

/**
 * @param {Entry} entry
 * @returns {Promise<string>} what its page has to be
 */
async function generateApi({ page, generate }) {
  const path = join(ROOT, page);
  return format(await generate(), { ...(await resolveConfig(path)), filepath: path });
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
