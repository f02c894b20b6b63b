import { spawnSync } from 'node:child_process';

import test from 'ava';

test('the example of an own operations set runs, pages out what is cold, and lets go', (t) => {
  const args = ['--import', '@oxc-node/core/register', 'examples/own-operations.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
  t.is(stderr, '');
  const lines = stdout.trim().split('\n');
  t.is(lines.length, 6, stdout);
  // 16 MiB less the quota of each of the seconds in which something was cold for long enough.
  const held = lines.slice(0, 4).map((line) => Number(/holds ([\d.]+) MiB$/.exec(line)?.[1]));
  t.deepEqual(
    held.map((mib, i) => mib < (held[i - 1] ?? 16) && mib >= 2),
    [true, true, true, true],
    stdout,
  );
  // The first eighth of 16 MiB, as precisely as regions tell.
  const used = lines.slice(1, 4).map((line) => Number(/uses ([\d.]+) MiB/.exec(line)?.[1]));
  t.true(
    used.every((mib) => mib >= 1.5 && mib < 4),
    stdout,
  );
  t.is(lines[4], 'balanced: true');
  t.is(lines[5], 'gone with its owner: false - with its monitor: true');
});
