import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { Kdamond, type KdamondOptions, balance } from '../../../src/index.ts';
import { SMALL } from '../../support/small.ts';
import { CONTEXT, STATE, answers } from '../tree-shell.ts';
import { ANY, PULL, SCHEME, machine } from './machine.ts';

const COUNTERS = [
  ['nr_tried', 'nrTried'],
  ['sz_tried', 'szTried'],
  ['nr_applied', 'nrApplied'],
  ['sz_applied', 'szApplied'],
  ['sz_ops_filter_passed', 'szOpsFilterPassed'],
  ['qt_exceeds', 'qtExceeds'],
  ['nr_snapshots', 'nrSnapshots'],
] as const;

/** The same in our own words. */
const OPTIONS: KdamondOptions = {
  source: SMALL,
  targets: [{ regions: [{ start: 0, end: '256 MiB' }] }],
  schemes: [
    {
      action: 'migrate_hot',
      targetNid: 0,
      pattern: { nrAccesses: { min: 1 } },
      quota: {
        szBytes: '4 MiB',
        resetIntervalMs: '1 s',
        tuner: 'temporal',
        weights: { nrAccessesPermil: 1_000, agePermil: 1_000 },
        goals: [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: '70 %' }],
      },
    },
  ],
};

test('the source says which operations there are', async (t) => {
  const { tree } = await machine();
  t.is(tree.read(`${CONTEXT}/avail_operations`), 'vaddr\nfvaddr\npaddr\npaddr_ibs\n');
});

test('refresh_ms goes by the time that the monitor goes by', async (t) => {
  const { engine, cat } = await machine(`${PULL}
    echo 700 > /kdamonds/0/refresh_ms
    echo on > /${STATE}`);
  using kdamond = new Kdamond(OPTIONS);
  for (const [passesMs, seenMs] of [
    [699, 0],
    [1_301, 1_400],
    [100, 2_100],
  ] as const) {
    await engine.step(passesMs);
    await kdamond.run({ untilMs: seenMs });
    const scheme = kdamond.books.counters['schemes'] as Record<string, Record<string, number>>;
    t.is(cat('schemes/0/stats/nr_tried'), `${scheme['0 migrate_hot']?.['nrTried']}`, `${seenMs}`);
  }
});

test('stats, effective bytes, intervals and tried regions are those of a monitor', async (t) => {
  const { engine, cat, command, tree } = await machine(`${PULL} echo on > ${STATE}`);
  using kdamond = new Kdamond(OPTIONS);
  for (const untilMs of [3_000, 10_000]) {
    await engine.step(untilMs - Number(kdamond.nowNs) / 1e6);
    await kdamond.run({ untilMs });
    await command('update_schemes_stats');
    await command('update_schemes_effective_quotas');
    await command('update_tuned_intervals');
    const { books } = kdamond;
    const scheme = books.counters['schemes'] as Record<string, Record<string, number>>;
    const counters = scheme['0 migrate_hot'] ?? {};
    for (const [file, name] of COUNTERS) {
      t.is(cat(`schemes/0/stats/${file}`), `${counters[name]}`, file);
    }
    t.not(counters['szApplied'], 0);
    t.is(cat('schemes/0/quotas/effective_bytes'), `${counters['effectiveSzBytes']}`);
    t.is(cat('monitoring_attrs/intervals/sample_us'), '5000');
    t.true(balance(books).every(({ offBy }) => offBy === 0n));
  }
  const walk = kdamond.triedRegions();
  await Promise.all([
    walk,
    kdamond.run({ untilMs: 11_000 }),
    command('update_schemes_tried_regions'),
  ]);
  const [tried] = await walk;
  t.deepEqual(
    [...(tried?.starts ?? [])].map((start, i) => [start, tried?.ends[i], tried?.nrAccesses[i]]),
    tree
      .list(`${CONTEXT}/schemes/0/tried_regions`)
      .filter((name) => /^\d+$/.test(name))
      .map((i) => {
        const at = `schemes/0/tried_regions/${i}`;
        return [
          BigInt(cat(`${at}/start`)),
          BigInt(cat(`${at}/end`)),
          Number(cat(`${at}/nr_accesses`)),
        ];
      }),
  );
  await tree.close();
});

test('tuned intervals come into the files', async (t) => {
  const { engine, cat, command, tree } = await machine(`
    echo 1000 > monitoring_attrs/intervals/intervals_goal/access_bp
    echo 2 > monitoring_attrs/intervals/intervals_goal/aggrs
    echo 1000 > monitoring_attrs/intervals/intervals_goal/min_sample_us
    echo 40000 > monitoring_attrs/intervals/intervals_goal/max_sample_us
    echo on > ${STATE}
  `);
  await engine.step(5_000);
  await command('update_tuned_intervals');
  const sampleUs = Number(cat('monitoring_attrs/intervals/sample_us'));
  t.not(sampleUs, 5_000);
  t.is(Number(cat('monitoring_attrs/intervals/aggr_us')), sampleUs * 20);
  await tree.close();
});

test('every value that the kernel takes is taken', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 0 > monitoring_attrs/intervals/sample_us
    echo 1 > monitoring_attrs/intervals/aggr_us
    echo 18446744073709551615 > monitoring_attrs/intervals/update_us
    echo 3 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo migrate_cold > action
    echo -1 > target_nid
    echo 18446744073709551615 > quotas/bytes
    echo 18446744073709551615 > quotas/reset_interval_ms
    echo 4294967295 > quotas/weights/sz_permil
    echo 4294967295 > quotas/weights/nr_accesses_permil
    echo 1001 > quotas/weights/age_permil
    echo 1 > quotas/fail_charge_num
    echo 4294967295 > quotas/fail_charge_denom
    echo 2 > dests/nr_dests
    echo 3 > core_filters/nr_filters
    echo addr > core_filters/0/type
    echo Y > core_filters/0/matching
    echo 18446744073709551615 > core_filters/0/addr_end
    echo 18446744073709551614 > core_filters/0/addr_start
    echo target > core_filters/1/type
    echo Y > core_filters/1/matching
    echo -1 > core_filters/1/damon_target_idx
    echo target > core_filters/2/type
    echo Y > core_filters/2/matching
    echo Y > core_filters/2/allow
    cd /kdamonds/0/contexts/0/schemes/1
    echo willneed > action
    echo 9223372036854775808 > access_pattern/sz/min
    echo 7 > access_pattern/age/min
    echo 18446744073709551615 > stats/max_nr_snapshots
    echo 1 > ops_filters/nr_filters
    echo hugepage_size > ops_filters/0/type
    echo 18446744073709551615 > ops_filters/0/max
    cd /kdamonds/0/contexts/0/schemes/2
    echo lru_prio > action
    echo 2147483647 > target_nid
    ${ANY}
  `);
  await command('on');
  await engine.step(5);
  await command('update_schemes_stats');
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), `${2n ** 64n - 1n}`);
  t.not(cat('schemes/0/stats/nr_tried'), '0', 'tried, to no effect');
  t.is(cat('schemes/0/stats/nr_applied'), '0');
  t.is(cat('schemes/1/stats/nr_tried'), '0');
  t.not(cat('schemes/2/stats/nr_tried'), '0');
  await command('commit');
  await write('echo 0 > targets/nr_targets');
  for (let times = 0; times < 3; times += 1) await command('commit');
  await write(`
    echo 1 > targets/nr_targets
    echo 1 > targets/0/regions/nr_regions
    echo 4096 > targets/0/regions/0/end
  `);
  await command('commit');
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/2/tried_regions/total_bytes'), '4096');
  await tree.close();
});

test('no target is a start, too: nothing is monitored', async (t) => {
  const { engine, cat, command, tree } = await machine(`
    echo 0 > targets/nr_targets
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  await engine.step(1_000);
  await command('update_schemes_stats');
  t.is(cat('schemes/0/stats/nr_tried'), '0');
  await tree.close();
});

test('time passes by itself at the speed asked for, and commands are answered meanwhile', async (t) => {
  const { command, cat, tree } = await machine(`${SCHEME}\n ${ANY}\n echo on > ${STATE}`, {
    speed: 100,
  });
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/0/tried_regions/total_bytes'), `${2 ** 28}`);
  await command('commit');
  await command('update_schemes_stats');
  const before = Number(cat('schemes/0/stats/nr_snapshots'));
  for (let walks = 0; walks < 3; walks += 1) await command('update_schemes_tried_regions');
  await command('update_schemes_stats');
  t.assert(Number(cat('schemes/0/stats/nr_snapshots')) >= before + 3);
  await command('off');
  t.is(tree.read(STATE), 'off\n');
});

test('close cancels a walk that would never be answered', async (t) => {
  for (const speed of [0, 1]) {
    const { command, tree } = await machine(
      `${SCHEME}\n ${ANY}\n echo 18446744073709551615 > apply_interval_us\n echo on > ${STATE}`,
      { speed },
    );
    const walk = answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
    await new Promise(setImmediate);
    await tree.close();
    await walk;
  }
});

test('options are refused by name, and a source when the engine is made', (t) => {
  for (const speed of [-1, NaN, Infinity]) {
    const error = t.throws(() => new KdamondEngine({ source: SMALL, speed }));
    t.like(error, { code: 'ERR_DAMON_CONFIG', path: 'speed' });
  }
  const source = { type: 'recording', path: 'none' } as const;
  t.like(
    t.throws(() => new KdamondEngine({ source })),
    { code: 'ERR_DAMON_TRACE_OPEN' },
  );
});

test('steps are whole milliseconds', async (t) => {
  const engine = new KdamondEngine({ source: SMALL, speed: 0 });
  for (const ms of [-1, 0.5]) {
    t.like(await t.throwsAsync(engine.step(ms)), { code: 'ERR_DAMON_CONFIG', path: 'ms' });
  }
  t.is(new AdminTree(engine).list('').length, 1);
});
