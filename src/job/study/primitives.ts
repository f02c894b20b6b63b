/**
 * Ways to see accesses side by side: the same machine and the same schemes, fed by each of them.
 *
 * What is hot is a count of sampling intervals in which a region was seen accessed; primitives that
 * report in bursts, once per list or scan, are given a threshold of 1. All else is the same. Each is
 * run with the kernel's usual number of regions and with many: a report counts for the whole region
 * it falls in, so warm memory looks hot where regions are large; an accessed bit is one page's. The
 * oracle, which is no primitive, says what a placement can bring. Not modelled: what the schemes'
 * migrations cost the CPUs.
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
  chosen,
  judgedSeconds,
  placementStudy,
  tieringMachine,
  tieringSchemes,
} from './tiering.ts';

interface Primitive {
  readonly label: string;
  readonly sampler: SamplerOptions;
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
    operations: 'paddr_ibs',
    hotAccesses: 5,
  },
  pebs: {
    label: 'PEBS',
    sampler: { type: 'pebs', address: 'physical' },
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

const GROUPS: Readonly<Record<string, AttrsOptions>> = {
  '10 to 1000 regions': { minNrRegions: 10, maxNrRegions: 1_000 },
  '1000 to 4000 regions': MANY_REGIONS,
};
const BEST = 'oracle';
const BOUND = 'the bound';

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
  const cases = Object.entries(GROUPS).flatMap(([group, attrs]) =>
    fed.map(({ label, sampler, hotAccesses, ...seen }) => {
      const schemes = tieringSchemes({ hotAccesses });
      const placement = { source: tieringMachine(sampler), attrs, schemes, ...seen, ...stretch };
      return { name: label, group, placement };
    }),
  );
  const best = { name: BEST, group: BOUND, placement: { ...oracle(), ...stretch } };
  return placementStudy({
    ...how,
    title: 'Primitives side by side: one machine, one pair of schemes',
    machine: [...TIERING_MACHINE, 'quotas 256 MiB per s up, 512 MiB down'],
    cases: [...cases, best],
    baselines: Object.fromEntries([...Object.keys(GROUPS), BOUND].map((group) => [group, BEST])),
  });
}
