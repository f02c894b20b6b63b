import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test from 'ava';

/** Runs one check of the toolchain with nothing on the PATH but stand-ins that print one line. */
function check(call: string, tools: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'node-damon-path-'));
  try {
    for (const [name, line] of Object.entries(tools)) {
      const path = join(folder, name);
      writeFileSync(path, `#!/bin/sh\necho '${line}'\n`);
      chmodSync(path, 0o755);
    }
    const script =
      `import * as toolchain from '${pathToFileURL('scripts/toolchain.mjs').href}';` +
      `try { toolchain.${call}; } catch (error) { console.log(error.refusal, error.message); }`;
    return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      env: { PATH: folder },
      encoding: 'utf8',
    }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const good = { cargo: 'cargo 1.95.0 (abc)', rustc: 'rustc 1.95.0 (abc)', cc: 'cc 12.2.0' };

test('a complete toolchain passes', (t) => {
  t.is(check('requireRust()', good), '');
});

test('each missing or old tool is named in one line with its cure', (t) => {
  const { cargo, rustc, cc } = good;
  t.regex(check('requireRust()', {}), /^true [^\n]*`cargo` is not on the PATH[^\n]*rustup\.rs\n$/);
  t.regex(check('requireRust()', { cargo, cc }), /^true [^\n]*`rustc` is not on the PATH[^\n]*\n$/);
  t.regex(check('requireRust()', { cargo, rustc }), /^true [^\n]*`cc` is not on the PATH[^\n]*\n$/);
  t.regex(
    check('requireRust()', { ...good, rustc: 'rustc 1.70.0 (old)' }),
    /^true [^\n]*found rustc 1\.70\.0 \(old\)[^\n]*rustup update[^\n]*\n$/,
  );
});

test('a missing cargo component is named with its cure', (t) => {
  t.is(check(`requireCargo('clippy', 'clippy')`, { cargo: 'clippy 0.1.95 (abc)' }), '');
  t.regex(
    check(`requireCargo('fmt', 'rustfmt')`, { cargo: 'error: no such command: fmt' }),
    /^true [^\n]*rustup component add rustfmt[^\n]*\n$/,
  );
});
