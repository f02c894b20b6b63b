/** A sampler of the emulated machine, told apart by its type. */
import * as v from 'valibot';

import { type Schema, choice, either } from '../validate.ts';
import { type Chmu, type ChmuOptions, chmuSchema } from './chmu.ts';
import { type HintFaults, type HintFaultsOptions, hintFaultsSchema } from './hint-faults.ts';
import { type IbsOp, type IbsOpOptions, ibsOpSchema } from './ibs-op.ts';
import { type PageFaults, type PageFaultsOptions, pageFaultsSchema } from './page-faults.ts';
import { type Pebs, type PebsOptions, pebsSchema } from './pebs.ts';

/** Any sampler. */
export type SamplerOptions =
  IbsOpOptions | PebsOptions | ChmuOptions | HintFaultsOptions | PageFaultsOptions;

/** {@link SamplerOptions}, resolved. */
export type Sampler = IbsOp | Pebs | Chmu | HintFaults | PageFaults;

const SCHEMAS: ReadonlyMap<unknown, Schema<Sampler>> = new Map<unknown, Schema<Sampler>>([
  ['ibs_op', ibsOpSchema],
  ['pebs', pebsSchema],
  ['chmu', chmuSchema],
  ['hint_faults', hintFaultsSchema],
  ['page_faults', pageFaultsSchema],
]);
const TYPES = either([...SCHEMAS.keys()].map(String));

/** Refuses anything, at the field that should have told which sampler it is. */
const unknownSampler: Schema<never> = v.pipe(
  v.looseObject({ type: v.never(TYPES) }, ({ path }) => (path ? TYPES : 'an object')),
  v.transform(({ type }) => type),
);

/** Reads {@link SamplerOptions}. */
export const samplerSchema: Schema<Sampler> = choice<Sampler>([...SCHEMAS.values()], (input) => {
  const { type } = (input ?? {}) as { type?: unknown };
  return SCHEMAS.get(type) ?? unknownSampler;
});

/** In a few words: which sampler, and how often it looks. */
export function describeSampler(sampler: Sampler): string {
  switch (sampler.type) {
    case 'ibs_op':
      return `IBS Op every ${sampler.period} ${sampler.counting}`;
    case 'pebs':
      return 'PEBS';
    case 'chmu':
      return 'CXL hotness units';
    case 'hint_faults':
      return 'NUMA hint faults';
    case 'page_faults':
      return 'page faults';
  }
}
