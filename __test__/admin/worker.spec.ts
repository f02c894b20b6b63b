import test from 'ava';

import { statsFrom } from './fake-engine.ts';
import { CONTEXT, type Shell, STATE, answers, contextShell } from './tree-shell.ts';

const S = `${CONTEXT}/schemes/0`;

/** Timers that fire when told to. */
class Timers {
  readonly made: { readonly ms: number; call: (() => void) | undefined }[] = [];

  readonly every = (ms: number, call: () => void): (() => void) => {
    const timer: (typeof this.made)[number] = { ms, call };
    this.made.push(timer);
    return () => (timer.call = undefined);
  };

  get running(): number[] {
    return this.made.filter(({ call }) => call).map(({ ms }) => ms);
  }

  /** Fires all, and lets what that sets off go on as far as it can. */
  async fire(): Promise<void> {
    for (const { call } of this.made) call?.();
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function refreshing(ms = 250): Promise<Shell & { timers: Timers }> {
  const timers = new Timers();
  const made = await contextShell(`echo 1 > schemes/nr_schemes`, timers);
  await made.run(`
    echo ${ms} > kdamonds/0/refresh_ms
    echo on > ${STATE}
  `);
  const { kdamond } = made.engine;
  kdamond.counters = [statsFrom(1n)];
  kdamond.bytes = [8192n];
  return { ...made, timers };
}

const REFRESH = ['tunedIntervals', 'stats', 'effectiveBytes'];

test('with refresh_ms, intervals, stats and quotas come into the files again and again', async (t) => {
  const { engine, tree, timers } = await refreshing();
  t.deepEqual(timers.running, [250]);
  t.is(tree.read(`${S}/stats/nr_tried`), '0\n');
  await timers.fire();
  t.is(tree.read(`${S}/stats/nr_tried`), '1\n');
  t.is(tree.read(`${S}/quotas/effective_bytes`), '8192\n');
  t.is(tree.read(`${CONTEXT}/monitoring_attrs/intervals/sample_us`), '1\n');
  t.is(tree.read(`${CONTEXT}/monitoring_attrs/intervals/aggr_us`), '20\n');
  engine.kdamond.counters = [statsFrom(5n)];
  await timers.fire();
  t.is(tree.read(`${S}/stats/nr_tried`), '5\n');
  t.deepEqual(engine.kdamond.calls, [...REFRESH, ...REFRESH]);
});

test('refresh_ms works without a commit, while it runs only, and 0 is never', async (t) => {
  const timers = new Timers();
  const { engine, run } = await contextShell('echo 1 > schemes/nr_schemes', timers);
  await run('echo 100 > kdamonds/0/refresh_ms');
  t.deepEqual(timers.running, []);
  await run(`echo on > ${STATE}`);
  t.deepEqual(timers.running, [100]);
  await run('echo 4294967295 > kdamonds/0/refresh_ms');
  t.deepEqual(timers.running, [4_294_967_295]);
  await run('echo 0 > kdamonds/0/refresh_ms');
  t.deepEqual(timers.running, []);
  await run('echo 7 > kdamonds/0/refresh_ms');
  t.deepEqual(timers.running, [7]);
  await run(`echo off > ${STATE}`);
  t.deepEqual(timers.running, []);
  await run(`echo on > ${STATE}`);
  t.deepEqual(timers.running, [7]);
  await timers.fire();
  t.deepEqual(engine.kdamonds[0]?.calls, ['stop']);
  t.deepEqual(engine.kdamonds[1]?.calls, REFRESH);
});

test('each kdamond is refreshed in its own time', async (t) => {
  const timers = new Timers();
  const { run } = await contextShell('', timers);
  await run(`
    echo 2 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    echo 1 > kdamonds/1/contexts/nr_contexts
    echo 10 > kdamonds/0/refresh_ms
    echo 20 > kdamonds/1/refresh_ms
    echo on > kdamonds/0/state
    echo on > kdamonds/1/state
  `);
  t.deepEqual(timers.running, [10, 20]);
});

test('nothing is refreshed of a monitor that ended, and its timer ends', async (t) => {
  const { engine, timers } = await refreshing();
  engine.kdamond.running = false;
  await timers.fire();
  t.deepEqual(engine.kdamond.calls, []);
  t.deepEqual(timers.running, []);
});

test('nothing is refreshed while a command runs, or without a context', async (t) => {
  const { engine, tree, run, timers } = await refreshing();
  let open = (): void => undefined;
  engine.kdamond.gate = new Promise((resolve) => (open = resolve));
  const running = tree.write(STATE, 'commit');
  await timers.fire();
  t.deepEqual(engine.kdamond.calls, ['commit']);
  open();
  await running;
  await run('echo 0 > kdamonds/0/contexts/nr_contexts');
  await timers.fire();
  t.deepEqual(engine.kdamond.calls, ['commit']);
  t.deepEqual(timers.running, [250]);
});

test('a refresh locks nobody out, does not pile up, and is over before anything else', async (t) => {
  const { engine, tree, timers } = await refreshing();
  let open = (): void => undefined;
  engine.kdamond.gate = new Promise((resolve) => (open = resolve));
  await timers.fire();
  await timers.fire();
  t.deepEqual(engine.kdamond.calls, ['tunedIntervals']);
  t.is(tree.read(STATE), 'on\n');
  const committing = tree.write(STATE, 'commit');
  await settled();
  t.deepEqual(engine.kdamond.calls, ['tunedIntervals']);
  open();
  await committing;
  t.deepEqual(engine.kdamond.calls, [...REFRESH, 'commit']);
  // A command held the lock when its numbers came.
  t.is(tree.read(`${S}/stats/nr_tried`), '0\n');
  await timers.fire();
  t.is(tree.read(`${S}/stats/nr_tried`), '1\n');
});

test('a refresh whose context has gone, or whose monitor, shows nothing', async (t) => {
  const without = await refreshing();
  let open = (): void => undefined;
  without.engine.kdamond.gate = new Promise((resolve) => (open = resolve));
  await without.timers.fire();
  await without.run('echo 0 > kdamonds/0/contexts/nr_contexts');
  open();
  await settled();
  t.deepEqual(without.engine.kdamond.calls, REFRESH);

  const other = await refreshing();
  const [first] = other.engine.kdamonds;
  if (!first) throw new Error('Not started');
  first.gate = new Promise((resolve) => (open = resolve));
  await other.timers.fire();
  first.running = false;
  await other.run(`echo on > ${STATE}`);
  open();
  await settled();
  t.deepEqual(first.calls, REFRESH);
  t.is(other.tree.read(`${S}/stats/nr_tried`), '0\n');
});

test('off waits for a refresh, and close too', async (t) => {
  for (const end of ['off', 'close'] as const) {
    const { engine, tree, timers } = await refreshing();
    let open = (): void => undefined;
    engine.kdamond.gate = new Promise((resolve) => (open = resolve));
    await timers.fire();
    const ended = end === 'off' ? tree.write(STATE, 'off') : tree.close();
    await settled();
    t.deepEqual(engine.kdamond.calls, ['tunedIntervals'], end);
    open();
    await ended;
    t.deepEqual(engine.kdamond.calls, [...REFRESH, 'stop'], end);
    t.deepEqual(timers.running, [], end);
  }
});

test('a refresh that fails is not told, and the next may do better', async (t) => {
  const { engine, tree, timers } = await refreshing();
  engine.kdamond.failure = new Error('not now');
  await timers.fire();
  t.deepEqual(engine.kdamond.calls, ['tunedIntervals']);
  t.is(tree.read(`${S}/stats/nr_tried`), '0\n');
  engine.kdamond.failure = undefined;
  await timers.fire();
  t.is(tree.read(`${S}/stats/nr_tried`), '1\n');
});

test('a monitor that could not be stopped is refreshed on', async (t) => {
  const { engine, tree, timers } = await refreshing();
  engine.kdamond.failure = new Error('stuck');
  await answers(t, 'EINVAL', () => tree.write(STATE, 'off'));
  t.is(tree.read(STATE), 'on\n');
  t.deepEqual(timers.running, [250]);
});
