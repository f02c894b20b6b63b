import test from 'ava';

import { METRIC_NAMES, supportsMetric } from '../../src/goal/metric.ts';
import { OPERATIONS, addressesOf, isPhysical } from '../../src/monitor/operations.ts';

test('eligible memory of a node is measured where pages have a node: by physical address', (t) => {
  const supporting = OPERATIONS.filter((name) =>
    supportsMetric(addressesOf(name), 'node_eligible_mem_bp'),
  );
  t.deepEqual(supporting, ['paddr', 'paddr_ibs']);
  t.deepEqual(OPERATIONS.filter(isPhysical), supporting);
});

test('every other metric is about all memory, whatever is monitored', (t) => {
  const others = METRIC_NAMES.filter((metric) => metric !== 'node_eligible_mem_bp');
  t.is(others.length, 9);
  t.true(
    others.every((metric) => OPERATIONS.every((name) => supportsMetric(addressesOf(name), metric))),
  );
});
