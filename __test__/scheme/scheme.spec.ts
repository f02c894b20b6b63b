import test from 'ava';

import { schemeSchema } from '../../src/scheme/scheme.ts';
import { resolve } from '../../src/validate.ts';

const read = (scheme: object) => resolve(schemeSchema, scheme, 'ERR');

test('a scheme without a name is called by its action', (t) => {
  t.is(read({ action: 'stat' }).name, 'stat');
  t.is(read({ action: 'migrate_cold', targetNid: 1 }).name, 'migrate_cold');
  t.is(read({ action: 'stat', name: 'accessed' }).name, 'accessed');
});

test('bounds are open where nothing is said', (t) => {
  const { pattern } = read({
    action: 'stat',
    pattern: { szBytes: { min: '4 KiB' }, age: { max: 3 } },
  });
  t.deepEqual(pattern, {
    szBytes: { min: 4_096, max: undefined },
    nrAccesses: { min: 0, max: undefined },
    age: { min: 0, max: 3 },
  });
});

test('a filter acts on memory inside its range and rejects it unless told otherwise', (t) => {
  const range = { start: '1 GiB', end: '0x80000000' };
  t.deepEqual(read({ action: 'stat', filters: [{ type: 'addr', range }] }).filters, [
    { type: 'addr', range: { start: 2 ** 30, end: 2 ** 31 }, matching: true, allow: false },
  ]);
});
