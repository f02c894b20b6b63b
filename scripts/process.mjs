// Child processes: their output, their exit codes, and the signals that pass through us to them.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the project. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** An answer for the reader rather than a bug of ours: printed as it is, without a stack. */
export class Refusal extends Error {
  /** @readonly */
  refusal = true;

  /**
   * @param {string} message
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * The command line of a tool among our dependencies. Reading its package.json instead of calling
 * `node_modules/.bin` spares a shell on Windows.
 *
 * @param {string} packageName
 * @param {string} [name] which of its commands; by default the one named like the package
 * @returns {string[]}
 */
export function tool(packageName, name = packageName) {
  const folder = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, typeof bin === 'string' ? bin : bin[name])];
}

/**
 * The command line of npm: the one that called us, else the one on the PATH.
 *
 * @returns {string[]}
 */
export function npm() {
  const caller = process.env.npm_execpath;
  if (caller && /npm-cli\.c?js$/.test(caller) && existsSync(caller)) {
    return [process.execPath, caller];
  }
  return ['npm'];
}

/**
 * @typedef {object} RunOptions
 * @property {'inherit' | 'tee' | 'capture'} [output] where the child's output goes: to ours (the
 *   default), to ours with standard output also returned, or only into what is returned
 * @property {NodeJS.ProcessEnv} [env] added to our own environment
 */

/**
 * Runs a command at the top of the project and waits for it.
 *
 * A signal that reaches us meanwhile is passed on to the child, and once that has ended, we refuse to
 * go on, with 128 + the signal's number as a shell would have it (130 for Ctrl-C).
 *
 * @param {string[]} commandLine
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run([command = '', ...args], { output = 'inherit', env } = {}) {
  return new Promise((resolve, reject) => {
    const pipe = /** @type {const} */ ('pipe');
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: {
        inherit: /** @type {const} */ ('inherit'),
        tee: [/** @type {const} */ ('inherit'), pipe, /** @type {const} */ ('inherit')],
        capture: [/** @type {const} */ ('ignore'), pipe, pipe],
      }[output],
    });

    let text = '';
    const collect = (/** @type {string} */ chunk) => {
      text += chunk;
      if (output === 'tee') process.stdout.write(chunk);
    };
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);

    const stopPassing = passSignals(child);
    child.on('error', (error) => {
      stopPassing();
      reject(new Refusal(`node-damon could not run \`${command}\`: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      const received = stopPassing();
      if (received) reject(new Refusal('\ninterrupted', 128 + constants.signals[received]));
      else resolve({ code: signal ? 128 + constants.signals[signal] : (code ?? 1), output: text });
    });
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => NodeJS.Signals | undefined} ends the passing and tells what had come
 */
function passSignals(child) {
  /** @type {NodeJS.Signals | undefined} */
  let received;
  const pass = (/** @type {NodeJS.Signals} */ signal) => {
    received = signal;
    // On a terminal, Ctrl-C has reached the child already: the whole foreground group gets it.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, pass);
  return () => {
    for (const signal of signals) process.off(signal, pass);
    return received;
  };
}

/**
 * Runs one step of a build: a short line on standard error with its duration, and the whole output
 * only when it fails. Standard output stays untouched: it belongs to the command that comes after.
 *
 * @param {string} label
 * @param {string[]} commandLine
 */
export async function buildStep(label, commandLine) {
  const started = performance.now();
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  const redraw = () => process.stderr.write(`\r${label} … ${seconds()}`);

  process.stderr.write(`${label} … `);
  const ticking = process.stderr.isTTY ? setInterval(redraw, 1000) : undefined;
  const { code, output } = await run(commandLine, { output: 'capture' }).finally(() =>
    clearInterval(ticking),
  );
  if (process.stderr.isTTY) redraw();
  else process.stderr.write(seconds());
  process.stderr.write('\n');

  if (code !== 0) {
    process.stderr.write(output);
    throw new Refusal(`node-damon: ${label} failed (exit code ${code}), see above`);
  }
}
