import test from 'ava';

import { DamonError, Kdamond, recordedWorkload } from '../../src/index.ts';
import { MIB, SMALL, collect, recordingOf, row } from '../support/small.ts';

/** Two seconds: in the first, 1 MiB at 2 MiB is touched, in the second 1 MiB at 34 MiB, thrice. */
function recording(): string {
  const lines = Array.from({ length: 40_000 }, (_, i) => {
    const page = (i * 61) % 256;
    const base = i < 10_000 ? 2 * MIB : 34 * MIB;
    const timeNs = i < 10_000 ? i * 1e5 : 1e9 + Math.floor(((i - 10_000) / 30_000) * 1e9);
    return row(timeNs, i % 2, base + page * 4096);
  });
  return recordingOf(lines);
}

async function snapshotsOf(path: string) {
  using kdamond = new Kdamond({
    source: { type: 'recording', path },
    attrs: { minNrRegions: 200, maxNrRegions: 400 },
  });
  return await collect(kdamond.snapshots());
}

test('what a recording touched, the machine touches, phase by phase', async (t) => {
  const workload = recordedWorkload(await snapshotsOf(recording()));
  const [process] = workload.processes;
  t.true((process?.phases.length ?? 0) >= 2);
  using kdamond = new Kdamond({
    source: { ...SMALL, workload, sampler: { type: 'ibs_op', period: 65_536 } },
    operations: 'fvaddr',
    attrs: { minNrRegions: 200, maxNrRegions: 400 },
    everyMs: '1 s',
  });
  const seen = await collect(kdamond.snapshots({ untilMs: '2 s' }));
  t.is(seen.length, 2);
  t.true((kdamond.throughput?.processes[0]?.ops ?? 0) > 1e9);
  // The second phase is about other memory than the first.
  const [first, second] = process?.phases ?? [];
  const areasOf = (phase: typeof first) => new Set(phase?.lines.map(({ area }) => area));
  t.deepEqual(
    [...areasOf(first)].filter((area) => areasOf(second).has(area)),
    [],
  );
});

test('lines lie within their areas, and shares are those of the hits', async (t) => {
  const snapshots = await snapshotsOf(recording());
  for (const pageSize of ['4 KiB', '2 MiB'] as const) {
    const [process] = recordedWorkload(snapshots, { pageSize, storeShare: 0 }).processes;
    const sizes = new Map(process?.areas.map(({ name, bytes }) => [name, Number(bytes)]));
    for (const [i, { lines }] of (process?.phases ?? []).entries()) {
      for (const { area, pattern } of lines) {
        if (pattern.type !== 'hot_set') return t.fail();
        const end = Number(pattern.offsetBytes) + Number(pattern.hotBytes);
        t.true(end <= (sizes.get(area) ?? 0));
      }
      const weights = lines.reduce((sum, { weight = 0 }) => sum + weight, 0);
      const hits = snapshots[i]?.hits.reduce((sum, count) => sum + count, 0) ?? 0;
      t.true(weights > 0.9 * hits && weights <= hits, `${weights} of ${hits}`);
    }
  }
});

test('a recording without accesses is no workload', (t) => {
  const error = t.throws(() => recordedWorkload([]), { instanceOf: DamonError });
  t.is(error?.code, 'ERR_DAMON_CONFIG_WORKLOAD');
  t.is(error?.path, 'snapshots');
});
