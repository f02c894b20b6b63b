import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../../src/errors.ts';
import { PUBLISHED } from '../../../src/job/demo.ts';
import { type Controller, CONTROLLERS, runLoop } from '../../../src/job/study/loop.ts';
import type { LoopRun } from '../../../src/report/study.ts';
import { smallLoop } from '../../support/loop.ts';
import { holds } from '../../support/property.ts';

const held = (controller: Controller, weights: readonly number[], seconds: number) =>
  runLoop(smallLoop(weights, seconds, { controller }), { seed: 1 });

/** Largest miss of any node in any second from the end of the ramp on, as the machine knows it. */
function worst({ trueShares, nodes, fromSecond, rampSeconds }: LoopRun, grace = 2): number {
  const misses = trueShares.flatMap((series, node) =>
    Array.from(series.subarray(fromSecond + (rampSeconds ?? Infinity) + grace), (share) =>
      Math.abs(share - (nodes[node]?.target ?? NaN)),
    ),
  );
  return misses.length === 0 ? NaN : Math.max(...misses);
}

test('temporal goes up and down by a size quota for ever', async (t) => {
  const run = await held('temporal', [7, 3], 60);
  // 20 points, less the last step, at 1/64 a second.
  t.deepEqual([run.rampSeconds, run.leastRampSeconds], [12, 12]);
  t.assert(Math.abs(run.nodes[0]?.offset ?? NaN) < 1, `${run.nodes[0]?.offset}`);
  const stddev = run.nodes[0]?.stddev ?? NaN;
  t.assert(0.6 < stddev && stddev < 1.2, `${stddev}`);
  const perSecond = (run.movedAfterRamp ?? 0) / run.settledSeconds;
  t.assert(perSecond > 0.9 * 2 ** 21, `${perSecond}`);
  t.deepEqual(run.unbalanced, []);
});

/**
 * Standard deviation, in steps, of a share that goes a whole step towards its target in each window, by
 * which side it was on so many windows ago.
 */
function idealSpread(windowsAgo: number, start: number): number {
  const shares = Array.from({ length: windowsAgo + 1 }, () => start);
  for (let window = 0; window < 1_000; window++) {
    const read = shares.at(-1 - windowsAgo) ?? NaN;
    shares.push((shares.at(-1) ?? NaN) + (read < 0 ? 1 : -1));
  }
  // Whole cycles: of two windows without a delay, of six with one.
  const settled = shares.slice(-600);
  const mean = settled.reduce((sum, share) => sum + share, 0) / settled.length;
  return Math.sqrt(settled.reduce((sum, share) => sum + (share - mean) ** 2, 0) / settled.length);
}

test('temporal spreads as a cycle of two points a quota apart does, wherever it starts', async (t) => {
  const start = fc.double({ min: -30, max: -0.1, noNaN: true });
  holds(t, [start], (from) => Math.abs(idealSpread(0, from) - 1 / 2) < 1e-9);
  // One that acts upon what it read a window before goes through six: -3/2, -1/2 twice, 1/2 twice, 3/2.
  holds(t, [start], (from) => Math.abs(idealSpread(1, from) - Math.sqrt(11 / 12)) < 1e-9);
  const stepPercent = 100 / 64;
  const run = await held('temporal', [7, 3], 60);
  const { stddev, samples } = run.nodes[0] ?? {};
  // Of a sample.
  const expected = (stepPercent / 2) * Math.sqrt((samples ?? NaN) / ((samples ?? NaN) - 1));
  t.assert(Math.abs((stddev ?? NaN) - expected) < 0.1 * stepPercent, `${stddev} for ${expected}`);
  // What was published for 30 % is of neither kind.
  const [, published = { stddev: NaN }] = PUBLISHED;
  t.assert(1.6 * expected < published.stddev && published.stddev < 0.9 * stepPercent);
});

for (const controller of ['proportional', 'user_input'] as const) {
  test(`${controller} reaches the target as fast, stays there, and then rests`, async (t) => {
    const run = await held(controller, [7, 3], 60);
    const { rampSeconds, leastRampSeconds } = run;
    t.assert((rampSeconds ?? NaN) <= 1.15 * leastRampSeconds, `${rampSeconds}`);
    t.assert(worst(run) < 0.5, `${worst(run)}`);
    // The last step of the ramp is the only one.
    t.assert((run.movedAfterRamp ?? NaN) <= 3 * 2 ** 21, `${run.movedAfterRamp}`);
    t.deepEqual(run.unbalanced, []);
  });

  test(`${controller} brings 5:3:2 over three nodes within half a point`, async (t) => {
    const run = await held(controller, [5, 3, 2], 40);
    t.is(run.nodes.length, 3);
    t.deepEqual(
      run.nodes.map(({ target }) => target),
      [50, 30, 20],
    );
    t.assert(worst(run) < 0.5, `${worst(run)}`);
    // Node 2 has 13.3 points too many, all for node 0, and is there with the last step to go.
    t.is(run.leastRampSeconds, 8);
    t.assert((run.rampSeconds ?? NaN) <= 9, `${run.rampSeconds}`);
  });

  test(`${controller} serves all destinations of a source in the same window`, async (t) => {
    // Node 0 has 15 points too many, for nodes 2 and 3: a step to each in a second.
    const run = await held(controller, [1, 2, 3, 4], 20);
    t.is(run.leastRampSeconds, 6);
    t.assert((run.rampSeconds ?? NaN) <= 8, `${run.rampSeconds}`);
    t.assert(worst(run) < 0.5, `${worst(run)}`);
  });

  test(`${controller} follows a live change`, async (t) => {
    const steps = [
      { weights: [6, 4], seconds: 15 },
      { weights: [55, 45], seconds: 20 },
    ];
    const run = await runLoop(smallLoop([6, 4], 0, { controller, steps }), { seed: 2 });
    t.is(run.fromSecond, 15);
    t.is(run.nodes[0]?.target, 55);
    t.assert(Math.abs((run.trueShares[0]?.[13] ?? NaN) - 60) < 0.5);
    t.assert(Math.abs((run.trueShares[0]?.at(-1) ?? NaN) - 55) < 0.5);
  });
}

test('user space, which only commits size quotas and user_input goals, matches the tuner', async (t) => {
  const [tuner, user] = [
    await held('proportional', [7, 3], 40),
    await held('user_input', [7, 3], 40),
  ];
  // User space commits after a window what the tuner decides when it opens: a window behind at first.
  t.assert(Math.abs((tuner.rampSeconds ?? NaN) - (user.rampSeconds ?? NaN)) <= 1);
  for (const { trueShares } of [tuner, user]) {
    t.assert(Math.abs((trueShares[0]?.at(-1) ?? NaN) - 70) < 0.25);
  }
});

test('a run on its own thread gives the bytes of one on the pool', async (t) => {
  for (const controller of CONTROLLERS) {
    const loop = smallLoop([6, 4], 8, { controller });
    const [pool, here] = [
      await runLoop(loop, { seed: 3 }),
      await runLoop(loop, { seed: 3, onThisThread: true }),
    ];
    t.deepEqual(pool, here, controller);
  }
});

test('windows shorter or longer than a second are read all the same', async (t) => {
  for (const resetIntervalMs of ['500 ms', '2 s']) {
    const loop = smallLoop([7, 3], 30, { resetIntervalMs, controller: 'proportional' });
    const run = await runLoop(loop, { seed: 1 });
    t.assert(Math.abs((run.trueShares[0]?.findLast(Number.isFinite) ?? NaN) - 70) < 0.5);
    t.is(run.leastRampSeconds, resetIntervalMs === '2 s' ? 24 : 6);
  }
});

test('progress is told in simulated seconds, and a signal ends a run with its reason', async (t) => {
  const seconds: number[] = [];
  await runLoop(smallLoop([6, 4], 3), { seed: 1, onProgress: (second) => seconds.push(second) });
  t.deepEqual(seconds, [1, 2, 3]);
  const stop = new AbortController();
  const run = runLoop(smallLoop([6, 4], 60), {
    seed: 1,
    onProgress: () => stop.abort('enough'),
    signal: stop.signal,
  });
  t.is(await run.catch((reason: unknown) => reason), 'enough');
});

test('a loop that cannot be is refused before it runs', async (t) => {
  const refused = async (more: Parameters<typeof smallLoop>[2]) =>
    (
      await t.throwsAsync(runLoop(smallLoop([7, 3], 5, more), { seed: 1 }), {
        instanceOf: DamonError,
      })
    )?.code;
  t.is(await refused({ steps: [{ weights: [1], seconds: 5 }] }), 'ERR_DAMON_CONFIG_SHARES');
  t.is(await refused({ szBytes: '1 parsec' }), 'ERR_DAMON_CONFIG_UNIT');
  t.is(await refused({ attrs: { minNrRegions: 1 } }), 'ERR_DAMON_CONFIG');
});
