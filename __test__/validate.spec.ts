import test from 'ava';
import * as v from 'valibot';

import { DamonError } from '../src/errors.ts';
import {
  SAFE,
  type Schema,
  address,
  didYouMean,
  either,
  integer,
  oneOf,
  options,
  quantityOf,
  refusals,
  resolve,
  share,
} from '../src/validate.ts';

const schema = options({
  name: v.string(),
  mode: oneOf(['on', 'off', 'auto']),
  limit: v.optional(integer(0, SAFE), 7),
  inner: v.optional(options({ share: v.optional(share(), 0.5) }), {}),
  list: v.optional(v.array(options({ size: quantityOf('bytes') })), []),
});

const GOOD = { name: 'a', mode: 'on' };

function refusalOf(input: unknown, path?: string): DamonError {
  try {
    resolve(schema, input, 'ERR_DAMON_TEST', path);
  } catch (error) {
    if (error instanceof DamonError) return error;
    throw error;
  }
  throw new Error(`taken: ${JSON.stringify(input)}`);
}

test('defaults are filled in and units are read', (t) => {
  const resolved = {
    name: 'a',
    mode: 'on',
    limit: 7,
    inner: { share: 0.5 },
    list: [] as unknown[],
  };
  t.deepEqual(resolve(schema, GOOD, 'ERR'), resolved as never);
  const list = [{ size: '4 KiB' }];
  t.like(resolve(schema, { ...GOOD, list }, 'ERR'), { list: [{ size: 4096 }] });
});

test('an option that is undefined is as good as absent', (t) => {
  const absent = { ...GOOD, limit: undefined, inner: undefined, list: undefined };
  t.deepEqual(resolve(schema, absent, 'ERR'), resolve(schema, GOOD, 'ERR'));
});

const MESSAGES: readonly [input: unknown, message: string][] = [
  [undefined, 'Expected `options` to be an object, got `undefined`'],
  [[], 'Expected `name` to be a text, got `undefined`'],
  [{}, 'Expected `name` to be a text, got `undefined`'],
  [{ name: 'a' }, 'Expected `mode` to be `on`, `off` or `auto`, got `undefined`'],
  [{ ...GOOD, mode: 'of' }, "Expected `mode` to be `on`, `off` or `auto`, got `'of'` (string)"],
  [{ ...GOOD, limit: null }, 'Expected `limit` to be an integer from 0 to 2^53 - 1, got `null`'],
  [{ ...GOOD, inner: 5 }, 'Expected `inner` to be an object, got `5` (number)'],
  [{ ...GOOD, list: {} }, 'Expected `list` to be a list, got `{}` (object)'],
  [
    { ...GOOD, list: [{ size: 1 }, {}] },
    'Expected `list[1].size` to be whole bytes, or a size such as "512 MiB", got `undefined`',
  ],
  [
    { ...GOOD, inner: { shares: 1 } },
    'Expected no option `inner.shares`: an option here is one of share',
  ],
  [
    { ...GOOD, limits: 1 },
    'Expected no option `limits`: an option here is one of name, mode, limit, inner, list',
  ],
  [
    { ...GOOD, toString: 1 },
    'Expected no option `toString`: an option here is one of name, mode, limit, inner, list',
  ],
];

test('a refusal reads as a sentence that says what to write instead', (t) => {
  for (const [input, message] of MESSAGES) t.is(refusalOf(input).message, message);
});

test('a refusal carries code, path, expectation and the value as it was given', (t) => {
  const error = refusalOf({ ...GOOD, list: [{ size: '4 KiBB' }] }, 'file.json');
  t.is(error.code, 'ERR_DAMON_TEST');
  t.is(error.path, 'file.json.list[0].size');
  t.is(error.expected, 'whole bytes, or a size such as "512 MiB"');
  t.is(error.received, '4 KiBB');
});

test('a check across fields tells of the field it blames, given or by default', (t) => {
  const ordered: Schema<unknown> = v.pipe(
    options({ min: v.optional(integer(0, 9), 5), max: v.optional(integer(0, 9), 5) }),
    v.forward(
      v.check(({ min, max }) => min <= max, 'at most max'),
      ['min'],
    ),
  );
  const received = (input: unknown) =>
    t.throws(() => resolve(ordered, input, 'ERR'), { instanceOf: DamonError }).received;
  t.is(received({ min: 6 }), 6);
  t.is(received({ max: 4 }), 5);
});

const LIMITS: readonly [schema: Schema<unknown>, taken: unknown[], refused: unknown[]][] = [
  [integer(3, 9), [3, 9], [2, 10, 3.5, NaN, Infinity, '3', 3n, null, true]],
  [integer(0, SAFE), [0, SAFE], [-1, SAFE + 1]],
  [share(), [0, 0.5, 1], [-1e-9, 1.000001, NaN, '0.5']],
  [quantityOf('ms'), [0, 5, '5 s'], [-1, 0.5, '5', null, 5n, {}]],
  [address(), [0, 5n, '0x10', '1 GiB'], [-1, -1n, '10', null, {}]],
  [oneOf(['a', 'b']), ['a', 'b'], ['A', '', null, 0]],
];

test('building blocks take what lies on their limits and nothing beyond', (t) => {
  for (const [block, taken, refused] of LIMITS) {
    for (const value of taken) t.true(v.is(block, value), String(value));
    for (const value of refused) t.false(v.is(block, value), String(value));
  }
});

test('words are listed as a choice', (t) => {
  t.is(either(['a']), '`a`');
  t.is(either(['a', 'b']), '`a` or `b`');
  t.is(either(['a', 'b', 'c']), '`a`, `b` or `c`');
});

const HINTS: readonly [input: object, hint: string | undefined][] = [
  [{ ...GOOD, limits: 1 }, 'did you mean `limit`?'],
  [{ ...GOOD, lim: 1 }, 'did you mean `limit`?'],
  [{ ...GOOD, LIMIT: 1 }, 'did you mean `limit`?'],
  [{ ...GOOD, inner: { shaer: 1 } }, 'did you mean `share`?'],
  [{ ...GOOD, list: [{ size: 1, sizes: 1 }] }, 'did you mean `size`?'],
  [{ ...GOOD, mode: 'ofg' }, 'did you mean `off`?'],
  [{ ...GOOD, mode: 'ON' }, 'did you mean `on`?'],
  [{ ...GOOD, mode: 'always' }, undefined],
  [{ ...GOOD, mode: 5 }, undefined],
  [{ ...GOOD, frobnicate: 1 }, undefined],
  [{ ...GOOD, x: 1 }, undefined],
  [{ ...GOOD, limit: '7' }, undefined],
];

test('an unknown option or word brings the known one that it is close to', (t) => {
  for (const [input, hint] of HINTS) t.is(refusalOf(input).hint, hint, JSON.stringify(input));
});

test('what people write differently is the same word', (t) => {
  const known = ['szBytes', 'resetIntervalMs', 'minNrRegions', 'sampleUs'];
  const meant: readonly [string, string][] = [
    ['sz_bytes', 'szBytes'],
    ['sz', 'szBytes'],
    ['reset_interval', 'resetIntervalMs'],
    ['min-nr-regions', 'minNrRegions'],
    ['minRegions', 'minNrRegions'],
    ['samplingUs', 'sampleUs'],
  ];
  for (const [word, expected] of meant) {
    t.is(didYouMean(word, known), `did you mean \`${expected}\`?`);
  }
  t.is(didYouMean('migrat_hot', ['migrate_cold', 'migrate_hot']), 'did you mean `migrate_hot`?');
  t.is(didYouMean('constructor', known), undefined);
  t.is(didYouMean('x', []), undefined);
});

test('all refusals are told, one for each path', (t) => {
  const errors = refusals(
    schema,
    { mode: 'of', limit: -1, list: [{}, { size: 'x' }], x: 1 },
    'ERR',
  );
  t.deepEqual(errors.map(({ path }) => path).toSorted(), [
    'limit',
    'list[0].size',
    'list[1].size',
    'mode',
    'name',
    'x',
  ]);
  t.deepEqual(refusals(schema, GOOD, 'ERR'), []);
});
