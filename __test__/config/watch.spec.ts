import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import test from 'ava';

import { type WatchHooks, type Watched, watchFile } from '../../src/config/watch.ts';
import { temporaryFile, temporaryPath } from '../support/small.ts';

const BRIEF = { quietMs: 10, secondLookMs: 20 };

/** Watches a file, and changes it until the watching has begun. */
async function watching(
  path: string,
  { look, refused }: WatchHooks,
  patience = BRIEF,
): Promise<Watched> {
  const seen = new EventTarget();
  const begun = once(seen, 'look');
  let isBegun = false;
  const first = async (): Promise<void> => {
    isBegun = true;
    seen.dispatchEvent(new Event('look'));
  };
  const watched = watchFile(
    path,
    { look: async () => (isBegun ? look() : first()), refused },
    patience,
  );
  writeFileSync(path, 'begun');
  await begun;
  return watched;
}

test('a file that is refused while it is being written is not told of', async (t) => {
  const path = temporaryFile('', 'run.yaml');
  let looks = 0;
  let taken = (): void => undefined;
  const done = new Promise<void>((resolve) => (taken = resolve));
  const watched = await watching(path, {
    look: async () => {
      looks += 1;
      if (looks === 2) return taken();
      writeFileSync(path, 'all of it');
      throw new Error('half of it');
    },
    refused: (error) => t.fail(String(error)),
  });
  writeFileSync(path, 'half of');
  await done;
  await watched.stop();
  t.is(looks, 2);
});

test('what is still refused a moment later is told, once', async (t) => {
  const path = temporaryFile('', 'run.yaml');
  let looks = 0;
  let tell = (_error: unknown): void => undefined;
  const told = new Promise((resolve) => (tell = resolve));
  const watched = await watching(path, {
    look: async () => {
      looks += 1;
      throw new Error(`look ${looks}`);
    },
    refused: (error) => tell(error),
  });
  writeFileSync(path, 'a mistake');
  t.is(String(await told), 'Error: look 2');
  await watched.stop();
  t.is(looks, 2);
});

test('of a file that changes while it is looked at again, the look after that tells', async (t) => {
  const path = temporaryFile('', 'run.yaml');
  let looks = 0;
  let taken = (): void => undefined;
  const done = new Promise<void>((resolve) => (taken = resolve));
  const watched = await watching(path, {
    look: async () => {
      looks += 1;
      if (looks === 3) return taken();
      if (looks === 2) {
        writeFileSync(path, 'all of it');
        // Until whoever watches has been told.
        await setTimeout(100);
      }
      throw new Error('half of it');
    },
    refused: (error) => {
      taken();
      t.fail(String(error));
    },
  });
  writeFileSync(path, 'half of it');
  await done;
  await watched.stop();
  t.is(looks, 3);
});

test('a file that is replaced has changed; others in its folder are not meant', async (t) => {
  const path = temporaryFile('', 'run.yaml');
  let looks = 0;
  let seen = (): void => undefined;
  const looked = new Promise<void>((resolve) => (seen = resolve));
  const watched = await watching(path, {
    look: async () => {
      looks += 1;
      seen();
    },
    refused: (error) => t.fail(String(error)),
  });
  const other = temporaryPath('other.yaml');
  writeFileSync(other, 'all of it');
  renameSync(other, path);
  await looked;
  await watched.stop();
  t.is(looks, 1);
});

test('one that is stopped looks no more, not even a second time', async (t) => {
  const path = temporaryFile('', 'run.yaml');
  let looks = 0;
  let seen = (): void => undefined;
  const looked = new Promise<void>((resolve) => (seen = resolve));
  const watched = await watching(path, {
    look: async () => {
      looks += 1;
      seen();
      throw new Error('half of it');
    },
    refused: (error) => t.fail(String(error)),
  });
  writeFileSync(path, 'half of it');
  await looked;
  await watched.stop();
  writeFileSync(path, 'all of it');
  await watched.stop();
  t.is(looks, 1);
});
