/** What is committed to a monitor that runs. */
import test from 'ava';

import { CONTEXT, STATE, answers } from '../tree-shell.ts';
import { ANY, PULL, SCHEME, machine } from './machine.ts';

test('a commit is in force when it is answered, and another one may follow at once', async (t) => {
  const {
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  await write('echo 10000 > monitoring_attrs/intervals/sample_us');
  await command('commit');
  await write('echo 20000 > monitoring_attrs/intervals/sample_us');
  await command('commit');
  await write('echo 1 > monitoring_attrs/intervals/sample_us');
  await command('update_tuned_intervals');
  t.is(cat('monitoring_attrs/intervals/sample_us'), '20000');
  await command('commit_schemes_quota_goals');
  await command('commit_schemes_quota_goals');
  await tree.close();
});

test('goals are committed alone, beyond what our own options would take', async (t) => {
  const { engine, cat, command, run: write, tree } = await machine(`${PULL} echo on > ${STATE}`);
  await engine.step(1_000);
  await write(`
    cd schemes/0/quotas
    echo 1 > bytes
    echo user_input > goals/0/target_metric
    echo 18446744073709551615 > goals/0/target_value
    echo 18446744073709551615 > goals/0/current_value
  `);
  await command('commit_schemes_quota_goals');
  await engine.step(2_000);
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), '0', 'the goal is met');
  await write('echo 1 > schemes/0/quotas/goals/0/current_value');
  await command('commit_schemes_quota_goals');
  await engine.step(2_000);
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), '4194304', 'the size quota is as it was started');
  await write(`
    cd schemes/0/quotas/goals/0
    echo 1 > target_value
    echo 18446744073709551615 > current_value
  `);
  await command('commit_schemes_quota_goals');
  await engine.step(2_000);
  await command('update_schemes_effective_quotas');
  t.is(cat('schemes/0/quotas/effective_bytes'), '0', 'met as far as can be');
  await tree.close();
});

test('commit_schemes_quota_goals tells EINVAL of an unknown cgroup', async (t) => {
  const { command, run: write, tree } = await machine(`${PULL} echo on > ${STATE}`);
  await write(`
    echo node_memcg_free_bp > schemes/0/quotas/goals/0/target_metric
    echo /none > schemes/0/quotas/goals/0/path
  `);
  const path = `${CONTEXT}/schemes/0/quotas/goals`;
  await answers(t, 'EINVAL', () => command('commit_schemes_quota_goals'), path);
  await tree.close();
});

test('a target goes, and comes again', async (t) => {
  const {
    cat,
    command,
    run: write,
    tree,
  } = await machine(`
    echo 1 > schemes/nr_schemes
    cd schemes/0
    ${ANY}
    echo on > ${STATE}
  `);
  const tried: string[] = [];
  for (const obsolete of ['N', 'Y', 'N']) {
    await write(`echo ${obsolete} > targets/0/obsolete_target`);
    await command('commit');
    await command('update_schemes_tried_bytes');
    tried.push(cat('schemes/0/tried_regions/total_bytes'));
  }
  t.deepEqual(tried, [`${2 ** 28}`, '0', `${2 ** 28}`]);
  await tree.close();
});

test('a process may be two targets, as in the kernel', async (t) => {
  const tried = async (targets: number): Promise<number> => {
    const pids = Array.from({ length: targets }, (_, i) => `echo 1 > targets/${i}/pid_target`);
    const { engine, cat, command, tree } = await machine(`
      echo vaddr > operations
      echo 0 > targets/nr_targets
      echo ${targets} > targets/nr_targets
      ${pids.join('\n')}
      ${SCHEME}
      ${ANY}
      echo on > ${STATE}
    `);
    await engine.step(500);
    await command('update_schemes_tried_bytes');
    const bytes = Number(cat('schemes/0/tried_regions/total_bytes'));
    await tree.close();
    return bytes;
  };
  const once = await tried(1);
  t.true(once > 0);
  t.is(await tried(2), 2 * once);
});

test('tried regions are ECANCELED of one that is paused or has no schemes', async (t) => {
  const { command, run: write, tree } = await machine(`echo on > ${STATE}`);
  await answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
  await write('echo 1 > schemes/nr_schemes\n echo Y > pause');
  await command('commit');
  await answers(t, 'ECANCELED', () => command('update_schemes_tried_regions'));
  await write('echo N > pause');
  await command('commit');
  await command('update_schemes_tried_regions');
  t.is(tree.read(STATE), 'on\n');
  await tree.close();
});
