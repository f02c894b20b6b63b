import test from 'ava';

import { ATTRS_DEFAULT, NO_TUNING, attrsSchema } from '../../src/monitor/attrs.ts';
import { resolve } from '../../src/validate.ts';

test("attributes start as the kernel's and change one by one", (t) => {
  const kernel = {
    sampleUs: 5_000,
    aggregationUs: 100_000,
    opsUpdateUs: 60_000_000,
    intervalsGoal: NO_TUNING,
    minNrRegions: 10,
    maxNrRegions: 1_000,
  };
  t.deepEqual(ATTRS_DEFAULT, kernel);
  t.deepEqual(resolve(attrsSchema, {}, 'ERR'), kernel);
  t.deepEqual(resolve(attrsSchema, { aggregationUs: '0.5 s', minNrRegions: 500 }, 'ERR'), {
    ...kernel,
    aggregationUs: 500_000,
    minNrRegions: 500,
  });
});

test('limits may coincide: one sample per aggregation, as few regions as many', (t) => {
  const tight = {
    sampleUs: 1,
    aggregationUs: 1,
    opsUpdateUs: 0,
    intervalsGoal: { accessBp: 1, aggregations: 1, minSampleUs: 1, maxSampleUs: 1 },
    minNrRegions: 3,
    maxNrRegions: 3,
  };
  t.deepEqual(resolve(attrsSchema, tight, 'ERR'), tight);
});
