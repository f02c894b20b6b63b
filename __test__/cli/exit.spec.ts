import test from 'ava';

import { EXIT, exitCodeOf, renderError, renderErrorJson } from '../../src/cli/exit.ts';
import { DamonError, refuse } from '../../src/errors.ts';

test('errors in configuration and usage exit with 2, all others with 1', (t) => {
  const codeOf = (code: string) => exitCodeOf(new DamonError('no', { code }));
  t.is(codeOf('ERR_DAMON_CONFIG'), EXIT.usage);
  t.is(codeOf('ERR_DAMON_CONFIG_QUOTA'), EXIT.usage);
  t.is(codeOf('ERR_DAMON_USAGE_FILE'), EXIT.usage);
  t.is(codeOf('ERR_DAMON_NATIVE_LOAD'), EXIT.failure);
  t.is(exitCodeOf(new TypeError('no')), EXIT.failure);
  t.is(exitCodeOf('thrown text'), EXIT.failure);
});

test('a refusal reads as headline, place and hint', (t) => {
  const error = refuse({
    code: 'ERR_DAMON_CONFIG_QUOTA',
    path: 'quota.szBytes',
    expected: '0 or more',
    received: -1,
    hint: 'leave it out for no limit',
  });
  t.is(
    renderError(error, false),
    'error[ERR_DAMON_CONFIG_QUOTA]: Expected `quota.szBytes` to be 0 or more, got `-1` (number)\n' +
      '  at: quota.szBytes\n' +
      '  hint: leave it out for no limit\n',
  );
});

test('an unforeseen error points to --debug, which prints the stacks down to the cause', (t) => {
  const error = new TypeError('x is not a function', { cause: new RangeError('too far') });
  t.regex(renderError(error, false), /^error: x is not a function\n {2}hint: .*--debug.*\n$/);
  const text = renderError(error, true);
  t.regex(text, /TypeError: x is not a function\n\s+at /);
  t.regex(text, /caused by:\nRangeError: too far\n\s+at /);
  t.is(renderError('thrown text', true), 'error: thrown text\n');
});

test('for a program an error is one line of JSON, with the stacks on request', (t) => {
  const cause = new RangeError('too far');
  const error = new DamonError('no', { code: 'ERR_DAMON_TEST', path: 'a', received: 5n, cause });
  const plain = renderErrorJson(error, false);
  t.true(plain.endsWith('}\n') && !plain.slice(0, -1).includes('\n'));
  t.deepEqual(JSON.parse(plain), { type: 'error', ...error.toJSON() });
  const { stack } = JSON.parse(renderErrorJson(error, true)) as { stack: string };
  t.regex(stack, /DamonError: no\n[^]*caused by:\nRangeError: too far/);
  const foreign = JSON.parse(renderErrorJson(new TypeError('x'), false)) as object;
  t.deepEqual(foreign, { type: 'error', name: 'TypeError', message: 'x' });
  t.like(JSON.parse(renderErrorJson('thrown text', false)), { message: 'thrown text' });
});
