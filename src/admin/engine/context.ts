/**
 * A context of the tree as a monitor's configuration.
 *
 * All values that the kernel takes are taken; what is beyond what a monitor of ours can do is
 * refused by name, never left out. Not here: what depends on the source, which the addon knows.
 */
import type { Goal } from '../../goal/goal.ts';
import type { Attrs } from '../../monitor/attrs.ts';
import type { ContextConfig } from '../../monitor/monitor-options.ts';
import { type OperationsName, addressesOf, isPhysical } from '../../monitor/operations.ts';
import type { Probe, ProbeFilter } from '../../monitor/probe.ts';
import type { Target } from '../../monitor/target.ts';
import { migrates } from '../../scheme/action.ts';
import type { Filter } from '../../scheme/filter.ts';
import type { Quota } from '../../scheme/quota.ts';
import type { Scheme } from '../../scheme/scheme.ts';
import type {
  AdminAttrs,
  AdminContext,
  AdminCoreFilter,
  AdminGoal,
  AdminOpsFilter,
  AdminProbe,
  AdminProbeFilter,
  AdminQuota,
  AdminScheme,
  AdminTarget,
} from '../engine.ts';
import { AdminError, refused } from '../errno.ts';
import { MEMCG_METRICS } from '../words.ts';
import { bound, capped, capped32, nearest } from './numbers.ts';

/** What a context is translated for. */
export interface Circumstances {
  /** Whether a target is monitored already. */
  readonly hasTarget: boolean;
  /** Whether this is a start: there is nothing yet that could be obsolete. */
  readonly starts: boolean;
  /** Whether the machine has such a control group. */
  readonly hasCgroup: (path: string) => boolean;
}

const MONITORING = 'monitoring_attrs';
const NODE_METRICS: ReadonlySet<string> = new Set([
  'node_mem_used_bp',
  'node_mem_free_bp',
  'node_eligible_mem_bp',
  ...MEMCG_METRICS,
]);

/**
 * The configuration, every value as written.
 *
 * @throws AdminError `EOPNOTSUPP`, `EINVAL`; `ENOMEM` for a scheme that cannot be
 */
export function configOf(context: AdminContext, circumstances: Circumstances): ContextConfig {
  const operations = operationsOf(context);
  if (operations === 'paddr_ibs' && context.addrUnit !== 1n) {
    const expected = '1 where access reports are counted';
    throw refused('EINVAL', { path: 'addr_unit', expected, received: context.addrUnit });
  }
  return {
    operations,
    addresses: addressesOf(operations),
    addrUnit: capped(context.addrUnit),
    targets: targetsOf(context, circumstances),
    attrs: attrsOf(context.attrs),
    probes: context.probes.map(probeOf),
    sampleFilters: context.sample.filters,
    schemes: context.schemes.map((scheme, i) => schemeOf(scheme, i, circumstances)),
    paused: context.pause,
    unsupportedActions: 'attempt',
  };
}

/** With perf events accesses are seen by reports; without, as the name says. */
function operationsOf({ operations, sample }: AdminContext): OperationsName {
  const { primitives, perfEvents } = sample;
  const path = `${MONITORING}/sample/primitives`;
  if (primitives.pageFault) {
    const message = 'Page faults cannot be sampled here';
    throw new AdminError('EOPNOTSUPP', message, { path: `${path}/page_fault` });
  }
  if (perfEvents.length > 0) return operations === 'paddr' ? 'paddr_ibs' : operations;
  if (!primitives.pageTable && operations !== 'paddr_ibs') {
    const message = 'No primitive is left to see accesses with';
    throw new AdminError('EINVAL', message, { path: `${path}/page_table` });
  }
  return operations;
}

function probeOf({ weight, preps, filters }: AdminProbe): Probe {
  return { weight, preps, filters: filters.map(probeFilterOf) };
}

function probeFilterOf({ type, matching, allow, path: memcg }: AdminProbeFilter): ProbeFilter {
  return type === 'memcg' ? { type, matching, allow, memcg } : { type, matching, allow };
}

function attrsOf({ intervalsGoal: goal, ...attrs }: AdminAttrs): Attrs {
  return {
    // An interval of 0 is 1 wherever it divides, and here also where it passes.
    sampleUs: capped(attrs.sampleUs || 1n),
    aggregationUs: capped(attrs.aggregationUs || 1n),
    opsUpdateUs: capped(attrs.opsUpdateUs),
    minNrRegions: capped(attrs.minNrRegions),
    maxNrRegions: capped(attrs.maxNrRegions),
    intervalsGoal: {
      accessBp: capped(goal.accessBp),
      aggregations: capped(goal.aggrs),
      minSampleUs: capped(goal.minSampleUs),
      maxSampleUs: capped(goal.maxSampleUs || 1n),
    },
  };
}

function targetsOf(context: AdminContext, { hasTarget, starts }: Circumstances): Target[] {
  const { operations, targets } = context;
  const obsolete = targets.findIndex((target) => target.obsolete);
  if (starts && obsolete >= 0) {
    const message = 'Expected no target to be obsolete that is not there yet';
    throw new AdminError('EINVAL', message, { path: `targets/${obsolete}/obsolete_target` });
  }
  if (!isPhysical(operations)) return targets.map((target, i) => processOf(target, i));
  // Physical memory is a target even where nobody asks for any of it.
  if (targets.length === 0) return [{ regions: [], obsolete: hasTarget }];
  return targets.map((target) => ({ regions: regionsOf(target), obsolete: target.obsolete }));
}

function processOf(target: AdminTarget, index: number): Target {
  if (target.pid <= 0) {
    const path = `targets/${index}/pid_target`;
    throw refused('EINVAL', { path, expected: 'a process', received: target.pid });
  }
  return { tgid: target.pid, regions: regionsOf(target), obsolete: target.obsolete };
}

function regionsOf({ regions }: AdminTarget): { start: number; end: number }[] {
  return regions.map(({ start, end }) => ({ start: capped(start), end: capped(end) }));
}

function schemeOf(scheme: AdminScheme, index: number, { hasCgroup }: Circumstances): Scheme {
  const { action, targetNid, pattern, watermarks, opsFilters } = scheme;
  const missing = opsFilters.find(
    ({ type, memcgPath }) => type === 'memcg' && !hasCgroup(memcgPath),
  );
  if (missing !== undefined) {
    const [path, received] = [`schemes/${index}/ops_filters`, missing.memcgPath];
    throw refused('ENOMEM', { path, expected: 'about a control group of the machine', received });
  }
  return {
    name: action,
    action,
    // No node, and none that there could be, are tried to no effect.
    ...(migrates(action) && targetNid >= 0 && { targetNid }),
    destinations: migrates(action)
      ? scheme.dests.map(({ id, weight }) => ({ nid: id, weight }))
      : [],
    pattern: {
      szBytes: { min: capped(pattern.szBytes.min), ...bound(pattern.szBytes.max) },
      nrAccesses: pattern.nrAccesses,
      age: pattern.age,
    },
    applyIntervalUs: capped(scheme.applyIntervalUs),
    quota: quotaOf(scheme.quota, index),
    watermarks: {
      metric: watermarks.metric,
      intervalUs: capped(watermarks.intervalUs),
      highPermil: capped(watermarks.high),
      midPermil: capped(watermarks.mid),
      lowPermil: capped(watermarks.low),
    },
    filters: [...scheme.coreFilters.map(coreFilterOf), ...opsFilters.map(opsFilterOf)],
    maxNrSnapshots: capped(scheme.maxNrSnapshots),
  };
}

function quotaOf(quota: AdminQuota, scheme: number): Quota {
  const { weights, failChargeNum: numerator, failChargeDenom: denominator } = quota;
  return {
    timeMs: capped(quota.ms),
    szBytes: capped(quota.bytes),
    resetIntervalMs: capped(quota.resetIntervalMs),
    weights: {
      szPermil: weights.sz,
      nrAccessesPermil: weights.nrAccesses,
      agePermil: weights.age,
    },
    ...(denominator > 0 && { failCharge: { numerator, denominator } }),
    goals: goalsOf(quota.goals, scheme),
    tuner: quota.tuner,
  };
}

/**
 * The goals of a scheme.
 *
 * @throws AdminError `EINVAL` for a node that cannot be: a goal that nothing can meet would open the
 *   loop (`hardware-sampling.md` 6)
 */
export function goalsOf(goals: readonly AdminGoal[], scheme: number): Goal[] {
  return goals.map(({ metric, targetValue, currentValue, nid, path: memcg }) => {
    const ofNode = NODE_METRICS.has(metric);
    if (ofNode && nid < 0) {
      const path = `schemes/${scheme}/quotas/goals`;
      throw refused('EINVAL', { path, expected: 'about a node', received: nid });
    }
    return {
      metric,
      // Beyond 2^53 a share of it is the same to the basis point.
      targetValue: nearest(targetValue),
      currentValue: nearest(currentValue),
      ...(ofNode && { nid }),
      ...(MEMCG_METRICS.includes(metric) && { memcg }),
    };
  });
}

function coreFilterOf(filter: AdminCoreFilter): Filter {
  const { type, matching, allow, addr, range, targetIdx } = filter;
  if (type === 'addr') {
    return { type, matching, allow, range: { start: capped(addr.start), end: capped(addr.end) } };
  }
  if (type === 'probe_hits_wsum') {
    const hits = { min: capped32(range.min), max: capped32(range.max) };
    return { type, matching, allow, hits };
  }
  // What is below 0 is, as in the kernel, no target that there could be.
  return { type: 'target', matching, allow, target: targetIdx >>> 0 };
}

function opsFilterOf({ type, matching, allow, range, memcgPath: memcg }: AdminOpsFilter): Filter {
  switch (type) {
    case 'hugepage_size':
      return { type, matching, allow, szBytes: { min: capped(range.min), ...bound(range.max) } };
    case 'memcg':
      return { type, matching, allow, memcg };
    default:
      return { type, matching, allow };
  }
}
