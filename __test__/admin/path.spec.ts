import test from 'ava';

import { CONTEXT, answers, contextShell } from './tree-shell.ts';

test('a path may be relative, begin with a slash, or be that of the kernel', async (t) => {
  const { tree } = await contextShell();
  const paths = [
    'kdamonds/nr_kdamonds',
    '/kdamonds/nr_kdamonds',
    '//kdamonds//nr_kdamonds',
    '/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds',
    '/sys/kernel/mm/damon/admin//kdamonds/nr_kdamonds',
  ];
  for (const path of paths) {
    t.is(tree.read(path), '1\n', path);
    t.deepEqual(tree.stat(path), { type: 'file', mode: 0o600 }, path);
  }
  for (const root of ['', '/', '/sys/kernel/mm/damon/admin', '/sys/kernel/mm/damon/admin/']) {
    t.deepEqual(tree.list(root), ['kdamonds'], root);
  }
});

test('what is not there is ENOENT', async (t) => {
  const { tree } = await contextShell('echo 2 > schemes/nr_schemes');
  const paths = [
    'nothing',
    'kdamonds/1/state',
    'kdamonds/-1/state',
    'kdamonds/00/state',
    'kdamonds/0x0/state',
    'kdamonds/99999999999999999999/state',
    'kdamonds/./0/state',
    'kdamonds/0/../0/state',
    'kdamonds/constructor',
    'kdamonds/__proto__/state',
    'kdamonds/0/toString',
    'sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds',
    '/sys/kernel/mm/damon/administrator',
    '/sys/kernel/mm/damon',
    `${CONTEXT}/schemes/2/action`,
    `${CONTEXT}/schemes/0/tried_regions/0/start`,
    `${CONTEXT}/1`,
    `${CONTEXT}/0`,
  ];
  for (const path of paths) {
    t.is(tree.stat(path), undefined, path);
    await answers(t, 'ENOENT', () => tree.read(path));
    await answers(t, 'ENOENT', () => tree.list(path));
    await answers(t, 'ENOENT', () => tree.write(path, '1'));
  }
});

test('a file is no directory, and a directory no file', async (t) => {
  const { tree } = await contextShell();
  const [file, dir] = [`${CONTEXT}/addr_unit`, `${CONTEXT}/targets`];
  t.is(tree.stat(`${file}/x`), undefined);
  await answers(t, 'ENOTDIR', () => tree.read(`${file}/x`), `${file}/x`);
  await answers(t, 'ENOTDIR', () => tree.write(`/${file}/x`, '1'), `${file}/x`);
  await answers(t, 'ENOTDIR', () => tree.list(file), file);
  await answers(t, 'EISDIR', () => tree.read(dir), dir);
  await answers(t, 'EISDIR', () => tree.write(dir, '1'), dir);
  await answers(t, 'EISDIR', () => tree.read('/'), '');
});
