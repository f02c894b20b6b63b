import test from 'ava';

import { PRODUCER, liveOf, runModule } from '../support/live.ts';
import { MIB } from '../support/small.ts';

const OPEN = `
  const open = (more = {}) => new damon.LiveKdamond({
    regions: [{ start: 0, end: '1 GiB' }],
    attrs: { sampleUs: '1 ms', aggregationUs: '2 ms' },
    everyMs: 0,
    ...more,
  });
`;

test('a running monitor lets Node exit', (t) => {
  const { code, stdout, stderr } = runModule(`${OPEN}
    const live = open().start();
    globalThis.lane = live.lane();
    process.on('exit', () => console.log(live.state));
  `);
  t.is(code, 0, stderr);
  t.is(stdout, 'running\n');
});

test('a running monitor that is ref’d keeps Node alive until it is not', (t) => {
  const ended = (body: string) => {
    const { code, stdout, stderr } = runModule(`${OPEN}
      const live = open().start().ref();
      globalThis.lane = live.lane();
      // Fires only if something else keeps Node alive.
      setTimeout(() => { console.log('alive'); ${body} }, 50).unref();
    `);
    t.is(code, 0, stderr);
    t.is(stdout, 'alive\n');
  };
  ended('live.unref()');
  ended('live.close()');
  ended('live.stop()');
});

test('a snapshot that is awaited keeps Node alive, a stop does too', (t) => {
  const { code, stdout, stderr } = runModule(`${OPEN}
    const live = open({ everyMs: 50 }).start();
    globalThis.lane = live.lane();
    for await (const snapshot of live) { console.log('snapshot'); break; }
    await live.stop();
    console.log(live.state);
  `);
  t.is(code, 0, stderr);
  t.is(stdout, 'snapshot\nstopped\n');
});

test('waiting for a monitor that nobody started does not keep Node alive', (t) => {
  const { code, stdout } = runModule(`${OPEN}
    for await (const snapshot of open()) console.log('snapshot');
  `);
  t.is(code, 13, 'the code of an await that nothing ends');
  t.is(stdout, '');
});

test('exit in the middle of everything is an exit', (t) => {
  const { code, signal, stdout, stderr } = runModule(`${OPEN}
    import { Worker } from 'node:worker_threads';
    const lives = Array.from({ length: 4 }, () => open().start().ref());
    const lanes = lives.map((live) => live.lane());
    const { SharedProducer } = await import('${PRODUCER}');
    const shared = lives.map((live) => new SharedProducer(live.sharedLane()));
    const reading = lives.map(async (live) => { for await (const _ of live); });
    setInterval(() => [...lanes, ...shared].forEach((lane) => lane.report({ address: 0 })), 0);
    setTimeout(() => { lives[0].stop(); process.exit(7); }, 50);
  `);
  t.is(code, 7, `${signal} ${stderr}`);
  t.is(stdout, '');
});

test('a monitor that is forgotten is stopped, and says so once', (t) => {
  const { code, stdout, stderr } = runModule(
    `${OPEN}
    const tokens = [];
    process.on('warning', ({ code, message }) => tokens.push([code, message]));
    const forget = () => { const live = open().start(); live.lane().close(); return live.token; };
    const token = forget();
    {
      const closed = open().start();
      closed.close();
    }
    // Kept by the reader who waits, and by the wish to keep Node alive.
    void open().start().snapshots().next();
    (() => { const live = open().start().ref(); setTimeout(() => 0, 0); })();
    while (tokens.length === 0) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < 20; i++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(JSON.stringify(tokens.map(([code]) => code)), tokens[0][1].includes(token));
    try { damon.Lane.attach(token); } catch (error) { console.log(error.code); }
    process.exit(0);
  `,
    '--expose-gc',
  );
  t.is(code, 0, stderr);
  t.is(stdout, '["ERR_DAMON_FORGOTTEN"] true\nERR_DAMON_CLOSED\n');
});

test('a lane that is forgotten is closed, and says so while it is missed', (t) => {
  const { code, stdout, stderr } = runModule(
    `${OPEN}
    const told = [];
    process.on('warning', ({ code, message }) => told.push([code, message]));
    const live = open().start();
    const stopped = open().start();
    (() => { live.lane(); live.lane().close(); stopped.lane(); })();
    await stopped.stop();
    while (told.length === 0 || live.lanes.inUse.length > 0) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log(JSON.stringify(told.map(([code]) => code)), told[0][1].includes(live.token));
    live.close();
  `,
    '--expose-gc',
  );
  t.is(code, 0, stderr);
  t.is(stdout, '["ERR_DAMON_FORGOTTEN"] true\n');
});

test('memory stays flat over thousands of monitors, closed or forgotten', (t) => {
  const { code, stdout, stderr } = runModule(
    `${OPEN}
    process.removeAllListeners('warning');
    const turn = async (count) => {
      for (let i = 0; i < count; i++) {
        const live = open({ laneSlots: 16 });
        const lane = live.lane();
        lane.report({ address: 0 });
        live.sharedLane();
        if (i % 2 === 0) live.start();
        if (i % 4 < 2) live.close();
        if (i % 50 === 0) { globalThis.gc(); await new Promise((resolve) => setImmediate(resolve)); }
      }
      for (let i = 0; i < 5; i++) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().rss;
    };
    const warm = await turn(500);
    console.log(await turn(2000) - warm);
    process.exit(0);
  `,
    '--expose-gc',
    '--no-warnings',
  );
  t.is(code, 0, stderr);
  const grown = Number(stdout) / MIB;
  t.log(`${grown.toFixed(1)} MiB more`);
  t.assert(grown < 32);
});

test('lanes come and go without a trace', (t) => {
  const { code, stdout, stderr } = runModule(
    `${OPEN}
    const live = open({ highWaterMark: 1 }).start();
    const turn = async (count) => {
      for (let i = 0; i < count; i++) {
        const lane = live.lane();
        lane.report({ address: 0 });
        lane.close();
        if (i % 100 === 0) {
          while (live.lanes.inUse.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
          globalThis.gc();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      return process.memoryUsage().rss;
    };
    const warm = await turn(2000);
    console.log(await turn(10000) - warm);
    await live.stop();
    console.log(live.lanes.retired.queued);
  `,
    '--expose-gc',
  );
  t.is(code, 0, stderr);
  const [grown = NaN, queued] = stdout.split('\n').map(Number);
  t.log(`${(grown / MIB).toFixed(1)} MiB more`);
  t.assert(grown < 32 * MIB);
  t.is(queued, 12_000);
});

test('a monitor costs nothing to make and close in this process, too', (t) => {
  for (let i = 0; i < 200; i++) liveOf().start().close();
  t.pass();
});
