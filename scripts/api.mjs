// index.d.ts: the public API on one page, rolled up from src. The build writes it, the tests compare.
//
// It is committed, so that a change of the API shows in review. Needs our npm packages, so it is
// imported only once they are there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

import { ROOT } from './process.mjs';

const PATH = join(ROOT, 'index.d.ts');
const HEADER =
  '// The public API of node-damon, rolled up from src. Written by `npm run build`.\n\n';

/** @returns {Promise<string>} what index.d.ts has to be */
async function generateApi() {
  const bundle = await rollup({
    input: join(ROOT, 'src', 'index.ts'),
    plugins: [dts({ tsconfig: join(ROOT, 'tsconfig.json') })],
    // Only Node's own modules and our dependencies may stay imports; the rest is inlined.
    external: /^[^./]/,
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  const spaced = output[0].code.replace(/^}\n(?=\S)/gm, '}\n\n');
  return format(HEADER + spaced, { ...(await resolveConfig(PATH)), filepath: PATH });
}

/** @returns {string} */
function committedApi() {
  return existsSync(PATH) ? readFileSync(PATH, 'utf8') : '';
}

/** @returns {Promise<boolean>} whether the file changed */
export async function writeApi() {
  const wanted = await generateApi();
  if (wanted === committedApi()) return false;
  writeFileSync(PATH, wanted);
  process.stderr.write('index.d.ts has changed: the public API is different now\n');
  return true;
}

/** @returns {Promise<number>} the exit code: 1 when src and index.d.ts disagree */
export async function checkApi() {
  const wanted = (await generateApi()).split('\n');
  const committed = committedApi().split('\n');
  const line = wanted.findIndex((text, index) => text !== committed[index]);
  if (line === -1 && wanted.length === committed.length) return 0;

  const at = line === -1 ? wanted.length : line;
  process.stdout.write(
    `index.d.ts differs from src, first at line ${at + 1}:\n` +
      `- ${committed[at] ?? '(end of file)'}\n+ ${wanted[at] ?? '(end of file)'}\n` +
      'If the change of the public API is meant, accept it with `npm run build` and commit.\n',
  );
  return 1;
}
