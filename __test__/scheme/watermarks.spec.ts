import test from 'ava';

import { watermarksSchema } from '../../src/scheme/watermarks.ts';
import { resolve } from '../../src/validate.ts';

test('what is left out are the documented defaults', (t) => {
  const read = (marks: object): unknown =>
    resolve(watermarksSchema, { metric: 'free_mem_rate', ...marks }, 'ERR');
  const rest = { metric: 'free_mem_rate', intervalUs: 5_000_000 };
  t.deepEqual(read({}), { ...rest, highPermil: 1_000, midPermil: 0, lowPermil: 0 });
  t.deepEqual(read({ highPermil: 600, lowPermil: 50 }), {
    ...rest,
    highPermil: 600,
    midPermil: 50,
    lowPermil: 50,
  });
});
