/**
 * Rivals side by side on the same machine: DAMON's schemes under two tuners, the kernel's NUMA
 * balancing, pghot, pages spread once and for all, and an oracle.
 *
 * Each rival has the sampler it was made for. Not here: the rivals themselves (see `crates/policy`).
 */
import type { PolicyOptions } from '../../machine/policy.ts';
import type { PlacementRecord } from '../../report/placement.ts';
import type { SamplerOptions } from '../../sampler/sampler.ts';
import type { PlacementOptions } from './placement.ts';
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

type Placer = Pick<PlacementOptions, 'source' | 'schemes' | 'attrs' | 'laneSlots' | 'operations'>;

/** Reclaim wakes below 128 MiB and makes 256 MiB free: an eighth of DRAM, near the schemes' tenth. */
const DEMOTION = { lowBytes: '128 MiB', highBytes: '256 MiB' } as const;

/** As much as a scheme's quota. */
const LIMIT = '256 MiB';

/** Under a policy of the machine's own, with a monitor that only looks on. */
function under(
  policy: PolicyOptions,
  sampler: SamplerOptions,
  machine: TieringMachineOptions = {},
): Placer {
  return { source: { ...tieringMachine(sampler, machine), policy }, operations: 'paddr' };
}

/** Under the oracle. */
export function oracle(machine: TieringMachineOptions = {}): Placer {
  const policy = { type: 'oracle', reserveBytes: '205 MiB', demotion: DEMOTION } as const;
  return under(policy, NO_SAMPLER, machine);
}

/** Who places pages. */
export type PlacerName =
  'damon_temporal' | 'damon_proportional' | 'numa_balancing' | 'pghot' | 'interleave' | 'oracle';

const PLACERS: Readonly<
  Record<PlacerName, { readonly label: string; readonly placer: () => Placer }>
> = {
  damon_temporal: {
    label: 'DAMON, temporal',
    placer: () => ({
      source: tieringMachine({ type: 'ibs_op' }),
      attrs: MANY_REGIONS,
      schemes: tieringSchemes({ tuner: 'temporal' }),
    }),
  },
  damon_proportional: {
    label: 'DAMON, proportional',
    placer: () => ({
      source: tieringMachine({ type: 'ibs_op' }),
      attrs: MANY_REGIONS,
      schemes: tieringSchemes({ tuner: 'proportional' }),
    }),
  },
  numa_balancing: {
    label: 'NUMA balancing',
    placer: () => ({
      laneSlots: BURST_SLOTS,
      ...under(
        { type: 'numa_balancing', demotion: DEMOTION },
        { type: 'hint_faults', nodes: [1], rateLimitBytesPerS: LIMIT },
      ),
    }),
  },
  pghot: {
    label: 'pghot',
    placer: () =>
      under({ type: 'pghot', rateLimitBytesPerS: LIMIT, demotion: DEMOTION }, { type: 'ibs_op' }),
  },
  interleave: {
    label: 'static interleave 1:3',
    placer: () => ({
      // By size, as nobody knows what will be hot.
      source: tieringMachine(NO_SAMPLER, { placement: { interleave: [1, 3] } }),
      operations: 'paddr',
    }),
  },
  oracle: { label: 'oracle', placer: () => oracle() },
};

/** All of them. */
export const PLACER_NAMES: readonly PlacerName[] = Object.keys(PLACERS) as PlacerName[];

/** Which rivals, for how long. */
export interface PoliciesOptions extends StudyRunOptions {
  /** The oracle runs in any case. @default all */
  readonly policies?: readonly PlacerName[];
  /** Simulated seconds after the hot set moved. From 2. @default 40 */
  readonly seconds?: number;
}

const GROUP = 'by policy';

/**
 * Runs the machine under each of them.
 *
 * @example
 * ```ts
 * import { policies } from 'node-damon';
 *
 * const { cases } = await policies({ policies: ['pghot'], seconds: 2 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export async function policies(options: PoliciesOptions = {}): Promise<PlacementRecord> {
  const { policies: names = PLACER_NAMES, seconds = 40, ...how } = options;
  const stretch = {
    seconds: LEAD_SECONDS + judgedSeconds(seconds),
    fromSecond: LEAD_SECONDS,
  };
  const rivals = chosen('policies', PLACER_NAMES, names).filter((name) => name !== 'oracle');
  return placementStudy({
    ...how,
    title: 'Rivals as policies on one machine',
    machine: TIERING_MACHINE,
    cases: [...rivals, 'oracle' as const].map((name) => ({
      name: PLACERS[name].label,
      group: GROUP,
      placement: { ...PLACERS[name].placer(), ...stretch },
    })),
    baselines: { [GROUP]: PLACERS.oracle.label },
  });
}
