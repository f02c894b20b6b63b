import test from 'ava';

import { AdminError } from '../../src/admin/errno.ts';
import { statsFrom } from './fake-engine.ts';
import { CONTEXT, type Shell, STATE, answers, contextShell } from './tree-shell.ts';

const S = `${CONTEXT}/schemes/0`;

/** A tree with a monitor of two schemes that runs. */
async function running(script = ''): Promise<Shell> {
  const made = await contextShell(`
    echo 2 > schemes/nr_schemes
    ${script}
    echo on > ${STATE}
  `);
  const { kdamond } = made.engine;
  kdamond.counters = [statsFrom(10n), statsFrom(20n)];
  kdamond.bytes = [4096n, 2n ** 64n - 1n];
  kdamond.intervals = { sampleUs: 10_000n, aggregationUs: 200_000n };
  kdamond.tried = [
    {
      totalBytes: 12_288n,
      regions: [
        { start: 0n, end: 4096n, nrAccesses: 1, age: 2, szFilterPassed: 3n, probeHits: [] },
        {
          start: 4096n,
          end: 12_288n,
          nrAccesses: 20,
          age: 0,
          szFilterPassed: 0n,
          probeHits: [7, 9],
        },
      ],
    },
    { totalBytes: 0n, regions: [] },
  ];
  return made;
}

/** What each word but `on` asks of a monitor. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  off: ['stop'],
  commit: ['commit'],
  commit_schemes_quota_goals: ['commitGoals'],
  update_tuned_intervals: ['tunedIntervals'],
  update_schemes_stats: ['stats'],
  update_schemes_effective_quotas: ['effectiveBytes'],
  update_schemes_tried_bytes: ['triedRegions'],
  update_schemes_tried_regions: ['triedRegions'],
  clear_schemes_tried_regions: [],
};

test('on starts a monitor, off stops it, and state and pid tell', async (t) => {
  const { engine, tree, run } = await contextShell();
  t.is(tree.read(STATE), 'off\n');
  t.is(tree.read('kdamonds/0/pid'), '-1\n');
  await run(`echo on > ${STATE}`);
  t.is(tree.read(STATE), 'on\n');
  t.is(tree.read('kdamonds/0/pid'), '4000\n');
  await tree.write(STATE, 'off');
  t.is(tree.read(STATE), 'off\n');
  t.is(tree.read('kdamonds/0/pid'), '-1\n');
  await tree.write(STATE, 'on');
  t.is(tree.read('kdamonds/0/pid'), '4001\n');
  t.deepEqual(
    engine.kdamonds.map(({ calls }) => calls),
    [['stop'], []],
  );
});

test('each word asks for what it means, and for nothing else', async (t) => {
  for (const [word, calls] of Object.entries(ASKED)) {
    const { engine, run } = await running();
    await run(`echo ${word} > ${STATE}`);
    t.deepEqual(engine.kdamond.calls, calls, word);
    t.is(engine.contexts.length, 1, word);
  }
});

test('a word that is none is EINVAL, whatever runs', async (t) => {
  for (const { engine, tree } of [await contextShell(), await running()]) {
    const asked = engine.contexts.length;
    const before = tree.read(STATE);
    for (const word of ['', '\n', 'On', 'on ', ' on', 'on\n\n', 'start', 'update_schemes', '1']) {
      if (word === '') continue;
      await answers(t, 'EINVAL', () => tree.write(STATE, word), STATE);
    }
    t.is(engine.contexts.length, asked);
    t.is(tree.read(STATE), before);
  }
});

test('on while it runs is EBUSY, and looks at no file', async (t) => {
  const { engine, tree, run } = await running();
  await run(`echo 0 > ${CONTEXT}/monitoring_attrs/nr_regions/min`);
  await answers(t, 'EBUSY', () => tree.write(STATE, 'on'), STATE);
  t.is(engine.contexts.length, 1);
  t.is(tree.read(STATE), 'on\n');
});

test('every word but off needs one context', async (t) => {
  const { engine, tree, run } = await running();
  await run('echo 0 > kdamonds/0/contexts/nr_contexts');
  for (const word of ['on', ...Object.keys(ASKED)]) {
    if (word === 'off') continue;
    const path = 'kdamonds/0/contexts/nr_contexts';
    await answers(t, 'EINVAL', () => tree.write(STATE, word), path);
  }
  t.deepEqual(engine.kdamond.calls, []);
  await run(`echo off > ${STATE}`);
  t.is(tree.read(STATE), 'off\n');
});

test('every word but on and clear needs a monitor that was started', async (t) => {
  const { tree, run } = await contextShell('echo 1 > schemes/nr_schemes');
  for (const word of Object.keys(ASKED)) {
    if (word === 'clear_schemes_tried_regions') continue;
    await answers(t, 'EINVAL', () => tree.write(STATE, word), STATE);
  }
  await run(`echo clear_schemes_tried_regions > ${STATE}`);
  t.is(tree.read(STATE), 'off\n');
});

test('of one that has stopped everything but off and clear is ECANCELED', async (t) => {
  const stops: readonly ((shell: Shell) => unknown)[] = [
    ({ run }) => run(`echo off > ${STATE}`),
    ({ engine }) => (engine.kdamond.running = false),
  ];
  for (const stop of stops) {
    const made = await running();
    await stop(made);
    const calls = [...made.engine.kdamond.calls];
    for (const word of Object.keys(ASKED)) {
      if (word === 'off' || word.startsWith('clear')) await made.tree.write(STATE, word);
      else await answers(t, 'ECANCELED', () => made.tree.write(STATE, word), STATE);
    }
    t.deepEqual(made.engine.kdamond.calls, calls);
  }
});

test('a commit on one that has stopped does not look at the files', async (t) => {
  const { tree, run } = await running();
  await run(`
    echo off > ${STATE}
    echo 0 > ${CONTEXT}/monitoring_attrs/nr_regions/min
  `);
  await answers(t, 'ECANCELED', () => tree.write(STATE, 'commit'));
});

test('a start that fails leaves nothing started', async (t) => {
  const { engine, tree, run } = await running();
  await run(`
    echo off > ${STATE}
    echo 0 > ${CONTEXT}/monitoring_attrs/nr_regions/min
  `);
  await answers(t, 'EINVAL', () => tree.write(STATE, 'on'));
  t.is(tree.read(STATE), 'off\n');
  await answers(t, 'EINVAL', () => tree.write(STATE, 'off'), STATE);
  await run(`echo 10 > ${CONTEXT}/monitoring_attrs/nr_regions/min`);
  engine.failure = new AdminError('EBUSY', 'Another one owns the sampler', { path: 'here' });
  await answers(t, 'EBUSY', () => tree.write(STATE, 'on'), 'kdamonds/0/contexts/0/here');
  t.is(tree.read(STATE), 'off\n');
  engine.failure = undefined;
  await run(`echo on > ${STATE}`);
  t.is(tree.read(STATE), 'on\n');
});

test('what an engine refuses is told as it is, anything else as EINVAL with its cause', async (t) => {
  for (const word of ['on', ...Object.keys(ASKED)]) {
    if (word.startsWith('clear')) continue;
    const { engine, tree } = await (word === 'on' ? contextShell() : running());
    const failing = word === 'on' ? engine : engine.kdamond;
    for (const errno of ['ENOMEM', 'EOPNOTSUPP', 'ECANCELED', 'EPERM'] as const) {
      const refusal = new AdminError(errno, 'No');
      failing.failure = refusal;
      t.is(await answers(t, errno, () => tree.write(STATE, word)), refusal, word);
    }
    const bug = new TypeError('bug');
    failing.failure = bug;
    const error = await answers(t, 'EINVAL', () => tree.write(STATE, word), STATE);
    t.is(error?.cause, bug, word);
    failing.failure = 'text';
    const other = await answers(t, 'EINVAL', () => tree.write(STATE, word), STATE);
    t.is(other?.message, 'text', word);
  }
});

test('a commit takes all files as they are', async (t) => {
  const { engine, run } = await running();
  await run(`
    cd ${CONTEXT}
    echo Y > pause
    echo 1 > schemes/nr_schemes
    echo pageout > schemes/0/action
    echo commit > ${STATE}
  `);
  const [context] = engine.kdamond.committed;
  t.true(context?.pause);
  t.deepEqual(
    context?.schemes.map(({ action }) => action),
    ['pageout'],
  );
});

test('a commit that cannot be built asks nothing of the monitor', async (t) => {
  const { engine, tree, run } = await running();
  const path = `${CONTEXT}/monitoring_attrs/nr_regions/min`;
  await run(`echo 2 > ${path}`);
  await answers(t, 'EINVAL', () => tree.write(STATE, 'commit'), path);
  await run(`
    echo 3 > ${path}
    echo 1 > ${S}/filters/nr_filters
    echo memcg > ${S}/filters/0/type
  `);
  await answers(t, 'ENOMEM', () => tree.write(STATE, 'commit'), `${S}/filters/0/memcg_path`);
  t.deepEqual(engine.kdamond.calls, []);
  t.is(tree.read(STATE), 'on\n');
});

test('goals are committed by scheme, those without a target left out, and nothing else', async (t) => {
  const { engine, tree, run } = await running();
  await run(`
    cd ${CONTEXT}
    echo 0 > monitoring_attrs/nr_regions/min
    cd ${S}/quotas
    echo temporal > goal_tuner
    echo 3 > goals/nr_goals
    echo 5 > goals/0/current_value
    echo node_eligible_mem_bp > goals/1/target_metric
    echo 7000 > goals/1/target_value
    echo 1 > goals/1/nid
    echo node_memcg_used_bp > goals/2/target_metric
    echo /a > goals/2/path
    echo 9 > goals/2/target_value
    echo commit_schemes_quota_goals > ${STATE}
  `);
  const eligible = { metric: 'node_eligible_mem_bp', targetValue: 7_000n, currentValue: 0n };
  const memcg = { metric: 'node_memcg_used_bp', targetValue: 9n, currentValue: 0n };
  t.deepEqual(engine.kdamond.committedGoals as unknown, [
    [
      [
        { ...eligible, nid: 1, path: '' },
        { ...memcg, nid: 0, path: '/a' },
      ],
      [],
    ],
  ]);
  const path = `${S}/quotas/goals/2/path`;
  await run(`echo  > ${path}`);
  await answers(t, 'EINVAL', () => tree.write(STATE, 'commit_schemes_quota_goals'), path);
  t.is(engine.kdamond.committedGoals.length, 1);
  t.is(tree.read(`${S}/quotas/goals/0/current_value`), '5\n');
});

test('tuned intervals come into the files, and the next commit takes them', async (t) => {
  const { engine, tree, run } = await running();
  const intervals = `${CONTEXT}/monitoring_attrs/intervals`;
  await run(`echo update_tuned_intervals > ${STATE}`);
  t.is(tree.read(`${intervals}/sample_us`), '10000\n');
  t.is(tree.read(`${intervals}/aggr_us`), '200000\n');
  t.is(tree.read(`${intervals}/update_us`), '60000000\n');
  await run(`echo commit > ${STATE}`);
  t.like(engine.kdamond.committed[0]?.attrs, { sampleUs: 10_000n, aggregationUs: 200_000n });
});

/** The files of a directory, in the order of their names. */
function values({ tree }: Shell, dir: string): string {
  const files = tree.list(dir).filter((name) => tree.stat(`${dir}/${name}`)?.type === 'file');
  return files.map((name) => `${name}=${tree.read(`${dir}/${name}`).trim()}`).join(' ');
}

test('stats and effective quotas come into the files of their scheme', async (t) => {
  const made = await running();
  await made.run(`
    echo update_schemes_stats > ${STATE}
    echo update_schemes_effective_quotas > ${STATE}
  `);
  t.is(
    values(made, `${S}/stats`),
    'max_nr_snapshots=0 nr_applied=12 nr_snapshots=16 nr_tried=10 qt_exceeds=15 sz_applied=13 ' +
      'sz_ops_filter_passed=14 sz_tried=11',
  );
  t.is(made.tree.read(`${CONTEXT}/schemes/1/stats/nr_tried`), '20\n');
  t.is(made.tree.read(`${S}/quotas/effective_bytes`), '4096\n');
  t.is(made.tree.read(`${CONTEXT}/schemes/1/quotas/effective_bytes`), `${2n ** 64n - 1n}\n`);
});

test('numbers go as far as both the files and the monitor have schemes', async (t) => {
  const made = await running();
  const all = ['update_schemes_stats', 'update_schemes_effective_quotas'];
  all.push('update_schemes_tried_bytes', 'update_schemes_tried_regions');
  await made.run(`echo 1 > ${CONTEXT}/schemes/nr_schemes`);
  for (const word of all) await made.run(`echo ${word} > ${STATE}`);
  t.is(made.tree.read(`${S}/stats/nr_tried`), '10\n');
  t.is(made.tree.read(`${S}/tried_regions/total_bytes`), '12288\n');
  await made.run(`echo 3 > ${CONTEXT}/schemes/nr_schemes`);
  for (const word of all) await made.run(`echo ${word} > ${STATE}`);
  t.is(made.tree.read(`${CONTEXT}/schemes/1/stats/nr_tried`), '20\n');
  t.is(made.tree.read(`${CONTEXT}/schemes/2/stats/nr_tried`), '0\n');
  t.is(made.tree.read(`${CONTEXT}/schemes/2/quotas/effective_bytes`), '0\n');
});

test('tried regions become directories, tried bytes only a number', async (t) => {
  const made = await running();
  const dir = `${S}/tried_regions`;
  await made.run(`echo update_schemes_tried_regions > ${STATE}`);
  t.deepEqual(made.tree.list(dir), ['0', '1', 'total_bytes']);
  t.is(values(made, dir), 'total_bytes=12288');
  t.is(values(made, `${dir}/0`), 'age=2 end=4096 nr_accesses=1 start=0 sz_filter_passed=3');
  t.deepEqual(made.tree.list(`${dir}/0/probes`), []);
  t.is(values(made, `${dir}/1`), 'age=0 end=12288 nr_accesses=20 start=4096 sz_filter_passed=0');
  t.deepEqual(made.tree.list(`${dir}/1/probes`), ['0', '1']);
  t.is(made.tree.read(`${dir}/1/probes/1/hits`), '9\n');
  await made.run(`echo update_schemes_tried_bytes > ${STATE}`);
  t.deepEqual(made.tree.list(dir), ['total_bytes']);
  t.is(values(made, dir), 'total_bytes=12288');
});

test('tried regions are gone before they are asked for again, and when they are cleared', async (t) => {
  const made = await running();
  const dir = `${S}/tried_regions`;
  for (const word of ['update_schemes_tried_regions', 'update_schemes_tried_bytes']) {
    await made.run(`echo update_schemes_tried_regions > ${STATE}`);
    made.engine.kdamond.failure = new AdminError('ECANCELED', 'Paused');
    await answers(t, 'ECANCELED', () => made.tree.write(STATE, word));
    t.deepEqual(made.tree.list(dir), ['total_bytes']);
    t.is(values(made, dir), 'total_bytes=0');
    made.engine.kdamond.failure = undefined;
  }
  for (const stop of [false, true]) {
    await made.run(`echo update_schemes_tried_regions > ${STATE}`);
    if (stop) await made.run(`echo off > ${STATE}`);
    await made.run(`echo clear_schemes_tried_regions > ${STATE}`);
    t.is(values(made, dir), 'total_bytes=0');
    t.deepEqual(made.tree.list(dir), ['total_bytes']);
  }
});

test('tried regions of one that stopped are cleared by asking for them', async (t) => {
  const made = await running();
  const dir = `${S}/tried_regions`;
  await made.run(`
    echo update_schemes_tried_regions > ${STATE}
    echo off > ${STATE}
  `);
  t.deepEqual(made.tree.list(dir), ['0', '1', 'total_bytes']);
  await answers(t, 'ECANCELED', () => made.tree.write(STATE, 'update_schemes_tried_regions'));
  t.deepEqual(made.tree.list(dir), ['total_bytes']);
});

test('numbers that were copied outlive the monitor', async (t) => {
  const made = await running();
  await made.run(`
    echo update_schemes_stats > ${STATE}
    echo off > ${STATE}
  `);
  t.is(made.tree.read(`${S}/stats/nr_tried`), '10\n');
});
