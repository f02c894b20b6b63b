import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { controllers, runStudy } from '../../src/cli/study.ts';
import { cli, cliWith } from '../support/cli.ts';
import { temporaryPath } from '../support/small.ts';

test('shares prints a row for each node, and draws them', async (t) => {
  const path = temporaryPath('shares.html');
  const { code, stdout, stderr } = await cli(
    'shares',
    '--weights',
    '2:1:1',
    '--minutes',
    '0.2',
    '--html',
    path,
  );
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  t.regex(stdout, /Shares of hot memory: 2:1:1 over 3 nodes\n/);
  for (const node of [0, 1, 2]) t.regex(stdout, new RegExp(`node ${node}, proportio`));
  t.regex(readFileSync(path, 'utf8'), /<h3 id="study0">[^<]*, proportional<\/h3>[^]*node 2/);
});

test('sensitivity prints a row for each value', async (t) => {
  const { code, stdout } = await cli(
    'sensitivity',
    '--minutes',
    '0.2',
    '--target',
    '55',
    '--parameter',
    'window',
    '--seeds',
    '2',
  );
  t.is(code, EXIT.ok);
  t.regex(stdout, /as the RFC\n {2}temporal +\d/);
  t.regex(stdout, /window: 500 ms\n {2}temporal +\d/);
});

/** What {@link runStudy} prints of a job that did so many of two runs before Ctrl-C. */
async function interrupted(runsDone: number): Promise<string> {
  const record = {
    title: 'cut short',
    machine: [],
    cases: [],
    seeds: [1, 2],
    runsDone,
    runsPlanned: 2,
    simulatedSeconds: 6 * runsDone,
    wallSeconds: 1,
    workers: 1,
  };
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const context = { stdout, stderr, signal: AbortSignal.abort() };
  const flags = { seed: '1', seeds: '2' };
  await runStudy('study', flags, context, () => Promise.resolve(record));
  return String(stdout.read());
}

test('a study that is interrupted prints what is done of it', async (t) => {
  t.regex(await interrupted(1), /^cut short\nseeds 1 to 2, 1 of 2 runs/);
});

test('a study that is interrupted before anything is done prints nothing, and says so', async (t) => {
  const reason: unknown = await interrupted(0).catch((error: unknown) => error);
  t.like(reason, { name: 'AbortError' });
  const command = ['shares', '--minutes', '0.05'];
  const ran = await cliWith(AbortSignal.abort(), ...command);
  t.deepEqual(ran, { code: EXIT.interrupted, stdout: '', stderr: '' });
});

const WRONG_USAGE: readonly [args: string[], tells: RegExp][] = [
  [['shares', '--weights', '5'], /ERR_DAMON_CONFIG_STUDY.*`--weights`/],
  [['shares', '--weights', '5:0'], /ERR_DAMON_CONFIG_SHARES.*`--weights`.*`0`/],
  [['shares', '--weights', '5,3,2'], /ERR_DAMON_USAGE_NUMBER.*--weights.*5:3:2/],
  [['shares', '--minutes', '1441'], /ERR_DAMON_CONFIG_STUDY.*`--minutes`/],
  [['shares', '--tuner', 'pid'], /ERR_DAMON_USAGE_TUNER.*--tuner/],
  [
    ['sensitivity', '--parameter', 'strt'],
    /ERR_DAMON_USAGE_PARAMETER.*--parameter[^]*did you mean `start`/,
  ],
  [['sensitivity', '--tuner', 'temporal,consist'], /ERR_DAMON_USAGE_TUNER.*one name/],
  [['sensitivity', '--target', '0'], /ERR_DAMON_CONFIG_STUDY.*`--target`/],
  [['sensitivity', '--target', '100'], /ERR_DAMON_CONFIG_STUDY.*`--target`/],
  [['sensitivity', '--minutes', 'x'], /ERR_DAMON_USAGE_NUMBER.*--minutes/],
];

// Not as a command, which would run the whole demonstration if it took them.
test('names are read whatever stands around them, each once', (t) => {
  t.deepEqual(controllers('consist , temporal'), ['consist', 'temporal']);
  t.throws(() => controllers('temporal, temporal'), {
    code: 'ERR_DAMON_USAGE_TUNER',
    message: /`--tuner` to be each name once, got `'temporal'`/,
  });
});

test('wrong usage exits with 2 and says what would be right', async (t) => {
  for (const [args, tells] of WRONG_USAGE) {
    const { code, stdout, stderr } = await cli(...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, tells);
  }
});
