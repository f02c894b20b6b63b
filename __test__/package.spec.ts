import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

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

const USER = `
import { AdminTree, Kdamond, LiveKdamond, RFC_MACHINE, type Snapshot, defineConfig } from 'node-damon';
import { SharedProducer } from 'node-damon/producer';

export const config = defineConfig({ source: RFC_MACHINE, attrs: { sampleUs: '5 ms' }, untilMs: '1 s' });
export async function first(signal: AbortSignal): Promise<Snapshot | undefined> {
  using kdamond = new Kdamond({ source: config.source });
  for await (const snapshot of kdamond.snapshots({ signal })) return snapshot;
  return undefined;
}
export const classes = [AdminTree, LiveKdamond, SharedProducer];
// @ts-expect-error: no such option.
defineConfig({ source: RFC_MACHINE, shcemes: [] });
`;

/** What a TypeScript project that checks everything, declarations too, says about files. */
function typeErrors(names: readonly string[], options: ts.CompilerOptions): string[] {
  const rootNames = names.map((name) => join(folder, name));
  const program = ts.createProgram(rootNames, {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: ts.ScriptTarget.ES2022,
    typeRoots: [resolve('node_modules/@types')],
    types: ['node'],
    ...options,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test.serial('types hold there in a strict project, of ES modules, of CommonJS, bundled', (t) => {
  writeFileSync(join(folder, 'user.mts'), USER);
  writeFileSync(
    join(folder, 'user.cts'),
    "import damon = require('node-damon');\nexport const k: typeof damon.Kdamond = damon.Kdamond;\n",
  );
  const { ModuleKind, ModuleResolutionKind } = ts;
  const nodenext = { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext };
  t.deepEqual(typeErrors(['user.mts', 'user.cts'], nodenext), []);
  const bundler = { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler };
  t.deepEqual(typeErrors(['user.mts'], bundler), []);
});

test.serial('CommonJS requires it there', (t) => {
  const script = `
    const { Kdamond, DamonError } = require('node-damon');
    const producer = require('node-damon/producer');
    const schema = require('node-damon/schema.json');
    console.log(typeof Kdamond, producer.DamonError === DamonError, 'source' in schema.properties);
  `;
  writeFileSync(join(folder, 'user.cjs'), script);
  const { status, output } = inFolder([process.execPath, 'user.cjs']);
  t.is(status, 0, output);
  t.is(output, 'function true true\n');
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
