import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';

import { pack } from '../scripts/package.mjs';
import { npm } from '../scripts/process.mjs';

const folder = mkdtempSync(join(tmpdir(), 'node-damon-installed-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function inFolder([command = '', ...args]: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** An example as JavaScript, as no TypeScript is installed there. */
function example(name: string): string {
  const { outputText } = ts.transpileModule(readFileSync(`examples/${name}.ts`, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(join(folder, `${name}.mjs`), outputText);
  return `${name}.mjs`;
}

test.serial('the packages are in order, and install into an empty folder', async (t) => {
  const tarballs = await pack(folder);
  t.is(tarballs.length, 2);
  const { buffer } = Uint8Array.from(readFileSync(tarballs[0] ?? ''));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  t.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, output } = inFolder([...npm(), 'install', ...flags, ...tarballs]);
  t.is(status, 0, output);
});

test.serial("the README's example runs there", (t) => {
  mkdirSync(join(folder, 'examples'));
  for (const part of ['samples.csv.zst', 'machine.json']) {
    const file = `examples/redis-linux-6.12.${part}`;
    cpSync(file, join(folder, file));
  }
  const { status, output } = inFolder([process.execPath, example('two-jobs')]);
  t.is(status, 0, output);
  t.regex(output, /^balanced: true$/m);
  t.regex(output, /^DRAM share by second: 50\.0 /m);
});

test.serial('threads of the process find the producer and the addon there', (t) => {
  const { status, output } = inFolder([process.execPath, example('live')]);
  t.is(status, 0, output);
  t.regex(output, /^hits in all: 3001$/m);
});

test.serial('the command runs there, on all cores', (t) => {
  const bin = join('node_modules', '.bin', 'node-damon');
  const args = ['shares', '--minutes', '1', '--seeds', '2', '--json'];
  const { status, output } = inFolder([bin, ...args]);
  t.is(status, 0, output);
  t.regex(output, /"runsDone":2/);
});
