import test from 'ava';
import fc from 'fast-check';

import { native } from '../../src/native/binding.ts';
import { RoundLog } from '../../src/report/round-log.ts';
import type { Round } from '../../src/report/round.ts';

const { RoundColumn, ROUND_WIDTH } = native();

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const share = fc.record({ regions: count, bytes: count });
const round = fc.record({
  timeNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  tick: count,
  scheme: count,
  opened: fc.boolean(),
  effectiveSzBytes: count,
  chargedBefore: count,
  chargedAfter: count,
  scoreMin: count,
  elapsedNs: count,
  tried: share,
  applied: share,
  opsPassedBytes: count,
  noMatch: share,
  lowScore: share,
  filtered: share,
  quotaFull: share,
  servedBefore: share,
  snapshotsDone: share,
});

/** Each number goes to the column of its name. */
function columnsOf(rounds: readonly Round[]): { times: BigUint64Array; numbers: Float64Array } {
  const numbers = new Float64Array(rounds.length * ROUND_WIDTH).fill(NaN);
  for (const [row, { timeNs: _time, ...named }] of rounds.entries()) {
    const put = (name: string, value: number): void => {
      const column = `${name[0]?.toUpperCase()}${name.slice(1)}` as keyof typeof RoundColumn;
      numbers[row * ROUND_WIDTH + RoundColumn[column]] = value;
    };
    for (const [key, value] of Object.entries(named)) {
      if (typeof value === 'object') {
        put(`${key}Regions`, value.regions);
        put(`${key}Bytes`, value.bytes);
      } else put(key, Number(value));
    }
  }
  return { times: BigUint64Array.from(rounds, ({ timeNs }) => timeNs), numbers };
}

test('each column of a row has a name, and there are no others', (t) => {
  t.deepEqual(
    Object.values(RoundColumn),
    Array.from({ length: ROUND_WIDTH }, (_, i) => i),
  );
});

test('the log gives back the newest as they came, and counts what had to make room', (t) => {
  const batches = fc.array(fc.array(round, { maxLength: 90 }), { maxLength: 6 });
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 200 }), count, (all, limit, before) => {
      const log = new RoundLog(limit, { RoundColumn, ROUND_WIDTH });
      const added = [];
      for (const batch of all) {
        log.add(columnsOf(batch));
        added.push(...batch);
        const kept = added.slice(-limit);
        t.deepEqual(log.since(0), kept);
        const taken = before % (added.length + 1);
        t.deepEqual(log.since(taken), added.slice(Math.max(taken, added.length - limit)));
        t.deepEqual([log.total, log.dropped], [added.length, added.length - kept.length]);
      }
    }),
    { numRuns: 40 },
  );
});
