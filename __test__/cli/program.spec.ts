import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { packageVersion } from '../../src/native/binding.ts';
import { child, cli } from '../support/cli.ts';

test('--version and --help answer on standard output', async (t) => {
  t.deepEqual(await cli('--version'), {
    code: EXIT.ok,
    stdout: `${packageVersion()}\n`,
    stderr: '',
  });
  const help = await cli('--help');
  t.is(help.code, EXIT.ok);
  t.regex(help.stdout, /^Usage: node-damon /);
  t.is(help.stderr, '');
});

test('wrong usage exits with 2 and leaves standard output empty', async (t) => {
  for (const args of [[], ['--no-such-option'], ['no-such-command']]) {
    const { code, stdout, stderr } = await cli(...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    t.not(stderr, '');
  }
});

test('the built command passes its exit code and its output on', (t) => {
  const version = { code: EXIT.ok, stdout: `${packageVersion()}\n`, stderr: '' };
  t.deepEqual(child('--version'), version);
  t.is(child('--no-such-option').code, EXIT.usage);
});
