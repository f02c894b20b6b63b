import test from 'ava';
import fc from 'fast-check';

import { RoundLog } from '../../src/report/round-log.ts';

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const share = fc.record({ regions: count, bytes: count });
/** No two columns are the same, so that none is read as another. */
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

test('the log gives back the newest as they came, and counts what had to make room', (t) => {
  const batches = fc.array(fc.array(round, { maxLength: 90 }), { maxLength: 6 });
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 200 }), count, (all, limit, before) => {
      const log = new RoundLog(limit);
      const added = [];
      for (const batch of all) {
        log.add(batch);
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
