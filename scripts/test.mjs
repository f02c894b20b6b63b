// `npm test`: every check of the project, one after the other, up to the first that fails.
//
// `npm test -- NAME…` runs only the named ones. The last line is `N passed, N failed`.
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { build } from './build.mjs';
import { Refusal, run, tool } from './process.mjs';
import { requireCargo, requireRust } from './toolchain.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} title
 * @property {() => Promise<number>} run answers with the exit code
 */

/** @type {Count} */
const total = { passed: 0, failed: 0, skipped: 0 };

/** @type {Step[]} */
const STEPS = [
  {
    name: 'api',
    title: 'index.d.ts is what src exports',
    run: async () => (await import('./api.mjs')).checkApi(),
  },
  {
    name: 'types',
    title: 'type check of tests, examples, benches and scripts',
    run: () => quietly([...tool('typescript', 'tsc'), '--project', 'tsconfig.check.json']),
  },
  {
    name: 'lint',
    title: 'oxlint and prettier',
    run: async () =>
      (await quietly([...tool('oxlint'), '--deny-warnings'])) ||
      quietly([...tool('prettier'), '--check', '--log-level=warn', '.']),
  },
  { name: 'rustfmt', title: 'cargo fmt', run: () => quietly(['cargo', 'fmt', '--check']) },
  {
    name: 'clippy',
    title: 'cargo clippy',
    run: () => quietly(cargo('clippy', '--workspace', '--all-targets', '--', '-D', 'warnings')),
  },
  {
    name: 'cargo',
    title: 'cargo test',
    run: () => counted(cargo('test', '--workspace'), countCargo),
  },
  {
    name: 'loom',
    title: 'the ring under loom: every interleaving',
    run: loom,
  },
  { name: 'ava', title: 'ava', run: () => counted(tool('ava'), countAva) },
];

/** The steps that run tests; without one of them, no count is due. */
const TESTING = new Set(['cargo', 'loom', 'ava']);

/**
 * @param {string[]} names of steps; none for all
 * @returns {Promise<number>} the exit code
 */
export async function test(names) {
  const steps = pick(names);
  requireRust();
  if (steps.some(({ name }) => name === 'rustfmt')) requireCargo('fmt', 'rustfmt');
  if (steps.some(({ name }) => name === 'clippy')) requireCargo('clippy', 'clippy');
  await build();

  let code = 0;
  for (const step of steps) {
    process.stdout.write(`\n== ${step.name}: ${step.title}\n`);
    code = await step.run();
    if (code !== 0) {
      process.stdout.write(`\n${step.name} failed (exit code ${code})\n`);
      break;
    }
  }

  const isTesting = steps.some(({ name }) => TESTING.has(name));
  if (isTesting) process.stdout.write(`\n${closingLine(total)}\n`);
  return code === 0 && isTesting && total.passed === 0 ? 1 : code;
}

/**
 * @param {string[]} names
 * @returns {Step[]}
 */
function pick(names) {
  const unknown = names.find((name) => !STEPS.some((step) => step.name === name));
  if (unknown !== undefined) {
    const known = STEPS.map(({ name }) => name).join(', ');
    throw new Refusal(`npm test knows no step \`${unknown}\`; it knows ${known}`, 2);
  }
  return names.length === 0 ? STEPS : STEPS.filter(({ name }) => names.includes(name));
}

/**
 * @param {Count} count
 * @returns {string} `12 passed, 0 failed`, and how many were skipped if any
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * @param {string} output of `cargo test`: one `test result:` line for each test binary
 * @returns {Count}
 */
export function countCargo(output) {
  const line = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm;
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(line)) {
    count.passed += Number(passed);
    count.failed += Number(failed);
    count.skipped += Number(ignored);
  }
  return count;
}

/**
 * @param {string} output of ava: a tick for each test that passed, and a summary with a line for each
 *   other outcome (the number that passed is only there when none failed)
 * @returns {Count}
 */
export function countAva(output) {
  const summary = (/** @type {string} */ outcome) =>
    Number(new RegExp(`^\\s*(\\d+) tests? ${outcome}$`, 'm').exec(output)?.[1] ?? 0);
  const ticks = output.match(/^\s*✔ /gm)?.length ?? 0;
  return { passed: ticks, failed: summary('failed'), skipped: summary('skipped') };
}

/**
 * @param {string} subcommand
 * @param {...string} args
 * @returns {string[]}
 */
function cargo(subcommand, ...args) {
  return ['cargo', subcommand, '--locked', ...args];
}

async function loom() {
  // Other flags mean other artifacts: a folder of its own keeps the usual ones from being rebuilt.
  const folder = ['--target-dir', join('target', 'loom')];
  const commandLine = cargo('test', '-p', 'damon-ring', '--test', 'loom', '--release', ...folder);
  const RUSTFLAGS = `${process.env.RUSTFLAGS ?? ''} --cfg loom`.trim();
  return counted(commandLine, countCargo, { RUSTFLAGS });
}

/**
 * @param {string[]} commandLine
 * @returns {Promise<number>}
 */
async function quietly(commandLine) {
  return (await run(commandLine)).code;
}

/**
 * Runs tests in full view and adds what they count to the total.
 *
 * @param {string[]} commandLine
 * @param {(output: string) => Count} count
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
async function counted(commandLine, count, env = {}) {
  const { code, output } = await run(commandLine, { output: 'tee', env });
  const { passed, failed, skipped } = count(stripVTControlCharacters(output));
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  return code;
}
