import { constants } from 'node:os';

import test from 'ava';

import { AdminError, ERRNO, type ErrnoName, refused } from '../../src/admin/errno.ts';
import { DamonError } from '../../src/errors.ts';

test('errnos have the numbers of this system', (t) => {
  const known: Readonly<Record<string, number>> = constants.errno;
  for (const [name, number] of Object.entries(ERRNO)) t.is(known[name], number, name);
});

test('an error is a DamonError with the errno in its code and as a number', (t) => {
  for (const name of Object.keys(ERRNO) as ErrnoName[]) {
    const error = new AdminError(name, 'No', { path: 'a', hint: 'ask' });
    t.true(error instanceof DamonError);
    t.is(error.code, `ERR_DAMON_ADMIN_${name}`);
    t.is(error.errno, ERRNO[name]);
  }
  const error = new AdminError('EBUSY', 'No');
  t.deepEqual(Object.keys(error).toSorted(), ['code', 'errno']);
  t.like(error.toJSON(), { code: 'ERR_DAMON_ADMIN_EBUSY', message: 'No' });
});

test('a refusal says what was expected', (t) => {
  const error = refused('ERANGE', { path: 'a/b', expected: 'less', received: '9\n' });
  t.like(error, { errno: 34, path: 'a/b', expected: 'less', received: '9\n' });
  t.is(error.message, "Expected `a/b` to be less, got `'9\\n'` (string)");
});
