import test from 'ava';

import { Climb } from '../../../src/job/study/climb.ts';

/** Where a climb ends that measures a function. */
function climbed(value: (bp: number) => number, startBp: number, stepBp = -1_000): number {
  const climb = new Climb({ startBp, stepBp, leastStepBp: 100 });
  let at = startBp;
  for (let i = 0; i < 40; i++) at = climb.next(value(at));
  if (climb.best !== at) throw new Error(`still at ${at}, best ${climb.best}`);
  return climb.best;
}

test('a climb finds the top from either side, to its least step', (t) => {
  for (const top of [7_346, 500, 5_000, 9_700]) {
    for (const [start, step] of [
      [9_500, -1_000],
      [1_000, 1_000],
      [1_000, -1_000],
    ] as const) {
      const found = climbed((bp) => -Math.abs(bp - top), start, step);
      t.true(Math.abs(found - top) <= 200, `${top} from ${start}: ${found}`);
    }
  }
});

test('a climb stays within 1 and 99 percent, and where all is alike it stays where it is', (t) => {
  t.true(climbed((bp) => -bp, 9_500) <= 300);
  t.is(
    climbed(() => 1, 6_000),
    6_000,
  );
});
