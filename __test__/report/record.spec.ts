import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { balance } from '../../src/report/record.ts';
import { BOOKS } from './sample.ts';

test('books balance when both sides of every equation are equal', (t) => {
  t.deepEqual(
    balance(BOOKS).map(({ offBy }) => offBy),
    [0n, 0n, 0n],
  );
});

test('books that lost a report say how many', (t) => {
  const equations = [{ name: 'nothing is lost', left: ['in'], right: ['out.a', 'out.b'] }];
  const counters = { in: 2n ** 64n, out: { a: 2n ** 64n - 3n, b: 1 } };
  const [result] = balance({ counters, equations });
  t.deepEqual(result, {
    equation: { name: 'nothing is lost', left: ['in'], right: ['out.a', 'out.b'] },
    left: [2n ** 64n],
    right: [2n ** 64n - 3n, 1n],
    offBy: 2n,
  });
});

test('an equation about something that is not a counter is refused by its path', (t) => {
  for (const path of ['missing', 'ring', 'ring.dropped.full.more', 'half', 'toString']) {
    const counters = { ...BOOKS.counters, half: 0.5 };
    const books = { counters, equations: [{ name: '', left: [path], right: [] }] };
    const error = t.throws(() => balance(books), { instanceOf: DamonError });
    t.is(error.code, 'ERR_DAMON_BOOKS_COUNTER');
    t.is(error.path, path);
  }
});
