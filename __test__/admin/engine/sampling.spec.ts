/** Samplers that are programmed as perf events. */
import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import type { SamplerOptions } from '../../../src/index.ts';
import { SMALL } from '../../support/small.ts';
import { CONTEXT, STATE, answers, run } from '../tree-shell.ts';
import { ANY, EVENT, SCHEME, machine } from './machine.ts';

test('a perf event programs the sampler, for one monitor at a time', async (t) => {
  const { engine, command, run: write, tree } = await machine('', { ibsOpType: 0xb });
  await run(
    tree,
    `
    echo 2 > kdamonds/nr_kdamonds
    echo 1 > kdamonds/0/contexts/nr_contexts
    echo 1 > kdamonds/1/contexts/nr_contexts
    cd kdamonds/0/contexts/0
    echo paddr_ibs > operations
    ${EVENT}
    cd kdamonds/1/contexts/0
    echo paddr_ibs > operations
    ${EVENT}
    `,
  );
  await command('on');
  const path = 'kdamonds/1/contexts/0/monitoring_attrs/sample/perf_events/nr_perf_events';
  const other = (): Promise<void> => tree.write('kdamonds/1/state', 'on');
  await answers(t, 'EBUSY', other, path);
  await command('commit');
  const events = 'monitoring_attrs/sample/perf_events';
  await write(`echo 0 > ${events}/nr_perf_events`);
  // As long as it is not committed, it is as it was.
  await answers(t, 'EBUSY', other, path);
  await command('commit');
  await other();
  t.is(tree.read('kdamonds/1/state'), 'on\n');
  await write(EVENT);
  const number = `${CONTEXT}/${events}/nr_perf_events`;
  await answers(t, 'EBUSY', () => command('commit'), number);
  await engine.step(100);
  await tree.write('kdamonds/1/state', 'off');
  await command('commit');
  t.is(tree.read(STATE), 'on\n');
  await answers(t, 'EBUSY', other, path);
  await command('off');
  await other();
  await tree.close();
});

test('a commit that adds a perf event has accesses seen by it, and one that takes it away no longer', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo paddr > operations
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    echo on > ${STATE}
  `);
  const tried = async (): Promise<number> => {
    await engine.step(500);
    await command('update_schemes_stats');
    const before = Number(cat('schemes/0/stats/sz_tried'));
    await engine.step(2_000);
    await command('update_schemes_stats');
    return Number(cat('schemes/0/stats/sz_tried')) - before;
  };
  const checked = await tried();
  // So seldom that next to nothing is seen.
  await write(`${EVENT} echo 134217712 > sample_period`);
  await command('commit');
  const sampled = await tried();
  await write('echo 0 > monitoring_attrs/sample/perf_events/nr_perf_events');
  await command('commit');
  const again = await tried();
  t.assert(
    sampled > 0 && checked > 2 * sampled && again > 2 * sampled,
    `${checked}, ${sampled}, ${again}`,
  );
  await tree.close();
});

test('a commit of another period restarts sampling with it', async (t) => {
  const {
    engine,
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    ${EVENT}
    echo 134217712 > sample_period
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    echo on > ${STATE}
  `);
  const tried = async (): Promise<number> => {
    await engine.step(2_000);
    await command('update_schemes_stats');
    return Number(cat('schemes/0/stats/sz_tried'));
  };
  const before = await tried();
  await write('echo 65536 > monitoring_attrs/sample/perf_events/0/sample_period');
  await command('commit');
  const after = (await tried()) - before;
  t.assert(after > 2 * before, `${after} after ${before}`);
  await tree.close();
});

test('a shorter period samples more', async (t) => {
  const tried: number[] = [];
  for (const period of [262_144, 134_217_712]) {
    const { engine, cat, command, tree } = await machine(`
      ${EVENT}
      echo ${period} > sample_period
      ${SCHEME}
      ${ANY}
      echo 1 > access_pattern/nr_accesses/min
      echo on > ${STATE}
    `);
    await engine.step(2_000);
    await command('update_schemes_stats');
    tried.push(Number(cat('schemes/0/stats/sz_tried')));
    await tree.close();
  }
  const [often = 0, seldom = 0] = tried;
  t.assert(often > 2 * seldom, tried.join(' '));
});

test('PEBS is programmed by raw events, and page faults by the software event of any machine', async (t) => {
  const event = `
    echo 1 > contexts/nr_contexts
    cd contexts/0
    echo vaddr > operations
    echo 1 > targets/nr_targets
    echo 1 > targets/0/pid_target
    echo 1 > monitoring_attrs/sample/perf_events/nr_perf_events
    ${SCHEME}
    ${ANY}
    echo 1 > access_pattern/nr_accesses/min
    cd /${CONTEXT}/monitoring_attrs/sample/perf_events/0`;
  const tried = async (sampler: SamplerOptions, script: string): Promise<number> => {
    const engine = new KdamondEngine({ source: { ...SMALL, sampler }, speed: 0 });
    const tree = new AdminTree(engine);
    await run(
      tree,
      `echo 1 > kdamonds/nr_kdamonds\ncd kdamonds/0\n${event}\n${script}\necho on > ${STATE}`,
    );
    await engine.step(1_000);
    await tree.write('kdamonds/0/state', 'update_schemes_stats');
    const stats = tree.read('kdamonds/0/contexts/0/schemes/0/stats/nr_tried');
    await tree.close();
    return Number(stats);
  };
  // The RFC's configuration B.
  const b = 'echo 4 > type\necho 0x20d1 > config\necho 5003 > sample_freq';
  t.assert((await tried({ type: 'pebs' }, b)) > 0);
  // Nothing is paged out here, so nothing faults.
  const faults = 'echo 1 > type\necho 2 > config\necho 0 > freq\necho 1 > sample_period';
  t.is(await tried({ type: 'pebs' }, faults), 0);
});
