import test from 'ava';

import { closingLine, countAva, countCargo } from '../../scripts/test.mjs';

test('cargo: the results of all test binaries are added up', (t) => {
  const output = `
running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests damon_ring
test result: FAILED. 3 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.20s
`;
  t.deepEqual(countCargo(output), { passed: 5, failed: 1, skipped: 4 });
  t.deepEqual(countCargo('error: could not compile'), { passed: 0, failed: 0, skipped: 0 });
});

test('ava: ticks and the summary are read, not the titles', (t) => {
  const output = `
  ✔ count › 7 tests passed on Monday ✔ (210ms)
  - count › skipped
  ✘ [fail]: other › 9 tests failed Error thrown in test
  ✔ count › second
  ─

  1 test failed
  2 tests skipped
`;
  t.deepEqual(countAva(output), { passed: 2, failed: 1, skipped: 2 });
  t.deepEqual(countAva('  ✔ only\n  ─\n\n  1 test passed\n'), { passed: 1, failed: 0, skipped: 0 });
});

test('the closing line is plain', (t) => {
  t.is(closingLine({ passed: 17, failed: 0, skipped: 0 }), '17 passed, 0 failed');
  t.is(closingLine({ passed: 17, failed: 1, skipped: 4 }), '17 passed, 1 failed, 4 skipped');
});
