import test from 'ava';
import fc from 'fast-check';

import {
  BIT,
  BOOL,
  CPUS,
  type Format,
  HEX_U32,
  HEX_U64,
  INT,
  INT_RANGELESS,
  PATH,
  POSITIVE_U64,
  TIDS,
  U32,
  U32_RANGELESS,
  U64,
  U64_RANGELESS,
  countTo,
  readText,
  wordOf,
} from '../../src/admin/text.ts';
import { AdminError } from '../../src/admin/errno.ts';
import { holds } from '../support/property.ts';

const U64_MAX = 2n ** 64n - 1n;

/** What a text is shown as once it was written, or the errno. */
function shown(format: Format, text: string): string {
  const read = format.read(text);
  return 'errno' in read ? read.errno : format.show(read.value);
}

type Row = readonly [text: string, shown: string];

test('numbers are read as kstrtoull reads them', (t) => {
  const rows: readonly Row[] = [
    ['0', '0'],
    ['5\n', '5'],
    ['+5', '5'],
    ['007', '7'],
    ['010', '8'],
    ['0x10', '16'],
    ['0XfF\n', '255'],
    ['+0x1', '1'],
    ['00', '0'],
    ['18446744073709551615', '18446744073709551615'],
    ['0xffffffffffffffff', '18446744073709551615'],
    ['01777777777777777777777', '18446744073709551615'],
    ['18446744073709551616', 'ERANGE'],
    ['0x10000000000000000', 'ERANGE'],
    ['02000000000000000000000', 'ERANGE'],
    // Too large is met before what follows.
    ['18446744073709551616x', 'ERANGE'],
    ['18446744073709551615x', 'EINVAL'],
    ['', 'EINVAL'],
    ['\n', 'EINVAL'],
    ['5\n\n', 'EINVAL'],
    [' 5', 'EINVAL'],
    ['5 ', 'EINVAL'],
    ['5\t\n', 'EINVAL'],
    ['-5', 'EINVAL'],
    ['-0', 'EINVAL'],
    ['++5', 'EINVAL'],
    ['+-5', 'EINVAL'],
    ['+', 'EINVAL'],
    ['08', 'EINVAL'],
    ['0x', 'EINVAL'],
    ['0xg', 'EINVAL'],
    ['0b1', 'EINVAL'],
    ['0o7', 'EINVAL'],
    ['1e3', 'EINVAL'],
    ['1.5', 'EINVAL'],
    ['1_000', 'EINVAL'],
    ['1,000', 'EINVAL'],
    ['ff', 'EINVAL'],
    ['max', 'EINVAL'],
    ['５', 'EINVAL'],
  ];
  for (const [text, expected] of rows) t.is(shown(U64, text), expected, JSON.stringify(text));
});

test('numbers with a sign are read as kstrtoll reads them', (t) => {
  const rows: readonly Row[] = [
    ['-1', '-1'],
    ['-0', '0'],
    ['-0x10\n', '-16'],
    ['-010', '-8'],
    ['+7', '7'],
    ['--1', 'EINVAL'],
    ['-+1', 'EINVAL'],
    ['+-1', 'EINVAL'],
    ['-', 'EINVAL'],
    ['- 1', 'EINVAL'],
  ];
  for (const [text, expected] of rows) t.is(shown(INT, text), expected, JSON.stringify(text));
});

test('each kind of number has its bounds, and its errno beyond them', (t) => {
  const kinds: readonly [kind: string, format: Format, rows: readonly Row[]][] = [
    [
      'U32',
      U32,
      [
        ['4294967295', '4294967295'],
        ['4294967296', 'ERANGE'],
        ['-1', 'EINVAL'],
      ],
    ],
    [
      'INT',
      INT,
      [
        ['2147483647', '2147483647'],
        ['2147483648', 'ERANGE'],
        ['-2147483648', '-2147483648'],
        ['-2147483649', 'ERANGE'],
        ['-18446744073709551616', 'ERANGE'],
        ['-18446744073709551616x', 'ERANGE'],
        ['-5x', 'EINVAL'],
      ],
    ],
    [
      'U64_RANGELESS',
      U64_RANGELESS,
      [
        ['18446744073709551615', '18446744073709551615'],
        ['18446744073709551616', 'EINVAL'],
        ['x', 'EINVAL'],
      ],
    ],
    [
      'U32_RANGELESS',
      U32_RANGELESS,
      [
        ['4294967295', '4294967295'],
        ['4294967296', 'EINVAL'],
      ],
    ],
    [
      'INT_RANGELESS',
      INT_RANGELESS,
      [
        ['-2147483648', '-2147483648'],
        ['-2147483649', 'EINVAL'],
        ['2147483648', 'EINVAL'],
      ],
    ],
    [
      'POSITIVE_U64',
      POSITIVE_U64,
      [
        ['0', 'EINVAL'],
        ['1', '1'],
        ['18446744073709551616', 'ERANGE'],
      ],
    ],
    [
      'HEX_U32',
      HEX_U32,
      [
        ['0', '0x0'],
        ['11', '0xb'],
        ['0x20d1', '0x20d1'],
        ['20d1', 'EINVAL'],
        ['0xffffffff', '0xffffffff'],
        ['0x100000000', 'ERANGE'],
      ],
    ],
    ['HEX_U64', HEX_U64, [['18446744073709551615', '0xffffffffffffffff']]],
    [
      'countTo(4n)',
      countTo(4n),
      [
        ['0', '0'],
        ['4', '4'],
        ['5', 'EINVAL'],
        ['-1', 'EINVAL'],
        ['2147483647', 'EINVAL'],
        ['2147483648', 'ERANGE'],
        ['-2147483649', 'ERANGE'],
      ],
    ],
    [
      'countTo()',
      countTo(),
      [
        ['2147483647', '2147483647'],
        ['-2147483648', 'EINVAL'],
      ],
    ],
  ];
  for (const [kind, format, rows] of kinds) {
    for (const [text, expected] of rows) t.is(shown(format, text), expected, `${kind} ${text}`);
  }
});

test('a flag is known by its first letter, or two', (t) => {
  for (const yes of [
    'Y',
    'y',
    '1',
    'on',
    'On',
    'oN',
    'ON',
    'yes',
    't',
    'True',
    'Y\n',
    '1\n',
    '10',
    'only',
  ]) {
    t.is(shown(BOOL, yes), 'Y', yes);
    t.is(shown(BIT, yes), '1', yes);
  }
  for (const no of ['N', 'n', '0', 'of', 'off', 'OFF', 'oF', 'f', 'False', 'no\n', '0x1', '01']) {
    t.is(shown(BOOL, no), 'N', no);
    t.is(shown(BIT, no), '0', no);
  }
  for (const bad of ['', '\n', 'o', 'ox', '2', 'd', 'enable', ' Y', '-1', 'ｙ']) {
    t.is(shown(BOOL, bad), 'EINVAL', JSON.stringify(bad));
    t.is(shown(BIT, bad), 'EINVAL', JSON.stringify(bad));
  }
});

test('a word is exact but for one newline', (t) => {
  const format = wordOf(['stat', 'cold']);
  t.is(shown(format, 'cold'), 'cold');
  t.is(shown(format, 'stat\n'), 'stat');
  for (const bad of ['', '\n', 'stat\n\n', ' stat', 'stat ', 'Stat', 'sta', 'stats', 'stat cold']) {
    t.is(shown(format, bad), 'EINVAL', JSON.stringify(bad));
  }
});

test('a path is kept as it is but for one newline', (t) => {
  for (const [text, path] of [
    ['/a/b\n', '/a/b'],
    ['/a b ', '/a b '],
    ['/a\n\n', '/a\n'],
    ['\n', ''],
  ] as const) {
    t.is(shown(PATH, text), path);
  }
});

test('CPUs are shown in ranges, and none is a list too', (t) => {
  const rows: readonly Row[] = [
    ['0-3,8\n', '0-3,8'],
    ['8,3,2,1', '1-3,8'],
    ['0,1,2', '0-2'],
    ['5', '5'],
    ['0-2,1-4', '0-4'],
    ['10,9,100', '9-10,100'],
    ['', ''],
    ['\n', ''],
    ['3-1', 'EINVAL'],
    ['0-65536', 'EINVAL'],
    ['a', 'EINVAL'],
    ['0,', 'EINVAL'],
    ['0\n\n', 'EINVAL'],
    ['0x1', 'EINVAL'],
  ];
  for (const [text, expected] of rows) t.is(shown(CPUS, text), expected, JSON.stringify(text));
});

test('thread ids keep their order', (t) => {
  const rows: readonly Row[] = [
    ['12,3,12\n', '12,3,12'],
    ['2147483647', '2147483647'],
    ['007', '7'],
    ['', ''],
    ['2147483648', 'EINVAL'],
    ['1,2147483648', 'EINVAL'],
    ['-1', 'EINVAL'],
    ['1-3', 'EINVAL'],
    ['1,', 'EINVAL'],
    [',1', 'EINVAL'],
    ['1 2', 'EINVAL'],
    ['1, 2', 'EINVAL'],
  ];
  for (const [text, expected] of rows) t.is(shown(TIDS, text), expected, JSON.stringify(text));
});

test('a refusal names the file, what it takes, and the text', (t) => {
  const error = t.throws(() => readText(U32, 'a/b', 'x\n'), { instanceOf: AdminError });
  t.like(error, {
    code: 'ERR_DAMON_ADMIN_EINVAL',
    errno: 22,
    path: 'a/b',
    expected: 'an integer from 0 to 4294967295',
    received: 'x\n',
  });
  t.like(
    t.throws(() => readText(U32, 'a/b', '4294967296')),
    {
      code: 'ERR_DAMON_ADMIN_ERANGE',
      errno: 34,
    },
  );
  t.is(readText(U32, 'a/b', '7'), 7n);
});

test('a number in any base is the number', (t) => {
  holds(
    t,
    [fc.bigInt(0n, U64_MAX), fc.constantFrom('', '+'), fc.constantFrom('', '\n')],
    (n, s, e) =>
      [
        n.toString(),
        `0x${n.toString(16)}`,
        `0X${n.toString(16).toUpperCase()}`,
        `0${n.toString(8)}`,
      ]
        .map((digits) => shown(U64, s + digits + e))
        .every((text) => text === n.toString()),
  );
});

test('what is shown is read as the same again', (t) => {
  const formats: readonly Format[] = [
    U64,
    U32,
    INT,
    U64_RANGELESS,
    HEX_U64,
    HEX_U32,
    POSITIVE_U64,
    countTo(64n),
    BOOL,
    BIT,
    CPUS,
    TIDS,
    wordOf(['on', 'off']),
  ];
  const pieces = fc.constantFrom(...'0123456789xf-+,Ynof\n ');
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 8 }).map((chars) => chars.join('')),
    fc.bigInt(-(2n ** 70n), 2n ** 70n).map(String),
    fc.string(),
  );
  holds(t, [fc.constantFrom(...formats), text], (format, given) => {
    const read = format.read(given);
    if ('errno' in read) return ['EINVAL', 'ERANGE'].includes(read.errno);
    const first = format.show(read.value);
    return shown(format, first) === first && shown(format, `${first}\n`) === first;
  });
});
