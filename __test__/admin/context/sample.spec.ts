import test from 'ava';

import { type Case, built, refuses } from './built.ts';

const I = 'monitoring_attrs/intervals';
const P = 'monitoring_attrs/probes';

test('probes are taken with their preps and filters', async (t) => {
  const { probes } = await built(`
    echo 2 > ${P}/nr_probes
    echo 1 > ${P}/1/preps/nr_preps
    echo 2 > ${P}/1/filters/nr_filters
    echo memcg > ${P}/1/filters/1/type
    echo Y > ${P}/1/filters/1/allow
    echo /a/b > ${P}/1/filters/1/path
  `);
  t.deepEqual(probes, [
    { weight: 0, preps: [], filters: [] },
    {
      weight: 0,
      preps: ['set_pgidle'],
      filters: [
        { type: 'anon', matching: false, allow: false, path: '' },
        { type: 'memcg', matching: false, allow: true, path: '/a/b' },
      ],
    },
  ]);
  const unset = `
    echo 1 > ${P}/nr_probes
    echo 1 > ${P}/0/filters/nr_filters
    echo memcg > ${P}/0/filters/0/type
  `;
  await refuses(t, 'EINVAL', `${P}/0/filters/0/path`, unset);
});

test('weights of probes must fit the counters', async (t) => {
  const intervals = (sample: number, aggr: number): string => `
    echo ${sample} > ${I}/sample_us
    echo ${aggr} > ${I}/aggr_us
  `;
  const weights = (...list: number[]): string => `
    echo ${list.length} > ${P}/nr_probes
    ${list.map((weight, index) => `echo ${weight} > ${P}/${index}/weight`).join('\n')}
  `;
  // 2^32 - 1 = 255 * 16843009.
  const cases: readonly Case[] = [
    [`${I}/aggr_us`, intervals(100, 25_600) + weights(0, 1)],
    [`${I}/aggr_us`, intervals(0, 256) + weights(1)],
    [`${P}/0/weight`, intervals(100, 25_500) + weights(16_843_010)],
    [`${P}/1/weight`, intervals(100, 25_500) + weights(16_843_009, 1)],
    [`${P}/3/weight`, intervals(1, 1) + weights(4_294_967_293, 1, 1, 1)],
  ];
  for (const [path, script] of cases) await refuses(t, 'EINVAL', path, script);
  const taken = [
    intervals(100, 25_500) + weights(16_843_009, 0),
    intervals(100, 25_599) + weights(1),
    intervals(0, 255) + weights(1),
    // No samples in a window are counted as one.
    intervals(0, 0) + weights(4_294_967_295),
    intervals(1, 1) + weights(4_294_967_292, 1, 1, 1),
    // Without weights nothing is asked of them.
    intervals(100, 25_600) + weights(0, 0),
  ];
  for (const script of taken) t.truthy((await built(script)).probes.length, script);
});

const M = 'monitoring_attrs/sample';

test('sample control is taken as it is', async (t) => {
  const { sample } = await built(`
    echo N > ${M}/primitives/page_table
    echo Y > ${M}/primitives/page_fault
    echo 3 > ${M}/filters/nr_filters
    echo 4-5,0 > ${M}/filters/0/cpumask
    echo threads > ${M}/filters/1/type
    echo 9,8 > ${M}/filters/1/tid_arr
    echo Y > ${M}/filters/1/matching
    echo write > ${M}/filters/2/type
    echo Y > ${M}/filters/2/allow
    echo 2 > ${M}/perf_events/nr_perf_events
    echo 11 > ${M}/perf_events/0/type
    echo 0x20d1 > ${M}/perf_events/0/config
    echo 1 > ${M}/perf_events/0/config1
    echo 2 > ${M}/perf_events/0/config2
    echo 1 > ${M}/perf_events/0/sample_phys_addr
    echo 1 > ${M}/perf_events/0/sample_weight_struct
    echo 0 > ${M}/perf_events/0/freq
    echo 5003 > ${M}/perf_events/0/sample_freq
    echo 262144 > ${M}/perf_events/0/sample_period
    echo 3 > ${M}/perf_events/0/wakeup_events
    echo 7 > ${M}/perf_events/0/precise_ip
    echo 0 > ${M}/perf_events/0/exclude_kernel
    echo 0 > ${M}/perf_events/0/exclude_hv
  `);
  t.deepEqual(sample, {
    primitives: { pageTable: false, pageFault: true },
    filters: [
      { type: 'cpumask', matching: false, allow: false, cpus: [0, 4, 5] },
      { type: 'threads', matching: true, allow: false, tids: [9, 8] },
      { type: 'write', matching: false, allow: true },
    ],
    perfEvents: [
      {
        type: 11,
        config: 0x20d1n,
        config1: 1n,
        config2: 2n,
        samplePhysAddr: true,
        sampleWeightStruct: true,
        freq: false,
        sampleFreq: 5003n,
        samplePeriod: 262_144n,
        wakeupEvents: 3,
        preciseIp: 7,
        excludeKernel: false,
        excludeHv: false,
      },
      {
        type: 0,
        config: 0n,
        config1: 0n,
        config2: 0n,
        samplePhysAddr: false,
        sampleWeightStruct: false,
        freq: true,
        sampleFreq: 0n,
        samplePeriod: 0n,
        wakeupEvents: 1,
        preciseIp: 2,
        excludeKernel: true,
        excludeHv: true,
      },
    ],
  });
});

test('a sample filter about nothing is refused', async (t) => {
  const script = `echo 1 > ${M}/filters/nr_filters`;
  await refuses(t, 'EINVAL', `${M}/filters/0/cpumask`, script);
  await refuses(
    t,
    'EINVAL',
    `${M}/filters/0/tid_arr`,
    `${script} \n echo threads > ${M}/filters/0/type \n echo 1 > ${M}/filters/0/cpumask`,
  );
});

/** A scheme, and what the script writes in it. */
