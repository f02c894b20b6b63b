import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { cli, cliWith, ndjson, start } from '../support/cli.ts';
import { temporaryFile, temporaryPath } from '../support/small.ts';

const EXAMPLE = 'examples/pull-push.yaml';

const SMALL = `
source:
  type: emulation
  nodes:
    - { name: fast, start: 0, end: 128 MiB }
    - { name: slow, start: 128 MiB, end: 256 MiB }
  workload: { type: hot_set, bytes: 64 MiB }
  processor: { cpus: 2 }
  sampler: { type: ibs_op, rateHz: 2557000000, dataShare: 0.41 }
schemes:
  - name: hold
    action: migrate_hot
    targetNid: 0
    pattern: { nrAccesses: { min: 1 } }
    quota:
      szBytes: 1 MiB
      resetIntervalMs: 100
      goals: [{ metric: node_eligible_mem_bp, nid: 0, targetValue: 70 % }]
`;

const small = (more = 'untilMs: 2 s\n'): string => temporaryFile(SMALL + more, 'run.yaml');

test('the example is fine, runs, and holds both targets', async (t) => {
  t.deepEqual(await cli('check', EXAMPLE), {
    code: 0,
    stdout: `${EXAMPLE} can be run\n`,
    stderr: '',
  });
  const { code, stdout, stderr } = await cli('run', EXAMPLE, '--json', '--explain');
  t.is(code, 0, stderr);
  const lines = ndjson(stdout);
  const share = lines
    .filter(({ type, scheme }) => type === 'tuning' && scheme === 0)
    .map(({ goals }) => (goals as { currentValue: number }[])[0]?.currentValue ?? 0);
  t.is(share.length, 120);
  const mean = (from: number, to: number): number =>
    share.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  t.true(Math.abs(mean(30, 60) - 7_000) < 150, `${mean(30, 60)}`);
  t.true(Math.abs(mean(90, 120) - 9_000) < 150, `${mean(90, 120)}`);
  t.is(lines.filter(({ type }) => type === 'round').length, 2 * 1_200);
  t.deepEqual(
    lines.filter(({ type }) => type === 'event'),
    [{ type: 'event', kind: 'changed', atMs: 60_000 }],
  );
  t.like(lines.at(-1), { type: 'summary', simulatedMs: 120_000, roundsDropped: 0 });
});

test('a run tells what was hot, why the schemes did what they did, and the books', async (t) => {
  const { code, stdout, stderr } = await cli('run', small(), '--explain');
  t.is(code, 0, stderr);
  t.regex(stdout, /^Ran .*run\.yaml: 2 s in /);
  t.regex(stdout, /^Why: hold$/m);
  t.regex(stdout, /^Books$/m);
  t.notRegex((await cli('run', small())).stdout, /Why/);
});

test('--until is the end, instead of what the file says, and changes after it do not come', async (t) => {
  const changes = 'changes: [{ atMs: 1500, commit: { paused: true } }]\n';
  const { code, stdout } = await cli(
    'run',
    small(`untilMs: 1 h\n${changes}`),
    '--until',
    '1 s',
    '--json',
  );
  t.is(code, 0);
  const lines = ndjson(stdout);
  t.like(lines.at(-1), { type: 'summary', simulatedMs: 1_000 });
  t.deepEqual(
    lines.filter(({ type }) => type === 'event'),
    [],
  );
});

test('an emulation without an end is refused, by the file', async (t) => {
  const file = small('');
  const { code, stderr } = await cli('run', file);
  t.is(code, 2);
  t.regex(stderr, /Expected `untilMs` to be given/);
  t.true(stderr.includes(`in: ${file}:`));
});

test('a report is written where the file says, beside it, or where the command says', async (t) => {
  const file = small('untilMs: 1 s\noutput: { html: made.html }\n');
  t.is((await cli('run', file)).code, 0);
  const page = readFileSync(join(dirname(file), 'made.html'), 'utf8');
  t.true(page.includes('Why hold did what it did'));
  const other = temporaryPath('other.html');
  t.is((await cli('run', file, '--html', other)).code, 0);
  t.true(readFileSync(other, 'utf8').includes('Why hold did what it did'));
});

test('Ctrl-C ends a run and keeps what is done of it', async (t) => {
  const file = small('untilMs: 10000 h\noutput: { json: kept.ndjson, html: kept.html }\n');
  const { code, stdout } = await cliWith(AbortSignal.timeout(2_000), 'run', file);
  t.is(code, EXIT.interrupted);
  t.regex(stdout, /^Ran .*: .*s in /);
  const folder = dirname(file);
  t.is(ndjson(readFileSync(join(folder, 'kept.ndjson'), 'utf8')).at(-1)?.['type'], 'summary');
  const page = readFileSync(join(folder, 'kept.html'), 'utf8');
  t.true(page.includes('hot set 64'), 'the page tells what was run');
});

test('rows are written where the file says: those of --json --explain', async (t) => {
  const file = small('untilMs: 1 s\noutput: { json: made.ndjson }\n');
  const { code, stdout } = await cli('run', file, '--json', '--explain');
  t.is(code, 0);
  const made = join(dirname(file), 'made.ndjson');
  // But for how long it took.
  const apart = (text: string) => ndjson(text).map((row) => Object.assign(row, { durationMs: 0 }));
  t.deepEqual(apart(readFileSync(made, 'utf8')), apart(stdout));
  t.true(stdout.includes('"type":"round"'));
  t.is((await cli('run', file)).code, 0);
  t.deepEqual(apart(readFileSync(made, 'utf8')), apart(stdout));
});

test('a run that fails leaves no rows behind, nor half of them', async (t) => {
  const text = 'source: { type: recording, path: nowhere.csv }\noutput: { json: failed.ndjson }\n';
  const file = temporaryFile(text, 'run.yaml');
  t.not((await cli('run', file)).code, 0);
  t.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.startsWith('failed')),
    [],
  );
});

test('rows that cannot be written are refused before anything runs', async (t) => {
  const file = small('untilMs: 1 s\noutput: { json: refused.ndjson }\n');
  mkdirSync(join(dirname(file), 'refused.ndjson.part'));
  const { code, stdout, stderr } = await cli('run', file);
  t.not(code, 0);
  t.is(stdout, '');
  t.regex(stderr, /ERR_DAMON_OUTPUT.*refused\.ndjson/);
});

test('check reads every error aloud, with its path and its line', async (t) => {
  const file = temporaryFile(`${SMALL}sede: 1\neveryMs: 5 m/s\nuntilMs: 1 s\n`, 'run.yaml');
  const { code, stdout, stderr } = await cli('check', file);
  t.is(code, 2);
  t.is(stdout, '');
  t.is(
    stderr,
    'error[ERR_DAMON_CONFIG]: Expected no option `sede`: an option here is one of source, ' +
      'operations, targets, addrUnit, attrs, sampleFilters, probes, schemes, paused, ' +
      'unsupportedActions, everyMs, laneSlots, seed, controlTimeoutMs, $schema, untilMs, changes, output\n' +
      `  at: sede\n  in: ${file}:19:1\n  hint: did you mean \`seed\`?\n` +
      'error[ERR_DAMON_CONFIG]: Expected `everyMs` to be whole milliseconds, or a time such as ' +
      '"1 s", got `\'5 m/s\'` (string)\n' +
      `  at: everyMs\n  in: ${file}:20:1\n`,
  );
  const asJson = ndjson((await cli('check', file, '--json')).stderr);
  t.like(asJson, [
    { type: 'error', path: 'sede', file, line: 19, column: 1 },
    { type: 'error', path: 'everyMs', file, line: 20, column: 1 },
  ] as never);
});

test('check tells what only the source refuses, with its line', async (t) => {
  const file = temporaryFile(SMALL.replace('targetNid: 0', 'targetNid: 7'), 'run.yaml');
  const { code, stderr } = await cli('check', file);
  t.is(code, 2);
  t.true(stderr.includes(`at: schemes[0].targetNid\n  in: ${file}:13:5\n`), stderr);
  const change =
    'untilMs: 2 s\nchanges:\n  - atMs: 1 s\n    commit: { schemes: [{ action: migrate_hot, targetNid: 7 }] }\n';
  const later = await cli('check', small(change));
  t.is(later.code, 2);
  t.regex(later.stderr, /at: changes\[0\]\.commit\.schemes\[0\]\.targetNid\n  in: .*:\d+:48\n/);
});

test('a recording that cannot be read blames the line that names it', async (t) => {
  const file = temporaryFile('seed: 1\nsource:\n  type: recording\n  path: no.csv\n', 'run.yaml');
  for (const command of ['check', 'run']) {
    const { code, stderr } = await cli(command, file);
    t.is(code, 1);
    t.regex(stderr, /^error\[ERR_DAMON_TRACE_/);
    t.true(stderr.includes(`in: ${file}:4:3\n`), stderr);
  }
});

test('a file that is not there is wrong usage', async (t) => {
  for (const command of ['check', 'run']) {
    const { code, stderr } = await cli(command, 'no.yaml');
    t.is(code, 2);
    t.regex(stderr, /error\[ERR_DAMON_CONFIG_FILE\]: The configuration no\.yaml cannot be read/);
  }
});

/** The first line of NDJSON that matches; a file that is seen half written is told of besides. */
async function lineOf(stream: Readable | null, said: RegExp): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of stream?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    const whole = text.split('\n').slice(0, -1);
    const line = whole.find((one) => said.test(one));
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
  }
  throw new Error(`ended without ${said}: ${text}`);
}

test('--reload goes on by the changed file, and stays as it is when that is refused', async (t) => {
  const file = small('everyMs: 1000 h\nuntilMs: 100000 h\n');
  const text = readFileSync(file, 'utf8');
  const run: ChildProcess = start('run', file, '--reload', '--json');
  t.teardown(() => run.kill('SIGKILL'));
  // A file that says the same, to know that it runs and watches.
  const watching = setInterval(() => writeFileSync(file, `${text}# again\n`), 200);
  await lineOf(run.stdout, /"kind":"unchanged"/);
  clearInterval(watching);

  writeFileSync(file, text.replace('szBytes: 1 MiB', 'szByte: 1 MiB'));
  t.like(await lineOf(run.stderr, /szByte/), {
    type: 'error',
    path: 'schemes[0].quota.szByte',
    hint: 'did you mean `szBytes`?',
    file,
    line: 16,
  });
  writeFileSync(file, text.replace('1000 h', '999 h'));
  t.like(await lineOf(run.stderr, /FIXED/), { path: 'everyMs', line: 19 });

  writeFileSync(file, text.replace('szBytes: 1 MiB', 'szBytes: 2 MiB'));
  await lineOf(run.stdout, /"kind":"reloaded"/);
  const ended = once(run, 'exit');
  run.kill('SIGINT');
  t.deepEqual(await ended, [130, null]);
});

test('run tells everything that is wrong with a file, as check does', async (t) => {
  const file = small('sede: 1\neveryMs: 1 day\nuntilMs: 5 parsecs\n');
  const told = await cli('run', file);
  t.deepEqual(told, await cli('check', file));
  t.is(told.code, 2);
  for (const path of ['sede', 'everyMs', 'untilMs']) {
    t.regex(told.stderr, new RegExp(`at: ${path}$`, 'm'));
  }
  t.is(ndjson((await cli('run', file, '--json')).stderr).length, 3);
  const wrong = await cli('run', EXAMPLE, '--until', '3');
  t.regex(wrong.stderr, /ERR_DAMON_USAGE_DURATION.*`--until`.*with its unit/);
});
