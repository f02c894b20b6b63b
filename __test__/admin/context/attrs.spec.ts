import test from 'ava';

import { CONTEXT, STATE, answers, contextShell } from '../tree-shell.ts';
import { type Case, built, refuses } from './built.ts';

test('an untouched context is the kernel default', async (t) => {
  t.deepEqual(await built('echo vaddr > operations'), {
    operations: 'vaddr',
    addrUnit: 1n,
    pause: false,
    attrs: {
      sampleUs: 5_000n,
      aggregationUs: 100_000n,
      opsUpdateUs: 60_000_000n,
      minNrRegions: 10n,
      maxNrRegions: 1_000n,
      intervalsGoal: { accessBp: 0n, aggrs: 0n, minSampleUs: 0n, maxSampleUs: 0n },
    },
    probes: [],
    targets: [],
    sample: { primitives: { pageTable: true, pageFault: false }, filters: [], perfEvents: [] },
    schemes: [],
  });
});

test('operations must be there', async (t) => {
  const { engine, tree } = await contextShell('echo paddr_ibs > operations');
  engine.operations = ['vaddr', 'paddr'];
  const error = await answers(t, 'EINVAL', () => tree.write(STATE, 'on'), `${CONTEXT}/operations`);
  t.is(error?.expected, 'one that is there: `vaddr` or `paddr`');
  t.is(error?.received, 'paddr_ibs');
  engine.operations = [];
  await answers(t, 'EINVAL', () => tree.write(STATE, 'on'), `${CONTEXT}/operations`);
  engine.operations = ['paddr_ibs'];
  await tree.write(STATE, 'on');
  t.is(engine.context.operations, 'paddr_ibs');
});

const I = 'monitoring_attrs/intervals';
const G = `${I}/intervals_goal`;
const N = 'monitoring_attrs/nr_regions';

test('attributes that do not go together are refused', async (t) => {
  const goal = `
    echo 4 > ${G}/aggrs
    echo 5000 > ${G}/min_sample_us
    echo 5000 > ${G}/max_sample_us
  `;
  const cases: readonly Case[] = [
    [`${N}/min`, `echo 2 > ${N}/min`],
    [`${N}/max`, `echo 9 > ${N}/max`],
    [`${I}/aggr_us`, `echo 4999 > ${I}/aggr_us`],
    [`${G}/min_sample_us`, `${goal} \n echo 5001 > ${G}/min_sample_us`],
    [`${I}/sample_us`, `${goal} \n echo 4999 > ${I}/sample_us`],
    [`${I}/sample_us`, `${goal} \n echo 5001 > ${I}/sample_us`],
    // The order of the checks.
    [`${N}/min`, `echo 2 > ${N}/min \n echo 1 > ${N}/max \n echo 0 > ${I}/aggr_us`],
    [`${N}/max`, `echo 9 > ${N}/max \n echo 0 > ${I}/aggr_us`],
    [`${I}/sample_us`, `${goal} \n echo 4 > ${I}/sample_us \n echo 0 > ${N}/min`],
    [
      `${G}/min_sample_us`,
      `${goal} \n echo 4 > ${G}/max_sample_us \n echo 6 > ${I}/sample_us \n echo 0 > ${N}/min`,
    ],
  ];
  for (const [path, script] of cases) await refuses(t, 'EINVAL', path, script);
});

test('attributes at their limits are taken', async (t) => {
  const { attrs } = await built(`
    echo 3 > ${N}/min
    echo 3 > ${N}/max
    echo 0 > ${I}/sample_us
    echo 0 > ${I}/aggr_us
    echo 0 > ${I}/update_us
    echo 9 > ${G}/min_sample_us
    echo 8 > ${G}/max_sample_us
  `);
  t.like(attrs, { minNrRegions: 3n, maxNrRegions: 3n, sampleUs: 0n, aggregationUs: 0n });
  // A goal of no aggregations is none, whatever else it holds.
  t.deepEqual(attrs.intervalsGoal, { accessBp: 0n, aggrs: 0n, minSampleUs: 9n, maxSampleUs: 8n });
  const tuned = await built(`
    echo 400 > ${G}/access_bp
    echo 3 > ${G}/aggrs
    echo 5000 > ${G}/min_sample_us
    echo 5000 > ${G}/max_sample_us
  `);
  t.deepEqual(tuned.attrs.intervalsGoal, {
    accessBp: 400n,
    aggrs: 3n,
    minSampleUs: 5_000n,
    maxSampleUs: 5_000n,
  });
});

/** Files of regions, one after the other. */
