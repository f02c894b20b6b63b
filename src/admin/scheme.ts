/**
 * Builds a scheme from its files.
 *
 * `damon-core.md` 9.2 and 9.3. Whatever fails here is `ENOMEM`: all that the kernel tells of a
 * scheme is that there is none. Not here: what may not stand in a scheme that was built
 * (`checks.ts`).
 */
import { METRIC_NAMES } from '../goal/metric.ts';
import { ACTIONS } from '../scheme/action.ts';
import type {
  AdminCoreFilter,
  AdminDest,
  AdminFilterArguments,
  AdminGoal,
  AdminOpsFilter,
  AdminPattern,
  AdminQuota,
  AdminScheme,
} from './engine.ts';
import type { AdminError, ErrnoName } from './errno.ts';
import { type Dir, unfit } from './node.ts';
import { verdictOf } from './verdict.ts';
import {
  CORE_FILTERS,
  GOAL_TUNERS,
  MEMCG_METRICS,
  OPS_FILTERS,
  WATERMARK_METRICS,
} from './words.ts';

const FILTER_DIRS = ['core_filters', 'ops_filters', 'filters'] as const;

/** The directories of a scheme's filters, in the order in which those are installed. */
export function filtersOf(scheme: Dir): Dir[] {
  return FILTER_DIRS.flatMap((name) => scheme.dir(name).numbered());
}

/** The scheme that a directory `schemes/S` describes. */
export function buildScheme(dir: Dir): AdminScheme {
  const watermarks = dir.dir('watermarks');
  return {
    action: dir.word('action', ACTIONS),
    applyIntervalUs: dir.u64('apply_interval_us'),
    targetNid: dir.number('target_nid'),
    pattern: buildPattern(dir.dir('access_pattern')),
    quota: buildQuota(dir.dir('quotas')),
    watermarks: {
      metric: watermarks.word('metric', WATERMARK_METRICS),
      intervalUs: watermarks.u64('interval_us'),
      high: watermarks.u64('high'),
      mid: watermarks.u64('mid'),
      low: watermarks.u64('low'),
    },
    ...buildFilters(dir),
    dests: dir.dir('dests').numbered().map(buildDest),
    maxNrSnapshots: dir.dir('stats').u64('max_nr_snapshots'),
  };
}

function buildDest(dir: Dir): AdminDest {
  return { id: dir.number('id'), weight: dir.number('weight') };
}

/** Rates and ages lose what is above 32 bits: a minimum of 2^32 is one of 0. */
function buildPattern(dir: Dir): AdminPattern {
  const [sz, rate, age] = [dir.dir('sz'), dir.dir('nr_accesses'), dir.dir('age')];
  return {
    szBytes: { min: sz.u64('min'), max: sz.u64('max') },
    nrAccesses: { min: cut(rate.u64('min')), max: cut(rate.u64('max')) },
    age: { min: cut(age.u64('min')), max: cut(age.u64('max')) },
  };
}

function cut(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

function buildQuota(dir: Dir): AdminQuota {
  const weights = dir.dir('weights');
  return {
    ms: dir.u64('ms'),
    bytes: dir.u64('bytes'),
    resetIntervalMs: dir.u64('reset_interval_ms'),
    goals: buildGoals(dir.dir('goals'), 'ENOMEM'),
    tuner: dir.word('goal_tuner', GOAL_TUNERS),
    failChargeNum: dir.number('fail_charge_num'),
    failChargeDenom: dir.number('fail_charge_denom'),
    weights: {
      sz: weights.number('sz_permil'),
      nrAccesses: weights.number('nr_accesses_permil'),
      age: weights.number('age_permil'),
    },
  };
}

/**
 * The goals of a directory `quotas/goals`. Those without a target do not count: what follows them
 * moves up.
 *
 * @param errno of a goal about no cgroup
 */
export function buildGoals(dir: Dir, errno: ErrnoName): AdminGoal[] {
  const goals: AdminGoal[] = [];
  for (const goal of dir.numbered()) {
    const targetValue = goal.u64('target_value');
    if (targetValue === 0n) continue;
    const metric = goal.word('target_metric', METRIC_NAMES);
    const path = goal.text('path');
    if (MEMCG_METRICS.includes(metric) && path === '') throw noCgroup(goal, 'path', errno);
    const [currentValue, nid] = [goal.u64('current_value'), goal.number('nid')];
    goals.push({ metric, targetValue, currentValue, nid, path });
  }
  return goals;
}

function noCgroup(dir: Dir, name: string, errno: ErrnoName): AdminError {
  return unfit(dir, name, 'the path of a cgroup', errno);
}

interface Filters {
  readonly coreFilters: readonly AdminCoreFilter[];
  readonly opsFilters: readonly AdminOpsFilter[];
}

/** By type, not by directory: a new entry of `core_filters` is `anon`, and so one of the others. */
function buildFilters(dir: Dir): Filters {
  const coreFilters: AdminCoreFilter[] = [];
  const opsFilters: AdminOpsFilter[] = [];
  for (const filter of filtersOf(dir)) {
    const type = filter.wordAmong('type', CORE_FILTERS);
    if (type !== undefined) coreFilters.push({ type, ...buildArguments(filter) });
    else opsFilters.push(buildOpsFilter(filter));
  }
  return { coreFilters, opsFilters };
}

function buildOpsFilter(dir: Dir): AdminOpsFilter {
  const type = dir.word('type', OPS_FILTERS);
  if (type === 'memcg' && dir.text('memcg_path') === '') {
    throw noCgroup(dir, 'memcg_path', 'ENOMEM');
  }
  return { type, ...buildArguments(dir) };
}

function buildArguments(dir: Dir): AdminFilterArguments {
  return {
    ...verdictOf(dir),
    memcgPath: dir.text('memcg_path'),
    addr: { start: dir.u64('addr_start'), end: dir.u64('addr_end') },
    range: { min: dir.u64('min'), max: dir.u64('max') },
    targetIdx: dir.number('damon_target_idx'),
  };
}
