/**
 * What the core asks of a whole context before it takes it, at a start as at a commit.
 *
 * `damon-core.md` 1.6, 8.1 and 9.3. All of it comes after the building, so a scheme that cannot be
 * built is told first.
 */
import { isPhysical } from '../monitor/operations.ts';
import type { AdminAttrs, AdminContext } from './engine.ts';
import { type Dir, unfit } from './node.ts';
import { filtersOf } from './scheme.ts';
import { isPowerOfTwo } from './targets.ts';

const U32_MAX = 2 ** 32 - 1;
/** Most samples that a probe's hit counter can take. `damon-core.md` 14. */
const MAX_SAMPLES = 255n;

/** @throws AdminError `EINVAL` */
export function checkContext(dir: Dir, context: AdminContext, minRegionSz: bigint): void {
  if (!isPowerOfTwo(minRegionSz)) {
    throw unfit(dir, 'addr_unit', 'such that 4096 / `addr_unit` is a power of two');
  }
  const schemes = dir.dir('schemes').numbered();
  if (!isPhysical(context.operations)) for (const scheme of schemes) checkMetrics(scheme);
  checkWeights(dir.dir('monitoring_attrs'), context.attrs);
  for (const scheme of schemes) checkFilters(scheme);
}

/** Only physical memory lies on nodes. */
function checkMetrics(scheme: Dir): void {
  for (const goal of scheme.dir('quotas').dir('goals').numbered()) {
    const counts = goal.u64('target_value') !== 0n;
    if (counts && goal.text('target_metric') === 'node_eligible_mem_bp') {
      throw unfit(goal, 'target_metric', 'another metric, unless operations are physical');
    }
  }
}

/** Weights replace access checks, and what they add up to must fit. */
function checkWeights(monitoring: Dir, { sampleUs, aggregationUs }: AdminAttrs): void {
  const probes = monitoring.dir('probes').numbered();
  if (probes.every((probe) => probe.u64('weight') === 0n)) return;
  const samples = aggregationUs / (sampleUs || 1n) || 1n;
  if (samples > MAX_SAMPLES) {
    const expected = `at most ${MAX_SAMPLES} sampling intervals, as probes have weights`;
    throw unfit(monitoring.dir('intervals'), 'aggr_us', expected);
  }
  let sum = 0;
  for (const probe of probes) {
    sum += probe.number('weight') * Number(samples);
    if (sum > U32_MAX) {
      throw unfit(probe, 'weight', `such that all weights times ${samples} fit 32 bits`);
    }
  }
}

function checkFilters(scheme: Dir): void {
  for (const filter of filtersOf(scheme)) {
    switch (filter.text('type')) {
      case 'addr':
        inOrder(filter, 'addr_start', 'addr_end');
        break;
      case 'hugepage_size':
      case 'probe_hits_wsum':
        inOrder(filter, 'min', 'max');
        break;
    }
  }
}

function inOrder(filter: Dir, low: string, high: string): void {
  if (filter.u64(high) < filter.u64(low)) throw unfit(filter, high, `at least \`${low}\``);
}
