/**
 * Two regimes of tiered memory: to fit what is hot into a capped DRAM, and to use the bandwidth of
 * both nodes at once.
 *
 * In the first, DRAM is to stay free by more and more. In the second, all memory is alike and the
 * workload waits for bandwidth: throughput by the share that lies on DRAM, as pages are spread once
 * and for all, and as a loop finds it that sees nothing but throughput. 72 + 26 GB/s is the machine on
 * which 3:1 was measured to bring 1.35 ×; `samplers.md` 7.4. In both, `migrate_cold` keeps DRAM free.
 */
import type { EmulationOptions } from '../../machine/machine.ts';
import type { PlacementRecord } from '../../report/placement.ts';
import { pullPush } from '../../scheme/pull-push.ts';
import type { SchemeOptions } from '../../scheme/scheme.ts';
import type { StudyRunOptions } from './study.ts';
import {
  FREE_PERCENT,
  LEAD_SECONDS,
  MANY_REGIONS,
  NO_SAMPLER,
  type PlacementCaseOptions,
  TIERING_MACHINE,
  chosen,
  judgedSeconds,
  placementStudy,
  tieringMachine,
  tieringSchemes,
} from './tiering.ts';

/** All regimes. */
export const REGIME_NAMES = ['tiering', 'bandwidth'] as const;

/** A regime. */
export type RegimeName = (typeof REGIME_NAMES)[number];

/** Which regimes, for how long. */
export interface RegimesOptions extends StudyRunOptions {
  /** @default both */
  readonly regimes?: readonly RegimeName[];
  /** Simulated seconds that are judged. From 2. @default 20 */
  readonly seconds?: number;
  /** Simulated seconds of the search for the best share before that. From 2. @default 100 */
  readonly searchSeconds?: number;
}

const TIERING = 'tiering to a cap';
const BANDWIDTH = 'bandwidth interleaving';
const UNTIERED = 'no schemes';
const DRAM_ONLY = 'DRAM only';

/** Of DRAM, while bandwidth is shared: more than is free at the best share, unless what is idle goes. */
const SPREAD_FREE_PERCENT = 30;
const FREE_PERCENTS = [FREE_PERCENT, 30, 50];
const WEIGHTS = [
  [9, 1],
  [4, 1],
  [3, 1],
  [2, 1],
  [1, 1],
] as const;

const FAST = { id: 0, start: 0, end: '12 GiB' } as const;
const SLOW = { id: 1, start: '12 GiB', end: '24 GiB' } as const;
const CPUS = 64;
/** Pages that are spread once are where they are at once. */
const STATIC_LEAD_SECONDS = 2;

const MACHINES: Readonly<Record<RegimeName, readonly string[]>> = {
  tiering: TIERING_MACHINE,
  bandwidth: [
    `${BANDWIDTH}: DRAM 12 GiB at 72 GB/s`,
    'CXL 12 GiB at 26 GB/s',
    `${CPUS} CPUs, 8 GiB touched evenly, beside 3 GiB idle`,
    `the loop keeps ${SPREAD_FREE_PERCENT} % of DRAM free`,
  ],
};

/**
 * Runs both regimes.
 *
 * @example
 * ```ts
 * import { regimes } from 'node-damon';
 *
 * const { cases } = await regimes({ regimes: ['tiering'], seconds: 2 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export async function regimes(options: RegimesOptions = {}): Promise<PlacementRecord> {
  const { regimes: wanted = REGIME_NAMES, seconds = 20, searchSeconds = 100, ...how } = options;
  const names = chosen('regimes', REGIME_NAMES, wanted);
  const judged = judgedSeconds(seconds);
  const search = judgedSeconds(searchSeconds, 'searchSeconds');
  const cases = { tiering: () => tiering(judged), bandwidth: () => bandwidth(judged, search) };
  return placementStudy({
    ...how,
    title: 'Two regimes: a capped DRAM, and the bandwidth of both nodes',
    machine: names.flatMap((name) => MACHINES[name]),
    cases: names.flatMap((name) => cases[name]()),
    baselines: { [TIERING]: UNTIERED, [BANDWIDTH]: DRAM_ONLY },
  });
}

function tiering(seconds: number): PlacementCaseOptions[] {
  const source = tieringMachine({ type: 'ibs_op' });
  const stretch = { seconds: LEAD_SECONDS + seconds, fromSecond: LEAD_SECONDS };
  return [
    {
      name: UNTIERED,
      group: TIERING,
      placement: { source: tieringMachine(NO_SAMPLER), operations: 'paddr', ...stretch },
    },
    ...FREE_PERCENTS.map((freePercent) => ({
      name: `${freePercent} % of DRAM free`,
      group: TIERING,
      placement: {
        source,
        attrs: MANY_REGIONS,
        schemes: tieringSchemes({ freePercent }),
        ...stretch,
      },
    })),
  ];
}

function bandwidth(seconds: number, searchSeconds: number): PlacementCaseOptions[] {
  const once = (name: string, placement: Placement): PlacementCaseOptions => ({
    name,
    group: BANDWIDTH,
    placement: {
      source: { ...bandwidthMachine(placement), sampler: NO_SAMPLER },
      operations: 'paddr',
      seconds: STATIC_LEAD_SECONDS + seconds,
      fromSecond: STATIC_LEAD_SECONDS,
    },
  });
  return [
    once(DRAM_ONLY, { preferred: 0 }),
    ...WEIGHTS.map((weights) => once(weights.join(':'), { interleave: weights })),
    {
      name: 'found by the loop',
      group: BANDWIDTH,
      placement: {
        source: bandwidthMachine({ preferred: 0 }),
        attrs: MANY_REGIONS,
        schemes: bandwidthSchemes(),
        seconds: searchSeconds + seconds,
        fromSecond: searchSeconds,
        search: { startBp: START_BP, stepBp: -1_000, leastStepBp: 100, everySeconds: 5 },
      },
    },
  ];
}

type Placement = { readonly preferred: number } | { readonly interleave: readonly number[] };

/** Nearly all of it on DRAM: that is where it lies at first. */
const START_BP = 9_500;

function bandwidthMachine(placement: Placement): EmulationOptions {
  const areas = [
    { name: 'idle', bytes: '3 GiB', placement: { preferred: 0 } },
    { name: 'memory', bytes: '8 GiB', placement },
  ];
  // Of each line one access, and many on their way at once: it waits for bandwidth, not for latency.
  const pattern = { type: 'hot_set', hotBytes: '8 GiB', hotShare: 1 } as const;
  const phases = [{ lines: [{ area: 'memory', pattern, reuse: 1, parallelism: 16 }] }];
  return {
    type: 'emulation',
    nodes: [
      { name: 'DRAM', start: FAST.start, end: FAST.end, bandwidthBytesPerS: 72e9 },
      { name: 'CXL', start: SLOW.start, end: SLOW.end, kind: 'cxl', bandwidthBytesPerS: 26e9 },
    ],
    processor: { cpus: CPUS },
    workload: { type: 'processes', processes: [{ areas, phases }] },
    sampler: { type: 'ibs_op' },
  };
}

/**
 * PULL and PUSH hold the share that the search wants; what is idle makes room. Regions must be small: one
 * that is half hot and half idle is eligible as a whole, and with some dozens of them the share that the
 * pair sees strays by points from one second to the next, and the pair after it.
 */
function bandwidthSchemes(): SchemeOptions[] {
  const { id: _id, ...range } = FAST;
  return [
    ...pullPush({
      fast: FAST,
      slow: SLOW,
      targetBp: START_BP,
      tuner: 'proportional',
      szBytes: '1 GiB',
    }),
    {
      name: 'demote',
      action: 'migrate_cold',
      targetNid: 1,
      pattern: { nrAccesses: { max: 0 } },
      filters: [{ type: 'addr', range, allow: true }],
      quota: {
        szBytes: '256 MiB',
        resetIntervalMs: '1 s',
        goals: [{ metric: 'node_mem_free_bp', nid: 0, targetValue: `${SPREAD_FREE_PERCENT} %` }],
        tuner: 'temporal',
      },
    },
  ];
}
