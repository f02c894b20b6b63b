/**
 * The tree as one table: every file with its kind, its default and who may write it.
 *
 * `damon-core.md` 9.2; below `sample`, `hardware-sampling.md` 4.1 and 8.1. Not here: anything that
 * happens. Read it from the end.
 */
import { METRIC_NAMES } from '../goal/metric.ts';
import { ACTIONS } from '../scheme/action.ts';
import { OPERATIONS } from '../monitor/operations.ts';
import {
  BIT,
  BOOL,
  CPUS,
  type Format,
  HEX_U32,
  HEX_U64,
  INT,
  INT_RANGELESS,
  PATH,
  POSITIVE_U64,
  TIDS,
  U32,
  U32_RANGELESS,
  U64,
  U64_RANGELESS,
  type Value,
  countTo,
  wordOf,
} from './text.ts';
import {
  CORE_FILTERS,
  GOAL_TUNERS,
  OPS_FILTERS,
  PREP_ACTIONS,
  PROBE_FILTERS,
  SAMPLE_FILTERS,
  SCHEME_FILTERS,
  WATERMARK_METRICS,
} from './words.ts';

/** A directory. */
export interface DirSchema {
  readonly type: 'dir';
  readonly entries: Readonly<Record<string, DirSchema | FileSchema>>;
  /** What its directories `0`, `1`, … are; a count file, or a command, says how many. */
  readonly numbered?: DirSchema;
}

/** What every file has. */
interface Access {
  /** Mode 0600; else 0400. */
  readonly writable: boolean;
  /** Answers `EBUSY` while a command runs; to who writes a count every one does. */
  readonly locked: boolean;
}

/** A file that holds a value. */
export interface ValueFile extends Access {
  readonly type: 'value';
  readonly format: Format;
  readonly initial: Value;
}

/** A file that says how many numbered directories stand beside it. */
export interface CountFile extends Access {
  readonly type: 'count';
  readonly format: Format<bigint>;
  /** `EBUSY` while any monitor runs. */
  readonly onlyWhenStopped: boolean;
}

/** A file that shows what is, not what was written. */
export interface LiveFile extends Access {
  readonly type: 'state' | 'pid' | 'avail_operations';
}

/** A file. */
export type FileSchema = ValueFile | CountFile | LiveFile;

type Entries = DirSchema['entries'];

function dir(entries: Entries): DirSchema {
  return { type: 'dir', entries };
}

function value<V extends Value>(format: Format<V>, initial: V): ValueFile {
  return { type: 'value', format, initial, writable: true, locked: false };
}

function readOnly(): ValueFile {
  return { ...value(U64, 0n), writable: false };
}

function path(): ValueFile {
  return { ...value(PATH, ''), locked: true };
}

function count(more: { readonly max?: bigint; readonly onlyWhenStopped?: true } = {}): CountFile {
  const { max, onlyWhenStopped = false } = more;
  return { type: 'count', format: countTo(max), onlyWhenStopped, writable: true, locked: false };
}

/** Directories of one kind beside the file that counts them. */
function counted(name: string, numbered: DirSchema, file: CountFile = count()): DirSchema {
  return { type: 'dir', entries: { [name]: file }, numbered };
}

const u64 = (initial = 0n): ValueFile => value(U64, initial);
const u32 = (initial = 0n): ValueFile => value(U32, initial);
const int = (initial = 0n): ValueFile => value(INT, initial);
const bool = (initial = false): ValueFile => value(BOOL, initial);
const bit = (initial = false): ValueFile => value(BIT, initial);

function word<const Words extends readonly string[]>(words: Words, initial: string): ValueFile {
  return value(wordOf(words), initial);
}

function bounds(min = 0n, max = 0n): DirSchema {
  return dir({ min: u64(min), max: u64(max) });
}

const INTERVALS = dir({
  sample_us: u64(5_000n),
  aggr_us: u64(100_000n),
  update_us: u64(60_000_000n),
  intervals_goal: dir({
    access_bp: u64(),
    aggrs: u64(),
    min_sample_us: u64(),
    max_sample_us: u64(),
  }),
});

const PROBE = dir({
  weight: u32(),
  preps: counted('nr_preps', dir({ prep_action: word(PREP_ACTIONS, 'set_pgidle') })),
  filters: counted(
    'nr_filters',
    dir({ type: word(PROBE_FILTERS, 'anon'), matching: bool(), allow: bool(), path: path() }),
  ),
});

const SAMPLE_FILTER = dir({
  type: word(SAMPLE_FILTERS, 'cpumask'),
  matching: bool(),
  allow: bool(),
  cpumask: value(CPUS, []),
  tid_arr: value(TIDS, []),
});

// As the default event is a frequency of 0, nothing is sampled until a number is written.
const PERF_EVENT = dir({
  type: value(HEX_U32, 0n),
  config: value(HEX_U64, 0n),
  config1: value(HEX_U64, 0n),
  config2: value(HEX_U64, 0n),
  sample_phys_addr: bit(),
  sample_weight_struct: bit(),
  freq: bit(true),
  sample_freq: u64(),
  sample_period: u64(),
  wakeup_events: u32(1n),
  precise_ip: u32(2n),
  exclude_kernel: bit(true),
  exclude_hv: bit(true),
});

const SAMPLE = dir({
  primitives: dir({ page_table: bool(true), page_fault: bool() }),
  filters: counted('nr_filters', SAMPLE_FILTER),
  perf_events: counted('nr_perf_events', PERF_EVENT, count({ max: 64n })),
});

const TARGET = dir({
  pid_target: value(INT_RANGELESS, 0n),
  obsolete_target: bool(),
  regions: counted('nr_regions', dir({ start: u64(), end: u64() })),
});

const GOAL = dir({
  target_metric: word(METRIC_NAMES, 'user_input'),
  target_value: u64(),
  current_value: u64(),
  nid: int(),
  path: path(),
});

const QUOTAS = dir({
  ms: value(U64_RANGELESS, 0n),
  bytes: value(U64_RANGELESS, 0n),
  reset_interval_ms: value(U64_RANGELESS, 0n),
  effective_bytes: readOnly(),
  goal_tuner: word(GOAL_TUNERS, 'consist'),
  fail_charge_num: value(U32_RANGELESS, 0n),
  fail_charge_denom: value(U32_RANGELESS, 0n),
  weights: dir({ sz_permil: u32(), nr_accesses_permil: u32(), age_permil: u32() }),
  goals: counted('nr_goals', GOAL),
});

/** The default type is `anon` in every directory, also where `anon` may not be written. */
function schemeFilters(types: readonly string[]): DirSchema {
  const filter = dir({
    type: word(types, 'anon'),
    matching: bool(),
    allow: bool(),
    memcg_path: path(),
    addr_start: u64(),
    addr_end: u64(),
    min: u64(),
    max: u64(),
    damon_target_idx: int(),
  });
  return counted('nr_filters', filter);
}

const TRIED_REGION = dir({
  start: readOnly(),
  end: readOnly(),
  nr_accesses: readOnly(),
  age: readOnly(),
  sz_filter_passed: readOnly(),
  probes: { ...dir({}), numbered: dir({ hits: readOnly() }) },
});

const SCHEME = dir({
  action: word(ACTIONS, 'stat'),
  apply_interval_us: u64(),
  target_nid: int(-1n),
  access_pattern: dir({ sz: bounds(), nr_accesses: bounds(), age: bounds() }),
  quotas: QUOTAS,
  watermarks: dir({
    metric: word(WATERMARK_METRICS, 'none'),
    interval_us: u64(),
    high: u64(),
    mid: u64(),
    low: u64(),
  }),
  core_filters: schemeFilters(CORE_FILTERS),
  ops_filters: schemeFilters(OPS_FILTERS),
  filters: schemeFilters(SCHEME_FILTERS),
  dests: counted('nr_dests', dir({ id: u32(), weight: u32() })),
  stats: dir({
    nr_tried: readOnly(),
    sz_tried: readOnly(),
    nr_applied: readOnly(),
    sz_applied: readOnly(),
    sz_ops_filter_passed: readOnly(),
    qt_exceeds: readOnly(),
    nr_snapshots: readOnly(),
    max_nr_snapshots: u64(),
  }),
  tried_regions: { ...dir({ total_bytes: readOnly() }), numbered: TRIED_REGION },
});

const CONTEXT = dir({
  avail_operations: { type: 'avail_operations', writable: false, locked: false },
  operations: word(OPERATIONS, 'vaddr'),
  addr_unit: value(POSITIVE_U64, 1n),
  pause: bool(),
  monitoring_attrs: dir({
    intervals: INTERVALS,
    nr_regions: bounds(10n, 1_000n),
    probes: counted('nr_probes', PROBE, count({ max: 4n })),
    sample: SAMPLE,
  }),
  targets: counted('nr_targets', TARGET),
  schemes: counted('nr_schemes', SCHEME),
});

const KDAMOND = dir({
  state: { type: 'state', writable: true, locked: true },
  pid: { type: 'pid', writable: false, locked: true },
  refresh_ms: u32(),
  contexts: counted('nr_contexts', CONTEXT, count({ max: 1n })),
});

/** The root. */
export const ADMIN: DirSchema = dir({
  kdamonds: counted('nr_kdamonds', KDAMOND, count({ onlyWhenStopped: true })),
});
