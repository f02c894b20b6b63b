// `npm run mutations`: breaks the ring and the core on purpose, one way after the other, and sees that
// a check notices each (crates/ring/mutations/list.mjs, crates/core/mutations/list.mjs).
//
// `npm run mutations -- core` takes only those of that crate, `npm run mutations -- TEXT` only those
// whose name contains TEXT, and both together both. Everything happens in a copy in the system's
// temporary folder: the tree stays as it is. Exit code 1 if a mutation survives.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MUTATIONS as OF_CORE } from '../crates/core/mutations/list.mjs';
import { MUTATIONS as OF_RING } from '../crates/ring/mutations/list.mjs';
import { Refusal, ROOT } from './process.mjs';
import { requireRust } from './toolchain.mjs';

/** @typedef {{ file: string, find: string, replace: string }} Edit `find` occurs once in `file` */

/**
 * @typedef {object} Named
 * @property {string} name
 * @property {string} check that must fail: one of its suite's
 * @property {string} [test] part of the name of its tests to run; all of them by default
 * @property {Edit[]} [also]
 */

/** @typedef {Edit & Named} Mutation */

/**
 * A crate that is broken.
 *
 * @typedef {object} Suite
 * @property {readonly string[]} crates it and those it needs, by folder; it comes last
 * @property {Readonly<Record<string, readonly string[]>>} checks arguments of cargo; each is seen to
 *   pass without a mutation first
 * @property {readonly Mutation[]} mutations
 */

/** @type {Readonly<Record<string, Suite>>} */
const SUITES = {
  ring: {
    crates: ['ring'],
    checks: {
      loom: ['--test', 'loom', '--release'],
      lanes: ['--lib', '--test', 'lanes'],
      // Optimised: without, a push is too slow to race with anything.
      race: ['--release', '--test', 'lanes'],
      shared: ['--test', 'shared'],
      signals: ['--test', 'signals'],
      no_alloc: ['--test', 'no_alloc'],
      doc: ['--doc'],
    },
    mutations: OF_RING,
  },
  core: {
    crates: ['ring', 'core'],
    checks: {
      lib: ['--lib'],
      kdamond: ['--test', 'kdamond'],
      schemes: ['--test', 'schemes'],
      commit: ['--test', 'commit'],
      watermarks: ['--test', 'watermarks'],
      probes: ['--test', 'probes'],
      oracle: ['--test', 'oracle'],
    },
    mutations: OF_CORE,
  },
};

/** A check that takes longer than this hangs: the mutation is noticed. */
const RUN_SECONDS_MAX = 90;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

const TARGET = join(process.env['CARGO_TARGET_DIR'] ?? join(ROOT, 'target'), 'mutations');

/**
 * @param {Suite} suite
 * @returns {string} where its sources are, from the root
 */
function sources({ crates }) {
  return join('crates', crates.at(-1) ?? '', 'src');
}

/**
 * @param {string} folder
 * @param {string} check
 * @param {string[]} args
 * @param {number} [seconds] how long it may take
 * @returns {Promise<{ code: number | 'hangs', output: string }>}
 */
function cargo(folder, check, args, seconds) {
  const isLoom = check === 'loom';
  const child = spawn('cargo', args, {
    cwd: folder,
    // A group of its own, so that a test that hangs goes together with cargo.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // Other flags mean other artifacts: a folder of its own spares rebuilding the dependencies.
      CARGO_TARGET_DIR: isLoom ? join(TARGET, 'loom') : TARGET,
      RUSTFLAGS: isLoom ? `${process.env['RUSTFLAGS'] ?? ''} --cfg loom` : process.env['RUSTFLAGS'],
      // Linking the whole of loom anew for each mutation takes longer than running it.
      CARGO_PROFILE_RELEASE_LTO: 'off',
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    },
  });
  children.add(child);
  return new Promise((resolve, reject) => {
    let output = '';
    let hangs = false;
    const collect = (/** @type {string} */ chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const timer = setTimeout(
      () => {
        hangs = true;
        kill(child);
      },
      (seconds ?? 3600) * 1000,
    );
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code: hangs ? 'hangs' : (code ?? 1), output });
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  // Over already: nobody to send to.
  if (child.pid === undefined || child.exitCode !== null) return;
  process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
}

/**
 * Builds and runs a check.
 *
 * @param {string} folder
 * @param {Suite} suite
 * @param {string} check
 * @param {string} [test]
 * @returns {Promise<{ outcome: 'passes' | 'fails' | 'hangs' | 'does not compile', output: string }>}
 */
async function run(folder, { crates, checks }, check, test) {
  const broken = ['-p', `damon-${crates.at(-1)}`];
  const which = checks[check];
  if (which === undefined) throw new Refusal(`there is no check "${check}"`);
  const build = check === 'doc' ? ['build', ...broken] : ['test', ...broken, ...which, '--no-run'];
  const built = await cargo(folder, check, build);
  if (built.code !== 0) return { outcome: 'does not compile', output: built.output };
  const filter = test === undefined ? [] : ['--', test];
  const args = ['test', ...broken, ...which, ...filter];
  const { code, output } = await cargo(folder, check, args, RUN_SECONDS_MAX);
  if (code === 'hangs') return { outcome: 'hangs', output };
  return { outcome: code === 0 ? 'passes' : 'fails', output };
}

/**
 * The suite's crates alone as a workspace.
 *
 * @param {string} folder
 * @param {Suite} suite
 */
function copyTo(folder, { crates }) {
  for (const crate of crates) {
    cpSync(join(ROOT, 'crates', crate), join(folder, 'crates', crate), { recursive: true });
  }
  cpSync(join(ROOT, 'Cargo.lock'), join(folder, 'Cargo.lock'));
  const manifest = readFileSync(join(ROOT, 'Cargo.toml'), 'utf8');
  const members = `members = [${crates.map((crate) => `"crates/${crate}"`).join(', ')}]`;
  writeFileSync(join(folder, 'Cargo.toml'), manifest.replace(/^members = \[[^\]]*\]/m, members));
}

/**
 * @param {Suite} suite
 * @param {Mutation} mutation
 * @returns {Map<string, { before: string, after: string }>} the text of each file that it changes
 */
function mutate(suite, mutation) {
  /** @type {Map<string, { before: string, after: string }>} */
  const texts = new Map();
  for (const { file, find, replace } of [mutation, ...(mutation.also ?? [])]) {
    const before =
      texts.get(file)?.before ?? readFileSync(join(ROOT, sources(suite), file), 'utf8');
    const parts = (texts.get(file)?.after ?? before).split(find);
    if (parts.length !== 2) {
      throw new Refusal(
        `mutation "${mutation.name}": expected its text once in ${file}, found it ${parts.length - 1} times:\n${find}`,
      );
    }
    texts.set(file, { before, after: parts.join(replace) });
  }
  return texts;
}

/**
 * @param {number} started
 * @returns {string}
 */
function secondsSince(started) {
  return ((performance.now() - started) / 1000).toFixed(1).padStart(7);
}

/**
 * @param {string[]} args a suite's name, part of the names of mutations, or both
 * @returns {Promise<number>} the exit code
 */
async function main(args) {
  requireRust();
  const [first = ''] = args;
  const isSuite = first in SUITES;
  const text = (isSuite ? args[1] : first) ?? '';
  const chosen = Object.entries(SUITES).flatMap(([name, suite]) => {
    const mutations = suite.mutations.filter((mutation) => mutation.name.includes(text));
    return mutations.length > 0 && (!isSuite || name === first) ? [{ ...suite, mutations }] : [];
  });
  if (chosen.length === 0) throw new Refusal(`no mutation's name contains "${text}"`, 2);
  // All texts are looked for before hours are spent on the first.
  const plans = chosen.map((suite) => ({
    suite,
    texts: new Map(suite.mutations.map((mutation) => [mutation, mutate(suite, mutation)])),
  }));

  const folder = mkdtempSync(join(tmpdir(), 'node-damon-mutations-'));
  process.on('exit', () => {
    for (const child of children) kill(child);
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

  let survivors = 0;
  let all = 0;
  for (const { suite, texts } of plans) {
    all += suite.mutations.length;
    survivors += await challenge(folder, suite, texts);
  }
  process.stdout.write(`\n${all - survivors} caught, ${survivors} survived\n`);
  return survivors === 0 ? 0 : 1;
}

/**
 * @param {string} folder
 * @param {Suite} suite
 * @param {ReadonlyMap<Mutation, ReturnType<typeof mutate>>} texts
 * @returns {Promise<number>} how many survived
 */
async function challenge(folder, suite, texts) {
  const { mutations } = suite;
  copyTo(folder, suite);
  const width = Math.max(...mutations.map(({ name }) => name.length), 'mutation'.length);
  const row = (/** @type {string[]} */ [name = '', check = '', outcome = '', seconds = '']) =>
    process.stdout.write(
      `${name.padEnd(width)}  ${check.padEnd(10)}  ${outcome.padEnd(13)}  ${seconds}\n`,
    );
  row(['mutation', 'check', 'outcome', 'seconds']);

  for (const check of new Set(mutations.map((mutation) => mutation.check))) {
    const started = performance.now();
    const { outcome, output } = await run(folder, suite, check);
    if (outcome !== 'passes') {
      throw new Refusal(`${output}\nwithout any mutation, ${check} ${outcome}: see above`);
    }
    row(['(none)', check, 'passes', secondsSince(started)]);
  }

  let survivors = 0;
  for (const mutation of mutations) {
    const started = performance.now();
    for (const [file, { after }] of texts.get(mutation) ?? []) {
      writeFileSync(join(folder, sources(suite), file), after);
    }
    const { outcome, output } = await run(folder, suite, mutation.check, mutation.test);
    if (outcome === 'does not compile') {
      throw new Refusal(`${output}\nmutation "${mutation.name}" does not compile: see above`);
    }
    if (outcome === 'passes') survivors += 1;
    const verdict = { passes: 'SURVIVED', fails: 'caught', hangs: 'caught, hangs' }[outcome];
    row([mutation.name, mutation.check, verdict, secondsSince(started)]);
    // Not from the tree, which may have moved on.
    for (const [file, { before }] of texts.get(mutation) ?? []) {
      writeFileSync(join(folder, sources(suite), file), before);
    }
  }
  return survivors;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (/** @type {unknown} */ error) => {
    const isRefusal = error instanceof Refusal;
    process.stderr.write(
      `${isRefusal ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exit(isRefusal ? error.exitCode : 1);
  },
);
