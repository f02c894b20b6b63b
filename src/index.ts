/**
 * The public API: importing it loads no addon and does no work.
 *
 * In the order of the data's way: sources, the monitor, what it is told to do, what it reports.
 */

export { CONFIGURATION_A, CONFIGURATION_B, RFC_MACHINE, TWO_SOCKETS } from './machine/preset.ts';
export { gups, masim, multiload, stairs, ycsb } from './machine/workloads.ts';
export type { MasimLine, MasimOptions, MasimRegion, ProgramOptions } from './machine/workloads.ts';
export type {
  EmulatedNodeOptions,
  EmulationOptions,
  LatenessOptions,
  MigrationOptions,
  WorkloadOptions,
} from './machine/machine.ts';
export type {
  NumaBalancingOptions,
  OracleOptions,
  PghotOptions,
  PolicyOptions,
  TieringOptions,
} from './machine/policy.ts';
export type { ProcessorOptions } from './machine/processor.ts';
export type {
  AccessPatternOptions,
  AreaOptions,
  CpuRange,
  EvenPattern,
  HotSetPattern,
  InterleavedPlacement,
  LineOptions,
  PhaseOptions,
  PreferredPlacement,
  ProcessOptions,
  ProcessesOptions,
  StreamPattern,
  ZipfPattern,
} from './machine/process.ts';
export type { NodeTraffic, ProcessThroughput, Throughput } from './machine/throughput.ts';
export type { ChmuOptions } from './sampler/chmu.ts';
export type { HintFaultsOptions } from './sampler/hint-faults.ts';
export type { IbsOpOptions } from './sampler/ibs-op.ts';
export type { InterruptOptions } from './sampler/interrupts.ts';
export type { PageFaultsOptions } from './sampler/page-faults.ts';
export type { PebsEvent, PebsOptions } from './sampler/pebs.ts';
export type { SamplerOptions } from './sampler/sampler.ts';
export { readMachineFile } from './trace/recording.ts';
export type { RecordingOptions } from './trace/recording.ts';

export { Kdamond } from './kdamond.ts';
export type { Intervals, Progress, RunOptions } from './kdamond.ts';
export type { CommitOptions, KdamondConfig, KdamondOptions } from './kdamond-options.ts';
export { LiveKdamond } from './live/live-kdamond.ts';
export type {
  LaneCounters,
  LaneReading,
  LaneReadings,
  LiveRunOptions,
  LiveState,
} from './live/live-kdamond.ts';
export type {
  LiveKdamondConfig,
  LiveKdamondOptions,
  LiveOperationsName,
  LiveTargetOptions,
  OverflowPolicy,
  SharedLaneOptions,
} from './live/live-kdamond-options.ts';
export { Lane } from './live/lane.ts';
export type { AccessReport, BatchOutcome, ReportColumns, ReportOutcome } from './live/report.ts';
export type { SharedLane } from './live/shared-lane.ts';
export type {
  ContextConfig,
  ContextOptions,
  MonitorConfig,
  MonitorOptions,
  UnsupportedActions,
} from './monitor/monitor-options.ts';
export type { Target, TargetOptions } from './monitor/target.ts';
export { readCpuList } from './monitor/sample-filter.ts';
export type {
  ProbeFilterOptions,
  ProbeFilterVerdict,
  ProbeHugepageSizeFilterOptions,
  ProbeMemcgFilterOptions,
  ProbeOptions,
  ProbePageFilterOptions,
  ProbePrep,
} from './monitor/probe.ts';
export type {
  CpumaskFilterOptions,
  SampleFilterOptions,
  SampleFilterVerdict,
  ThreadsFilterOptions,
  WriteFilterOptions,
} from './monitor/sample-filter.ts';
export type { AttrsOptions, IntervalsGoalOptions } from './monitor/attrs.ts';
export type { NodeOptions, RangeOptions } from './monitor/memory.ts';
export type { Addresses, OperationsName } from './monitor/operations.ts';

export { OperationsRegistry } from './operations/registry.ts';
export type { OperationsOwner } from './operations/registry.ts';
export type {
  Awaitable,
  OperationsApplied,
  OperationsFilter,
  OperationsGauge,
  OperationsJob,
  OperationsLanes,
  OperationsReading,
  OperationsSet,
  OperationsTarget,
  Sees,
} from './operations/operations-set.ts';
export type { OperationsFailure, OperationsFailureKind } from './operations/answers.ts';
export type {
  OperationsSourceOptions,
  OwnSetOptions,
  RegistryOptions,
} from './operations/source.ts';

export { pullPush } from './scheme/pull-push.ts';
export type { PullPushNode, PullPushOptions } from './scheme/pull-push.ts';
export { holdShares, sharesPhase } from './scheme/hold-shares.ts';
export type { HoldSharesOptions, ShareNode, TransferOptions } from './scheme/hold-shares.ts';
export type { ActionName } from './scheme/action.ts';
export type { BoundsOptions } from './scheme/bounds.ts';
export type {
  AddressFilterOptions,
  FilterOptions,
  FilterVerdict,
  HugepageSizeFilterOptions,
  MemcgFilterOptions,
  PageFilterOptions,
  ProbeHitsFilterOptions,
  TargetFilterOptions,
} from './scheme/filter.ts';
export type { FailChargeOptions, QuotaOptions, WeightsOptions } from './scheme/quota.ts';
export type { DestinationOptions, PatternOptions, SchemeOptions } from './scheme/scheme.ts';
export type { WatermarksOptions } from './scheme/watermarks.ts';
export type { Tuning } from './goal/control.ts';
export type {
  ComplementOptions,
  CustomGoalOptions,
  Goal,
  GoalOptions,
  GoalReading,
  MemcgGoalOptions,
  NodeGoalOptions,
  ShareGoalOptions,
  StallGoalOptions,
  UserInputGoalOptions,
} from './goal/goal.ts';
export type { CustomMetric, MetricMoment, MetricName } from './goal/metric.ts';
export { consist } from './goal/tuner/consist.ts';
export { proportional } from './goal/tuner/proportional.ts';
export type { Phase } from './goal/tuner/proportional.ts';
export { temporal } from './goal/tuner/temporal.ts';
export type {
  CustomTuner,
  CustomTunerInput,
  ScoreInput,
  Tuner,
  TunerInput,
} from './goal/tuner/tuner.ts';
export type { TunerName } from './goal/tuner/tuners.ts';

export type { Round, RoundShare } from './report/round.ts';
export { StretchSeries } from './report/explanation.ts';
export type { ExplainOptions, Explanation, Outcome, Stretch } from './report/explanation.ts';
export type { TriedRegions } from './report/tried.ts';
export { Snapshot, columnsFor } from './report/snapshot.ts';
export type {
  Region,
  SnapshotColumns,
  SnapshotColumnsOptions,
  SnapshotInit,
  SnapshotJson,
  SnapshotTarget,
} from './report/snapshot.ts';
export { hotRanges, workingSet } from './report/hot-ranges.ts';
export type { HotRange, HotRangesOptions, MemoryNode, WorkingSet } from './report/hot-ranges.ts';
export { Heatmap } from './report/heatmap.ts';
export type { HeatmapGrid, HeatmapOptions, HeatmapReadOptions } from './report/heatmap.ts';
export { convergence, convergenceRows } from './report/convergence.ts';
export type { Convergence, ConvergenceRow, TargetStep } from './report/convergence.ts';
export { balance } from './report/record.ts';
export type {
  Counters,
  DrainCounters,
  IntervalCounters,
  LanesCounters,
  AccessCheckCounters,
  LatenessCounters,
  LiveCounters,
  MachineCounters,
  MonitorCounters,
  PolicyCounters,
  QuestionCounters,
  RowCounters,
  SamplerCounters,
  SchemeCounters,
  SnapshotCounters,
} from './report/counters.ts';
export { shareBand, summarize } from './report/study.ts';
export type {
  CaseSummary,
  LoopRun,
  NodeSummary,
  ShareBand,
  StudyCase,
  StudyRecord,
  Versus,
} from './report/study.ts';
export { comparePlacement, summarizePlacement } from './report/placement.ts';
export type {
  PlacementCase,
  PlacementComparison,
  PlacementRecord,
  PlacementRun,
  PlacementSummary,
} from './report/placement.ts';
export type { MeanInterval } from './report/interval.ts';
export type {
  Balance,
  Books,
  DemoRecord,
  Equation,
  Explained,
  ReplayRecord,
  RunEvent,
  RunRecord,
} from './report/record.ts';
export {
  renderBooks,
  renderConvergence,
  renderExplanation,
  renderHeatmap,
  renderHotRanges,
  renderWorkingSet,
} from './report/terminal.ts';
export { renderPlacement } from './report/terminal-placement.ts';
export { renderStudy } from './report/terminal-study.ts';
export { renderHtml } from './report/html.ts';
export type { HtmlReport } from './report/html.ts';

export { defineConfig } from './config/config.ts';
export type { ChangeOptions, OutputOptions, RunConfig, SetGoal } from './config/config.ts';
export { checkConfig, loadConfig } from './config/file.ts';
export { runConfig } from './job/run.ts';
export type { RunHandle, RunHooks } from './job/run.ts';
export type { ExplainHooks } from './job/explained.ts';
export { replay, replayAttrs } from './job/replay.ts';
export type { ReplayOptions } from './job/replay.ts';
export { demo, PUBLISHED } from './job/demo.ts';
export type { DemoOptions } from './job/demo.ts';
export { recordedWorkload } from './job/recorded.ts';
export type { RecordedWorkloadOptions } from './job/recorded.ts';
export { demoRows } from './job/study/rows.ts';
export type { DemoRowsOptions } from './job/study/rows.ts';
export { sensitivity } from './job/study/sensitivity.ts';
export type { ParameterName, SensitivityOptions } from './job/study/sensitivity.ts';
export { shares } from './job/study/shares.ts';
export type { SharesOptions } from './job/study/shares.ts';
export { primitives } from './job/study/primitives.ts';
export type { PrimitiveName, PrimitivesOptions } from './job/study/primitives.ts';
export { regimes } from './job/study/regimes.ts';
export type { RegimeName, RegimesOptions } from './job/study/regimes.ts';
export { policies } from './job/study/policies.ts';
export type { PlacerName, PoliciesOptions } from './job/study/policies.ts';
export { study } from './job/study/study.ts';
export type { CaseOptions, StudyOptions, StudyRunOptions } from './job/study/study.ts';
export type { Controller, LoopOptions, LoopStep } from './job/study/loop.ts';

export { AdminTree } from './admin/tree.ts';
export type { AdminStat, AdminTreeOptions } from './admin/tree.ts';
export type { Every } from './admin/clock.ts';
export { AdminError } from './admin/errno.ts';
export type { ErrnoName } from './admin/errno.ts';
export { KdamondEngine } from './admin/engine/kdamond-engine.ts';
export type { KdamondEngineOptions } from './admin/engine/kdamond-engine.ts';
export type {
  AdminAttrs,
  AdminContext,
  AdminCoreFilter,
  AdminDest,
  AdminEngine,
  AdminFilterArguments,
  AdminGoal,
  AdminIntervalsGoal,
  AdminKdamond,
  AdminOpsFilter,
  AdminPattern,
  AdminPerfEvent,
  AdminProbe,
  AdminProbeFilter,
  AdminQuota,
  AdminRange,
  AdminSample,
  AdminSampleFilter,
  AdminScheme,
  AdminStats,
  AdminTarget,
  AdminTriedRegion,
  AdminTriedRegions,
  AdminTunedIntervals,
  AdminVerdict,
  AdminWatermarks,
} from './admin/engine.ts';
export { replayScript } from './admin/script.ts';
export type { ReplayScriptOptions } from './admin/script.ts';
export type { ScriptAnswer, ShellCommand } from './admin/shell/command.ts';
export { AdminMount, mountAdmin } from './admin/mount.ts';
export type { MountAdminOptions, MountEvent } from './admin/mount.ts';

export { libraryPath } from './native/binding.ts';

export type { Address, Bandwidth, Bytes, Duration, Ratio } from './units.ts';
export { DamonError } from './errors.ts';
export type { DamonErrorDetails, DamonErrorJson } from './errors.ts';
