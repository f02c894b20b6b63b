import { readFileSync } from 'node:fs';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { cli } from '../support/cli.ts';
import { temporaryPath } from '../support/small.ts';

test('primitives prints a row for each, and draws them', async (t) => {
  const path = temporaryPath('primitives.html');
  const command = ['primitives', '--primitive', 'ibs,hint_faults', '--seconds', '2'];
  const { code, stdout, stderr } = await cli(...command, '--html', path);
  t.deepEqual([code, stderr], [EXIT.ok, '']);
  t.regex(stdout, /^Primitives side by side/);
  t.regex(stdout, /10 to 1000 regions \(base: oracle\)\n {2}IBS Op +\d.* G +\d.* %/);
  t.regex(stdout, /\n {2}hint faults +\d/);
  t.regex(stdout, /\n {2}oracle +\d.* +100\.0 %/);
  const page = readFileSync(path, 'utf8');
  t.regex(page, /hint faults/);
  t.regex(page, /data-series="placement0-0"/);
});

test('policies as JSON: summaries and runs without their series', async (t) => {
  const command = ['policies', '--policy', 'interleave', '--seconds', '2', '--seeds', '2'];
  const { code, stdout } = await cli(...command, '--json');
  t.is(code, EXIT.ok);
  const { cases, runsDone } = JSON.parse(stdout) as {
    runsDone: number;
    cases: { summary: { name: string; opsPercent: { count: number } }; runs: object[] }[];
  };
  t.is(runsDone, 4);
  t.deepEqual(
    cases.map(({ summary }) => [summary.name, summary.opsPercent.count]),
    [
      ['static interleave 1:3', 2],
      ['oracle', 2],
    ],
  );
  t.deepEqual(Object.keys(cases[0]?.runs[0] ?? {}), [
    'seed',
    'fromSecond',
    'halfSeconds',
    'rampSeconds',
    'unbalanced',
  ]);
});

test('regimes tells the share that the loop found', async (t) => {
  const command = ['regimes', '--regime', 'bandwidth', '--seconds', '2', '--search-seconds', '10'];
  const { code, stdout } = await cli(...command);
  t.is(code, EXIT.ok);
  t.regex(stdout, /\n {2}3:1 +\S+ G +133\.\d %/);
  t.regex(stdout, /\nfound by the loop: \d\d\.\d % on the fast node\.\n/);
});

test('the help lists the commands, each with examples', async (t) => {
  const help = await cli('--help');
  for (const name of ['primitives', 'regimes', 'policies']) {
    t.regex(help.stdout, new RegExp(`\\n {2}${name} `));
    const { stdout } = await cli(name, '--help');
    t.regex(stdout, new RegExp(`Examples:\n {2}node-damon ${name}\n`));
  }
});

const WRONG_USAGE: readonly [args: string[], tells: RegExp][] = [
  [['primitives', '--primitive', 'ibss'], /ERR_DAMON_USAGE_NAME.*--primitive[^]*ibs/],
  [['policies', '--policy', ''], /ERR_DAMON_USAGE_NAME.*--policy/],
  [['regimes', '--regime', 'tiering,luck'], /ERR_DAMON_USAGE_NAME.*--regime/],
  [['primitives', '--seconds', 'x'], /ERR_DAMON_USAGE_NUMBER.*--seconds/],
  [['regimes', '--search-seconds', '1'], /ERR_DAMON_CONFIG_STUDY.*`--search-seconds`/],
];

test('wrong usage exits with 2 and says what would be right', async (t) => {
  for (const [args, tells] of WRONG_USAGE) {
    const { code, stdout, stderr } = await cli(...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, tells);
  }
});
