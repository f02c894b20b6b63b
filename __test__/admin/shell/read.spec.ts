import test from 'ava';

import { readShell } from '../../../src/admin/shell/read.ts';
import { DamonError } from '../../../src/errors.ts';

const TAKEN = [
  'set -euo pipefail',
  'echo 1 > a b',
  'echo 1 >> a',
  'echo 1 | sudo tee a > /dev/null',
  'cat < a 2>/dev/null',
  'echo "failed" >&2 || exit 1',
  'echo a &> /dev/null',
  'cat `ls` $(ls) {a,b}_us *[0-9]',
  'for i in 1 2; do cat a; done',
  'for ((i = 0; i < 2; i++)); do :; done',
  'if [ -e a ] && [[ a != b* ]]; then cat a; elif true; then :; else false; fi',
  'while read -r line; do echo "$line"; done < a',
  'write() { local file=$1; echo "$2" > "$file"; }; write a 1',
  'echo ${B:-a} ${C:=c} $C ${#A} ${A##*/} $? $# "$@" $PWD $EUID $0',
  'echo $((A * 1024 << 2))',
  'cat <<EOF\n$A\nEOF',
  'case $A in 1|2) ;; *) ;; esac',
  '# only a comment',
];

for (const line of TAKEN) {
  test(`taken: ${line}`, async (t) => {
    const { ast, lineOf } = await readShell(`A=1\n${line}`);
    t.is(ast.commands.length > 1 ? lineOf(ast.commands[1] ?? { pos: 0 }) : 2, 2);
  });
}

const REFUSED: readonly (readonly [line: string, expected: RegExp])[] = [
  ['mount a b', /a command that a replay knows \(echo .*\) or a function/],
  ['cat $(pidof b)', /a command/],
  ['if true; then rm -r a; fi', /a command/],
  ['sudo mount a b', /a command/],
  ['$A a', /a command/],
  ['echo $B > a', /without `\$B`, which nothing sets/],
  ['echo ${B##*/}', /without `\$B`/],
  ['echo $((B + 1))', /without `\$B`/],
  ['echo $1 > a', /without `\$1`/],
  ['echo $$', /without `\$\$`/],
  ['trap "cat $A" EXIT', /a trap such as/],
  ["trap 'cat a' ERR", /a trap such as/],
  ["trap 'mount a' EXIT", /a command/],
  ["trap 'cat a' EXIT $A", /a trap/],
  ['cat a &', /no `&`/],
  ['time cat a', /no `time`/],
  ['select i in a b; do :; done', /no `select`/],
  ['cat <(ls)', /no `<\(…\)`/],
  ['ls !(a)', /patterns/],
  ['B=(1 2)', /no arrays/],
  ['B[1]=2', /no arrays/],
  ['echo ${A/1/2}', /`\$\{NAME\}`/],
  ['echo {$A,b}', /braces/],
  ['echo 1 2> a', /> FILE/],
  ['echo 1 3> a', /> FILE/],
  ['echo 1 >& a', /> FILE/],
  ['[[ $A =~ 1 ]]', /a test/],
  ['echo 1 >', /a shell script: expected redirect target/],
  ['echo "1 > a', /a shell script: /],
  ['echo ${B > a', /a shell script: /],
  ['for i in 1 2; do cat a', /a shell script: /],
];

for (const [line, expected] of REFUSED) {
  test(`refused with its line: ${line}`, async (t) => {
    const error = await t.throwsAsync(readShell(`A=1\n${line}`), { instanceOf: DamonError });
    t.like(error, { code: 'ERR_DAMON_CONFIG_SCRIPT', path: 'line 2', received: line });
    t.regex((error as DamonError).expected ?? '', expected);
  });
}
