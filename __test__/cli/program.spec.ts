import { spawnSync } from 'node:child_process';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { run } from '../../src/cli/program.ts';
import { packageVersion } from '../../src/native/binding.ts';

/** Runs a command line without a process; answers with all it wrote. */
async function cli(...args: string[]) {
  const sink = () => {
    let text = '';
    return {
      write: (chunk: string | Uint8Array) => {
        text += String(chunk);
        return true;
      },
      text: () => text,
    };
  };
  const [stdout, stderr] = [sink(), sink()];
  const code = await run(args, { stdout, stderr, signal: new AbortController().signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

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
  const node = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  t.like(node('--version'), { status: EXIT.ok, stdout: `${packageVersion()}\n`, stderr: '' });
  t.is(node('--no-such-option').status, EXIT.usage);
});
