/** Scripts, in our shell and in bash: they print the same, and end with the same status. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { replayScript } from '../../../src/admin/script.ts';
import { shell } from '../tree-shell.ts';

const { tree, run } = shell();
await run(`echo 2 > kdamonds/nr_kdamonds; echo 1 > kdamonds/0/contexts/nr_contexts`);

const folder = mkdtempSync(join(tmpdir(), 'node-damon-shell-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** The same files, for bash: plain ones. */
function layOut(path: string): void {
  for (const name of tree.list(path)) {
    const at = `${path}${name}`;
    if (tree.stat(at)?.type === 'file') writeFileSync(join(folder, at), tree.read(at));
    else {
      mkdirSync(join(folder, at));
      layOut(`${at}/`);
    }
  }
}
layOut('/');

const bash = spawnSync('bash', ['--version']).status === 0 ? test : test.skip;

/** What our shell prints, and its exit code; files of the tree by what `cat` would show. */
async function ours(script: string): Promise<{ stdout: string; status: number }> {
  let [stdout, status] = ['', 0];
  for await (const { command, output, error } of replayScript(tree, script)) {
    if (command.type === 'print') stdout += command.text;
    // At the top of a script, `cat` and `ls` are told by their answers.
    else if (output !== undefined && /^(?:cat|ls) [^|]*$/.test(script)) stdout += output;
    else if (command.type === 'exit') status = command.status;
    if (error) throw error;
  }
  return { stdout, status };
}

const SCRIPTS = [
  // Words.
  'echo a  b   "c  d" \'e  $x\' f\\ g \\* "\\$x \\" \\\\ \\n" $\'h\\ti\'',
  'x="a  b"; echo $x "$x" pre$x"post" ${x}y "${x}"y',
  'x=; echo [$x] "[$x]" "" $x | cat; set -- ; echo',
  'echo {a,b}{1..3} x{,y}z {3..1} {one} a{b',
  'x=/a/b.c/d.e; echo ${x##*/} ${x#*/} ${x%.*} ${x%%.*} ${#x} ${x%nothing}',
  'echo ${x:-default one} ${x-none} "${x:-"a  b"}" ${y:=set} $y ${y:+other} [${z+no}]',
  'x=*; echo "$x" kdamonds/* kdamonds/[0-9] kdamonds/? none*; echo k*s/nr_*',
  'cd kdamonds/0/contexts/0; echo monitoring_attrs/*/sample_us; echo */nr_*',
  'echo "$(echo "nested $(echo "deep  er")")" $(echo split  up) `echo back`',
  'x=$(printf "a\\n\\n\\n"); echo "[$x]"; x=a; x+=b; echo $x',
  'echo $(( 4 * 1024 * 1024 )) $((0x10 + 010)) $((7 / 2 - 7 % 4)) $((-7 / 2)) $((1 << 40))',
  'i=5; echo $((i++)) $i $((++i)) $((i -= 2)) $((i > 4 ? 10 : 20)) $((i == 5 && !0)) $((2 ** 10))',
  'echo $((9223372036854775807 + 1)) $(( (1 + 2) * 3 )) $((~5 & 0xff ^ 1 | 64)) $((1,2))',
  'x=3; echo $(($x * x + ${x}0)) $(( $(echo 4) + 1 ))',
  'f() { echo $# "$1" "$2"; for a in "$@"; do echo "<$a>"; done; shift; echo "$*"; }; f "a b" c d; f',
  // Commands.
  'echo -n a; echo -e "b\\tc"; echo -E "d\\te"; echo -x; echo -- f',
  'printf "%s=%d\\n" a 1 b 2; printf "%5s|%-5s|%05d|%x|%%|%c\\n" a b 42 255 word; printf plain; printf "%s\\n"',
  'seq 3; seq 2 4; seq 5 -2 1; seq 3 1; for i in $(seq 0 2); do echo -n "$i "; done',
  'printf "3\\n1\\n2\\n" | head -n 2; printf "a\\nb\\n" | tail -1; printf "a\\nb\\n" | wc -l; seq 20 | head | tail -n 2',
  'printf "on\\noff\\non2\\n" | grep on; printf "a\\nb\\n" | grep -v a; printf "a\\nb\\n" | grep -c .; echo a+b | grep "a+b"; echo aab | grep -E "a+b"',
  'echo abc | grep -q b && echo yes; echo abc | grep -x b || echo no; echo a.b | grep -F . ; echo axb | grep -F . || echo none',
  'echo "ab abc" | grep -w ab; echo abc | grep -qw ab || echo no; echo abcdef | head -c 3; echo abcdef | tail -c 3',
  'echo "$(< kdamonds/nr_kdamonds)" $(<kdamonds/0/state)',
  'basename /a/b.c .c; dirname /a/b; id -u >/dev/null && pwd > /dev/null; echo done',
  'echo a | tee /dev/null; echo b | cat; echo c | cat -; true | cat',
  'read a b <<< "one two  three"; echo "[$a] [$b]"; while read -r n; do echo "<$n>"; done <<< "$(seq 2)"',
  'cat <<EOF\nx $((1 + 1)) $(echo sub)\nEOF\ncat <<"EOF"\n$x\nEOF',
  'cat kdamonds/nr_kdamonds',
  'ls kdamonds/0',
  'cat kdamonds/*/state | wc -l; cat kdamonds/0/contexts/0/monitoring_attrs/intervals/{sample,aggr}_us | head -1',
  'grep -r . kdamonds/1 | wc -l; grep . kdamonds/[01]/state; grep -h . kdamonds/0/state',
  'while read -r n; do echo "n=$n"; done < kdamonds/nr_kdamonds',
  // Flow.
  'true && echo a || echo b; false && echo a || echo b; ! true || echo c; ! false && echo d',
  'if false; then echo a; elif true; then echo b; else echo c; fi; if false; then :; fi; echo $?',
  'for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i -ge 4 ] && break; echo $i; done; echo $i',
  'for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done; while :; do while :; do break 2; done; done; echo out',
  'i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i; until [ $i -eq 0 ]; do i=$((i - 1)); done; echo $i',
  'for ((i = 0; i < 6; i += 2)); do echo $i; done; ((i == 6)) && echo six; ((0)) || echo zero',
  'for x in a on-1 "b c" 7; do case $x in on*) echo on;; a|"b c") echo ab;; [0-9]) echo digit;; esac; done; case z in a) ;; esac; echo $?',
  '[[ a == a && ! b == c ]] && echo 1; [[ abc == a*c ]] && echo 2; [[ "a*" == "a*" ]] && echo 3; [[ abc == "a*" ]] || echo 4; [[ -n x || -z x ]] && echo 5',
  '[ -d kdamonds ] && [ -f kdamonds/nr_kdamonds ] && [ ! -e none ] && [ -r kdamonds/0/state -a -w kdamonds/0/state ] && echo files',
  '[ 1 -lt 2 -o a = b ] && [ "" ] || [ -z "" ] && [ ! a = b ] && test 3 -ne 4 && [ -n "a" ] && echo tests',
  'f() { local x=in y; echo "$x[$y]"; x=changed; return 3; }; x=out; f; echo $? $x; g() { f; }; g; echo $?',
  '(cd kdamonds; grep . nr_kdamonds); grep . kdamonds/nr_kdamonds; x=$(cd kdamonds; echo *); echo $x *',
  '(x=inner; cd kdamonds; echo $x); echo "[$x]"; { x=group; echo $x; }; echo $x; echo a | { read x; echo $x; }; echo $x',
  'false | true; echo $?; set -o pipefail; false | true; echo $?; set +o pipefail; false | true; echo $?',
  'echo gone >/dev/null; echo err 2>/dev/null; { echo a; echo b; } | tail -n 1; echo both &>/dev/null; echo x 2>&1 | cat',
  // Ends.
  'echo a; exit 3; echo b',
  'f() { exit 4; }; f; echo b',
  'x=$(exit 5); echo $?; (exit 6); echo $?; false; echo $?',
  'set -e; echo a; false; echo b',
  'set -e; false || true; if false; then :; fi; ! true; false && true; echo a; [ a = b ]; echo b',
  'set -eu; f() { false; echo in; }; if f; then echo yes; fi; f; echo out',
  'set -e; true | false; echo out',
  'set -e; (false; echo in); echo out',
  'exit 300',
  "trap 'echo bye $?' EXIT INT; echo a; false",
  "f() { echo cleanup; }; trap f EXIT; trap 'echo never' TERM; set -e; echo a; false; echo b",
  "trap 'echo bye; exit 7' EXIT; exit 3",
  "trap 'echo bye' EXIT; trap - EXIT; echo a",
] as const;

for (const script of SCRIPTS) {
  bash(`as bash does: ${script}`, async (t) => {
    const { stdout, status, stderr } = spawnSync('bash', ['-c', script], {
      cwd: folder,
      encoding: 'utf8',
    });
    t.is(stderr, '');
    t.deepEqual(await ours(script), { stdout, status: status ?? -1 });
  });
}

const FAILS: readonly (readonly [script: string, reason: string])[] = [
  ['set -u; unset x; x=1; unset x; echo $x', 'x: unbound variable'],
  ['echo $((1 / 0))', 'division by 0'],
  ['x=word!; echo $((x))', '`word!` is no number'],
  ['echo ${x:?is needed}', 'x: is needed'],
  ['[ a -lt 1 ]', 'test: `a` is no number'],
  ['sleep soon', 'sleep: expected a time, got `soon`'],
  ['sleep 99999999', 'sleep: expected a time, got `99999999`'],
  ['grep -P a kdamonds/nr_kdamonds', 'grep: a replay does not know -P'],
  ['seq 1 100000000', 'seq: expected at most 1000000 numbers'],
  ['f() { f; }; f', 'functions call each other without end'],
  ['g; g() { :; }', 'g: command not found'],
];

for (const [script, reason] of FAILS) {
  test(`ends with its line and a reason: ${script}`, async (t) => {
    const answers = [];
    for await (const answer of replayScript(tree, `:\n${script}\necho on`)) answers.push(answer);
    t.deepEqual(answers.at(-1)?.command, { line: 2, type: 'exit', status: 1, reason });
  });
}
