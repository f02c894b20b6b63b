/**
 * The tree as a real directory: shells, other languages and the system see the kernel's files.
 *
 * Needs /dev/fuse and the right to mount; where either is missing, these tests are skipped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import test, { type ExecutionContext } from 'ava';

import { AdminError } from '../../src/admin/errno.ts';
import { AdminTree } from '../../src/admin/tree.ts';
import { type AdminMount, type MountEvent, mountAdmin } from '../../src/admin/mount.ts';
import { DamonError } from '../../src/errors.ts';
import { temporaryFile, temporaryPath } from '../support/small.ts';
import { FakeEngine } from './fake-engine.ts';
import { ANY, machine } from './engine/machine.ts';

const MOUNTABLE = canMount();
const mounted = MOUNTABLE ? test : test.skip;
if (!MOUNTABLE) {
  process.stderr.write('skipped: no /dev/fuse, or not root: nothing can be mounted\n');
}

function canMount(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return process.geteuid?.() === 0;
  } catch {
    return false;
  }
}

interface Mounted {
  readonly engine: FakeEngine;
  readonly tree: AdminTree;
  readonly mount: AdminMount;
  readonly dir: string;
  readonly events: MountEvent[];
}

async function mountOf(t: ExecutionContext, tree?: AdminTree): Promise<Mounted> {
  const dir = temporaryPath('mount');
  await mkdir(dir);
  const engine = new FakeEngine();
  const served = tree ?? new AdminTree(engine);
  const events: MountEvent[] = [];
  const mount = mountAdmin(served, dir, { onAnswer: (event) => events.push(event) });
  t.teardown(() => mount.close());
  return { engine, tree: served, mount, dir, events };
}

function isMounted(dir: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${dir} `);
}

async function ran(command: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const process = spawn(command, args);
  let output = '';
  process.stdout.on('data', (chunk) => (output += String(chunk)));
  process.stderr.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(process, 'close')) as [number];
  return { code, output };
}

mounted('a shell writes and reads it, line by line', async (t) => {
  const { dir, tree } = await mountOf(t);
  const { code, output } = await ran(
    'sh',
    '-ec',
    `
    cd ${dir}/kdamonds
    echo 2 > nr_kdamonds
    cat nr_kdamonds
    echo 1 > 0/contexts/nr_contexts
    echo paddr > 0/contexts/0/operations
    echo Y > 0/contexts/0/pause
    cat 0/contexts/0/pause
    echo on > 0/state
    cat 0/state 1/state
    printf off > 0/state
    ls
    `,
  );
  t.is(code, 0, output);
  t.is(output, '2\nY\non\noff\n0\n1\nnr_kdamonds\n');
  t.is(tree.read('kdamonds/0/contexts/0/operations'), 'paddr\n');
});

mounted('files and directories are as those of sysfs', async (t) => {
  const { dir, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '11');
  const modes = await Promise.all(
    ['', 'kdamonds', 'kdamonds/10/state', 'kdamonds/10/pid'].map(async (path) => {
      const { mode, size, uid } = await stat(join(dir, path));
      return [mode.toString(8), size, uid];
    }),
  );
  t.deepEqual(modes, [
    ['40755', 0, 0],
    ['40755', 0, 0],
    ['100600', 4096, 0],
    ['100400', 4096, 0],
  ]);
  const entries = await readdir(join(dir, 'kdamonds'), { withFileTypes: true });
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`);
  const expected = [...Array.from({ length: 11 }, (_, i) => `${i}/`), 'nr_kdamonds'];
  t.deepEqual(names.toSorted(), expected.toSorted());
});

mounted('a long directory is listed whole', async (t) => {
  const { dir, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '3000');
  t.is((await readdir(join(dir, 'kdamonds'))).length, 3_001);
});

/** What is answered to what, as `open(2)` and `write(2)` do. `damon-core.md` 8.2 and 9.1. */
const ANSWERS: readonly [text: string, path: string, code: string | undefined][] = [
  ['0x10\n', '0/refresh_ms', undefined],
  ['+7', '0/refresh_ms', undefined],
  ['-1', '0/refresh_ms', 'EINVAL'],
  ['4294967296', '0/refresh_ms', 'ERANGE'],
  ['x', '0/refresh_ms', 'EINVAL'],
  [' 1', '0/refresh_ms', 'EINVAL'],
  ['1'.repeat(5_000), '0/refresh_ms', 'EINVAL'],
  ['2', '0/contexts/nr_contexts', 'EINVAL'],
  ['-1', 'nr_kdamonds', 'EINVAL'],
  ['1', '0/pid', 'EACCES'],
  ['1', '9/state', 'ENOENT'],
  ['1', '0/new', 'EACCES'],
  ['1', '0', 'EISDIR'],
  ['1', '0/state/more', 'ENOTDIR'],
  ['bogus', '0/state', 'EINVAL'],
  ['off', '0/state', 'EINVAL'],
  ['commit', '0/state', 'EINVAL'],
  ['0', '0/contexts/0/addr_unit', 'EINVAL'],
  ['18446744073709551616', '0/contexts/0/monitoring_attrs/intervals/sample_us', 'ERANGE'],
  ['5', '0/contexts/0/monitoring_attrs/probes/nr_probes', 'EINVAL'],
];

mounted('every refusal has its errno', async (t) => {
  const { dir, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '1');
  await tree.write('kdamonds/0/contexts/nr_contexts', '1');
  for (const [text, path, code] of ANSWERS) {
    const at = join(dir, 'kdamonds', path);
    const said = await writeFile(at, text).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    t.is(said, code, `${text.slice(0, 20)} > ${path}`);
  }
});

mounted('a monitor’s refusals come through: EBUSY, ECANCELED, ENOMEM, EOPNOTSUPP', async (t) => {
  const { dir, engine, tree } = await mountOf(t);
  const write = async (text: string, path = '0/state'): Promise<string | undefined> =>
    writeFile(join(dir, 'kdamonds', path), text).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
  await tree.write('kdamonds/nr_kdamonds', '1');
  await tree.write('kdamonds/0/contexts/nr_contexts', '1');
  t.is(await write('on'), undefined);
  t.is(await write('on'), 'EBUSY');
  t.is(await write('1', 'nr_kdamonds'), 'EBUSY');
  for (const errno of ['ENOMEM', 'EOPNOTSUPP', 'ENODEV', 'ECANCELED'] as const) {
    engine.kdamond.failure = new AdminError(errno, 'no');
    // Node.js names 95 by its other name.
    t.is(await write('commit'), errno.replace('EOPNOTSUPP', 'ENOTSUP'));
  }
  engine.kdamond.failure = undefined;
  engine.kdamond.running = false;
  t.is(await write('update_schemes_stats'), 'ECANCELED');
});

mounted('a write waits for its command, and the others are busy or served meanwhile', async (t) => {
  const { dir, engine, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '1');
  await tree.write('kdamonds/0/contexts/nr_contexts', '1');
  await tree.write('kdamonds/0/state', 'on');
  let answer: () => void = () => undefined;
  engine.kdamond.gate = new Promise((resolve) => (answer = resolve));
  let done = false;
  const at = join(dir, 'kdamonds/0');
  const commit = writeFile(join(at, 'state'), 'commit').then(() => (done = true));
  while (!engine.kdamond.calls.includes('commit')) await new Promise(setImmediate);
  await t.throwsAsync(readFile(join(at, 'state')), { code: 'EBUSY' });
  t.is(await readFile(join(at, 'refresh_ms'), 'utf8'), '0\n');
  t.false(done);
  answer();
  await commit;
  t.is(await readFile(join(at, 'state'), 'utf8'), 'on\n');
});

mounted('a reader sees one value to its end, and the next from the beginning', async (t) => {
  const { dir, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '1234');
  const file = await open(join(dir, 'kdamonds/nr_kdamonds'));
  const read = async (position: number, length = 2): Promise<string> => {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position });
    return buffer.toString('utf8', 0, bytesRead);
  };
  try {
    t.is(await read(0), '12');
    await tree.write('kdamonds/nr_kdamonds', '5678');
    t.is(await read(2, 100), '34\n');
    t.is(await read(5), '');
    t.is(await read(0, 100), '5678\n');
  } finally {
    await file.close();
  }
});

mounted('nothing is stale: what a count changes is there, or gone, at once', async (t) => {
  const { dir } = await mountOf(t);
  const at = (path: string): string => join(dir, 'kdamonds', path);
  for (const count of [2, 1, 2]) {
    await writeFile(at('nr_kdamonds'), `${count}`);
    t.is(await readFile(at('0/refresh_ms'), 'utf8'), '0\n');
    await writeFile(at('0/refresh_ms'), '9');
    if (count === 2) await stat(at('1/state'));
    else await t.throwsAsync(stat(at('1/state')), { code: 'ENOENT' });
  }
});

mounted('Python writes and reads it', async (t) => {
  const { dir } = await mountOf(t);
  const script = temporaryFile(
    [
      'import errno, sys',
      'def write(path, text):',
      '    try:',
      '        with open(sys.argv[1] + "/kdamonds/" + path, "w") as f: f.write(text)',
      '        return "ok"',
      '    except OSError as e: return errno.errorcode[e.errno]',
      'print(write("nr_kdamonds", "1\\n"), write("nr_kdamonds", "x"), write("0/pid", "1"))',
      'print(open(sys.argv[1] + "/kdamonds/nr_kdamonds").read(), end="")',
    ].join('\n'),
    'write.py',
  );
  const { output } = await ran('python3', script, dir);
  t.is(output, 'ok EINVAL EACCES\n1\n');
});

mounted('files are neither made nor removed', async (t) => {
  const { dir } = await mountOf(t);
  const { output } = await ran(
    'sh',
    '-c',
    `cd ${dir}; mkdir a; rm -f kdamonds/nr_kdamonds; rmdir kdamonds; mv kdamonds b; ln -s a b;
     chmod 777 kdamonds/nr_kdamonds; ls`,
  );
  t.is(output.match(/not permitted/g)?.length, 6, output);
  t.true(output.endsWith('kdamonds\n'));
});

mounted('what was answered is told', async (t) => {
  const { dir, events } = await mountOf(t);
  await writeFile(join(dir, 'kdamonds/nr_kdamonds'), 'x').catch(() => undefined);
  const event = events.find(({ type }) => type === 'write');
  t.like(event, { path: 'kdamonds/nr_kdamonds', text: 'x' });
  t.like(event?.error, { code: 'ERR_DAMON_ADMIN_EINVAL' });
});

mounted('a real monitor runs behind it', async (t) => {
  const made = await machine(`echo 1 > schemes/nr_schemes\n cd schemes/0\n ${ANY}`, { speed: 10 });
  const { dir } = await mountOf(t, made.tree);
  const { code, output } = await ran(
    'sh',
    '-ec',
    `
    cd ${dir}/kdamonds/0
    echo on > state
    test "$(cat pid)" -gt 0
    echo update_schemes_tried_regions > state
    cat contexts/0/schemes/0/tried_regions/total_bytes
    echo update_schemes_stats > state
    test "$(cat contexts/0/schemes/0/stats/nr_tried)" -gt 0
    echo off > state
    cat state
    `,
  );
  t.is(code, 0, output);
  t.is(output, `${2 ** 28}\noff\n`);
  await made.tree.close();
});

mounted('close unmounts, also while files are open, and twice', async (t) => {
  for (const busy of [false, true]) {
    const { dir, mount, tree } = await mountOf(t);
    t.true(isMounted(dir));
    let file: FileHandle | undefined;
    if (busy) file = await open(join(dir, 'kdamonds/nr_kdamonds'));
    mount.close();
    mount.close();
    await mount.ended;
    t.false(isMounted(dir));
    t.deepEqual(await readdir(dir), []);
    if (file) await t.throwsAsync(file.read(), { code: 'ENODEV' });
    await file?.close();
    t.is(tree.read('kdamonds/nr_kdamonds'), '0\n', 'the tree is there');
  }
});

mounted(
  'close waits for nobody who has the directory in a mount namespace of their own',
  async (t) => {
    const { dir, mount } = await mountOf(t);
    const child = spawn('unshare', ['--mount', 'sh', '-c', 'echo there; exec sleep 60']);
    await once(child.stdout, 'data');
    const began = performance.now();
    mount.close();
    t.assert(performance.now() - began < 20_000);
    t.false(isMounted(dir));
    child.kill();
    await once(child, 'exit');
  },
);

mounted('a command that runs when it is unmounted is answered ENODEV', async (t) => {
  const { dir, engine, mount, tree } = await mountOf(t);
  await tree.write('kdamonds/nr_kdamonds', '1');
  await tree.write('kdamonds/0/contexts/nr_contexts', '1');
  await tree.write('kdamonds/0/state', 'on');
  engine.kdamond.gate = new Promise(() => undefined);
  const commit = t.throwsAsync(writeFile(join(dir, 'kdamonds/0/state'), 'commit'), {
    code: 'ENODEV',
  });
  while (!engine.kdamond.calls.includes('commit')) await new Promise(setImmediate);
  mount.close();
  await commit;
});

mounted('a tree that was closed answers ENODEV to writes', async (t) => {
  const { dir, tree } = await mountOf(t);
  await tree.close();
  const write = writeFile(join(dir, 'kdamonds/nr_kdamonds'), '1');
  await t.throwsAsync(write, { code: 'ENODEV' });
});

mounted('who unmounts it from outside ends it', async (t) => {
  const { dir, mount } = await mountOf(t);
  await ran('umount', dir);
  await mount.ended;
  mount.close();
  t.false(isMounted(dir));
});

const INDEX = JSON.stringify(pathToFileURL('dist/index.js').href);

async function serving(...preload: string[]): Promise<{ process: ChildProcess; dir: string }> {
  const dir = temporaryPath('mount');
  await mkdir(dir);
  const script = `
    import { AdminTree, KdamondEngine, RFC_MACHINE, mountAdmin } from ${INDEX};
    mountAdmin(new AdminTree(new KdamondEngine({ source: RFC_MACHINE })), ${JSON.stringify(dir)});
    console.log('mounted');
    ${preload.join('\n')}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { process: child, dir };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  mounted(`a process that ${signal} ends leaves no mount, and ends by it`, async (t) => {
    const { process: child, dir } = await serving();
    t.true(isMounted(dir), 'it stays alive while it serves');
    child.kill(signal);
    t.deepEqual(await once(child, 'exit'), [null, signal]);
    t.false(isMounted(dir));
  });
}

mounted('a process that exits leaves no mount', async (t) => {
  const { process: child, dir } = await serving('setTimeout(() => process.exit(7), 300);');
  t.deepEqual(await once(child, 'exit'), [7, null]);
  t.false(isMounted(dir));
});

mounted('a worker that is terminated leaves no mount', async (t) => {
  const dir = temporaryPath('mount');
  await mkdir(dir);
  const script = `
    import { AdminTree, KdamondEngine, RFC_MACHINE, mountAdmin } from ${INDEX};
    mountAdmin(new AdminTree(new KdamondEngine({ source: RFC_MACHINE })), ${JSON.stringify(dir)});
    (await import('node:worker_threads')).parentPort.postMessage('mounted');
  `;
  const worker = new Worker(temporaryFile(script, 'worker.mjs'));
  await once(worker, 'message');
  t.true(isMounted(dir));
  await worker.terminate();
  t.false(isMounted(dir));
});

mounted('a mount whose process was killed is told as such, with the cure', async (t) => {
  const { process: child, dir } = await serving();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const tree = new AdminTree(new FakeEngine());
  const error = t.throws(() => mountAdmin(tree, dir), { instanceOf: DamonError });
  t.like(error, { code: 'ERR_DAMON_MOUNT_STALE' });
  t.regex(error?.hint ?? '', /umount/);
  await ran('umount', dir);
});

test('a directory that is none is refused', (t) => {
  const tree = new AdminTree(new FakeEngine());
  for (const dir of [temporaryPath('none'), temporaryFile('', 'file')]) {
    const error = t.throws(() => mountAdmin(tree, dir), { instanceOf: DamonError });
    t.like(error, { code: 'ERR_DAMON_MOUNT_DIRECTORY' });
  }
});
