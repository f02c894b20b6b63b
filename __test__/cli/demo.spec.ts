import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { LISTENING, child, cli, cliWith, ndjson, startListening } from '../support/cli.ts';
import { temporaryPath } from '../support/small.ts';

const SHORT = ['--minutes', '0.5'];

test('--json prints one object with a row per target, and nothing else', async (t) => {
  const { code, stdout, stderr } = await cli('demo', ...SHORT, '--json', '--target', '60,55%');
  t.is(code, EXIT.ok);
  t.is(stderr, '', 'no progress where no terminal is');
  const [record, ...rest] = ndjson(stdout);
  t.deepEqual(rest, []);
  t.like(record, { seed: 1, tuner: 'temporal', simulatedSeconds: 60 });
  t.is(typeof record?.['wallSeconds'], 'number');
  const rows = record?.['rows'] as Record<string, number>[];
  t.deepEqual(
    rows.map(({ target }) => target),
    [60, 55],
  );
  for (const row of rows) {
    for (const name of ['mean', 'offset', 'stddev', 'rampSeconds', 'samples']) {
      t.is(typeof row[name], 'number', name);
    }
    t.assert(Math.abs((row['mean'] ?? NaN) - (row['target'] ?? NaN)) < 1.5);
    t.assert(Math.abs((row['mean'] ?? NaN) - (row['trueMean'] ?? NaN)) < 1.5);
  }
});

test('the text shows what was asked, what came, and that the books balance', async (t) => {
  const { code, stdout, stderr } = await cli('demo', ...SHORT, '--seed', '7', '--target', '70');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  for (const part of [/seed 7/, /132 CPUs/, /70/, /every sample shown was filtered or reported/]) {
    t.regex(stdout, part);
  }
});

test('--tuner consist is far from the goal after so short a time, and says so', async (t) => {
  const { stdout } = await cli(
    'demo',
    '--target',
    '70',
    '--minutes',
    '0.1',
    '--tuner',
    'consist',
    '--json',
  );
  const [row] = (JSON.parse(stdout) as { rows: object[] }).rows;
  t.like(row, { mean: null, rampSeconds: null, trueMean: null, samples: 0 });
});

test('--explain tells why both schemes did what they did, as text, as lines, and on the page', async (t) => {
  const html = temporaryPath('demo.html');
  const short = ['demo', '--target', '70', '--minutes', '0.1', '--explain'];
  const { code, stdout } = await cli(...short, '--html', html);
  t.is(code, EXIT.ok);
  t.regex(stdout, /^Why: PULL$/m);
  t.regex(stdout, /^Why: PUSH$/m);
  const page = readFileSync(html, 'utf8');
  t.true(page.includes('Why PULL did what it did') && page.includes('Why PUSH did what it did'));

  const lines = ndjson((await cli(...short, '--json')).stdout);
  t.is(lines.filter(({ type }) => type === 'tuning').length, 2 * 6);
  t.is(lines.filter(({ type }) => type === 'round').length, 2 * 60);
  t.is(lines.at(-1)?.['tuner'], 'temporal');
});

const WRONG_USAGE: readonly [args: string[], tells: RegExp][] = [
  [['--explain'], /ERR_DAMON_USAGE_TARGET.*`--target` to be given with --explain/],
  [['--target', '0'], /ERR_DAMON_CONFIG_DEMO.*`--target`[^]* at: --target\n/],
  [['--target', '70,100'], /ERR_DAMON_CONFIG_DEMO.*`--target`.*`100`/],
  [['--target', '101'], /above 0 and below 100/],
  [['--target', 'NaN'], /ERR_DAMON_USAGE_NUMBER.*--target/],
  [['--target', '70,'], /ERR_DAMON_USAGE_NUMBER.*--target/],
  [['--minutes', '0'], /ERR_DAMON_CONFIG_STUDY.*at least one simulated second/],
  [['--minutes', '0', '--target', '70'], /ERR_DAMON_CONFIG_DEMO.*at least one simulated second/],
  [['--seeds', '0'], /ERR_DAMON_CONFIG_STUDY.*`--seeds`/],
  [['--workers', 'many'], /ERR_DAMON_USAGE_NUMBER.*--workers/],
  [['--target', '70', '--seeds', '2'], /ERR_DAMON_USAGE_TARGET.*one run/],
  [['--target', '70', '--workers', '2'], /ERR_DAMON_USAGE_TARGET.*one run/],
  [['--target', '70', '--aggregation', '200ms'], /ERR_DAMON_USAGE_TARGET.*--aggregation/],
  [['--aggregation', '3 furlongs'], /ERR_DAMON_USAGE_DURATION.*`--aggregation`/],
  [
    ['--target', '70', '--tuner', 'temporal,consist'],
    /ERR_DAMON_USAGE_TUNER.*`proportional` where --target is given/,
  ],
  [['--minutes', '1e9'], /ERR_DAMON_CONFIG_STUDY.*`--minutes`.*1440/],
  [['--minutes', '1e9', '--target', '70'], /ERR_DAMON_CONFIG_DEMO.*`--minutes`.*1440/],
  [['--minutes', 'x'], /ERR_DAMON_USAGE_NUMBER.*--minutes/],
  [['--seed', '-1'], /`--seed`/],
  [['--seed', '1.5'], /`--seed`/],
  [['--seed', '1.5', '--target', '70'], /`--seed`/],
  [['--tuner', 'temporl'], /ERR_DAMON_USAGE_TUNER[^]*did you mean `temporal`/],
  [['--tuner', 'pid'], /ERR_DAMON_USAGE_TUNER.*`consist`, `temporal`/],
  [['--no-such'], /unknown option/],
  [['more'], /too many arguments/],
];

test("rows have the RFC's aggregation, ours twice that, and all what --aggregation says", async (t) => {
  for (const [args, expected] of [
    [['--tuner', 'temporal'], ['aggregation 100 ms']],
    [
      ['--tuner', 'temporal,proportional'],
      ['aggregation 100 ms under temporal', 'aggregation 200 ms under proportional'],
    ],
    [['--tuner', 'temporal,proportional', '--aggregation', '50ms'], ['aggregation 50 ms']],
  ] as const) {
    const { code, stdout } = await cli('demo', '--minutes', '0.02', '--json', ...args);
    t.is(code, EXIT.ok);
    const [record] = ndjson(stdout);
    const machine = record?.['machine'] as string[];
    t.deepEqual(machine.slice(machine.indexOf('sampling 5 ms') + 1), expected);
  }
});

test('wrong usage exits with 2 and says what would be right', async (t) => {
  for (const [args, tells] of WRONG_USAGE) {
    const { code, stdout, stderr } = await cli('demo', ...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, tells);
  }
});

test('with --json wrong usage is one line of JSON', async (t) => {
  for (const [args] of WRONG_USAGE) {
    const { code, stdout, stderr } = await cli('demo', '--json', ...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    const [error, ...rest] = ndjson(stderr);
    t.is(error?.['type'], 'error');
    t.regex(String(error?.['code']), /^ERR_DAMON_(USAGE|CONFIG)/);
    t.notRegex(String(error?.['message']), /^error:/);
    t.deepEqual(rest, []);
  }
});

test('--html writes a report of the run', async (t) => {
  const path = temporaryPath('demo.html');
  t.is((await cli('demo', '--target', '70', '--minutes', '0.1', '--html', path)).code, EXIT.ok);
  t.regex(readFileSync(path, 'utf8'), /^<!doctype html>[^]*PULL[^]*<\/html>\s*$/i);
});

test("without a target it runs the RFC's four rows with every seed, on threads", async (t) => {
  const path = temporaryPath('rows.html');
  const { code, stdout, stderr } = await cli('demo', '--minutes', '0.05', '--html', path, '--json');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  const [record, ...rest] = ndjson(stdout);
  t.deepEqual(rest, []);
  t.like(record, { seeds: [1], runsDone: 4, runsPlanned: 4 });
  const cases = record?.['cases'] as { summary: { name: string }; runs: { seed: number }[] }[];
  t.deepEqual(
    cases.map(({ summary: { name }, runs }) => [name, runs.map(({ seed }) => seed)]),
    [
      ['70 %, cold start', [1]],
      ['30 %, cold start', [1]],
      ['90 %, from 70 %', [1]],
      ['85 %, from 90 %', [1]],
    ],
  );
  t.regex(readFileSync(path, 'utf8'), /^<!doctype html>[^]*85 %, from 90 %[^]*<\/html>\s*$/i);
});

test('--help explains by example', async (t) => {
  const { code, stdout } = await cli('demo', '--help');
  t.is(code, EXIT.ok);
  t.regex(stdout, /Examples:\n {2}node-damon demo/);
});

test('a run that was interrupted exits with 130 and prints no result', async (t) => {
  const run = cliWith(AbortSignal.timeout(100), 'demo', '--target', '70');
  t.deepEqual(await run, { code: EXIT.interrupted, stdout: '', stderr: '' });
});

test('the built command runs the demonstration', (t) => {
  const { code, stdout, stderr } = child('demo', '--target', '70', '--minutes', '0.1', '--json');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  t.is(ndjson(stdout)[0]?.['simulatedSeconds'], 6);
});

for (const more of [[], ['--target', '70']]) {
  test(`Ctrl-C in the middle of a demonstration exits with 130: ${more.join(' ')}`, async (t) => {
    const command = startListening('demo', '--json', ...more);
    let output = '';
    command.stdout?.on('data', (chunk) => (output += String(chunk)));
    // Before it listens, a signal would end it as any process.
    t.is(String((await once(command.stderr ?? command, 'data'))[0]), LISTENING);
    command.stderr?.on('data', (chunk) => (output += String(chunk)));
    await sleep(300);
    command.kill('SIGINT');
    const [code] = (await once(command, 'close')) as [number | null];
    t.is(code, EXIT.interrupted);
    t.is(output, '');
  });
}
