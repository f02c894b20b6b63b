import test from 'ava';

import { Turns } from '../../../src/admin/engine/turns.ts';

test('work is done one after the other, in the order asked for', async (t) => {
  const turns = new Turns();
  const done: number[] = [];
  await Promise.all(
    [3, 1, 2].map((rounds, i) =>
      turns.take(async () => {
        for (let round = 0; round < rounds; round += 1) await new Promise(setImmediate);
        done.push(i);
      }),
    ),
  );
  t.deepEqual(done, [0, 1, 2]);
});

test('who fails is told, and keeps nobody else', async (t) => {
  const turns = new Turns();
  const failing = turns.take(() => Promise.reject(new Error('no')));
  const after = turns.take(() => 7);
  await t.throwsAsync(failing, { message: 'no' });
  t.is(await after, 7);
});
