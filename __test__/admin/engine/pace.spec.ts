import test from 'ava';

import { beats } from '../../../src/admin/engine/pace.ts';

/** A clock whose sleeps take as long as they are told to, or longer. */
function clock(late: readonly number[]): { now(): number; sleep(ms: number): Promise<void> } {
  let [now, sleeps] = [1_000, 0];
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms + (late[sleeps] ?? 0);
      sleeps += 1;
    },
  };
}

async function first(count: number, beat: AsyncIterable<bigint>): Promise<bigint[]> {
  const due: bigint[] = [];
  for await (const ns of beat) if (due.push(ns) === count) break;
  return due;
}

test('what has passed becomes due, times the speed', async (t) => {
  t.deepEqual(await first(3, beats(1, clock([0, 5]))), [10_000_000n, 15_000_000n, 10_000_000n]);
  t.deepEqual(await first(1, beats(0.5, clock([]))), [5_000_000n]);
});

test('who was away for long does not catch up in a burst', async (t) => {
  t.deepEqual(await first(2, beats(100, clock([60_000]))), [25_000_000_000n, 1_000_000_000n]);
});
