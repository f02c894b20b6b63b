import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import { LiveKdamond } from '../../src/live/live-kdamond.ts';
import { libraryPath } from '../../src/native/binding.ts';
import { balance } from '../../src/report/record.ts';

interface Counts {
  offered: number;
  queued: number;
  full: number;
  nested: number;
  closed: number;
}

/** What examples/c/sampler.c exports. */
interface Sampler {
  start(token: string, path: string, reports: number): void;
  join(): { loop: Counts; handler: Counts };
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Where the sampler's loop and its handler walk, and where nobody does. */
const LOOP = { start: GIB, end: GIB + 64 * MIB };
const HANDLER = { start: 2 * GIB, end: 2 * GIB + 64 * MIB };
const NOWHERE = { start: 3 * GIB, end: 3 * GIB + 64 * MIB };

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
if (!hasCompiler) console.warn('no C compiler `cc` here: examples/c is neither built nor run');
// One at a time: there is one sampler in a process.
const withCompiler = hasCompiler ? test.serial : test.serial.skip;

const folder = mkdtempSync(join(tmpdir(), 'node-damon-capi-'));
test.after.always(() => rmSync(folder, { recursive: true }));

let built: Sampler | undefined;

/** Builds it as its README says, and lets no warning pass. */
function sampler(): Sampler {
  if (built) return built;
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const flags = '-std=c11 -O2 -Wall -Wextra -Werror -shared -fPIC'.split(' ');
  const output = join(folder, 'sampler.node');
  const files = ['-I', path('crates/capi/include'), '-o', output, path('examples/c/sampler.c')];
  execFileSync('cc', [...flags, ...files]);
  built = createRequire(import.meta.url)(output) as Sampler;
  return built;
}

function addon(): string {
  const path = libraryPath();
  if (path === undefined) throw new Error('the addon does not know where it lies');
  return path;
}

function monitor(t: ExecutionContext): LiveKdamond {
  const live = new LiveKdamond({
    regions: [LOOP, HANDLER, NOWHERE],
    everyMs: 100,
    laneSlots: 65_536,
    highWaterMark: 10_000,
  });
  t.teardown(() => live.close());
  return live.start();
}

/** Asserts that the monitor counted, and credited, what C counted. */
function agree(t: ExecutionContext, live: LiveKdamond, ...contexts: Counts[]): void {
  const sum = (name: keyof Counts) => contexts.reduce((total, counts) => total + counts[name], 0);
  for (const { offered, queued, full, nested, closed } of contexts) {
    t.is(offered, queued + full + nested + closed, 'none was refused');
  }
  const { books } = live;
  for (const { equation, offBy } of balance(books)) t.is(offBy, 0n, equation.name);
  t.like(books.counters, {
    lanes: {
      offered: sum('offered'),
      queued: sum('queued'),
      droppedFull: sum('full'),
      droppedNested: sum('nested'),
      droppedClosed: sum('closed'),
      drained: sum('queued'),
    },
    drain: { credited: sum('queued') },
  });
}

/** Adds up the reports that all snapshots credit to each range. */
async function hitsOf(live: LiveKdamond) {
  const hits = { loop: 0, handler: 0, nowhere: 0 };
  for await (const snapshot of live) {
    for (const [i, start] of snapshot.starts.entries()) {
      const name = start < HANDLER.start ? 'loop' : start < NOWHERE.start ? 'handler' : 'nowhere';
      hits[name] += snapshot.hits[i] ?? 0;
    }
  }
  return hits;
}

withCompiler('a C thread and its signal handler report past Node, to the report', async (t) => {
  const live = monitor(t);
  const c = sampler();
  c.start(live.token, addon(), 3_000_000);
  const { loop, handler } = c.join();
  await live.stop();

  agree(t, live, loop, handler);
  t.is(loop.offered, 3_000_000);
  t.true(loop.queued > 0);
  t.is(loop.nested, 0, 'the loop interrupts nobody');
  t.true(handler.offered > 0, 'the timer fired');
  t.log('the handler:', handler);
  const expected = { loop: loop.queued, handler: handler.queued, nowhere: 0 };
  t.deepEqual(await hitsOf(live), expected, 'each is credited where it was made');
});

withCompiler('a monitor that stops under a sampler counts what comes too late', async (t) => {
  const live = monitor(t);
  const c = sampler();
  // Of which a second's worth is left when it stops.
  c.start(live.token, addon(), 20_000_000);
  while (!live.lanes.inUse.some(({ counters }) => counters.queued > 0)) await sleep(5);
  await live.stop();
  const { loop, handler } = c.join();

  agree(t, live, loop, handler);
  t.true(loop.closed > 0);
});

withCompiler('what a sampler cannot start on is said', (t) => {
  const live = monitor(t);
  const c = sampler();
  t.throws(() => c.start(live.token, '/nowhere/addon.node', 1), { message: /not loaded/ });
  t.throws(() => c.join(), { message: /not running/ });
  c.start('damon', addon(), 1);
  t.throws(() => c.join(), { message: /^Expected a token/ });
  live.close();
  c.start(live.token, addon(), 1);
  t.throws(() => c.join(), { message: /^No monitor of this token/ });
});
