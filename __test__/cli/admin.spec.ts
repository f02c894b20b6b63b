import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { cli, ndjson, start } from '../support/cli.ts';
import { recordingOf, rows, temporaryFile, temporaryPath } from '../support/small.ts';

const SET_UP = `
cd /sys/kernel/mm/damon/admin
echo 1 > kdamonds/nr_kdamonds
cd kdamonds/0
echo 1 > contexts/nr_contexts
cat contexts/0/avail_operations
echo paddr_ibs > contexts/0/operations
echo 1 > contexts/0/targets/nr_targets
echo on > state
sleep 1
cat state
`;

const script = (text: string): string => temporaryFile(text, 'script.sh');
const mountable = existsSync('/dev/fuse') && process.geteuid?.() === 0 ? test : test.skip;

test('each line is told with what it showed', async (t) => {
  const { code, stdout, stderr } = await cli('admin', '--script', script(SET_UP));
  t.is(code, EXIT.ok, stderr);
  t.is(
    stdout,
    [
      '2: cd /sys/kernel/mm/damon/admin',
      '3: echo 1 > kdamonds/nr_kdamonds',
      '4: cd kdamonds/0',
      '5: echo 1 > contexts/nr_contexts',
      '6: cat contexts/0/avail_operations',
      '   vaddr',
      '   fvaddr',
      '   paddr',
      '   paddr_ibs',
      '7: echo paddr_ibs > contexts/0/operations',
      '8: echo 1 > contexts/0/targets/nr_targets',
      '9: echo on > state',
      '10: sleep 1',
      '11: cat state',
      '   on',
      '',
    ].join('\n'),
  );
});

test('the first refusal is told by errno, and ends it with 1', async (t) => {
  const file = script(`${SET_UP}echo 0 > ../nr_kdamonds\necho off > state\n`);
  const { code, stdout, stderr } = await cli('admin', '--script', file);
  t.is(code, EXIT.failure);
  t.true(stdout.endsWith('12: echo 0 > ../nr_kdamonds: EBUSY (16)\n'), stdout);
  t.regex(stderr, /^error\[ERR_DAMON_ADMIN_EBUSY\].*\n {2}at: kdamonds\/nr_kdamonds/);
});

test('--json tells the same as objects', async (t) => {
  const file = script(
    'echo 1 > kdamonds/nr_kdamonds; cat kdamonds/nr_kdamonds\necho x > kdamonds/0/state',
  );
  const { code, stdout } = await cli('admin', '--script', file, '--json');
  t.is(code, EXIT.failure);
  const [written, read, refused] = ndjson(stdout);
  t.deepEqual(written, { line: 1, type: 'write', text: '1\n', path: 'kdamonds/nr_kdamonds' });
  t.deepEqual(read, { line: 1, type: 'read', path: 'kdamonds/nr_kdamonds', output: '1\n' });
  t.like(refused, { line: 2, errno: 'EINVAL', error: { path: 'kdamonds/0/state' } });
});

test('an exit that is not 0 ends it with 1, and a refusal that is provided for does not', async (t) => {
  const file = script(
    'echo x > kdamonds/nr_kdamonds || echo "it refuses"\necho "$((2 + 2))"\nexit 3\n',
  );
  const { code, stdout, stderr } = await cli('admin', '--script', file);
  t.is(code, EXIT.failure);
  t.is(
    stdout,
    [
      '1: echo x > kdamonds/nr_kdamonds: EINVAL (22), and goes on',
      '1: prints',
      '   it refuses',
      '2: prints',
      '   4',
      '3: exit 3',
      '',
    ].join('\n'),
  );
  t.regex(stderr, /^error\[ERR_DAMON_SCRIPT\]: The script ended at line 3 with exit code 3\n/);
});

test('a recording may be monitored; its end is not an error', async (t) => {
  const recording = recordingOf(rows(500));
  const file = script(`${SET_UP}sleep 2\ncat state\n`);
  const { code, stdout } = await cli('admin', '--script', file, '--recording', recording);
  t.is(code, EXIT.ok);
  t.true(stdout.endsWith('13: cat state\n   off\n'), stdout);
});

const WRONG: readonly [args: string[], tells: RegExp][] = [
  [[], /ERR_DAMON_USAGE_ADMIN/],
  [['--script', 'none'], /ERR_DAMON_USAGE_SCRIPT.*none/],
  [['--script', script('mount')], /ERR_DAMON_CONFIG_SCRIPT/],
  [['--script', script(''), '--speed', 'x'], /ERR_DAMON_USAGE_NUMBER.*--speed/],
  [['--script', script(''), '--speed', '-1'], /ERR_DAMON_CONFIG.*speed/],
  [['--script', script(''), '--seed', 'x'], /--seed/],
];

for (const [args, tells] of WRONG) {
  test(`wrong usage: admin ${args.join(' ').replace(/\/\S+\//, '')}`, async (t) => {
    const { code, stdout, stderr } = await cli('admin', ...args);
    t.is(code, EXIT.usage);
    t.is(stdout, '');
    t.regex(stderr, tells);
  });
}

mountable('--mount serves until Ctrl-C', async (t) => {
  const dir = temporaryPath('mount');
  mkdirSync(dir);
  const child = start('admin', '--mount', dir, '--script', script(SET_UP), '--speed', '100');
  if (child.stderr) await once(child.stderr, 'data');
  // Another process: this one's thread may wait.
  t.is(readFileSync(join(dir, 'kdamonds/0/state'), 'utf8'), 'on\n');
  writeFileSync(join(dir, 'kdamonds/0/state'), 'off');
  t.is(readFileSync(join(dir, 'kdamonds/0/state'), 'utf8'), 'off\n');
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'exit'), [EXIT.interrupted, null]);
  t.false(readFileSync('/proc/self/mounts', 'utf8').includes(` ${dir} `));
});

test('a directory that is none is a failure with a hint', async (t) => {
  const { code, stderr } = await cli('admin', '--mount', temporaryPath('none'));
  t.is(code, EXIT.failure);
  t.regex(stderr, /ERR_DAMON_MOUNT_DIRECTORY[^]*hint: /);
});
