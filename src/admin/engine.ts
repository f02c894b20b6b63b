/**
 * What the tree asks of whoever runs monitors, and the plain data that goes between the two.
 *
 * Everything is in the kernel's terms: its words, its units, 64-bit numbers as `bigint` and smaller
 * ones as `number`. Not here: any of our own options; an engine translates.
 */
import type { MetricName } from '../goal/metric.ts';
import type { OperationsName } from '../monitor/operations.ts';
import type { Every } from './clock.ts';
import type { ActionName } from '../scheme/action.ts';
import type {
  CORE_FILTERS,
  GOAL_TUNERS,
  OPS_FILTERS,
  PREP_ACTIONS,
  PROBE_FILTERS,
  WATERMARK_METRICS,
} from './words.ts';

/** Runs monitors. */
export interface AdminEngine {
  /** Names for `avail_operations`, in order. A context with any other never gets here. */
  readonly operations: readonly string[];
  /** For `refresh_ms`, by the time that the monitors go by. @default the machine's clock */
  readonly every?: Every;
  /**
   * Starts a monitor. The context has passed every check that needs no running system.
   *
   * Rejects with an `AdminError`: `EINVAL` for a process, cgroup of a probe, or combination that
   * is not there; `ENOMEM` for a scheme that cannot be built, such as for an unknown cgroup;
   * `EBUSY` where something exclusive runs; `ENODEV` for a sampler that is not there; `EOPNOTSUPP`
   * for what it cannot do. Its path, if any, is that of the file at fault below the context's
   * directory, such as `monitoring_attrs/intervals/aggr_us`. The tree tells any other error as
   * `EINVAL` with that error as the cause.
   */
  start(context: AdminContext): Promise<AdminKdamond>;
}

/**
 * One monitor. The tree asks it one thing at a time, and nothing once it is seen not to run.
 * Rejections: as for {@link AdminEngine.start}, and `ECANCELED` from one that stops before it
 * answers.
 */
export interface AdminKdamond {
  /** Whether it runs. May become false by itself. */
  readonly running: boolean;
  /** Shown while it runs. */
  readonly pid: number;
  /** Stops it; resolves when it has stopped. */
  stop(): Promise<void>;
  /** Replaces what it was started with; all of it or, on a rejection, nothing. */
  commit(context: AdminContext): Promise<void>;
  /**
   * Replaces the goals of each scheme, by index, and nothing else of the quota. Lists beyond its
   * schemes are ignored; schemes beyond the lists keep theirs. `EINVAL` for an unknown cgroup.
   */
  commitGoals(goals: readonly (readonly AdminGoal[])[]): Promise<void>;
  /** Counters, by scheme. */
  stats(): Promise<readonly AdminStats[]>;
  /** Size quota in force, by scheme. 0: none, or nothing. */
  effectiveBytes(): Promise<readonly bigint[]>;
  /** The intervals now, tuned or not. */
  tunedIntervals(): Promise<AdminTunedIntervals>;
  /**
   * The regions that each scheme tries in its next round, by scheme. `ECANCELED` when it stops, is
   * paused or deactivated, or has no schemes.
   */
  triedRegions(): Promise<readonly AdminTriedRegions[]>;
}

/** A monitoring context, as its files were when a command was written. `struct damon_ctx`. */
export interface AdminContext {
  readonly operations: OperationsName;
  /** Bytes in a unit of an address or size. For physical operations sets only. Minimum: 1. */
  readonly addrUnit: bigint;
  readonly pause: boolean;
  readonly attrs: AdminAttrs;
  /** At most 4. */
  readonly probes: readonly AdminProbe[];
  readonly targets: readonly AdminTarget[];
  readonly sample: AdminSample;
  readonly schemes: readonly AdminScheme[];
}

/** `struct damon_attrs`. */
export interface AdminAttrs {
  readonly sampleUs: bigint;
  /** Minimum: `sampleUs`. */
  readonly aggregationUs: bigint;
  readonly opsUpdateUs: bigint;
  /** Minimum: 3. */
  readonly minNrRegions: bigint;
  /** Minimum: `minNrRegions`. */
  readonly maxNrRegions: bigint;
  readonly intervalsGoal: AdminIntervalsGoal;
}

/** `struct damon_intervals_goal`. */
export interface AdminIntervalsGoal {
  readonly accessBp: bigint;
  /** 0: intervals are not tuned, and nothing else here counts. */
  readonly aggrs: bigint;
  readonly minSampleUs: bigint;
  readonly maxSampleUs: bigint;
}

/** A data-attribute probe. */
export interface AdminProbe {
  readonly weight: number;
  readonly preps: readonly (typeof PREP_ACTIONS)[number][];
  readonly filters: readonly AdminProbeFilter[];
}

/** What a filter does with what it is about. */
export interface AdminVerdict {
  /** About what matches; `false`: about what does not. */
  readonly matching: boolean;
  /** Lets it through; `false`: rejects it. */
  readonly allow: boolean;
}

/** Which pages a probe counts. */
export interface AdminProbeFilter extends AdminVerdict {
  readonly type: (typeof PROBE_FILTERS)[number];
  /** Path of a memory cgroup as it was written, for `memcg`. */
  readonly path: string;
}

/** What is monitored: a process, or all of physical memory. `struct damon_target`. */
export interface AdminTarget {
  /** Process id, for virtual operations sets. */
  readonly pid: number;
  /** On commit: the target of this index is to go. */
  readonly obsolete: boolean;
  /** Ascending, not empty and apart from each other once aligned outwards to the smallest region. */
  readonly regions: readonly AdminRange[];
}

/** Half-open, in units of {@link AdminContext.addrUnit}. */
export interface AdminRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** How accesses are seen, and which of them. */
export interface AdminSample {
  readonly primitives: { readonly pageTable: boolean; readonly pageFault: boolean };
  readonly filters: readonly AdminSampleFilter[];
  /** At most 64. */
  readonly perfEvents: readonly AdminPerfEvent[];
}

/** Which access reports count. Lists hold at least one. */
export type AdminSampleFilter = AdminVerdict &
  (
    | { readonly type: 'cpumask'; readonly cpus: readonly number[] }
    | { readonly type: 'threads'; readonly tids: readonly number[] }
    | { readonly type: 'write' }
  );

/** A sampler of the machine's. Fields as in `struct perf_event_attr`. */
export interface AdminPerfEvent {
  readonly type: number;
  readonly config: bigint;
  readonly config1: bigint;
  readonly config2: bigint;
  readonly samplePhysAddr: boolean;
  readonly sampleWeightStruct: boolean;
  /** Goes by `sampleFreq`; `false`: by `samplePeriod`. */
  readonly freq: boolean;
  /** Samples per second and CPU. 0: none. */
  readonly sampleFreq: bigint;
  /** Events per sample. */
  readonly samplePeriod: bigint;
  readonly wakeupEvents: number;
  /** Not checked. */
  readonly preciseIp: number;
  readonly excludeKernel: boolean;
  readonly excludeHv: boolean;
}

/** A scheme. `struct damos`. */
export interface AdminScheme {
  readonly action: ActionName;
  /** 0: once per aggregation. */
  readonly applyIntervalUs: bigint;
  /** -1: no node. */
  readonly targetNid: number;
  readonly pattern: AdminPattern;
  readonly quota: AdminQuota;
  readonly watermarks: AdminWatermarks;
  /** In the order of installation. */
  readonly coreFilters: readonly AdminCoreFilter[];
  /** In the order of installation. */
  readonly opsFilters: readonly AdminOpsFilter[];
  /** Where `migrate_*` moves pages instead of `targetNid`. */
  readonly dests: readonly AdminDest[];
  /** 0: no limit. */
  readonly maxNrSnapshots: bigint;
}

/** A node, and its share among the nodes. */
export interface AdminDest {
  readonly id: number;
  readonly weight: number;
}

/** The regions that a scheme is about. Closed bounds; those that no region can meet are allowed. */
export interface AdminPattern {
  readonly szBytes: { readonly min: bigint; readonly max: bigint };
  readonly nrAccesses: { readonly min: number; readonly max: number };
  /** In aggregations. */
  readonly age: { readonly min: number; readonly max: number };
}

/** Limits of what a scheme does in a window. Every 0: not set. `struct damos_quota`. */
export interface AdminQuota {
  readonly ms: bigint;
  readonly bytes: bigint;
  readonly resetIntervalMs: bigint;
  readonly goals: readonly AdminGoal[];
  readonly tuner: (typeof GOAL_TUNERS)[number];
  readonly failChargeNum: number;
  readonly failChargeDenom: number;
  /** Not limited to 1000. */
  readonly weights: { readonly sz: number; readonly nrAccesses: number; readonly age: number };
}

/** What a quota is steered by. `struct damos_quota_goal`. */
export interface AdminGoal {
  readonly metric: MetricName;
  /** In the metric's unit. Minimum: 1. */
  readonly targetValue: bigint;
  /** For `user_input`. */
  readonly currentValue: bigint;
  /** For the metrics about a node. */
  readonly nid: number;
  /** Path of a memory cgroup as it was written, for the metrics about one. */
  readonly path: string;
}

/** Rates in permil. */
export interface AdminWatermarks {
  readonly metric: (typeof WATERMARK_METRICS)[number];
  readonly intervalUs: bigint;
  readonly high: bigint;
  readonly mid: bigint;
  readonly low: bigint;
}

/** All that a scheme filter's files hold; which of it counts is the type's to say. */
export interface AdminFilterArguments extends AdminVerdict {
  /** Path of a memory cgroup as it was written, for `memcg`. */
  readonly memcgPath: string;
  /** For `addr`. */
  readonly addr: AdminRange;
  /** Closed bounds, for `hugepage_size` and `probe_hits_wsum`. */
  readonly range: { readonly min: bigint; readonly max: bigint };
  /** For `target`. */
  readonly targetIdx: number;
}

/** A filter that is asked about regions. */
export interface AdminCoreFilter extends AdminFilterArguments {
  readonly type: (typeof CORE_FILTERS)[number];
}

/** A filter that is asked about pages. */
export interface AdminOpsFilter extends AdminFilterArguments {
  readonly type: (typeof OPS_FILTERS)[number];
}

/** Counters of a scheme since it was made. `damon-core.md` 5.12. */
export interface AdminStats {
  readonly nrTried: bigint;
  readonly szTried: bigint;
  readonly nrApplied: bigint;
  readonly szApplied: bigint;
  readonly szOpsFilterPassed: bigint;
  readonly qtExceeds: bigint;
  readonly nrSnapshots: bigint;
}

/** Monitoring intervals as they are. */
export interface AdminTunedIntervals {
  readonly sampleUs: bigint;
  readonly aggregationUs: bigint;
}

/** What one scheme tried. */
export interface AdminTriedRegions {
  readonly totalBytes: bigint;
  readonly regions: readonly AdminTriedRegion[];
}

/** A region, as it was when it was tried. */
export interface AdminTriedRegion extends AdminRange {
  /** The moving value. */
  readonly nrAccesses: number;
  readonly age: number;
  readonly szFilterPassed: bigint;
  /** By probe. */
  readonly probeHits: readonly number[];
}
