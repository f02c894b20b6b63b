/**
 * Ways to see accesses side by side: the same machine and the same schemes, fed by each of them.
 *
 * What is hot is a count of sampling intervals in which a region was seen accessed; primitives that
 * report in bursts, once per list or scan, are given a threshold of 1. All else is the same. Two things
 * decide who is ahead, so each is run under both of each:
 *
 * - regions: a report counts for the whole region it falls in, so warm memory looks hot where regions are
 *   large; an accessed bit is one page's.
 * - pages: accessed bits are set by walks, and of pages of 2 MiB the TLB holds all that is touched here
 *   (4096 of them, 8 GiB), so nothing looks accessed; samples do not care.
 *
 * Each is compared with accessed bits seed by seed, as the RFC claims that hardware sampling shortens the
 * ramp and lowers the oscillation. The oracle, which is no primitive, says what a placement can bring.
 */
import type { AttrsOptions } from '../../monitor/attrs.ts';
import type { OperationsName } from '../../monitor/operations.ts';
import type { PlacementRecord } from '../../report/placement.ts';
import type { SamplerOptions } from '../../sampler/sampler.ts';
import { oracle } from './policies.ts';
import type { StudyRunOptions } from './study.ts';
import {
  BURST_SLOTS,
  LEAD_SECONDS,
  MANY_REGIONS,
  NO_SAMPLER,
  TIERING_MACHINE,
  type TieringMachineOptions,
  chosen,
  judgedSeconds,
  placementStudy,
  tieringMachine,
  tieringSchemes,
} from './tiering.ts';

interface Primitive {
  readonly label: string;
  readonly sampler: SamplerOptions;
  /** A sixteenth of its samples; an accessed bit is looked at as often as ever. */
  readonly rarely?: SamplerOptions;
  readonly operations: OperationsName;
  readonly hotAccesses: number;
  readonly laneSlots?: number;
}

/** A way to see accesses. */
export type PrimitiveName = 'ibs' | 'pebs' | 'hotness_unit' | 'accessed_bits' | 'hint_faults';

const PRIMITIVES: Readonly<Record<PrimitiveName, Primitive>> = {
  ibs: {
    label: 'IBS Op',
    sampler: { type: 'ibs_op' },
    rarely: { type: 'ibs_op', period: 16 * 262_144 },
    operations: 'paddr_ibs',
    hotAccesses: 5,
  },
  pebs: {
    label: 'PEBS',
    sampler: { type: 'pebs', address: 'physical' },
    rarely: { type: 'pebs', address: 'physical', frequency: 313 },
    operations: 'paddr_ibs',
    hotAccesses: 5,
  },
  hotness_unit: {
    label: 'CXL hotness unit',
    sampler: { type: 'chmu', nodes: [1], listEntries: 16_384 },
    operations: 'paddr_ibs',
    hotAccesses: 1,
    laneSlots: BURST_SLOTS,
  },
  accessed_bits: {
    label: 'accessed bits',
    sampler: NO_SAMPLER,
    rarely: NO_SAMPLER,
    operations: 'paddr',
    hotAccesses: 5,
  },
  hint_faults: {
    label: 'hint faults',
    sampler: { type: 'hint_faults' },
    operations: 'paddr_ibs',
    hotAccesses: 1,
    laneSlots: BURST_SLOTS,
  },
};

/** All of them. */
export const PRIMITIVE_NAMES: readonly PrimitiveName[] = Object.keys(PRIMITIVES) as PrimitiveName[];

/** Which primitives, for how long. */
export interface PrimitivesOptions extends StudyRunOptions {
  /** @default all */
  readonly primitives?: readonly PrimitiveName[];
  /** Simulated seconds after the hot set moved. From 2. @default 40 */
  readonly seconds?: number;
}

const FEW_REGIONS: AttrsOptions = { minNrRegions: 10, maxNrRegions: 1_000 };

interface Circumstances extends Pick<TieringMachineOptions, 'pageSize'> {
  readonly attrs: AttrsOptions;
  /** The samplers take a sixteenth of their samples; those that have no such rate stay away. */
  readonly rarely?: boolean;
}

const GROUPS: Readonly<Record<string, Circumstances>> = {
  '10 to 1000 regions': { attrs: FEW_REGIONS },
  '10 to 1000 regions, a sixteenth of the samples': { attrs: FEW_REGIONS, rarely: true },
  '1000 to 4000 regions': { attrs: MANY_REGIONS },
  '10 to 1000 regions, 2 MiB pages': { attrs: FEW_REGIONS, pageSize: '2 MiB' },
  '1000 to 4000 regions, 2 MiB pages': { attrs: MANY_REGIONS, pageSize: '2 MiB' },
};
const REFERENCE: PrimitiveName = 'accessed_bits';
const BOUND = 'the bounds';
/** By size of the pages. */
const BEST = { '4 KiB': 'oracle', '2 MiB': 'oracle, 2 MiB pages' } as const;
const PAGE_SIZES = ['4 KiB', '2 MiB'] as const;

/**
 * Runs the machine under each primitive, and under the oracle.
 *
 * @example
 * ```ts
 * import { primitives } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const { runsDone, runsPlanned } = await primitives({ primitives: ['ibs', 'pebs'], signal });
 * console.log(`${runsDone} of ${runsPlanned}`);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export async function primitives(options: PrimitivesOptions = {}): Promise<PlacementRecord> {
  const { primitives: names = PRIMITIVE_NAMES, seconds = 40, ...how } = options;
  const stretch = {
    seconds: LEAD_SECONDS + judgedSeconds(seconds),
    fromSecond: LEAD_SECONDS,
  };
  const fed = chosen('primitives', PRIMITIVE_NAMES, names).map((name) => PRIMITIVES[name]);
  const cases = Object.entries(GROUPS).flatMap(([group, { attrs, rarely, ...machine }]) =>
    fed.flatMap(({ label, sampler: often, rarely: seldom, hotAccesses, ...seen }) => {
      const sampler = rarely ? seldom : often;
      if (sampler === undefined) return [];
      const source = tieringMachine(sampler, machine);
      const schemes = tieringSchemes({ hotAccesses });
      const placement = { source, attrs, schemes, ...seen, ...stretch };
      return [{ name: label, group, placement }];
    }),
  );
  const bounds = PAGE_SIZES.map((pageSize) => ({
    name: BEST[pageSize],
    group: BOUND,
    placement: { ...oracle({ pageSize }), ...stretch },
  }));
  const baselines = Object.entries(GROUPS).map(([group, { pageSize = '4 KiB' }]) => [
    group,
    BEST[pageSize],
  ]);
  return placementStudy({
    ...how,
    title: 'Primitives side by side: one machine, one pair of schemes',
    machine: [...TIERING_MACHINE, 'quotas 256 MiB per s up, 512 MiB down'],
    cases: [...cases, ...bounds],
    reference: PRIMITIVES[REFERENCE].label,
    baselines: { ...Object.fromEntries(baselines), [BOUND]: BEST['4 KiB'] },
  });
}
