import test from 'ava';
import fc from 'fast-check';

import { nodesSchema, rangesSchema } from '../../src/monitor/memory.ts';
import { resolve } from '../../src/validate.ts';
import { holds } from '../support/property.ts';

test('nodes are numbered and named by their place in the list', (t) => {
  const nodes = [
    { start: '1 GiB', end: '2 GiB' },
    { name: 'CXL', start: 0n, end: '0x1000' },
  ];
  t.deepEqual(resolve(nodesSchema, nodes, 'ERR'), [
    { id: 0, name: 'node 0', start: 2 ** 30, end: 2 ** 31 },
    { id: 1, name: 'CXL', start: 0, end: 4_096 },
  ]);
});

test('ranges are taken exactly when sorted and disjoint', (t) => {
  const range = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 5 }));
  holds(t, [fc.array(range, { maxLength: 4 })], (list) => {
    const ranges = list.map(([start, length]) => ({ start, end: start + length }));
    const sorted = ranges.every(({ start }, i) => i === 0 || (ranges[i - 1]?.end ?? 0) <= start);
    return takes(rangesSchema, ranges) === sorted;
  });
});

test('nodes are taken exactly when no address lies on two of them', (t) => {
  const range = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 5 }));
  holds(t, [fc.array(range, { maxLength: 4 })], (list) => {
    const nodes = list.map(([start, length]) => ({ start, end: start + length }));
    const owners = (address: number) =>
      nodes.filter(({ start, end }) => start <= address && address < end).length;
    const apart = Array.from({ length: 26 }, (_, address) => owners(address)).every((n) => n < 2);
    return takes(nodesSchema, nodes) === apart;
  });
});

function takes(schema: typeof rangesSchema | typeof nodesSchema, input: unknown): boolean {
  try {
    resolve<unknown>(schema, input, 'ERR');
    return true;
  } catch {
    return false;
  }
}
