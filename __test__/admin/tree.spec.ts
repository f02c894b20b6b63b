import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { CONTEXT, STATE, answers, contextShell, shell } from './tree-shell.ts';

test('a directory lists its numbers in their order, then its names', async (t) => {
  const { tree } = await contextShell('echo 12 > schemes/nr_schemes');
  const numbers = Array.from({ length: 12 }, (_, index) => `${index}`);
  t.deepEqual(tree.list(`${CONTEXT}/schemes`), [...numbers, 'nr_schemes']);
  t.deepEqual(tree.list('kdamonds/0'), ['contexts', 'pid', 'refresh_ms', 'state']);
  t.deepEqual(tree.list(`${CONTEXT}/schemes/11/tried_regions`), ['total_bytes']);
});

test('a file that only shows something cannot be written', async (t) => {
  const { tree } = await contextShell('echo 1 > schemes/nr_schemes');
  const files = [
    'kdamonds/0/pid',
    `${CONTEXT}/avail_operations`,
    `${CONTEXT}/schemes/0/stats/nr_tried`,
    `${CONTEXT}/schemes/0/quotas/effective_bytes`,
  ];
  for (const path of files) {
    const before = tree.read(path);
    await answers(t, 'EACCES', () => tree.write(path, '5\n'), path);
    await answers(t, 'EACCES', () => tree.write(path, ''), path);
    t.is(tree.read(path), before);
  }
});

test('an empty write does nothing, and one of more than a page is refused', async (t) => {
  const { tree } = await contextShell();
  const path = `${CONTEXT}/addr_unit`;
  await tree.write(path, '');
  t.is(tree.read(path), '1\n');
  await tree.write(path, `${'0'.repeat(4_095)}7`);
  t.is(tree.read(path), '7\n');
  await answers(t, 'EINVAL', () => tree.write(path, `${'0'.repeat(4_096)}7`), path);
  await answers(t, 'EINVAL', () => tree.write(`${CONTEXT}/operations`, 'é'.repeat(2_049)));
  t.is(tree.read(path), '7\n');
});

test('a text ends at its first zero byte', async (t) => {
  const { tree } = await contextShell();
  await tree.write(`${CONTEXT}/addr_unit`, '8\0x');
  t.is(tree.read(`${CONTEXT}/addr_unit`), '8\n');
  await answers(t, 'EINVAL', () => tree.write(`${CONTEXT}/addr_unit`, '\0'));
});

test('a count discards what there was, even where it stays the same', async (t) => {
  const { tree, run } = await contextShell(`
    echo 2 > schemes/nr_schemes
    echo pageout > schemes/1/action
    echo 1 > schemes/1/dests/nr_dests
    echo 3 > schemes/1/dests/0/id
  `);
  const action = `${CONTEXT}/schemes/1/action`;
  await answers(t, 'EINVAL', () => tree.write(`${CONTEXT}/schemes/nr_schemes`, '-1'));
  t.is(tree.read(action), 'pageout\n');
  await run(`echo 2 > ${CONTEXT}/schemes/nr_schemes`);
  t.is(tree.read(action), 'stat\n');
  t.deepEqual(tree.list(`${CONTEXT}/schemes/1/dests`), ['nr_dests']);
  await run(`
    echo pageout > ${action}
    echo 1 > kdamonds/0/contexts/nr_contexts
  `);
  t.is(tree.stat(action), undefined);
  t.is(tree.read(`${CONTEXT}/operations`), 'vaddr\n');
});

test('a count that cannot be had leaves nothing', async (t) => {
  const { tree, run } = await contextShell('echo 2 > targets/nr_targets');
  const path = `${CONTEXT}/targets/nr_targets`;
  await answers(t, 'ENOMEM', () => tree.write(path, '524289'), path);
  t.is(tree.read(path), '0\n');
  t.deepEqual(tree.list(`${CONTEXT}/targets`), ['nr_targets']);
  await run(`echo 524288 > ${path}`);
  t.is(tree.read(`${CONTEXT}/targets/524287/pid_target`), '0\n');
  t.is(tree.stat(`${CONTEXT}/targets/524288`), undefined);
});

test('only the count of kdamonds asks whether anything runs', async (t) => {
  const { engine, tree, run } = await contextShell('echo 1 > schemes/nr_schemes');
  await run(`echo on > ${STATE}`);
  const path = 'kdamonds/nr_kdamonds';
  await answers(t, 'EBUSY', () => tree.write(path, '2'), path);
  await answers(t, 'EBUSY', () => tree.write(path, '1'), path);
  // What is no count is told first.
  await answers(t, 'EINVAL', () => tree.write(path, '-1'), path);
  t.is(tree.read(path), '1\n');
  t.is(tree.read(STATE), 'on\n');
  await run(`
    cd ${CONTEXT}
    echo 3 > schemes/nr_schemes
    echo 1 > targets/nr_targets
    echo 1 > kdamonds/0/contexts/nr_contexts
  `);
  t.deepEqual(engine.kdamond.calls, []);
  t.is(tree.read(STATE), 'on\n');
  // A monitor that ended by itself is none.
  engine.kdamond.running = false;
  await run(`echo 2 > ${path}`);
  t.is(tree.read('kdamonds/1/state'), 'off\n');
  await answers(t, 'EINVAL', () => tree.write(STATE, 'off'));
});

test('values never touch what runs', async (t) => {
  const { engine, run, tree } = await contextShell();
  await run(`
    echo on > ${STATE}
    cd ${CONTEXT}
    echo Y > pause
    echo 7 > addr_unit
    echo vaddr > operations
  `);
  t.deepEqual(engine.kdamond.calls, []);
  t.false(engine.context.pause);
  t.is(engine.context.addrUnit, 1n);
  t.is(tree.read(`${CONTEXT}/pause`), 'Y\n');
});

test('avail_operations lists what the engine has, in its order', async (t) => {
  const { engine, tree } = await contextShell();
  t.is(tree.read(`${CONTEXT}/avail_operations`), 'vaddr\nfvaddr\npaddr\npaddr_ibs\n');
  engine.operations = ['paddr'];
  t.is(tree.read(`${CONTEXT}/avail_operations`), 'paddr\n');
  engine.operations = [];
  t.is(tree.read(`${CONTEXT}/avail_operations`), '');
  await tree.write(`${CONTEXT}/operations`, 'paddr_ibs');
  t.is(tree.read(`${CONTEXT}/operations`), 'paddr_ibs\n');
});

test('close stops everything that runs, and takes no more writes', async (t) => {
  const { engine, tree, run } = shell();
  await run(`
    echo 3 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    echo 1 > kdamonds/1/contexts/nr_contexts
    echo on > kdamonds/0/state
    echo on > kdamonds/1/state
  `);
  t.is(tree.read('kdamonds/1/pid'), '4001\n');
  await tree.close();
  t.deepEqual(
    engine.kdamonds.map(({ calls }) => calls),
    [['stop'], ['stop']],
  );
  t.is(tree.read('kdamonds/1/state'), 'off\n');
  t.is(tree.read('kdamonds/1/pid'), '-1\n');
  await tree.close();
  const error = await t.throwsAsync(tree.write('kdamonds/1/state', 'on'), {
    instanceOf: DamonError,
  });
  t.is(error?.code, 'ERR_DAMON_CLOSED');
  t.is(engine.contexts.length, 2);
});

test('close waits for a start that is under way, and stops what it started', async (t) => {
  const { engine, tree } = await contextShell();
  const started = tree.write(STATE, 'on');
  const closed = tree.close();
  await started;
  await closed;
  t.deepEqual(engine.kdamond.calls, ['stop']);
  t.false(engine.kdamond.running);
});

test('close stops the others where one cannot be stopped, and tells of that', async (t) => {
  const { engine, tree, run } = shell();
  await run(`
    echo 2 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    echo 1 > kdamonds/1/contexts/nr_contexts
    echo on > kdamonds/0/state
    echo on > kdamonds/1/state
  `);
  const [one, two] = engine.kdamonds;
  if (!one || !two) throw new Error('Not started');
  one.failure = new Error('stuck');
  const error = await answers(t, 'EINVAL', () => tree.close(), 'kdamonds/0/state');
  t.is(error?.cause, one.failure);
  t.false(two.running);
});
