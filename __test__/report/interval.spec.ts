import test from 'ava';
import fc from 'fast-check';

import { meanInterval, studentQuantile } from '../../src/report/interval.ts';
import { holds } from '../support/property.ts';

test("the quantiles are those of the printed tables of Student's t", (t) => {
  const rows: readonly [degrees: number, at975: string, at95: string][] = [
    [1, '12.706', '6.314'],
    [2, '4.303', '2.920'],
    [3, '3.182', '2.353'],
    [4, '2.776', '2.132'],
    [9, '2.262', '1.833'],
    [10, '2.228', '1.812'],
    [19, '2.093', '1.729'],
    [30, '2.042', '1.697'],
    [120, '1.980', '1.658'],
  ];
  for (const [degrees, at975, at95] of rows) {
    t.is(studentQuantile(0.975, degrees).toFixed(3), at975, `${degrees}`);
    t.is(studentQuantile(0.95, degrees).toFixed(3), at95, `${degrees}`);
  }
});

test('three results: worked out by hand', (t) => {
  // mean 2, stddev 1, t(0.975, 2) = 4.3027, divided by the root of 3
  const interval = meanInterval([1, 2, 3]);
  t.like(interval, { count: 3, mean: 2, stddev: 1 });
  t.is(interval?.halfWidth?.toFixed(4), '2.4841');
});

test('one result has no interval, none has no mean', (t) => {
  t.deepEqual(meanInterval([5]), { count: 1, mean: 5, stddev: null, halfWidth: null });
  t.is(meanInterval([]), undefined);
});

test('more degrees of freedom never widen an interval', (t) => {
  holds(t, [fc.integer({ min: 1, max: 300 })], (degrees) => {
    return studentQuantile(0.975, degrees) > studentQuantile(0.975, degrees + 1);
  });
});
