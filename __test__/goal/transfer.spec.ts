import test from 'ava';
import fc from 'fast-check';

import { missedByNode, transferBytes, worstMissBp } from '../../src/goal/transfer.ts';
import { holds } from '../support/property.ts';

test('a surplus goes where something is missing, in proportion', (t) => {
  // 60 too many on node 0; 40 and 20 missing on the others.
  const missed = [-60, 40, 20];
  t.is(transferBytes(missed, 0, 1), 40);
  t.is(transferBytes(missed, 0, 2), 20);
  t.is(transferBytes(missed, 1, 0), 0);
  t.is(transferBytes(missed, 1, 2), 0, 'who lacks gives nothing');
  t.is(transferBytes([0, 0, 0], 0, 1), 0);
});

test('two that give and two that take share out, instead of each giving all', (t) => {
  const missed = [-10, -10, 10, 10];
  for (const from of [0, 1]) for (const to of [2, 3]) t.is(transferBytes(missed, from, to), 5);
});

test('of surplus and lack the smaller is moved where they differ', (t) => {
  t.is(transferBytes([-10, 4, 2], 0, 1), 4);
  t.is(transferBytes([-10, 4, 2], 0, 2), 2);
  t.is(transferBytes([-6, 8, 4], 0, 1), 4);
  t.is(transferBytes([-6, 8, 4], 0, 2), 2);
});

test('all transfers together bring every node to its place, to the rounding of bytes', (t) => {
  const held = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 2, maxLength: 8 });
  holds(t, [held, fc.integer({ min: 1, max: 9_999 })], (heldBytes, first) => {
    const rest = (10_000 - first) / (heldBytes.length - 1);
    const missed = missedByNode(
      heldBytes,
      heldBytes.map((_, node) => (node === 0 ? first : rest)),
    );
    return missed.every((bytes, node) => {
      const others = missed.map((_, other) => other).filter((other) => other !== node);
      const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
      const arriving = sum(others.map((other) => transferBytes(missed, other, node)));
      const leaving = sum(others.map((other) => transferBytes(missed, node, other)));
      // Never both ways, and each byte once.
      const isOneWay = arriving === 0 || leaving === 0;
      return isOneWay && Math.abs(arriving - leaving - bytes) <= 2 * missed.length;
    });
  });
});

test('the worst miss is told in basis points of all that is held', (t) => {
  t.deepEqual(missedByNode([60, 40], [5_000, 5_000]), [-10, 10]);
  t.is(worstMissBp([-10, 10], 100), 1_000);
  t.is(worstMissBp([0, 0], 0), 0, 'nothing is held');
});
