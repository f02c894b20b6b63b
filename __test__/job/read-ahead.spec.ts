import test from 'ava';

import { readAhead } from '../../src/job/read-ahead.ts';

test('the next item is asked for before the one at hand is looked at', async (t) => {
  const order: string[] = [];
  async function* source(): AsyncGenerator<number, void, void> {
    for (const item of [1, 2]) {
      order.push(`make ${item}`);
      yield item;
    }
    order.push('end');
  }
  for await (const item of readAhead(source())) order.push(`use ${item}`);
  t.deepEqual(order, ['make 1', 'make 2', 'use 1', 'end', 'use 2']);
});

test('a failure comes after the items before it', async (t) => {
  const seen: number[] = [];
  async function* source(): AsyncGenerator<number, void, void> {
    yield 1;
    throw new RangeError('no more');
  }
  const run = async (): Promise<void> => {
    for await (const item of readAhead(source())) seen.push(item);
  };
  await t.throwsAsync(run, { instanceOf: RangeError, message: 'no more' });
  t.deepEqual(seen, [1]);
});

test('leaving the loop leaves the source at rest', async (t) => {
  let atRest = false;
  async function* source(): AsyncGenerator<number, void, void> {
    try {
      yield 1;
      yield 2;
      yield 3;
    } finally {
      atRest = true;
    }
  }
  for await (const item of readAhead(source())) {
    t.is(item, 1);
    break;
  }
  t.true(atRest);
});
