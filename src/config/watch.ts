/**
 * A configuration file that may change: read again once nobody writes to it any more.
 *
 * Not here: what is done with it. Nobody can tell a half-written file from one with a mistake, so a
 * file that is refused is looked at once more before anybody hears of it.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** How long to wait, in milliseconds. */
export interface WatchPatience {
  /** After a change, for the next: editors write a file in several steps. */
  readonly quietMs: number;
  /** After a refusal, for the rest of the file. */
  readonly secondLookMs: number;
}

/** What to do about a file that has changed. */
export interface WatchHooks {
  /** Reads it and goes on by it; rejects where it is refused. One look at a time. */
  readonly look: () => Promise<void>;
  /** Called with what the second look in a row at the same file rejected with. */
  readonly refused: (error: unknown) => void;
}

/** A file that is watched. */
export interface Watched {
  /** Ends it, and waits for a look in progress. */
  readonly stop: () => Promise<void>;
}

const PATIENCE: WatchPatience = { quietMs: 200, secondLookMs: 800 };

/** Looks at a file whenever it has changed. */
export function watchFile(
  path: string,
  { look, refused }: WatchHooks,
  { quietMs, secondLookMs }: WatchPatience = PATIENCE,
): Watched {
  let timer: NodeJS.Timeout | undefined;
  let looks = Promise.resolve();
  let changes = 0;
  const lookOnce = async (onRefusal: (error: unknown) => void): Promise<void> => {
    const seen = changes;
    try {
      await look();
    } catch (error) {
      // Of a file that has changed meanwhile, a look to come will tell.
      if (changes === seen) onRefusal(error);
    }
  };
  const lookIn = (ms: number, onRefusal: (error: unknown) => void): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      looks = looks.then(async () => lookOnce(onRefusal));
    }, ms);
  };
  // The folder, since editors replace the file.
  const watcher: FSWatcher = watch(dirname(path), (_event, name) => {
    if (name !== basename(path)) return;
    changes += 1;
    lookIn(quietMs, () => lookIn(secondLookMs, refused));
  });
  return {
    stop: async () => {
      watcher.close();
      clearTimeout(timer);
      await looks;
      clearTimeout(timer);
    },
  };
}
