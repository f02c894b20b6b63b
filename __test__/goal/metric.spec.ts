import test from 'ava';

import { METRICS } from '../../src/goal/metric.ts';
import { OPERATIONS, isPhysical } from '../../src/monitor/operations.ts';

test('eligible memory of a node is measured where pages have a node: by physical address', (t) => {
  const supporting = OPERATIONS.filter((name) => METRICS.node_eligible_mem_bp.supports(name));
  t.deepEqual(supporting, ['paddr', 'paddr_ibs']);
  t.deepEqual(OPERATIONS.filter(isPhysical), supporting);
});

test('a value of the user is measured anywhere', (t) => {
  t.true(OPERATIONS.every((name) => METRICS.user_input.supports(name)));
});
