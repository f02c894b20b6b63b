import test from 'ava';

import { replayScript } from '../../src/admin/script.ts';
import type { ScriptAnswer } from '../../src/admin/shell/command.ts';
import { AdminTree } from '../../src/admin/tree.ts';
import { FakeEngine } from './fake-engine.ts';

async function replayed(
  script: string,
  options?: Parameters<typeof replayScript>[2],
): Promise<{ answers: ScriptAnswer[]; tree: AdminTree }> {
  const tree = new AdminTree(new FakeEngine());
  const answers: ScriptAnswer[] = [];
  for await (const answer of replayScript(tree, script, options)) answers.push(answer);
  return { answers, tree };
}

test('paths are from where cd went, from the root of the tree, or from that of the kernel', async (t) => {
  const { answers, tree } = await replayed(`
    echo 2 > kdamonds/nr_kdamonds
    cd /sys/kernel/mm/damon/admin/kdamonds/1
    echo 7 > refresh_ms
    cd ../0
    echo 8 > ./refresh_ms
    cat ../1/refresh_ms
    cat /kdamonds/0/refresh_ms
  `);
  t.deepEqual(answers.map(({ output }) => output).filter(Boolean), ['7\n', '8\n']);
  t.true(answers.every(({ error }) => error === undefined));
  t.is(tree.read('kdamonds/0/refresh_ms'), '8\n');
});

test('it ends with the first line that is refused', async (t) => {
  for (const [line, errno] of [
    ['echo 3 > nr_contexts', 'EACCES'],
    ['echo 3 > kdamonds/1/refresh_ms', 'ENOENT'],
    ['echo 3 > kdamonds/0/contexts/nr_contexts', 'EINVAL'],
    ['echo 3 > kdamonds/0/pid', 'EACCES'],
    ['echo 3 > kdamonds/0', 'EISDIR'],
    ['echo off > kdamonds/0/state', 'EINVAL'],
    ['cat kdamonds/0/contexts', 'EISDIR'],
    ['cat /etc/passwd', 'ENOENT'],
    ['cd kdamonds/0/state', 'ENOTDIR'],
    ['cd kdamonds/2', 'ENOENT'],
    ['cd ..', 'ENOENT'],
  ] as const) {
    const { answers, tree } = await replayed(`
      echo 1 > kdamonds/nr_kdamonds
      ${line}
      echo 2 > kdamonds/nr_kdamonds
    `);
    t.is(answers.length, 2, line);
    t.is(answers[1]?.error?.errnoName, errno, line);
    t.is(answers[1]?.command.line, 3);
    t.is(tree.read('kdamonds/nr_kdamonds'), '1\n');
  }
});

test('a script that cannot be replayed does nothing', async (t) => {
  const tree = new AdminTree(new FakeEngine());
  const replay = replayScript(tree, 'echo 1 > kdamonds/nr_kdamonds\nmount');
  await t.throwsAsync(replay.next(), { code: 'ERR_DAMON_CONFIG_SCRIPT' });
  t.is(tree.read('kdamonds/nr_kdamonds'), '0\n');
});

test('sleep waits, or does what it is told to', async (t) => {
  const slept: number[] = [];
  await replayed('sleep 1.5', { sleep: async (ms) => slept.push(ms) });
  t.deepEqual(slept, [1_500]);
  const { answers } = await replayed('sleep 0.001');
  t.is(answers[0]?.command.type, 'sleep');
});

test('a signal ends it between two commands, and a sleep at once', async (t) => {
  const ending = new AbortController();
  const tree = new AdminTree(new FakeEngine());
  const replay = replayScript(tree, 'echo 1 > kdamonds/nr_kdamonds; sleep 1000', ending);
  await replay.next();
  const asleep = replay.next();
  setImmediate(() => ending.abort(new Error('enough')));
  await t.throwsAsync(asleep, { message: 'enough' });
  const other = replayScript(tree, 'echo 2 > kdamonds/nr_kdamonds', ending);
  await t.throwsAsync(other.next(), { message: 'enough' });
  t.is(tree.read('kdamonds/nr_kdamonds'), '1\n');
});

test('a signal ends a loop that never waits', async (t) => {
  const ending = new AbortController();
  const script = 'echo begun; while :; do :; done';
  const replay = replayScript(new AdminTree(new FakeEngine()), script, ending);
  await replay.next();
  setImmediate(() => ending.abort(new Error('enough')));
  await t.throwsAsync(replay.next(), { message: 'enough' });
});

const PROVIDED = [
  'echo x > kdamonds/nr_kdamonds || true',
  'if ! echo x > kdamonds/nr_kdamonds; then :; fi',
  'if cat none; then :; fi',
  'while cat none; do :; done',
  '[ -n "$(cat none 2>/dev/null)" ] || true',
  'echo x > kdamonds/nr_kdamonds 2>/dev/null',
  'set +e; echo x > kdamonds/nr_kdamonds',
  'f() { cat none && exit 1; }; f || true',
  'cd none || true',
  'ls none || cat < none || true',
  'echo 1 | tee none || true',
];

for (const script of PROVIDED) {
  test(`it goes on where a refusal is provided for: ${script}`, async (t) => {
    const { answers } = await replayed(`${script}\necho 1 > kdamonds/nr_kdamonds`);
    t.true(answers.some(({ handled }) => handled !== undefined));
    t.true(answers.every(({ error }) => error === undefined));
    t.like(answers.at(-1)?.command, { line: 2, type: 'write', text: '1\n' });
  });
}

const UNPROVIDED = [
  'echo x > kdamonds/nr_kdamonds && true',
  'true || true; cat none',
  'true && cat none',
  'x=$(cat none)',
  'cat none | grep x',
  'f() { cat none; }; f',
  'cat kdamonds/nr_kdamonds > none',
  '> none',
  ': > kdamonds',
  'for i in 1; do cat < none; done',
];

for (const script of UNPROVIDED) {
  test(`it ends where it is not: ${script}`, async (t) => {
    const { answers } = await replayed(`${script}\necho 1 > kdamonds/nr_kdamonds`);
    t.true(answers.every(({ handled }) => handled === undefined));
    t.truthy(answers.at(-1)?.error);
    t.is(answers.at(-1)?.command.line, 1);
  });
}

test('what it does is told step by step', async (t) => {
  const { answers, tree } = await replayed(`
    cd kdamonds
    echo 2 | tee nr_kdamonds > /dev/null
    for k in [0-9]; do echo $((k + 5)) > $k/refresh_ms; done
    { echo 7; echo 8; } > 0/refresh_ms
    echo "has $(cat 0/refresh_ms)" >&2
    ls 1; : > 1/state
    exit 0
  `);
  t.deepEqual(answers, [
    { command: { line: 2, type: 'cd', path: 'kdamonds' } },
    { command: { line: 3, type: 'write', text: '2\n', path: 'nr_kdamonds' } },
    { command: { line: 4, type: 'write', text: '5\n', path: '0/refresh_ms' } },
    { command: { line: 4, type: 'write', text: '6\n', path: '1/refresh_ms' } },
    { command: { line: 5, type: 'write', text: '7\n', path: '0/refresh_ms' } },
    { command: { line: 5, type: 'write', text: '8\n', path: '0/refresh_ms' } },
    { command: { line: 6, type: 'read', path: '0/refresh_ms' }, output: '8\n' },
    { command: { line: 6, type: 'print', text: 'has 8\n' } },
    { command: { line: 7, type: 'list', path: '1' }, output: 'contexts\npid\nrefresh_ms\nstate\n' },
    { command: { line: 7, type: 'write', text: '', path: '1/state' } },
    { command: { line: 8, type: 'exit', status: 0 } },
  ]);
  t.is(tree.read('kdamonds/1/refresh_ms'), '6\n');
});
