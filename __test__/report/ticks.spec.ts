import test from 'ava';
import fc from 'fast-check';

import { timeTicks } from '../../src/report/ticks.ts';
import { check } from './property.ts';

test('ticks are at times that people count in', (t) => {
  t.deepEqual(timeTicks(900, 4), [0, 300, 600, 900]);
  t.deepEqual(timeTicks(900, 9), [0, 120, 240, 360, 480, 600, 720, 840]);
  t.deepEqual(timeTicks(1, 3), [0, 0.5, 1]);
  t.deepEqual(timeTicks(0, 5), [0]);
});

test('ticks rise from 0, stay inside and are as few as asked', (t) => {
  check(
    t,
    fc.property(
      fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      (seconds, limit) => {
        const ticks = timeTicks(seconds, limit);
        t.true(ticks.length >= 1 && ticks.length <= limit && ticks[0] === 0);
        t.true(
          ticks.every(
            (tick, i) => i === 0 || (tick > (ticks[i - 1] ?? NaN) && tick <= seconds * (1 + 1e-8)),
          ),
        );
      },
    ),
  );
});
