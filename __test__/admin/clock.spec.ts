import test from 'ava';

import { SteppedClock, everyOfTheClock } from '../../src/admin/clock.ts';

test('the clock calls again and again until it is told not to', async (t) => {
  const calls = await new Promise<number>((resolve) => {
    let count = 0;
    // Holds the process, which the clock does not.
    const hold = setInterval(() => undefined, 1_000);
    const cancel = everyOfTheClock(1, () => {
      count++;
      if (count < 3) return;
      cancel();
      clearInterval(hold);
      setImmediate(() => resolve(count));
    });
  });
  t.is(calls, 3);
});

test('the longest refresh_ms is not taken for the shortest', (t) => {
  const real = globalThis.setInterval;
  const asked: unknown[] = [];
  // The runtime's timers take up to 2^31 - 1, and make 1 of anything longer.
  globalThis.setInterval = ((call: () => void, ms: number) => {
    asked.push(ms);
    return real(call, ms);
  }) as typeof setInterval;
  try {
    for (const ms of [1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) everyOfTheClock(ms, () => t.fail())();
  } finally {
    globalThis.setInterval = real;
  }
  t.deepEqual(asked, [1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1]);
});

test('stepped time has calls come when they are due, and waits for them', async (t) => {
  const clock = new SteppedClock();
  const seen: string[] = [];
  const pass = async (ms: number): Promise<void> => void seen.push(`${ms}`);
  const late = (name: string) => async (): Promise<void> => {
    await new Promise((done) => setImmediate(done));
    seen.push(name);
  };
  const cancel = clock.every(30, late('a'));
  clock.every(50, late('b'));
  await clock.step(70, pass);
  cancel();
  await clock.step(30, pass);
  t.deepEqual(seen, ['30', 'a', '20', 'b', '10', 'a', '10', '30', 'b']);
});
