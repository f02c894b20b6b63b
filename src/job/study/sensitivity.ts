/**
 * On which of the model's parameters the demonstration's result depends: one of them is changed at a
 * time, all else stays as the RFC has it.
 *
 * What a real machine has and this model of it has not is told by what the parameters do here:
 * `start` is where the share happens to be when the loop begins, so the phase of its cycle; `cold`
 * is other memory, eligible when it is sampled; `busy` is migrations that fail, each charged to the quota;
 * `late` is a monitor's thread that wakes up late, and one that does not monitor while it migrates.
 *
 * What to expect: a share that goes a step of one quota towards its target in each window ends as a cycle
 * of two points, whose standard deviation is half a step, 0.78 points for the RFC's, wherever it starts;
 * only its mean depends on that. Deciding by what was read a window before makes it a cycle of six
 * with √(11/12) of a step, 1.50 points. The 1.28 published for 30 % lie between the two.
 */
import { refuse } from '../../errors.ts';
import type {
  EmulationOptions,
  LatenessOptions,
  MigrationOptions,
  WorkloadOptions,
} from '../../machine/machine.ts';
import { RFC_MACHINE, RFC_SAMPLER, RFC_WORKLOAD } from '../../machine/preset.ts';
import type { AttrsOptions } from '../../monitor/attrs.ts';
import type { IbsOpOptions } from '../../sampler/ibs-op.ts';
import type { StudyRecord } from '../../report/study.ts';
import { secondsOfMinutes } from '../minutes.ts';
import type { Controller, LoopOptions } from './loop.ts';
import { step } from './rows.ts';
import { type CaseOptions, type StudyRunOptions, study } from './study.ts';

/** What is varied, around what. */
export interface SensitivityOptions extends StudyRunOptions {
  /** Share of hot memory on DRAM in percent, above 0 and below 100. @default 70 */
  readonly target?: number;
  /** Simulated minutes of each run. Above 0, at most 1440. @default 5 */
  readonly minutes?: number;
  /** @default "temporal", as the RFC */
  readonly controller?: Controller;
  /** @default all */
  readonly parameters?: readonly ParameterName[];
}

const CODE = 'ERR_DAMON_CONFIG_STUDY';

type Settings = Omit<LoopOptions, 'steps' | 'controller'>;

const workload = (changes: Partial<WorkloadOptions>): Settings => ({
  source: { ...RFC_MACHINE, workload: { ...RFC_WORKLOAD, ...changes } },
});
const sampler = (changes: Omit<IbsOpOptions, 'type'>): Settings => ({
  source: { ...RFC_MACHINE, sampler: { ...RFC_SAMPLER, ...changes } } satisfies EmulationOptions,
});
const migration = (changes: MigrationOptions): Settings => ({
  source: { ...RFC_MACHINE, migration: { ...RFC_MACHINE.migration, ...changes } },
});
const late = (lateness: LatenessOptions, migrationOf: MigrationOptions = {}): Settings => ({
  source: { ...RFC_MACHINE, lateness, migration: { ...RFC_MACHINE.migration, ...migrationOf } },
});
const attrs = (changes: AttrsOptions): Settings => ({ attrs: changes });

/** A parameter of the model. */
export type ParameterName =
  | 'start'
  | 'cold'
  | 'busy'
  | 'late'
  | 'hot'
  | 'period'
  | 'regions'
  | 'aggregation'
  | 'quota'
  | 'window';

/** By parameter: values other than the RFC's, each with what it means to a loop. */
const PARAMETERS: Readonly<Record<ParameterName, readonly (readonly [string, Settings])[]>> = {
  start: [
    ['50.2 % on DRAM', workload({ interleave: [502, 498] })],
    ['50.6 % on DRAM', workload({ interleave: [506, 494] })],
    ['51 % on DRAM', workload({ interleave: [51, 49] })],
    ['51.4 % on DRAM', workload({ interleave: [514, 486] })],
  ],
  cold: [
    [
      '4 GiB with 1 % of accesses',
      workload({ bytes: '36 GiB', hotBytes: '32 GiB', hotShare: 0.99 }),
    ],
    ['16 GiB with 0.1 %', workload({ bytes: '48 GiB', hotBytes: '32 GiB', hotShare: 0.999 })],
  ],
  busy: [
    ['1 % of folios stay', migration({ busyShare: 0.01 })],
    ['5 %', migration({ busyShare: 0.05 })],
    ['20 %', migration({ busyShare: 0.2 })],
  ],
  late: [
    ['1 ms, as the mean of wake-ups', late({ wakeUpUs: '1 ms' })],
    ['20 ms', late({ wakeUpUs: '20 ms' })],
    ['migrates itself, 1.1 us a page', late({ works: true })],
    // Not in batches: the middle of what `samplers.md` 7.5 has for it.
    ['migrates itself, 7.5 us a page', late({ works: true }, { pageNs: 7_500 })],
  ],
  hot: [
    ['8 GiB', workload({ bytes: '8 GiB' })],
    ['16 GiB', workload({ bytes: '16 GiB' })],
    ['64 GiB', workload({ bytes: '64 GiB' })],
  ],
  period: [
    ['32768 cycles', sampler({ period: 32_768 })],
    ['2097152 cycles', sampler({ period: 2_097_152 })],
    ['16777216 cycles', sampler({ period: 16_777_216 })],
  ],
  regions: [
    ['10 to 100', attrs({ maxNrRegions: 100 })],
    ['500 to 1000', attrs({ minNrRegions: 500 })],
    ['1000 to 4000', attrs({ minNrRegions: 1_000, maxNrRegions: 4_000 })],
  ],
  aggregation: [
    ['50 ms', attrs({ aggregationUs: '50 ms' })],
    ['200 ms', attrs({ aggregationUs: '200 ms' })],
    ['1 s', attrs({ aggregationUs: '1 s' })],
  ],
  quota: [
    ['128 MiB', { szBytes: '128 MiB' }],
    ['256 MiB', { szBytes: '256 MiB' }],
    ['1 GiB', { szBytes: '1 GiB' }],
  ],
  window: [
    ['500 ms', { resetIntervalMs: '500 ms' }],
    ['2 s', { resetIntervalMs: '2 s' }],
  ],
};

/** All of them. */
export const PARAMETER_NAMES: readonly ParameterName[] = Object.keys(PARAMETERS) as ParameterName[];

/**
 * Runs the loop as the RFC has it, and with each parameter changed.
 *
 * @example
 * ```ts
 * import { sensitivity } from 'node-damon';
 *
 * const { cases } = await sensitivity({ parameters: ['window'], minutes: 0.05 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
export async function sensitivity(options: SensitivityOptions = {}): Promise<StudyRecord> {
  const { target = 70, minutes = 5, controller = 'temporal', ...more } = options;
  const { parameters = PARAMETER_NAMES, ...how } = more;
  parameters.forEach((name, i) => {
    if (Object.hasOwn(PARAMETERS, name)) return;
    const expected = `one of ${PARAMETER_NAMES.join(', ')}`;
    throw refuse({ code: CODE, path: `parameters[${i}]`, expected, received: name });
  });
  if (!(0 < target && target < 100)) {
    const expected = 'a percentage above 0 and below 100';
    throw refuse({ code: CODE, path: 'target', expected, received: target });
  }
  const steps = [step(target, secondsOfMinutes(minutes, CODE))];
  const cases = parameters.flatMap((parameter) =>
    PARAMETERS[parameter].map(([value, settings]): CaseOptions => ({
      name: `${parameter}: ${value}`,
      loop: { ...settings, controller, steps },
    })),
  );
  const base = { name: 'as the RFC', loop: { controller, steps } };
  return study({ ...how, title: `What ${target} % depends on`, cases: [base, ...cases] });
}
