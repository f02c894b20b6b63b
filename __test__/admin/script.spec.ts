import test from 'ava';

import { type ScriptAnswer, replayScript } from '../../src/admin/script.ts';
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
  const replay = replayScript(tree, 'echo 1 > kdamonds/nr_kdamonds\nls');
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
  ending.abort();
  await t.throwsAsync(asleep, { name: 'AbortError' });
  const other = replayScript(tree, 'echo 2 > kdamonds/nr_kdamonds', ending);
  await t.throwsAsync(other.next(), { any: true, name: 'AbortError' });
  t.is(tree.read('kdamonds/nr_kdamonds'), '1\n');
});
