// Looks for what a build needs beside Node, and refuses with one line that names the cure.
import { spawnSync } from 'node:child_process';

import { Refusal } from './process.mjs';
import { rustComplaint } from './versions.mjs';

/** Refuses unless cargo, rustc and a C linker can be run. */
export function requireRust() {
  for (const tool of ['cargo', 'rustc']) {
    const complaint = rustComplaint(tool, firstLine(tool, ['--version']));
    if (complaint) throw new Refusal(complaint);
  }
  if (needsCc() && firstLine('cc', ['--version']) === undefined) {
    throw new Refusal(
      'node-damon needs a C linker for Rust, but `cc` is not on the PATH: ' +
        'install gcc or clang (Debian: `apt install build-essential`, macOS: `xcode-select --install`)',
    );
  }
}

/**
 * Refuses unless a cargo subcommand is installed.
 *
 * @param {string} subcommand `fmt` or `clippy`
 * @param {string} component its name for rustup
 */
export function requireCargo(subcommand, component) {
  const found = firstLine('cargo', [subcommand, '--version']);
  // Without the component, rustup's stand-in exits with an error, which also prints a first line.
  if (found && found.startsWith(component)) return;
  throw new Refusal(
    `node-damon's tests need ${component}, which is not installed: run \`rustup component add ${component}\``,
  );
}

/** rustc calls `cc` unless the platform or the user names another linker. */
function needsCc() {
  const named = Object.keys(process.env).some((name) => /^CARGO_TARGET_\w+_LINKER$/.test(name));
  return process.platform !== 'win32' && !named;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined} what it printed first; nothing when it is not there
 */
function firstLine(command, args) {
  const child = spawnSync(command, args, { encoding: 'utf8' });
  if (child.error) return undefined;
  return (child.stdout.trim() || child.stderr.trim()).split('\n')[0];
}
