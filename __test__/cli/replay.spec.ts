import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import test from 'ava';

import { EXIT } from '../../src/cli/exit.ts';
import { child, cli, cliWith, ndjson, start } from '../support/cli.ts';
import { HEADER, recordingOf, row, rows, temporaryFile, temporaryPath } from '../support/small.ts';

const REDIS = 'examples/redis-linux-6.12.samples.csv.zst';
const GOOD = recordingOf(rows(2_500));

test('the text says what was hot, how much was in use, and that the books balance', async (t) => {
  const { code, stdout, stderr } = await cli('replay', GOOD);
  t.is(code, EXIT.ok);
  t.is(stderr, '', 'no progress where no terminal is');
  for (const part of [GOOD, /samples\/s/, /0x/, /working set/i, /every row read was accepted/]) {
    t.assert(typeof part === 'string' ? stdout.includes(part) : part.test(stdout), String(part));
  }
  t.false(stdout.includes('\u001b'), 'no colours where no terminal is');
});

test('--json prints a snapshot per line and a summary, and nothing else', async (t) => {
  const { code, stdout, stderr } = await cli('replay', GOOD, '--json');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  t.true(stdout.endsWith('}\n'));
  const lines = ndjson(stdout);
  const summary = lines.pop();
  t.is(lines.length, 3);
  for (const snapshot of lines) {
    t.deepEqual(Object.keys(snapshot), ['type', 'timeNs', 'regions']);
    t.is(snapshot['type'], 'snapshot');
    t.assert(Number.isSafeInteger(snapshot['timeNs']));
    const regions = snapshot['regions'] as Record<string, unknown>[];
    t.assert(regions.length > 0);
    for (const region of regions) {
      t.deepEqual(Object.keys(region), ['start', 'end', 'nrAccesses', 'age', 'hits']);
      for (const edge of ['start', 'end']) t.regex(String(region[edge]), /^0x[0-9a-f]+$/);
      for (const count of ['nrAccesses', 'age']) t.assert(Number.isInteger(region[count]));
      t.is(typeof region['hits'], 'number');
    }
  }
  t.is(summary?.['type'], 'summary');
  t.like(summary?.['books'], { rows: { read: 2_500, accepted: 2_500 } });
  t.is(typeof summary?.['durationMs'], 'number');
});

test('--explain tells what became of every region, as text, as lines, and on the page', async (t) => {
  const html = temporaryPath('replay.html');
  const { code, stdout } = await cli('replay', GOOD, '--explain', '--html', html);
  t.is(code, EXIT.ok);
  t.regex(stdout, /^Why: accessed$/m);
  t.regex(stdout, /^no match +[\d,]+/m);
  t.true(readFileSync(html, 'utf8').includes('Why accessed did what it did'));
  const lines = ndjson((await cli('replay', GOOD, '--explain', '--json')).stdout);
  const times = lines.filter(({ type }) => type === 'round').map(({ timeNs }) => timeNs);
  t.deepEqual(times, [5e8, 1e9, 1.5e9, 2e9, 2.5e9]);
  t.is(lines.filter(({ type }) => type === 'snapshot').length, 3);
});

test('--every sets the time between snapshots', async (t) => {
  const { stdout } = await cli('replay', GOOD, '--json', '--every', '500ms');
  const times = ndjson(stdout).flatMap(({ timeNs }) => (timeNs === undefined ? [] : [timeNs]));
  t.deepEqual(times, [5e8, 1e9, 1.5e9, 2e9, 2.5e9]);
});

test('--region limits what is monitored', async (t) => {
  const regions = ['--region', '0x0-16MiB,0x2000000-0x4000000'];
  const { code, stdout } = await cli('replay', ...regions, GOOD, '--bad-rows', 'count', '--json');
  t.is(code, EXIT.ok);
  const [first] = ndjson(stdout) as { regions: { start: string; end: string }[] }[];
  t.is(first?.regions[0]?.start, '0x0');
  t.is(first?.regions.at(-1)?.end, '0x4000000');
  t.true(first?.regions.every((region) => +region.end <= 2 ** 24 || +region.start >= 2 ** 25));
});

test('--machine names the nodes', async (t) => {
  const nodes = [{ name: 'FAST', start: 0, end: '1 GiB' }];
  const machine = temporaryFile(JSON.stringify({ nodes }), 'machine.json');
  const { code, stdout } = await cli('replay', GOOD, '--machine', machine);
  t.is(code, EXIT.ok);
  t.regex(stdout, /node 0 FAST/);
});

const TOP = 2 ** 51;

/** What is wrong, the arguments, the code, and what the message tells. */
const FAILING: readonly [what: string, args: () => string[], code: string, tells: RegExp][] = [
  ['missing', () => [temporaryPath('no.csv')], 'TRACE_OPEN', /No such file/],
  ['a folder', () => [dirname(GOOD)], 'TRACE_', /directory/],
  ['empty', () => [temporaryFile('')], 'TRACE_EMPTY', /header line and at least one sample/],
  ['a header only', () => [recordingOf([])], 'TRACE_EMPTY', /at least one sample/],
  ['wrong header', () => [temporaryFile('a,b\n1,2\n')], 'TRACE_HEADER', /time_ns,cpu,vaddr/],
  ['no recording', () => ['package.json'], 'TRACE_HEADER', /time_ns,cpu,vaddr/],
  [
    'ends inside a frame',
    () => [temporaryFile(readFileSync(REDIS).subarray(0, 100_000), 'a.csv.zst')],
    'TRACE_TRUNCATED',
    /zstd frame.*end of the file/,
  ],
  ['damaged', () => [temporaryFile(damaged(), 'a.csv.zst')], 'TRACE_CORRUPT', /intact zstd frame/],
  [
    'ends inside a row',
    () => [temporaryFile(`${HEADER}\n${row(1, 0, 0)}\n2,0,0x7`)],
    'TRACE_TRUNCATED',
    /row 2/,
  ],
  ['malformed', () => [recordingOf([...rows(7), 'x,y'])], 'TRACE_ROW', /row 8.*line 9/],
  ['time backwards', () => [recordingOf([row(9, 0, 0), row(8, 0, 0)])], 'TRACE_TIME', /row 2/],
  ['time far ahead', () => [recordingOf([row(9, 0, 0), row(4e12, 0, 0)])], 'TRACE_TIME', /row 2/],
  ['cpu beyond', () => [recordingOf(rows(3)), '--cpus', '1'], 'TRACE_CPU', /row 2, column cpu/],
  [
    'address outside',
    () => [recordingOf(rows(3)), '--region', '0x0-4KiB'],
    'TRACE_ADDRESS',
    /row 2, column paddr/,
  ],
  [
    'address of no machine',
    () => [recordingOf([row(1, 0, 0), row(2, 0, 2 * TOP)])],
    'TRACE_ADDRESS',
    /row 2, column paddr/,
  ],
];

function damaged(): Uint8Array {
  const bytes = new Uint8Array(readFileSync(REDIS));
  bytes.fill(0xff, 50_000, 50_100);
  return bytes;
}

for (const [what, args, code, tells] of FAILING) {
  test(`a recording that is bad (${what}) exits with 1 and its code`, async (t) => {
    const ran = await cli('replay', ...args());
    t.is(ran.code, EXIT.failure);
    t.is(ran.stdout, '');
    t.regex(ran.stderr, new RegExp(`^error\\[ERR_DAMON_${code}`, 'm'));
    t.regex(ran.stderr, tells);
    // A bad row comes with the way around it.
    if (/TRACE_(ROW|TIME|CPU|ADDRESS)/.test(code)) t.regex(ran.stderr, /--bad-rows count/);
  });
}

test('a replay that fails half way prints the books on standard error', async (t) => {
  const { stderr } = await cli('replay', recordingOf([...rows(1_500), 'nonsense']));
  t.regex(stderr, /every row read was accepted/);
  t.regex(stderr, /1,?500/);
});

test('with --json a failure is a line of JSON too, after the snapshots and the books', async (t) => {
  const path = recordingOf([...rows(1_500), 'nonsense']);
  const { code, stdout, stderr } = await cli('replay', path, '--json');
  t.is(code, EXIT.failure);
  t.deepEqual(
    ndjson(stdout).map(({ type }) => type),
    ['snapshot'],
  );
  const [books, error, ...rest] = ndjson(stderr);
  t.like(books, { type: 'books', books: { rows: { accepted: 1_500, malformed: 1 } } });
  t.like(error, {
    type: 'error',
    name: 'DamonError',
    code: 'ERR_DAMON_TRACE_ROW',
    received: 'nonsense',
  });
  t.regex(String(error?.['path']), /row 1501/);
  t.deepEqual(rest, []);
});

test('--bad-rows count goes on and counts', async (t) => {
  const path = recordingOf([...rows(10), 'nonsense', row(0, 0, 0), row(10e6, 0, 0)]);
  const { code, stdout, stderr } = await cli('replay', path, '--bad-rows', 'count', '--json');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  const rowsRead = { read: 13, accepted: 11, malformed: 1, timeBackwards: 1 };
  t.like(ndjson(stdout).at(-1), { books: { rows: rowsRead } });
});

const WRONG_USAGE: readonly [args: string[], tells: RegExp][] = [
  [[], /missing required argument 'file'\n\(see node-damon replay --help\)/],
  [[GOOD, '--no-such'], /unknown option '--no-such'/],
  [[GOOD, 'more'], /too many arguments/],
  [[GOOD, '--every', 'soon'], /ERR_DAMON_USAGE_DURATION.*`--every`.*with its unit/],
  [[GOOD, '--every', '-1s'], /--every/],
  [['--region', '5', GOOD], /ERR_DAMON_USAGE_REGION.*START-END/],
  [[GOOD, '--region', '1-2-3'], /ERR_DAMON_USAGE_REGION/],
  [[GOOD, '--region', '2GiB-1GiB'], /ERR_DAMON_CONFIG.*regions\[0\]\.end.*above start/],
  [[GOOD, '--bad-rows', 'skip'], /--bad-rows.*stop, count/],
  [[GOOD, '--cpus', 'many'], /`--cpus` to be a number/],
  [[GOOD, '--cpus', '0'], /cpus/],
  [[GOOD, '--machine', '/no/such'], /ERR_DAMON_CONFIG_MACHINE_FILE/],
];

test('wrong usage exits with 2 and says what would be right', async (t) => {
  for (const [args, tells] of WRONG_USAGE) {
    const { code, stdout, stderr } = await cli('replay', ...args);
    t.is(code, EXIT.usage, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, tells);
    const json = await cli('replay', '--json', ...args);
    t.is(json.code, EXIT.usage);
    const [error, ...rest] = ndjson(json.stderr);
    t.is(error?.['type'], 'error');
    t.regex(String(error?.['code']), /^ERR_DAMON_(USAGE|CONFIG)/);
    t.deepEqual(rest, []);
  }
});

test('--html writes one whole file that needs nothing else', async (t) => {
  const path = temporaryPath('report.html');
  t.is((await cli('replay', GOOD, '--html', path)).code, EXIT.ok);
  const html = readFileSync(path, 'utf8');
  t.regex(html, /^<!doctype html>/i);
  t.true(html.trimEnd().endsWith('</html>'));
  t.regex(html, /<h1>Replay of [^/]+\.csv</, 'the path stands below');
  t.notRegex(html, /<(script|link|img)[^>]+(src|href)="?(https?:)?\/\//);
  t.false(existsSync(`${path}.part`));
});

test('a report that cannot be written is an error, and leaves nothing behind', async (t) => {
  const folder = temporaryPath('folder.html');
  mkdirSync(folder);
  for (const path of ['/no/such/folder/report.html', folder]) {
    const { code, stdout, stderr } = await cli('replay', GOOD, '--html', path);
    t.is(code, EXIT.failure);
    t.is(stdout, '', 'it is told before the work, not after it');
    t.regex(stderr, /^error\[ERR_DAMON_OUTPUT\]/);
    t.true(stderr.includes(path));
  }
  t.false(existsSync(`${folder}.part`));
});

test('Ctrl-C exits with 130 and says nothing', async (t) => {
  t.deepEqual(await cliWith(AbortSignal.abort(), 'replay', GOOD), {
    code: EXIT.interrupted,
    stdout: '',
    stderr: '',
  });
});

test('--help explains by example', async (t) => {
  const { code, stdout, stderr } = await cli('replay', '--help');
  t.is(code, EXIT.ok);
  t.is(stderr, '');
  t.regex(stdout, /Examples:\n {2}node-damon replay /);
  for (const option of ['--every', '--region', '--machine', '--bad-rows', '--json', '--html']) {
    t.true(stdout.includes(option), option);
  }
});

test('the built command replays, and fails with its exit code', (t) => {
  const good = child('replay', GOOD, '--json');
  t.is(good.code, EXIT.ok);
  t.is(good.stderr, '');
  t.is(ndjson(good.stdout).at(-1)?.['type'], 'summary');
  const bad = child('replay', recordingOf(['nonsense']));
  t.is(bad.code, EXIT.failure);
  t.is(bad.stdout, '');
  t.regex(bad.stderr, /^error\[ERR_DAMON_TRACE_ROW\]/m);
});

test('a reader that has seen enough ends the command quietly', async (t) => {
  const command = start('replay', REDIS, '--json', '--every', '100ms');
  let stderr = '';
  command.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  await once(command.stdout ?? command, 'data');
  command.stdout?.destroy();
  const [code, signal] = (await once(command, 'close')) as [number | null, string | null];
  t.is(stderr, '');
  t.is(signal, null);
  t.is(code, EXIT.ok);
});
