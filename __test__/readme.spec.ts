import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import test from 'ava';

const EXAMPLE = 'examples/two-jobs.ts';

test("the README's example is the file it names", (t) => {
  const [, example] = /^```ts\n(.*?)^```$/ms.exec(readFileSync('README.md', 'utf8')) ?? [];
  t.is(example, readFileSync(EXAMPLE, 'utf8'));
});

test("the README's example runs", (t) => {
  const args = ['--import', '@oxc-node/core/register', EXAMPLE];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
  t.not(stdout, '');
});
