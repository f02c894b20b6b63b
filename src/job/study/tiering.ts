/**
 * A small machine whose hot set moves, and the pair of schemes that tiers it: what the placement
 * studies have in common.
 *
 * 2 GiB of DRAM and 6 GiB of CXL, 1 GiB that nobody touches, 6 GiB of which 1 GiB gets 90 % of the
 * accesses. The hot set is on DRAM at first; then it moves to memory that lies on CXL. Small, so that
 * a run takes seconds. Not here: who is compared.
 */
import { refuse } from '../../errors.ts';
import type { TunerName } from '../../goal/tuner/tuners.ts';
import type { EmulationOptions } from '../../machine/machine.ts';
import type { AttrsOptions } from '../../monitor/attrs.ts';
import type { AreaOptions, PhaseOptions } from '../../machine/process.ts';
import type { PlacementRecord } from '../../report/placement.ts';
import type { SamplerOptions } from '../../sampler/sampler.ts';
import type { SchemeOptions } from '../../scheme/scheme.ts';
import { didYouMean, either } from '../../validate.ts';
import type { PlacementOptions } from './placement.ts';
import { type StudyRunOptions, runSeeds } from './study.ts';

/** Until the hot set moves. */
export const LEAD_SECONDS = 10;
/** Memory of the fast node that is to stay free, in percent. */
export const FREE_PERCENT = 10;

/** So many that a region of warm memory seldom gets a report in a sampling interval. */
export const MANY_REGIONS: AttrsOptions = { minNrRegions: 1_000, maxNrRegions: 4_000 };

/** Slots of a lane that takes a scan's faults, or a list of hot units, which come all at once. */
export const BURST_SLOTS = 65_536;

const FAST = { start: 0, end: '2 GiB' } as const;
const SLOW = { start: '2 GiB', end: '8 GiB' } as const;
const CPUS = 16;
const SECONDS_MAX = 86_400;

/** Looks as rarely as there is: for runs whose sampler nobody listens to. */
export const NO_SAMPLER: SamplerOptions = { type: 'ibs_op', period: 134_217_712 };

/** The machine, in a few short phrases. */
export const TIERING_MACHINE: readonly string[] = [
  'DRAM 2 GiB at 72 GB/s',
  'CXL 6 GiB at 26 GB/s',
  `${CPUS} CPUs`,
  'hot set 1 GiB with 90 % of accesses to 6 GiB, beside 1 GiB idle',
  `the hot set moves to CXL after ${LEAD_SECONDS} s`,
];

/** What else can be said of the machine. */
export interface TieringMachineOptions {
  /** Where memory lies at first. @default DRAM as long as there is room */
  readonly placement?: { readonly preferred: number } | { readonly interleave: readonly number[] };
  /** @default "4 KiB" */
  readonly pageSize?: AreaOptions['pageSize'];
}

/** The machine under a sampler. */
export function tieringMachine(
  sampler: SamplerOptions,
  { placement = { preferred: 0 }, pageSize = '4 KiB' }: TieringMachineOptions = {},
): EmulationOptions {
  const areas = [
    { name: 'idle', bytes: '1 GiB', placement, pageSize },
    { name: 'memory', bytes: '6 GiB', placement, pageSize },
  ];
  const phases = [
    { ...phase('0 B'), durationMs: LEAD_SECONDS * 1_000 },
    // What did not fit on DRAM at first.
    phase('4 GiB'),
  ];
  return {
    type: 'emulation',
    nodes: [
      { name: 'DRAM', ...FAST, bandwidthBytesPerS: 72e9 },
      { name: 'CXL', ...SLOW, kind: 'cxl' },
    ],
    processor: { cpus: CPUS },
    workload: { type: 'processes', processes: [{ areas, phases }] },
    sampler,
  };
}

/** The hot set at a place, for good. */
function phase(offsetBytes: string): PhaseOptions {
  return {
    lines: [{ area: 'memory', pattern: { type: 'hot_set', hotBytes: '1 GiB', offsetBytes } }],
  };
}

/** How the pair of schemes tiers. */
export interface TieringSchemesOptions {
  /** Access count from which memory is hot. @default 5, a quarter of the sampling intervals */
  readonly hotAccesses?: number;
  /** @default "temporal" */
  readonly tuner?: TunerName;
  /** Memory of DRAM that is to stay free, in percent. @default 10 */
  readonly freePercent?: number;
}

/**
 * Hot memory goes to DRAM until 90 % of it is there, as the monitor sees it; the coldest memory goes
 * away from it until a share of it is free.
 */
export function tieringSchemes({
  hotAccesses = 5,
  tuner = 'temporal',
  freePercent = FREE_PERCENT,
}: TieringSchemesOptions = {}): SchemeOptions[] {
  const quota = {
    szBytes: '256 MiB',
    resetIntervalMs: '1 s',
    weights: { nrAccessesPermil: 1_000, agePermil: 1_000 },
    // Free memory is the coldest: trying it must not use the quota up.
    failCharge: { numerator: 1, denominator: 1_024 },
    tuner,
  } as const;
  return [
    {
      name: 'promote',
      action: 'migrate_hot',
      targetNid: 0,
      pattern: { nrAccesses: { min: hotAccesses } },
      filters: [{ type: 'addr', range: SLOW, allow: true }],
      quota: {
        ...quota,
        goals: [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: '90 %' }],
      },
    },
    {
      name: 'demote',
      action: 'migrate_cold',
      targetNid: 1,
      filters: [{ type: 'addr', range: FAST, allow: true }],
      quota: {
        ...quota,
        // Twice what the other may bring: else it would never get there while that is at work.
        szBytes: '512 MiB',
        goals: [{ metric: 'node_mem_free_bp', nid: 0, targetValue: `${freePercent} %` }],
      },
    },
  ];
}

/** Who places pages, with a name. */
export interface PlacementCaseOptions {
  readonly name: string;
  readonly group: string;
  readonly placement: PlacementOptions;
}

/**
 * Runs each case with each seed.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, and what a run would be refused for
 */
export async function placementStudy({
  title,
  machine,
  cases,
  baselines,
  reference,
  ...how
}: StudyRunOptions &
  Pick<PlacementRecord, 'title' | 'machine' | 'baselines' | 'reference'> & {
    readonly cases: readonly PlacementCaseOptions[];
  }): Promise<PlacementRecord> {
  const jobs = cases.map(({ placement }) => ({
    options: placement,
    seconds: placement.seconds,
  }));
  const { byJob, ...record } = await runSeeds('placement', jobs, how);
  return {
    title,
    machine,
    baselines,
    ...(reference !== undefined && { reference }),
    cases: cases.map(({ name, group }, i) => ({ name, group, runs: byJob[i] ?? [] })),
    ...record,
  };
}

/**
 * Seconds of a stretch.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export function judgedSeconds(seconds: number, path = 'seconds'): number {
  if (Number.isInteger(seconds) && 2 <= seconds && seconds <= SECONDS_MAX) return seconds;
  const expected = `whole seconds from 2 to ${SECONDS_MAX}`;
  throw refuse({
    code: 'ERR_DAMON_CONFIG_STUDY',
    path,
    expected,
    received: seconds,
  });
}

/**
 * Of names that can be chosen, those that are.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY` for another, or none
 */
export function chosen<Name extends string>(
  path: string,
  known: readonly Name[],
  names: readonly Name[],
): readonly Name[] {
  const code = 'ERR_DAMON_CONFIG_STUDY';
  if (names.length === 0) {
    throw refuse({ code, path, expected: 'at least one name', received: names });
  }
  names.forEach((name, i) => {
    if (known.includes(name)) return;
    const expected = either(known);
    const hint = didYouMean(String(name), known);
    throw refuse({ code, path: `${path}[${i}]`, expected, received: name, hint });
  });
  return known.filter((name) => names.includes(name));
}
