// What each npm script does once Node is known to be new enough.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from './build.mjs';
import { Refusal, ROOT, run } from './process.mjs';
import { requireRust } from './toolchain.mjs';

/** @type {Record<string, (args: string[]) => Promise<number | void>>} */
const MODES = {
  start: (args) => cli(['start', ...args]),
  cli,
  bench,
  build: buildAll,
  package: packAll,
  // Not imported above: the other modes need nothing of it.
  test: async (args) => (await import('./test.mjs')).test(args),
};

/**
 * @param {string | undefined} mode
 * @param {string[]} args
 */
export async function enter(mode, args) {
  const work = mode && Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
  if (!work) {
    throw new Refusal(`usage: node scripts/run.mjs ${Object.keys(MODES).join('|')} [ARGS]`, 2);
  }
  const code = await work(args);
  // Set, not exit(): what is still being written must come out.
  if (code !== undefined) process.exitCode = code;
}

/**
 * Runs the command in this very process: its streams, signals and exit code are ours for free.
 *
 * @param {string[]} args
 */
async function cli(args) {
  await build();
  const main = join(ROOT, 'dist', 'cli', 'main.js');
  process.argv = [process.execPath, main, ...args];
  await import(pathToFileURL(main).href);
}

/** @param {string[]} args */
async function bench(args) {
  requireRust();
  await build();
  const { SCENARIOS } = await import('../benches/javascript/scenarios.mjs');
  const cargo = ['cargo', 'run', '--release', '--locked', '-p', 'damon-benches', '--'];
  const more = SCENARIOS.flatMap(({ name }) => ['--more', name]);
  const main = [process.execPath, join(ROOT, 'benches', 'javascript', 'main.mjs')];
  const at = args.indexOf('--html');
  if (at !== -1) return plot([...cargo, ...more], main, args, at);
  const { code } = await run([...cargo, ...more, ...args]);
  // Help was asked for, or something was wrong.
  if (code !== 0 || args.includes('--help')) return code;
  return (await run([...main, ...args])).code;
}

/**
 * The rows of both halves as a page.
 *
 * @param {string[]} rust
 * @param {string[]} javascript
 * @param {string[]} args
 * @param {number} at where `--html` is
 */
async function plot(rust, javascript, args, at) {
  const file = args[at + 1];
  if (file === undefined) throw new Refusal('--html: expected the name of a file', 2);
  const others = [...args.toSpliced(at, 2), '--json'];
  const rows = [];
  for (const half of [rust, javascript]) {
    const { code, output } = await run([...half, ...others], { output: 'tee' });
    if (code !== 0) return code;
    rows.push(output);
  }
  const { page } = await import('../benches/javascript/plot.mjs');
  writeFileSync(file, page(rows.join('\n')));
  return 0;
}

async function buildAll() {
  const built = await build();
  const { writeApi } = await import('./api.mjs');
  const written = await writeApi();
  if (!built && !written) process.stderr.write('everything is up to date\n');
}

async function packAll() {
  await build();
  // Not imported above: it needs what the build installs.
  const { pack } = await import('./package.mjs');
  const tarballs = await pack(ROOT);
  process.stdout.write(`npm install ${tarballs.join(' ')}\n`);
}
