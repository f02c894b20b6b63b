// One build at a time in one checkout: a lock folder with its owner's process id inside.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a lock may stand without an owner: its maker died between two system calls. */
const OWNERLESS_MS = 5000;
const POLL_MS = 100;

/**
 * Runs `work` while holding the lock; waits for a live owner, takes over from a dead one.
 *
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @param {(owner: string) => void} [onWait] called once, when somebody else holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(folder, work, onWait = () => {}) {
  await acquire(folder, onWait);
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/**
 * @param {string} folder
 * @param {(owner: string) => void} onWait
 */
async function acquire(folder, onWait) {
  for (let waited = false; !tryToMake(folder);) {
    const owner = ownerOf(folder);
    if (isStale(folder, owner)) {
      takeAway(folder, owner);
      continue;
    }
    if (!waited && owner) {
      onWait(owner);
      waited = true;
    }
    await sleep(POLL_MS);
  }
}

/**
 * @param {string} folder
 * @returns {boolean}
 */
function tryToMake(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(folder, 'owner'), String(process.pid));
  return true;
}

/**
 * @param {string} folder
 * @returns {string} the owner's process id, or nothing when it is not written yet or all is gone
 */
function ownerOf(folder) {
  try {
    return readFileSync(join(folder, 'owner'), 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {string} folder
 * @param {string} owner
 * @returns {boolean}
 */
function isStale(folder, owner) {
  if (owner) return !isAlive(Number(owner));
  const made = statSync(folder, { throwIfNoEntry: false });
  return made !== undefined && Date.now() - made.mtimeMs > OWNERLESS_MS;
}

/**
 * @param {number} pid
 * @returns {boolean}
 */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Removes a stale lock. Of many that try, one wins the rename. Should a new owner have slipped in
 * since we looked, it is a live lock that we hold now, and it goes back.
 *
 * @param {string} folder
 * @param {string} staleOwner
 */
function takeAway(folder, staleOwner) {
  const aside = `${folder}.${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return; // Another one was faster.
  }
  if (ownerOf(aside) === staleOwner) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, folder);
}
