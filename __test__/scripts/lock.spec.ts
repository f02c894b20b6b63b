import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import { withLock } from '../../scripts/lock.mjs';

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'node-damon-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the lock is gone after the work, also after work that fails', async (t) => {
  const lock = join(scratch(t), 'lock');
  t.is(await withLock(lock, async () => existsSync(lock)), true);
  t.false(existsSync(lock));
  await t.throwsAsync(
    withLock(lock, async () => {
      throw new Error('no');
    }),
    { message: 'no' },
  );
  t.false(existsSync(lock));
});

test('a lock whose owner has died is taken over', async (t) => {
  const lock = join(scratch(t), 'lock');
  const { pid } = spawnSync(process.execPath, ['--version']);
  mkdirSync(lock);
  writeFileSync(join(lock, 'owner'), String(pid));
  t.is(await withLock(lock, async () => 'done'), 'done');
});

test('a lock that nobody came to own is taken over once it is old', async (t) => {
  const lock = join(scratch(t), 'lock');
  mkdirSync(lock);
  utimesSync(lock, 1, 1);
  t.is(await withLock(lock, async () => 'done'), 'done');
});

test('processes that start at once, before a stale lock, work one after the other', async (t) => {
  const folder = scratch(t);
  const lock = join(folder, 'lock');
  mkdirSync(lock);
  writeFileSync(join(lock, 'owner'), '999999999');
  // Each reads the count, dawdles, and writes it back: any two at once lose one.
  const script = `
    import { existsSync, readFileSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { withLock } from '${pathToFileURL('scripts/lock.mjs').href}';
    const count = process.argv[1] + '/count';
    await withLock(process.argv[1] + '/lock', async () => {
      const n = existsSync(count) ? Number(readFileSync(count, 'utf8')) : 0;
      await sleep(20);
      writeFileSync(count, String(n + 1));
    });`;
  const workers = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', script, folder], {
      stdio: 'inherit',
    }),
  );
  const codes = await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.on('close', resolve))),
  );
  t.deepEqual(codes, [0, 0, 0, 0, 0, 0]);
  t.is(readFileSync(join(folder, 'count'), 'utf8'), '6');
  t.false(existsSync(lock));
});
