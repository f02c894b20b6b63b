/** A recording under the tree's files. */
import test from 'ava';

import { recordingOf, rows } from '../../support/small.ts';
import { CONTEXT, STATE, answers } from '../tree-shell.ts';
import { ANY, EVENT, SCHEME, machine } from './machine.ts';

test('a recording is monitored where the tree says, and its end is the monitor’s', async (t) => {
  const ended: unknown[] = [];
  const source = { type: 'recording', path: recordingOf(rows(2_000)) } as const;
  const { engine, cat, command, tree } = await machine(
    `
    echo 0x800000 > targets/0/regions/0/end
    ${SCHEME}
    ${ANY}
    echo on > ${STATE}
    `,
    { source, onEnd: (error) => ended.push(error) },
  );
  await engine.step(1_000);
  await command('update_schemes_tried_bytes');
  t.is(cat('schemes/0/tried_regions/total_bytes'), `${0x80_0000}`);
  await command('update_schemes_stats');
  const counted = cat('schemes/0/stats/sz_tried');
  await engine.step(10_000);
  t.is(tree.read(STATE), 'off\n');
  t.deepEqual(ended, [undefined]);
  await answers(t, 'ECANCELED', () => command('update_schemes_stats'));
  t.is(cat('schemes/0/stats/sz_tried'), counted);
  await command('off');
  await command('on');
  t.is(tree.read(STATE), 'on\n', 'from the beginning');
  await tree.close();
});

test('a recording that cannot be read on ends its monitor with the error', async (t) => {
  const ended: unknown[] = [];
  const source = { type: 'recording', path: recordingOf([...rows(50), 'broken']) } as const;
  const { engine, tree } = await machine(`echo on > ${STATE}`, {
    source,
    onEnd: (error) => ended.push(error),
  });
  await engine.step(1_000);
  t.is(tree.read(STATE), 'off\n');
  t.like(ended[0], { code: 'ERR_DAMON_TRACE_ROW' });
});

test('a recording cannot be sampled by perf', async (t) => {
  const source = { type: 'recording', path: recordingOf(rows(50)) } as const;
  const { command } = await machine(EVENT, { source });
  const path = `${CONTEXT}/monitoring_attrs/sample/perf_events/nr_perf_events`;
  await answers(t, 'EOPNOTSUPP', () => command('on'), path);
});
