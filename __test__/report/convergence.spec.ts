import test from 'ava';
import fc from 'fast-check';

import { convergence, convergenceRows, leastRampSeconds } from '../../src/report/convergence.ts';
import { check } from './property.ts';

const of = (...samples: number[]): Float64Array => Float64Array.from(samples);

test('a ramp from below ends with the first sample at the target or above', (t) => {
  // 0 40 | 71 69 70
  const { rampSeconds, mean, offset, overshoot, samples } = convergence({
    target: 70,
    samples: of(0, 40, 71, 69, 70),
  });
  t.deepEqual(
    { rampSeconds, mean, offset, overshoot, samples },
    {
      rampSeconds: 2,
      mean: 70,
      offset: 0,
      overshoot: 1,
      samples: 3,
    },
  );
});

test('a ramp from above ends with the first sample at the target or below', (t) => {
  const result = convergence({ target: 30, samples: of(70, 50, 29.5, 31, 28) });
  t.is(result.rampSeconds, 2);
  t.is(result.overshoot, 2);
});

test('a sample that only touches the target ends the ramp', (t) => {
  t.is(convergence({ target: 70, samples: of(0, 70, 60) }).rampSeconds, 1);
});

test('a share that starts at the target has no ramp and overshoots on either side', (t) => {
  const result = convergence({ target: 70, samples: of(70, 68, 71) });
  t.is(result.rampSeconds, 0);
  t.is(result.overshoot, 2);
  t.is(result.samples, 3);
});

test('a ramp may end a step before the target', (t) => {
  const samples = of(0, 40, 68.5, 70, 70);
  t.is(convergence({ target: 70, samples }).rampSeconds, 3);
  t.is(convergence({ target: 70, samples, within: 1.5 }).rampSeconds, 2);
  t.is(convergence({ target: 30, samples: of(70, 31, 30), within: 1 }).rampSeconds, 1);
  t.is(convergence({ target: 70, samples, within: 1.5 }).overshoot, 0);
});

test('the least ramp is what the size quota makes of the way', (t) => {
  const GIB = 2 ** 30;
  const ramp = (bytes: number, withinBytes: number, windowSeconds = 1) =>
    leastRampSeconds({ missed: [bytes, -bytes], withinBytes, szBytes: GIB / 2, windowSeconds });
  // 20 points of 32 GiB: 12.8 windows.
  t.is(ramp(6.4 * GIB, 0), 13);
  t.is(ramp(6.4 * GIB, GIB / 2), 12);
  t.is(ramp(6.4 * GIB, GIB / 2, 2), 24);
  t.is(ramp(0.25 * GIB, GIB / 2), 0);
  t.is(ramp(NaN, GIB / 2), 0);
});

test('the least ramp over several nodes is that of the slowest, by those who can give', (t) => {
  const ramp = (...missed: number[]) =>
    leastRampSeconds({ missed, withinBytes: 1, szBytes: 2, windowSeconds: 1 });
  // Both give two a second.
  t.is(ramp(9, -5, -4), 2);
  // Only the second goes on after the first second: 2 + 2, then 2 each.
  t.is(ramp(13, -2, -11), 5);
  // None lacks anything by more than what counts as there.
  t.is(ramp(1, -1, 0), 0);
});

test('stddev is that of a sample', (t) => {
  t.is(convergence({ target: 0, samples: of(2, 0, 2, 4, 4, 4, 5, 5, 7, 9) }).samples, 9);
  const { stddev } = convergence({ target: 1, samples: of(1, 3) });
  t.is(stddev, Math.SQRT2);
});

test('one sample has a mean but no stddev', (t) => {
  const { mean, stddev } = convergence({ target: 70, samples: of(0, 71) });
  t.deepEqual([mean, stddev], [71, null]);
});

test('a target that is never reached leaves nothing to average', (t) => {
  for (const samples of [of(0, 10, 20), of(), of(NaN, NaN)]) {
    t.deepEqual(convergence({ target: 70, samples }), {
      target: 70,
      mean: null,
      offset: null,
      stddev: null,
      rampSeconds: null,
      overshoot: null,
      samples: 0,
    });
  }
});

test('seconds without a value count as time, not as samples', (t) => {
  const result = convergence({ target: 70, samples: of(NaN, 0, NaN, 72, NaN, 70) });
  t.deepEqual([result.rampSeconds, result.mean, result.samples], [3, 71, 2]);
});

test('turning shares upside down turns the result upside down', (t) => {
  const share = fc.double({ min: 0, max: 100, noNaN: true });
  check(
    t,
    fc.property(share, fc.array(share, { minLength: 1 }), (target, samples) => {
      const up = convergence({ target, samples: of(...samples) });
      const down = convergence({ target: -target, samples: of(...samples.map((value) => -value)) });
      t.is(down.rampSeconds, up.rampSeconds);
      t.is(down.overshoot, up.overshoot);
      t.is(down.stddev, up.stddev);
      t.is(down.samples, up.samples);
    }),
  );
});

test('each target of a run has its own row, with a ramp from the second of the change', (t) => {
  const rows = convergenceRows(of(0, 70, 70, 70, 80, 90, 91), [
    { fromSecond: 0, target: 70 },
    { fromSecond: 3, target: 90 },
    { fromSecond: 9, target: 10 },
  ]);
  t.deepEqual(
    rows.map(({ fromSecond, toSecond, rampSeconds, samples }) => [
      fromSecond,
      toSecond,
      rampSeconds,
      samples,
    ]),
    [
      [0, 3, 1, 2],
      [3, 7, 2, 2],
      [9, 7, null, 0],
    ],
  );
});
