import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import test from 'ava';

const EXAMPLE = 'examples/two-jobs.ts';

test("the README's example is the file it names", (t) => {
  const [, example] = /^```ts\n(.*?)^```$/ms.exec(readFileSync('README.md', 'utf8')) ?? [];
  t.is(example, readFileSync(EXAMPLE, 'utf8'));
});

function run(example: string): { status: number | null; stdout: string; stderr: string } {
  const args = ['--import', '@oxc-node/core/register', example];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

test("the README's example runs", (t) => {
  const { status, stdout, stderr } = run(EXAMPLE);
  t.is(status, 0, stderr);
  t.not(stdout, '');
});

test('the live example runs, and sees what it reported', (t) => {
  const { status, stdout, stderr } = run('examples/live.ts');
  t.is(status, 0, stderr);
  t.true(stdout.includes('balanced: true'), stdout);
  t.true(stdout.includes('reports of those that left: 2000'), stdout);
  // However far regions have adapted by then, and over however many snapshots.
  t.regex(stdout, /^hits in all: 3001$/m);
  t.regex(stdout, /^0x[0-9a-f]+ \+ \d+ KiB: \d+ hits$/m);
});
