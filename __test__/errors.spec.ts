import test from 'ava';
import fc from 'fast-check';

import { DamonError, atPath, refuse, withDetails } from '../src/errors.ts';

test('an error has what it was given, and nothing else of its own', (t) => {
  const cause = new Error('disk on fire');
  const error = new DamonError('Cannot read', { code: 'ERR_DAMON_TEST', hint: 'try again', cause });
  t.true(error instanceof Error);
  t.is(error.name, 'DamonError');
  t.is(error.cause, cause);
  t.deepEqual(Object.keys(error), ['code', 'hint']);
  t.false('path' in error);
});

test('toString and the stack begin with the name', (t) => {
  const error = new DamonError('Cannot read', { code: 'ERR_DAMON_TEST' });
  t.is(String(error), 'DamonError: Cannot read');
  t.regex(error.stack ?? '', /Cannot read/);
});

test('toJSON leaves out what is absent, the stack, and the depths of the cause', (t) => {
  const bare = new DamonError('Cannot read', { code: 'ERR_DAMON_TEST', path: undefined });
  t.deepEqual(bare.toJSON(), {
    name: 'DamonError',
    code: 'ERR_DAMON_TEST',
    message: 'Cannot read',
  });
  const full = new DamonError('Cannot read', {
    code: 'ERR_DAMON_TEST',
    path: 'file',
    expected: 'a file',
    received: null,
    hint: 'name one',
    cause: new TypeError('null'),
  });
  t.like(full.toJSON(), { path: 'file', expected: 'a file', received: null, cause: 'null' });
});

test('any received value survives JSON', (t) => {
  const odd = [10n, NaN, -Infinity, undefined, Symbol('s'), () => 1, new Map([[1, 2]])];
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const values = fc.oneof(fc.anything({ withBigInt: true }), fc.constantFrom(...odd, circular));
  fc.assert(
    fc.property(values, (received) => {
      const error = refuse({ code: 'ERR_DAMON_TEST', path: 'x', expected: 'better', received });
      t.notThrows(() => JSON.stringify(error));
      t.false(error.message.includes('\n'));
    }),
  );
});

test('a refusal names the path, the expectation, and the value with its type', (t) => {
  const message = (received: unknown) =>
    refuse({ code: 'ERR_DAMON_CONFIG', path: 'quota.szBytes', expected: '0 or more', received })
      .message;
  const start = 'Expected `quota.szBytes` to be 0 or more, got ';
  t.is(message(-12), `${start}\`-12\` (number)`);
  t.is(message(5n), `${start}\`5n\` (bigint)`);
  t.is(message('4 KiBB'), `${start}\`'4 KiBB'\` (string)`);
  t.is(message([1, 2]), `${start}\`[ 1, 2 ]\` (array)`);
  t.is(message(null), `${start}\`null\``);
  t.is(message(undefined), `${start}\`undefined\``);
  t.true(message('x'.repeat(1000)).length < 200);
});

test('an error with more details is the same error otherwise', (t) => {
  const cause = new Error('why');
  const error = refuse({ code: 'ERR', path: 'a', expected: 'b', received: 7, cause });
  const more = withDetails(error, { file: 'f.yaml', line: 3, column: 5 });
  t.like(more, {
    code: 'ERR',
    path: 'a',
    file: 'f.yaml',
    line: 3,
    column: 5,
    message: error.message,
  });
  t.is(more.received, 7);
  t.is(more.cause, cause);
  t.is(more.stack, error.stack);
  t.like(more.toJSON(), { file: 'f.yaml', line: 3, column: 5 });
  t.false('file' in withDetails(error, {}));
});

test('a refusal of a part tells the path in the whole, in its sentence too', (t) => {
  const error = refuse({
    code: 'ERR',
    path: 'a',
    expected: '`b` or `a`',
    received: 'a',
    hint: 'c',
  });
  const whole = atPath(error, 'x[0].$&.a');
  t.like(whole, {
    code: 'ERR',
    path: 'x[0].$&.a',
    expected: '`b` or `a`',
    received: 'a',
    hint: 'c',
  });
  t.is(whole.message, "Expected `x[0].$&.a` to be `b` or `a`, got `'a'` (string)");
  t.is(whole.stack?.split('\n')[0], `DamonError: ${whole.message}`);
  t.deepEqual(whole.stack?.split('\n').slice(1), error.stack?.split('\n').slice(1));
  t.false(Object.keys(whole).includes('message'));
});
