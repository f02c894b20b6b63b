import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import { Kdamond } from '../../src/kdamond.ts';
import { readCpuList, sampleFilterSchema } from '../../src/monitor/sample-filter.ts';
import { resolve } from '../../src/validate.ts';
import { holds } from '../support/property.ts';
import { recordingOf } from '../support/small.ts';

const read = (input: unknown) => resolve(sampleFilterSchema, input, 'ERR_DAMON_CONFIG');

test('a CPU list is numbers and closed ranges', (t) => {
  const lists: readonly [text: string, cpus: readonly number[] | undefined][] = [
    ['0', [0]],
    ['0-3,8', [0, 1, 2, 3, 8]],
    ['8,0-1', [8, 0, 1]],
    ['1-1', [1]],
    ['0-2,1-3', [0, 1, 2, 3]],
    ['65535', [65_535]],
    ['007', [7]],
  ];
  for (const [text, cpus] of lists) t.deepEqual(readCpuList(text), cpus as number[], text);
  const noLists =
    '|,|0,|,0|3-0|65536|0-65536|-1|1-|a|1.5|0x1|1e1|0-10:2/4| 0|0 |0 - 1|0,,1|999999|１';
  for (const text of noLists.split('|')) {
    t.is(readCpuList(text), undefined, text);
  }
});

test('a CPU list written and read is the same set', (t) => {
  const pairs = fc.array(fc.tuple(fc.nat(300), fc.nat(50)), { minLength: 1, maxLength: 8 });
  holds(t, [pairs], (given) => {
    const text = given.map(([first, more]) => (more ? `${first}-${first + more}` : `${first}`));
    const wanted = new Set(
      given.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, i) => first + i)),
    );
    const cpus = readCpuList(text.join(',')) ?? [];
    return cpus.length === wanted.size && cpus.every((cpu) => wanted.has(cpu));
  });
});

test('a filter lets those it matches through unless it says otherwise', (t) => {
  t.deepEqual(read({ type: 'write' }), { type: 'write', matching: true, allow: true });
  t.deepEqual(read({ type: 'cpumask', cpus: '0-1', allow: false }), {
    type: 'cpumask',
    cpus: [0, 1],
    matching: true,
    allow: false,
  });
  t.deepEqual(read({ type: 'cpumask', cpus: [7] }) as { cpus?: unknown }, {
    type: 'cpumask',
    cpus: [7],
    matching: true,
    allow: true,
  });
  t.like(read({ type: 'threads', tids: [2 ** 32 - 1], matching: false }), { matching: false });
});

const WRONG: readonly [path: string, filter: unknown][] = [
  ['options', 5],
  ['type', {}],
  ['type', { type: 'addr' }],
  ['cpus', { type: 'cpumask' }],
  ['cpus', { type: 'cpumask', cpus: '' }],
  ['cpus', { type: 'cpumask', cpus: '3-1' }],
  ['cpus', { type: 'cpumask', cpus: [] }],
  ['cpus', { type: 'cpumask', cpus: 5 }],
  ['cpus[0]', { type: 'cpumask', cpus: [65_536] }],
  ['cpus[1]', { type: 'cpumask', cpus: [0, -1] }],
  ['tids', { type: 'threads' }],
  ['tids', { type: 'threads', tids: [] }],
  ['tids', { type: 'threads', tids: '1' }],
  ['tids[0]', { type: 'threads', tids: [1.5] }],
  ['tids', { type: 'write', tids: [1] }],
  ['matching', { type: 'write', matching: 1 }],
  ['allow', { type: 'write', allow: 'Y' }],
];

test('a filter that is wrong is refused by the field', (t) => {
  for (const [path, filter] of WRONG) {
    const error = t.throws(() => read(filter), { instanceOf: DamonError });
    t.is(error?.path, path, JSON.stringify(filter));
    t.truthy(error?.expected);
  }
});

test('a replay has the filters of any monitor', async (t) => {
  // CPU 0 loads, CPU 1 stores.
  const lines = Array.from({ length: 100 }, (_, i) => `${i * 1e6},${i % 2},0x7000,0x0,${i % 2},8`);
  const source = { type: 'recording', path: recordingOf(lines) } as const;
  const filtered = async (sampleFilters: readonly unknown[]) => {
    using kdamond = new Kdamond({ source, sampleFilters: sampleFilters as never });
    await kdamond.run();
    return (kdamond.books.counters['drain'] as Record<string, unknown>)['filtered'];
  };
  t.is(await filtered([]), 0);
  t.is(await filtered([{ type: 'cpumask', cpus: '0' }]), 50);
  t.is(await filtered([{ type: 'cpumask', cpus: '0-1' }]), 0);
  t.is(await filtered([{ type: 'write' }, { type: 'cpumask', cpus: '0' }]), 100);
  t.is(await filtered([{ type: 'write' }, { type: 'cpumask', cpus: '0', allow: false }]), 50);
});
