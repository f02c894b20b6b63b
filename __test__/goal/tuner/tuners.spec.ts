import test from 'ava';

import { consist } from '../../../src/goal/tuner/consist.ts';
import { proportional } from '../../../src/goal/tuner/proportional.ts';
import { temporal } from '../../../src/goal/tuner/temporal.ts';
import { TUNERS, TUNER_NAMES } from '../../../src/goal/tuner/tuners.ts';

test("each tuner is found under its name, the kernel's default first", (t) => {
  t.deepEqual(TUNERS, { consist, temporal, proportional });
  t.deepEqual([...TUNER_NAMES], Object.keys(TUNERS));
  t.is(TUNER_NAMES[0], 'consist');
});
