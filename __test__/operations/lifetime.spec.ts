import test from 'ava';

import { exitOf, message, runModule, workerOf } from '../support/live.ts';

/** A monitor whose set answers as `check` does. */
const OPEN = `
  const open = (check) => new damon.Kdamond({
    source: { type: 'operations', set: {
      name: 'toy',
      addresses: 'physical',
      sees: 'access_checks',
      targets: () => [{ regions: [{ start: 0, end: '1 MiB' }] }],
      checkAccesses: check,
      apply: () => ({ appliedBytes: 0 }),
    } },
    attrs: { sampleUs: '5 ms', aggregationUs: '50 ms' },
  });
  const never = () => new Promise(() => {});
`;
/** The same in a worker, which loads the library by itself. */
const OPEN_THERE = `const library = await damon(); ${OPEN.replaceAll('damon.', 'library.')}`;

test('a run keeps Node alive, a monitor that does not run does not', (t) => {
  const { code, stdout, stderr } = runModule(`${OPEN}
    open(never);
    const kdamond = open(() => new Promise((done) => setTimeout(done, 2)));
    await kdamond.run({ untilMs: 100 });
    console.log('ran', kdamond.nowNs);
  `);
  t.is(code, 0, stderr);
  t.is(stdout, 'ran 100000000n\n');
});

test('a process can exit while a set is asked, and never answers', (t) => {
  const { code, stdout, stderr } = runModule(`${OPEN}
    void open(() => { setImmediate(() => process.exit(7)); return never(); }).run();
  `);
  t.is(code, 7, stderr);
  t.is(stdout + stderr, '');
});

test('a worker can be ended while a set is asked, and never answers', async (t) => {
  for (let i = 0; i < 5; i++) {
    const worker = workerOf(`${OPEN_THERE}
      const kdamond = open(() => { parentPort.postMessage('asked'); return never(); });
      await kdamond.run();
    `);
    t.is(await message(worker), 'asked');
    t.is(await worker.terminate(), 1);
  }
  const worker = workerOf(`${OPEN_THERE}
    const kdamond = open(() => { setImmediate(() => kdamond.close()); return never(); });
    await kdamond.run().catch(({ code }) => parentPort.postMessage(code));
  `);
  // Asked for before the message is awaited: both may come at once.
  const exited = exitOf(worker);
  t.is(await message(worker), 'ERR_DAMON_CLOSED');
  t.is(await exited, 0);
});

test('monitors that nobody closed are collected with what they ask', (t) => {
  const { code, stdout, stderr } = runModule(
    `${OPEN}
    let collected = 0;
    const registry = new FinalizationRegistry(() => (collected += 1));
    for (let i = 0; i < 20; i++) {
      const kdamond = open(() => {});
      registry.register(kdamond);
      await kdamond.run({ untilMs: 10 });
    }
    const end = performance.now() + 20_000;
    while (collected < 15 && performance.now() < end) {
      gc();
      await new Promise((done) => setTimeout(done, 10));
    }
    console.log(collected >= 15);
  `,
    '--expose-gc',
  );
  t.is(code, 0, stderr);
  t.is(stdout, 'true\n');
});
