import test from 'ava';

import { readShell } from '../../src/admin/shell.ts';
import { DamonError } from '../../src/errors.ts';

test('echo writes with a newline, -n without, whatever stands around the words', (t) => {
  t.deepEqual(readShell('echo 1 > a/b\necho -n  x   y>c;echo > d'), [
    { line: 1, type: 'write', text: '1\n', path: 'a/b' },
    { line: 2, type: 'write', text: 'x y', path: 'c' },
    { line: 2, type: 'write', text: '\n', path: 'd' },
  ]);
});

test('quotes keep blanks and operators, single ones also variables', (t) => {
  t.deepEqual(readShell(`A=b\necho "1  $A;#" '\${A}'x"y" > 'a b'`), [
    { line: 2, type: 'write', text: '1  b;# ${A}xy\n', path: 'a b' },
  ]);
});

test('variables are those set before, by name or in braces', (t) => {
  const script = 'DIR=/sys\nK="$DIR/kdamonds"\ncd $K\ncat ${DIR}x/$K.y\nK=0; cd $K';
  t.deepEqual(readShell(script), [
    { line: 3, type: 'cd', path: '/sys/kdamonds' },
    { line: 4, type: 'read', path: '/sysx//sys/kdamonds.y' },
    { line: 5, type: 'cd', path: '0' },
  ]);
});

test('commands follow each other by lines, ; and &&', (t) => {
  t.deepEqual(
    readShell('#!/bin/sh\nset -e\n\n  cd a && cat b c ; sleep 0.5 # and so on\nsleep 2s').map(
      ({ type, line }) => `${type} ${line}`,
    ),
    ['cd 4', 'read 4', 'read 4', 'sleep 4', 'sleep 5'],
  );
  t.like(readShell('sleep 0.5')[0], { ms: 500 });
});

const REFUSED = [
  'ls',
  'echo 1',
  'echo 1 >',
  'echo 1 > a b',
  'echo 1 > a > b',
  'echo 1 >> a',
  'echo 1 >& a',
  'echo 1 | tee a',
  'cat',
  'cat < a',
  'cat a > b',
  'cat *',
  'cd',
  'cd a b',
  'sleep',
  'sleep soon',
  'sleep 9999999',
  'cat $(ls)',
  'cat `ls`',
  'cat a &',
  'for i in 1 2; do cat a; done',
  'if true; then cat a; fi',
  'A=1 cat a',
  'echo $B > a',
  'echo $ > a',
  'echo ${B > a',
  'echo "1 > a',
  "echo '1 > a",
  'echo \\1 > a',
  'set -o pipefail',
];

for (const line of REFUSED) {
  test(`refused with its line: ${line}`, (t) => {
    const error = t.throws(() => readShell(`A=1\n${line}`), { instanceOf: DamonError });
    t.like(error, { code: 'ERR_DAMON_CONFIG_SCRIPT', path: 'line 2', received: line });
  });
}
