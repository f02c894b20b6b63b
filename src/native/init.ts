/** Resolved options in the shape the addon takes, and its failures as errors. */
import type {
  AreaInit,
  ChmuInit,
  ContextInit,
  EmulationInit,
  Failure,
  FilterInit,
  GoalInit,
  HintFaultsInit,
  IbsOpInit,
  LineInit,
  LiveInit,
  LatenessInit,
  MachineInit,
  MonitorInit,
  NativeLive,
  NativeMonitor,
  NativeOperationsRegistry,
  QuestionCall,
  PebsInit,
  PolicyInit,
  ProcessInit,
  ProbeFilterInit,
  ProbeInit,
  QuotaInit,
  RangeInit,
  RecordingInit,
  RestartInit,
  SampleFilterInit,
  SamplerInit,
  SchemeInit,
  TargetInit,
  WatermarksInit,
} from '../../native/binding.cjs';
import { DamonError } from '../errors.ts';
import type { Goal } from '../goal/goal.ts';
import type { LiveKdamondConfig } from '../live/live-kdamond-options.ts';
import type { Emulation, Lateness, Workload } from '../machine/machine.ts';
import type { Policy } from '../machine/policy.ts';
import type { Area, Line, Process } from '../machine/process.ts';
import type { Range } from '../monitor/memory.ts';
import type { ContextConfig, MonitorConfig } from '../monitor/monitor-options.ts';
import type { Probe, ProbeFilter } from '../monitor/probe.ts';
import type { SampleFilter } from '../monitor/sample-filter.ts';
import type { Target } from '../monitor/target.ts';
import type { Chmu } from '../sampler/chmu.ts';
import type { HintFaults } from '../sampler/hint-faults.ts';
import type { IbsOp } from '../sampler/ibs-op.ts';
import type { Pebs } from '../sampler/pebs.ts';
import type { Sampler } from '../sampler/sampler.ts';
import type { OperationsSource } from '../operations/source.ts';
import type { Bounds } from '../scheme/bounds.ts';
import type { Filter } from '../scheme/filter.ts';
import type { Quota } from '../scheme/quota.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { Watermarks } from '../scheme/watermarks.ts';
import type { Recording } from '../trace/recording.ts';
import { native } from './binding.ts';

const NS_PER_MS = 1_000_000;

/**
 * Opens the source and sets the monitor up.
 *
 * @throws DamonError what the source or the core refuses
 */
export function openMonitor(config: MonitorConfig, source: Emulation | Recording): NativeMonitor {
  const { NativeMonitor: Monitor } = native();
  return translating(() =>
    source.type === 'recording'
      ? Monitor.recording(recordingInit(source), monitorInit(config))
      : Monitor.emulation(emulationInit(source, config.seed), monitorInit(config)),
  );
}

/** Whom a monitor of the user's own sets asks. */
export interface OwnSets {
  readonly registry: NativeOperationsRegistry;
  /** Called on this thread, while a run is in progress. */
  readonly ask: (question: QuestionCall) => void;
}

/** {@link openMonitor} over sets of the user's own. */
export function openOwn(
  config: MonitorConfig,
  { startNs, nodes }: OperationsSource,
  { registry, ask }: OwnSets,
): NativeMonitor {
  const { NativeMonitor: Monitor } = native();
  const source = { startNs, nodes: nodes.length };
  return translating(() => Monitor.written(source, registry, monitorInit(config), ask));
}

/**
 * Sets a live monitor up.
 *
 * @param wake called on this thread when there is mail; the addon keeps it until the monitor goes
 * @throws DamonError what the core refuses
 */
export function openLive(config: LiveKdamondConfig, wake: () => void): NativeLive {
  const { NativeLive: Live } = native();
  return translating(() => Live.create(liveInit(config), monitorInit(config), wake));
}

/** Calls the addon and throws its failures as {@link DamonError}. */
export function translating<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw failureOf(error) ?? error;
  }
}

/** The error that a failure tells of. */
export function toError(failure: Failure): DamonError {
  const { code, message, path, expected, received } = failure;
  return new DamonError(message, {
    code,
    ...(path && { path }),
    ...(expected && { expected }),
    ...(received && { received }),
    ...hintFor(code),
  });
}

function hintFor(code: string): { hint?: string } {
  const isRow = ['ROW', 'TIME', 'CPU', 'ADDRESS'].some(
    (kind) => code === `ERR_DAMON_TRACE_${kind}`,
  );
  return isRow ? { hint: 'badRows: "count" (--bad-rows count) counts such rows and goes on' } : {};
}

/** The addon throws errors whose message is a failure as JSON. */
function failureOf(error: unknown): DamonError | undefined {
  if (!(error instanceof Error) || !error.message.startsWith('{')) return undefined;
  try {
    return toError(JSON.parse(error.message) as Failure);
  } catch {
    return undefined;
  }
}

function monitorInit(config: MonitorConfig): MonitorInit {
  return {
    context: contextInit(config),
    snapshotEveryNs: config.everyMs * NS_PER_MS,
    laneSlots: config.laneSlots,
    seed: config.seed,
  };
}

/** What is monitored, and what is done about it, in the shape the addon takes. */
export function contextInit(config: ContextConfig): ContextInit {
  return {
    operations: config.operations,
    addresses: config.addresses,
    addrUnit: config.addrUnit,
    ...(config.targets && { targets: config.targets.map(targetInit) }),
    attrs: { ...config.attrs, intervalsGoal: { ...config.attrs.intervalsGoal } },
    sampleFilters: config.sampleFilters.map(sampleFilterInit),
    probes: config.probes.map(probeInit),
    schemes: config.schemes.map(schemeInit),
    paused: config.paused,
    attemptAnyAction: config.unsupportedActions === 'attempt',
  };
}

function targetInit({ tgid, regions, obsolete }: Target): TargetInit {
  return {
    ...(tgid !== undefined && { tgid }),
    regions: regions.map(rangeInit),
    obsolete: obsolete ?? false,
  };
}

function sampleFilterInit(filter: SampleFilter): SampleFilterInit {
  const { type, matching, allow } = filter;
  return {
    type,
    cpus: type === 'cpumask' ? [...filter.cpus] : [],
    tids: type === 'threads' ? [...filter.tids] : [],
    matching,
    allow,
  };
}

function probeInit({ weight, preps, filters }: Probe): ProbeInit {
  return { weight, preps: [...preps], filters: filters.map(probeFilterInit) };
}

function probeFilterInit(filter: ProbeFilter): ProbeFilterInit {
  const { type, matching, allow } = filter;
  return {
    type,
    matching,
    allow,
    ...(type === 'memcg' && { memcg: filter.memcg }),
    ...(type === 'hugepage_size' && { size: boundsInit(filter.szBytes) }),
  };
}

function liveInit({ highWaterMark, overflow }: LiveKdamondConfig): LiveInit {
  return { highWaterMark, overflow };
}

function schemeInit({ pattern, ...scheme }: Scheme): SchemeInit {
  return {
    action: scheme.action,
    ...(scheme.targetNid !== undefined && { targetNid: scheme.targetNid }),
    destinations: scheme.destinations.map((to) => ({ ...to })),
    size: boundsInit(pattern.szBytes),
    nrAccesses: boundsInit(pattern.nrAccesses),
    age: boundsInit(pattern.age),
    applyIntervalUs: scheme.applyIntervalUs,
    quota: quotaInit(scheme.quota),
    watermarks: watermarksInit(scheme.watermarks),
    filters: scheme.filters.map(filterInit),
    maxNrSnapshots: scheme.maxNrSnapshots,
  };
}

function quotaInit(quota: Quota): QuotaInit {
  return {
    timeMs: quota.timeMs,
    szBytes: quota.szBytes,
    resetIntervalMs: quota.resetIntervalMs,
    weightNrAccesses: quota.weights.nrAccessesPermil,
    weightAge: quota.weights.agePermil,
    failChargeNum: quota.failCharge?.numerator ?? 0,
    failChargeDenom: quota.failCharge?.denominator ?? 0,
    goals: quota.goals.map(goalInit),
  };
}

/** What the addon is to measure for a goal; a metric of the user's own is measured here. */
export function goalInit({ metric, nid, memcg }: Goal): GoalInit {
  return {
    metric: typeof metric === 'object' ? 'user_input' : metric,
    ...(nid !== undefined && { nid }),
    ...(memcg !== undefined && { memcg }),
  };
}

function watermarksInit(marks: Watermarks): WatermarksInit {
  const { metric, intervalUs, highPermil: high, midPermil: mid, lowPermil: low } = marks;
  return { metric, intervalUs, high, mid, low };
}

function filterInit(filter: Filter): FilterInit {
  const { type, matching, allow } = filter;
  return {
    type,
    matching,
    allow,
    ...(type === 'addr' && { range: rangeInit(filter.range) }),
    ...(type === 'target' && { target: filter.target }),
    ...(type === 'memcg' && { memcg: filter.memcg }),
    ...(type === 'hugepage_size' && { size: boundsInit(filter.szBytes) }),
    ...(type === 'probe_hits_wsum' && { hits: boundsInit(filter.hits) }),
  };
}

function boundsInit({ min, max }: Bounds): { min: number; max?: number } {
  return max === undefined ? { min } : { min, max };
}

function rangeInit({ start, end }: Range): RangeInit {
  return { start, end };
}

function recordingInit(source: Recording): RecordingInit {
  return {
    path: source.path,
    countBadRows: source.badRows === 'count',
    cpusMax: source.cpus,
    gapMaxNs: source.gapMaxNs,
    nodes: source.nodes.map(rangeInit),
    regions: source.regions.map(rangeInit),
  };
}

function emulationInit(source: Emulation, seed: number): EmulationInit {
  const { sampler, workload } = source;
  return {
    machine: machineInit(source),
    isShort: workload.type === 'hot_set',
    sampler: samplerInit(sampler),
    ...(source.policy && { policy: policyInit(source.policy) }),
    ...(source.lateness && { lateness: latenessInit(source.lateness) }),
    ...(source.threads !== undefined && { threads: source.threads }),
    seed,
  };
}

function latenessInit({ wakeUpUs, works }: Lateness): LatenessInit {
  return { wakeUpNs: wakeUpUs * 1_000, works };
}

function policyInit({ demotion, fastNid, slowNid, ...policy }: Policy): PolicyInit {
  const { type } = policy;
  return {
    fastNid,
    slowNid,
    ...demotion,
    ...(type === 'pghot' && { pghot: { ...policy, rateLimit: policy.rateLimitBytesPerS } }),
    ...(type === 'oracle' && { oracle: { ...policy } }),
  };
}

/** Another sampler in the place of the one there is, in the shape the addon takes. */
export function restartInit(sampler: Sampler, seed: number): RestartInit {
  return { sampler: samplerInit(sampler), seed };
}

function samplerInit(sampler: Sampler): SamplerInit {
  const { type } = sampler;
  switch (type) {
    case 'ibs_op':
      return { ibsOp: ibsOpInit(sampler) };
    case 'pebs':
      return { pebs: pebsInit(sampler) };
    case 'chmu':
      return { chmu: chmuInit(sampler) };
    case 'hint_faults':
      return { hintFaults: hintFaultsInit(sampler) };
    case 'page_faults':
      return { pageFaults: { ...sampler, physical: sampler.address === 'physical' } };
  }
}

function ibsOpInit({ counting, latencyMin, rateHz, dataShare, ...ibsOp }: IbsOp): IbsOpInit {
  return {
    ...ibsOp,
    countOps: counting === 'ops',
    ...(latencyMin !== undefined && { latencyMin }),
    ...(rateHz !== undefined && { rateHz }),
    ...(dataShare !== undefined && { dataShare }),
  };
}

function pebsInit({ address, nodes, period, frequency, ...pebs }: Pebs): PebsInit {
  return {
    ...pebs,
    nodes: [...nodes],
    physical: address === 'physical',
    ...(period !== undefined && { period }),
    ...(frequency !== undefined && { frequency }),
  };
}

function chmuInit({ mode, nodes, ...chmu }: Chmu): ChmuInit {
  return { ...chmu, nodes: [...nodes], alwaysOn: mode === 'always_on' };
}

function hintFaultsInit({ address, nodes, ...faults }: HintFaults): HintFaultsInit {
  const { rateLimitBytesPerS: rateLimit, ...rest } = faults;
  return { ...rest, rateLimit, nodes: [...nodes], physical: address === 'physical' };
}

function machineInit({ nodes, processor, workload, ...machine }: Emulation): MachineInit {
  const { l1Bytes, l2Bytes, l3Bytes, hotplug, ...rest } = processor;
  const processes =
    workload.type === 'hot_set' ? [hotSetProcess(workload, nodes.length)] : workload.processes;
  return {
    nodes: nodes.map(({ start, end, bandwidthBytesPerS, ...node }) => ({
      start,
      end,
      bandwidth: bandwidthBytesPerS,
      idleLatencyNs: node.idleLatencyNs,
      flatShare: node.flatShare,
      socket: node.socket,
      reserveBytes: node.reserveBytes,
    })),
    distances: machine.distances.map((row) => [...row]),
    processor: {
      ...rest,
      cacheBytes: [l1Bytes, l2Bytes, l3Bytes],
      cacheCycles: [...CACHE_CYCLES],
      hotplug: hotplug.map(({ atMs, cpus, online }) => ({
        atNs: atMs * NS_PER_MS,
        start: cpus.start,
        end: cpus.end,
        online,
      })),
    },
    migration: { ...machine.migration },
    processes: processes.map(processInit),
  };
}

/** Cycles to the data in each level: Zen 4 and 5, and not far from others. */
const CACHE_CYCLES = [4, 14, 50] as const;

/** The short form in full. */
function hotSetProcess(workload: Workload, nodes: number): Process {
  const { bytes, hotBytes, hotShare, storeShare } = workload;
  const interleave = workload.interleave ?? Array.from({ length: nodes }, () => 1);
  const pattern = { type: 'hot_set', hotBytes, hotShare, offsetBytes: 0, driftBytes: 0 } as const;
  return {
    tgid: 1,
    memcg: '/',
    areas: [{ name: 'memory', bytes, kind: 'anon', pageSize: '4 KiB', placement: { interleave } }],
    phases: [{ lines: [{ area: 0, pattern, weight: 1, storeShare }] }],
    repeats: false,
    memoryShare: 0.41,
    cyclesPerOp: 0.4,
  };
}

function processInit({ cpus, areas, phases, ...process }: Process): ProcessInit {
  return {
    ...process,
    ...(cpus && { cpus: [cpus.start, cpus.end] }),
    areas: areas.map(areaInit),
    phases: phases.map(({ durationMs, lines }) => ({
      ...(durationMs !== undefined && { durationNs: durationMs * NS_PER_MS }),
      lines: lines.map(lineInit),
    })),
  };
}

function areaInit({ name, bytes, kind, pageSize, placement }: Area): AreaInit {
  const huge = pageSize === '2 MiB';
  if (placement === 'local') return { name, bytes, kind, huge };
  return 'preferred' in placement
    ? { name, bytes, kind, huge, preferred: placement.preferred }
    : { name, bytes, kind, huge, interleave: [...placement.interleave] };
}

function lineInit({ pattern, reuse, parallelism, ...line }: Line): LineInit {
  const { type, ...rest } = pattern as { type: string } & Partial<
    Record<'hotBytes' | 'hotShare' | 'offsetBytes' | 'driftBytes' | 'theta' | 'strideBytes', number>
  > & { scattered?: boolean };
  const { driftBytes, ...fields } = rest;
  return {
    ...line,
    ...fields,
    pattern: type,
    ...(driftBytes !== undefined && { drift: driftBytes }),
    ...(reuse !== undefined && { reuse }),
    ...(parallelism !== undefined && { parallelism }),
  };
}
