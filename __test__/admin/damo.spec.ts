/**
 * The real damo, unchanged, drives a machine of ours through the files.
 *
 * Runs where damo is on the PATH, or DAMO names it, and the tree can be mounted: in a mount
 * namespace of its own, in which the tree lies over `/sys/kernel/mm`. The kernel's is not touched.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';

import test from 'ava';

import { mountAdmin } from '../../src/admin/mount.ts';
import { temporaryFile, temporaryPath } from '../support/small.ts';
import { machine } from './engine/machine.ts';

const DAMO = process.env['DAMO'] ?? 'damo';
const NAMESPACE = ['--mount', '--propagation', 'private'];
const MOUNTS = `
  mount -t tmpfs none /sys/kernel/mm
  mount -t tracefs none /sys/kernel/tracing
  mkdir -p /sys/kernel/mm/damon/admin
  mount --bind "$1" /sys/kernel/mm/damon/admin
`;

function isThere(): boolean {
  const { status } = spawnSync('unshare', [
    ...NAMESPACE,
    'sh',
    '-ec',
    `test -c /dev/fuse; ${DAMO} version; mount -t tmpfs none /sys/kernel/mm`,
  ]);
  return status === 0;
}

const THERE = isThere();
const driven = THERE ? test : test.skip;
if (!THERE) {
  const needs = 'damo (pip install damo, or DAMO=path), /dev/fuse and root';
  process.stderr.write(`skipped: the real damo needs ${needs}\n`);
}

const ANY = { min: '0', max: 'max' };
const CONTEXT = {
  ops: 'paddr_ibs',
  targets: [{ pid: null, regions: [{ start: 0, end: 2 ** 28 }] }],
  intervals: { sample_us: '5 ms', aggr_us: '100 ms', ops_update_us: '1 s' },
  schemes: [
    {
      action: 'migrate_hot',
      target_nid: 0,
      access_pattern: {
        sz_bytes: ANY,
        nr_accesses: { min: '1 samples', max: '20 samples' },
        age: { min: '0 aggr_intervals', max: 'max aggr_intervals' },
      },
      quotas: {
        time_ms: 0,
        sz_bytes: 8_388_608,
        reset_interval_ms: '1000 ms',
        goals: [{ metric: 'node_eligible_mem_bp', nid: 0, target_value: 7_000, current_value: 0 }],
        goal_tuner: 'temporal',
        weights: { sz_permil: 0, nr_accesses_permil: 1_000, age_permil: 0 },
      },
      filters: [
        {
          filter_type: 'addr',
          matching: true,
          allow: true,
          address_range: { start: 2 ** 27, end: 2 ** 28 },
        },
      ],
    },
  ],
};

driven('damo starts, watches, tunes and stops a monitor of ours', async (t) => {
  const { tree } = await machine('', { speed: 10 });
  const dir = temporaryPath('mount');
  await mkdir(dir);
  using mount = mountAdmin(tree, dir);
  const parameters = temporaryFile(
    JSON.stringify({ kdamonds: [{ contexts: [CONTEXT] }] }),
    'damo.json',
  );
  const home = temporaryPath('home');
  await mkdir(home);
  const script = `
    ${MOUNTS}
    echo "== start"; ${DAMO} start "$2"; cat "$1/kdamonds/0/state"
    sleep 1
    echo "== damon"; ${DAMO} report damon
    echo "== access"; ${DAMO} report access --style detailed
    echo "== tune"; sed -i s/7000/6000/ "$2"; ${DAMO} tune "$2"
    cat "$1/kdamonds/0/contexts/0/schemes/0/quotas/goals/0/target_value"
    echo "== stop"; ${DAMO} stop; cat "$1/kdamonds/0/state"
  `;
  const commandLine = [...NAMESPACE, 'sh', '-ec', script, 'sh', mount.dir, parameters];
  const child = spawn('unshare', commandLine, { env: { ...process.env, HOME: home } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (output += String(chunk)));
  }
  const [code] = (await once(child, 'close')) as [number];
  t.is(code, 0, output);
  const part = (name: string): string => output.split(`== ${name}\n`)[1]?.split('\n== ')[0] ?? '';
  t.is(part('start'), 'on');
  t.regex(
    part('damon'),
    /ops: paddr_ibs[^]*action: migrate_hot to node 0[^]*8\.000 MiB \/ .* per 1 s/,
  );
  t.regex(part('damon'), /applied [1-9]\d* times/);
  // Of its first regions, one may have been looked at just when it was not accessed.
  const hot = /addr (?:0 B|[\d.]+ KiB|\d\.\d+ MiB) +size .* access [1-9]\d* hz/;
  t.regex(part('access'), hot, 'what is hot lies at the start');
  t.regex(part('access'), /total size: 256\.000 MiB/);
  t.is(part('tune'), '6000');
  t.is(part('stop').trimEnd(), 'off');
  await tree.close();
});
