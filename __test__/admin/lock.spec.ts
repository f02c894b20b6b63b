import test from 'ava';

import { CONTEXT, type Shell, STATE, answers, contextShell } from './tree-shell.ts';

/** Two kdamonds, the first of which runs; its answers wait for `open`. */
async function gated(): Promise<Shell & { open: () => void }> {
  const made = await contextShell();
  await made.run(`
    cd ${CONTEXT}
    echo 1 > schemes/nr_schemes
    echo 1 > schemes/0/quotas/goals/nr_goals
    echo 1 > schemes/0/filters/nr_filters
    echo 1 > monitoring_attrs/probes/nr_probes
    echo 1 > monitoring_attrs/probes/0/filters/nr_filters
    echo on > ${STATE}
  `);
  let open = (): void => undefined;
  made.engine.kdamond.gate = new Promise((resolve) => (open = resolve));
  return { ...made, open };
}

const COUNTS = [
  'kdamonds/nr_kdamonds',
  'kdamonds/0/contexts/nr_contexts',
  `${CONTEXT}/targets/nr_targets`,
  `${CONTEXT}/schemes/nr_schemes`,
  `${CONTEXT}/monitoring_attrs/sample/perf_events/nr_perf_events`,
];

const LOCKED = [
  STATE,
  `${CONTEXT}/schemes/0/quotas/goals/0/path`,
  `${CONTEXT}/schemes/0/filters/0/memcg_path`,
  `${CONTEXT}/monitoring_attrs/probes/0/filters/0/path`,
];

test('while a command runs, state, pid, paths and writes of counts are busy, and nothing else', async (t) => {
  const { engine, tree, open } = await gated();
  const running = tree.write(STATE, 'update_schemes_tried_regions');
  t.deepEqual(engine.kdamond.calls, ['triedRegions']);
  for (const path of LOCKED) {
    await answers(t, 'EBUSY', () => tree.read(path), path);
    await answers(t, 'EBUSY', () => tree.write(path, '1'), path);
  }
  await answers(t, 'EBUSY', () => tree.read('kdamonds/0/pid'), 'kdamonds/0/pid');
  for (const path of COUNTS) {
    t.regex(tree.read(path), /^[01]\n$/, path);
    await answers(t, 'EBUSY', () => tree.write(path, '1'), path);
  }
  // Also a word that is none: the lock is tried first.
  await answers(t, 'EBUSY', () => tree.write(STATE, 'nonsense'), STATE);
  await tree.write(`${CONTEXT}/addr_unit`, '2');
  t.is(tree.read(`${CONTEXT}/addr_unit`), '2\n');
  t.is(tree.read(`${CONTEXT}/avail_operations`).length, 29);
  t.is(tree.read('kdamonds/0/refresh_ms'), '0\n');
  t.deepEqual(tree.list('kdamonds'), ['0', 'nr_kdamonds']);
  open();
  await running;
  for (const path of LOCKED) t.notThrows(() => tree.read(path), path);
  t.is(tree.read('kdamonds/0/pid'), '4000\n');
  t.deepEqual(engine.kdamond.calls, ['triedRegions']);
});

test('a command that fails lets go of the lock', async (t) => {
  const { engine, tree, open } = await gated();
  engine.kdamond.failure = new Error('no');
  const running = tree.write(STATE, 'commit');
  await answers(t, 'EBUSY', () => tree.read(STATE));
  open();
  await answers(t, 'EINVAL', () => running);
  t.is(tree.read(STATE), 'on\n');
  await answers(t, 'EINVAL', () => tree.write(STATE, 'nonsense'));
  t.is(tree.read(STATE), 'on\n');
});

test('a command is about the files as they were when it was written', async (t) => {
  const { engine, tree, open } = await gated();
  const committing = tree.write(STATE, 'commit');
  const written = tree.write(`${CONTEXT}/pause`, 'Y');
  open();
  await Promise.all([committing, written]);
  t.false(engine.kdamond.committed[0]?.pause);
});
